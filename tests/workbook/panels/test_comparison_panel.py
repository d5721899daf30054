"""The comparison panel: points to press, from this kernel and from recorded runs."""

import gc
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from prefixlab import METHODS, Backbone, geometry
from prefixlab.workbook import experiments, figures
from prefixlab.workbook.experiments import WORDINGS
from prefixlab.workbook.panels import results
from prefixlab.workbook.panels.comparison import LOOKS, MOST, ComparisonPanel
from prefixlab.workbook.panels.prediction import Prediction
from prefixlab.workbook.panels.results import Result, Tried

SENTIMENT = WORDINGS["sentiment"]


def row(method: str, accuracy: float, train: int = 256, **knobs: Any) -> dict[str, Any]:
    about = {"method": method, "train": train, "knobs": knobs, "backbone": "smollm2"}
    return about | {"accuracy": accuracy, "loss": 0.5, "cpu_seconds": 30.0}


def prefix(length: int, accuracy: float, **more: Any) -> dict[str, Any]:
    knobs = {"prefix_length": length, "init": "task_words", "reparameterization": "none"}
    return row("prefix_tuning", accuracy, **knobs | more)


RECORDED = {
    "discrete_prompt": [row("discrete_prompt", 0.7, template=SENTIMENT)],
    "in_context": [
        row("in_context", accuracy, demonstrations=2, labels=labels, order=order)
        for labels, order, accuracy in [("true", 0, 0.6), ("true", 1, 0.7), ("random", 0, 0.5)]
    ],
    "prefix_tuning": [
        prefix(10, 0.8),
        prefix(10, 0.9),
        prefix(10, 0.2, train=32),
        prefix(10, 0.3, init="uniform"),
        prefix(5, 0.75),
        {**prefix(5, 0.1), "backbone": "of unknown sizes"},
    ],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs on disk as above; the file of p_tuning is from before seconds were recorded."""
    old = [{**row("p_tuning", 0.9, template="{soft:1}{x}{y}", encoder="none")}]
    old[0].pop("cpu_seconds")
    for name, rows in {**RECORDED, "p_tuning": old}.items():
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)
    monkeypatch.setattr(results, "tried", Tried())
    return tmp_path


@pytest.fixture
def panel(gpt2: Backbone) -> ComparisonPanel:
    return ComparisonPanel(gpt2)


def mine(lm: Backbone, accuracy: float = 0.66, **knobs: Any) -> Result:
    return Result.of(lm.geometry, "prompt_tuning", knobs, accuracy=accuracy, loss=0.4, seconds=12.0)


def visible(panel: ComparisonPanel) -> list[Any]:
    return [point for point in panel.points if point.layout.display != "none"]


def test_a_panel_that_is_closed_or_half_made_is_dropped_in_silence(
    panel: ComparisonPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaints: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    panel.close()
    panel.__del__()
    ComparisonPanel.__new__(ComparisonPanel)  # as an __init__ that refuses leaves it
    gc.collect()
    assert not complaints


def test_recorded_settings_are_few_and_the_mean_of_their_runs(panel: ComparisonPanel) -> None:
    found = [(r.method, round(r.accuracy, 3), r.runs) for r in panel.results]
    assert found == [
        ("discrete_prompt", 0.7, 1),
        ("in_context", 0.65, 2),  # both orders, true labels
        ("prefix_tuning", 0.75, 1),
        ("prefix_tuning", 0.85, 2),
    ]


def test_a_grid_of_several_methods_is_taken_apart(folder: Path, gpt2: Backbone) -> None:
    rows = [
        row("fine_tuning", 0.95, top=2),
        row("fine_tuning", 0.85, top=2),
        row("linear_probe", 0.6),
        row("linear_probe", 0.1, train=32),
    ]
    (folder / "baselines.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = [
        r for r in ComparisonPanel(gpt2).results if r.method in ("fine_tuning", "linear_probe")
    ]
    assert [(r.method, r.knobs, round(r.accuracy, 3), r.runs) for r in found] == [
        ("fine_tuning", {"top": 2}, 0.9, 2),
        ("linear_probe", {}, 0.6, 1),
    ]


def test_the_cost_is_that_of_the_backbone_that_was_recorded(panel: ComparisonPanel) -> None:
    size = geometry("smollm2")
    assert panel.results[-1].stored == 4 * 10 * 30 * 2 * size.kv_width
    assert panel.results[-1].source == "recorded on smollm2"


def test_a_point_that_is_pressed_tells_its_knobs(panel: ComparisonPanel) -> None:
    assert len(visible(panel)) == 4
    panel.points[3].click()
    assert panel.chosen.value == 3
    for words in ("prefix_length", ">10<", "0.850", "115,200", "460,800", "30.0", "smollm2"):
        assert words in panel.table.value
    marked = [point for point in panel.points if "prefixlab-chosen" in point._dom_classes]
    assert marked == [panel.points[3]]


def test_the_list_chooses_as_a_point_does(panel: ComparisonPanel) -> None:
    panel.chosen.value = 0
    assert "Review: {x}\\nSentiment: {y}" in panel.table.value
    assert "prefixlab-chosen" in panel.points[0]._dom_classes


def test_a_point_has_its_method_and_knobs_as_its_tooltip(panel: ComparisonPanel) -> None:
    assert panel.points[3].tooltip.startswith("prefix tuning, prefix length 10, ")


def test_it_follows_what_is_tried_and_keeps_the_choice(
    panel: ComparisonPanel, gpt2: Backbone
) -> None:
    panel.points[3].click()
    before = panel.view.value
    results.tried.add(mine(gpt2, text="<script>"))
    assert len(visible(panel)) == 5
    assert panel.view.value != before
    assert "0.850" in panel.table.value
    panel.points[4].click()
    assert "&lt;script&gt;" in panel.table.value
    assert "<script>" not in panel.table.value


def test_without_recorded_runs_only_yours_are_left(panel: ComparisonPanel, gpt2: Backbone) -> None:
    results.tried.add(mine(gpt2))
    panel.points[0].click()
    panel.with_recorded.value = False
    assert [r.source for r in panel.results] == ["yours"]
    assert len(visible(panel)) == 1
    assert panel.chosen.value is None  # what was chosen is gone


def test_the_axis_moves_the_points(panel: ComparisonPanel) -> None:
    before = [point.layout.left for point in panel.points]
    panel.axis.value = "seconds"
    after = [point.layout.left for point in panel.points]
    assert before != after
    assert all(0 < float(left.rstrip("%")) < 100 for left in after)


def test_there_are_never_too_many_points(panel: ComparisonPanel, gpt2: Backbone) -> None:
    results.tried.results = tuple(mine(gpt2, prompt_length=1 + i) for i in range(MOST + 5))
    assert len(panel.results) == len(panel.points) == MOST
    assert panel.results[-1].knobs == {"prompt_length": MOST + 5}


def test_a_closed_panel_follows_nothing(panel: ComparisonPanel, gpt2: Backbone) -> None:
    panel.close()
    results.tried.add(mine(gpt2))
    assert len(panel.results) == 4


def test_the_prediction_s_answer_comes_from_the_recorded_runs(panel: ComparisonPanel) -> None:
    (prediction,) = panel.children
    assert isinstance(prediction, Prediction)
    assert prediction.answer() == pytest.approx(15)


def test_nothing_is_asked_where_nothing_is_recorded(folder: Path, gpt2: Backbone) -> None:
    for file in folder.iterdir():
        file.unlink()
    panel = ComparisonPanel(gpt2)
    assert not any(isinstance(child, Prediction) for child in panel.children)
    assert panel.results == []
    assert bytes(panel.view.value).startswith(b"\x89PNG")


def test_yours_have_a_rim_and_every_method_a_look_of_its_own(
    panel: ComparisonPanel, gpt2: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    honest = figures.landscape
    monkeypatch.setattr(
        figures, "landscape", lambda dots, **how: seen.append(dots) or honest(dots, **how)
    )
    results.tried.add(mine(gpt2))
    assert [dot.rim for *_, dot in seen[-1]] == [False] * 4 + [True]
    assert len({dot.colour for *_, dot in seen[-1]}) == 4
    assert len(set(LOOKS.values())) == len(LOOKS) == len(METHODS)


def test_the_picture_for_viewers_without_a_kernel_shows_the_points(panel: ComparisonPanel) -> None:
    assert panel.plots() == [panel.view]
    assert panel.picture().startswith(b"\x89PNG")
