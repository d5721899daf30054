"""The labs of the trained methods, driven as a page would drive them."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from ipywidgets.widgets.widget import _instances

from prefixlab import Backbone, Task
from prefixlab.workbook import measuring
from prefixlab.workbook.panels import (
    PrefixTuningPanel,
    PromptTuningPanel,
    PTuningPanel,
    PTuningV2Panel,
    run,
    training,
)
from prefixlab.workbook.panels.results import tried
from prefixlab.workbook.panels.training import TrainingPanel

LABS = [PromptTuningPanel, PrefixTuningPanel, PTuningPanel, PTuningV2Panel]


@pytest.fixture
def make(recorded: Path, gpt2: Backbone, lesson: Task) -> Callable[..., TrainingPanel]:
    return lambda lab: lab(gpt2, lesson, steps=4)


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
    assert ("uniform noise", "uniform") in init.options


def test_a_knob_that_does_nothing_is_not_shown(make: Callable[..., TrainingPanel]) -> None:
    prompt = make(PromptTuningPanel)
    text = prompt.controls["text"]
    for init, there in (("labels", False), ("text", True), ("uniform", False)):
        prompt.controls["init"].value = init
        assert (text.layout.display != "none") == there
        assert any(words.startswith("its words: ") for words in prompt.described()) == there


def test_a_lab_begins_with_the_knobs_of_the_first_family(panel: TrainingPanel) -> None:
    first = panel.records.families[0]
    assert panel.settings() == panel.settings() | dict(first.knobs) | {"train": 256}
    assert panel.records.family(**panel.settings()) == first


@pytest.mark.parametrize(
    ("lab", "points"),
    [
        (PromptTuningPanel, 6.8),  # ten tokens have two seeds more, which are the better ones
        (PrefixTuningPanel, 3),
        (PTuningPanel, 20),
        (PTuningV2Panel, 4),
    ],
)
def test_what_is_asked_is_what_the_records_differ_by(
    lab: type[TrainingPanel], points: float, make: Callable[..., TrainingPanel]
) -> None:
    assert make(lab).answer() == pytest.approx(points)


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
        panel.train_button.click()
        await asyncio.sleep(0)
        assert panel.train_button.disabled
        assert not panel.stop_button.disabled
        assert all(widget.disabled for widget in panel.controls.values())
        assert panel.running
        await panel.running

    count = len(tried.results)
    asyncio.run(press())
    assert len(panel.runs[0].losses) == 4
    assert list(panel.runs[0].validations) == [0, 2, 4]  # 0: before training
    assert tried.results[count:][0].method == panel.method
    assert tried.results[count:][0].comparable  # `lesson` makes it the task of the records
    assert "done" in panel.state.value
    (shown,) = panel.tracker.drawing["runs"]
    assert shown["losses"] == panel.runs[0].losses
    assert [step for step, *_ in shown["validations"]] == [0, 2, 4]
    assert not panel.train_button.disabled
    assert panel.resume_button.disabled
    assert "before training" in panel.sentence_words.value


def test_two_clicks_on_train_make_one_run_and_stop_ends_it(prefix: TrainingPanel) -> None:
    async def press() -> None:
        prefix.train_button.click()
        prefix.train_button.click()
        while prefix.progress.value < 1:
            await asyncio.sleep(0)
        prefix.train_button.click()
        prefix.stop_button.click()
        assert prefix.running
        await prefix.running
        assert len(asyncio.all_tasks()) == 1  # this one

    asyncio.run(press())
    assert [len(run.losses) for run in prefix.runs] == [1]


def test_stop_takes_effect_within_one_step_and_resume_goes_on(panel: TrainingPanel) -> None:
    async def press() -> None:
        panel.train_button.click()
        while panel.progress.value < 1:
            await asyncio.sleep(0)
        panel.stop_button.click()
        assert panel.running
        await panel.running
        assert len(panel.runs[0].losses) == 1
        assert "<b>stopped</b>: run 1 after step 1 of 4; Resume goes on" in panel.state.value
        panel.controls["train"].value = 32
        assert "stopped" in panel.state.value  # turning a knob hides nothing
        panel.resume_button.click()
        await panel.running

    asyncio.run(press())
    assert len(panel.runs) == 1
    assert len(panel.runs[0].losses) == 4
    assert panel.runs[0].result


@pytest.mark.parametrize("stopped_at", [2, 4])
def test_a_resumed_run_is_the_run_that_never_stopped(
    stopped_at: int,
    make: Callable[..., TrainingPanel],
    validation_losses: Callable[[list[float]], None],
) -> None:
    whole, stopped = make(PrefixTuningPanel), make(PrefixTuningPanel)
    validation_losses([0.5, 0.6] * 2)  # of both

    async def stop_once() -> None:
        stopped.start(stopped.train)
        while stopped.progress.value < stopped_at:
            await asyncio.sleep(0)
        stopped.stop()
        assert stopped.running
        await stopped.running
        if stopped_at == 4:  # what is looked into is the best step already
            assert equal(stopped.trained, whole.trained)
        await stopped.resume()

    asyncio.run(whole.train())
    asyncio.run(stop_once())
    assert stopped.runs[0].losses == whole.runs[0].losses
    assert stopped.runs[0].best_step == whole.runs[0].best_step == 2
    assert stopped.runs[0].result == whole.runs[0].result


def equal(one: Any, other: Any) -> bool:
    values = other.state_dict()
    return all(value.equal(values[name]) for name, value in one.state_dict().items())


def test_two_panels_train_side_by_side(make: Callable[..., TrainingPanel]) -> None:
    alone, one, two = (make(lab) for lab in (PrefixTuningPanel, PrefixTuningPanel, PTuningPanel))

    async def both() -> None:
        await asyncio.gather(one.train(), two.train())

    asyncio.run(alone.train())
    asyncio.run(both())
    assert one.runs[0].losses == alone.runs[0].losses
    assert len(two.runs[0].losses) == 4


def test_reset_forgets_the_runs_and_turns_the_knobs_back(panel: TrainingPanel) -> None:
    asyncio.run(panel.train())
    panel.controls["steps"].value = 7
    panel.reset_button.click()
    assert panel.runs == []
    assert panel.controls["steps"].value == 4
    assert "Train: then" in panel.sentence_words.value
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


def test_the_picture_for_a_viewer_without_a_kernel_is_a_png(panel: TrainingPanel) -> None:
    assert panel._repr_mimebundle_()["image/png"].startswith(b"\x89PNG")


# By the protocol


@pytest.mark.parametrize(("size", "seed_0_is_best_at"), [(32, 2), (256, 4)])
def test_a_run_of_the_learners_is_the_recorded_run_of_seed_0(
    size: int,
    seed_0_is_best_at: int,
    make: Callable[..., TrainingPanel],
    gpt2: Backbone,
    validation_losses: Callable[[list[float]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel = make(PTuningPanel)
    monkeypatch.setattr(measuring, "backbone", lambda name: gpt2)
    panel.controls["train"].value, panel.controls["steps"].value = size, 5
    panel.controls["learning_rate"].value = 0.1
    family = panel.records.family(**panel.settings())
    assert family
    # Higher than before training, which is none of the steps.
    found = [5.5, 5.6] if seed_0_is_best_at == 2 else [5.6, 5.5]
    validation_losses(found * 2)  # for both runs
    asyncio.run(panel.train())
    row = measuring.measure(family.run(0, 0.1, {"train": size}) | {"steps": 5}, "tiny")
    run = panel.runs[0]
    assert [round(loss, 4) for loss in run.losses] == row["losses"]
    assert run.best_step == row["best_step"] == seed_0_is_best_at
    assert run.result
    assert (run.result.accuracy, round(run.result.loss, 4)) == (row["accuracy"], row["loss"])
    assert run.validations[2].accuracy == row["validation"][0][2]
    assert f"as after step {seed_0_is_best_at}" in panel.verdict.value


def test_a_head_has_the_rate_of_its_own_that_its_family_has(
    make: Callable[..., TrainingPanel],
) -> None:
    panel = make(PTuningV2Panel)
    assert panel.run_as_set().recipe.head_rate == 0
    panel.controls["reparameterization"].value = "mlp"
    family = panel.records.family(**panel.settings())
    assert family
    assert panel.run_as_set().recipe.head_rate == family.head_rate > 0
    asyncio.run(panel.train())
    assert panel.runs[0].result


def test_another_task_trains_on_the_first_of_its_own_and_is_compared_with_nothing(
    recorded: Path, gpt2: Backbone, task: Task
) -> None:
    panel = PrefixTuningPanel(gpt2, task, steps=3)
    assert not panel.records
    assert panel.controls["train"].value == len(task.train)
    assert "Nothing is recorded for this task" in panel.words.value
    assert panel.ask.hidden.layout.display == ""  # nothing is asked
    assert panel.examples(8)["x"] == task.train["x"][:8]
    asyncio.run(panel.train())
    assert panel.runs[0].result
    assert "star" not in panel.verdict.value
    assert not tried.results[-1].comparable  # though it has the same name


def test_among_three_answers_a_guess_is_right_in_a_third(gpt2: Backbone, three: Task) -> None:
    panel = PromptTuningPanel(gpt2, three, steps=2)
    asyncio.run(panel.train())
    assert panel.runs[0].result
    levels = panel.levels(panel.runs[0])
    assert levels["loss"]["a guess among 3, ln 3"] == pytest.approx(1.0986, abs=1e-4)
    assert levels["accuracy"]["a guess among 3"] == pytest.approx(1 / 3)
    assert three.verbalizer
    told = unescape(panel.sentence_words.value)
    assert all(repr(word) in told for word in three.verbalizer.words)


def test_a_lab_offers_the_sizes_that_were_recorded_or_that_there_are(
    prefix: TrainingPanel, gpt2: Backbone, task: Task
) -> None:
    own = PromptTuningPanel(gpt2, replace(task, train=prefix.task.train.select(range(200))))
    offered = [[size for _, size in each.controls["train"].options] for each in (prefix, own)]
    assert offered == [[32, 128, 256, 512], [32, 128]]
    assert len(prefix.examples(512)) == 512


@pytest.mark.parametrize("lab", LABS)
def test_a_lab_without_records_trains_all_the_same(
    lab: type[TrainingPanel], folder: Path, gpt2: Backbone, lesson: Task
) -> None:
    panel = lab(gpt2, lesson, steps=1)
    assert panel.ask.hidden.layout.display == ""
    assert "Nothing is recorded for this task" in panel.words.value
    asyncio.run(panel.train())
    assert panel.runs[0].result


def test_a_diverged_run_is_told_in_words(
    prefix: TrainingPanel, poison: Callable[..., None]
) -> None:
    poison(prefix.lm, 1)
    asyncio.run(prefix.train())
    assert "not finite" in prefix.status.value
    assert "<b>failed</b>: run 1" in prefix.state.value
    assert prefix.runs[0].result is None
    assert prefix.resume_button.disabled


def test_a_star_stands_among_runs_like_it(
    make: Callable[..., TrainingPanel], monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = make(PTuningPanel)
    knobs = panel.controls
    asyncio.run(panel.train())
    assert not any(panel.stars().values())  # it has four steps, and recorded runs have more
    assert "star" not in panel.verdict.value
    for module in (training, run):
        monkeypatch.setattr(module, "STEPS", 4)
    asyncio.run(panel.train())
    assert "A star marks it among the recorded runs." in panel.verdict.value
    along = panel.stars()["template", "accuracy"]
    assert [star.place for star in along] == ["sentiment"] * 2
    knobs["learning_rate"].value = 0.1
    asyncio.run(panel.train())
    assert "recorded runs, by the learning rate." in panel.verdict.value
    assert len(panel.stars()["template", "loss"]) == 2  # the others are at the chosen rate
    assert [star.place for star in panel.stars()["rate", "accuracy"]] == [0.03, 0.03, 0.1]
