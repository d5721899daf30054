"""The command of the recorder: what it says, how it is stopped, what it refuses."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from pathlib import Path

import distributed
import psutil
import pytest
import stub_runs

from prefixlab.workbook import recording, records
from prefixlab.workbook.executors import Opened, processes
from prefixlab.workbook.grids import GRIDS
from prefixlab.workbook.protocol import Family, Run
from prefixlab.workbook.recording import LAST, Added, Progress, main, parsed

PREFIX = Family("prefix", "prefix_tuning", {"prefix_length": 10}, 0.003)
NONE = Family("none", "discrete_prompt", seeds=1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A grid of two families, an empty record, and runs that take no time."""
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    monkeypatch.setattr(recording, "measure", stub_runs.measure)
    monkeypatch.setitem(GRIDS, "variants", lambda: [PREFIX, NONE])
    return tmp_path


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """No run may be made."""

    @contextmanager
    def fail(*_: object, **__: object) -> Iterator[Opened]:
        pytest.fail("an executor was opened")
        yield

    monkeypatch.setattr(recording, "processes", fail)


def rows() -> list[Run]:
    return records.rows_of("variants")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["mine"], "grid='mine' is unknown; choose one of prefix_tuning, "),
        (["variants", "--workers", "0"], "--workers=0 is out of range; choose a whole number of"),
        (["--workers", "two"], "--workers='two' is no whole number; choose one of at least 1"),
        (["--most", "0"], "--most=0 is out of range"),
        (["--most", "1.5"], "--most='1.5' is no whole number"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_bad_value_is_one_sentence(
    given: list[str], words: str, folder: Path, refuse: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(given)
    assert re.match(rf"{re.escape(words)}[^\n]*\.$", str(caught.value.code))
    assert capsys.readouterr() == ("", "")
    assert not (folder / "variants.jsonl").exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--nothing"], "Unrecognized arguments: --nothing; "),
        (["--backbone"], "Argument --backbone: expected one argument; "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_not_called_so_is_one_sentence_and_the_status_2(
    given: list[str], words: str, refuse: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(given)
    assert caught.value.code == 2
    assert re.fullmatch(rf"{re.escape(words)}[^\n]*\.\n", capsys.readouterr().err)


def test_a_cluster_without_dask_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SystemExit, match=r"^A cluster needs Dask: pip install distributed\.$"):
        main(["variants", "--dask", "tcp://head:8786"])


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(address: str) -> None:
        raise OSError(f"Timed out trying to connect to {address} after 30 s")

    # What a real client leaves behind when it fails would be waited for in forked processes.
    monkeypatch.setattr(distributed, "Client", fail)
    with pytest.raises(
        SystemExit, match=r"^No Dask scheduler answers at 'head:8786' \(Timed out .*\); .*\.$"
    ):
        main(["variants", "--dask", "head:8786"])


def test_all_grids_are_recorded_where_none_is_named_and_none_twice() -> None:
    assert parsed([]).grids == [*GRIDS]
    twice = ["p_tuning", "--workers", "3", "variants", "p_tuning"]
    assert (parsed(twice).grids, parsed(twice).workers) == (["p_tuning", "variants"], 3)


def test_the_time_left_is_that_of_the_last_rows_shared_by_the_workers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = PREFIX.run(1, 0.003) | {"accuracy": 0.5, "loss": 0.7}
    slow = [Added("variants", row, 1000.0, 99)] * 3  # the first ones loaded the model
    usual = [Added("variants", row, 60.0, left) for left in range(LAST + 10, 10, -1)]
    progress = Progress()
    progress.follow(iter([*slow, *usual]), workers=2)
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first == (
        "variants: prefix, rate 0.003, seed 1: accuracy 0.500, loss 0.700; 1 added, about 99 left: "
        "13.9 h"
    )
    assert last.endswith("23 added, about 11 left: 6 min")  # two at a time, a minute each
    progress.follow(iter([Added("variants", row, 60.0, 1)]), workers=8)
    assert capsys.readouterr().out.endswith("about 1 left: 60 s\n")


def test_of_a_run_whose_answers_are_texts_bleu_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    of_texts = {"greedy": {"bleu": 16.75}, "beam": {"bleu": 18.0}, "loss": 2.3175}
    Progress().follow(iter([Added("table_to_text", PREFIX.run(0, 0.01) | of_texts, 60.0, 1)]), 1)
    assert ": BLEU 16.8, loss 2.317; 1 added" in capsys.readouterr().out


def test_the_command_records_and_stops_after_so_many_rows(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    main(["variants", "--backbone", str(folder), "--workers", "1", "--most", "2"])
    assert len(rows()) == 2
    assert len(capfd.readouterr().out.splitlines()) == 2
    main(["variants", "--backbone", str(folder), "--workers", "1", "--most", "1", "--json"])
    added = json.loads(capfd.readouterr().out)
    assert added["row"] == rows()[-1]
    assert added["grid"] == "variants"


def test_a_check_exits_with_1_where_a_run_is_to_come(
    folder: Path, refuse: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PREFIXLAB_BACKBONE", "smollm2")
    for given, name in ([], "smollm2"), (["--backbone", "gpt2"], "gpt2"):
        with pytest.raises(SystemExit) as caught:
            main(["variants", "--check", *given])
        assert caught.value.code == 1
        assert capsys.readouterr().out.startswith(f"variants: 0 rows on {name}, about 10 to come\n")
        with pytest.raises(SystemExit):
            main(["variants", "--check", *given, "--json"])
        assert json.loads(capsys.readouterr().out)["backbone"] == name


def test_a_damaged_record_is_told(folder: Path, refuse: None) -> None:
    (folder / "variants.jsonl").write_text("{}\n")
    with pytest.raises(SystemExit, match=r"variants.jsonl is damaged: its line 1 .*\.$"):
        main(["variants", "--check", "--backbone", "gpt2"])


@pytest.mark.parametrize("to", ["the recorder alone", "all in front"])
@pytest.mark.skipif(os.name == "nt", reason="there is no fork")
def test_ctrl_c_stops_it_at_once_and_keeps_what_is_recorded(folder: Path, to: str) -> None:
    (folder / "hold").touch()  # a run that would never end

    def in_front() -> None:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stdout = sys.stderr = (folder / "said.txt").open("w")
        for stream in (1, 2):  # of the workers too
            os.dup2(sys.stdout.fileno(), stream)
        main(["variants", "--backbone", str(folder), "--workers", "3"])

    recorder = get_context("fork").Process(target=in_front)
    recorder.start()
    said = folder / "said.txt"
    while not said.exists() or said.read_text().count("\n") < stub_runs.BESIDE:
        time.sleep(0.01)
    if to == "all in front":
        os.killpg(recorder.pid, signal.SIGINT)
    else:
        os.kill(recorder.pid, signal.SIGINT)
    recorder.join(5)
    assert recorder.exitcode == 130
    *added, last = said.read_text().splitlines()
    assert last == "Interrupted: what is recorded stays; start again to go on."
    assert len(added) == stub_runs.BESIDE
    assert len(rows()) == stub_runs.BESIDE
    workers = {int(line.split()[0]) for line in (folder / "begun.txt").read_text().splitlines()}
    assert not any(map(psutil.pid_exists, workers))


@pytest.mark.skipif(os.name == "nt", reason="no signal can be sent to one process")
def test_a_process_ends_at_ctrl_c_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    with processes(1) as (executor, _):
        os.kill(executor.submit(os.getpid).result(), signal.SIGINT)
        with pytest.raises(BrokenExecutor):
            executor.submit(abs, -1).result()
    assert capfd.readouterr() == ("", "")


@pytest.mark.real
def test_the_command_is_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prefixlab.workbook.recording", "--check", "--backbone", "none"],
        capture_output=True,
        text=True,
        cwd=Path(recording.__file__).parents[2],
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert [line.split(":")[0] for line in done.stdout.splitlines()[::2]] == [*GRIDS]


@pytest.mark.parametrize("after", [0.02, 0.05, 0.1, 0.2])
@pytest.mark.skipif(os.name == "nt", reason="signals cannot wait there")
def test_a_worker_that_only_begins_ends_at_ctrl_c_without_a_word(
    after: float, capfd: pytest.CaptureFixture[str]
) -> None:
    with processes(1) as (executor, _):
        never = executor.submit(time.sleep, 60)
        time.sleep(after)
        (worker,) = active_children()
        os.kill(worker.pid or 0, signal.SIGINT)
        with pytest.raises(BrokenExecutor):
            never.result(20)
    assert capfd.readouterr() == ("", "")
