"""Figures: matplotlib figures from plain numbers and records, and nothing else.

The colours are Okabe and Ito's, which colour-blind readers can tell apart. The ground is white and
opaque, so that a figure reads the same on a light and on a dark page.
"""

import io
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from torch import Tensor

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, YELLOW, GREY = "#56B4E9", "#E69F00", "#BBBBBB"
COLOURS = (BLUE, ORANGE, GREEN, PINK, SKY, YELLOW)
WIDTH = 7.2  # inches: JupyterLab's default column at 100 dots an inch

# What a cell of the anatomy is, and its colour and meaning.
CELLS = {
    "trained": (ORANGE, "trained"),
    "read": (SKY, "computed once, then shared"),
    "text": (GREY, "computed by the frozen model"),
    "answer": (GREEN, "answer is read here"),
    "none": ("white", ""),
}


def new(height: float = 3.0, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of the workbook's width and style, with its axes in a row."""
    figure, axes = plt.subplots(
        1, columns, figsize=(WIDTH, height), facecolor="white", squeeze=False, layout="constrained"
    )
    plt.close(figure)  # shown once, where a cell returns it, not a second time by pyplot
    for axis in axes[0]:
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_facecolor("white")
    return figure, list(axes[0])


def anatomy(
    columns: Sequence[tuple[str, str]], layers: int, *, depth: Mapping[int, str] | None = None
) -> Figure:
    """The grid of positions by layers, and which of its cells are trained.

    Parameters
    ----------
    columns
        For each position its label and what it is at the input: a key of `CELLS`.
    layers
        How many layers to draw above the input.
    depth
        For each position whose keys and values are set in the layers too, what they are there.
    """
    figure, (axis,) = new(height=0.32 * (layers + 1) + 1.3)
    used = []
    for position, (label, kind) in enumerate(columns):
        for layer in range(layers + 1):
            if layer == 0:
                cell = "text" if kind == "answer" else kind
            elif kind == "answer" and layer == layers:
                cell = "answer"
            else:
                cell = (depth or {}).get(position, "text")
            used.append(cell)
            axis.add_patch(
                Rectangle((position, layer), 0.9, 0.8, facecolor=CELLS[cell][0], edgecolor="white")
            )
        axis.text(position + 0.45, -0.25, label, ha="right", va="top", rotation=35, fontsize=9)
    axis.set(xlim=(-0.1, len(columns)), ylim=(-0.1, layers + 1))
    axis.set_yticks([0.4, *(layer + 0.4 for layer in range(1, layers + 1))])
    axis.set_yticklabels(["embedding", *(f"layer {layer}" for layer in range(1, layers + 1))])
    axis.set_xticks([])
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    legend = [
        Patch(color=CELLS[cell][0], label=CELLS[cell][1])
        for cell in CELLS
        if cell in used and cell != "none"
    ]
    figure.legend(handles=legend, loc="outside upper center", ncols=len(legend), frameon=False)
    return figure


def accuracies(
    results: Mapping[str, tuple[float, tuple[float, float]]],
    *,
    chance: float = 0.5,
    title: str = "",
) -> Figure:
    """One line a result: accuracy as a dot, its 95% interval as a bar, chance as a dotted line."""
    figure, (axis,) = new(height=0.42 * len(results) + 1.1)
    for row, (accuracy, (low, high)) in enumerate(results.values()):
        axis.plot([low, high], [row, row], color=GREY, linewidth=4, solid_capstyle="round")
        axis.plot(accuracy, row, "o", color=BLUE)
        axis.annotate(
            f"{accuracy:.2f}", (accuracy, row), (0, 7), textcoords="offset points", ha="center"
        )
    axis.axvline(chance, color="black", linestyle=":", linewidth=1, label="chance")
    axis.set_yticks(range(len(results)), list(results))
    axis.set(xlabel="accuracy (bar: 95% interval)", title=title, ylim=(len(results) - 0.4, -0.7))
    figure.legend(loc="outside upper right", frameon=False)  # inside it could hide a bar
    return figure


def losses(runs: Mapping[str, Sequence[float]], *, smooth: int = 8, title: str = "") -> Figure:
    """Training losses by step: a faint dot each, and the mean of the last `smooth` as a line."""
    figure, (axis,) = new()
    for colour, (label, values) in zip(COLOURS, runs.items(), strict=False):
        steps = range(1, len(values) + 1)
        mean = [
            sum(values[max(0, i - smooth) : i]) / min(i, smooth) for i in range(1, len(values) + 1)
        ]
        axis.plot(steps, values, ".", color=colour, alpha=0.25)
        axis.plot(steps, mean, color=colour, label=label)
    axis.set(xlabel="step", ylabel="loss of the batch (nats)", title=title, ylim=(0, None))
    if runs:
        axis.legend(frameon=False)
    return figure


def spread(
    groups: Mapping[str, Sequence[float]],
    *,
    xlabel: str,
    chance: float | None = None,
    dot: str = "one run",
    title: str = "",
) -> Figure:
    """One dot a run (or whatever `dot` says), one line a group, the mean as a bar: what varies."""
    figure, (axis,) = new(height=0.45 * len(groups) + 1.1)
    for row, values in enumerate(groups.values()):
        axis.plot(values, [row] * len(values), "o", color=BLUE, alpha=0.5)
        mean = sum(values) / len(values)
        axis.plot([mean, mean], [row - 0.3, row + 0.3], color=ORANGE, linewidth=3)
    if chance is not None:
        axis.axvline(chance, color="black", linestyle=":", linewidth=1)
    axis.set_yticks(range(len(groups)), list(groups))
    axis.set(xlabel=f"{xlabel} (dot: {dot}, bar: mean)", title=title)
    axis.set_ylim(len(groups) - 0.4, -0.6)
    return figure


def before_after(
    groups: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    names: tuple[str, str],
    *,
    xlabel: str,
    chance: float | None = None,
    title: str = "",
) -> Figure:
    """Two lines of dots a group, before and after something was done, the means as bars.

    Dots that would lie on each other are stacked, so that all of them can be counted.
    """
    figure, (axis,) = new(height=0.62 * len(groups) + 1.4)
    for side, (name, colour) in enumerate(zip(names, (BLUE, ORANGE), strict=True)):
        for row, pair in enumerate(groups.values()):
            values = sorted(pair[side])
            middle = row - 0.2 + 0.4 * side
            level = [values[:i].count(value) for i, value in enumerate(values)]
            up = [
                middle - 0.05 * (at - (values.count(value) - 1) / 2)
                for value, at in zip(values, level, strict=True)
            ]
            axis.plot(
                values,
                up,
                "o",
                color=colour,
                alpha=0.6,
                markersize=5,
                label=name if row == 0 else None,
            )
            mean = sum(values) / len(values)
            axis.plot([mean, mean], [middle - 0.17, middle + 0.17], color=colour, linewidth=3)
    for row in range(1, len(groups)):
        axis.axhline(row - 0.5, color=GREY, linewidth=0.5)
    if chance is not None:
        axis.axvline(chance, color="black", linestyle=":", linewidth=1, label="chance")
    axis.set_yticks(range(len(groups)), list(groups))
    axis.set(xlabel=f"{xlabel} (bar: mean)", title=title, ylim=(len(groups) - 0.5, -0.5))
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def heatmap(values: Tensor, *, xlabel: str, ylabel: str, label: str, title: str = "") -> Figure:
    """A matrix as colours, [rows, columns], row 0 at the bottom."""
    figure, (axis,) = new(height=3.6)
    image = axis.imshow(values.float().cpu().numpy(), origin="lower", aspect="auto", cmap="cividis")
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    figure.colorbar(image, label=label)
    return figure


def walk(x: Sequence[float], y: Sequence[float], at: int, *, xlabel: str, ylabel: str) -> Figure:
    """A curve, and a point on it: where a slider stands."""
    figure, (axis,) = new(height=2.6)
    axis.plot(x, y, color=GREY)
    axis.plot(x[at], y[at], "o", color=ORANGE, markersize=9)
    axis.annotate(f"{y[at]:.3f}", (x[at], y[at]), (0, 10), textcoords="offset points", ha="center")
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.margins(y=0.25)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as PNG bytes, for an Image widget: it changes without flicker."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=100)
    return stream.getvalue()


def card(title: str, words: Sequence[str], plots: Sequence[np.ndarray]) -> Figure:
    """What a panel shows where no kernel runs: its controls as words, and its plots below."""
    lines = len(words) + 2
    tall = [plot.shape[0] / plot.shape[1] * WIDTH for plot in plots]
    figure = Figure(figsize=(WIDTH, 0.2 * lines + sum(tall)), facecolor="white")
    bottom = sum(tall) / figure.get_figheight()
    text = "\n".join([f"{title} (a picture: run the lesson to use it)", *words])
    figure.text(0.02, 0.98, text, va="top", fontsize=9, family="monospace", linespacing=1.5)
    for plot, height in zip(plots, tall, strict=True):
        share = height / figure.get_figheight()
        bottom -= share
        axis = figure.add_axes((0, bottom, 1, share))
        axis.imshow(plot, aspect="auto", interpolation="lanczos")
        axis.set_axis_off()
    return figure
