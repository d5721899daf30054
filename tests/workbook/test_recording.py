"""A recorder loses no row that is finished and repeats none, whoever is killed in the middle."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
)
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ClassVar
from weakref import ref

import psutil
import pytest
import stub_runs
import torch
from distributed import LocalCluster

from prefixlab import Backbone, Task
from prefixlab.workbook import measuring, recording, records
from prefixlab.workbook.executors import Opened, cluster, processes
from prefixlab.workbook.grids import GRIDS
from prefixlab.workbook.protocol import Family, Run, key_of
from prefixlab.workbook.recording import Added, record, record_with

PREFIX = Family("prefix", "prefix_tuning", {"prefix_length": 10}, 0.003, [{"train": 32}], seeds=3)
NONE = Family("none", "discrete_prompt", seeds=1)
RUNS = 5 + 2 + 3 + 1  # rates, seeds, three seeds of the setting, and one without training
ALL = 10**6


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A grid of two families, an empty record, and runs that take no time."""
    prepare(tmp_path, monkeypatch.setattr)
    monkeypatch.setitem(GRIDS, "variants", lambda: [PREFIX, NONE])
    return tmp_path


def prepare(folder: Path, put: Callable[..., Any]) -> None:
    put(records, "FOLDER", folder)
    put(recording, "measure", stub_runs.measure)


@contextmanager
def thread() -> Iterator[Opened]:
    with ThreadPoolExecutor(1) as executor:
        yield executor, 1


def recorded(folder: Path) -> list[Run]:
    return records.rows_of("variants")


def begun(folder: Path) -> Counter[str]:
    """How often each run was begun."""
    lines = (folder / "begun.txt").read_text().splitlines()
    return Counter(key_of(json.loads(line.split(" ", 1)[1])) for line in lines)


def all_of(folder: Path, executor: Executor, workers: int = 2, **asked: Any) -> list[Added]:
    return list(record(["variants"], executor, workers=workers, backbone=str(folder), **asked))


def assert_complete_and_nothing_twice(folder: Path) -> None:
    keys = [key_of(row) for row in recorded(folder)]
    assert len(keys) == len({*keys}) == RUNS
    for family in (PREFIX, NONE):
        assert family.missing(recorded(folder)) == []


def test_a_grid_is_recorded_rate_by_rate_and_then_seed_by_seed(folder: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        found = all_of(folder, executor, workers=1)
    assert_complete_and_nothing_twice(folder)
    assert [each.row for each in found] == recorded(folder)
    assert {each.grid for each in found} == {"variants"}
    assert found[1].row["family"] == "none"  # families take turns
    assert {row["rate"] for row in recorded(folder)[6:]} == {0.01}
    assert set(begun(folder).values()) == {1}


def test_what_is_left_counts_the_later_stages_too(folder: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        assert [each.left for each in all_of(folder, executor, workers=1)] == [*range(RUNS)][::-1]


def test_a_row_has_its_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GRIDS, "variants", lambda: [NONE])
    monkeypatch.setattr(recording, "choose", lambda: (str(folder / "smollm2"), "no hub"))
    (folder / "smollm2").mkdir()
    with ThreadPoolExecutor(1) as executor:
        all_of(folder, executor)
        list(record(["variants"], executor, workers=1))
    usual = "python -m prefixlab.workbook.recording variants"
    first, second = recorded(folder)
    assert first["command"] == f"{usual} --backbone {folder}"
    assert (second["command"], second["backbone"]) == (usual, "smollm2")


def test_a_recorder_goes_on_where_it_was(folder: Path) -> None:
    with ThreadPoolExecutor(2) as executor:
        assert [each.left for each in all_of(folder, executor, most=4)][-1] == 0
        before = records.path_of("variants").read_bytes()
        assert len(recorded(folder)) == sum(begun(folder).values()) == 4
        all_of(folder, executor)
        assert records.path_of("variants").read_bytes().startswith(before)
        assert_complete_and_nothing_twice(folder)
        assert all_of(folder, executor) == []
    assert set(begun(folder).values()) == {1}


def test_another_backbone_is_recorded_beside_the_first(folder: Path) -> None:
    other = folder / "other"
    other.mkdir()
    with ThreadPoolExecutor(1) as executor:
        all_of(folder, executor)
        list(record(["variants"], executor, workers=1, backbone=str(other)))
    rows = recorded(folder)
    assert Counter(row["backbone"] for row in rows) == {folder.name: RUNS, "other": RUNS}


def test_several_grids_share_the_workers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GRIDS, "p_tuning", lambda: [NONE])
    begun_together = []

    class Patient(ThreadPoolExecutor):
        def submit(self, *given: Any) -> Future[Run]:
            begun_together.append(given[1]["family"])
            return super().submit(*given)

    with Patient(1) as executor:
        asked = ["p_tuning", "variants"]
        found = list(record(asked, executor, workers=3, backbone=str(folder)))
    assert begun_together[:3] == ["none", "prefix", "none"]
    assert Counter(each.grid for each in found) == {"p_tuning": 1, "variants": RUNS}
    assert len(records.rows_of("p_tuning")) == 1


def test_two_recorders_of_one_grid_are_refused_and_a_stopped_one_is_in_nobodys_way(
    folder: Path,
) -> None:
    with ThreadPoolExecutor(1) as executor:
        first = record(["variants"], executor, workers=1, backbone=str(folder))
        next(first)
        with pytest.raises(
            ValueError, match=r"^variants is being recorded by another process; wait for it, or"
        ):
            all_of(folder, executor)
        first.close()
        all_of(folder, executor)
    assert_complete_and_nothing_twice(folder)


def test_an_error_in_a_run_ends_the_recording_when_the_runs_beside_it_are_recorded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(run: Run, asked: str) -> Run:
        if not stub_runs.is_fatal(run):
            time.sleep(0.2)  # the one that fails is the first to end
        return stub_runs.measure(run, asked)

    (folder / "fail").touch()
    monkeypatch.setattr(recording, "measure", measure)
    with (
        ThreadPoolExecutor(5) as executor,
        pytest.raises(ValueError, match=r"^prefix, rate 0.01, seed 0: The text is too long\.$"),
    ):
        all_of(folder, executor, workers=5)
    assert len(recorded(folder)) == 4
    assert sum(begun(folder).values()) == 5


def test_a_row_that_was_made_before_the_executor_broke_is_recorded(folder: Path) -> None:
    class Breaking(ThreadPoolExecutor):
        def submit(self, *given: Any) -> Future[Run]:
            if given[1]["rate"] == 0.001:  # the third: the first two are not collected yet
                raise BrokenExecutor
            return super().submit(*given)

    with Breaking(1) as executor, pytest.raises(BrokenExecutor):
        all_of(folder, executor, workers=5)
    assert {row["family"] for row in recorded(folder)} == {"prefix", "none"}


def test_what_is_recorded_is_let_go_and_no_cluster_makes_it_again(folder: Path) -> None:
    class Watching(ThreadPoolExecutor):
        given: ClassVar[list[ref[Future[Run]]]] = []

        def submit(self, *given: Any) -> Future[Run]:
            until = time.monotonic() + 5  # the thread itself lets go of it a little later
            while any(each() for each in self.given):
                assert time.monotonic() < until
            self.given.append(ref(future := super().submit(*given)))
            return future

    with Watching(1) as executor:
        all_of(folder, executor, workers=1)
    assert len(Watching.given) == RUNS


def test_the_executor_may_be_a_thread_that_trains_a_tiny_model(
    folder: Path, gpt2: Backbone, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Family("prompt", "prompt_tuning", {"prompt_length": 2}, 0.03, steps=2, seeds=2)
    monkeypatch.setitem(GRIDS, "variants", lambda: [short, NONE])
    monkeypatch.setattr(recording, "measure", measuring.measure)
    monkeypatch.setattr(measuring, "backbone", lambda name: gpt2)
    monkeypatch.setattr(measuring, "task_of", lambda run: task)
    monkeypatch.setattr(measuring, "VALIDATIONS", short.steps)
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(1) as executor:
        found = list(record(["variants"], executor, workers=1, backbone="tiny-gpt2"))
    torch.set_num_threads(threads)
    assert [each.row for each in found] == recorded(folder)
    losses = {row["rate"]: row["validation_loss"] for row in recorded(folder) if row["rate"]}
    assert short.rate(recorded(folder)) == min(losses, key=lambda rate: (losses[rate], rate))
    assert found[-1].left == 0


def assert_only_the_fatal_run_was_begun_again(folder: Path) -> None:
    assert_complete_and_nothing_twice(folder)
    (fatal,) = (run for run in recorded(folder) if stub_runs.is_fatal(run))
    assert begun(folder) == {key_of(row): 1 for row in recorded(folder)} | {key_of(fatal): 2}


def test_a_killed_process_is_replaced_and_its_run_begun_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "kill").touch()
    record_with(partial(processes, 2), ["variants"], str(folder), ALL)
    assert_only_the_fatal_run_was_begun_again(folder)
    said = capsys.readouterr()
    assert said.err.count("A worker was killed; what was at work begins again.") == 1
    assert f"{RUNS} added, about 0 left" in said.out


def test_a_run_that_kills_every_process_ends_the_recording(folder: Path) -> None:
    (folder / "kill every time").touch()
    with pytest.raises(ValueError, match=r"^Workers were killed before one had made a run.*\.$"):
        record_with(partial(processes, 2), ["variants"], str(folder), ALL)
    assert len(recorded(folder)) == stub_runs.BESIDE


def record_in_a_process(folder: Path, opened: Callable[[], Any]) -> None:
    prepare(folder, setattr)
    GRIDS["variants"] = lambda: [PREFIX, NONE]
    record_with(opened, ["variants"], str(folder), ALL)


def kill_a_recorder_in_the_middle(folder: Path, method: str, opened: Callable[[], Any]) -> None:
    """A recorder is killed while one run is at work and all others are recorded."""
    (folder / "hold").touch()
    recorder = get_context(method).Process(target=record_in_a_process, args=(folder, opened))
    recorder.start()
    while len(recorded(folder)) < stub_runs.BESIDE:
        assert recorder.is_alive()
        time.sleep(0.01)
    os.kill(recorder.pid, signal.SIGKILL)
    recorder.join()
    (folder / "hold").unlink()


@pytest.mark.skipif(os.name == "nt", reason="there is no fork")
def test_a_killed_recorder_goes_on_where_it_was_and_its_workers_end(folder: Path) -> None:
    kill_a_recorder_in_the_middle(folder, "fork", partial(processes, 2))
    workers = {int(line.split()[0]) for line in (folder / "begun.txt").read_text().splitlines()}
    psutil.wait_procs([psutil.Process(each) for each in workers if psutil.pid_exists(each)], 5)
    assert not any(map(psutil.pid_exists, workers))
    record_with(thread, ["variants"], str(folder), ALL)
    assert_only_the_fatal_run_was_begun_again(folder)


@pytest.fixture(scope="module")
def two_workers() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as found:
        yield found


@pytest.fixture
def dask(two_workers: LocalCluster) -> Callable[..., Any]:
    """Opens a cluster with two workers, whichever of them an earlier test has killed."""
    two_workers.wait_for_workers(2)
    return partial(cluster, two_workers.scheduler_address)


def test_a_cluster_makes_as_many_runs_at_a_time_as_it_has_threads(
    dask: Callable[..., Any],
) -> None:
    with dask() as (_, workers):
        assert workers == 2
    with dask(workers=7) as (_, workers):
        assert workers == 7


def test_a_cluster_that_is_lost_is_told(dask: Callable[..., Any]) -> None:
    with (
        pytest.raises(ValueError, match=r"^The cluster at .* was lost; start again: .*\.$"),
        dask(),
    ):
        raise CancelledError  # as a future of the cluster does then


def test_a_cluster_without_workers_is_refused() -> None:
    with (
        LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        pytest.raises(ValueError, match=r"^The cluster at .* has no workers yet; .*\.$"),
        cluster(empty.scheduler_address),
    ):
        pass


def test_dask_begins_the_run_of_a_killed_worker_again(
    folder: Path, dask: Callable[..., Any]
) -> None:
    (folder / "kill").touch()
    record_with(dask, ["variants"], str(folder), ALL)
    assert_only_the_fatal_run_was_begun_again(folder)


def test_a_run_that_kills_every_worker_of_a_cluster_is_told(
    folder: Path, dask: Callable[..., Any]
) -> None:
    (folder / "kill every time").touch()
    with pytest.raises(ValueError, match=r"^Workers were killed again and again at one run.*\.$"):
        record_with(dask, ["variants"], str(folder), ALL)
    assert len(recorded(folder)) == stub_runs.BESIDE


@pytest.mark.real
def test_a_killed_recorder_goes_on_on_the_same_cluster(
    folder: Path, dask: Callable[..., Any]
) -> None:
    kill_a_recorder_in_the_middle(folder, "spawn", dask)
    record_with(dask, ["variants"], str(folder), ALL)
    assert_only_the_fatal_run_was_begun_again(folder)
