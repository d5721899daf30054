"""One run at a time: the buttons that begin and end it, its state, and the run itself.

A run is a coroutine that gives way after every step, so that the page stays alive and Stop takes
effect between two steps.
"""

import asyncio
import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any, ClassVar

import ipywidgets as widgets
from datasets import Dataset

from prefixlab.data.task import Task
from prefixlab.evaluation.choices import Evaluation, judge, scoring
from prefixlab.methods import Method, create
from prefixlab.models.backbone import Backbone
from prefixlab.training.loop import Training
from prefixlab.workbook.duration import TimeLeft, training_seconds
from prefixlab.workbook.language import gettext
from prefixlab.workbook.measuring import is_lesson_task
from prefixlab.workbook.page import kept
from prefixlab.workbook.panels.base import Panel, button
from prefixlab.workbook.panels.results import Result, tried
from prefixlab.workbook.panels.run import Run
from prefixlab.workbook.panels.state import State
from prefixlab.workbook.protocol import BATCH

SAMPLE = 32  # training sentences, whose length says how long a run takes


class RunningPanel(Panel):
    """What trains a method for a task, one run after the other.

    Attributes
    ----------
    runs
        The learner's runs that are not deleted.
    newest
        The run that was begun last, while it is not deleted.
    training
        The newest run's, where there is something to resume.
    before, trained
        The newest run's method, untrained and as it is now.
    untrained
        By wording and split, what the prompt came to without training.
    """

    method: ClassVar[str]

    def __init__(self, lm: Backbone, task: Task):
        super().__init__()
        self.lm, self.task = lm, task
        few = task.train.select(range(min(SAMPLE, len(task.train))))
        rows = lm.rows(task.template, few, task.verbalizer)
        tokens = sum(row.length for row in rows) / len(rows)  # of a sentence
        step = training_seconds(lm, BATCH * tokens)
        self.clock = TimeLeft(step, tokens / lm.tokens_per_second)
        self.count = 0  # of the runs that were begun
        self.runs: list[Run] = []
        self.newest: Run | None = None
        self.training: Training | None = None
        self.before: Method | None = None
        self.trained: Method | None = None
        self.untrained: dict[tuple[str, str], Evaluation] = {}
        self.state = State(layout={"flex": "1 1 180px", "margin": "0 0 0 8px"})
        self.train_button = button(
            gettext("Train"),
            gettext("Begin a new run"),
            lambda: self.start(self.train),
            button_style="primary",
        )
        self.stop_button = button(gettext("Stop"), gettext("Stop after this step"), self.stop)
        self.resume_button = button(
            gettext("Resume"),
            gettext("Go on with the run that was stopped"),
            lambda: self.start(self.resume),
        )
        self.reset_button = button(
            gettext("Reset"), gettext("Everything as at first, without your runs"), self.reset
        )
        self.progress = widgets.IntProgress(layout={"width": "80px"})
        self.buttons = (self.train_button, self.stop_button, self.resume_button, self.reset_button)
        for one in self.buttons:
            one.layout.width = "78px"
        for one in self.buttons[:-1]:  # not Reset: nothing is thrown away by a key pressed twice
            kept(one)

    def rows_of_buttons(self) -> list[widgets.HBox]:
        """Train with the state beside it, and below them the others."""
        look = {"flex_flow": "row wrap"}
        others = widgets.HBox([*self.buttons[1:], self.progress], layout=look)
        return [widgets.HBox([self.train_button, self.state], layout=look), others]

    # What a lab adds

    @abstractmethod
    def run_as_set(self) -> Run:
        """A run with the knobs as they stand, before its first step."""

    @abstractmethod
    def examples(self, size: int) -> Dataset:
        """What a run of that size is trained on."""

    @abstractmethod
    def draw_runs(self) -> None:
        """Show the runs as they are now."""

    @abstractmethod
    def turn(self) -> None:
        """Answer the knobs as they stand, and show the runs."""

    @abstractmethod
    def compare_answers(self) -> None:
        """Show what the newest run's method answers by now."""

    @abstractmethod
    def look_inside(self) -> None:
        """Show what the newest run's method is like now."""

    @abstractmethod
    def clear(self) -> None:
        """Everything as at first: nothing is running any more."""

    def plain(self, settings: dict[str, Any]) -> dict[str, Any]:
        """The knobs of the prompt that a run of these settings would be without training."""
        return {}

    # What is clicked

    async def train(self) -> None:
        """Begin a run with the knobs as they stand, and see it through unless it is stopped."""
        with self.reporting(), self.working():
            self.check_texts()
            run = self.run_as_set()
            task = replace(self.task, train=self.examples(run.settings["train"]))
            method = create(self.method, self.lm, task, **knobs_of(run.settings))
            training = Training(self.lm, method, task, run.recipe)
            self.count += 1
            taken = {other.look for other in self.runs}
            run.number = self.count
            run.look = next(look for look in range(len(taken) + 1) if look not in taken)
            self.before, self.trained, self.training = deepcopy(method), method, training
            self.newest = run
            self.runs.append(run)
            await self.go_on(training, run, self.before)

    async def resume(self) -> None:
        """Go on with the run that was stopped."""
        if self.training and self.newest and self.before:
            with self.reporting(), self.working():
                await self.go_on(self.training, self.newest, self.before)

    def stop(self) -> None:
        super().stop()
        if not self.stop_button.disabled:
            self.stop_button.disabled = True
            self.state.show("stopping", gettext("after this step"))

    def reset(self) -> None:
        """End what is running, and then begin anew."""
        self.end(self.clear)

    def delete(self, number: int) -> None:
        """Forget a run; one that is going on is ended before."""
        run = next((run for run in self.runs if run.number == number), None)
        if run is None:  # a second click
            return
        if run is self.newest:
            self.end(lambda: self.forget(run))
        else:
            self.forget(run)

    def forget(self, run: Run) -> None:
        self.runs = [other for other in self.runs if other is not run]
        if run is self.newest:
            self.forget_newest()
        self.free()

    def forget_newest(self) -> None:
        self.newest = self.training = self.before = self.trained = None

    def forget_all(self) -> None:
        self.runs, self.count = [], 0
        self.forget_newest()

    # The run

    async def go_on(self, training: Training, run: Run, before: Method) -> None:
        """Train to the end and test, unless it is stopped."""
        run.state = "training"
        try:
            async for step in self.patiently(training):
                run.losses.append(step.loss)
                run.seconds += step.seconds
                self.clock.steps.append(step.seconds)
                if step.validation:
                    run.validations[step.step] = step.validation
                    self.compare_answers()
                self.report(run)
                if 0 not in run.validations:  # after the first step, which shows at once
                    await self.look(run, before)
            if training.step == run.steps:
                await self.finish(training, run)
            if run.result is None:
                run.state = "stopped"
        except asyncio.CancelledError:
            run.state = "stopped"
            raise
        except Exception:
            run.state, self.training = "failed", None
            raise

    def report(self, run: Run) -> None:
        """Show how far a run is, and how long it will go on."""
        step, every = len(run.losses), run.recipe.validate_every
        looks = run.steps // every - step // every
        sentences = looks * len(self.task.validation) + self.sentences_at_the_ends(run)
        self.progress.max, self.progress.value = run.steps, step
        left = self.clock.words(run.steps - step, sentences)
        if not self.stopping:
            far = gettext("run {number}, step {step} of {steps}, {left} left")
            said = far.format(number=run.number, step=step, steps=run.steps, left=left)
            self.state.show("training", said)
        self.draw_runs()

    def sentences_at_the_ends(self, run: Run) -> int:
        """How many sentences are to be judged yet before training and after it."""
        splits = {name: len(self.task.splits[name]) for name in ("validation", "test")}
        plain = sum(
            size for name, size in splits.items() if (self.key(run), name) not in self.untrained
        )
        return splits["validation"] * (0 not in run.validations) + splits["test"] + plain

    async def look(self, run: Run, before: Method) -> None:
        """Validate before training, and without it."""
        self.state.show("measuring", gettext("what it does before training"))
        await self.without_training(run, "validation")
        if result := await self.judged(before, self.task.validation):
            run.validations[0] = result
            self.report(run)

    async def without_training(self, run: Run, split: str) -> Evaluation | None:
        """What the same prompt comes to without training; None if it was stopped."""
        where = self.key(run), split
        if where not in self.untrained:
            plain = create("discrete_prompt", self.lm, self.task, **self.plain(run.settings))
            result = await self.judged(plain, self.task.splits[split])
            if result is None:
                return None
            self.untrained[where] = result
        return self.untrained[where]

    def key(self, run: Run) -> str:
        return str(self.plain(run.settings))

    async def finish(self, training: Training, run: Run) -> None:
        """Go back to the best step, test on all test examples, and keep what came out."""
        training.finish()
        run.state = "testing"
        self.draw_runs()
        about = gettext("run {number}, {count} sentences")
        self.state.show("testing", about.format(number=run.number, count=len(self.task.test)))
        result = await self.judged(training.method, self.task.test)
        if result is None or await self.without_training(run, "test") is None:
            return
        run.result, run.state, self.training = result, "done", None
        tried.add(
            Result.of(
                self.lm.geometry,
                self.method,
                knobs_of(run.settings),
                accuracy=result.accuracy or 0.0,
                loss=result.loss,
                seconds=run.seconds,
                comparable=is_lesson_task(self.task),
            )
        )

    async def judged(self, method: Method, examples: Any) -> Evaluation | None:
        """The evaluation of a method, giving way after each batch; None if it was stopped."""
        began, done = time.perf_counter(), 0
        scored = None
        async for scored in self.patiently(
            scoring(self.lm, method, self.task, examples, batch_size=BATCH)
        ):
            now, all_done = time.perf_counter(), int((~scored[:, 0].isnan()).sum())
            self.clock.sentences.append((now - began) / max(1, all_done - done))
            began, done = now, all_done
        return None if scored is None or scored.isnan().any() else judge(scored, examples)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Within this context the knobs are held and Stop can be pressed."""
        self.say("")
        self.hold(True)
        self.state.show("preparing")
        try:
            yield
        finally:
            self.free()

    def free(self) -> None:
        """Give the knobs back, and show how things stand; of a closed panel nothing is shown."""
        if self.comm is None:
            return
        self.look_inside()
        self.turn()
        self.hold(False)  # last: what is clicked before would find the run not yet at its end
        self.show_state()

    def hold(self, busy: bool) -> None:
        self.stopping = False
        # In this order the focus goes from Stop to Resume, and from both others to Stop.
        self.stop_button.disabled = not busy
        self.resume_button.disabled = busy or self.training is None
        self.train_button.disabled = busy
        for knob in self.controls.values():
            knob.disabled = busy

    def show_state(self) -> None:
        """The state of the newest run, when nothing is running."""
        run = self.newest
        if run is None:
            self.state.show("ready")
        elif run.state == "stopped":
            where = gettext("run {number} after step {step} of {steps}; Resume goes on with it")
            said = where.format(number=run.number, step=len(run.losses), steps=run.steps)
            self.state.show("stopped", said)
        else:
            self.state.show(run.state, gettext("run {number}").format(number=run.number))


def knobs_of(settings: dict[str, Any]) -> dict[str, Any]:
    """The method's own among the settings of a run."""
    return {name: value for name, value in settings.items() if name != "train"}
