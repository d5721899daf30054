"""The panel of variants: differences from a baseline, over as many seeds as are asked for."""

import json
from pathlib import Path
from typing import Any

import pytest

from prefixlab import METHODS, Backbone, geometry
from prefixlab.workbook import experiments, figures
from prefixlab.workbook.panels.prediction import Prediction
from prefixlab.workbook.panels.variants import VariantsPanel, compared


def row(method: str, seed: int, accuracy: float, train: int = 256, **knobs: Any) -> dict[str, Any]:
    about = {"method": method, "seed": seed, "train": train, "knobs": knobs, "backbone": "smollm2"}
    return about | {"accuracy": accuracy, "loss": 1 - accuracy, "test": 200, "cpu_seconds": 30.0}


def prefix(seed: int, accuracy: float, **other: Any) -> dict[str, Any]:
    knobs = {"init": "task_words", "prefix_length": 10, "reparameterization": "none"}
    return row("prefix_tuning", seed, accuracy, **knobs | other)


RECORDED = {
    "prefix_tuning": [
        *(prefix(seed, accuracy) for seed, accuracy in enumerate([0.80, 0.90, 0.85])),
        prefix(0, 0.1, init="uniform"),
        prefix(0, 0.1, train=32),
        prefix(0, 0.1, prefix_length=1),
        prefix(0, 0.1, reparameterization="mlp"),
    ],
    "prompt_tuning": [row("prompt_tuning", 0, 0.7, init="labels", prompt_length=10)],
    "variants": [
        row("gated_prefix", 0, 0.82, prefix_length=10, gate="head"),
        row("gated_prefix", 1, 0.93, prefix_length=10, gate="head"),
        row("combined", 0, 0.75, beside="prompt", prefix_length=5, prompt_length=5),
        row("combined", 0, 0.85, beside="bias", prefix_length=10),
    ],
    "baselines": [row("bias_only", 1, 0.9), row("linear_probe", 1, 0.3)],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, rows in RECORDED.items():
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)
    return tmp_path


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, list[float]]]:
    """What each drawing shows, newest last."""
    seen: list[dict[str, list[float]]] = []
    honest = figures.spread

    def spy(groups: Any, **more: Any) -> Any:
        seen.append({name: [round(value, 6) for value in dots] for name, dots in groups.items()})
        return honest(groups, **more)

    monkeypatch.setattr(figures, "spread", spy)
    return seen


def test_runs_that_compare_have_names_and_numbers() -> None:
    runs = compared("smollm2")
    assert list(dict.fromkeys(runs.name)) == [
        *("prefix", "prompt", "gated prefix", "prefix + prompt", "prefix + biases", "biases alone")
    ]
    assert len(runs[runs.name == "prefix"]) == 3
    size = geometry("smollm2")
    numbers = runs.groupby("name").numbers.first()
    assert numbers["prefix"] == METHODS["prefix_tuning"].cost(size, prefix_length=10).stored
    both = METHODS["combined"].cost(size, beside="bias", prefix_length=10)
    assert numbers["prefix + biases"] == both.stored


def test_a_dot_is_a_seed_that_both_were_run_with(gpt2: Backbone, drawn: list) -> None:
    panel = VariantsPanel(gpt2)
    assert drawn[-1] == {
        "prompt": [-10],
        "gated prefix": [2],
        "prefix + prompt": [-5],
        "prefix + biases": [5],
    }
    assert "one seed: no spread" in panel.words.value
    panel.seeds.value = 3
    assert drawn[-1]["gated prefix"] == [2, 3]
    assert drawn[-1]["biases alone"] == [0]
    assert "+2.5 points</b> ± 0.5" in panel.words.value
    assert "2 of 2 seeds agree; pure luck: 50%" in panel.words.value
    panel.against.value, panel.measure.value = "gated prefix", "loss"
    assert drawn[-1]["prefix"] == [0.02, 0.03]
    assert "nats" in panel.words.value


def test_the_question_is_about_all_seeds(gpt2: Backbone) -> None:
    question = VariantsPanel(gpt2).children[0]
    assert isinstance(question, Prediction)
    assert question.answer() == pytest.approx(2.5)


def test_without_records_it_says_how_to_make_them(gpt2: Backbone, folder: Path) -> None:
    (folder / "variants.jsonl").unlink()
    panel = VariantsPanel(gpt2)
    assert "python -m prefixlab.workbook.experiments variants" in panel.status.value
    assert compared("smollm2").empty
