"""Rows and files, whatever is in them and wherever a writer is killed."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings, strategies as st

from prefixlab.data import assets
from prefixlab.data.assets import Asset, intact
from prefixlab.files import written_whole
from prefixlab.workbook import rows

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
ROW = st.dictionaries(st.text(), ANYTHING, max_size=4)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), max_size=20)


@settings(max_examples=100, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=4), st.data())
def test_a_file_of_rows_cut_anywhere_has_the_whole_ones_and_takes_more(
    written: list[rows.Row], data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        content = "".join(json.dumps(row) + "\n" for row in written).encode()
        cut = data.draw(st.integers(0, len(content)))
        path.write_bytes(content[:cut])
        ends = [0]
        for row in written:
            ends.append(ends[-1] + len(json.dumps(row)) + 1)
        # A row that lacks its line break alone is whole.
        whole = [row for row, end in zip(written, ends[1:], strict=True) if end - 1 <= cut]
        assert rows.read(path) == whole
        rows.append(path, {"more": 1})
        assert rows.read(path) == [*whole, {"more": 1}]


@settings(max_examples=150, deadline=None)
@given(NAMES.filter(lambda name: name not in ("", ".", "..")), st.binary(max_size=50))
def test_a_file_of_any_name_is_written_whole_and_alone(name: str, content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        with written_whole(path) as fresh:
            fresh.write_bytes(content)
        assert path.read_bytes() == content
        assert list(Path(folder).iterdir()) == [path]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_no_manifest_but_the_right_one_passes(content: bytes) -> None:
    asset = Asset("toy", "toy", "toy.whl", "", 0, ("words.txt",), lambda *_: pytest.fail("fetched"))
    with TemporaryDirectory() as folder:
        (Path(folder) / "words.txt").write_text("real words")
        (Path(folder) / assets.MANIFEST).write_bytes(content)
        assert not intact(asset, Path(folder))
        right = {"words.txt": assets.digest(Path(folder) / "words.txt")}
        (Path(folder) / assets.MANIFEST).write_text(json.dumps(right))
        assert intact(asset, Path(folder))
