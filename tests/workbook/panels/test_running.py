"""One run at a time, whatever is clicked; the runs that are there; and what is said of them."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from prefixlab import Backbone, Evaluation, Task
from prefixlab.workbook.panels import PrefixTuningPanel, PTuningPanel, interrupt
from prefixlab.workbook.panels.state import STATES
from prefixlab.workbook.panels.training import TrainingPanel
from prefixlab.workbook.panels.verdict import verdict


@pytest.fixture
def prefix(recorded: Path, gpt2: Backbone, lesson: Task) -> TrainingPanel:
    return PrefixTuningPanel(gpt2, lesson, steps=4)


def while_training(panel: TrainingPanel, click: Callable[[], Any]) -> asyncio.Future[None]:
    """Press Train, after the first step do something, and wait until all has ended."""

    async def press() -> asyncio.Future[None]:
        panel.train_button.click()
        while panel.progress.value < 1:
            await asyncio.sleep(0)
        click()
        assert panel.running
        await asyncio.wait([panel.running])
        await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) == 1  # this one
        return panel.running

    return asyncio.run(press())


# What ends a run


def test_reset_ends_the_run_and_then_begins_anew(prefix: TrainingPanel) -> None:
    prefix.controls["steps"].value = 7
    assert while_training(prefix, prefix.reset_button.click).cancelled()
    assert prefix.runs == []
    assert prefix.training is None
    assert prefix.controls["steps"].value == 4
    assert "<b>ready</b>" in prefix.state.value
    assert not prefix.train_button.disabled
    assert prefix.tracker.drawing["runs"] == []


def test_a_run_that_is_deleted_while_it_goes_on_is_ended(prefix: TrainingPanel) -> None:
    assert while_training(prefix, lambda: delete(prefix, 1)).cancelled()
    assert prefix.runs == []
    assert prefix.resume_button.disabled
    assert "<b>ready</b>" in prefix.state.value
    assert "Train: then it is answered here" in prefix.sentence_words.value


def test_a_closed_panel_ends_its_run_and_begins_none(prefix: TrainingPanel) -> None:
    assert while_training(prefix, prefix.close).cancelled()
    steps = len(prefix.runs[0].losses)

    async def again() -> None:
        prefix.start(prefix.train)
        await asyncio.sleep(0.1)

    asyncio.run(again())
    assert [len(run.losses) for run in prefix.runs] == [steps]


def test_running_the_cell_again_ends_the_run(
    prefix: TrainingPanel, gpt2: Backbone, lesson: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = SimpleNamespace(
        execution_count=1, get_parent=lambda: {"metadata": {"cellId": "the lab"}}
    )
    monkeypatch.setattr("prefixlab.workbook.cells.get_ipython", lambda: shell)
    first = PrefixTuningPanel(gpt2, lesson, steps=4)

    def run_again() -> None:
        shell.execution_count = 2
        PrefixTuningPanel(gpt2, lesson, steps=4)

    assert while_training(first, run_again).cancelled()


def test_an_interrupt_stops_the_run_that_ipykernel_would_let_go_on(
    prefix: TrainingPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as ipykernel has it between cells

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    class Loop:
        asyncio_loop = property(lambda _: asyncio.get_event_loop())

    kernel = SimpleNamespace(io_loop=Loop())
    monkeypatch.setattr(interrupt, "get_ipython", lambda: SimpleNamespace(kernel=kernel))
    try:
        assert not while_training(prefix, kill).cancelled()
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(prefix.runs[0].losses) == 1
    assert "<b>stopped</b>: run 1 after step 1 of 4" in prefix.state.value
    assert not prefix.resume_button.disabled
    assert interrupt.stops == []


def test_stop_is_seen_at_once(prefix: TrainingPanel) -> None:
    seen = []

    def stop() -> None:
        prefix.stop_button.click()
        seen.append(prefix.state.value)

    while_training(prefix, stop)
    assert "<b>stopping</b>" in seen[0]
    prefix.stop()  # where nothing is running
    assert "<b>stopped</b>" in prefix.state.value


def test_every_state_has_a_word_and_most_a_sign_of_their_own(prefix: TrainingPanel) -> None:
    seen = []
    prefix.state.observe(lambda change: seen.append(change.new.split("<b>")[1]), "value")
    asyncio.run(prefix.train())
    words = [state.partition("</b>")[0] for state in seen]
    assert list(dict.fromkeys(words)) == ["preparing", "training", "measuring", "testing", "done"]
    assert any("run 1, step 2 of 4, " in state and "left" in state for state in seen)
    assert len({sign for sign, _ in STATES.values()}) >= len(STATES) - 1


# The runs


def delete(panel: TrainingPanel, number: int) -> None:
    """As the page asks for it."""
    panel.tracker._handle_custom_msg({"delete": number}, [])


def test_rows_have_the_knobs_that_were_changed_and_keep_their_colours(
    prefix: TrainingPanel,
) -> None:
    asyncio.run(prefix.train())
    assert prefix.tracker.drawing["heads"] == [
        "run",
        "accuracy (95% interval)",
        "to the recorded mean",
    ]
    prefix.controls["prefix_length"].value = 5
    prefix.controls["learning_rate"].value = 0.1
    asyncio.run(prefix.train())
    drawing = prefix.tracker.drawing
    assert drawing["heads"][1:3] == ["prefix length", "learning rate"]
    assert [run["cells"][:2] for run in drawing["runs"]] == [["10", "0.01"], ["5", "0.1"]]
    first, second = (run["colour"] for run in drawing["runs"])
    assert first != second
    delete(prefix, 1)
    (left,) = prefix.tracker.drawing["runs"]
    assert (left["number"], left["colour"]) == (2, second)
    assert "before training" in prefix.sentence_words.value  # the newest is there
    delete(prefix, 1)  # a second click
    asyncio.run(prefix.train())
    assert [run.number for run in prefix.runs] == [2, 3]
    assert prefix.tracker.drawing["runs"][1]["colour"] == first


def test_the_difference_is_to_the_recorded_runs_like_it(
    prefix: TrainingPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(prefix.train())
    assert prefix.tracker.drawing["runs"][0]["cells"][-1] == "—"  # recorded runs have more steps
    monkeypatch.setattr("prefixlab.workbook.panels.training.STEPS", 4)
    prefix.draw_runs()
    result = prefix.runs[0].result
    assert result
    difference = result.accuracy - prefix.records.like().accuracy.mean()
    assert prefix.tracker.drawing["runs"][0]["cells"][-1] == f"{difference:+.3f}"
    prefix.records.backbone = "another"
    prefix.draw_runs()
    assert prefix.tracker.drawing["runs"][0]["cells"][-1] == "—"


def test_a_hidden_run_has_no_star(prefix: TrainingPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("run", "training"):
        monkeypatch.setattr(f"prefixlab.workbook.panels.{module}.STEPS", 4)
    asyncio.run(prefix.train())
    curves = prefix.recorded_runs.curves
    for measure in ("accuracy", "loss"):
        (star,) = curves["prefix_length", measure].stars
        assert star.value == getattr(prefix.runs[0].result, measure)
        assert star.colour == prefix.tracker.drawing["runs"][0]["colour"]
    prefix.tracker.hidden = [1]
    assert not any(curve.stars for curve in curves.values())
    delete(prefix, 1)
    assert prefix.tracker.hidden == []


def test_losses_stand_beside_a_guess_and_the_prompt_alone(
    recorded: Path, gpt2: Backbone, lesson: Task
) -> None:
    panel = PTuningPanel(gpt2, lesson, steps=2)
    assert panel.tracker.drawing["levels"]["accuracy"] == [("a coin flip", 0.5)]
    asyncio.run(panel.train())
    levels = panel.tracker.drawing["levels"]
    assert levels["loss"][0] == ("a coin flip, ln 2", pytest.approx(0.693, abs=1e-3))
    assert levels["loss"][1][0] == levels["accuracy"][1][0] == "no training"
    template = panel.controls["template"].value
    assert panel.plain({"template": template}) == {"template": template.replace("{soft:3}", "")}


# What is said


def found(right: int, low: float, high: float) -> Evaluation:
    return Evaluation(400, 0.3, right / 400, (low, high), 0.1)


@pytest.mark.parametrize(
    ("plain", "recorded", "said"),
    [
        (336, [0.88, 0.9], "no training, 0.840: 5.0 points above. Against the recorded mean, "),
        (348, [0.88, 0.9], "no training, 0.870: +2.0 points, not decided by 400 sentences."),
        (376, [0.88, 0.9], "no training, 0.940: 5.0 points below."),
        (336, [0.88, 0.9], "(0.880 to 0.900 over 2 seeds), loss 0.300: +0.0 points, not decided"),
        (336, [0.95, 0.95], "loss 0.300: 6.0 points below."),
        (336, [], "Nothing is recorded on this model with the same knobs, rate and steps."),
    ],
)
def test_a_verdict_claims_no_more_than_the_interval_does(
    plain: int, recorded: list[float], said: str
) -> None:
    rows = pd.DataFrame({"accuracy": recorded, "loss": [0.3] * len(recorded)})
    words = verdict(found(356, 0.855, 0.917), found(plain, 0.8, 0.9), rows)
    assert words.startswith("Accuracy 0.890 (95% interval 0.855 to 0.917) on 400 test sentences.")
    assert said in words
