"""Recorded runs behind a slider: drawn once, with marks that move over them.

A slider is answered by copying the drawn background and putting the marks on it, which takes a
few milliseconds; drawing the whole figure anew would take a hundred.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from prefixlab.workbook.figures import COLOURS, GREY, one_at_a_time, snapshot
from prefixlab.workbook.panels.knobs import name_of

# Labels of columns that are no knobs of a method.
NAMES = {"train": "training sentences", "rate": "learning rate"}
# Label, and a range in which all runs of two-class tasks can be compared.
MEASURES = {"accuracy": ("accuracy", (0.4, 1.0)), "loss": ("test loss (nats)", (0.0, 1.4))}
WIDTH, HEIGHT = 5.8, 2.4  # inches: as wide as there is room beside the knobs; without what is above
IN_A_ROW = 3  # names of lines
CHOSEN: dict[str, Any] = {"markersize": 9, "fillstyle": "none", "markeredgewidth": 1.5}


class Star(NamedTuple):
    """A run of the learner's: where it stands, what it came to by measure, and its colour."""

    place: Any
    result: Mapping[str, float]
    colour: str


class Sweep:
    """Mean and range over the seeds, along one setting, a line for each value of another.

    Parameters
    ----------
    runs
        One row a run, with the columns `line`, `accuracy`, `loss`, and the one named by `x`.
    x
        The column on the horizontal axis: numbers (drawn on a logarithmic scale) or words.
    title
        What all runs have in common, and what they were recorded on.
    chosen
        By the line, the number on the horizontal axis that was chosen there: a diamond.
    """

    def __init__(
        self, runs: pd.DataFrame, x: str, title: str, chosen: Mapping[str, float] | None = None
    ):
        self.words = None if is_number(runs[x]) else list(dict.fromkeys(runs[x]))
        self.chosen = chosen or {}
        titles = fill(title, 84).splitlines()
        named = runs.line.nunique() + bool(self.chosen)
        above = 0.2 * ceil(named / IN_A_ROW) + 0.17 * len(titles) + 0.15  # inches
        high = above + HEIGHT
        self.figure = Figure(figsize=(WIDTH, high), facecolor="white")
        self.canvas = FigureCanvasAgg(self.figure)
        self.axes: Sequence[Axes] = self.figure.subplots(1, 2)
        self.figure.subplots_adjust(
            left=0.09, right=0.99, bottom=0.5 / high, top=1 - above / high, wspace=0.3
        )
        for axis, (measure, (label, limits)) in zip(self.axes, MEASURES.items(), strict=True):
            self.draw(axis, runs, x, measure)
            axis.set(xlabel=label_of(x), ylabel=label, ylim=limits)
        handles, labels = self.axes[0].get_legend_handles_labels()
        if self.chosen:
            handles.append(Line2D([], [], ls="", marker="D", **CHOSEN, markeredgecolor="black"))
            labels.append("chosen")
        self.figure.legend(
            handles,
            labels,
            loc="upper center",
            ncols=IN_A_ROW,
            frameon=False,
            fontsize=8,
            columnspacing=1,
        )
        under = 1 - (above - 0.06) / high
        self.figure.suptitle("\n".join(titles), fontsize=9, y=under, va="bottom")
        self.here = [axis.axvline(1, color="black", ls=":", lw=1.5) for axis in self.axes]
        self.rings = [mark(axis, "o", markersize=13, fillstyle="none") for axis in self.axes]
        self.stars = [mark(axis, "*", markersize=13) for axis in self.axes]
        for artist in (*self.here, *self.rings, *self.stars):
            artist.set_animated(True)  # left out of the background
        self.canvas.draw()
        self.background = self.canvas.copy_from_bbox(self.figure.bbox)

    def draw(self, axis: Axes, runs: pd.DataFrame, x: str, measure: str) -> None:
        axis.spines[["top", "right"]].set_visible(False)
        lines = runs.groupby("line", sort=False)
        for number, (line, of_line) in enumerate(lines):
            colour = COLOURS[number % len(COLOURS)]
            seeds = of_line.groupby(x, sort=self.words is None)[measure]
            mean, low, high = seeds.mean(), seeds.min(), seeds.max()
            # Lines stand a little apart, so that their ranges do not hide each other.
            aside = number - (len(lines) - 1) / 2
            if self.words is not None:
                at = np.array([self.place(value) for value in mean.index]) + 0.06 * aside
            else:
                at = np.array(mean.index, dtype=float) * 1.02**aside
            axis.errorbar(
                at,
                mean,
                yerr=[mean - low, high - mean],
                color=colour,
                ls="" if self.words is not None else "-" if number < len(COLOURS) else "--",
                marker="o",
                markerfacecolor=None if number < len(COLOURS) else "white",
                markersize=4,
                lw=1.2,
                capsize=2,
                label=line,
            )
            best = mean.index == self.chosen.get(str(line))
            axis.plot(at[best], mean[best], "D", **CHOSEN, markeredgecolor=colour)
        if self.words is not None:
            axis.set_xticks(range(len(self.words)), self.words, fontsize=8)
            axis.set_xlim(-0.5, max(1, len(self.words)) - 0.5)
        else:
            ticks = sorted(set(runs[x])) or [1]  # a grid that was begun may have no run along it
            axis.set_xscale("log")
            # Many labels would run into each other.
            named = {tick: f"{tick:g}" for tick in ticks[:: 1 + len(ticks) // 8]}
            labels = [named.get(tick, "") for tick in ticks]
            axis.set_xticks(ticks, labels, fontsize=8 if len(ticks) > 5 else None)
            axis.minorticks_off()
            axis.set_xlim(ticks[0] / 1.2, ticks[-1] * 1.2)
        axis.grid(axis="y", color=GREY, alpha=0.4)

    def place(self, value: Any) -> float:
        """Where a value of the setting is on the horizontal axis; not a number where it is not."""
        if self.words is None:
            return float(value)
        return float(self.words.index(value)) if value in self.words else float("nan")

    @one_at_a_time
    def png(
        self,
        at: Any,
        here: Mapping[str, float] | None = None,
        yours: Sequence[Star] = (),
    ) -> bytes:
        """The figure with its marks.

        Parameters
        ----------
        at
            The setting that the slider stands at: a dotted line.
        here
            Accuracy and loss of the recorded runs with just these knobs, if there are any: a ring.
        yours
            The learner's own runs: stars.
        """
        self.canvas.restore_region(self.background)
        for axis, measure, line, ring, star in zip(
            self.axes, MEASURES, self.here, self.rings, self.stars, strict=True
        ):
            line.set_xdata([self.place(at)] * 2)
            ring.set_data([self.place(at)] if here else [], [here[measure]] if here else [])
            low, high = axis.get_ylim()
            for artist in (line, ring):
                axis.draw_artist(artist)
            for run in yours:
                star.set_data([self.place(run.place)], [min(max(run.result[measure], low), high)])
                star.set_color(run.colour)
                axis.draw_artist(star)
        return snapshot(self.canvas)


def label_of(column: str) -> str:
    return NAMES.get(column) or name_of(column)


def mark(axis: Axes, marker: str, **look: Any) -> Line2D:
    line = Line2D([], [], ls="", marker=marker, markeredgecolor="black", clip_on=False, **look)
    axis.add_line(line)
    return line


def is_number(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column))
