"""What the page is handed of runs, and what it asks for."""

from typing import Any

import pytest

from prefixlab import Evaluation
from prefixlab.workbook import figures
from prefixlab.workbook.page import Runs, Tracked

FIRST = {"prefix length": "10", "init": "words", "learning rate": "0.01"}


def tracked(number: int, look: int = 0, **changed: str) -> Tracked:
    found = {step: Evaluation(96, 0.5, 0.8, (0.7, 0.9), 0.1) for step in (0, 2)}
    knobs = FIRST | {name.replace("_", " "): value for name, value in changed.items()}
    return Tracked(number, look, knobs, [0.7, 0.5, 0.3], found, 2, "0.800 (0.7 to 0.9)", "+0.010")


@pytest.fixture
def deleted() -> list[int]:
    return []


@pytest.fixture
def runs(deleted: list[int]) -> Runs:
    return Runs(deleted.append)


def draw(runs: Runs, *shown: Tracked) -> dict[str, Any]:
    levels = {"loss": {"a coin flip, ln 2": 0.69}, "accuracy": {"a coin flip": 0.5}}
    runs.draw(shown, at_first=FIRST, steps=4, levels=levels, recorded=[[0.6, 0.4]])
    return dict(runs.drawing)


def test_only_knobs_that_some_run_changed_have_a_column(runs: Runs) -> None:
    drawing = draw(runs, tracked(1), tracked(2, init="noise"))
    assert drawing["heads"] == ["run", "init", "accuracy (95% interval)", "to the recorded mean"]
    assert [run["cells"] for run in drawing["runs"]] == [
        ["words", "0.800 (0.7 to 0.9)", "+0.010"],
        ["noise", "0.800 (0.7 to 0.9)", "+0.010"],
    ]
    assert "as it was at first" in drawing["note"]
    everything = tracked(3, prefix_length="1", init="noise", learning_rate="1")
    assert draw(runs, everything)["note"] == ""


def test_losses_are_smoothed_and_accuracies_have_intervals(runs: Runs) -> None:
    (run,) = draw(runs, tracked(1))["runs"]
    assert run["smoothed"] == [0.7, 0.6, 0.5]
    assert run["validations"] == [[0, 0.8, 0.7, 0.9], [2, 0.8, 0.7, 0.9]]
    assert runs.drawing["recorded"] == [[0.6, 0.5]]


def test_beyond_the_palette_lines_are_dashed(runs: Runs) -> None:
    many = len(figures.COLOURS)
    first, last = draw(runs, tracked(1, look=0), tracked(2, look=many))["runs"]
    assert (first["colour"], first["dashed"]) == (last["colour"], False)
    assert last["dashed"]


def test_what_is_gone_is_hidden_no_longer(runs: Runs) -> None:
    draw(runs, tracked(1), tracked(2))
    runs.hidden = [1, 2]
    draw(runs, tracked(2))
    assert runs.hidden == [2]


def test_the_page_asks_to_delete(runs: Runs, deleted: list[int]) -> None:
    draw(runs, tracked(1), tracked(7))
    runs._handle_custom_msg({"delete": 7}, [])
    assert deleted == [7]


def test_it_says_what_came_out(runs: Runs) -> None:
    assert runs.says() == "no run yet"
    draw(runs, tracked(1), tracked(7))
    assert runs.says() == "run 1: 0.800 (0.7 to 0.9); run 7: 0.800 (0.7 to 0.9)"


def test_the_picture_leaves_out_what_is_hidden(runs: Runs) -> None:
    draw(runs, tracked(1), tracked(2, look=1))
    runs.hidden = [1]
    loss, accuracy = runs.picture().axes
    assert figures.COLOURS[0] not in {line.get_color() for line in (*loss.lines, *accuracy.lines)}
    assert figures.COLOURS[1] in {line.get_color() for line in loss.lines}
