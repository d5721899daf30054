"""Recorded runs are resumable, whole, and say where they come from."""

import json
from pathlib import Path

import pytest

from prefixlab import (
    Backbone,
    Task,
    judge_texts,
)
from prefixlab.data.tasks import load as load_task, references
from prefixlab.workbook import experiments
from prefixlab.workbook.panels.variants import compared

SMALL = {"train": 8, "validation": 2, "test": 3}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpt2: Backbone, task: Task) -> Path:
    """A grid of two short runs on a tiny backbone, recorded in an empty folder."""
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)
    monkeypatch.setattr(experiments, "STEPS", 2)
    monkeypatch.setattr(experiments, "load", lambda: gpt2)
    monkeypatch.setattr(experiments.tasks, "load", lambda name, **sizes: task)
    grid = [experiments.run("prompt_tuning", seed=seed, prompt_length=2) for seed in (0, 1)]
    monkeypatch.setitem(experiments.GRIDS, "prompt_tuning", lambda: iter(grid))
    return tmp_path


def test_a_row_says_what_was_run_and_by_which_command(folder: Path) -> None:
    experiments.record("prompt_tuning")
    row = experiments.recorded("prompt_tuning").iloc[0]
    assert (row.method, row.prompt_length, row.seed) == ("prompt_tuning", 2, 0)
    assert len(row.losses) == 2
    assert row.backbone == "tiny-gpt2"
    assert row.command == "python -m prefixlab.workbook.experiments prompt_tuning"
    assert 0 <= row.accuracy <= 1


def test_texts_are_recorded_with_their_metrics_for_seen_and_unseen_tables(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiments.tasks, "load", lambda name, **_: load_task(name, **SMALL))
    monkeypatch.setattr(experiments, "generate", lambda *_, **__: ["It is a pub."] * SMALL["test"])
    wanted = experiments.run("discrete_prompt", task="restaurants")
    monkeypatch.setitem(experiments.GRIDS, "table_to_text", lambda: iter([wanted]))
    experiments.record("table_to_text")
    row = experiments.recorded("table_to_text").iloc[0]
    assert (row.task, row.command.split()[-1]) == ("restaurants", "table_to_text")
    for kind in ("", "unseen_"):
        task = load_task("restaurants_unseen" if kind else "restaurants", **SMALL)
        expected = judge_texts(["It is a pub."] * SMALL["test"], references(task.test))
        assert row[f"{kind}texts"] == ["It is a pub."] * SMALL["test"]
        assert row[f"{kind}slot_error"] == expected.slot_error
        assert row[f"{kind}bleu"] == pytest.approx(expected.bleu, abs=0.01)


def test_a_grid_may_give_a_method_a_learning_rate_of_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two, untold = [experiments.run("fine_tuning", top=top) for top in (2, 1)]
    setting = experiments.Setting(
        recipe={"steps": 1}, learning_rates={("fine_tuning", 2): 0.5}, judge=experiments.chosen
    )
    monkeypatch.setitem(experiments.SETTINGS, "baselines", setting)
    monkeypatch.setitem(experiments.GRIDS, "baselines", lambda: iter([two, untold]))
    experiments.record("baselines")
    rates = [recipe["learning_rate"] for recipe in experiments.recorded("baselines").recipe]
    assert rates == [0.5, 0.0]  # 0: the method's own


@pytest.mark.parametrize("grid", experiments.GRIDS)
def test_no_run_of_a_grid_comes_twice(grid: str) -> None:
    runs = list(experiments.GRIDS[grid]())
    assert len(runs) == len({json.dumps(wanted) for wanted in runs}) > 0


def test_a_second_call_adds_only_what_is_missing(folder: Path) -> None:
    experiments.record("prompt_tuning")
    file = folder / "prompt_tuning.jsonl"
    kept, _ = file.read_text().splitlines()
    marked = json.dumps(json.loads(kept) | {"date": "before"})
    file.write_text(marked + "\n")
    experiments.record("prompt_tuning")
    dates = experiments.recorded("prompt_tuning").date.tolist()
    assert len(dates) == 2
    assert dates[0] == "before"
    left = {path.name for path in folder.iterdir()}
    assert left == {"prompt_tuning.jsonl", ".prompt_tuning.jsonl.lock"}  # and no claim


@pytest.fixture
def of_two(folder: Path) -> Path:
    """Two runs recorded on `big`, and before them one on `small`."""
    rows = [
        experiments.run("prompt_tuning", seed=seed) | {"backbone": name, "accuracy": seed / 2}
        for name, seed in (("small", 0), ("big", 0), ("big", 1))
    ]
    (folder / "prompt_tuning.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("small", ["small"]),
        ("big", ["big"] * 2),
        ("other", ["big"] * 2),
        ("", ["small", *["big"] * 2]),
    ],
)
def test_runs_are_of_the_backbone_asked_for_or_of_one_other_and_never_of_a_mix(
    of_two: Path, asked: str, shown: list[str]
) -> None:
    assert experiments.recorded("prompt_tuning", asked).backbone.tolist() == shown


def test_variants_are_compared_on_one_backbone_alone(
    of_two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add(grid: str, backbone: str, method: str, **knobs: object) -> None:
        row = experiments.run(method, seed=0, **knobs) | {"backbone": backbone}
        with (of_two / f"{grid}.jsonl").open("a") as file:
            file.write(json.dumps(row | {"accuracy": 0.5, "loss": 0.1}) + "\n")

    (of_two / "prompt_tuning.jsonl").unlink()
    plain = {"init": "task_words", "prefix_length": 10, "reparameterization": "none"}
    for backbone in ("gpt2", "smollm2"):
        add("prefix_tuning", backbone, "prefix_tuning", **plain)
    add("prompt_tuning", "smollm2", "prompt_tuning", init="labels", prompt_length=10)
    add("variants", "smollm2", "combined", beside="bias", prefix_length=10)
    assert set(compared("gpt2").backbone) == {"smollm2"}  # which alone has a variant
    add("variants", "gpt2", "combined", beside="bias", prefix_length=10)
    assert compared("gpt2").empty  # there is no prompt on it to compare with
    assert set(compared("smollm2").backbone) == {"smollm2"}


DAMAGED = {
    "no JSON": ("{}\n}\n{}", r"line 2 is no JSON object \('}'\)"),
    "a list": ("[]\n{}\n", r"line 1 is no JSON object \('\[\]'\)"),
    "deep": ("[" * 100_000 + "\n{}\n", r"line 1 is no JSON object \('\[\[\["),
    "bytes": ("\ud800\n{}\n", r"line 1 is no JSON object"),
    "no backbone": ("{}\n", r"line 1 does not say its 'backbone'"),
}


@pytest.mark.parametrize(("content", "words"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_record_is_named_with_its_line(folder: Path, content: str, words: str) -> None:
    path = folder / "prompt_tuning.jsonl"
    path.write_bytes(content.encode(errors="surrogatepass"))
    before = path.read_bytes()
    for act in (experiments.recorded, experiments.record):
        with pytest.raises(
            ValueError, match=rf"^[^\n]*prompt_tuning.jsonl is damaged: its {words}.*\.$"
        ):
            act("prompt_tuning")
    assert path.read_bytes() == before


def test_an_unknown_record_is_named(folder: Path) -> None:
    with pytest.raises(ValueError, match="No runs are recorded as 'mine'"):
        experiments.recorded("mine")
