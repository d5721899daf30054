"""Files are written whole or not at all, whatever happens meanwhile."""

import errno
import os
import stat
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from prefixlab import files
from prefixlab.files import written_whole

OLD, NEW = b"old", b"new " * 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "deeper" / "[mine] *.txt"
    path.parent.mkdir()
    path.write_bytes(OLD)
    return path


def test_the_new_content_is_there_when_the_block_ends_and_not_before(path: Path) -> None:
    with written_whole(path) as fresh:
        fresh.write_bytes(NEW)
        assert path.read_bytes() == OLD
    assert path.read_bytes() == NEW
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt(), ValueError()]
)
def test_an_error_leaves_the_old_content_and_nothing_else(path: Path, error: Exception) -> None:
    def write() -> None:
        with written_whole(path) as fresh:
            fresh.write_bytes(NEW[:7])
            raise error

    with pytest.raises(type(error)):
        write()
    assert path.read_bytes() == OLD
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_fails_at_the_end_leaves_the_old_content(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="Input/output"), written_whole(path) as fresh:
        fresh.write_bytes(NEW)
    assert path.read_bytes() == OLD
    assert os.listdir(path.parent) == [path.name]


def test_a_folder_that_cannot_be_brought_to_the_disk_is_no_fault(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = files.to_disk

    def refuse(place: Path) -> None:
        if place.is_dir():
            raise OSError(errno.EINVAL, "Invalid argument")
        honest(place)

    monkeypatch.setattr(files, "to_disk", refuse)
    with written_whole(path) as fresh:
        fresh.write_bytes(NEW)
    assert path.read_bytes() == NEW


def test_a_folder_that_cannot_be_written_to_is_found_out_before_the_work(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(OSError, match="Read-only"), written_whole(path):
        pytest.fail("the work was begun")
    assert path.read_bytes() == OLD


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit on a process's files")
def test_what_safetensors_says_of_the_disk_is_an_error_of_the_system(path: Path) -> None:
    """In a process that may write no file of more than 1,000 bytes."""
    told = get_context("fork").SimpleQueue()

    def write() -> None:
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            with written_whole(path) as fresh:
                save_file({"weights": torch.zeros(1000)}, fresh)
        except OSError as error:
            told.put((error.errno, os.listdir(path.parent), path.read_bytes()))

    process = get_context("fork").Process(target=write)
    process.start()
    process.join()
    assert process.exitcode == 0
    assert told.get() == (errno.EFBIG, [path.name], OLD)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_kill_leaves_the_old_content_and_the_next_writer_sweeps(path: Path) -> None:
    def write() -> None:
        with written_whole(path) as fresh:
            fresh.write_bytes(NEW[:7])
            time.sleep(30)

    process = get_context("fork").Process(target=write)
    process.start()
    while len(os.listdir(path.parent)) < 2:
        time.sleep(0.01)
    process.kill()
    process.join()
    assert path.read_bytes() == OLD
    (left,) = set(path.parent.iterdir()) - {path}
    with written_whole(path) as fresh:  # a minute ago: somebody may be at it
        fresh.write_bytes(NEW)
    assert left.exists()
    hours_ago = time.time() - 2 * files.LEFT_OVER
    os.utime(left, (hours_ago, hours_ago))
    stranger = path.with_name(".mine.new")
    stranger.touch()
    os.utime(stranger, (hours_ago, hours_ago))
    with written_whole(path) as fresh:
        fresh.write_bytes(NEW)
    assert sorted(path.parent.iterdir()) == [stranger, path]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_all_may_read_what_the_umask_lets_them(path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        with written_whole(path) as fresh:
            save_file({"one": torch.zeros(1)}, fresh)  # which makes files for their owner alone
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_readers_meet_one_of_the_contents_while_threads_write(path: Path) -> None:
    contents = [bytes([48 + number]) * 10_000 for number in range(4)]

    def write(content: bytes) -> None:
        for _ in range(5):
            with written_whole(path) as fresh:
                fresh.write_bytes(content)

    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write, content) for content in contents]
        while not all(one.done() for one in writing):
            assert path.read_bytes() in (OLD, *contents)
        for one in writing:
            one.result()
    assert os.listdir(path.parent) == [path.name]
