"""The panel of variants: differences from a baseline, over as many seeds as are asked for."""

from pathlib import Path

import pytest
from made_records import complete, write

from prefixlab import Backbone
from prefixlab.workbook.evidence import FAMILIES
from prefixlab.workbook.panels.prediction import Prediction
from prefixlab.workbook.panels.variants import VariantsPanel, compared
from prefixlab.workbook.protocol import Run

ACCURACY = {  # of every seed, as long as there are any
    "prefix_tuning": {"prefix tuning, task_words": [0.80, 0.90, 0.85]},
    "prompt_tuning": {"prompt tuning, labels": [0.7]},
    "variants": {
        "gated prefix": [0.82, 0.93],
        "prefix and prompt": [0.75],
        "prefix and biases": [0.85],
    },
    "baselines": {"biases": [0.7, 0.9]},
}


def family(name: str, accuracies: list[float], backbone: str = "smollm2") -> list[Run]:
    """The rows of a family, those of later seeds left out; a run at a rate not chosen is poor."""
    asked = FAMILIES[name]

    def measured(run: Run) -> Run:
        usual = run["rate"] == asked.middle and run["train"] == asked.train
        usual = usual and run["knobs"] == asked.knobs and run["seed"] < len(accuracies)
        accuracy = accuracies[run["seed"]] if usual else 0.1
        return {"accuracy": accuracy, "loss": 1 - accuracy}

    rows = complete(asked, asked.middle or 0.0, measured, backbone)
    return [row for row in rows if row["seed"] < len(accuracies)]


@pytest.fixture
def made(folder: Path) -> Path:
    for grid, families in ACCURACY.items():
        write(folder, grid, [row for each in families.items() for row in family(*each)])
    return folder


def drawn(panel: VariantsPanel) -> dict[str, list[float]]:
    """How far each is ahead, for all seeds that are looked at."""
    lines = panel.curve.lines
    return {name: line[min(panel.curve.value, max(line))] for name, line in lines.items()}


def test_runs_that_compare_have_names_and_are_at_the_chosen_rate(made: Path) -> None:
    runs = compared("smollm2")
    assert runs.groupby("name", sort=False).accuracy.apply(list).to_dict() == {
        "prefix": [0.80, 0.90, 0.85],
        "prompt": [0.7],
        "gated prefix": [0.82, 0.93],
        "prefix + prompt": [0.75],
        "prefix + biases": [0.85],
        "biases alone": [0.7, 0.9],
    }


def test_a_difference_is_of_a_seed_that_both_were_run_with(made: Path, gpt2: Backbone) -> None:
    panel = VariantsPanel(gpt2)
    assert panel.curve.value == 1
    assert panel.curve.references == {"no difference": 0}
    assert panel.curve.drawing["ylabel"] == "mean lead over prefix (points)"
    assert drawn(panel) == {
        "prompt": [-10],
        "gated prefix": [2],
        "prefix + prompt": [-5],
        "prefix + biases": [5],
        "biases alone": [-10],
    }
    assert "one seed: no spread" in panel.words.value
    panel.curve.value = 2
    assert drawn(panel)["gated prefix"] == [2, 3]
    assert drawn(panel)["biases alone"] == [-10, 0]
    # Student's t for two pairs is 12.7, and the standard error half a point.
    assert "+2.5 points</b>" in panel.words.value
    assert "95% interval -3.85 to +8.85" in panel.words.value
    assert "2 of 2 seeds agree" in panel.words.value
    assert "1 of 2 seeds agree, 1 the same" in panel.words.value
    panel.against.value, panel.measure.value = "gated prefix", "loss"
    assert drawn(panel)["prefix"] == [-0.02, -0.03]  # a higher loss is behind
    assert "nats" in panel.words.value
    assert panel.curve.drawing["ylabel"] == "mean lead over gated prefix (nats)"


def test_in_chinese_what_is_chosen_keeps_its_english_name(
    made: Path, gpt2: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFIXLAB_LANGUAGE", "zh_CN")
    panel = VariantsPanel(gpt2)
    assert (panel.against.label, panel.measure.label) == ("前缀", "准确率")
    panel.against.value, panel.measure.value = "gated prefix", "loss"
    assert panel.curve.drawing["ylabel"] == "平均领先带门的前缀 (奈特)"
    assert drawn(panel)["prefix"] == [-0.02]


@pytest.mark.parametrize(
    ("gated", "verdict"),
    [([0.9, 0.9, 0.9], "ahead"), ([0.7, 0.7, 0.7], "behind"), ([0.7, 0.9, 0.8], "not decided")],
)
def test_the_whole_interval_decides(
    made: Path, gpt2: Backbone, gated: list[float], verdict: str
) -> None:
    write(made, "variants", family("gated prefix", gated))
    write(made, "prefix_tuning", family("prefix tuning, task_words", [0.80, 0.81, 0.79]))
    panel = VariantsPanel(gpt2)
    panel.curve.value = 3
    assert verdict in panel.words.value.partition("gated prefix")[2]


def test_the_question_is_about_all_seeds(made: Path, gpt2: Backbone) -> None:
    question = VariantsPanel(gpt2).children[0]
    assert isinstance(question, Prediction)
    assert question.answer() == pytest.approx(2.5)


def test_all_runs_are_on_one_backbone(made: Path) -> None:
    assert set(compared("gpt2").backbone) == {"smollm2"}  # which alone has a variant
    plain = [
        row
        for backbone in ("gpt2", "smollm2")
        for row in family("prefix tuning, task_words", [0.8], backbone)
    ]
    write(made, "prefix_tuning", plain)
    assert compared("gpt2").name.tolist().count("prefix") == 1
    write(made, "variants", family("gated prefix", [0.9], "gpt2"))
    assert compared("gpt2").name.tolist() == ["prefix", "gated prefix"]


def test_without_records_it_says_how_to_make_them(folder: Path, gpt2: Backbone) -> None:
    panel = VariantsPanel(gpt2)
    assert "python -m prefixlab.workbook.recording variants" in panel.status.value
    assert compared("smollm2").empty


def test_of_one_variant_alone_there_is_nothing_to_compare(folder: Path, gpt2: Backbone) -> None:
    write(folder, "variants", family("gated prefix", [0.9]))
    assert "Nothing to compare is recorded" in VariantsPanel(gpt2).status.value
