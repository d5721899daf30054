"""The in-context panel, driven as a page would drive it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from math import factorial
from pathlib import Path
from typing import Any

import pytest

from prefixlab import Backbone, Task, Template, evaluation
from prefixlab.methods import InContextLearning, create
from prefixlab.workbook import records
from prefixlab.workbook.panels import InContextPanel, context
from prefixlab.workbook.panels.results import tried
from prefixlab.workbook.protocol import Family


def row(k: int, order: int, labels: str, seed: int = 0, **changed: Any) -> dict[str, Any]:
    accuracy = 0.3 + 0.02 * order + 0.005 * k
    knobs = {"demonstrations": k, "order": order, "labels": labels}
    return (
        Family("shown", "in_context", knobs).run(seed, None)
        | {"backbone": "tiny-gpt2", "accuracy": accuracy, "calibrated": 1 - accuracy}
        | changed
    )


@pytest.fixture
def grid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, task: Task) -> Path:
    """A record of all orders of up to four demonstrations, with true and with random labels.

    The sentences of seed 2 are others: as they are, and backwards.
    """
    others = {0: task.train, 2: task.train.select(range(len(task.train) - 1, -1, -1))}
    pools = {seed: replace(task, train=train) for seed, train in others.items()}
    monkeypatch.setattr(context, "is_lesson_task", lambda asked: True)
    monkeypatch.setattr(context, "task_of", lambda run: pools.get(run["seed"], task))
    rows = [
        row(k, order, labels)
        for k in (1, 2, 3, 4)
        for order in range(factorial(k))
        for labels in ("true", "random")
    ]
    rows += [row(3, 0, "true", seed=2, accuracy=0.9)]
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    (tmp_path / "in_context.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


@pytest.fixture
def panel(gpt2: Backbone, task: Task, grid: Path) -> InContextPanel:
    return InContextPanel(gpt2, task)


def drawn(panel: InContextPanel, line: str) -> dict[str, list[float]]:
    """By the pattern of their labels, the accuracies of the orders on a line."""
    shown = panel.curve is not None and panel.plot.layout.display != "none"
    return panel.curve.lines.get(line, {}) if shown and panel.curve else {}


def all_of(panel: InContextPanel, line: str) -> list[float]:
    return sorted(value for values in drawn(panel, line).values() for value in values)


def turn(panel: InContextPanel, **knobs: Any) -> None:
    for name, value in knobs.items():
        panel.controls[name].value = value


def test_the_order_slider_follows_the_demonstrations(panel: InContextPanel) -> None:
    k, order = panel.controls["demonstrations"], panel.controls["order"]
    assert (k.min, k.max) == (0, 8)
    assert order.max == 23
    order.value = 20
    k.value = 3
    assert (order.max, order.value) == (5, 0)
    k.value = 8
    assert order.max == 119
    k.value = 1
    assert order.disabled
    assert (order.value, order.max) == (0, 1)  # two ends, or the page cannot draw the slider
    assert "does not work" not in panel.status.value


def test_every_recorded_order_of_these_knobs_is_drawn(panel: InContextPanel) -> None:
    turn(panel, order=5)
    accuracies = [0.3 + 0.02 * n + 0.02 for n in range(24)]
    assert all_of(panel, "recorded") == pytest.approx(accuracies)
    turn(panel, calibrate=True)
    assert all_of(panel, "recorded") == pytest.approx(sorted(1 - each for each in accuracies))
    turn(panel, demonstrations=3, calibrate=False)
    assert len(all_of(panel, "recorded")) == 6
    turn(panel, seed=2)
    assert all_of(panel, "recorded") == [0.9]
    assert "1 of 6 orders recorded on tiny-gpt2" in panel.words.value


def test_orders_stand_by_the_pattern_of_their_labels(panel: InContextPanel) -> None:
    turn(panel, order=9)
    labels = panel.words.value.partition("Order 9 of 0 to 23: ")[2].partition(".")[0]
    assert panel.curve
    assert panel.curve.value == "".join(word[0] for word in labels.split(", "))
    assert pytest.approx(0.3 + 0.02 * 9 + 0.02) in drawn(panel, "recorded")[panel.curve.value]
    assert list(drawn(panel, "recorded")) == sorted(drawn(panel, "recorded"))
    assert panel.curve.references == {"chance": 0.5}
    turn(panel, labels="outside")
    assert not drawn(panel, "recorded")


@pytest.mark.parametrize(
    ("words", "pattern"),
    [
        ({"bad", "good"}, {"bad": "b", "good": "g"}),
        ({"negative", "neutral", "positive"}, {"negative": "neg", "neutral": "neu"}),
        ({"good", "good enough"}, {"good": "good", "good enough": "good "}),
    ],
)
def test_labels_that_begin_alike_are_told_apart(words: set[str], pattern: dict[str, str]) -> None:
    assert pattern.items() <= context.beginnings(sorted(words)).items()


def test_a_pattern_of_three_labels_tells_them_apart(gpt2: Backbone, three: Task) -> None:
    panel = InContextPanel(gpt2, three)
    turn(panel, demonstrations=3)
    patterns = {panel.initials(panel.now()[0], order) for order in range(6)}
    assert {frozenset(one.split()) for one in patterns} == {frozenset(("neg", "neu", "p"))}
    assert len(patterns) == 6
    asyncio.run(panel.measure())
    assert panel.curve
    assert panel.curve.value in patterns
    assert panel.curve.references == {"chance": pytest.approx(1 / 3)}
    assert not tried.results[-1].comparable
    turn(panel, labels="outside")
    assert " " not in panel.initials(panel.now()[0], 0)


def test_going_along_the_patterns_takes_an_order_that_has_it(panel: InContextPanel) -> None:
    curve = panel.curve
    assert curve
    for pattern in curve.places:
        curve.set_state({"value": pattern})
        order = panel.controls["order"].value
        assert panel.pattern(panel.now()[0], order) == pattern == curve.value
        assert f"Order {order} of 0 to 23" in panel.words.value


def test_the_labels_are_named_in_their_order(panel: InContextPanel, gpt2: Backbone) -> None:
    turn(panel, order=9)
    method = InContextLearning(gpt2, panel.task, order=9)
    words = ", ".join(text.rsplit(" ", 1)[-1] for text in method.texts)
    assert f"Order 9 of 0 to 23: {words}." in panel.words.value


def test_a_move_counts_the_tokens_and_runs_no_model(
    panel: InContextPanel, gpt2: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = len(InContextLearning(gpt2, panel.task, demonstrations=3, order=4, seed=1).tokens)

    def run(*given: Any) -> None:
        raise AssertionError("the model was run")

    monkeypatch.setattr(Backbone, "_read", run)
    turn(panel, demonstrations=3, order=4, seed=1)
    assert f"{expected} tokens" in panel.words.value


@pytest.mark.parametrize("knobs", [{"demonstrations": 0}, {"demonstrations": 5}, {"seed": 1}])
def test_what_is_not_recorded_is_said_in_words(panel: InContextPanel, knobs: dict) -> None:
    turn(panel, **knobs)
    assert not drawn(panel, "recorded")
    assert "Nothing is recorded for these knobs" in panel.words.value
    assert "1 to 4 demonstrations, draws 0 to 2" in panel.words.value


def test_it_works_without_a_record(gpt2: Backbone, task: Task, grid: Path) -> None:
    (grid / "in_context.jsonl").unlink()
    panel = InContextPanel(gpt2, task)
    assert "Nothing is recorded for this task" in panel.words.value
    asyncio.run(panel.measure())
    assert len(all_of(panel, "yours")) == 1


@pytest.mark.parametrize("calibrate", [False, True])
def test_measure_counts_as_evaluation_does(
    panel: InContextPanel, gpt2: Backbone, task: Task, calibrate: bool
) -> None:
    before = len(tried.results)
    turn(panel, demonstrations=3, order=1, labels="random", seed=3, calibrate=calibrate)
    asyncio.run(panel.measure())
    knobs: dict[str, Any] = {"demonstrations": 3, "order": 1, "labels": "random"}
    method = create("in_context", gpt2, task, seed=3, **knobs)
    other, expected = (
        evaluation.evaluate(gpt2, method, task, calibrate=each)
        for each in (not calibrate, calibrate)
    )
    assert other.accuracy != expected.accuracy
    assert all_of(panel, "yours") == [expected.accuracy]
    assert f"Yours: {str(expected)[:30]}" in panel.words.value
    assert len(tried.results) == before + 1
    assert tried.results[-1].accuracy == expected.accuracy
    assert tried.results[-1].knobs == knobs | {"seed": 3, "calibrate": calibrate}
    turn(panel, seed=4)
    assert not drawn(panel, "yours")  # another draw
    turn(panel, seed=3)
    assert len(all_of(panel, "yours")) == 1


def test_stop_keeps_nothing_and_the_page_is_alive_before(
    panel: InContextPanel, press: Callable[..., None]
) -> None:
    before = len(tried.results)

    def turn_and_stop() -> None:
        words = panel.words.value
        turn(panel, order=11)
        assert panel.words.value != words
        panel.stop_button.click()

    press(panel, turn_and_stop)
    assert "Stopped" in panel.clock.value
    assert not panel.yours
    assert len(tried.results) == before
    assert not panel.button.disabled


def test_what_is_measured_belongs_to_the_knobs_it_was_started_with(
    panel: InContextPanel, press: Callable[..., None]
) -> None:
    turn(panel, order=2)
    press(panel, lambda: turn(panel, order=7))
    (made,) = panel.yours.values()
    assert list(made) == [2]
    assert all_of(panel, "yours") == [made[2][0].accuracy]


def test_an_error_appears_in_words(gpt2: Backbone, task: Task) -> None:
    panel = InContextPanel(gpt2, replace(task, template=Template("word " * 15 + "{x}: {y}")))
    turn(panel, demonstrations=8)
    assert "more than the 128 positions" in panel.status.value
    panel.status.value = ""
    asyncio.run(panel.measure())
    assert "more than the 128 positions" in panel.status.value
    assert not panel.yours
    turn(panel, demonstrations=2)
    assert not panel.status.value


def test_a_draw_shows_the_sentences_of_the_recorded_runs_of_its_seed(
    panel: InContextPanel, gpt2: Backbone, task: Task
) -> None:
    turn(panel, demonstrations=2, seed=2)
    others = panel.shown_from(2)
    assert others.train["x"] == task.train["x"][::-1]
    asyncio.run(panel.measure())
    method = create("in_context", gpt2, others, seed=2, demonstrations=2)
    expected = evaluation.evaluate(gpt2, method, task)
    assert all_of(panel, "yours") == [expected.accuracy]


def test_another_task_is_laid_beside_no_record(
    gpt2: Backbone, task: Task, grid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "is_lesson_task", lambda asked: False)
    panel = InContextPanel(gpt2, task)
    assert not drawn(panel, "recorded")
    assert panel.plots() == []
    assert panel.shown_from(2) is task


def test_its_picture_shows_the_figure(panel: InContextPanel) -> None:
    (picture,) = panel.plots()
    assert picture.startswith(b"\x89PNG")
    assert panel.picture().startswith(b"\x89PNG")
