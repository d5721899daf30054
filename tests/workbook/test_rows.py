"""Rows in a file that several processes add to: none is lost, none is half there."""

import errno
import json
import os
import sys
from multiprocessing import get_context
from pathlib import Path

import pytest

from prefixlab.workbook import rows


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


def add(path: Path, writer: int) -> None:
    for n in range(25):
        rows.append(path, {"writer": writer, "n": n, "long": "x" * 9000})


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_writers_beside_each_other_lose_nothing(path: Path) -> None:
    context = get_context("fork")
    writers = [context.Process(target=add, args=(path, writer)) for writer in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    found = [(row["writer"], row["n"]) for row in rows.read(path)]
    assert sorted(found) == [(writer, n) for writer in range(4) for n in range(25)]
