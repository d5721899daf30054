"""Rows in a file that several processes add to: none is lost, none is half there."""

import errno
import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from multiprocessing import get_context
from pathlib import Path

import pytest

from prefixlab.workbook import experiments, rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.jsonl"


def test_rows_come_back_in_their_order(path: Path) -> None:
    written = [{"n": n, "text": "a\nb — ü"} for n in range(3)]
    for row in written:
        rows.append(path, row)
    assert rows.read(path) == written
    assert len(path.read_bytes().splitlines()) == 3


def test_no_file_has_no_rows(path: Path) -> None:
    assert rows.read(path) == []


@pytest.mark.parametrize(
    ("end", "kept"), [('{"n": 2, "te', 1), ('{"n": 2}', 2), ('{"n": 2}\n', 2), ("\0\0", 1)]
)
def test_what_a_killed_writer_left_is_passed_over_and_cut_off(
    path: Path, end: str, kept: int
) -> None:
    path.write_text(f'{{"n": 1}}\n{end}')
    before = rows.read(path)
    assert [row["n"] for row in before] == [1, 2][:kept]
    rows.append(path, {"n": 3})
    assert rows.read(path) == [*before, {"n": 3}]
    assert [json.loads(line) for line in path.read_text().splitlines()] == rows.read(path)


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_fails_in_the_middle_of_a_row_leaves_the_others(
    path: Path, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    rows.append(path, {"n": 1})
    before, written, honest = path.read_bytes(), [], os.write

    def write(file: int, data: bytes) -> int:
        if written:
            raise OSError(fault, os.strerror(fault))
        written.append(honest(file, data[:5]))
        return 5

    monkeypatch.setattr(os, "write", write)
    words = "is full" if fault != errno.EIO else "cannot be used"
    with pytest.raises(
        ValueError, match=rf"^The (disk|folder) .*{words}.*what is recorded stays\.$"
    ):
        rows.append(path, {"n": 2})
    assert written == [5]
    assert path.read_bytes() == before


def record_slowly(folder: Path, seconds: float) -> None:
    """What each of several processes does: record the grid, noting every run that it does."""
    experiments.FOLDER = folder

    class Lm:
        name = "fake"

    def measure(lm: Lm, wanted: dict, grid: str) -> dict:
        with (folder / "done.txt").open("a") as done:
            done.write(f"{os.getpid()} {wanted['seed']}\n")
        time.sleep(seconds)
        return wanted | {"backbone": lm.name, "accuracy": 0.5, "scores": [0.25] * 500}

    experiments.measure = measure
    experiments.load = Lm
    experiments.GRIDS["prompt_tuning"] = lambda: (
        experiments.run("prompt_tuning", seed=seed) for seed in range(12)
    )
    with redirect_stdout(io.StringIO()):
        experiments.record("prompt_tuning")


@pytest.fixture
def recorder(tmp_path: Path) -> Callable[[float], "object"]:
    def start(seconds: float) -> object:
        process = get_context("fork").Process(target=record_slowly, args=(tmp_path, seconds))
        process.start()
        return process

    return start


fork = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")


@fork
def test_recorders_share_a_grid_and_lose_nothing(tmp_path: Path, recorder) -> None:
    for process in [recorder(0.02) for _ in range(4)]:
        process.join()
        assert process.exitcode == 0
    found = rows.read(tmp_path / "prompt_tuning.jsonl")
    assert sorted(row["seed"] for row in found) == list(range(12))
    done = [line.split() for line in (tmp_path / "done.txt").read_text().splitlines()]
    assert sorted(int(seed) for _, seed in done) == list(range(12))  # none twice
    assert len({process for process, _ in done}) > 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".prompt_tuning.jsonl.lock",
        "done.txt",
        "prompt_tuning.jsonl",
    ]


@fork
def test_the_run_of_a_killed_recorder_is_done_by_another(tmp_path: Path, recorder) -> None:
    killed = recorder(30)
    while not (tmp_path / "done.txt").exists():
        assert killed.is_alive()
        time.sleep(0.01)
    other = recorder(0)
    while len(rows.read(tmp_path / "prompt_tuning.jsonl")) < 11:
        assert other.is_alive()
        time.sleep(0.01)
    assert other.is_alive()  # waits for the run that it thinks is being done
    os.kill(killed.pid, signal.SIGKILL)
    killed.join()
    other.join()
    found = rows.read(tmp_path / "prompt_tuning.jsonl")
    assert sorted(row["seed"] for row in found) == list(range(12))
