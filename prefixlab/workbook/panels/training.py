"""A laboratory for a method that is trained: turn the knobs, see what was recorded, train it now.

Behind the knobs lie recorded runs, which answer at once. Train makes a run of the learner's own
beside them: a coroutine that gives way after every step, so that the page stays alive and Stop
takes effect between two steps.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from html import escape
from math import isfinite
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from prefixlab.data.task import Task
from prefixlab.evaluation.choices import Evaluation, judge, scoring
from prefixlab.methods import METHODS, Method, create
from prefixlab.models.backbone import Backbone
from prefixlab.training.loop import Recipe, Training
from prefixlab.workbook import experiments, figures
from prefixlab.workbook.duration import duration, training_seconds
from prefixlab.workbook.panels import inside
from prefixlab.workbook.panels.base import (
    BUTTONS,
    SENTENCE,
    WIDE,
    Panel,
    button,
    columns,
    control,
    plot,
    shown,
    typed,
)
from prefixlab.workbook.panels.prediction import Prediction
from prefixlab.workbook.panels.records import Records, mean_and_range
from prefixlab.workbook.panels.results import Result, tried
from prefixlab.workbook.panels.sweep import MEASURES, label_of

SIZES = (16, 32, 64, 128, 256, 512)
HELD_OUT = 32  # test sentences for the accuracy while training
LOOKS = 4  # how often it is looked at in a run


@dataclass
class Run:
    """One run of the learner's: what was asked for, and what has come out so far."""

    settings: dict[str, Any]
    losses: list[float] = field(default_factory=list)
    accuracies: dict[int, float] = field(default_factory=dict)  # by step, on a few test sentences
    seconds: float = 0.0
    result: Evaluation | None = None


class TrainingPanel(Panel):
    """What the labs have in common; a lab says which method, which knobs, and which records.

    Parameters
    ----------
    lm, task
        What is steered, and what for. A run trains on as many of the task's training examples as
        the learner chooses, those of a recorded run of that size where there is one, and is tested
        on all of its test examples.
    steps, batch_size
        How long a run is at first.

    Raises
    ------
    ValueError
        A task whose answers are free text.
    """

    method: ClassVar[str]
    knobs: ClassVar[tuple[str, ...]]  # the method's knobs that get a control, in this order
    usual: ClassVar[dict[str, Any]]  # see `Records`
    question: ClassVar[str]
    why: ClassVar[str]

    def __init__(
        self,
        lm: Backbone,
        task: Task,
        *,
        steps: int = experiments.STEPS,
        batch_size: int = experiments.BATCH,
    ):
        if task.verbalizer is None:
            raise ValueError(f"{task.name} has no answers to choose from; take another task.")
        super().__init__()
        self.lm, self.task, self.batch_size = lm, task, batch_size
        self.records = Records(self.method, lm.name, task.name, self.usual, self.line, self.place)
        few = task.train.select(range(min(HELD_OUT, len(task.train))))
        rows = lm.rows(task.template, few, task.verbalizer)
        self.tokens_a_row = sum(row.length for row in rows) / len(rows)
        self.runs: list[Run] = []
        self.training: Training | None = None  # where there is something to resume
        self.before: Method | None = None  # the newest run's method, untrained
        self.trained: Method | None = None  # and as it is now
        self.controls = self.make_controls(steps)
        self.defaults = {name: widget.value for name, widget in self.controls.items()}
        self.make_buttons()
        self.make_views()
        self.busy(False)
        self.reset()
        for widget in self.controls.values():
            widget.observe(lambda _: self.turn(), "value")
        self.axis.observe(lambda _: self.turn(), "value")
        self.view.observe(lambda _: self.show(), "value")
        self.sentence.observe(lambda _: self.answer_sentence(), "value")

    # What a lab adds

    @abstractmethod
    def line(self, row: pd.Series) -> str:
        """The name of the line that a recorded run is drawn on."""

    @abstractmethod
    def answer(self) -> float:
        """The measured answer to `question`, in percentage points, from the records."""

    def place(self, x: str, settings: Mapping[str, Any]) -> Any:
        """Where settings stand on the horizontal axis `x`."""
        return settings[x]

    # The widgets

    def make_controls(self, steps: int) -> dict[str, Any]:
        of_method = {one.name: one for one in METHODS[self.method].Knobs.declared()}
        of_recipe = {one.name: one for one in Recipe.declared()}
        controls = {name: control(of_method[name]) for name in self.knobs}
        controls["train"] = widgets.SelectionSlider(
            options=[size for size in SIZES if size <= len(self.task.train)]
            or [len(self.task.train)],
            description="training sentences",
            tooltip="how many of the task's training examples are used",
            continuous_update=False,
            **WIDE,
        )
        controls["train"].value = controls["train"].options[-1]
        if self.usual["train"] in controls["train"].options:
            controls["train"].value = self.usual["train"]
        controls["steps"] = control(of_recipe["steps"])
        controls["steps"].max = 200
        controls["steps"].value = steps
        controls["learning_rate"] = control(of_recipe["learning_rate"])
        for widget in controls.values():
            if isinstance(widget, widgets.Text):
                widget.value = shown(widget.value)
        return controls

    def make_buttons(self) -> None:
        self.train_button = button(
            "Train", "Begin a new run", lambda: self.start(self.train), button_style="primary"
        )
        self.stop_button = button("Stop", "Stop after this step", self.stop)
        self.resume_button = button(
            "Resume", "Go on with the stopped run", lambda: self.start(self.resume)
        )
        self.reset_button = button("Reset", "Everything as at first, without your runs", self.reset)
        self.progress = widgets.IntProgress(layout={"width": "160px"})

    def make_views(self) -> None:
        self.sweep_plot, self.run_plot, self.inside_plot = plot(), plot(), plot()
        self.words, self.inside_words, self.sentence_words = (widgets.HTML() for _ in range(3))
        self.sentence = widgets.Text(
            value=SENTENCE, description="your sentence", continuous_update=False, **WIDE
        )
        self.axis = widgets.ToggleButtons(
            options=[(label_of(name), name) for name in self.usual],
            description="recorded by",
            style=BUTTONS,
        )
        self.pages = {
            "recorded runs": widgets.VBox([self.axis, self.sweep_plot]),
            "your run": widgets.VBox([self.run_plot]),
            "your sentence": widgets.VBox([self.sentence, self.sentence_words]),
            "inside": widgets.VBox([self.inside_words, self.inside_plot]),
        }
        self.view = widgets.ToggleButtons(
            options=list(self.pages), description="show", style=BUTTONS
        )
        results = [self.words, self.view, *self.pages.values()]
        self.ask = Prediction(self.question, self.answer, self.why, results)
        buttons = [self.train_button, self.stop_button, self.resume_button, self.reset_button]
        for one in buttons:
            one.layout.width = "90px"
        row = widgets.HBox([*buttons, self.progress], layout={"flex_flow": "row wrap"})
        self.children = [columns(self.controls.values()), row, self.status, self.ask]

    def plots(self) -> list[widgets.Image]:
        return [self.sweep_plot] if self.records else [self.run_plot]

    def show(self) -> None:
        """Show one page; the others are there, unseen."""
        for name, page in self.pages.items():
            page.layout.display = "" if name == self.view.value else "none"

    # Turning a knob

    def expected(self) -> str:
        """How long a run takes on this machine."""
        steps = self.controls["steps"].value
        seconds = training_seconds(self.lm, steps * self.batch_size * self.tokens_a_row)
        return f"{steps} steps of {self.batch_size} take about {duration(seconds)} here."

    def settings(self) -> dict[str, Any]:
        """The method's knobs and the number of training examples, as the controls stand."""
        values = {name: self.controls[name].value for name in (*self.knobs, "train")}
        return {
            name: typed(value) if isinstance(value, str) else value
            for name, value in values.items()
        }

    def turn(self) -> None:
        """Answer a turned knob at once: from its declaration, and from what was recorded."""
        settings = self.settings()
        knobs = {name: settings[name] for name in self.knobs}
        with self.reporting():
            self.check_texts()
            cost = METHODS[self.method].cost(self.lm.geometry, **knobs)
            words = (
                f"{cost.stored:,} numbers to store ({cost.stored_bytes / 1000:,.0f} kB, "
                f"{cost.share:.3%} of the model), {cost.trained:,} while training."
            )
            self.say(f"Turn the knobs, or press Train. {self.expected()}")
            if self.records:
                found = self.records.like(**settings) if self.usual_recipe() else pd.DataFrame()
                words += (
                    f" Recorded on {self.records.backbone}: {mean_and_range(found)}."
                    if len(found)
                    else " No run was recorded with just these knobs: Train measures it."
                )
                here = {name: found[name].mean() for name in MEASURES} if len(found) else None
                self.sweep_plot.value = self.records.sweep(self.axis.value).png(
                    self.place(self.axis.value, settings), here, self.stars()
                )
            self.words.value = escape(words)

    def usual_recipe(self) -> bool:
        """Whether the recipe is the one that runs were recorded with."""
        steps, rate = self.controls["steps"].value, self.controls["learning_rate"].value
        return (steps, self.batch_size, rate) == (experiments.STEPS, experiments.BATCH, 0)

    def stars(self) -> list[tuple[Any, dict[str, float]]]:
        """The learner's finished runs: where they stand on the axis, and what they came to."""
        return [
            (
                self.place(self.axis.value, run.settings),
                {"accuracy": run.result.accuracy or 0.0, "loss": run.result.loss},
            )
            for run in self.runs
            if run.result
        ]

    # Training

    async def train(self) -> None:
        """Begin a run with the knobs as they stand, and see it through unless Stop is pressed."""
        settings = self.settings()
        with self.reporting(), self.working():
            self.check_texts()
            knobs = {name: settings[name] for name in self.knobs}
            examples = experiments.training_examples(self.task, settings["train"])
            task = replace(self.task, train=examples)
            recipe = {name: self.controls[name].value for name in ("steps", "learning_rate")}
            method = create(self.method, self.lm, task, **knobs)
            self.before, self.trained = deepcopy(method), method
            self.training = Training(
                self.lm, method, task, Recipe(batch_size=self.batch_size, **recipe)
            )
            self.runs.append(Run(settings))
            await self.go_on(self.training, self.runs[-1])

    async def resume(self) -> None:
        """Go on with the run that was stopped."""
        if self.training:
            with self.reporting(), self.working():
                await self.go_on(self.training, self.runs[-1])

    async def go_on(self, training: Training, run: Run) -> None:
        steps = training.recipe.steps
        every = max(1, steps // LOOKS)
        async for step in self.patiently(training):
            run.losses.append(step.loss)
            run.seconds += step.seconds
            self.progress.max, self.progress.value = steps, step.step
            left = step.seconds * (steps - step.step)
            self.say(f"Step {step.step} of {steps}, loss {step.loss:.2f}, about {left:.0f} s left")
            self.draw_run()
            if step.step == 1 and self.before:
                await self.look(self.before, run, 0)
            if step.step % every == 0:
                await self.look(training.method, run, step.step)
        if training.step < steps:
            self.say(f"Stopped after step {training.step} of {steps}. Resume goes on from here.")
        else:
            await self.finish(training, run)
        self.look_inside()

    async def look(self, method: Method, run: Run, step: int) -> None:
        """Measure the accuracy on a few test sentences, in between."""
        few = self.task.test.select(range(min(HELD_OUT, len(self.task.test))))
        result = await self.judged(method, few)
        if result and result.accuracy is not None:
            run.accuracies[step] = result.accuracy
            self.draw_run()

    async def finish(self, training: Training, run: Run) -> None:
        """Test on all test examples, and keep what came out."""
        self.say(f"Testing on {len(self.task.test)} sentences…")
        run.result = await self.judged(training.method, self.task.test)
        if run.result is None:
            self.say("Stopped while testing. Resume tests again.")
            return
        knobs = {name: run.settings[name] for name in self.knobs}
        result, self.training = run.result, None
        tried.add(
            Result.of(
                self.lm.geometry,
                self.method,
                knobs,
                accuracy=result.accuracy or 0.0,
                loss=result.loss,
                seconds=run.seconds,
            )
        )
        self.turn()
        self.say(f"Done: {result}. A star marks it among the recorded runs.")

    async def judged(self, method: Method, examples: Any) -> Evaluation | None:
        """The evaluation of a method, giving way after each batch; None if it was stopped."""
        batches = scoring(self.lm, method, self.task, examples, batch_size=8)
        scored = [partly async for partly in self.patiently(batches)][-1]
        return None if scored.isnan().any() else judge(scored, examples)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Within this context the knobs are held and Stop can be pressed."""
        self.ask.uncover()
        self.view.value = "your run"
        self.busy(True)
        try:
            yield
        finally:
            self.busy(False)

    def busy(self, busy: bool) -> None:
        self.stopping = False
        self.train_button.disabled = self.reset_button.disabled = busy
        self.stop_button.disabled = not busy
        self.resume_button.disabled = busy or self.training is None
        for knob in self.controls.values():
            knob.disabled = busy

    def reset(self) -> None:
        """Everything as at first: the knobs, no runs, and the question where there is an answer."""
        self.runs, self.training, self.before, self.trained = [], None, None, None
        for name, value in self.defaults.items():
            self.controls[name].value = value
        self.progress.value = 0
        self.view.value = "recorded runs" if self.records else "your run"
        if self.answered():
            self.ask.cover()
        else:
            self.ask.uncover()
        self.busy(False)
        self.draw_run()
        self.look_inside()
        self.show()
        self.turn()

    def answered(self) -> bool:
        """Whether the runs that answer the question are recorded."""
        try:
            return bool(self.records) and isfinite(self.answer())
        except ValueError:  # no such record
            return False

    # Looking

    def draw_run(self) -> None:
        """The latest run, over what was recorded with the same knobs."""
        run = self.runs[-1] if self.runs else Run(self.settings())
        recorded = self.records.like(**run.settings) if self.records else pd.DataFrame()
        losses = recorded.losses.tolist() if len(recorded) else []
        self.run_plot.value = figures.png(figures.run(run.losses, run.accuracies, losses))

    def answer_sentence(self) -> None:
        """Answer the learner's sentence anew."""
        self.take_back()
        self.look_inside()

    def look_inside(self) -> None:
        """What the newest run did to the learner's sentence, and what its parameters are like."""
        if self.before is None or self.trained is None:
            self.sentence_words.value = self.inside_words.value = "Train first, then look here."
            self.inside_plot.layout.display = "none"
            return
        with self.reporting():
            self.check_texts()
            given = (self.lm, self.task, self.before, self.trained, self.sentence.value)
            self.sentence_words.value = inside.before_and_after(*given)
            self.inside_words.value = inside.virtual_tokens(self.lm, self.trained)
            picture = inside.attention(self.lm, self.trained, self.sentence.value)
            self.inside_plot.value = picture
            self.inside_plot.layout.display = "" if picture else "none"

    def release(self) -> None:
        # The learner, and Jupyter's Out, may hold on to the panel: let go of what is large.
        self.training = self.before = self.trained = None
        self.records.sweep.cache_clear()
