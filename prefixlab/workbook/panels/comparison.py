"""A panel that compares: everything tried in this notebook, and recorded runs, as points to press.

Each result has a row, the cheapest at the top. A recorded one is a family of the protocol at the
rate that was chosen for it, with the interval of its accuracy. The points are drawn in the picture;
on top of each lies a button without a face, which a mouse can press and a keyboard can reach. How
far a point is ahead of another is computed in pairs, of the same seeds and the same sentences.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any
from unicodedata import east_asian_width

import ipywidgets as widgets
from matplotlib.backends.backend_agg import FigureCanvasAgg

from prefixlab.models.backbone import Backbone
from prefixlab.models.geometry import KNOWN, Geometry
from prefixlab.workbook import figures
from prefixlab.workbook.evidence import Records, Runs
from prefixlab.workbook.grids import GRIDS, SENTIMENT, TESTED, families
from prefixlab.workbook.language import gettext, gettext_noop
from prefixlab.workbook.page import Plot
from prefixlab.workbook.panels import results
from prefixlab.workbook.panels.base import WIDE, Panel, button, shown
from prefixlab.workbook.panels.results import Result
from prefixlab.workbook.panels.tables import facts
from prefixlab.workbook.protocol import Family
from prefixlab.workbook.records import preferred, rows_of

AXES = {
    gettext_noop("trained parameters"): "trained",
    gettext_noop("stored bytes"): "stored",
    gettext_noop("seconds of training"): "seconds",
}
COMPARED = ("prompt_tuning", "prefix_tuning", "p_tuning", "p_tuning_v2", "baselines", "variants")
FILMS = "movie_reviews"  # what is compared has learned from them
USUAL = "all weights"  # what others are compared with at first
MEASURES = {
    gettext_noop("accuracy"): (gettext_noop("points"), 1),
    gettext_noop("loss"): (gettext_noop("nats"), 3),
}
MOST = 40  # rows; beyond that, recorded ones are left out, and then the oldest of yours
LONGEST = 32  # letters of what you did, in the name of a row


class ComparisonPanel(Panel):
    """Accuracies by what they cost; press a point to see its knobs, and by how much it is ahead.

    Parameters
    ----------
    lm
        The backbone; runs recorded on it are shown, or on another one where there are none.
    """

    def __init__(self, lm: Backbone):
        super().__init__()
        rows = [row for grid in GRIDS for row in rows_of(grid)]
        self.records = Records(preferred(rows, lm.name))
        self.geometry = {**KNOWN, lm.name: lm.geometry}.get(self.records.backbone)
        self.recorded = {on: self.results_on(on) for on in TESTED.values()}
        self.results: list[Result] = []  # as the rows are, from the top to the bottom
        self.names: list[str] = []  # of the rows
        self.axis = widgets.Dropdown(
            options=[(gettext(name), axis) for name, axis in AXES.items()],
            description=gettext("compare by"),
            **WIDE,
        )
        self.tested = widgets.Dropdown(
            options=[(gettext(name), task) for name, task in TESTED.items()],
            description=gettext("tested on"),
            **WIDE,
        )
        self.with_recorded = widgets.Checkbox(
            value=True,
            description=gettext("show recorded runs"),
            tooltip=gettext("means over their seeds"),
            **WIDE,
        )
        self.chosen = widgets.Dropdown(description=gettext("one result"), **WIDE)
        self.other = widgets.Dropdown(description=gettext("beside"), **WIDE)
        self.controls = {
            "axis": self.axis,
            "tested": self.tested,
            "recorded": self.with_recorded,
            "beside": self.other,
        }
        self.view = Plot(
            gettext("A row a result, by what it costs: its accuracy with its interval"),
            width="100%",
            margin="0",
        )
        self.points: list[widgets.Button] = []
        self.field = widgets.Box([self.view])
        self.field.add_class("prefixlab-field")
        self.table = widgets.HTML()
        results.tried.observe(self.refresh, "results")
        self.children = [
            *(self.axis, self.tested, self.with_recorded, self.field),
            *(self.chosen, self.other, self.status, self.table),
        ]
        for control in (self.axis, self.tested, self.with_recorded):
            control.observe(self.refresh, "value")
        self.chosen.observe(self.tell, "value")
        self.other.observe(self.draw, "value")
        self.refresh()

    def release(self) -> None:
        results.tried.unobserve(self.refresh, "results")

    def plots(self) -> list[bytes]:
        return [self.view.value]

    def results_on(self, task: str) -> list[Result]:
        """What was recorded of all families that were tested on a task, "" for the films."""
        if self.geometry is None:  # without its sizes there is no cost
            return []
        every = [family for grid in COMPARED for family in families(grid)]
        asked = [
            family
            for family in every
            if family.task == FILMS and task in ("", *family.also)
            # "no training" has this template already, as the task's own
            if family.knobs.get("template") != SENTIMENT
        ]
        return [
            one for family in asked for one in recorded(family, self.records, self.geometry, task)
        ]

    def refresh(self, change: Any = None) -> None:
        """Show the results there are now; the chosen one stays chosen if it is still among them."""
        before, on = self.result and key_of(self.result), self.tested.value
        # Each was tested on its own task alone; one of another has no place among these.
        tried = [] if on else results.tried.results
        yours = [one for one in tried if one.comparable]
        named = list(zip(names_of(yours), yours, strict=True))[::-1]  # the newest first
        if self.with_recorded.value:
            named += [(family_of(result), result) for result in self.recorded[on]]
        said = []
        if others := len(tried) - len(yours):
            elsewhere = gettext(
                "Not shown, as other sentences or another template were tried: {count}."
            )
            said.append(elsewhere.format(count=others))
        if named[MOST:]:
            left = gettext("Results left out: {count}. There is room for {most}.")
            said.append(left.format(count=len(named) - MOST, most=MOST))
        self.say(" ".join(said))
        named = sorted(named[:MOST], key=lambda each: (self.cost(each[1]), -each[1].accuracy))
        self.names, self.results = [name for name, _ in named], [result for _, result in named]

        keys = [key_of(result) for result in self.results]
        with unobserved(self.chosen, self.tell):
            self.chosen.options = [(title(result), i) for i, result in enumerate(self.results)]
            self.chosen.value = keys.index(before) if before in keys else None
        names, other = [result.family for result in self.recorded[on]], self.other.value or USUAL
        with unobserved(self.other, self.draw):
            self.other.options = names
            self.other.value = other if other in names else next(iter(names), None)
        self.draw()

    def cost(self, result: Result) -> float:
        """What is compared by."""
        return float(getattr(result, self.axis.value))

    @property
    def result(self) -> Result | None:
        """The chosen result."""
        return None if self.chosen.value is None else self.results[self.chosen.value]

    def draw(self, change: Any = None) -> None:
        """Draw the rows, and lay a button on each point."""
        beside = [one for one in self.recorded[self.tested.value] if one.family == self.other.value]
        figure, places = figures.forest(
            [self.row(name, one) for name, one in zip(self.names, self.results, strict=True)],
            cost=next(name for name, axis in AXES.items() if axis == self.axis.value),
            beside=self.row(family_of(beside[0]), beside[0]) if beside else None,
        )
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        self.view.value = figures.snapshot(canvas)
        while len(self.points) < len(places):
            self.points.append(self.point(len(self.points)))
        for number, point in enumerate(self.points):
            point.layout.display = "" if number < len(places) else "none"
        for point, (left, top), result in zip(self.points, places, self.results, strict=False):
            about = gettext("{title}: accuracy {accuracy:.3f}")
            point.tooltip = about.format(title=title(result), accuracy=result.accuracy)
            point.layout.left, point.layout.top = f"{100 * left:.2f}%", f"{100 * top:.2f}%"
        self.field.children = [self.view, *self.points]
        self.tell()

    def row(self, name: str, result: Result) -> figures.Row:
        mine = result.source == "yours"
        return figures.Row(name, self.cost(result), result.accuracy, result.interval, mine)

    def point(self, number: int) -> widgets.Button:
        """The button on the point of that number, whichever result this is at the moment."""
        made = button("", "", lambda: self.choose(number))
        made.add_class("prefixlab-point")
        return made

    def choose(self, number: int) -> None:
        if number < len(self.results):  # else it went away while it was pressed
            self.chosen.value = number

    def tell(self, change: Any = None) -> None:
        """Mark the chosen point, and show its knobs and what came out."""
        for number, point in enumerate(self.points):
            mark = point.add_class if number == self.chosen.value else point.remove_class
            mark("prefixlab-chosen")
        result = self.result
        if result is None:
            self.table.value = gettext("Press a point to see its knobs.")
            return
        self.table.value = facts(about(result) | dict(self.ahead(result)))

    def ahead(self, result: Result) -> Iterator[tuple[str, str]]:
        """By how much it is ahead of the other in every measure, and in words how sure that is."""
        other, on = self.other.value, self.tested.value
        tested = {each.family for each in self.recorded[on]}
        if result.family == other or not {result.family, other} <= tested:
            return
        ours, theirs = Runs(result.family, on=on), Runs(other, on=on)
        for measure, (unit, digits) in MEASURES.items():
            if found := self.records.weigh(ours - theirs, measure):
                low, high = (f"{end:+.{digits}f}" for end in (found.low, found.high))
                several = len(found.of_seeds) > 1
                name = gettext("{measure}, ahead of {other}")
                said = gettext(
                    "{effect} {unit} ({low} to {high}; {seeds} seeds, {count} sentences, in pairs)"
                    if several
                    else "{effect} {unit} ({low} to {high}; one seed, {count} sentences, in pairs)"
                ).format(
                    effect=f"{found.effect:+.{digits}f}",
                    unit=gettext(unit),
                    low=low,
                    high=high,
                    seeds=len(found.of_seeds),
                    count=found.sentences,
                )
                yield name.format(measure=gettext(measure), other=other), said


def recorded(family: Family, records: Records, geometry: Geometry, task: str) -> Iterator[Result]:
    """A family at the rate that was chosen for it, as it was tested on a task.

    Nothing before the rate is chosen, or while there are too few seeds to tell.
    """
    runs = Runs(family.name, on=task)
    found = records.weigh(runs, "accuracy")
    if found is None:
        return
    rows = list(records.of(runs).values())
    loss = records.weigh(runs, "loss")
    assert loss  # of the same rows
    yield Result.of(
        geometry,
        family.method,
        dict(family.knobs),
        accuracy=found.effect / 100,
        interval=(found.low / 100, found.high / 100),
        loss=-loss.effect,
        seconds=sum(row["train_seconds"] for row in rows) / len(rows),
        source=gettext("recorded on {backbone}").format(backbone=records.backbone),
        runs=len(rows),
        family=family.name,
        rate=records.rate(family.name),
    )


def key_of(result: Result) -> Any:
    """What stays the same of a result when it is tested on another task."""
    return result.family or result


@contextmanager
def unobserved(control: widgets.Widget, answer: Callable[[Any], None]) -> Iterator[None]:
    """Within this context nothing answers when the control's value changes."""
    control.unobserve(answer, "value")
    try:
        yield
    finally:
        control.observe(answer, "value")


def family_of(result: Result) -> str:
    return result.family.replace("_", " ")


def names_of(yours: Sequence[Result]) -> list[str]:
    """Names for what you did, in this order, no two alike.

    The method, then its knobs, first those that you turned, each with the last word of its name; a
    knob that is a text itself needs none.
    """
    names, count = [], Counter[str]()
    for result in yours:
        alike = [one.knobs for one in yours if one.method == result.method]
        knobs = sorted(
            ((name, knob) for name, knob in result.knobs.items() if knob != ""),
            key=lambda knob: all(other.get(knob[0]) == knob[1] for other in alike),
        )
        words = [
            shown(knob) if isinstance(knob, str) else f"{name.split('_')[-1]} {knob}"
            for name, knob in knobs
        ]
        name = shortened(", ".join([result.method.replace("_", " "), *words]))
        count[name] += 1
        names.append(f"{name} (yours)" if count[name] == 1 else f"{name} (yours, {count[name]})")
    return names


def shortened(words: str) -> str:
    """The words, or their beginning and an ellipsis; a Chinese letter is as wide as two others."""
    widths = accumulate(1 + (east_asian_width(letter) in "WF") for letter in words)
    fitting = sum(width <= LONGEST for width in widths)
    return words if fitting == len(words) else words[: fitting - 1].rstrip(" ,") + "…"


def title(result: Result) -> str:
    """The family, or the method and its knobs, in one line; what was left empty is left out."""
    if result.family:
        return f"{result.family}, {gettext(result.source)}".replace("_", " ")
    knobs = [f"{name} {shown(str(knob))}" for name, knob in result.knobs.items() if knob != ""]
    return ", ".join([result.method, *knobs, gettext(result.source)]).replace("_", " ")


def about(result: Result) -> dict[str, str]:
    """All there is to say about a result alone, fact by fact."""
    rate = {} if result.rate is None else {gettext("learning rate"): f"{result.rate:g}"}
    between = gettext(" ({:.3f} to {:.3f})").format(*result.interval) if result.interval else ""
    return {
        gettext("method"): result.method,
        **{name: shown(str(knob)) for name, knob in result.knobs.items()},
        **rate,
        gettext("accuracy"): f"{result.accuracy:.3f}{between}",
        gettext("loss"): gettext("{loss:.3f} nats").format(loss=result.loss),
        gettext("trained parameters"): f"{result.trained:,}",
        gettext("stored bytes"): f"{result.stored:,}",
        gettext("seconds of training"): f"{result.seconds:.1f}",
        gettext("runs"): f"{result.runs}",
        gettext("source"): gettext(result.source),
    }
