"""A laboratory for a method that is trained: turn the knobs, see what was recorded, train it now.

Behind the knobs lie recorded runs, which answer at once. Train makes a run of the learner's own
beside them, by the same protocol: a coroutine that gives way after every step, so that the page
stays alive and Stop takes effect between two steps.
"""

import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from html import escape
from math import isfinite, log
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd
from datasets import Dataset

from prefixlab.data.task import Task
from prefixlab.evaluation.choices import Evaluation, judge, scoring
from prefixlab.methods import METHODS, Method, create
from prefixlab.models.backbone import Backbone
from prefixlab.training.loop import Recipe, Training
from prefixlab.workbook import figures
from prefixlab.workbook.duration import duration, training_seconds
from prefixlab.workbook.grids import SIZES
from prefixlab.workbook.measuring import is_lesson_task, lesson_task, recipe
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
from prefixlab.workbook.protocol import LADDER, STEPS, TRAIN
from prefixlab.workbook.records import preferred, rows_of

TRAINED_ON = sorted([*SIZES, TRAIN])  # sentences
SAMPLE = 32  # training sentences, whose length says how long a run takes


@dataclass
class Run:
    """One run of the learner's: what was asked for, and what has come out so far."""

    settings: dict[str, Any]
    steps: int
    rate: float
    head_rate: float  # 0: the same
    usual_rate: float  # of the recorded runs with these knobs
    losses: list[float] = field(default_factory=list)
    validations: dict[int, Evaluation] = field(default_factory=dict)  # by step, 0 for untrained
    seconds: float = 0.0
    result: Evaluation | None = None

    @property
    def recipe(self) -> Recipe:
        return recipe(self.steps, self.rate, 0, self.head_rate)

    @property
    def best_step(self) -> int | None:
        """The step that was kept, where any was validated."""
        trained = {step: found.loss for step, found in self.validations.items() if step}
        return min(trained, key=trained.__getitem__, default=None)

    def stands_along(self, x: str) -> bool:
        """Whether it is like the recorded runs that are drawn along `x`, but for its settings."""
        return self.steps == STEPS and (x == "rate" or self.rate == self.usual_rate)


class TrainingPanel(Panel):
    """What the labs have in common; a lab says which method, which knobs, and which records.

    Parameters
    ----------
    lm, task
        What is steered, and what for. Of `measuring.lesson_task()` recorded runs are shown, and a
        run trains on the sentences that the recorded one of that size and seed 0 was trained on.
        Of any other task a run trains on the first examples.
    steps
        How long a run is at first.

    Raises
    ------
    ValueError
        A task whose answers are free text; a damaged record.
    """

    method: ClassVar[str]
    knobs: ClassVar[tuple[str, ...]]  # the method's knobs that get a control, in this order
    question: ClassVar[str]
    why: ClassVar[str]

    def __init__(self, lm: Backbone, task: Task, *, steps: int = STEPS):
        if task.verbalizer is None:
            raise ValueError(f"{task.name} has no answers to choose from; take another task.")
        comparable = is_lesson_task(task)
        recorded = preferred(rows_of(self.method), lm.name) if comparable else []
        super().__init__()
        self.lm, self.task, self.comparable = lm, task, comparable
        self.records = Records(self.method, recorded, self.line, self.place)
        few = task.train.select(range(min(SAMPLE, len(task.train))))
        rows = lm.rows(task.template, few, task.verbalizer)
        self.tokens_a_row = sum(row.length for row in rows) / len(rows)
        self.following = True  # the learning rate follows the other knobs
        self.runs: list[Run] = []
        self.training: Training | None = None  # where there is something to resume
        self.before: Method | None = None  # the newest run's method, untrained
        self.trained: Method | None = None  # and as it is now
        self.controls = self.make_controls(steps)
        self.controls["learning_rate"].value = self.usual_rate()
        self.defaults = {name: widget.value for name, widget in self.controls.items()}
        self.make_buttons()
        self.make_views()
        self.busy(False)
        self.reset()
        for name, widget in self.controls.items():
            turned = self.take_rate if name == "learning_rate" else self.follow
            widget.observe(lambda _, turned=turned: turned(), "value")
        self.axis.observe(lambda _: self.turn(), "value")
        self.view.observe(lambda _: self.show(), "value")
        self.sentence.observe(lambda _: self.answer_sentence(), "value")

    # What a lab adds

    @abstractmethod
    def answer(self) -> float:
        """The measured answer to `question`, in percentage points, from the records."""

    def line(self, family: str) -> str:
        """The name of the line that the runs of a family are drawn on."""
        return family.partition(", ")[2].replace("_", " ")

    def place(self, x: str, value: Any) -> Any:
        """Where a value of a setting stands on the horizontal axis `x`."""
        return value

    # The widgets

    def make_controls(self, steps: int) -> dict[str, Any]:
        of_method = {one.name: one for one in METHODS[self.method].Knobs.declared()}
        controls = {name: control(of_method[name]) for name in self.knobs}
        for name, widget in controls.items():
            value = self.records.first[name]
            widget.value = shown(value) if isinstance(value, str) else value
        there = self.task.train.num_rows
        sizes = [size for size in TRAINED_ON if self.comparable or size <= there] or [there]
        controls["train"] = choice(
            "training sentences", "how many sentences it learns from", {f"{n}": n for n in sizes}
        )
        controls["train"].value = TRAIN if TRAIN in sizes else sizes[-1]
        controls["steps"] = control(next(one for one in Recipe.declared() if one.name == "steps"))
        controls["steps"].max = 200
        controls["steps"].value = steps
        controls["learning_rate"] = choice(
            "learning rate",
            "follows the other knobs, to the rate that was chosen for them, until you set another",
            {f"{rate:g}": rate for rate in LADDER},
        )
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
        self.words, self.rate_words = widgets.HTML(), widgets.HTML()
        self.inside_words, self.sentence_words = widgets.HTML(), widgets.HTML()
        self.sentence = widgets.Text(
            value=SENTENCE, description="your sentence", continuous_update=False, **WIDE
        )
        self.axis = widgets.ToggleButtons(
            options=[(label_of(name), name) for name in (*self.records.usual, "rate")],
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
        results = [self.rate_words, self.words, self.view, *self.pages.values()]
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
        how = self.run_as_set().recipe
        looks = 1 + how.steps // how.validate_every  # one of them before training
        judged = looks * len(self.task.validation) + len(self.task.test)
        seconds = training_seconds(self.lm, how.steps * how.batch_size * self.tokens_a_row)
        seconds += judged * self.tokens_a_row / self.lm.tokens_per_second
        return f"{how.steps} steps of {how.batch_size} take about {duration(seconds)} here."

    def settings(self) -> dict[str, Any]:
        """The method's knobs and the number of training examples, as the controls stand."""
        values = {name: self.controls[name].value for name in (*self.knobs, "train")}
        return dict(self.records.families[0].knobs) | {
            name: typed(value) if isinstance(value, str) else value
            for name, value in values.items()
        }

    def usual_rate(self) -> float:
        """The rate for the knobs as they stand: the one that was chosen for their family.

        Before that it is the one where the search begins, and for knobs of no family the rate of
        the `LADDER` that is next to the method's own.
        """
        settings = self.settings()
        family = self.records.family(**settings)
        if family and family.middle:
            return self.records.rates[family.name] or family.middle
        own = METHODS[self.method].sketch(self.lm.geometry, **knobs_of(settings)).learning_rate
        return min(LADDER, key=lambda rate: abs(log(rate / own)))

    def follow(self) -> None:
        """Answer a turned knob; the learning rate follows it, unless the learner has set one."""
        rate = self.controls["learning_rate"]
        with self.reporting():
            usual = self.usual_rate()
            if self.following and rate.value != usual:
                rate.value = usual  # which answers
                return
        self.turn()

    def take_rate(self) -> None:
        """Take the rate as it was set: one that is usual for the knobs follows them again."""
        self.following = False
        with self.reporting():
            self.following = self.controls["learning_rate"].value == self.usual_rate()
        self.turn()

    def turn(self) -> None:
        """Answer a turned knob at once: from its declaration, and from what was recorded."""
        with self.reporting():
            self.check_texts()
            run, x = self.run_as_set(), self.axis.value
            cost = METHODS[self.method].cost(self.lm.geometry, **knobs_of(run.settings))
            words = (
                f"{cost.stored:,} numbers to store ({cost.stored_bytes / 1000:,.0f} kB, "
                f"{cost.share:.3%} of the model), {cost.trained:,} while training."
            )
            self.say(f"Turn the knobs, or press Train. {self.expected()}")
            found = self.recorded(run)
            self.rate_words.value = escape(self.about_rate(run, found))
            self.words.value = escape(f"{words} {self.about_records()}")
            if self.records:
                here = {name: found[name].mean() for name in MEASURES} if len(found) else None
                self.sweep_plot.value = self.records.sweep(x).png(
                    self.place_of(run, x), here, self.stars()
                )

    def run_as_set(self) -> Run:
        """A run with the knobs as they stand, before its first step."""
        steps, rate = (self.controls[name].value for name in ("steps", "learning_rate"))
        family = self.records.family(**self.settings())
        head_rate = family.head_rate if family else 0.0
        return Run(self.settings(), steps, rate, head_rate, self.usual_rate())

    def recorded(self, run: Run) -> pd.DataFrame:
        """The recorded runs that are like this one, a row a seed."""
        same = self.records.like(run.rate, **run.settings)
        return same if run.steps == STEPS else same.iloc[:0]

    def about_rate(self, run: Run, found: pd.DataFrame) -> str:
        """What was recorded at the rate of a run, and which one was chosen for its knobs."""
        family = self.records.family(**run.settings)
        if run.steps != STEPS:
            said = (
                f"Recorded runs have {STEPS} steps; one of {run.steps} is not compared with them."
            )
        elif len(found):
            said = f"Recorded at {run.rate:g}: {mean_and_range(found)}."
        else:
            said = f"Nothing is recorded at {run.rate:g} with these knobs."
        if family is None:
            said += f" No rate was looked for with such knobs; the method has {run.usual_rate:g}."
        elif self.records.rates[family.name] is None:
            said += f" The rate is not chosen yet; {run.usual_rate:g} is where its search begins."
        else:
            said += f" Chosen by the loss on validation sentences: {run.usual_rate:g}."
        if not self.following:
            said += f" Put back at {run.usual_rate:g}, the slider follows the other knobs again."
        return said

    def about_records(self) -> str:
        """On which backbone the recorded runs are."""
        if not self.records:
            return "Nothing is recorded for this task: Train measures it."
        other = self.records.backbone != self.lm.name
        return f"Recorded on {self.records.backbone}" + (
            f": there is nothing on {self.lm.name}, the model in use." if other else "."
        )

    def place_of(self, run: Run, x: str) -> Any:
        """Where a run stands on the horizontal axis `x`."""
        return self.place(x, run.rate if x == "rate" else run.settings[x])

    def stars(self) -> list[tuple[Any, dict[str, float]]]:
        """The learner's finished runs: where they stand on the axis, and what they came to."""
        x = self.axis.value
        return [
            (
                self.place_of(run, x),
                {"accuracy": run.result.accuracy or 0.0, "loss": run.result.loss},
            )
            for run in self.runs
            if run.result and run.stands_along(x)
        ]

    # Training

    async def train(self) -> None:
        """Begin a run with the knobs as they stand, and see it through unless Stop is pressed."""
        with self.reporting(), self.working():
            self.check_texts()
            run = self.run_as_set()
            task = replace(self.task, train=self.examples(run.settings["train"]))
            method = create(self.method, self.lm, task, **knobs_of(run.settings))
            self.before, self.trained = deepcopy(method), method
            self.training = Training(self.lm, method, task, run.recipe)
            self.runs.append(run)
            await self.go_on(self.training, run)

    def examples(self, size: int) -> Dataset:
        """What a run of that size is trained on."""
        if self.comparable:
            return lesson_task(size).train
        return self.task.train.select(range(size))

    async def resume(self) -> None:
        """Go on with the run that was stopped."""
        if self.training:
            with self.reporting(), self.working():
                await self.go_on(self.training, self.runs[-1])

    async def go_on(self, training: Training, run: Run) -> None:
        began, before = time.perf_counter(), training.step
        async for step in self.patiently(training):
            run.losses.append(step.loss)
            run.seconds += step.seconds
            self.progress.max, self.progress.value = run.steps, step.step
            each = (time.perf_counter() - began) / (step.step - before)  # validation included
            left = each * (run.steps - step.step)
            words = f"Step {step.step} of {run.steps}, loss {step.loss:.2f}"
            self.say(f"{words}, about {left:.0f} s left")
            if step.validation:
                run.validations[step.step] = step.validation
            self.draw_run()
            if step.step == 1 and self.before:
                await self.look(self.before, run)
                began, before = time.perf_counter(), step.step  # a look is no step
        if training.step < run.steps:
            self.say(
                f"Stopped after step {training.step} of {run.steps}. Resume goes on from here."
            )
        else:
            await self.finish(training, run)
        self.look_inside()

    async def look(self, untrained: Method, run: Run) -> None:
        """Validate before training, too."""
        result = await self.judged(untrained, self.task.validation)
        if result:
            run.validations[0] = result
            self.draw_run()

    async def finish(self, training: Training, run: Run) -> None:
        """Go back to the best step, test on all test examples, and keep what came out."""
        training.finish()
        self.say(f"Testing on {len(self.task.test)} sentences…")
        run.result = await self.judged(training.method, self.task.test)
        if run.result is None:
            self.say("Stopped while testing. Resume tests again.")
            return
        result, self.training = run.result, None
        tried.add(
            Result.of(
                self.lm.geometry,
                self.method,
                knobs_of(run.settings),
                accuracy=result.accuracy or 0.0,
                loss=result.loss,
                seconds=run.seconds,
            )
        )
        self.turn()
        self.say(f"Done: {result}.{self.about_run(run)}")

    def about_run(self, run: Run) -> str:
        """Which step was tested, and where the run stands among the recorded ones."""
        said = ""
        if best := run.best_step:
            said += f" It is as after step {best}, where the loss on validation was lowest."
        if self.records and run.stands_along("rate"):
            also = "" if run.rate == run.usual_rate else ", by the learning rate"
            said += f" A star marks it among the recorded runs{also}."
        return said

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
        self.following = True
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
        run = self.runs[-1] if self.runs else self.run_as_set()
        losses = [of_one for of_one in self.recorded(run).losses if of_one]  # one that diverged
        accuracies = {step: found.accuracy or 0.0 for step, found in run.validations.items()}
        self.run_plot.value = figures.png(figures.run(run.losses, accuracies, losses))

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


def knobs_of(settings: dict[str, Any]) -> dict[str, Any]:
    """The method's own among the settings of a run."""
    return {name: value for name, value in settings.items() if name != "train"}


def choice(description: str, tooltip: str, options: dict[str, Any]) -> widgets.SelectionSlider:
    """A slider over a few values, each shown by its name."""
    return widgets.SelectionSlider(
        options=list(options.items()),
        description=description,
        tooltip=tooltip,
        continuous_update=False,
        **WIDE,
    )
