"""Pictures: what the page draws, as figures to be stored with a lesson."""

from collections.abc import Mapping, Sequence
from math import inf
from operator import itemgetter
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from prefixlab.workbook import figures


def curve(
    drawing: dict[str, Any], value: Any, line: str, title: str, asked: float | None
) -> Figure:
    """A `Curve`: what its page has as `drawing`, with the place and the line that are chosen."""
    figure, (axis,) = figures.new(height=3.4)
    places, ticks = drawing["places"], drawing["ticks"]
    at = dict(zip(places, range(len(places)) if drawing["words"] else places, strict=True))
    bottom, top = ticks[0], ticks[-1]
    axis.set(xlabel=drawing["xlabel"], ylabel=drawing["ylabel"], ylim=(bottom, top), yticks=ticks)
    if drawing["log"]:
        axis.set_xscale("log")
        axis.minorticks_off()
    if drawing["words"] or drawing["log"]:
        axis.set_xticks(list(at.values()), drawing["written"])
    if drawing["words"]:
        axis.set_xlim(-0.5, len(places) - 0.5)
    for number, each in enumerate(drawing["lines"]):
        # Lines whose places are words have no slope: their marks stand side by side.
        aside = 0.06 * (number - (len(drawing["lines"]) - 1) / 2) if drawing["words"] else 0
        there = {
            at[place] + aside: point
            for place, point in zip(places, each["points"], strict=True)
            if point
        }
        line_of(axis, each, there, words=drawing["words"], faded=each["name"] != line)
        if each["name"] == line and (point := there.get(at[value] + aside)):
            axis.plot(at[value] + aside, point["mean"], "o", color=each["colour"], markersize=10)
            note(axis, point["as"], at[value] + aside, point["high"], fontweight="bold")
        if each["chosen"] is not None:
            best = places[each["chosen"]]
            look: dict[str, Any] = {"markersize": 11, "fillstyle": "none", "markeredgewidth": 1.5}
            axis.plot(
                at[best] + aside, there[at[best] + aside]["mean"], "D", color=each["colour"], **look
            )
    for place, level, colour, _ in drawing["stars"]:
        mark: dict[str, Any] = {"markersize": 13, "markeredgecolor": "black"}
        axis.plot(at.get(place, place), level, "*", color=colour, **mark)
    if asked is not None:
        axis.axvline(at.get(asked, asked), color="black", linestyle=":", linewidth=1.5)
    compared(axis, drawing["references"])
    if drawing["guess"]:
        place, guessed, rounded = drawing["guess"]
        axis.plot(at[place], guessed, "o", markersize=9, fillstyle="none", color="dimgrey")
        note(axis, f"your guess {rounded}", at[place], guessed, color="dimgrey")
    axis.axvline(at[value], color="black", linewidth=0.8, zorder=0)
    axis.grid(axis="y", color=figures.GREY, alpha=0.4)
    if len(drawing["lines"]) > 1:
        figure.legend(loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    axis.set_title(title, fontsize=10, parse_math=False)
    return figure


def compared(axis: Axes, references: Sequence[tuple[str, float]]) -> None:
    """Values to compare with, and their names: of two that nearly meet, one at the right."""
    bottom, top = axis.get_ylim()
    below, right = -inf, False
    for name, level in sorted(references, key=itemgetter(1)):
        right = not right and level - below < 0.06 * (top - bottom)
        below = level
        axis.axhline(level, color="black", linestyle=":", linewidth=1)
        axis.annotate(
            name,
            (0.99 if right else 0.01, level),
            xycoords=axis.get_yaxis_transform(),
            xytext=(0, 3),
            textcoords="offset points",
            fontsize=9,
            ha="right" if right else "left",
            parse_math=False,
        )


def line_of(
    axis: Axes,
    line: dict[str, Any],
    there: Mapping[float, dict[str, float]],
    *,
    words: bool,
    faded: bool,
) -> None:
    """The means of a line, and from the lowest to the highest a band, or bars."""
    x, points = list(there), list(there.values())
    mean, low, high = ([point[key] for point in points] for key in ("mean", "low", "high"))
    look = {"color": line["colour"], "alpha": 0.5 if faded else 1}
    style = "" if words else "--" if line["dashed"] else "-"
    fill = "white" if line["dashed"] else line["colour"]
    mark: dict[str, Any] = {"marker": "o", "markersize": 4, "markerfacecolor": fill}
    axis.plot(x, mean, linestyle=style, label=line["name"], **mark, **look)
    if words:
        axis.vlines(x, low, high, **look)
    else:
        axis.fill_between(x, low, high, color=line["colour"], alpha=0.2, linewidth=0)


def note(axis: Axes, words: str, x: float, y: float, **look: Any) -> None:
    """Words above a point, or below one near the upper end."""
    low, high = axis.get_ylim()
    up = y < low + 0.85 * (high - low)
    where: dict[str, Any] = {"ha": "center", "va": "bottom" if up else "top"}
    axis.annotate(words, (x, y), (0, 8 if up else -8), textcoords="offset points", **where, **look)


def attention(weights: Tensor, positions: Sequence[str], title: str) -> Figure:
    """A map of attention, [layers, positions], layer 0 at the bottom."""
    figure, (axis,) = figures.new(height=4)
    # The root, so that shares of a hundredth can be told from nothing.
    shown = weights.sqrt().numpy()
    image = axis.imshow(shown, origin="lower", aspect="auto", cmap="cividis", vmin=0, vmax=1)
    slant: dict[str, Any] = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"}
    axis.set_xticks(range(len(positions)), positions, parse_math=False, **slant)
    axis.tick_params(axis="x", labelsize=8)
    axis.set(ylabel="layer")
    bar = figure.colorbar(image, label="attention of the answer's position, mean of heads")
    shares = [0.01, 0.1, 0.25, 0.5, 1]
    bar.set_ticks(np.sqrt(shares).tolist(), labels=[f"{share:g}" for share in shares])
    axis.set_title(title, fontsize=10, parse_math=False, wrap=True)
    return figure


def runs(drawing: dict[str, Any], hidden: Sequence[int]) -> Figure:
    """A `Runs`: what its page has as `drawing`, without those that are hidden."""
    figure, (left, right) = figures.new(height=2.8, columns=2)
    for losses in drawing["recorded"]:
        left.plot(range(1, len(losses) + 1), losses, color=figures.GREY, linewidth=1)
    for run in drawing["runs"]:
        if run["number"] in hidden:
            continue
        look = {"color": run["colour"], "linestyle": "--" if run["dashed"] else "-"}
        steps = range(1, len(run["losses"]) + 1)
        left.plot(steps, run["losses"], linewidth=0.6, alpha=0.5, **look)
        left.plot(steps, run["smoothed"], label=f"run {run['number']}", **look)
        if run["validations"]:
            at, found, low, high = zip(*run["validations"], strict=True)
            right.plot(at, found, marker="o", markersize=4, **look)
            right.vlines(at, low, high, color=run["colour"], alpha=0.4)
    left.set(ylabel="loss of the batch (nats)", ylim=(0, None))
    right.set(ylabel="accuracy on validation")
    for axis, measure in ((left, "loss"), (right, "accuracy")):
        compared(axis, drawing["levels"].get(measure, []))
        axis.set(xlabel="step", xlim=(0, drawing["steps"]))
    if left.get_legend_handles_labels()[0]:
        figure.legend(loc="outside upper center", ncols=6, frameon=False, fontsize=9)
    return figure
