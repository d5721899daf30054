"""A panel that trains any method for real: sliders from its knobs, Train, Stop, and what came out.

Training runs as a coroutine that gives way after every step, so the page stays alive and Stop takes
effect between two steps. A plot is PNG bytes in an Image widget: it changes without flicker.
"""

import asyncio
from dataclasses import Field
from html import escape
from typing import Any

import ipywidgets as widgets

from prefixlab import figures
from prefixlab.backbone import Backbone
from prefixlab.evaluation import evaluate
from prefixlab.methods import METHODS, create
from prefixlab.tasks import Task
from prefixlab.training import Recipe, train


class TrainingPanel(widgets.VBox):
    """Knobs of a method as controls, a real training run behind a button.

    Parameters
    ----------
    lm, task
        What is steered, and what for.
    method
        The name of the method.
    knobs
        Which of the method's knobs get a control, in this order.
    steps, batch_size
        How long one run is; 24 steps of 8 take about 20 seconds on two cores.
    """

    def __init__(
        self,
        lm: Backbone,
        task: Task,
        method: str,
        knobs: list[str],
        *,
        steps: int = 24,
        batch_size: int = 8,
    ):
        self.lm, self.task, self.method = lm, task, method
        self.recipe = Recipe(steps=steps, batch_size=batch_size)
        declared = {field.name: field for field in METHODS[method].Knobs.declared()}
        self.controls = {name: control(declared[name]) for name in knobs}
        self.train_button = widgets.Button(description="Train", button_style="primary", icon="play")
        self.stop_button = widgets.Button(description="Stop", icon="stop", disabled=True)
        self.progress = widgets.IntProgress(max=steps, layout={"width": "200px"})
        self.status = widgets.HTML("Choose the knobs, then press Train.")
        self.plot = widgets.Image(format="png", layout={"width": "720px", "height": "300px"})
        self.runs: dict[str, list[float]] = {}
        self.results: list[str] = []
        self.history = widgets.HTML()
        self.stopping = False
        self.running: asyncio.Future[None] | None = None
        self.train_button.on_click(lambda _: self.start())
        self.stop_button.on_click(lambda _: self.stop())
        self.draw()
        super().__init__(
            [
                *self.controls.values(),
                widgets.HBox([self.train_button, self.stop_button, self.progress]),
                self.status,
                self.plot,
                self.history,
            ]
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.method}): needs a running kernel"

    def start(self) -> None:
        """What the Train button does: train beside everything else the page does."""
        self.running = asyncio.ensure_future(self.train())

    def stop(self) -> None:
        """What the Stop button does: end after the step that is being taken."""
        self.stopping = True

    async def train(self) -> None:
        """Train with the knobs as they stand, drawing every step; errors appear in the panel."""
        self.busy(True)
        try:
            await self.steps()
        except ValueError as error:
            self.status.value = f"<b>That does not work:</b> {escape(str(error))}"
        finally:
            self.busy(False)

    async def steps(self) -> None:
        knobs = {name: control.value for name, control in self.controls.items()}
        self.status.value = "Preparing…"
        await asyncio.sleep(0)
        method = create(self.method, self.lm, self.task, **knobs)
        label = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in knobs.items())
        label = f"{len(self.results) + 1}: {label}"
        losses = self.runs.setdefault(label, [])
        for step in train(self.lm, method, self.task, recipe=self.recipe):
            losses.append(step.loss)
            left = step.seconds * (self.recipe.steps - step.step)
            self.progress.value = step.step
            self.status.value = (
                f"Step {step.step} of {self.recipe.steps}, loss {step.loss:.2f}, "
                f"about {left:.0f} s left"
            )
            self.draw()
            await asyncio.sleep(0)
            if self.stopping:
                break
        self.status.value = f"Testing on {len(self.task.test)} examples…"
        await asyncio.sleep(0)
        result = evaluate(self.lm, method, self.task)
        self.results.append(f"{label}, {len(losses)} steps: {result}")
        self.history.value = "<br>".join(map(escape, self.results))
        self.status.value = "Stopped." if self.stopping else "Done. Change a knob and train again."

    def busy(self, busy: bool) -> None:
        self.stopping = False
        self.progress.value = 0
        self.train_button.disabled, self.stop_button.disabled = busy, not busy
        for knob in self.controls.values():
            knob.disabled = busy

    def draw(self) -> None:
        latest = dict(list(self.runs.items())[-len(figures.COLOURS) :])
        figure = figures.losses(latest, title="Your runs")
        self.plot.value = figures.png(figure)


def control(declared: Field) -> Any:
    """The widget for a knob, from its declaration."""
    about = declared.metadata
    look: dict[str, Any] = {
        "description": declared.name.replace("_", " "),
        "tooltip": about["help"],
        "style": {"description_width": "130px"},
        "layout": {"width": "460px"},
    }
    if about["choices"]:
        return widgets.Dropdown(options=about["choices"], value=declared.default, **look)
    if isinstance(declared.default, bool):
        return widgets.Checkbox(value=declared.default, **look)
    if isinstance(declared.default, int):
        low, high = about["low"], about["high"]
        return widgets.IntSlider(
            value=declared.default, min=low, max=high, continuous_update=False, **look
        )
    return widgets.Text(value=declared.default, **look)
