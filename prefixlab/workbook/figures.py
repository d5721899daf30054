"""Figures: matplotlib figures from plain numbers and records, and nothing else.

The colours are Okabe and Ito's, which colour-blind readers can tell apart. The ground is white and
opaque, so that a figure reads the same on a light and on a dark page.
"""

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from math import ceil, inf
from threading import RLock
from typing import Any, Literal, NamedTuple, ParamSpec

import matplotlib
import matplotlib.font_manager
import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import EngFormatter, MaxNLocator
from torch import Tensor

from prefixlab.workbook.language import chosen

P = ParamSpec("P")

# A notebook shows a figure that pyplot did not make only once pyplot has loaded its backend.
plt.switch_backend(plt.get_backend())

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, YELLOW, GREY = "#56B4E9", "#E69F00", "#BBBBBB"
COLOURS = (BLUE, ORANGE, GREEN, PINK, SKY, YELLOW)
WIDTH = 7.2  # inches: JupyterLab's default column at 100 dots an inch

# Fonts of the usual systems that have Chinese letters; matplotlib's own has none. Where there is
# none either, the picture that is stored of a panel has boxes; the panel itself has letters.
CHINESE = {
    *("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei"),
    *("PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei"),
}
LETTERS: list[str] = []  # the fonts besides matplotlib's own
if chosen():
    LETTERS = sorted({font.name for font in matplotlib.font_manager.fontManager.ttflist} & CHINESE)
    matplotlib.rcParams["font.family"] = [*matplotlib.rcParams["font.family"], *LETTERS]
# What a learner types may have letters that no font here has: they become boxes.
warnings.filterwarnings("ignore", "Glyph .* missing from font")

# What a cell of the anatomy is, and its colour and meaning.
CELLS = {
    "trained": (ORANGE, "trained"),
    "changed": (YELLOW, "computed with trained weights"),
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
    cells = []
    for position, (_, kind) in enumerate(columns):
        above = [(depth or {}).get(position, "text")] * layers
        if kind == "answer":  # a word like others, until its last layer
            kind, above[-1] = "text", "answer"
        cells.append([kind, *above])
    return grid([label for label, _ in columns], cells, height=min(0.32 * layers + 1.44, 4))


def looks_back(words: Sequence[str], *, layers: int = 4, at: int = 1) -> Figure:
    """What the last position of a text reads: in each layer, the keys and values up to its own.

    The arrows are those of one layer, `at`. Embeddings of what was read before are not kept.
    """
    kept = [["none", *["read"] * layers]] * (len(words) - 1)
    asking = ["text"] * layers + ["answer"]
    figure = grid(words, [*kept, asking], height=min(0.42 * layers + 1.44, 4))
    axis, row = figure.axes[0], at + 1.5  # the embedding is row 0
    for column in range(len(words) - 1):
        for layer in range(layers):
            axis.text(column + 0.5, layer + 1.3, "k, v", ha="center", va="center", fontsize=8)
        bend = 0.3 / (len(words) - 1 - column)  # all arrows rise alike, and stay in their layer
        axis.annotate(
            "",
            (column + 0.6, row),
            (len(words) - 0.5, row),
            arrowprops={"arrowstyle": "->", "connectionstyle": f"arc3,rad={bend}", "lw": 1.2},
        )
    axis.text(len(words) - 0.5, row - 0.1, "q", ha="center", va="top", fontsize=9, weight="bold")
    return figure


def three_attentions(x: str, y: str) -> Figure:
    """An encoder-decoder as its three kinds of attention, each with the place for a prefix.

    `x` is what the encoder reads, `y` what the decoder has written so far.
    """
    figure = Figure(figsize=(WIDTH, 3.6), facecolor="white")
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, 72), ylim=(0, 36))  # tenths of an inch
    axis.set_axis_off()
    wide = 17
    centred: dict[str, Any] = {"ha": "center", "va": "center"}
    boxes = {  # left, bottom, height, and how high the prefix stands in it
        "encoder\nself-attention": (13, 7, 7, 3.5),
        "decoder\nself-attention": (52, 7, 7, 3.5),
        "decoder\ncross-attention": (52, 20, 9, 6.5),
    }
    for name, (left, bottom, high, up) in boxes.items():
        axis.add_patch(Rectangle((left, bottom), wide, high, facecolor=GREY))
        axis.text(left + wide / 2, bottom + high / 2, name, **centred, fontsize=10)
        axis.add_patch(Rectangle((left - 11, bottom + up - 1.8), 7, 3.6, facecolor=ORANGE))
        axis.text(left - 7.5, bottom + up, "PREFIX", **centred, fontsize=8, color="white")
        arrow(axis, (left - 4, bottom + up), (left, bottom + up), ORANGE)
    of_x, of_y = 13 + wide / 2, 52 + wide / 2
    for place in (of_x, of_y):
        arrow(axis, (place, 3), (place, 7))
    arrow(axis, (of_y, 14), (of_y, 20))
    arrow(axis, (of_y, 29), (of_y, 33))
    axis.plot([of_x, of_x], [14, 22], color="black", linewidth=1.4)
    arrow(axis, (of_x, 22), (52, 22))
    axis.text(of_y + 0.8, 17, "queries", va="center", fontsize=9)
    axis.text(of_x + 0.8, 20.6, "Enc(x), for keys and values", va="center", fontsize=9)
    below: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": 9, "parse_math": False}
    axis.text(of_x, 2.6, f"x: {x}", **below)
    axis.text(of_y, 2.6, f"y so far: {y}", **below)
    axis.text(of_y, 35.2, "the next token of y", **below)
    legend = [Patch(color=ORANGE, label="trained"), Patch(color=GREY, label="frozen")]
    figure.legend(handles=legend, loc="upper left", ncols=2, frameon=False, fontsize=9)
    return figure


def arrow(
    axis: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = "black"
) -> None:
    axis.annotate("", end, start, arrowprops={"arrowstyle": "->", "lw": 1.4, "color": colour})


def keys_and_values(words: Sequence[str], keys: Tensor, values: Tensor) -> Figure:
    """What one head keeps of each word, [words, head_dim] each, as colours around 0."""
    figure, axes = new(height=0.36 * len(words) + 1.3, columns=2)
    for axis, numbers, name in zip(
        axes, (keys, values), ("K, the keys", "V, the values"), strict=True
    ):
        shown = numbers.float().cpu().numpy()
        most = float(abs(shown).max())
        image = axis.imshow(shown, aspect="auto", cmap="PuOr", vmin=-most, vmax=most)
        axis.set(title=f"{name}: {len(shown)} rows of {shown.shape[1]}", xlabel="number in the row")
        axis.set_yticks(range(len(words)), words)
        axis.spines[:].set_visible(False)
        figure.colorbar(image, ax=axis, location="bottom", shrink=0.7, label="value")
    return figure


def grid(labels: Sequence[str], cells: Sequence[Sequence[str]], *, height: float) -> Figure:
    """One column a position, from the embedding upwards: what each cell is, a key of `CELLS`.

    Neighbours with the same label share it, with their number.
    """
    used = tuple(kind for kind in CELLS if any(kind in column for column in cells))
    figure, axis = grid_frame(len(cells[0]), used, height)
    grid_cells(axis, labels, cells)
    return figure


def batch(rows: Mapping[str, Sequence[tuple[str, str]]]) -> Figure:
    """The rows of a padded batch: for each position its word, and what it is, a key of `CELLS`.

    Rows end together; what a row is shorter than the longest is padding, as "none" is within it.
    """
    figure, (axis,) = new(height=0.42 * len(rows) + 0.6)
    width = max(len(row) for row in rows.values())
    for line, row in enumerate(rows.values()):
        for place, (word, kind) in enumerate(row, width - len(row)):
            cell = Rectangle((place, line), 1, 1, facecolor=CELLS[kind][0], edgecolor="white")
            axis.add_patch(cell)
            axis.text(place + 0.5, line + 0.5, word, ha="center", va="center", fontsize=8)
    axis.set(xlim=(0, width), ylim=(len(rows), 0), xticks=[])
    axis.set_yticks([line + 0.5 for line in range(len(rows))], list(rows))
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    used = {kind for row in rows.values() for _, kind in row} - {"none"}
    name_cells(figure, [kind for kind in CELLS if kind in used], "outside upper center")
    return figure


def name_cells(
    figure: Figure, kinds: Sequence[str], where: Literal["upper center", "outside upper center"]
) -> None:
    """The legend of cells of these kinds, in one line."""
    legend = [Patch(color=CELLS[kind][0], label=CELLS[kind][1]) for kind in kinds]
    # Four names are wider than the figure unless they stand close together.
    close = {"columnspacing": 1.0, "handlelength": 1.5, "handletextpad": 0.5}
    look: dict[str, Any] = {"frameon": False, "fontsize": 9} | (close if len(kinds) > 3 else {})
    figure.legend(handles=legend, loc=where, ncols=len(legend), **look)


# The margins of a grid, in inches.
LEFT, BOTTOM, RIGHT, TOP = 0.95, 0.8, 0.1, 0.32


def grid_frame(rows: int, used: Sequence[str], height: float) -> tuple[Figure, Axes]:
    """What stays the same when positions come and go: the names of the rows, and the legend."""
    figure = Figure(figsize=(WIDTH, height), facecolor="white")
    wide, high = WIDTH - LEFT - RIGHT, height - BOTTOM - TOP
    axis = figure.add_axes((LEFT / WIDTH, BOTTOM / height, wide / WIDTH, high / height))
    axis.set(ylim=(0, rows))
    axis.set_axis_off()  # an axis with ticks takes longer to draw than all the rest
    names = {0: "embedding"} | {layer + 1: f"layer {layer}" for layer in range(rows - 1)}
    step = ceil(0.3 * rows / high)  # as many as there is room for
    beside: dict[str, Any] = {"ha": "right", "va": "center", "fontsize": 9}
    for row in [0, *range(step, rows, step)]:
        axis.text(
            -0.06 / wide, row + 0.5, names[row], **beside, transform=axis.get_yaxis_transform()
        )
    name_cells(figure, [kind for kind in used if kind != "none"], "upper center")
    return figure, axis


def grid_cells(axis: Axes, labels: Sequence[str], cells: Sequence[Sequence[str]]) -> list[Artist]:
    """The cells of a grid and the labels below them, as what was added to the axis.

    The cells are one image: a patch for each would take a second for a long prefix.
    """
    box = axis.get_window_extent()
    wide, high = box.width / axis.figure.dpi, box.height / axis.figure.dpi  # in inches
    names, rows = list(CELLS), len(cells[0])
    colours = (255 * np.array([to_rgb(CELLS[name][0]) for name in names])).astype(np.uint8)
    numbers = np.array([[names.index(cell) for cell in column] for column in cells]).T
    axis.set_xlim(0, len(cells))
    image = axis.imshow(
        colours[numbers],
        extent=(0, len(cells), 0, rows),
        aspect="auto",
        origin="lower",
        interpolation="none",
    )
    runs = runs_of(labels)
    edges = {start for _, start, _ in runs}
    if wide / len(cells) > 0.06:  # narrower cells would be nothing but edge
        edges |= set(range(len(cells)))
    edge: dict[str, Any] = {
        "colors": "white",
        "linewidth": min(2, 9 * wide / len(cells), 9 * high / rows),
    }
    lines = [
        axis.vlines(sorted(edges), 0, rows, **edge),
        axis.hlines(range(1, rows), 0, len(cells), **edge),
    ]
    # To the right and downwards, an inch in cells.
    return [image, *lines, *below(axis, runs, len(cells) / wide, rows / high)]


def runs_of(labels: Sequence[str]) -> list[tuple[str, int, int]]:
    """Neighbours of the same label as (label, start, end)."""
    starts = [i for i, label in enumerate(labels) if i == 0 or labels[i - 1] != label]
    return [
        (labels[start], start, end)
        for start, end in zip(starts, [*starts[1:], len(labels)], strict=True)
    ]


def below(
    axis: Axes, runs: Sequence[tuple[str, int, int]], inch: float, down: float
) -> list[Artist]:
    """The labels of runs of positions: flat where there is room, else aslant, side by side."""
    added: list[Artist] = []
    free = inf  # how far to the right a label aslant may end
    for label, start, end in reversed(runs):
        middle, long = (start + end) / 2, end - start > 1
        number = f" ({end - start})" if long else ""
        if long:
            span = [start + 0.03 * inch, end - 0.03 * inch]
            added += axis.plot(span, [-0.05 * down] * 2, color="black", linewidth=1, clip_on=False)
        if long and 0.08 * len(label + number) * inch < end - start:
            flat: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": 9}
            added.append(axis.text(middle, -0.1 * down, label + number, **flat))
            continue
        if len(label) > 12:
            label = f"{label[:11]}…"
        at = min(middle, free)
        free = at - 0.25 * inch
        if at < middle:
            path = [-0.05 * down, -0.12 * down]
            line = axis.plot([middle, at], path, color="black", linewidth=0.5, clip_on=False)
            added += line
        slant: dict[str, Any] = {"ha": "right", "va": "top", "rotation": 35, "fontsize": 9}
        added.append(axis.text(at, -0.13 * down, label + number, **slant))
    return added


class Row(NamedTuple):
    """A result in a forest plot; the dot of one that is `yours` has a rim."""

    name: str
    cost: float
    accuracy: float
    interval: tuple[float, float] | None = None
    yours: bool = False


def on_the_frontier(row: Row, rows: Sequence[Row]) -> bool:
    """Whether nothing that costs at most as much is more accurate, or as accurate for less."""
    return not any(
        (other.cost, -other.accuracy) != (row.cost, -row.accuracy)
        and other.cost <= row.cost
        and other.accuracy >= row.accuracy
        for other in rows
    )


def forest(
    rows: Sequence[Row], *, cost: str, beside: Row | None = None
) -> tuple[Figure, list[tuple[float, float]]]:
    """A forest plot of accuracies: a row a result, its name at the left and its cost at the right.

    The accuracy is a dot, its 95% interval a bar, and chance a dotted line. The names on the
    frontier are bold: nothing that costs at most as much has a higher mean.

    Parameters
    ----------
    rows
        From the top to the bottom.
    cost
        What the column of costs says.
    beside
        What the others are compared with: a line through all rows, and its interval as a band.

    Returns
    -------
    tuple
        The figure, and where each dot is: shares of its width from the left, and of its height
        from above.
    """
    above, below = 0.48, 0.62  # inches
    lines = max(len(rows), 3)
    high = above + 0.18 * lines + below  # 18 pixels a row, and 11 a text of 8 points
    figure = Figure(figsize=(WIDTH, high), facecolor="white")
    axis = figure.add_axes((0.38, below / high, 0.525, 0.18 * lines / high))
    lowest = min([0.5, *(min(row.interval or [row.accuracy]) for row in [*rows, beside] if row)])
    axis.set(xlim=(lowest - 0.03, 1.015), ylim=(lines - 0.5, -0.5), yticks=[])
    ticks = [tenth / 10 for tenth in range(ceil(10 * lowest), 11)]
    axis.set_xticks(ticks, ["0.5\nchance" if tick == 0.5 else f"{tick:g}" for tick in ticks])
    axis.tick_params(labelsize=8)
    about = "accuracy (bar: 95% interval); bold: nothing as cheap has a higher mean"
    axis.set_xlabel(about, fontsize=9)
    axis.spines[["left", "top", "right"]].set_visible(False)

    within, over = axis.get_yaxis_transform(), axis.get_xaxis_transform()
    text: dict[str, Any] = {"fontsize": 8, "parse_math": False}
    axis.axvline(0.5, color="black", linestyle=":", linewidth=1, zorder=1)
    if beside:
        if beside.interval:
            axis.axvspan(*beside.interval, color=ORANGE, alpha=0.13, linewidth=0, zorder=0)
        axis.axvline(beside.accuracy, color=ORANGE, linewidth=1, zorder=1)
        axis.text(beside.accuracy, 1, beside.name, **text, ha="center", va="bottom", transform=over)
    end = 1.155  # of the costs, in widths of the axis
    axis.annotate(
        *(cost, (end, 1), (0, 14)),
        xycoords=axis.transAxes,
        textcoords="offset points",
        ha="right",
        **text,
    )
    axis.hlines(range(len(rows)), *axis.get_xlim(), color=GREY, linewidth=0.5, zorder=0)
    for line, row in enumerate(rows):
        look = text | {"fontweight": "bold" if on_the_frontier(row, rows) else "normal"}
        for x, words in ((-0.015, row.name), (end, short(row.cost))):
            axis.text(x, line, words, **look, ha="right", va="center_baseline", transform=within)
    known = [(line, *row.interval) for line, row in enumerate(rows) if row.interval]
    if known:
        axis.hlines(*zip(*known, strict=True), color=BLUE, alpha=0.4, linewidth=3)
    axis.scatter(
        [row.accuracy for row in rows],
        range(len(rows)),
        s=48,
        color=[YELLOW if row.yours else BLUE for row in rows],
        edgecolors=["black" if row.yours else BLUE for row in rows],
        linewidths=1.4,
        zorder=3,
    )
    width, height = figure.bbox.size
    places = [axis.transData.transform((row.accuracy, line)) for line, row in enumerate(rows)]
    return figure, [(x / width, 1 - y / height) for x, y in places]


def short(number: float) -> str:
    """A number in three digits: 30, 5.76k, 135M."""
    rounded = float(f"{number:.3g}")
    return f"{rounded:g}" if rounded < 1000 else EngFormatter(sep="")(rounded)


def accuracies(
    results: Mapping[str, tuple[float, tuple[float, float]]],
    *,
    measure: str = "accuracy",
    chance: float | None = 0.5,
    title: str = "",
) -> Figure:
    """One line a result: accuracy as a dot, its 95% interval as a bar, chance as a dotted line.

    `measure` is another name for what is shown; `chance` is None where there is no such line.
    """
    figure, (axis,) = new(height=0.42 * len(results) + 1.1)
    for row, (accuracy, (low, high)) in enumerate(results.values()):
        axis.plot([low, high], [row, row], color=GREY, linewidth=4, solid_capstyle="round")
        axis.plot(accuracy, row, "o", color=BLUE)
        axis.annotate(
            f"{accuracy:.2f}", (accuracy, row), (0, 7), textcoords="offset points", ha="center"
        )
    if chance is not None:
        axis.axvline(chance, color="black", linestyle=":", linewidth=1, label="chance")
        figure.legend(loc="outside upper right", frameon=False)  # inside it could hide a bar
    axis.set_yticks(range(len(results)), list(results))
    axis.set(xlabel=f"{measure} (bar: 95% interval)", title=title, ylim=(len(results) - 0.4, -0.7))
    return figure


def losses(runs: Mapping[str, Sequence[float]], *, smooth: int = 8, title: str = "") -> Figure:
    """Training losses by step: a faint dot each, and the mean of the last `smooth` as a line."""
    figure, (axis,) = new()
    for colour, (label, values) in zip(COLOURS, runs.items(), strict=False):
        steps = range(1, len(values) + 1)
        axis.plot(steps, values, ".", color=colour, alpha=0.25)
        axis.plot(steps, smoothed(values, smooth), color=colour, label=label)
    axis.set(xlabel="step", ylabel="loss of the batch (nats)", title=title, ylim=(0, None))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
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
    references: Mapping[str, float] | None = None,
) -> Figure:
    """One dot a run (or whatever `dot` says), one line a group, the mean as a bar: what varies.

    `references` are dotted lines as that of `chance`, each with its name above it.
    """
    figure, (axis,) = new(height=0.45 * len(groups) + 1.1)
    for row, values in enumerate(groups.values()):
        axis.plot(values, [row] * len(values), "o", color=BLUE, alpha=0.5)
        mean = sum(values) / len(values)
        axis.plot([mean, mean], [row - 0.3, row + 0.3], color=ORANGE, linewidth=3)
    lines = {**({} if chance is None else {"": chance}), **(references or {})}
    for at in lines.values():
        axis.axvline(at, color="black", linestyle=":", linewidth=1)
    if references:
        above = axis.secondary_xaxis("top")
        above.set_xticks(list(references.values()), list(references))
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


def one_at_a_time(draw: Callable[P, bytes]) -> Callable[P, bytes]:
    """A function that draws on a figure it keeps, for one caller after the other.

    JupyterLab runs the callbacks of widgets in a thread beside that of the cells, and both may
    turn the same knob.
    """
    turn = RLock()

    @wraps(draw)
    def in_turn(*given: P.args, **named: P.kwargs) -> bytes:
        with turn:
            return draw(*given, **named)

    return in_turn


def snapshot(canvas: FigureCanvasAgg) -> bytes:
    """What is drawn on a canvas, as PNG bytes, packed quickly and not tightly."""
    stream = io.BytesIO()
    pixels = np.asarray(canvas.buffer_rgba())
    matplotlib.image.imsave(stream, pixels, pil_kwargs={"compress_level": 1})
    return stream.getvalue()


def card(title: str, words: Sequence[str], plots: Sequence[np.ndarray]) -> Figure:
    """What a panel shows where no kernel runs: its controls as words, and its plots below."""
    lines = len(words) + 2
    tall = [plot.shape[0] / plot.shape[1] * WIDTH for plot in plots]
    figure = Figure(figsize=(WIDTH, 0.2 * lines + sum(tall)), facecolor="white")
    bottom = sum(tall) / figure.get_figheight()
    text = "\n".join([f"{title} (a picture: run the lesson to use it)", *words])
    figure.text(
        0.02,
        0.98,
        text,
        va="top",
        fontsize=9,
        family=["monospace", *LETTERS],
        linespacing=1.5,
        parse_math=False,
    )
    for plot, height in zip(plots, tall, strict=True):
        share = height / figure.get_figheight()
        bottom -= share
        axis = figure.add_axes((0, bottom, 1, share))
        axis.imshow(plot, aspect="auto", interpolation="lanczos")
        axis.set_axis_off()
    return figure


def smoothed(values: Sequence[float], window: int = 8) -> list[float]:
    """The mean of each value and those just before it."""
    return [sum(values[max(0, i - window) : i]) / min(i, window) for i in range(1, len(values) + 1)]


def probabilities(groups: Mapping[str, Mapping[str, float]]) -> Figure:
    """Bars of probabilities, a group beside the other."""
    longest = max(len(group) for group in groups.values())
    figure, axes = new(height=0.3 * longest + 0.9, columns=len(groups))
    for axis, (title, group) in zip(axes, groups.items(), strict=True):
        axis.barh(range(len(group)), list(group.values()), color=BLUE, height=0.6)
        axis.set_yticks(range(len(group)), [repr(text) for text in group], parse_math=False)
        axis.set(title=title, xlabel="probability", xlim=(0, 1), ylim=(len(group) - 0.4, -0.6))
    return figure


def stacked(rows: Mapping[str, Sequence[float]], *, parts: Sequence[str], xlabel: str) -> Figure:
    """One line a row, its parts end to end, and their sum written behind them."""
    figure, (axis,) = new(height=0.32 * len(rows) + 1.2)
    starts = [0.0] * len(rows)
    for part, values, colour in zip(parts, zip(*rows.values(), strict=True), COLOURS, strict=False):
        axis.barh(range(len(rows)), values, left=starts, color=colour, height=0.6, label=part)
        starts = [start + value for start, value in zip(starts, values, strict=True)]
    for row, total in enumerate(starts):
        axis.annotate(
            f"{total:,.0f}", (total, row), (4, 0), textcoords="offset points", va="center"
        )
    axis.set_yticks(range(len(rows)), list(rows))
    axis.set(xlabel=xlabel, ylim=(len(rows) - 0.4, -0.6))
    axis.margins(x=0.1)
    figure.legend(loc="outside upper right", ncols=len(parts), frameon=False)
    return figure
