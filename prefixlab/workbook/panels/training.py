"""A laboratory for a method that is trained: turn the knobs, see what was recorded, train it now.

Behind the knobs lie recorded runs, which answer at once. Train makes a run of the learner's own
beside them, by the same protocol.
"""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from math import isfinite, log
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd
from datasets import Dataset

from prefixlab.data.task import Task
from prefixlab.methods import METHODS
from prefixlab.models.backbone import Backbone
from prefixlab.training.loop import Recipe
from prefixlab.workbook import figures
from prefixlab.workbook.grids import SIZES
from prefixlab.workbook.language import gettext, gettext_noop
from prefixlab.workbook.measuring import is_lesson_task, lesson_task
from prefixlab.workbook.page import Runs, Star
from prefixlab.workbook.page.runs import colour_of
from prefixlab.workbook.panels import inside
from prefixlab.workbook.panels.base import (
    BUTTONS,
    SENTENCE,
    WIDE,
    plot,
    shown,
    sides,
    typed,
    while_set,
)
from prefixlab.workbook.panels.knobs import (
    CHOICES,
    choice_of,
    control,
    hide_idle,
    name_of,
    with_help,
)
from prefixlab.workbook.panels.prediction import Prediction
from prefixlab.workbook.panels.recorded import MEASURES, RecordedRuns
from prefixlab.workbook.panels.records import Records, mean_and_range
from prefixlab.workbook.panels.run import Run
from prefixlab.workbook.panels.running import RunningPanel, knobs_of
from prefixlab.workbook.panels.verdict import verdict
from prefixlab.workbook.protocol import LADDER, STEPS, TRAIN
from prefixlab.workbook.records import preferred, rows_of

TRAINED_ON = sorted([*SIZES, TRAIN])  # sentences


class TrainingPanel(RunningPanel):
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

    knobs: ClassVar[tuple[str, ...]]  # the method's knobs that get a control, in this order
    told_apart: ClassVar[str] = "init"  # the knob whose value the names of families begin with
    question: ClassVar[str]
    why: ClassVar[str]

    def __init__(self, lm: Backbone, task: Task, *, steps: int = STEPS):
        if task.verbalizer is None:
            no_choice = gettext("{task} has no answers to choose from; take another task.")
            raise ValueError(no_choice.format(task=task.name))
        comparable = is_lesson_task(task)
        recorded = preferred(rows_of(self.method), lm.name) if comparable else []
        super().__init__(lm, task)
        self.answers = len(task.verbalizer.words)
        self.comparable = comparable
        self.records = Records(self.method, recorded, self.line, self.place)
        plain = rows_of("prompt_tuning", self.records.backbone) if self.records else []
        self.words_alone = [row for row in plain if row["family"] == "no training"]
        self.following = True  # the learning rate follows the other knobs
        self.held = False  # whether several knobs are set, to be answered together
        self.controls = self.make_controls(steps)
        self.controls["learning_rate"].value = self.usual_rate()
        self.defaults = {name: widget.value for name, widget in self.controls.items()}
        self.at_first = self.in_words(self.run_as_set())
        self.make_views()
        self.clear()
        for name, widget in self.controls.items():
            turned = self.take_rate if name == "learning_rate" else self.follow
            widget.observe(lambda _, turned=turned: turned(), "value")
        self.sentence.observe(lambda _: self.answer_sentence(), "value")
        self.tracker.observe(lambda _: self.turn(), "hidden")

    # What a lab adds

    @abstractmethod
    def answer(self) -> float:
        """The measured answer to `question`, in percentage points, from the records."""

    def line(self, family: str) -> str:
        """The name of the line that the runs of a family are drawn on."""
        first, *more = family.split(", ")[1:]
        return ", ".join((gettext(choice_of(self.told_apart, first)), *more))

    def place(self, x: str, value: Any) -> Any:
        """Where a value of a setting stands on the horizontal axis `x`."""
        return value

    def setting(self, x: str, place: Any) -> Any:
        """The inverse of `place`."""
        return place

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
            gettext("training sentences"),
            gettext("how many it learns from"),
            {f"{n}": n for n in sizes},
        )
        controls["train"].value = TRAIN if TRAIN in sizes else sizes[-1]
        controls["steps"] = control(next(one for one in Recipe.declared() if one.name == "steps"))
        controls["steps"].max = 200
        controls["steps"].value = steps
        controls["learning_rate"] = choice(
            gettext("learning rate"),
            gettext(
                "follows the other knobs, to the rate that was chosen for them, until you set "
                "another"
            ),
            {f"{rate:g}": rate for rate in LADDER},
        )
        return controls

    def make_views(self) -> None:
        self.recorded_runs = RecordedRuns(self.records, self.compared, self.go)
        self.inside_plot = plot(gettext("Inside the method: what it has learned"))
        self.tracker = Runs(self.delete)
        self.words, self.rate_words, self.verdict = (widgets.HTML() for _ in range(3))
        self.inside_words, self.sentence_words = widgets.HTML(), widgets.HTML()
        self.sentence = widgets.Text(
            value=SENTENCE,
            description=gettext("your sentence"),
            continuous_update=False,
            **WIDE,
        )
        pages = {
            gettext_noop("recorded runs"): self.recorded_runs,
            gettext_noop("your runs"): widgets.VBox([self.verdict, self.tracker]),
            gettext_noop("inside"): widgets.VBox([self.inside_words, self.inside_plot]),
        }
        self.view = widgets.ToggleButtons(
            options=[(gettext(name), name) for name in pages], style=BUTTONS
        )
        opened = widgets.Stack(list(pages.values()))
        # The page turns them itself: while the panel trains the kernel would come to it late.
        turned = widgets.jsdlink((self.view, "index"), (opened, "selected_index"))
        self.links = [turned, *self.recorded_runs.links]
        results = [self.rate_words, self.sentence, self.sentence_words, self.view, opened]
        self.ask = Prediction(self.question, self.answer, self.why, results)
        left = [*self.on_the_left(), *self.rows_of_buttons(), self.status, self.words]
        self.children = [sides(left, self.ask)]

    def on_the_left(self) -> list[widgets.Widget]:
        """The controls, in their order, each with a line of help."""
        return [
            with_help(widget, "" if name == "train" else name)
            for name, widget in self.controls.items()
        ]

    def plots(self) -> list[bytes]:
        curve = self.recorded_runs.shown
        return [figures.png(curve.picture())] if curve else []

    # Turning a knob

    def expected(self) -> str:
        """How long a run takes on this machine."""
        run = self.run_as_set()
        how = run.recipe
        sentences = how.steps // how.validate_every * len(self.task.validation)
        sentences += self.sentences_at_the_ends(run)
        took = self.clock.words(how.steps, sentences)
        said = gettext("{steps} steps of {size} take about {time} here.")
        return said.format(steps=how.steps, size=how.batch_size, time=took)

    def settings(self) -> dict[str, Any]:
        """The method's knobs and the number of training examples, as the controls stand."""
        values = {name: self.controls[name].value for name in (*self.knobs, "train")}
        return dict(self.records.families[0].knobs) | {
            name: typed(value) if isinstance(value, str) else value
            for name, value in values.items()
        }

    def usual_rate(self) -> float:
        """The rate for the knobs as they stand: the one that was chosen for them.

        For others of their family that of its usual runs; before there is one, the rate where the
        search begins. For knobs of no family the rate of the `LADDER` that is next to the
        method's own.
        """
        settings = self.settings()
        family = self.records.family(**settings)
        if family and family.middle:
            usual = self.records.rate(**self.records.knobs(family))
            return self.records.rate(**settings) or usual or family.middle
        own = METHODS[self.method].sketch(self.lm.geometry, **knobs_of(settings)).learning_rate
        return min(LADDER, key=lambda rate: abs(log(rate / own)))

    def follow(self) -> None:
        """Answer a turned knob; the learning rate follows it, unless the learner has set one."""
        if self.held:
            return
        rate = self.controls["learning_rate"]
        with self.reporting():
            usual = self.usual_rate()
            if self.following and rate.value != usual:
                rate.value = usual  # which answers
                return
        self.turn()

    def take_rate(self) -> None:
        """Take the rate as it was set: one that is usual for the knobs follows them again."""
        if self.held:
            return
        self.following = False
        with self.reporting():
            self.following = self.controls["learning_rate"].value == self.usual_rate()
        self.turn()

    def turn(self) -> None:
        """Answer a turned knob at once: from its declaration, and from what was recorded."""
        hide_idle(self.controls)
        with self.reporting():
            self.check_texts()
            run = self.run_as_set()
            cost = METHODS[self.method].cost(self.lm.geometry, **knobs_of(run.settings))
            words = gettext(
                "{stored:,} numbers to store ({kilobytes:,.0f} kB, {share:.3%} of the model), "
                "{trained:,} while training."
            ).format(
                stored=cost.stored,
                kilobytes=cost.stored_bytes / 1000,
                share=cost.share,
                trained=cost.trained,
            )
            self.say(self.expected())
            found = self.recorded(run)
            self.rate_words.value = escape(self.about_rate(run, found))
            self.words.value = escape(f"{words} {self.about_records()}")
            self.recorded_runs.point(
                {x: self.place_of(run, x) for x in self.records.axes},
                self.line_of(run),
                self.stars(),
            )
            self.draw_runs()

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
            said = gettext(
                "Recorded runs have {recorded} steps; one of {steps} is not compared with them."
            )
        elif len(found):
            said = gettext("Recorded at {rate:g}: {came_to}.")
        else:
            said = gettext("Nothing is recorded at {rate:g} with these knobs.")
        if family is None:
            said += gettext(
                " No rate was looked for with such knobs; the method has {usual_rate:g}."
            )
        elif self.records.rate(**run.settings):
            said += gettext(" Chosen by the loss on validation sentences: {usual_rate:g}.")
        elif self.records.rate(**self.records.knobs(family)):
            said += gettext(
                " No rate was looked for with just such knobs; {usual_rate:g} is that of the "
                "usual runs."
            )
        else:
            said += gettext(
                " The rate is not chosen yet; {usual_rate:g} is where its search begins."
            )
        if not self.following:
            said += gettext(
                " Put back at {usual_rate:g}, the slider follows the other knobs again."
            )
        return said.format(
            recorded=STEPS,
            steps=run.steps,
            rate=run.rate,
            usual_rate=run.usual_rate,
            came_to=mean_and_range(found) if len(found) else "",
        )

    def about_records(self) -> str:
        """On which backbone the recorded runs are."""
        if not self.records:
            return gettext("Nothing is recorded for this task: Train measures it.")
        said = gettext("Recorded on {recorded}.")
        if self.records.backbone != self.lm.name:
            said = gettext("Recorded on {recorded}: there is nothing on {used}, the model in use.")
        return said.format(recorded=self.records.backbone, used=self.lm.name)

    def place_of(self, run: Run, x: str) -> Any:
        """Where a run stands on the horizontal axis `x`."""
        return self.place(x, run.rate if x == "rate" else run.settings[x])

    def line_of(self, run: Run) -> str:
        """The line of the recorded runs with such knobs; empty where there is none."""
        family = self.records.family(**run.settings)
        return self.line(family.name) if family else ""

    def stars(self) -> dict[tuple[str, str], list[Star]]:
        """By setting and measure, the learner's finished runs along it that are not hidden."""
        return {
            (x, measure): [
                Star(self.place_of(run, x), getattr(run.result, measure), colour_of(run.look))
                for run in self.runs
                if run.result and run.stands_along(x) and run.number not in self.tracker.hidden
            ]
            for x in self.records.axes
            for measure in MEASURES
        }

    def compared(self, x: str) -> dict[str, dict[str, float]]:
        """By the measure, what the recorded runs along `x` are compared with."""
        guess = gettext("a coin flip")  # recorded are runs of two classes
        levels = {"accuracy": {guess: 0.5}, "loss": {f"{guess}, ln 2": log(2)}}
        for row in self.words_alone if x != "template" else ():  # of each wording another one
            for measure, level in levels.items():
                level[gettext("no training")] = row[measure]
        return levels

    def go(self, x: str, place: Any, line: str) -> None:
        """Set the knobs as for the runs at a place of a line, unless they are held by a run."""
        if self.train_button.disabled:
            return
        family = next(one for one in self.records.families if self.line(one.name) == line)
        knobs = self.records.knobs(family) | self.records.fixed(x)
        wanted = {name: knobs[name] for name in (*self.knobs, "train") if name in knobs}
        wanted["learning_rate" if x == "rate" else x] = self.setting(x, place)
        with while_set(self, "held"):
            for name, value in wanted.items():
                self.controls[name].value = shown(value) if isinstance(value, str) else value
        if x == "rate":
            self.take_rate()
        else:
            self.following = True
            self.follow()

    # Runs

    def examples(self, size: int) -> Dataset:
        if self.comparable:
            return lesson_task(size).train
        return self.task.train.select(range(size))

    @contextmanager
    def working(self) -> Iterator[None]:
        self.ask.uncover()
        self.ask.fold()
        self.view.value = "your runs"
        with super().working():
            yield

    def clear(self) -> None:
        """The knobs as at first, no runs, and the question where there is an answer."""
        self.forget_all()
        self.following = True
        for name, value in self.defaults.items():
            self.controls[name].value = value
        self.progress.value = 0
        self.view.value = "recorded runs" if self.records else "your runs"
        if self.answered():
            self.ask.cover()
        else:
            self.ask.uncover()
        self.free()

    def answered(self) -> bool:
        """Whether the runs that answer the question are recorded."""
        try:
            return bool(self.records) and isfinite(self.answer())
        except ValueError:  # no such record
            return False

    # Looking

    def draw_runs(self) -> None:
        newest = self.newest or self.run_as_set()
        curves = self.recorded(newest).losses
        self.tracker.draw(
            [run.tracked(self.in_words(run), self.beside(run)) for run in self.runs],
            at_first=self.at_first,
            steps=max(run.steps for run in (*self.runs, newest)),
            levels=self.levels(newest),
            recorded=[losses for losses in curves if losses],  # one that diverged has none
        )
        self.verdict.value = escape(self.about_result(newest))

    def in_words(self, run: Run) -> dict[str, str]:
        """The knobs of a run, by their labels."""
        knobs = run.settings | {"steps": run.steps, "rate": run.rate}
        return {gettext(name_of(name)): said(name, value) for name, value in knobs.items()}

    def beside(self, run: Run) -> pd.DataFrame:
        """The recorded runs that a run is compared with: like it, and on the model in use."""
        found = self.recorded(run)
        return found if self.records.backbone == self.lm.name else found.iloc[:0]

    def levels(self, run: Run) -> dict[str, dict[str, float]]:
        """What losses and accuracies are compared with: a guess, and the prompt alone."""
        n = self.answers
        guess = gettext("a coin flip") if n == 2 else gettext("a guess among {n}").format(n=n)
        levels = {"loss": {f"{guess}, ln {n}": log(n)}, "accuracy": {guess: 1 / n}}
        if plain := self.untrained.get((self.key(run), "validation")):
            levels["loss"][gettext("no training")] = plain.loss
            levels["accuracy"][gettext("no training")] = plain.accuracy or 0.0
        return levels

    def about_result(self, run: Run) -> str:
        """What the newest run came to, in words."""
        plain = self.untrained.get((self.key(run), "test"))
        if run.result is None or plain is None:
            return ""
        words = gettext("Run {number}.").format(number=run.number)
        words += f" {verdict(run.result, plain, self.beside(run))}"
        if best := run.best_step:
            words += gettext(
                " It is as after step {best}, where the loss on validation was lowest."
            ).format(best=best)
        if self.records and run.stands_along("rate"):
            words += gettext(
                " A star marks it among the recorded runs."
                if run.rate == run.usual_rate
                else " A star marks it among the recorded runs, by the learning rate."
            )
        return words

    def answer_sentence(self) -> None:
        """Answer the learner's sentence anew, and look from it into the method."""
        self.take_back()
        self.look_inside()

    def compare_answers(self) -> None:
        """Answer the learner's sentence as before training, and as the newest run does by now."""
        if self.before is None or self.trained is None:
            self.sentence_words.value = gettext("Train: then it is answered here, before and now.")
            return
        with self.reporting():
            self.check_texts()
            given = (self.lm, self.task, self.before, self.trained, self.sentence.value)
            self.sentence_words.value = inside.before_and_after(*given)

    def look_inside(self) -> None:
        """What the newest run did to the learner's sentence, and what its parameters are like."""
        self.compare_answers()
        if self.trained is None:
            self.inside_words.value = gettext("Train first, then look here.")
            self.inside_plot.layout.display = "none"
            return
        with self.reporting():
            self.check_texts()
            self.inside_words.value = inside.virtual_tokens(self.lm, self.trained)
            picture = inside.attention(self.lm, self.trained, self.sentence.value)
            self.inside_plot.value = picture
            self.inside_plot.layout.display = "" if picture else "none"

    def release(self) -> None:
        # The learner, and Jupyter's Out, may hold on to the panel: let go of what is large.
        self.forget_newest()
        for link in self.links:
            link.close()


def said(knob: str, value: Any) -> str:
    """A knob's value in words."""
    if (knob, value) in CHOICES:
        return gettext(choice_of(knob, value))
    if isinstance(value, bool):
        return gettext("yes" if value else "no")
    return f"{value:g}" if isinstance(value, float) else shown(str(value))


def choice(description: str, tooltip: str, options: dict[str, Any]) -> widgets.SelectionSlider:
    """A slider over a few values, each shown by its name."""
    return widgets.SelectionSlider(
        options=list(options.items()),
        description=description,
        tooltip=tooltip,
        continuous_update=False,
        **WIDE,
    )
