"""The recorded runs of a lab: a curve along each setting, whose slider is a knob of the lab."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from math import log
from typing import Any

import ipywidgets as widgets

from prefixlab.workbook.language import gettext, gettext_noop
from prefixlab.workbook.page import Curve, Star
from prefixlab.workbook.panels.base import BUTTONS, while_set
from prefixlab.workbook.panels.knobs import name_of
from prefixlab.workbook.panels.records import Records

MEASURES = {"accuracy": gettext_noop("accuracy"), "loss": gettext_noop("test loss (nats)")}


class RecordedRuns(widgets.VBox):
    """Curves of accuracy and of loss along each setting. One is shown; the page turns them itself.

    Parameters
    ----------
    records
        What was recorded.
    levels
        From the setting, values to compare with, by the measure.
    take
        Called where the learner went along a curve: with the setting, the place and the line.
    """

    def __init__(
        self,
        records: Records,
        levels: Callable[[str], Mapping[str, Mapping[str, float]]],
        take: Callable[[str, Any, str], None],
    ):
        self.records, self.levels, self.take = records, levels, take
        self.pointing = False  # whether it is the lab that moves the sliders
        self.axis = choose({x: name_of(x) for x in records.axes})
        self.measure = choose(MEASURES)
        self.curves: dict[tuple[str, str], Curve] = {}
        self.links: list[widgets.Widget] = []
        pages = [self.page(x) for x in records.axes]
        opened = widgets.Stack(pages)
        self.links.append(widgets.jsdlink((self.axis, "index"), (opened, "selected_index")))
        what = widgets.HBox([self.axis, self.measure], layout={"flex_flow": "row wrap"})
        super().__init__([what, opened])

    def page(self, x: str) -> widgets.Widget:
        """The curves along a setting, and what all their runs have in common."""
        runs = self.records.along(x)
        if runs.empty:
            return widgets.HTML(gettext("No rate is chosen yet, and so nothing is drawn here."))
        both = widgets.Stack([self.curve(runs, x, measure) for measure in MEASURES])
        self.links.append(widgets.jsdlink((self.measure, "index"), (both, "selected_index")))
        return widgets.VBox([both, widgets.HTML(escape(self.records.about(x)))])

    def curve(self, runs: Any, x: str, measure: str) -> Curve:
        drawn = Curve.of(
            runs,
            x=x,
            y=measure,
            by="line",
            xlabel=name_of(x),
            ylabel=MEASURES[measure],
            log=not isinstance(runs[x].iloc[0], str),
            references=self.levels(x)[measure],
            chosen=self.records.chosen if x == "rate" else {},
        )
        drawn.observe(lambda _: self.follow(x, drawn), ["value", "line"])
        self.curves[x, measure] = drawn
        return drawn

    @property
    def shown(self) -> Curve | None:
        """The curve that is to be seen, where there is one."""
        return self.curves.get((self.axis.value, self.measure.value))

    def follow(self, x: str, curve: Curve) -> None:
        """Tell the lab where the learner went."""
        if not self.pointing:
            self.take(x, curve.value, curve.line)

    def point(
        self,
        places: Mapping[str, Any],
        line: str,
        stars: Mapping[tuple[str, str], Sequence[Star]],
    ) -> None:
        """Move every slider to where the knobs stand.

        Parameters
        ----------
        places
            By the setting, its value. Where nothing was recorded at a number, the slider stands at
            the next one where something was, and a line marks the number.
        line
            The name of the line of runs with such knobs; empty where there is none.
        stars
            By setting and measure, the learner's own runs.
        """
        with while_set(self, "pointing"):
            for (x, measure), curve in self.curves.items():
                place, there = places[x], curve.places
                words, known = isinstance(there[0], str), place in there
                if line in curve.lines:
                    curve.line = line
                if known or not words:
                    curve.value = (
                        place if known else min(there, key=lambda at: abs(log(at / place)))
                    )
                curve.asked = None if known or words else place
                curve.stars = [
                    star for star in stars[x, measure] if star.place in there or not words
                ]


def choose(options: Mapping[str, str]) -> widgets.ToggleButtons:
    """A row of buttons to choose from, by what each is for its plain English name."""
    named = [(gettext(name), value) for value, name in options.items()]
    return widgets.ToggleButtons(
        options=named, style=BUTTONS, layout={"margin": "2px 16px 2px 2px"}
    )
