"""Recorded runs are resumable, whole, and say where they come from."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from prefixlab import (
    Backbone,
    EncoderDecoder,
    Task,
    create,
    evaluation,
)
from prefixlab.workbook import experiments
from prefixlab.workbook.panels.variants import compared


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


def test_a_grid_may_have_models_a_task_and_a_recipe_of_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch, t5: EncoderDecoder, task: Task
) -> None:
    started = EncoderDecoder("started", t5.model, t5.tokenizer, target_start="so")
    grid = experiments.SETTINGS["lm_adaptation"]
    short = replace(
        grid,
        backbones=lambda: [t5, started],
        task=lambda name, **_: task.text_to_text(),
        recipe={"steps": 3},
    )
    monkeypatch.setitem(experiments.SETTINGS, "lm_adaptation", short)
    runs = [experiments.run("prompt_tuning", prompt_length=2)]
    monkeypatch.setitem(experiments.GRIDS, "lm_adaptation", lambda: iter(runs))
    experiments.record("lm_adaptation")
    rows = experiments.recorded("lm_adaptation")
    assert rows.backbone.tolist() == ["tiny-t5", "started"]
    assert [len(losses) for losses in rows.losses] == [3, 3]
    assert (rows.accuracy <= rows.legal).all()
    assert set(rows.command) == {"python -m prefixlab.workbook.experiments lm_adaptation"}
    assert experiments.recorded("lm_adaptation", "started").backbone.tolist() == ["started"]


def test_a_grid_may_be_tested_on_other_tasks_too_and_keep_every_score(
    folder: Path, monkeypatch: pytest.MonkeyPatch, gpt2: Backbone, task: Task
) -> None:
    def load(name: str, **_: int) -> Task:
        return replace(task, test=task.test.select(range(len(name) % 9)))

    monkeypatch.setattr(experiments.tasks, "load", load)
    runs = [experiments.run("discrete_prompt")]
    monkeypatch.setitem(experiments.GRIDS, "domain_shift", lambda: iter(runs))
    experiments.record("domain_shift")
    row = experiments.recorded("domain_shift").iloc[0]
    for name, word in (("tweets", "tweets_"), ("editorials", "editorials_")):
        expected = evaluation.scores(
            gpt2, create("discrete_prompt", gpt2, task), task, load(name).test
        )
        assert torch.tensor(row[f"{word}scores"]).sub(expected).abs().max() < 1e-3
        assert row[f"{word}accuracy"] == evaluation.judge(expected, load(name).test).accuracy
    assert len(row.scores) == len(load("movie_reviews").test)


def test_an_answer_counts_as_right_or_at_least_as_a_label(
    gpt2: Backbone, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = task.text_to_text()
    other = {"negative": "positive", "positive": "negative"}
    answers = asked.test["y"]
    texts = [answers[0], other[answers[1]], "", f"{answers[3]} film", *answers[4:]]
    monkeypatch.setattr(experiments, "generate", lambda *_, **__: texts)
    found = experiments.labelled(gpt2, create("discrete_prompt", gpt2, asked), asked)
    assert (found["accuracy"], found["legal"]) == (5 / 8, 6 / 8)


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
