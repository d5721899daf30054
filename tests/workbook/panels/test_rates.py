"""The learning rate of a lab: the one that was chosen, and the curve that it was chosen by."""

import json
import math
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any

import pytest

from prefixlab import Backbone, Task
from prefixlab.workbook.page import Curve
from prefixlab.workbook.panels import (
    PrefixTuningPanel,
    PromptTuningPanel,
    PTuningPanel,
    PTuningV2Panel,
)
from prefixlab.workbook.panels.training import TrainingPanel
from prefixlab.workbook.protocol import LADDER, STEPS

LABS = [PromptTuningPanel, PrefixTuningPanel, PTuningPanel, PTuningV2Panel]
Make = Callable[..., TrainingPanel]


@pytest.fixture
def make(folder: Path, gpt2: Backbone, lesson: Task) -> Make:
    return lambda lab: lab(gpt2, lesson)


@pytest.fixture
def prefix(recorded: Path, make: Make) -> TrainingPanel:
    return make(PrefixTuningPanel)


def shown(panel: TrainingPanel) -> Curve:
    """The curve that is to be seen."""
    curve = panel.recorded_runs.shown
    assert curve
    return curve


def leave(folder: Path, grid: str, kept: Callable[[dict[str, Any]], bool]) -> None:
    """Of a grid keep some rows alone."""
    file = folder / f"{grid}.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows if kept(row)))


def rate_of(panel: TrainingPanel) -> float:
    return panel.controls["learning_rate"].value


# The knob


def test_a_rate_is_called_by_its_number(prefix: TrainingPanel) -> None:
    slider = prefix.controls["learning_rate"]
    assert [value for _, value in slider.options] == list(LADDER)
    assert [float(label) for label, _ in slider.options] == list(LADDER)
    assert (slider.label, slider.value) == ("0.01", 0.01)
    assert "learning rate: 0.01" in prefix.described()


def test_the_rate_stands_at_the_one_chosen_for_the_knobs_and_follows_them(
    prefix: TrainingPanel,
) -> None:
    knobs = prefix.controls
    assert rate_of(prefix) == 0.01  # one above the middle
    knobs["reparameterization"].value = "mlp"
    assert rate_of(prefix) == 0.0003
    assert "Recorded at 0.0003: accuracy" in prefix.rate_words.value
    knobs["prefix_length"].value = 33  # of the same family, recorded or not
    knobs["train"].value = 32
    assert rate_of(prefix) == 0.0003
    knobs["reparameterization"].value = "none"
    assert rate_of(prefix) == 0.01


@pytest.mark.parametrize("lab", [PrefixTuningPanel, PTuningV2Panel])
def test_knobs_of_no_family_have_the_method_s_own_rate_or_the_next_one(
    lab: Callable[..., TrainingPanel], recorded: Path, make: Make
) -> None:
    panel = make(lab)
    panel.controls["init"].value = "unrelated_words"
    panel.controls["reparameterization"].value = "mlp"
    assert rate_of(panel) == 3e-05  # of the ladder the next one to 5e-05
    assert "Nothing is recorded at 3e-05 with these knobs." in panel.rate_words.value
    assert "No rate was looked for with such knobs; the method has 3e-05." in panel.rate_words.value


def test_a_rate_that_the_learner_set_stays_until_it_is_put_back(prefix: TrainingPanel) -> None:
    knobs = prefix.controls
    knobs["learning_rate"].value = 0.1
    assert "Put back at 0.01, the slider follows the other knobs again." in prefix.rate_words.value
    knobs["reparameterization"].value = "mlp"
    assert rate_of(prefix) == 0.1
    assert "Put back at 0.0003" in prefix.rate_words.value
    knobs["learning_rate"].value = 0.0003
    assert "Put back" not in prefix.rate_words.value
    knobs["reparameterization"].value = "none"
    assert rate_of(prefix) == 0.01


def test_a_rate_set_while_a_knob_is_wrong_is_the_learner_s_too(prefix: TrainingPanel) -> None:
    prefix.controls["layers"].value = "0-99"
    prefix.controls["learning_rate"].value = 0.1
    assert "names no layers" in prefix.status.value
    prefix.controls["layers"].value = "all"
    assert rate_of(prefix) == 0.1


def test_reset_gives_the_rate_back(prefix: TrainingPanel) -> None:
    knobs = prefix.controls
    for rate in (0.1, 0.01):  # the second is another one's than the reset knobs'
        knobs["reparameterization"].value = "mlp"
        knobs["learning_rate"].value = rate
        prefix.reset_button.click()
        assert rate_of(prefix) == 0.01
        knobs["reparameterization"].value = "mlp"
        assert rate_of(prefix) == 0.0003


@pytest.mark.parametrize("lab", LABS)
def test_where_nothing_is_recorded_it_stands_where_the_search_begins(
    lab: Callable[..., TrainingPanel], make: Make
) -> None:
    panel = make(lab)
    family = panel.records.families[0]
    assert rate_of(panel) == family.middle
    assert "The rate is not chosen yet" in panel.rate_words.value
    assert not isfinite(panel.answer())


@pytest.mark.parametrize("lab", LABS)
def test_with_a_part_of_the_search_nothing_is_chosen_and_all_is_drawn(
    lab: Callable[..., TrainingPanel], recorded: Path, make: Make
) -> None:
    whole = make(lab)
    family = whole.records.families[0]
    tried = LADDER[LADDER.index(family.middle) + 1]
    leave(recorded, lab.method, lambda row: row["rate"] == tried and row["seed"] == 0)
    panel = make(lab)
    assert panel.records
    assert rate_of(panel) == family.middle
    assert f"Nothing is recorded at {family.middle:g}" in panel.rate_words.value
    panel.controls["learning_rate"].value = tried
    assert f"Recorded at {tried:g}: accuracy 0." in panel.rate_words.value
    assert "(one seed)" in panel.rate_words.value
    middle = f"The rate is not chosen yet; {family.middle:g} is where its search begins."
    assert middle in panel.rate_words.value
    assert panel.ask.hidden.layout.display == ""  # no answer: nothing is asked
    drawn = [x for x, _ in panel.recorded_runs.curves]
    assert set(drawn) == {"rate"}  # along the others each run stands at its chosen rate
    panel.recorded_runs.axis.value = "rate"
    assert shown(panel).places == [tried]
    assert shown(panel).asked is None
    panel.controls["learning_rate"].value = family.middle
    assert shown(panel).asked == family.middle
    assert "does not work" not in panel.status.value


# What was recorded


def test_the_line_below_says_what_came_out_at_a_rate(prefix: TrainingPanel) -> None:
    said = prefix.rate_words
    assert said.value == (
        "Recorded at 0.01: accuracy 0.750 (0.650 to 0.850 over 5 seeds), loss 0.300. "
        "Chosen by the loss on validation sentences: 0.01."
    )
    prefix.controls["init"].value = "uniform"
    prefix.controls["learning_rate"].value = 0.003
    assert "Recorded at 0.003: accuracy 0.620, loss 0.300 (one seed)." in said.value
    prefix.controls["learning_rate"].value = 1.0
    assert "Nothing is recorded at 1 with these knobs." in said.value
    assert "Chosen by the loss on validation sentences: 0.01." in said.value
    assert prefix.rate_words in prefix.ask.hidden.children  # not before the guess


def test_a_setting_is_looked_up_with_all_its_seeds(prefix: TrainingPanel) -> None:
    look = prefix.records.like
    assert sorted(look(prefix_length=20).accuracy.round(2)) == [0.67, 0.72, 0.77]
    assert len(look(0.003, prefix_length=20)) == 1  # each length has a search of its own
    assert look(0.003, train=32).empty  # and each number of sentences the rate of the usual runs
    assert len(look(0.003, init="uniform")) == 1
    assert look(prefix_length=21).empty
    assert look(layers="0-1").empty  # not what was recorded: all layers
    assert len(look(train=32)) == 3
    assert set(look(init="uniform").family) == {"prefix tuning, uniform"}


def test_a_turned_knob_is_answered_from_the_records(prefix: TrainingPanel) -> None:
    prefix.controls["prefix_length"].value = 20
    assert (shown(prefix).value, shown(prefix).line) == (20, "the task's words")
    assert "over 3 seeds" in prefix.rate_words.value
    assert shown(prefix).says() == (
        "the task's words, prefix length 20: accuracy 0.72 (0.67 to 0.77, 3 seeds)"
    )
    prefix.controls["train"].value = 32
    assert "Nothing is recorded" in prefix.rate_words.value


def test_a_run_of_other_steps_is_compared_with_nothing(prefix: TrainingPanel) -> None:
    assert len(prefix.recorded(prefix.run_as_set())) == 5
    prefix.controls["steps"].value = STEPS - 1
    assert prefix.recorded(prefix.run_as_set()).empty
    assert f"Recorded runs have {STEPS} steps; one of {STEPS - 1} is not" in prefix.rate_words.value


def test_along_a_setting_runs_are_at_the_chosen_rate_with_mean_and_range(
    prefix: TrainingPanel,
) -> None:
    for x, at in (("prefix_length", {1, 5, 10, 20, 50}), ("train", {32, 128, 256, 512})):
        runs = prefix.records.along(x)
        assert set(runs[x]) == at
        rates = {line: set(of_line.rate) for line, of_line in runs.groupby("line")}
        assert rates["the task's words"] == rates["uniform noise"] == {0.01}
        assert rates["the task's words, MLP"] == {0.0003}
        assert "each at its chosen rate; mean and range over seeds" in prefix.records.about(x)
        for measure in ("accuracy", "loss"):
            curve = prefix.recorded_runs.curves[x, measure]
            assert set(curve.places) == at
            assert curve.chosen == {}
    words = prefix.recorded_runs.curves["train", "accuracy"].lines["the task's words"]
    assert {place: len(seeds) for place, seeds in words.items()} == {32: 3, 128: 3, 256: 5, 512: 3}


def test_along_the_rate_every_family_is_a_line_with_all_that_was_tried(
    prefix: TrainingPanel,
) -> None:
    assert prefix.recorded_runs.axis.options[-1] == ("learning rate", "rate")
    prefix.recorded_runs.axis.value = "rate"
    curve = shown(prefix)
    assert set(curve.lines) == {prefix.line(family.name) for family in prefix.records.families}
    assert "each at its chosen" not in prefix.records.about("rate")
    assert "prefix length 10; training sentences 256; mean" in prefix.records.about("rate")
    noise = {place: len(seeds) for place, seeds in curve.lines["uniform noise"].items()}
    assert noise == {0.0003: 1, 0.001: 1, 0.003: 1, 0.01: 5, 0.03: 1}
    assert curve.logarithmic
    assert curve.chosen["the task's words"] == 0.01
    assert curve.chosen["the task's words, MLP"] == 0.0003


def test_recorded_runs_are_compared_with_a_coin_and_with_no_training(
    prefix: TrainingPanel, make: Make
) -> None:
    accuracy, loss = (prefix.recorded_runs.curves["rate", each] for each in ("accuracy", "loss"))
    assert accuracy.references == {"a coin flip": 0.5, "no training": 0.5}
    assert loss.references == {"a coin flip, ln 2": pytest.approx(math.log(2)), "no training": 0.3}
    wordings = make(PTuningPanel).recorded_runs.curves["template", "accuracy"]
    assert wordings.references == {"a coin flip": 0.5}  # each wording has its own


def test_knobs_move_every_slider(prefix: TrainingPanel) -> None:
    prefix.controls["init"].value = "uniform"
    prefix.controls["learning_rate"].value = 0.003
    for (x, _), curve in prefix.recorded_runs.curves.items():
        assert curve.line == "uniform noise"
        assert curve.value == {"rate": 0.003, "prefix_length": 10, "train": 256}[x]
    prefix.recorded_runs.axis.value = "rate"
    assert "uniform noise, learning rate 0.003: accuracy 0.62" in shown(prefix).says()


def test_where_nothing_was_recorded_the_slider_is_near_and_a_line_marks_the_knob(
    prefix: TrainingPanel,
) -> None:
    prefix.controls["prefix_length"].value = 30
    assert (shown(prefix).value, shown(prefix).asked) == (20, 30)
    prefix.controls["prefix_length"].value = 33  # on a logarithmic axis
    assert (shown(prefix).value, shown(prefix).asked) == (50, 33)
    prefix.controls["prefix_length"].value = 50
    assert shown(prefix).asked is None


def test_going_along_a_curve_sets_the_knobs(prefix: TrainingPanel) -> None:
    knobs = prefix.controls
    knobs["learning_rate"].value = 0.1
    shown(prefix).set_state({"value": 20, "line": "uniform noise"})
    assert (knobs["prefix_length"].value, knobs["init"].value) == (20, "uniform")
    assert rate_of(prefix) == 0.01  # what was recorded there
    shown(prefix).line = "the task's words, MLP"
    assert (knobs["init"].value, knobs["reparameterization"].value) == ("task_words", "mlp")
    assert rate_of(prefix) == 0.0003
    assert knobs["prefix_length"].value == 20
    prefix.recorded_runs.curves["train", "loss"].value = 32
    assert (knobs["train"].value, knobs["prefix_length"].value) == (32, 10)  # as those runs were
    prefix.recorded_runs.curves["rate", "loss"].set_state(
        {"value": 0.001, "line": "the task's words"}
    )
    assert rate_of(prefix) == 0.001
    assert "Put back at 0.01" in prefix.rate_words.value


@pytest.mark.parametrize("lab", LABS)
def test_every_point_of_every_curve_is_a_setting_that_was_recorded(
    lab: Callable[..., TrainingPanel], recorded: Path, make: Make
) -> None:
    panel = make(lab)
    for curve in panel.recorded_runs.curves.values():
        for line, points in curve.lines.items():
            for place in points:
                curve.set_state({"value": place, "line": line})
                assert (curve.value, curve.line, curve.asked) == (place, line, None)
                if str(place) in (
                    "first:10",
                    "last:10",
                    "first:4",
                    "last:4",
                ):  # more layers than the tiny model has
                    assert "names no layers of this model" in panel.status.value
                    continue
                assert "Recorded at" in panel.rate_words.value
                assert "does not work" not in panel.status.value


def test_while_a_run_goes_on_its_knobs_stay(prefix: TrainingPanel) -> None:
    prefix.hold(True)
    shown(prefix).value = 20
    assert prefix.controls["prefix_length"].value == 10
    prefix.free()
    assert shown(prefix).value == 10


def test_a_recorded_run_that_ended_at_once_is_drawn_without_its_curve(
    recorded: Path, make: Make
) -> None:
    file = recorded / "prefix_tuning.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    ended = [row | ({"losses": []} if row["rate"] == 0.03 else {}) for row in rows]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in ended))
    panel = make(PrefixTuningPanel)
    assert len(panel.tracker.drawing["recorded"]) == 5
    panel.controls["learning_rate"].value = 0.03
    assert panel.tracker.drawing["recorded"] == []
    assert "Recorded at 0.03" in panel.rate_words.value


def test_wordings_are_called_by_their_names(recorded: Path, make: Make) -> None:
    panel = make(PTuningPanel)
    runs = panel.records.along("template")
    assert set(runs.template) == {"sentiment", "question", "it was", "all in all"}
    assert set(runs.line) == {"no encoder", "MLP", "LSTM"}
    assert "template sentiment" in panel.records.about("rate")
    panel.recorded_runs.curves["template", "accuracy"].value = "it was"
    assert panel.controls["template"].value == "{soft:3}{x}{soft:3} It was {y}"
    panel.controls["template"].value = "{soft:1}{x} So {y}"  # stands nowhere on the axis
    assert panel.recorded_runs.curves["template", "accuracy"].value == "it was"
    assert "Nothing is recorded" in panel.rate_words.value


@pytest.mark.parametrize(
    ("rows_on", "words"),
    [
        ("tiny-gpt2", "Recorded on tiny-gpt2."),
        ("big", "Recorded on big: there is nothing on tiny-gpt2, "),
    ],
)
def test_the_words_say_on_which_backbone_the_runs_are(
    rows_on: str, words: str, recorded: Path, make: Make
) -> None:
    file = recorded / "prefix_tuning.jsonl"
    file.write_text(file.read_text().replace("tiny-gpt2", rows_on))
    assert words in make(PrefixTuningPanel).words.value


def test_the_rows_of_the_backbone_in_use_are_preferred_and_choose_its_rate(
    recorded: Path, make: Make
) -> None:
    file = recorded / "prefix_tuning.jsonl"
    own = [json.loads(line) for line in file.read_text().splitlines()]
    others = [
        row | {"backbone": "big", "validation_loss": -row["rate"]} for row in own for _ in range(2)
    ]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in others + own))
    panel = make(PrefixTuningPanel)
    assert panel.records.backbone == "tiny-gpt2"
    assert rate_of(panel) == 0.01
    assert len(panel.records.like()) == 5


def test_a_damaged_record_is_named(recorded: Path, make: Make) -> None:
    (recorded / "prefix_tuning.jsonl").write_text("{}\n")
    with pytest.raises(ValueError, match=r"prefix_tuning.jsonl is damaged: .*\.$"):
        make(PrefixTuningPanel)
