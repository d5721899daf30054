"""Data: whatever is in a file or a data set, the rows come out right or a sentence says why not."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings, strategies as st

from prefixlab.data.classes import labelled, plain
from prefixlab.data.reading import Pair, Pairs, bare, read_csv
from prefixlab.data.tables import split_tables, tables_of

SIGNS = st.sampled_from(",;\t|")
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"])
# What has a meaning in a CSV file often, and anything that is a character at all.
SPECIAL = st.sampled_from([",", ";", "\t", "|", '"', "\n", "\r", " ", "\u2028", "\x85", "\ufeff"])
LETTERS = st.one_of(
    SPECIAL,
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    st.sampled_from("abé好ر👍"),
)
TEXTS = st.text(LETTERS, max_size=12)
CELLS = TEXTS.filter(bare)
LABELS = st.sampled_from(["good", "bad", "None", "NA", "0", "1", "very good", "很好", "👍", "a;b"])


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("data") / "mine.csv"


def tried(make, *arguments, **named):
    """What is made, and else the sentence that says why not."""
    try:
        return make(*arguments, **named), ""
    except ValueError as error:
        refusal = str(error)
    assert re.fullmatch(r".+\.", refusal)  # without a flag, "." is no line break
    return None, refusal


def written(cell, sign, always):
    if always or set(cell) & {sign, '"', "\n", "\r"}:
        return '"' + cell.replace('"', '""') + '"'
    return cell


def content(rows, sign, end, always, blanks):
    """The rows as a file, with an empty line before those of `blanks`."""
    lines = [sign.join(written(cell, sign, always) for cell in row) for row in rows]
    return "".join(end * (row in blanks) + line + end for row, line in enumerate(lines))


@settings(max_examples=250, deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, LABELS, TEXTS), min_size=1, max_size=8),
    sign=SIGNS,
    end=ENDS,
    encoding=ENCODINGS,
    always=st.booleans(),
    blanks=st.sets(st.integers(0, 8)),
)
def test_a_file_gives_back_the_rows_it_was_written_of(
    file, rows, sign, end, encoding, always, blanks
):
    header = ("review", "taste", "a;b,c\t|")
    file.write_bytes(content([header, *rows], sign, end, always, blanks).encode(encoding))
    expected = [(bare(x.replace("\r\n", "\n").replace("\r", "\n")), bare(y)) for x, y, _ in rows]
    found, refusal = tried(read_csv, file, "review", "taste", key="taste")
    if refusal:
        assert "holds whole rows" in refusal
        assert any("\n" in x or "\r" in x for row in rows for x in row)
    else:
        assert [(pair.x, pair.y) for pair in found.rows] == expected
        assert found.rows[0].place == f"line {2 + (0 in blanks) + (1 in blanks)}"


@settings(max_examples=250, deadline=None)
@given(
    start=st.sampled_from(["", "review,taste\n", "review;taste\r\n", "sep=;\n", "\ufeffreview"]),
    body=st.text(st.one_of(SPECIAL, st.sampled_from('ab"\n,')), max_size=40),
    noise=st.just(b"") | st.binary(max_size=4),
    at=st.integers(0, 60),
    encoding=ENCODINGS,
)
def test_any_file_is_read_or_refused_in_a_sentence(file, start, body, noise, at, encoding):
    made = (start + body).encode(encoding)
    file.write_bytes(made[:at] + noise + made[at:])
    found, refusal = tried(read_csv, file, "review", "taste", key="taste")
    if not refusal:
        assert all(pair.x and pair.y for pair in found.rows)
        assert not any(re.search("[\r\0]", pair.x + pair.y) for pair in found.rows)


def rows_of(fewest):
    row = st.tuples(st.integers(0, 400), st.sampled_from("aAbc"))
    return st.lists(row, min_size=fewest, max_size=60)


def pairs(rows):
    # Some texts differ in white space alone.
    return Pairs(
        "mine",
        [Pair(f"film{' ' * (1 + n % 2)}{n // 2}", y, f"line {line}") for line, (n, y) in rows],
    )


@settings(max_examples=200, deadline=None)
@given(
    train=rows_of(0) | rows_of(15) | rows_of(30),
    test=st.none() | st.none() | rows_of(1),
    words=st.none() | st.fixed_dictionaries({y: st.sampled_from(["x", "y", "z"]) for y in "aAbc"}),
    seed=st.integers(0, 9),
)
def test_splits_share_no_text_and_every_class_is_trained_and_tested_on(train, test, words, seed):
    official = {"train": train} | ({} if test is None else {"test": test})
    given_rows = {name: pairs(enumerate(rows, 2)) for name, rows in official.items()}
    made, refusal = tried(labelled, "mine", given_rows, "taste", words, {}, seed)
    if refusal:
        return
    of_split = {name: {plain(x) for x, _ in rows} for name, rows in made.splits.items()}
    assert not of_split["train"] & (of_split["test"] | of_split["validation"])
    answers = {
        (plain(pair.x), words[pair.y] if words else pair.y.lower())
        for of in given_rows.values()
        for pair in of.rows
    }
    for rows in made.splits.values():
        assert rows
        for x, label in rows:
            word = made.words[label]
            assert (plain(x), word if words else word.lower()) in answers
    if test is None:
        for name in ("train", "test"):
            assert {label for _, label in made.splits[name]} == set(range(len(made.words)))
        assert not of_split["test"] & of_split["validation"]
        assert (
            max(Counter(plain(x) for rows in made.splits.values() for x, _ in rows).values()) == 1
        )
    else:
        assert [x for x, _ in made.splits["test"]] == [pair.x for pair in given_rows["test"].rows]


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9)), min_size=8, max_size=40),
    test=st.integers(1, 4),
    validation=st.integers(1, 4),
    seed=st.integers(0, 9),
)
def test_a_table_is_in_one_split_with_all_its_texts(rows, test, validation, seed):
    there = [(f"name[A],{' ' * (1 + n)}area[{table}]", f"text {n}") for table, n in rows]
    sizes = {"train": 1, "validation": validation, "test": test}
    splits, refusal = tried(split_tables, "mine", tables_of(there), sizes, seed)
    if refusal:
        assert len({table for table, _ in rows}) <= test + validation
        return
    assert [len(splits["test"]), len(splits["validation"])] == [test, validation]
    assert sorted((plain(x), y) for of in splits.values() for x in of for y in of[x]) == sorted(
        (plain(x), y) for x, y in there
    )
    assert len({plain(x) for of in splits.values() for x in of}) == sum(map(len, splits.values()))
