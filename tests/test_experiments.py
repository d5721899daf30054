"""Recorded runs are resumable, whole, and say where they come from."""

import json
from pathlib import Path

import pytest

from prefixlab import Backbone, Task, experiments


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
    assert row.command == "python -m prefixlab.experiments prompt_tuning"
    assert 0 <= row.accuracy <= 1


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
    assert [path.name for path in folder.iterdir()] == ["prompt_tuning.jsonl"]


def test_an_unknown_record_is_named(folder: Path) -> None:
    with pytest.raises(ValueError, match="No runs are recorded as 'mine'"):
        experiments.recorded("mine")
