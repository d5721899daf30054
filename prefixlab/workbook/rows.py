"""Rows: a file of JSON lines that several processes add to, and none loses a row of another.

A row is one line with a line break at its end. Who is killed while adding one leaves a part of a
line at the end of the file: who reads passes over it, and who writes next cuts it off.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from prefixlab.arguments import shortened
from prefixlab.files import in_words

REMEDY = "start again where there is room to write: what is recorded stays"
Row = dict[str, Any]


def read(path: Path) -> list[Row]:
    """The rows of a file, in their order; none where there is no file.

    Raises
    ------
    ValueError
        A line that is no JSON object, other than a last one that was never finished.
    """
    if not path.exists():
        return []
    *lines, last = path.read_bytes().split(b"\n")
    if is_row(last):
        lines.append(last)
    for number, line in enumerate(lines, 1):
        if not is_row(line):
            raise ValueError(
                f"{path} is damaged: its line {number} is no JSON object "
                f"({shortened(line.decode(errors='replace'))}); remove that line."
            )
    return [json.loads(line) for line in lines]


def append(path: Path, row: Row) -> None:
    """Add a row, which is on the disk when this returns; without it, the file is as it was.

    Raises
    ------
    ValueError
        The folder cannot be written to, or the disk is full.
    """
    line = json.dumps(row).encode() + b"\n"
    with disk_errors(path.parent, REMEDY), FileLock(path.with_name(f".{path.name}.lock")):
        file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            there = path.read_bytes()
            last = there.rpartition(b"\n")[2]
            end = len(there)
            if is_row(last):  # it lacks its line break only: somebody edited the file
                line = b"\n" + line
            else:
                end -= len(last)
            try:
                os.ftruncate(file, end)
                os.lseek(file, end, os.SEEK_SET)
                while line:
                    line = line[os.write(file, line) :]
                os.fsync(file)
            except OSError:
                os.ftruncate(file, end)
                raise
        finally:
            os.close(file)


def is_row(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


@contextmanager
def disk_errors(folder: Path, remedy: str) -> Iterator[None]:
    """Within this context an error of the system is a ValueError: one sentence with the remedy."""
    try:
        yield
    except OSError as error:
        raise ValueError(in_words(error, folder, remedy)) from error
