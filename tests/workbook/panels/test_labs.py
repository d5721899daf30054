"""The labs of the trained methods, driven as a page would drive them."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ipywidgets.widgets.widget import _instances

from prefixlab import Backbone, Task
from prefixlab.workbook import experiments
from prefixlab.workbook.panels import (
    PrefixTuningPanel,
    PromptTuningPanel,
    PTuningPanel,
    PTuningV2Panel,
)
from prefixlab.workbook.panels.results import tried
from prefixlab.workbook.panels.training import TrainingPanel

LABS = [PromptTuningPanel, PrefixTuningPanel, PTuningPanel, PTuningV2Panel]


def row(wanted: dict[str, Any], accuracy: float) -> str:
    more = {
        "backbone": "tiny-gpt2",
        "task": "films",
        "accuracy": accuracy,
        "loss": 0.3,
        "losses": [0.7, 0.4],
    }
    return json.dumps(wanted | more)


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every grid as if it had been recorded: more accurate with every seed, and with the length."""
    for name, grid in experiments.GRIDS.items():
        rows = []
        for wanted in grid():
            length = wanted["knobs"].get("prefix_length", wanted["knobs"].get("prompt_length", 0))
            rows.append(row(wanted, 0.5 + 0.1 * wanted["seed"] + 0.004 * length))
        (tmp_path / f"{name}.jsonl").write_text("\n".join(rows))
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)


@pytest.fixture
def make(records: None, gpt2: Backbone, task: Task) -> Callable[..., TrainingPanel]:
    return lambda lab: lab(gpt2, task, steps=3, batch_size=4)


@pytest.fixture(params=LABS)
def panel(request: pytest.FixtureRequest, make: Callable[..., TrainingPanel]) -> TrainingPanel:
    return make(request.param)


@pytest.fixture
def prefix(make: Callable[..., TrainingPanel]) -> TrainingPanel:
    return make(PrefixTuningPanel)


def test_a_control_has_the_range_and_help_of_its_knob(prefix: TrainingPanel) -> None:
    length, init = prefix.controls["prefix_length"], prefix.controls["init"]
    assert (length.min, length.max, length.value) == (1, 200, 10)
    assert "every layer" in length.tooltip
    assert init.value == "task_words"
    assert "uniform" in init.options


def test_a_turned_knob_is_answered_from_the_records(prefix: TrainingPanel) -> None:
    before = prefix.sweep_plot.value
    prefix.controls["train"].value = prefix.controls["train"].options[-1]
    prefix.controls["prefix_length"].value = 20
    assert prefix.sweep_plot.value != before
    assert "No run was recorded" in prefix.words.value  # the tiny task has 16 sentences, not 256


def test_the_records_name_mean_range_and_seeds(prefix: TrainingPanel) -> None:
    found = prefix.records.like(prefix_length=20)
    assert sorted(found.accuracy.round(2)) == [0.58, 0.68, 0.78]
    assert prefix.records.like(prefix_length=21).empty
    assert prefix.records.like(layers="0-1").empty  # not what was recorded: all layers
    assert len(prefix.records.like(train=32)) == 3


def test_the_question_is_answered_from_the_records(panel: TrainingPanel) -> None:
    assert panel.ask.hidden.layout.display == "none"
    panel.ask.guess.click()
    assert "way first" in panel.ask.verdict.value
    panel.ask.way.value = "higher"
    panel.ask.guess.click()
    assert f"{panel.answer():+.3g}" in panel.ask.verdict.value
    assert panel.ask.hidden.layout.display == ""


def test_train_trains_and_gives_the_knobs_back(panel: TrainingPanel) -> None:
    async def press() -> None:
        before = panel.run_plot.value
        panel.train_button.click()
        await asyncio.sleep(0)
        assert panel.train_button.disabled
        assert not panel.stop_button.disabled
        assert all(widget.disabled for widget in panel.controls.values())
        assert panel.running
        await panel.running
        assert panel.run_plot.value != before

    count = len(tried.results)
    asyncio.run(press())
    assert len(panel.runs[0].losses) == 3
    assert 0 in panel.runs[0].accuracies  # before training
    assert tried.results[count:][0].method == panel.method
    assert "Done" in panel.status.value
    assert not panel.train_button.disabled
    assert panel.resume_button.disabled
    assert "before training" in panel.sentence_words.value


def test_stop_takes_effect_within_one_step_and_resume_goes_on(panel: TrainingPanel) -> None:
    async def press() -> None:
        panel.train_button.click()
        while panel.progress.value < 1:
            await asyncio.sleep(0)
        panel.stop_button.click()
        assert panel.running
        await panel.running
        assert len(panel.runs[0].losses) == 1
        assert "Stopped after step 1 of 3" in panel.status.value
        panel.resume_button.click()
        await panel.running

    asyncio.run(press())
    assert len(panel.runs) == 1
    assert len(panel.runs[0].losses) == 3
    assert panel.runs[0].result


def test_a_resumed_run_is_the_run_that_never_stopped(make: Callable[..., TrainingPanel]) -> None:
    whole, stopped = make(PrefixTuningPanel), make(PrefixTuningPanel)

    async def stop_once() -> None:
        stopped.start(stopped.train)
        while stopped.progress.value < 2:
            await asyncio.sleep(0)
        stopped.stop()
        assert stopped.running
        await stopped.running
        await stopped.resume()

    asyncio.run(whole.train())
    asyncio.run(stop_once())
    assert stopped.runs[0].losses == whole.runs[0].losses


def test_two_panels_train_side_by_side(make: Callable[..., TrainingPanel]) -> None:
    alone, one, two = (make(lab) for lab in (PrefixTuningPanel, PrefixTuningPanel, PTuningPanel))

    async def both() -> None:
        await asyncio.gather(one.train(), two.train())

    asyncio.run(alone.train())
    asyncio.run(both())
    assert one.runs[0].losses == alone.runs[0].losses
    assert len(two.runs[0].losses) == 3


def test_reset_forgets_the_runs_and_turns_the_knobs_back(panel: TrainingPanel) -> None:
    asyncio.run(panel.train())
    panel.controls["steps"].value = 7
    panel.reset_button.click()
    assert panel.runs == []
    assert panel.controls["steps"].value == 3
    assert "Train first" in panel.sentence_words.value
    assert panel.ask.hidden.layout.display == "none"  # the question is asked again


def test_an_error_appears_in_words_and_escaped(prefix: TrainingPanel) -> None:
    prefix.controls["layers"].value = "<b>7</b>"
    assert "names no layers" in prefix.status.value
    assert "&lt;b&gt;7" in prefix.status.value
    asyncio.run(prefix.train())
    assert "names no layers" in prefix.status.value
    assert not prefix.runs
    assert not prefix.train_button.disabled


def test_inside_shows_what_the_method_has(make: Callable[..., TrainingPanel]) -> None:
    prompt, prefix = make(PromptTuningPanel), make(PrefixTuningPanel)
    for panel in (prompt, prefix):
        asyncio.run(panel.train())
    assert "nearest" in prompt.inside_words.value
    assert prompt.inside_plot.layout.display == "none"
    assert prefix.inside_words.value == ""
    assert bytes(prefix.inside_plot.value).startswith(b"\x89PNG")


def test_a_sentence_with_tags_stays_text(prefix: TrainingPanel) -> None:
    asyncio.run(prefix.train())
    prefix.sentence.value = "<script>alert(1)</script>"
    assert "<script>" not in prefix.sentence_words.value


@pytest.mark.parametrize("lab", LABS)
def test_closing_leaves_no_widget_and_no_task(
    lab: type[TrainingPanel], make: Callable[..., TrainingPanel]
) -> None:
    async def train_and_close() -> TrainingPanel:
        panel = make(lab)
        panel.start(panel.train)
        await asyncio.sleep(0.05)
        panel.close()
        await asyncio.sleep(0)
        return panel

    before = set(_instances)
    panel = asyncio.run(train_and_close())
    assert set(_instances) == before
    assert panel.running
    assert panel.running.cancelled()
    assert panel.training is None  # the learner's variable keeps the panel, not its optimizer


def test_a_lab_without_records_trains_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpt2: Backbone, task: Task
) -> None:
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)
    panel = PTuningPanel(gpt2, task, steps=1, batch_size=4)
    assert panel.ask.hidden.layout.display == ""
    asyncio.run(panel.train())
    assert panel.runs[0].result


def test_the_picture_for_a_viewer_without_a_kernel_is_a_png(panel: TrainingPanel) -> None:
    assert panel._repr_mimebundle_()["image/png"].startswith(b"\x89PNG")
