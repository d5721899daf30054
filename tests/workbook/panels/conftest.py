"""What the tests of panels have in common: recorded runs that never were, and a button pressed."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from made_records import LABELS, complete, write

from prefixlab import Backbone, Task, Verbalizer
from prefixlab.data.examples import dataset
from prefixlab.workbook import evidence, measuring, records
from prefixlab.workbook.grids import families
from prefixlab.workbook.measuring import lesson_task
from prefixlab.workbook.panels.live import LivePanel
from prefixlab.workbook.protocol import ELSEWHERE, LADDER, Run

LABS = ("prompt_tuning", "prefix_tuning", "p_tuning", "p_tuning_v2")


@pytest.fixture
def lesson(rated_films: None, monkeypatch: pytest.MonkeyPatch) -> Task:
    """The task of recorded runs, with four sentences to validate on, every two steps."""
    monkeypatch.setattr(measuring, "VALIDATION", 4)
    monkeypatch.setattr(measuring, "VALIDATIONS", 2)
    return lesson_task()


@pytest.fixture
def folder(lesson: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where nothing is recorded yet."""
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    monkeypatch.setattr(evidence, "right_answers", lambda task, test: LABELS[:test])
    return tmp_path


@pytest.fixture
def recorded(folder: Path, gpt2: Backbone) -> Path:
    """Some grids, complete: of every family the rate above the middle one was best."""
    for grid in (*LABS, "variants"):
        write(folder, grid, complete_grid(grid, gpt2.name))
    return folder


@cache
def complete_grid(grid: str, backbone: str) -> list[Run]:
    rows: list[Run] = []
    for family in families(grid):
        best = LADDER[LADDER.index(family.middle) + 1] if family.middle else 0.0
        rows += complete(family, best, measured, backbone)
    return rows


def measured(run: Run) -> Run:
    """More accurate with every seed, with the length, where it is trained, from words, on top."""
    knobs = run["knobs"]
    length = knobs.get("prefix_length", knobs.get("prompt_length", 0))
    better = 0.1 * (run["rate"] is not None) + 0.03 * (knobs.get("init") == "task_words")
    better += 0.04 * (knobs.get("layers") == "last:4")
    accuracy = 0.5 + better + 0.05 * run["seed"] + 0.002 * length
    elsewhere = {"accuracy": 0.5, "content_free": 0.0, "margins": margins(0.5, ELSEWHERE)}
    return {
        **{"accuracy": round(accuracy, 4), "calibrated": 0.5, "loss": 0.3, "train_seconds": 30.0},
        **{"margins": margins(accuracy, run["test"]), "content_free": 0.0},
        "elsewhere": dict.fromkeys(run["also"], elsewhere),
    }


def margins(accuracy: float, test: int) -> list[float]:
    """A small lead for the right answer to the first sentences, and for the wrong one after."""
    right = np.arange(test) < round(accuracy * test)
    return np.where(right == LABELS[:test], 0.01, -0.01).tolist()


THREE = ("negative", "neutral", "positive")


@pytest.fixture
def three(task: Task) -> Task:
    """The tiny task with a third label, of which there are as many as of the others."""
    rows = [(f"{x}, {number}", number % 3) for number, x in enumerate(task.train["x"][:12])]
    splits = dict.fromkeys(("train", "validation", "test"), dataset(rows))
    return replace(task, name="three", verbalizer=Verbalizer(THREE), **splits)


@pytest.fixture
def press() -> Callable[[LivePanel, Callable[[], None]], None]:
    """Press the button of a panel, do something while it works, and wait until it is done."""

    async def measure(panel: LivePanel, meanwhile: Callable[[], None]) -> None:
        panel.button.click()
        while panel.progress.value < 1:
            await asyncio.sleep(0)
        assert panel.button.disabled
        meanwhile()
        assert panel.running
        await panel.running

    return lambda panel, meanwhile: asyncio.run(measure(panel, meanwhile))
