"""Reading: a CSV file as people have it becomes pairs of texts, or one sentence says why not.

Which sign stands between the cells is read off the header line, of which two columns are known by
name. Nothing is guessed that could be guessed wrong: a row with more or fewer cells than the
header, a quote that is not closed and a text that is not UTF-8 are refused with their line.
"""

import bz2
import csv
import gzip
import io
import lzma
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

from prefixlab.arguments import shortened

LARGEST = 100_000_000  # bytes, unpacked; reading takes a few times as much memory
SIGNS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# A mark at the beginning of the file says how it is encoded; that of UTF-32 begins as UTF-16's.
MARKS = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\xef\xbb\xbf": "UTF-8-sig",
}
DAMAGED = (OSError, EOFError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
MISTAKES = {  # in the words of `csv`, and in ours
    "expected after": "a quote stands inside the cell that a quote opens; write it twice, or none",
    "unexpected end": "a quote opens a cell and none closes it; write it twice, or none",
    "field larger": "a cell has over 131,072 characters; is a quote missing that closes it?",
}
SUFFIXES = re.compile(r"(\.(csv|tsv|tab|txt))?(\.(gz|bz2|xz|zip))?$", re.IGNORECASE)
WHITE = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\ufeff\u200b"  # of no width, too


class Pair(NamedTuple):
    """A row of two columns: what is read, what answers it, and where that stands."""

    x: str
    y: str
    place: str  # for example "line 17"


@dataclass(frozen=True)
class Pairs:
    """Rows of one file or split, and in sentences what became of those that are not there."""

    name: str
    rows: list[Pair]
    notes: list[str] = field(default_factory=list)


class Unreadable(ValueError):
    """Why a file is no CSV file, in half a sentence."""


def read_csv(path: Any, x: str, y: str, key: str) -> Pairs:
    """The columns `x` and `y` of a CSV file, packed or not, without white space around a cell.

    `key` is the one of them whose values come again, as labels do: by them a cell is found out
    that became many rows because its quote was never closed.

    Raises
    ------
    ValueError
        What is no file, or no CSV in UTF-8 (or UTF-16 with its mark), a missing or doubled column,
        an empty cell, a row wider or narrower than the header, a cell that holds rows.
    """
    check_columns(x, y)
    file = checked_path(path)
    name = SUFFIXES.sub("", file.name) or file.name
    try:
        content, encoding = decoded(unpacked(file))
        # Only these ends of a line count: str.splitlines would split at ten others, too.
        lines = list(io.StringIO(content, newline=""))
        if not content.strip():
            raise Unreadable("it is empty")
        first, sign, header = read_header(lines, (x, y))
        left, right = (place_of(column, header, name) for column in (x, y))
        rows = list(read_rows(lines, first, sign, len(header)))
    except (OSError, Unreadable) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(
            f"{shortened(str(path), 200)} cannot be read as CSV ({reason}); save it as UTF-8, "
            "comma-separated, with a header line."
        ) from error
    check_no_cell_holds_rows(name, rows, sign, place_of(key, header, name))
    filled = [(cells, line) for cells, line in rows if any(map(bare, cells))]
    pairs = [Pair(bare(cells[left]), bare(cells[right]), f"line {line}") for cells, line in filled]
    check_filled(name, pairs, (x, y))
    padded = any(bare(cells[at]) != cells[at] for cells, _ in filled for at in (left, right))
    notes = [
        f"{len(lines)} lines of {encoding.removesuffix('-sig')}, {SIGNS.get(sign, sign)} between "
        f"the cells: {len(rows)} rows read."
    ]
    if padded:
        notes.append("White space around the cells is taken away.")
    if len(filled) < len(rows):
        notes.append(f"{len(rows) - len(filled)} row(s) with nothing in them are left out.")
    return Pairs(name, pairs, notes)


def check_columns(x: Any, y: Any) -> None:
    for column in (x, y):
        if not isinstance(column, str):
            raise ValueError(
                f"{shortened(column)} is no column, of which one holds the texts and one the "
                "answers; give the name of one, and join several into one column beforehand."
            )
    if x == y:
        raise ValueError(f"The texts and their answers are both in column {x!r}; name two columns.")


def checked_path(path: Any) -> Path:
    """A file that is there and can be read to its end, which a folder or a device cannot."""
    if not isinstance(path, str | os.PathLike):
        remedy = "give the name of a CSV file"
        if hasattr(path, "to_csv"):
            remedy = "write it with to_csv(…, index=False) and name the file"
        raise ValueError(f"The path is of type {type(path).__name__}; {remedy}.")
    shown = shortened(str(path), 200)
    try:
        file = Path(path).expanduser()
        mode = file.stat().st_mode
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(
            f"{shown} cannot be read as CSV ({reason}); name a file in UTF-8 that is there."
        ) from error
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device"
        raise ValueError(f"{shown} is {kind}, not a file; give the name of a CSV file.")
    return file


def unpacked(file: Path) -> bytes:
    """What is in a file; its first bytes say whether it is packed."""
    with file.open("rb") as opened:
        start = opened.read(8)
    way = next((way for mark, way in PACKED.items() if start.startswith(mark)), open)
    try:
        with way(file, "rb") as opened:
            content = opened.read(LARGEST + 1)
    except DAMAGED as error:
        if way is open:
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise Unreadable(f"it is packed and damaged ({reason}); pack it again") from error
    if len(content) > LARGEST:
        raise Unreadable(f"it has more than {LARGEST // 1_000_000} MB; take a part of it")
    return content


@contextmanager
def open_zipped(file: Path, mode: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(file) as archive, archive.open(only_member(archive)) as member:
        yield member


PACKED: Mapping[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
    b"PK": open_zipped,
}


def only_member(archive: zipfile.ZipFile) -> str:
    """The one file of a zip; what a Mac puts beside it (__MACOSX, .DS_Store) does not count."""
    names = [
        name
        for name in archive.namelist()
        if not name.endswith("/")
        and not name.startswith("__MACOSX/")
        and not Path(name).name.startswith(".")
    ]
    if {"[Content_Types].xml", "content.xml"} & set(names):
        raise Unreadable("it is a workbook of Excel or another program, which exports CSV")
    if len(names) != 1:
        raise Unreadable(f"the zip holds {len(names)} files, not one: {shortened(names)}")
    return names[0]


def decoded(content: bytes) -> tuple[str, str]:
    """The text and its encoding: UTF-8, unless a mark at its beginning says something else."""
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), "UTF-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Unreadable(
            f"line {line} is not {encoding.removesuffix('-sig')}, byte "
            f"0x{content[error.start]:02X} has no meaning there; Excel calls the right way to "
            "save it 'CSV UTF-8'"
        ) from error
    if (nul := text.find("\0")) >= 0:
        line = text[:nul].count("\n") + 1
        raise Unreadable(f"line {line} holds a NUL, which is in no text")
    return text, encoding


def read_header(lines: Sequence[str], columns: Sequence[str]) -> tuple[int, str, list[str]]:
    """Which line the header is in, from 0; the sign between the cells; and the columns' names.

    It is the sign by which the header has the columns, or else the one with the most cells.
    """
    first = next(index for index, line in enumerate(lines) if line.strip())
    hint = re.fullmatch(r'"?sep=(.)"?', lines[first].strip("\r\n"))  # Excel's own
    first += bool(hint)
    found: dict[str, list[str]] = {}
    for sign in [hint[1]] if hint else SIGNS:
        try:
            header = next(csv.reader(islice(lines, first, None), **dialect(sign)), [])
        except (csv.Error, ValueError, TypeError):  # another dialect's quote, or no sign at all
            continue
        found[sign] = [bare(cell) for cell in header]
        while found[sign] and not found[sign][-1]:
            found[sign].pop()
        if set(columns) <= set(found[sign]):
            return first, sign, found[sign]
    if not found:
        raise Unreadable(f"the quotes of its header in line {first + 1} do not match")
    sign = max(found, key=lambda sign: len(found[sign]))
    return first, sign, found[sign]


def dialect(sign: str) -> dict[str, Any]:
    # Strict: what stands behind a closing quote is a mistake, not more of the cell.
    return {"delimiter": sign, "strict": True, "skipinitialspace": True}


def read_rows(
    lines: Sequence[str], first: int, sign: str, width: int
) -> Iterator[tuple[list[str], int]]:
    """The cells of every row below the header, and the line it begins in, from 1."""
    reader = csv.reader(islice(lines, first, None), **dialect(sign))
    next(reader)
    line = first + reader.line_num + 1
    try:
        for cells in reader:
            # Programs write empty cells behind the last one, and lines without any.
            while len(cells) > width and not bare(cells[-1]):
                cells.pop()
            if not any(map(bare, cells)):
                cells = [""] * width
            if len(cells) != width:
                raise Unreadable(
                    f"line {line} has {len(cells)} cells and the header {width}; a cell with "
                    f"{SIGNS.get(sign, sign)} in it stands between quotes"
                )
            yield [cell.replace("\r\n", "\n").replace("\r", "\n") for cell in cells], line
            line = first + reader.line_num + 1
    except csv.Error as error:
        reason = next((ours for theirs, ours in MISTAKES.items() if theirs in str(error)), error)
        raise Unreadable(f"line {line}: {reason}") from error


def check_no_cell_holds_rows(
    name: str, rows: Sequence[tuple[list[str], int]], sign: str, key: int
) -> None:
    """A cell of several lines, of which one is a row with a key that other rows have as well."""
    known = {bare(cells[key]) for cells, _ in rows if "\n" not in "".join(cells)} - {""}
    for cells, line in rows:
        for column, cell in enumerate(cells):
            if "\n" not in cell:
                continue
            inner = [one.split(sign) for one in cell.split("\n")]
            inner[0] = [""] * column + inner[0]  # where the first of them begins
            inner[-1] += [""] * (len(cells) - column - 1)
            for parts in inner:
                if len(parts) == len(cells) and (found := bare(parts[key], '"')) in known:
                    raise ValueError(
                        f"{name} has a cell that begins in line {line} and holds whole rows, the "
                        f"one with {shortened(found)} for example; close its quote."
                    )


def place_of(column: str, header: Sequence[str], name: str) -> int:
    if (times := header.count(column)) != 1:
        there = shortened(", ".join(header), 300)
        raise ValueError(
            f"{name} has no column {column!r}; its columns are {there}."
            if not times
            else f"{name} has {times} columns {column!r}; give all but one another name."
        )
    return header.index(column)


def check_filled(name: str, pairs: Sequence[Pair], columns: Sequence[str]) -> None:
    for column, cells in zip(columns, ("x", "y"), strict=True):
        empty = [row for row, pair in enumerate(pairs) if not getattr(pair, cells)]
        if empty:
            raise ValueError(
                f"{name} has {len(empty)} empty cell(s) in column {column!r}, the first in data "
                f"row {empty[0] + 1} ({pairs[empty[0]].place}); fill or remove them."
            )


def bare(cell: str, more: str = "") -> str:
    """A cell without the white space around it, and without `more`."""
    return cell.strip(WHITE + more)
