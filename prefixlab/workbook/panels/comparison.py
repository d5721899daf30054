"""A panel that compares: everything tried in this notebook, and recorded runs, as points to press.

The points are drawn in the picture; on top of each lies a button without a face, which a mouse can
press and a keyboard can reach.
"""

from itertools import product
from typing import Any

import ipywidgets as widgets
import pandas as pd

from prefixlab.methods import METHODS
from prefixlab.models.backbone import Backbone
from prefixlab.models.geometry import KNOWN
from prefixlab.workbook import experiments, figures
from prefixlab.workbook.panels import results
from prefixlab.workbook.panels.base import WIDE, Panel, button, shown
from prefixlab.workbook.panels.prediction import Prediction
from prefixlab.workbook.panels.records import runs_of
from prefixlab.workbook.panels.results import Result
from prefixlab.workbook.panels.tables import facts

AXES = {
    "trained parameters": "trained",
    "stored bytes": "stored",
    "seconds of the processor": "seconds",
}
MOST = 80  # points; beyond that, the oldest are left out, and recorded ones first
# Six colours are as many as can be told apart: after them comes another shape.
LOOKS = {
    name: figures.Dot(colour, marker)
    for name, (marker, colour) in zip(METHODS, product("o^s", figures.COLOURS), strict=False)
}
STYLE = """<style>
.prefixlab-field { position: relative; display: block; width: 100%; max-width: 720px }
.prefixlab-field > img { display: block; width: 100% }
.prefixlab-point { position: absolute; width: 18px; height: 18px; padding: 0; min-width: 0;
  transform: translate(-50%, -50%); border-radius: 50% !important; background: none !important;
  box-shadow: none !important; margin: 0; cursor: pointer }
.prefixlab-point:hover, .prefixlab-point:focus { outline: 2px solid #666 !important }
.prefixlab-point.prefixlab-chosen { outline: 3px solid black !important }
</style>"""


class ComparisonPanel(Panel):
    """Accuracy over what it cost; press a point to see its knobs.

    Parameters
    ----------
    lm
        The backbone; runs recorded on it are shown, or on another one where there are none.
    """

    def __init__(self, lm: Backbone):
        super().__init__()
        self.recorded = recorded(lm)
        self.results: list[Result] = []
        self.axis = widgets.Dropdown(options=AXES, description="compare by", **WIDE)
        self.with_recorded = widgets.Checkbox(
            value=True, description="show recorded runs", tooltip="means over their seeds", **WIDE
        )
        self.chosen = widgets.Dropdown(description="one result", **WIDE)
        self.controls = {"axis": self.axis, "recorded": self.with_recorded}
        self.view = widgets.Image(format="png", layout={"width": "100%", "margin": "0"})
        self.points: list[widgets.Button] = []
        self.field = widgets.Box([self.view])
        self.field.add_class("prefixlab-field")
        style = widgets.HTML(STYLE, layout={"display": "none"})  # applies all the same
        self.table = widgets.HTML()
        children = self.asked(
            [style, self.axis, self.with_recorded, self.field, self.chosen, self.status, self.table]
        )
        results.tried.observe(self.refresh, "results")
        self.children = children
        self.refresh()
        self.axis.observe(lambda _: self.draw(), "value")
        self.with_recorded.observe(lambda _: self.refresh(), "value")
        self.chosen.observe(lambda _: self.tell(), "value")

    def release(self) -> None:
        results.tried.unobserve(self.refresh, "results")

    def plots(self) -> list[widgets.Image]:
        return [self.view]

    def asked(self, hides: list[widgets.Widget]) -> list[widgets.Widget]:
        """A question in front, where both of its runs are recorded."""
        words, prefix = (
            self.find("discrete_prompt", template=experiments.WORDINGS["sentiment"]),
            self.find("prefix_tuning", prefix_length=10, reparameterization="none"),
        )
        if words is None or prefix is None or words.source != prefix.source:  # other backbones
            return hides
        question = Prediction(
            "A prefix of 10 positions, trained on 256 sentences, against the hand-written prompt "
            f"“{shown(experiments.WORDINGS['sentiment'])}”: how does the accuracy change?",
            lambda: 100 * (prefix.accuracy - words.accuracy),
            "Both put something in front of the answer. The words were chosen by a person; the "
            "prefix by gradient descent on labelled sentences.",
            hides,
        )
        return [question]

    def find(self, method: str, **knobs: Any) -> Result | None:
        """The recorded result of these knobs, if there is one."""
        like = (
            result
            for result in self.recorded
            if result.method == method and knobs.items() <= result.knobs.items()
        )
        return next(like, None)

    def refresh(self, change: Any = None) -> None:
        """Show the results there are now; the chosen one stays chosen if it is still among them."""
        before = self.result
        everything = [*self.recorded * self.with_recorded.value, *results.tried.results]
        self.results = everything[-MOST:]
        self.chosen.options = [(title(result), i) for i, result in enumerate(self.results)]
        self.chosen.value = self.results.index(before) if before in self.results else None
        self.draw()

    @property
    def result(self) -> Result | None:
        """The chosen result."""
        return None if self.chosen.value is None else self.results[self.chosen.value]

    def draw(self) -> None:
        """Draw the points, and lay a button on each."""
        shown = {result.method for result in self.results}
        figure, places = figures.landscape(
            [
                (getattr(result, self.axis.value), result.accuracy, look(result))
                for result in self.results
            ],
            xlabel=self.axis.label,
            legend={
                **{name.replace("_", " "): LOOKS[name] for name in LOOKS if name in shown},
                "recorded": figures.Dot(figures.GREY),
                "yours": figures.Dot(figures.GREY, rim=True),
            },
        )
        self.view.value = figures.png(figure)
        while len(self.points) < len(places):
            self.points.append(self.point(len(self.points)))
        for number, point in enumerate(self.points):
            point.layout.display = "" if number < len(places) else "none"
        for point, (left, top), result in zip(self.points, places, self.results, strict=False):
            point.tooltip = f"{title(result)}: accuracy {result.accuracy:.3f}"
            point.layout.left, point.layout.top = f"{100 * left:.2f}%", f"{100 * top:.2f}%"
        self.field.children = [self.view, *self.points]
        self.tell()

    def point(self, number: int) -> widgets.Button:
        """The button on the point of that number, whichever result this is at the moment."""
        made = button("", "", lambda: self.choose(number))
        made.add_class("prefixlab-point")
        return made

    def choose(self, number: int) -> None:
        self.chosen.value = number

    def tell(self) -> None:
        """Mark the chosen point, and show its knobs and what came out."""
        for number, point in enumerate(self.points):
            mark = point.add_class if number == self.chosen.value else point.remove_class
            mark("prefixlab-chosen")
        result = self.result
        self.table.value = table(result) if result else "Press a point to see its knobs."


def recorded(lm: Backbone) -> list[Result]:
    """The recorded runs that compare: of all training sentences, from the usual start."""
    found: list[Result] = []
    sizes = {**KNOWN, lm.name: lm.geometry}
    for grid in (*METHODS, "baselines", "variants"):
        rows = runs_of(grid, lm.name)
        if "cpu_seconds" not in rows:  # nothing recorded, or by an older version
            continue
        for (backbone, name), own in rows.groupby(["backbone", "method"]):
            if backbone in sizes:  # without them there is no cost
                found += results.from_records(sizes[str(backbone)], *like_all(str(name), own))
    return found


def like_all(method: str, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The runs of a method that had what all methods had, and the knobs in which they differ."""
    # The other methods of a grid leave holes in its columns, and a whole number is a float there.
    rows = rows.dropna(axis="columns", how="all").convert_dtypes().astype(object)
    declared = {field.name: field for field in METHODS[method].Knobs.declared()}
    usual = {"train": 256, "labels": "true"}
    if "init" in declared:
        usual["init"] = declared["init"].default
    for column in usual.keys() & set(rows.columns):
        rows = rows[rows[column] == usual[column]]
    return rows, [knob for knob in declared if knob in rows and knob != "order"]  # mean of orders


def look(result: Result) -> figures.Dot:
    """That of the method; yours has a rim."""
    return LOOKS[result.method]._replace(rim=result.source == "yours")


def title(result: Result) -> str:
    """The method and its knobs in one line; what was left empty is left out."""
    knobs = [f"{name} {shown(str(knob))}" for name, knob in result.knobs.items() if knob != ""]
    return ", ".join([result.method, *knobs, result.source]).replace("_", " ")


def table(result: Result) -> str:
    """All there is to say about a result, as a small table in the colours of the page."""
    rows = {
        "method": result.method,
        **{name: shown(str(knob)) for name, knob in result.knobs.items()},
        "accuracy": f"{result.accuracy:.3f}",
        "loss": f"{result.loss:.3f} nats",
        "trained parameters": f"{result.trained:,}",
        "stored bytes": f"{result.stored:,}",
        "seconds of the processor": f"{result.seconds:.1f}",
        "runs": f"{result.runs}",
        "source": result.source,
    }
    return facts(rows)
