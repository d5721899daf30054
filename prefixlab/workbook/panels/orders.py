"""The accuracies of the orders of some demonstrations: a figure that a slider can move.

Its axes and legend are drawn once for each number of orders. A move copies them and draws the marks
on top, which takes a few milliseconds; a figure drawn anew would take a hundred.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from prefixlab.evaluation.choices import Evaluation
from prefixlab.workbook.figures import BLUE, GREY, ORANGE, WIDTH, one_at_a_time, snapshot


class Orders:
    """One dot a recorded order, a diamond a measurement of the learner's, a ring where one is."""

    def __init__(self, chance: float):
        self.figure = Figure(figsize=(WIDTH, 3.0), facecolor="white")
        self.canvas = FigureCanvasAgg(self.figure)
        self.axis = axis = self.figure.add_axes((0.08, 0.16, 0.9, 0.68))
        axis.spines[["top", "right"]].set_visible(False)
        axis.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True, min_n_ticks=1))
        axis.set(xlabel="order", ylabel="accuracy", ylim=(0, 1))
        axis.axhline(chance, color="black", linestyle=":", linewidth=1, label="chance")
        self.line = axis.axvline(0, color=GREY, linewidth=1)
        (self.dots,) = axis.plot([], [], "o", color=BLUE, label="recorded")
        self.bars = axis.vlines([], 0, 1, color=ORANGE, linewidth=2)
        (self.diamonds,) = axis.plot(
            [], [], "D", color=ORANGE, markersize=9, label="yours (bar: 95% interval)"
        )
        (self.ring,) = axis.plot([], [], "o", color="black", markersize=15, fillstyle="none")
        self.name = axis.text(0, 1.04, "", ha="center", va="bottom", fontweight="bold")
        self.pattern = axis.text(0, 0, "", ha="center", fontsize=8)  # drawn once for every dot
        self.marks = [self.line, self.dots, self.bars, self.diamonds, self.ring, self.name]
        for mark in [*self.marks, self.pattern]:
            mark.set_animated(True)  # left out of the background
        self.figure.legend(loc="upper right", ncols=3, frameon=False, fontsize=9, borderaxespad=0.1)
        self.background = cache(self.draw_background)

    def draw_background(self, orders: int) -> Any:
        self.limit(orders)
        self.canvas.draw()
        return self.canvas.copy_from_bbox(self.figure.bbox)

    def limit(self, orders: int) -> None:
        self.axis.set_xlim(-0.7, max(1, orders - 1) + 0.7)

    @one_at_a_time
    def png(
        self,
        chosen: int,
        orders: int,
        recorded: Mapping[int, float],
        patterns: Mapping[int, str],
        yours: Mapping[int, Evaluation],
    ) -> bytes:
        """The figure with `chosen` of so many orders marked, as PNG.

        Beside a recorded order stands the pattern of its labels, which says more than its number.
        """
        self.canvas.restore_region(self.background(orders))
        self.limit(orders)
        accuracies = {order: result.accuracy or 0.0 for order, result in yours.items()}
        spans = {order: result.interval or (0.0, 1.0) for order, result in yours.items()}
        here = accuracies.get(chosen, recorded.get(chosen))
        self.line.set_xdata([chosen, chosen])
        self.dots.set_data(list(recorded), list(recorded.values()))
        self.bars.set_segments([[(order, end) for end in span] for order, span in spans.items()])
        self.diamonds.set_data(list(accuracies), list(accuracies.values()))
        self.ring.set_data([] if here is None else [chosen], [] if here is None else [here])
        self.name.set(text=f"order {chosen}", x=chosen)
        for mark in self.marks:
            self.axis.draw_artist(mark)
        for order, pattern in patterns.items():
            high = recorded[order] > 0.85  # else it would stand in the name of the chosen order
            away, va = (-0.08, "top") if high else (0.06, "bottom")
            self.pattern.set(text=pattern, x=order, y=recorded[order] + away, va=va)
            self.axis.draw_artist(self.pattern)
        return snapshot(self.canvas)
