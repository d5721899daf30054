"""A panel that measures in-context learning: which demonstrations, in which order, how labelled."""

from html import escape
from typing import Any

import ipywidgets as widgets

from prefixlab import figures
from prefixlab.backbone import Backbone
from prefixlab.evaluation import evaluate
from prefixlab.methods import InContextLearning
from prefixlab.methods.in_context import InContextKnobs
from prefixlab.panels.training import control
from prefixlab.tasks import Task

SHOWN = 6  # results in the figure, the newest last
LOOK: dict[str, Any] = {"style": {"description_width": "130px"}, "layout": {"width": "460px"}}


class ContextPanel(widgets.VBox):
    """Knobs of a context, and a button that reads it and tests it; errors appear in the panel.

    Parameters
    ----------
    lm, task
        What is steered, and what for; all test examples of the task are answered.
    """

    def __init__(self, lm: Backbone, task: Task):
        self.lm, self.task = lm, task
        declared = {field.name: field for field in InContextKnobs.declared()}
        self.controls = {
            "demonstrations": slider("demonstrations", value=4, high=8),
            "order": slider("order", value=0, high=23),
            "labels": control(declared["labels"]),
            "seed": slider("draw (seed)", value=0, high=9),
        }
        self.calibrate = widgets.Checkbox(description="calibrate", **LOOK)
        self.button = widgets.Button(description="Measure", button_style="primary", icon="play")
        self.status = widgets.HTML("Choose the knobs, then press Measure.")
        self.plot = widgets.Image(format="png", layout={"width": "720px", "min_height": "150px"})
        self.results: dict[str, tuple[float, tuple[float, float]]] = {}
        self.button.on_click(lambda _: self.measure())
        super().__init__(
            [*self.controls.values(), self.calibrate, self.button, self.status, self.plot]
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}: needs a running kernel"

    def measure(self) -> None:
        """Read the demonstrations and test, with the knobs as they stand."""
        knobs = {name: widget.value for name, widget in self.controls.items()}
        self.status.value = "Measuring…"
        self.button.disabled = True
        try:
            method = InContextLearning(self.lm, self.task, **knobs)
            result = evaluate(self.lm, method, self.task, calibrate=self.calibrate.value)
        except ValueError as error:
            self.status.value = f"<b>That does not work:</b> {escape(str(error))}"
            return
        finally:
            self.button.disabled = False
        label = "{demonstrations} examples, order {order}, {labels} labels, draw {seed}".format(
            **knobs
        )
        if self.calibrate.value:
            label += ", calibrated"
        if result.accuracy is not None and result.interval is not None:
            self.results.pop(label, None)  # measured again, it becomes the newest
            self.results[label] = (result.accuracy, result.interval)
            self.plot.value = figures.png(
                figures.accuracies(dict(list(self.results.items())[-SHOWN:]))
            )
        words = f"{len(method.tokens)} tokens of demonstrations, read once; {result}"
        self.status.value = escape(words)


def slider(description: str, *, value: int, high: int) -> widgets.IntSlider:
    return widgets.IntSlider(
        value=value, min=0, max=high, description=description, continuous_update=False, **LOOK
    )
