"""Reading: files as people have them give the rows they hold, or say which line is wrong."""

import bz2
import gzip
import io
import lzma
import zipfile

import pytest

from prefixlab.data import reading
from prefixlab.data.reading import read_csv

ROWS = [
    ("slow, but fine", "bad"),
    ('he said "no"', "good"),
    ("很好; 真的", "好"),
    ("رائع 👍", "NA"),
]
QUOTED = [tuple('"' + cell.replace('"', '""') + '"' for cell in row) for row in ROWS]


def content(sign=",", end="\n", rows=QUOTED):
    return end.join(sign.join(row) for row in [("review", "taste"), *rows]) + end


@pytest.fixture
def read(tmp_path):
    def of(content, name="mine.csv", x="review", y="taste"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_csv(path, x, y, key=y)

    return of


def cells(pairs):
    return [(pair.x, pair.y) for pair in pairs.rows]


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__MACOSX_", "__MACOSX/._").replace("_csv", ".csv"), text)
    return file.getvalue()


@pytest.mark.parametrize("sign", ",;\t|")
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_sign_between_cells_is_read_off_the_header(read, sign, end):
    pairs = read(content(sign, end))
    assert cells(pairs) == ROWS
    assert [pair.place for pair in pairs.rows] == ["line 2", "line 3", "line 4", "line 5"]
    assert pairs.notes == [
        f"5 lines of UTF-8, {reading.SIGNS[sign]} between the cells: 4 rows read."
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_says_how_the_file_is_encoded(read, encoding):
    assert cells(read(content("\t").encode(encoding))) == ROWS


@pytest.mark.parametrize("mark", ["\ufeff".encode("utf-16-le"), "\ufeff".encode("utf-16-be")])
def test_both_orders_of_bytes_are_read(read, mark):
    order = "le" if mark == b"\xff\xfe" else "be"
    assert cells(read(mark + content().encode(f"utf-16-{order}"))) == ROWS


@pytest.mark.parametrize("sep", ["sep=^", '"sep=^"'])
def test_a_hint_of_excel_is_no_row(read, sep):
    pairs = read(f"\n{sep}\r\n" + content("^"))
    assert cells(pairs) == ROWS
    assert pairs.rows[0].place == "line 4"


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("mine.csv.gz", gzip.compress(content().encode())),
        ("mine.csv.bz2", bz2.compress(content().encode())),
        ("mine.CSV.xz", lzma.compress(content().encode())),
        ("mine.zip", zipped(mine_csv=content())),
        ("mine.tsv", zipped(mine_csv=content(), __MACOSX_mine_csv="attributes")),
    ],
)
def test_a_packed_file_is_read_by_its_content(read, name, packed):
    pairs = read(packed, name)
    assert cells(pairs) == ROWS
    assert pairs.name == "mine"


def test_words_that_mean_nothing_elsewhere_are_words(read):
    words = ["None", "NA", "null", "nan", "NaN", "n/a", "#N/A", "<NA>", "-", "0", "False"]
    given = [(word, word) for word in words]
    assert cells(read(content(rows=given))) == given


def test_white_space_is_taken_away_and_told(read):
    pairs = read(" review ,\ttaste,,\n  fine \u00a0, good \u200b,,\n\n,,,\n   \ndull,bad\n")
    assert cells(pairs) == [("fine", "good"), ("dull", "bad")]
    assert pairs.rows[1].place == "line 6"
    assert pairs.notes[1:] == [
        "White space around the cells is taken away.",
        "3 row(s) with nothing in them are left out.",
    ]


def test_a_cell_may_have_several_lines(read):
    pairs = read('review,taste\r\n"slow, at first\r\n\r\nthen good, really",good\r\ndull,bad\r\n')
    assert cells(pairs) == [("slow, at first\n\nthen good, really", "good"), ("dull", "bad")]
    assert pairs.rows[1].place == "line 5"


@pytest.mark.parametrize(
    ("header", "swallowed"),
    [
        ("review,taste", '"one,bad\nsome film,good\nhe said so",bad'),
        ("review,taste", '"one,bad\nhe said so",bad'),
        ("taste,review", 'good,"one\nbad,he said so"'),
        ("id,review,taste", '1,"one,bad\n2,he said so",good'),
        ("review,id,taste", '"one,1,bad\nhe said so",2,good'),
    ],
)
def test_a_cell_that_holds_rows_is_refused(read, header, swallowed):
    columns = header.split(",")
    row = ",".join({"taste": "{0}", "review": "film {1}", "id": "{1}"}[one] for one in columns)
    others = "\n".join(row.format(label, n) for n, label in enumerate(["good", "bad"] * 3))
    with pytest.raises(ValueError, match=r"begins in line 8 and holds whole rows"):
        read(f"{header}\n{others}\n{swallowed}\n{others}\n")


def test_a_file_beyond_the_limit_is_not_read_to_its_end(read, monkeypatch):
    monkeypatch.setattr(reading, "LARGEST", 2_000_000)
    large = b"a" * 2_000_001
    for packed in (large, gzip.compress(large), zipped(mine_csv=large)):
        with pytest.raises(ValueError, match="more than 2 MB; take a part"):
            read(packed)


@pytest.mark.parametrize("step", ["open", "stat"])  # the file itself, and the folder it is in
def test_a_file_that_may_not_be_read_is_told(read, monkeypatch, tmp_path, step):
    read(content())

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(f"pathlib.Path.{step}", refuse)
    with pytest.raises(
        ValueError, match=r"mine\.csv.* cannot be read as CSV \(Permission denied\)"
    ):
        read_csv(tmp_path / "mine.csv", "review", "taste", key="taste")


def test_long_white_space_is_no_long_work(read):
    cell = "a" + " " * 100_000 + "b"
    assert cells(read(f"review,taste\n{cell},good\n")) == [(cell, "good")]


def test_a_quote_may_open_behind_a_space(read):
    assert cells(read('review, taste\n"slow, but fine", "good"\n')) == [("slow, but fine", "good")]
