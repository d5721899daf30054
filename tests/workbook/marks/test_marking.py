"""A mark is passed, not yet, not tried or error; whatever a learner wrote, marking goes on."""

import csv
import io
import json
from pathlib import Path

import nbformat
import pytest

from prefixlab.workbook.marks.__main__ import main, notebooks_in
from prefixlab.workbook.marks.apart import Apart
from prefixlab.workbook.marks.marking import Mark, marks_of

FIRST = "import torch\nfrom prefixlab.workbook.checks import lesson_03 as check\n\nlm = 1 / 0"
RIGHT = "def bytes_to_store(m, h):\n    return 4 * m * h\n\ncheck.bytes_to_store(bytes_to_store)"
WRONG = RIGHT.replace("4 * ", "32 * ")
ENDLESS = RIGHT.replace("return 4 * m * h", "while True: pass")
IN_FRONT = (
    "def put_in_front(prompt, embedded):\n"
    "    return torch.cat([prompt.expand(len(embedded), -1, -1), embedded], dim=1)\n\n"
    "put_in_front = check.put_in_front.use(put_in_front)"
)


def write(path: Path, *cells: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(book, path)
    return path


def marked(apart: Apart, folder: Path, *cells: str) -> dict[str, tuple[str, str]]:
    notebook = write(folder / "03_mine.ipynb", FIRST, *cells)
    return {mark.check: (mark.result, mark.said) for mark in marks_of(folder, notebook, apart)}


def test_every_check_of_a_lesson_has_a_mark(apart, tmp_path):
    stub = "def label_rows(embedding, answers):\n    ...\n\ncheck.label_rows(label_rows)"
    stops = "def nearest_token(e, v):\n    return 1 / 0\n\ncheck.nearest_token(nearest_token)"
    marks = marked(apart, tmp_path, IN_FRONT, WRONG, stub, stops)
    assert {name: result for name, (result, _) in marks.items()} == {
        "put_in_front": "passed",
        "bytes_to_store": "not yet",
        "label_rows": "not tried",
        "nearest_token": "error",
        "training_loop": "not tried",
    }
    assert marks["bytes_to_store"][1] == "✗ Not yet: that is bits: 32 of them are 4 bytes."
    assert "ZeroDivisionError: division by zero, in line 2" in marks["nearest_token"][1]
    assert marks["training_loop"][1] == "No cell asks this check."


def test_one_of_several_answers_may_pass(apart, tmp_path):
    assert marked(apart, tmp_path, RIGHT, WRONG)["bytes_to_store"][0] == "passed"
    assert marked(apart, tmp_path, WRONG, RIGHT)["bytes_to_store"][0] == "passed"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (RIGHT.replace("(m, h)", "(m, h"), "SyntaxError: '(' was never closed, in line 1"),
        (f"bytes_to_store = lm\n{RIGHT.splitlines()[-1]}", "ZeroDivisionError: division by zero"),
        ("check.bytes_to_store(nowhere)", "NameError: name 'nowhere' is not defined"),
        (RIGHT.replace("return", "raise SystemExit #"), "its process ended without an answer"),
    ],
)
def test_what_goes_wrong_before_a_verdict_is_an_error(apart, tmp_path, cell, said):
    assert marked(apart, tmp_path, cell)["bytes_to_store"] == ("error", said)


def test_an_endless_loop_is_cut_and_marking_goes_on(tmp_path):
    marks = marked(Apart(2, 4), tmp_path, ENDLESS)
    assert marks["bytes_to_store"] == ("error", "it was stopped after 2 s: does every loop end?")
    assert len(marks) == 5


def test_an_answer_is_run_in_the_folder_of_its_notebook(apart, tmp_path):
    (tmp_path / "own_helpers.py").write_text("FOUR = 4")
    cell = "from own_helpers import FOUR\n" + RIGHT.replace("4", "FOUR")
    assert marked(apart, tmp_path, cell)["bytes_to_store"][0] == "passed"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"{}",
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}}).encode(),
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": [{"cell_type": "code"}]}).encode(),
        json.dumps(
            {"nbformat": 4, "nbformat_minor": 5, "cells": [{"cell_type": "code", "source": 5}]}
        ).encode(),
    ],
)
def test_a_damaged_notebook_is_a_row_with_the_reason(apart, tmp_path, content):
    (tmp_path / "anna").mkdir()
    notebook = tmp_path / "anna" / "03_mine.ipynb"
    notebook.write_bytes(content)
    (mark,) = marks_of(tmp_path, notebook, apart)
    assert mark == Mark("anna", "anna/03_mine.ipynb", "03", "", "error", mark.said)
    assert mark.said.startswith("The notebook cannot be read (")


def test_a_notebook_of_no_lesson_has_no_marks(apart, tmp_path):
    assert marks_of(tmp_path, write(tmp_path / "symbols.ipynb", "1 + 1"), apart) == []
    assert marks_of(tmp_path, write(tmp_path / "99_own.ipynb", "1 + 1"), apart) == []


def test_the_command_prints_a_table_in_order_and_what_it_sums_up_to(tmp_path, capsys):
    write(tmp_path / "Lovelace, Ada" / "03_mine.ipynb", FIRST, RIGHT)
    write(tmp_path / "bert" / "mine" / "renamed.ipynb", FIRST, WRONG)
    write(tmp_path / "bert" / ".ipynb_checkpoints" / "03_mine.ipynb", FIRST, RIGHT)
    main([str(tmp_path)])
    printed, told = capsys.readouterr()
    head, *rows = csv.reader(io.StringIO(printed))
    assert head == ["learner", "notebook", "lesson", "check", "result", "said"]
    assert [row[:5] for row in rows if row[3] == "bytes_to_store"] == [
        ["Lovelace, Ada", "Lovelace, Ada/03_mine.ipynb", "03", "bytes_to_store", "passed"],
        ["bert", "bert/mine/renamed.ipynb", "03", "bytes_to_store", "not yet"],
    ]
    assert len(rows) == 2 * 5
    assert "Lovelace, Ada/03_mine.ipynb: 1 of 5 passed, 4 not tried (" in told
    assert told.endswith("In all: 1 of 10 passed, 1 not yet, 8 not tried\n")


def test_a_folder_that_cannot_be_read_is_told(tmp_path, capsys):
    missing = tmp_path / "missing"
    with pytest.raises(SystemExit, match="There is no notebook in"):
        main([str(missing)])
    assert capsys.readouterr().err == f"{missing} cannot be read: No such file or directory.\n"
    assert notebooks_in(tmp_path) == ([], [])
