"""Data of one's own: files, labels, answers, data sets of the Hub, tasks made by hand."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest import mock

import pandas as pd
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

import prefixlab as pl
from bad_inputs import ROWS, TABLES, Given, Mistakes
from prefixlab import Task
from prefixlab.data.examples import dataset

FILE = "review,taste\n" + ROWS
LABELS = {"bad": "awful", "good": "great"}


def of_path(path: Any) -> Callable[[Given], Task]:
    return lambda _: Task.from_csv(path, text="review", label="taste")


def of_file(content: str | bytes, **options: Any) -> Callable[[Given], Task]:
    return lambda at: at.csv(content, **options)


def of_zip(*names: str) -> Callable[[Given], Task]:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, FILE)
    return of_file(file.getvalue())


def hub(label: Any, values: list[Any], text: Any = "text", **options: Any) -> Callable[[Any], Task]:
    """A data set with a column of texts, two of tokens and numbers, and one of labels."""
    features = Features(
        {"text": Value("string"), "tokens": List(Value("string")), "n": Value("int64")}
        | {"label": label}
    )
    columns = {"text": [f"film {n}" for n in range(len(values))], "n": list(range(len(values)))}
    columns["tokens"] = [text.split() for text in columns["text"]]
    rows = Dataset.from_dict(columns | {"label": values}, features)
    return of_splits({"train": rows}, text=text, **options)


def of_splits(splits: dict[str, Dataset], **options: Any) -> Callable[[Any], Task]:
    def made(_: Given) -> Task:
        with mock.patch("prefixlab.data.hub.load_dataset", return_value=DatasetDict(splits)):
            return Task.from_hub("a/b", **{"text": "text", "label": "label"} | options)

    return made


def by_hand(rows: list[tuple[Any, Any]], **other: Any) -> Callable[[Given], Task]:
    return lambda at: replace(at.task, validation=dataset(rows), **other)


TWO = ClassLabel(names=["bad", "good"])
FILMS = Dataset.from_dict({"text": [f"film {n}" for n in range(18)], "label": [0, 1] * 9})

MISTAKES: Mistakes = {
    # Paths.
    "no path": (of_path(None), ["NoneType", "name of a CSV file"]),
    "a table for a path": (of_path(pd.DataFrame()), ["DataFrame", "to_csv"]),
    "a number for a path": (of_path(3), ["int", "name of a CSV file"]),
    "folder": (lambda at: of_path(at.folder)(at), ["is a folder", "name of a CSV file"]),
    "device": (of_path("/dev/zero"), ["'/dev/zero' is a device"]),
    "nothing in a path": (of_path("a\0b"), ["null", "name a file"]),
    "a line break in a path": (of_path("a\nb"), ["No such file"]),
    "a path that is too long": (of_path("a" * 5000), ["too long", "name a file"]),
    "a file for a folder": (
        lambda at: (at.folder / "a").write_text("a") and of_path(at.folder / "a/b.csv")(at),
        ["Not a directory"],
    ),
    "nobody's folder": (of_path("~nobody-of-this-name/a.csv"), ["home"]),
    # Packed files.
    "cut gz": (of_file(gzip.compress(FILE.encode())[:60]), ["damaged", "pack it again"]),
    "damaged gz": (of_file(b"\x1f\x8b" + b"\x08" * 50), ["damaged", "pack it again"]),
    "cut bz2": (of_file(bz2.compress(FILE.encode())[:40]), ["damaged", "pack it again"]),
    "damaged bz2": (of_file(b"BZh9" + b"\x08" * 50), ["damaged", "pack it again"]),
    "cut xz": (of_file(lzma.compress(FILE.encode())[:40]), ["damaged", "pack it again"]),
    "damaged xz": (of_file(b"\xfd7zXZ\0" + b"\x08" * 50), ["damaged", "pack it again"]),
    "damaged zip": (of_file(b"PK\x03\x04" + b"\x08" * 50), ["damaged", "pack it again"]),
    "zip of two files": (of_zip("a.csv", "b.csv", "__MACOSX/._a.csv"), ["2 files", "a.csv"]),
    "zip of nothing": (of_zip("folder/", ".DS_Store"), ["0 files"]),
    "workbook": (of_zip("[Content_Types].xml", "xl/workbook.xml"), ["workbook of Excel", "CSV"]),
    # Encodings.
    "latin-1": (of_file((FILE + "café,good\n").encode("latin-1")), ["line 22", "0xE9", "UTF-8"]),
    "half of UTF-16": (of_file(FILE.encode("utf-16")[:-1]), ["not UTF-16"]),
    "UTF-16 without its mark": (of_file(FILE.encode("utf-16-le")), ["line 1", "NUL"]),
    # Rows and cells.
    "white space alone": (of_file(" \n\t\n"), ["empty", "header line"]),
    "wide row": (of_file(FILE + "slow, but fine,bad\n"), ["line 22", "3 cells", "between quotes"]),
    "narrow row": (of_file(FILE + "slow\n"), ["line 22", "1 cells", "the header 2"]),
    "open quote": (of_file(FILE + 'slow,"bad\n' + ROWS), ["line 22", "none closes it"]),
    "quote in a quote": (of_file(FILE + '"a "b" c",bad\n'), ["line 22", "write it twice"]),
    "rows in a cell": (of_file(f'{FILE}"a,bad\nb,bad\nc",good\n{ROWS}'), ["line 22", "rows"]),
    "endless cell": (of_file(FILE + "a" * 140_000 + ",bad\n"), ["line 22", "131,072"]),
    "header in quotes that do not match": (of_file('"review"s,"taste\n'), ["header", "line 1"]),
    "cell of white space": (of_file(FILE + "film, \u00a0\n"), ["1 empty cell", "line 22"]),
    "two columns of a name": (of_file("taste," + FILE), ["2 columns 'taste'", "another name"]),
    "semicolons, another column": (
        of_file(FILE.replace(",", ";"), label="Taste"),
        ["'Taste'", "review, taste"],
    ),
    "two columns of texts": (of_file(FILE, text=["review", "taste"]), ["join several"]),
    "texts as labels": (of_file(FILE, label="review"), ["both in column 'review'"]),
    "labels of several lines": (of_file(FILE + 'a,"b\nc"\n'), ["line 22", "several lines"]),
    "a label a row": (
        of_file("review,taste\n" + "".join(f"a{n},{n}\n" for n in range(200))),
        ["200 labels in 200 rows", "'taste'"],
    ),
    "too many labels": (
        of_file("review,taste\n" + "".join(f"a{n},{n % 201}\n" for n in range(804))),
        ["201 labels", "at most 200"],
    ),
    "a label of one row": (of_file(FILE + "film,god\n"), ["'god'", "line 22", "join it"]),
    "one text": (of_file("review,taste\n" + "a,b\na,b\nc,d\n" * 9), ["1 different text", "'b'"]),
    "few texts": (
        of_file("review,taste\n" + "a,b\nc,b\nd,e\nf,e\n" * 9),
        ["4 different texts", "at least 10"],
    ),
    # Answers.
    "words in a list": (of_file(FILE, words=["a", "b"]), ["['a', 'b']", "mapping"]),
    "several words": (of_file(FILE, words={"good": ["a", "b"]}), ["['a', 'b']", "one str"]),
    "numbers for words": (of_file(FILE, words={"good": 1, "bad": 0}), ["1", "'good'", "one str"]),
    "empty word": (of_file(FILE, words=LABELS | {"good": " "}), ["empty", "'good'"]),
    "one word": (of_file(FILE, words={"good": "a", "bad": "a "}), ["one class", "'a'"]),
    "two words": (of_file(FILE, words=LABELS | {" good": "a"}), ["two answers", "good"]),
    "seed of a file": (of_file(FILE, seed="a"), ["seed='a'", "whole number"]),
    # The Hub.
    "scores": (hub(Value("float32"), [0.5] * 20), ["'label'", "float32", "one a row"]),
    "lists of labels": (hub(List(TWO), [[0], [0, 1]] * 9), ["'label'", "one a row"]),
    "structs of labels": (hub({"a": TWO}, [{"a": 1}] * 9), ["'label'", "one a row"]),
    "nothing told": (hub(TWO, [-1, None] * 9), ["train", "no row with a text and a label"]),
    "tokens for a text": (hub(TWO, [0, 1] * 9, text="tokens"), ["'tokens'", "text", "joined"]),
    "numbers for a text": (hub(TWO, [0, 1] * 9, text="n"), ["'n'", "no texts"]),
    "two texts": (hub(TWO, [0, 1] * 9, text=["text", "n"]), ["['text', 'n']", "join several"]),
    "no column of the hub": (hub(TWO, [0, 1] * 9, text="x"), ["'x'", "n, tokens, label"]),
    "more than the hub has": (hub(TWO, [0, 1] * 9, train=99), ["train=99", "from 1 to"]),
    "no rows of the hub": (hub(TWO, [0, 1] * 9, test=0), ["test=0", "at least 1"]),
    "nothing to train on": (
        of_splits({"test": FILMS, "unsupervised": FILMS}),
        ["test, unsupervised", "choose one", "split"],
    ),
    "trained on the test": (of_splits({"train": FILMS, "test": FILMS}), ["no row for train"]),
    "several splits": (lambda _: Task.from_hub("a", text="x", label="y", split=["a"]), ["split"]),
    "no name": (lambda _: Task.from_hub(None, text="x", label="y"), ["name", "NoneType"]),
    # Tables.
    "rows in a text": (
        lambda at: at.tables(f'{TABLES}name[A],"a\nname[N1],text\nb"\n'),
        ["line 14", "'name[N1]'"],
    ),
    "seed of tables": (lambda at: at.tables(seed=1.5), ["seed=1.5", "whole number"]),
    "half a table": (lambda at: at.tables(train=1.5), ["train=1.5", "whole number"]),
    # Tasks that ship, mixed or made by hand.
    "name of no text": (lambda _: pl.tasks.load(["tweets"]), ["['tweets']", "movie_reviews"]),
    "seed of a task": (lambda _: pl.tasks.load("tweets", seed=None), ["seed=None"]),
    "ratings of tables": (
        lambda _: pl.tasks.ratings("restaurants"),
        ["name='restaurants'", "movie_reviews, product_reviews"],
    ),
    "one example": (lambda _: pl.tasks.load("tweets", train=1), ["train=1", "at least 2"]),
    "no restaurants": (lambda _: pl.tasks.load("restaurants", test=True), ["test=True"]),
    "list of tasks": (lambda at: pl.mixture([at.task]), ["type list", "one by one"]),
    "mixture of two draws": (
        lambda at: pl.mixture(at.task, replace(at.task, name="others", template=at.task.template)),
        ["films trains on", "others", "same seed"],
    ),
    "list of examples": (lambda at: replace(at.task, test=[("a", 0)]), ["films, test", "list"]),
    "no examples": (by_hand([]), ["films, validation", "no example"]),
    "column of another name": (
        lambda at: replace(at.task, train=at.task.train.rename_column("x", "text")),
        ["films, train", "columns x and y"],
    ),
    "no text in an example": (by_hand([(None, 0), ("a", 1)]), ["films, validation", "texts"]),
    "tokens for texts": (by_hand([(["a", "film"], 0)]), ["column x", "list"]),
    "lists for labels": (by_hand([("a film", [0])]), ["column y", "list", "from 0"]),
    "numbers for texts": (by_hand([(1, 0)]), ["column x", "int64"]),
    "no label": (by_hand([("a", None), ("b", 1)]), ["1 answer(s) y are missing"]),
    "words for labels": (by_hand([("a", "good")]), ["column y", "string", "from 0"]),
    "label below": (by_hand([("a", -1)]), ["label -1", "0 to 1"]),
    "label beyond": (by_hand([("a", 2)]), ["label 2", "0 to 1"]),
    "template as text": (by_hand([("a", 1)], template="{x} {y}"), ["'{x} {y}'", "Template("]),
    "answers in a list": (
        by_hand([("a", 1)], verbalizer=["a", "b"]),
        ["['a', 'b']", "Verbalizer("],
    ),
    "no tokens": (lambda at: at.task.truncated(at.lm, tokens=0), ["tokens=0", "at least 1"]),
    "less than a sign": (
        lambda at: replace(at.task, test=dataset([("👍", 0)])).truncated(at.lm, tokens=1),
        ["'👍'", "more than 1 tokens"],
    ),
}
