"""A panel for in-context learning: which demonstrations, in which order, how labelled."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from html import escape
from math import factorial
from typing import Any, NamedTuple

import ipywidgets as widgets
import pandas as pd

from prefixlab.data.task import Task
from prefixlab.evaluation.choices import Evaluation, wilson
from prefixlab.methods import create
from prefixlab.methods.in_context import (
    InContextKnobs,
    demonstrations_of,
    dictionary,
    tokens,
)
from prefixlab.models.backbone import Backbone
from prefixlab.workbook import figures
from prefixlab.workbook.language import gettext, gettext_noop
from prefixlab.workbook.measuring import is_lesson_task, task_of
from prefixlab.workbook.page import Curve
from prefixlab.workbook.panels.base import BREATH, WIDE, while_set
from prefixlab.workbook.panels.knobs import control, with_help
from prefixlab.workbook.panels.live import LivePanel
from prefixlab.workbook.panels.results import Result, tried
from prefixlab.workbook.protocol import Family, Run
from prefixlab.workbook.records import preferred, rows_of

KNOBS = ("demonstrations", "order", "labels")  # of the method
MOST = 8  # demonstrations
REACH = 120  # orders that the slider reaches: all of up to five demonstrations
DRAWS = 10


class Draw(NamedTuple):
    """Which demonstrations, in any order."""

    demonstrations: int
    labels: str
    seed: int


class InContextPanel(LivePanel):
    """Knobs of a context over the recorded orders, and a button that measures one live.

    Parameters
    ----------
    lm, task
        What is steered, and what for; a context is measured on all test sentences of the task.
    """

    def __init__(self, lm: Backbone, task: Task):
        if task.verbalizer is None:
            no_choice = gettext("{task} has no answers to choose from; take another task.")
            raise ValueError(no_choice.format(task=task.name))
        tooltip = gettext("Read the demonstrations, answer the test sentences and count")
        super().__init__(lm, task, self.measure, gettext("Measure"), tooltip)
        self.by_protocol = is_lesson_task(task)
        rows = preferred(rows_of("in_context"), lm.name) if self.by_protocol else []
        self.recorded = by_draw(rows)
        self.backbone: str = rows[0]["backbone"] if rows else ""
        self.shown_from = cache(self.pool)
        self.pattern = cache(self.initials)
        self.pointing = False  # whether it is the panel that moves the curve's slider
        self.orders: dict[str, int] = {}
        self.yours: dict[Draw, dict[int, tuple[Evaluation, Evaluation]]] = {}
        self.controls = make_controls()
        self.words = widgets.HTML(layout={"min_height": "84px"})
        self.chance = 1 / len(task.verbalizer.words)
        self.curve: Curve | None = None  # before there is anything to draw
        self.plot = widgets.VBox()
        self.drawn: Any = None
        self.turn()
        for widget in self.controls.values():
            widget.observe(self.turn, "value")
        knobs = [
            with_help(widget, name if name in KNOBS else "")
            for name, widget in self.controls.items()
        ]
        self.children = [widgets.VBox(knobs), self.bar, self.status, self.words, self.plot]

    def pool(self, seed: int) -> Task:
        """The task with the sentences that a draw shows, which differ as in the recorded runs."""
        if not self.by_protocol:
            return self.task
        return replace(self.task, train=task_of(Family("", "").run(seed, None)).train)

    def turn(self, _: Any = None) -> None:
        """What a moved control does: the sliders follow each other, the rest follows them."""
        orders = factorial(self.controls["demonstrations"].value)
        order = self.controls["order"]
        if order.value >= orders:
            order.value = 0
        order.max = max(1, min(orders, REACH) - 1)  # a slider must have two ends
        order.disabled = orders == 1
        now = {name: widget.value for name, widget in self.controls.items()}
        if now != self.drawn:  # else a slider that followed has drawn it
            self.drawn = now
            self.status.value = ""
            self.draw()

    def draw(self) -> None:
        """Describe the context as the knobs stand, and draw what is known of its orders."""
        draw, order, calibrate = self.now()
        orders = factorial(draw.demonstrations)
        known = self.recorded.get(draw, pd.DataFrame())
        yours = {at: both[calibrate] for at, both in self.yours.get(draw, {}).items()}
        column = "calibrated" if calibrate else "accuracy"
        found: dict[str, dict[int, float]] = {
            gettext("recorded"): {}
            if known.empty
            else dict(zip(known.index, known[column], strict=True)),
            gettext("yours"): {at: result.accuracy or 0.0 for at, result in yours.items()},
        }
        with self.reporting():
            self.draw_patterns(draw, found)
            lines = [self.about_context(draw, order), self.about_records(known, orders)]
            if order in yours:
                lines.append(about(yours[order]))
            text = "".join(f"<div>{escape(one)}</div>" for one in lines)
            self.words.value = f'<div style="line-height: 1.6">{text}</div>'

    def draw_patterns(self, draw: Draw, found: Mapping[str, Mapping[int, float]]) -> None:
        """Draw accuracies by the pattern of the labels, which says more than an order's number."""
        self.orders = {}  # by the pattern, one that was measured
        lines: dict[str, dict[str, list[float]]] = {}
        for name, accuracies in found.items():
            for order, accuracy in accuracies.items():
                pattern = self.pattern(draw, order)
                self.orders.setdefault(pattern, order)
                lines.setdefault(name, {}).setdefault(pattern, []).append(accuracy)
        self.plot.layout.display = "" if lines else "none"
        if not lines:
            return
        at = self.pattern(draw, self.controls["order"].value)
        ordered = {name: dict(sorted(line.items())) for name, line in lines.items()}
        with while_set(self, "pointing"):
            if self.curve is None:
                self.curve = self.make_curve(ordered)
            self.curve.lines = ordered
            if at in self.curve.places:
                self.curve.value = at

    def make_curve(self, lines: Mapping[str, Mapping[str, list[float]]]) -> Curve:
        curve = Curve(
            lines,
            xlabel=gettext_noop("first letters of the labels, in their order"),
            ylabel=gettext_noop("accuracy"),
            references={gettext("chance"): self.chance},
            each=gettext_noop("orders"),
        )
        curve.observe(self.go, "value")
        self.plot.children = [curve]
        return curve

    def go(self, change: Any) -> None:
        """Take an order that has the pattern to which the learner went."""
        if not self.pointing:
            self.controls["order"].value = self.orders[change.new]

    def now(self) -> tuple[Draw, int, bool]:
        """The draw, the order and whether to calibrate, as the knobs stand."""
        at = {name: widget.value for name, widget in self.controls.items()}
        return Draw(at["demonstrations"], at["labels"], at["seed"]), at["order"], at["calibrate"]

    def about_context(self, draw: Draw, order: int) -> str:
        if not draw.demonstrations:
            return gettext("No demonstrations: the model sees the template alone.")
        chosen = self.shown(draw, order)
        length = len(tokens(self.lm, [self.task.template.fill(x, y) for x, y in chosen]))
        orders = factorial(draw.demonstrations)
        said = gettext("Order {order} of 0 to {last}: {labels}. {length} tokens.")
        if orders > REACH:
            said = gettext(
                "Order {order} of 0 to {last} (the slider reaches {reach}): {labels}. "
                "{length} tokens."
            )
        labels = ", ".join(word for _, word in chosen)
        span = {"order": order, "last": orders - 1, "reach": REACH}
        return said.format(labels=labels, length=length, **span)

    def shown(self, draw: Draw, order: int) -> list[tuple[str, str]]:
        """The demonstrations as (text, answer word), in an order."""
        asked = {"demonstrations": draw.demonstrations, "labels": draw.labels, "order": order}
        knobs, task = InContextKnobs.of("in_context", asked), self.shown_from(draw.seed)
        return demonstrations_of(task, knobs, draw.seed)

    def initials(self, draw: Draw, order: int) -> str:
        """The pattern of the labels: "npnp", or "neg p neu" where one letter is not enough."""
        assert self.task.verbalizer is not None
        short = beginnings(dictionary(self.task.verbalizer, draw.labels))
        between = " " if any(len(begun) > 1 for begun in short.values()) else ""
        return between.join(short[word] for _, word in self.shown(draw, order)) or "∅"

    def about_records(self, known: pd.DataFrame, orders: int) -> str:
        if not self.recorded:
            return gettext("Nothing is recorded for this task: Measure makes the first point.")
        if known.empty:
            ks, _, seeds = (sorted(set(column)) for column in zip(*self.recorded, strict=True))
            return gettext(
                "Nothing is recorded for these knobs, only your own measurements are shown. "
                "Recorded: {fewest} to {most} demonstrations, draws {first} to {last}."
            ).format(fewest=ks[0], most=ks[-1], first=seeds[0], last=seeds[-1])
        size = int(known.test.iloc[0])
        low, high = wilson(size // 2, size)
        return gettext(
            "{known} of {orders} orders recorded on {backbone}, {size} sentences each: "
            "each is sure to about ±{points:.0f} points."
        ).format(
            known=len(known),
            orders=orders,
            backbone=self.backbone,
            size=size,
            points=50 * (high - low),
        )

    async def measure(self) -> None:
        """What the Measure button does: a point of the learner's own, unless it is stopped."""
        with self.working():
            draw, order, calibrate = self.now()
            self.clock.value = gettext("Reading the demonstrations…")
            await asyncio.sleep(BREATH)
            knobs = {"demonstrations": draw.demonstrations, "order": order, "labels": draw.labels}
            began = time.process_time()
            shown = self.shown_from(draw.seed)
            method = create("in_context", self.lm, shown, seed=draw.seed, **knobs)
            seconds = time.process_time() - began
            both = await self.judged(method, self.task, self.task.test)
            if both is None:
                return
            self.yours.setdefault(draw, {})[order] = both
            took = gettext(", read in {seconds:.1f} s of the processor")
            self.clock.value += took.format(seconds=seconds)
            self.draw()
            accuracy, loss = both[calibrate].accuracy, both[calibrate].loss
            knobs |= {"seed": draw.seed, "calibrate": calibrate}
            tried.add(
                Result.of(
                    self.lm.geometry,
                    "in_context",
                    knobs,
                    accuracy=accuracy or 0.0,
                    loss=loss,
                    seconds=seconds,
                    comparable=self.by_protocol,
                )
            )

    def plots(self) -> list[bytes]:
        return [figures.png(self.curve.picture())] if self.curve else []


def about(yours: Evaluation) -> str:
    """What an order came to that the learner measured."""
    low, high = yours.interval or (0.0, 1.0)
    return gettext(
        "Yours: accuracy {accuracy:.3f} (95% interval {low:.3f} to {high:.3f}), "
        "loss {loss:.3f} nats, {count} examples."
    ).format(accuracy=yours.accuracy, low=low, high=high, loss=yours.loss, count=yours.examples)


def beginnings(words: Sequence[str]) -> dict[str, str]:
    """For each word the shortest beginning that no other word has; all of it, if there is none."""
    return {
        word: next(
            (
                word[:end]
                for end in range(1, len(word))
                if not any(other.startswith(word[:end]) for other in words if other != word)
            ),
            word,
        )
        for word in words
    }


def make_controls() -> dict[str, Any]:
    declared = {one.name: one for one in InContextKnobs.declared()}
    controls = {
        "demonstrations": control(declared["demonstrations"]),
        "order": slider(gettext("order"), REACH - 1, gettext(declared["order"].metadata["help"])),
        "labels": control(declared["labels"]),
        "seed": slider(
            gettext("draw (seed)"), DRAWS - 1, gettext("which of the training examples are shown")
        ),
        "calibrate": widgets.Checkbox(
            description=gettext("calibrate"),
            tooltip=gettext("divide by what the model answers when there is nothing to judge"),
            **WIDE,
        ),
    }
    controls["demonstrations"].max = MOST
    for name in ("demonstrations", "order", "seed"):
        controls[name].continuous_update = True  # an answer takes no longer than a glance
    return controls


def slider(description: str, high: int, tooltip: str) -> widgets.IntSlider:
    return widgets.IntSlider(max=high, description=description, tooltip=tooltip, **WIDE)


def by_draw(rows: Sequence[Run]) -> dict[Draw, pd.DataFrame]:
    """The recorded orders of every draw, by order."""
    if not rows:
        return {}
    table = pd.DataFrame([row | row["knobs"] for row in rows])
    groups = table.groupby(list(Draw._fields))
    return {Draw._make(draw): of_draw.set_index("order").sort_index() for draw, of_draw in groups}
