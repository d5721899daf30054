"""The in-context panel, driven as a page would drive it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from math import factorial
from pathlib import Path
from threading import Thread
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


def dots(panel: InContextPanel) -> dict[int, float]:
    return dict(zip(*panel.figure.dots.get_data(), strict=True))


def diamonds(panel: InContextPanel) -> dict[int, float]:
    return dict(zip(*panel.figure.diamonds.get_data(), strict=True))


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


def test_one_dot_is_one_recorded_order_of_these_knobs(panel: InContextPanel) -> None:
    turn(panel, order=5)
    assert dots(panel) == {n: pytest.approx(0.3 + 0.02 * n + 0.02) for n in range(24)}
    turn(panel, calibrate=True)
    assert dots(panel)[3] == pytest.approx(1 - 0.38)
    turn(panel, demonstrations=3, calibrate=False)
    assert len(dots(panel)) == 6
    turn(panel, seed=2)
    assert dots(panel) == {0: 0.9}
    assert "1 of 6 orders recorded on tiny-gpt2" in panel.words.value


def test_the_chosen_order_is_marked_and_named(panel: InContextPanel) -> None:
    before = panel.plot.value
    turn(panel, order=5)
    assert panel.plot.value != before
    assert panel.figure.name.get_text() == "order 5"
    ring = panel.figure.ring.get_data()
    assert (list(ring[0]), list(ring[1])) == ([5], [pytest.approx(0.42)])
    turn(panel, labels="outside")
    assert len(panel.figure.ring.get_data()[0]) == 0


def test_beside_a_dot_stands_the_pattern_of_its_labels(panel: InContextPanel) -> None:
    drawn: dict[int, str] = {}

    def watch(pattern: Any) -> None:
        drawn[pattern.get_position()[0]] = pattern.get_text()

    draw = panel.figure.axis.draw_artist
    panel.figure.axis.draw_artist = lambda mark: (
        watch(mark) if mark is panel.figure.pattern else draw(mark)
    )
    turn(panel, order=9)
    labels = panel.words.value.partition("Order 9 of 0 to 23: ")[2].partition(".")[0]
    assert drawn[9] == "".join(word[0] for word in labels.split(", "))
    assert len(drawn) == 24


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
    assert not dots(panel)
    assert "Nothing is recorded for these knobs" in panel.words.value
    assert "1 to 4 demonstrations, draws 0 to 2" in panel.words.value


def test_it_works_without_a_record(gpt2: Backbone, task: Task, grid: Path) -> None:
    (grid / "in_context.jsonl").unlink()
    panel = InContextPanel(gpt2, task)
    assert "Nothing is recorded for this task" in panel.words.value
    asyncio.run(panel.measure())
    assert list(diamonds(panel)) == [0]


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
    assert diamonds(panel) == {1: expected.accuracy}
    assert f"Yours: {str(expected)[:30]}" in panel.words.value
    assert len(tried.results) == before + 1
    assert tried.results[-1].accuracy == expected.accuracy
    assert tried.results[-1].knobs == knobs | {"seed": 3, "calibrate": calibrate}
    turn(panel, seed=4)
    assert not diamonds(panel)  # another draw
    turn(panel, seed=3)
    assert len(diamonds(panel)) == 1


def test_stop_keeps_nothing_and_the_page_is_alive_before(
    panel: InContextPanel, press: Callable[..., None]
) -> None:
    before = len(tried.results)

    def turn_and_stop() -> None:
        picture = panel.plot.value
        turn(panel, order=11)
        assert panel.plot.value != picture
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
    assert list(diamonds(panel)) == [2]


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
    assert diamonds(panel) == {0: expected.accuracy}


def test_another_task_is_laid_beside_no_record(
    gpt2: Backbone, task: Task, grid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "is_lesson_task", lambda asked: False)
    panel = InContextPanel(gpt2, task)
    assert not dots(panel)
    assert panel.shown_from(2) is task


def test_its_picture_shows_the_figure(panel: InContextPanel) -> None:
    assert panel.plots() == [panel.plot.value]
    assert panel.picture().startswith(b"\x89PNG")


def test_two_threads_that_turn_a_knob_draw_one_after_the_other(panel: InContextPanel) -> None:
    """As in JupyterLab, where a cell and a slider may do so at once."""
    pictures = {
        orders: panel.figure.png(0, orders, {0: 0.5}, {0: "np"}, {}) for orders in (2, 6, 24, 120)
    }
    figure, drawn = panel.figure, []

    def draw(orders: int) -> None:
        drawn.append((orders, figure.png(0, orders, {0: 0.5}, {0: "np"}, {})))

    for _ in range(5):
        figure.background.cache_clear()
        threads = [Thread(target=draw, args=(orders,)) for orders in pictures]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(drawn) == 20
    assert all(picture == pictures[orders] for orders, picture in drawn)
