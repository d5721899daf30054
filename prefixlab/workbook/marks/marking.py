"""Marking: a notebook's answers, weighed by the checks of its lesson."""

import importlib
import os
import re
import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import nbformat

from prefixlab.workbook import checks
from prefixlab.workbook.checks import Exercise
from prefixlab.workbook.checks.shown import in_one_line
from prefixlab.workbook.marks.answers import Answer, Broken, answers_of
from prefixlab.workbook.marks.apart import Apart, Stopped

RESULTS = {
    "right": "passed",
    "mistake": "not yet",
    "wrong": "not yet",
    "open": "not tried",
    "error": "error",
}
IMPORT = re.compile(rf"^from {checks.__name__} import lesson_(\d\d) as check\b", re.MULTILINE)
NUMBER = re.compile(r"\d\d(?=_)")  # of a lesson, in front of its name


@dataclass(frozen=True)
class Mark:
    """A row: `learner` is the first folder on the way, and empty where there is none."""

    learner: str
    notebook: str
    lesson: str
    check: str
    result: str
    said: str


def marks_of(folder: Path, notebook: Path, apart: Apart) -> list[Mark]:
    """A mark for each check of the notebook's lesson; none if it is of no lesson."""
    place = notebook.relative_to(folder)
    learner = place.parts[0] if len(place.parts) > 1 else ""
    named = NUMBER.match(place.name)
    lesson = named[0] if named else ""

    def mark(check: str, result: str, said: str) -> Mark:
        return Mark(learner, place.as_posix(), lesson, check, result, said)

    try:
        cells = code_of(notebook)
    except Exception as error:  # whatever a damaged file makes of nbformat
        return [mark("", "error", f"The notebook cannot be read ({in_short(error)}).")]
    if imported := IMPORT.search("\n".join(cells)):
        lesson = imported[1]
    if find_spec(module_of(lesson)) is None:
        return []
    given: dict[str, list[Answer | Broken]] = {}
    for answer in answers_of(cells):
        given.setdefault(answer.check, []).append(answer)
    exercises = exercises_of(lesson)
    asked = [name for name in given if name in exercises]
    left_out = [name for name in exercises if name not in given]
    return [
        *(mark(name, *best(given[name], lesson, notebook.parent, apart)) for name in asked),
        *(mark(name, "not tried", "No cell asks this check.") for name in left_out),
    ]


def code_of(notebook: Path) -> list[str]:
    """The sources of the code cells; an error of any kind if the file is no notebook."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cells without an id
        book = nbformat.read(notebook, as_version=4)
    return ["".join(cell.source) for cell in book.cells if cell.cell_type == "code"]


def module_of(lesson: str) -> str:
    return f"{checks.__name__}.lesson_{lesson}"


def exercises_of(lesson: str) -> dict[str, Exercise]:
    declared = vars(importlib.import_module(module_of(lesson)))
    return {name: one for name, one in declared.items() if isinstance(one, Exercise)}


def best(
    answers: Iterable[Answer | Broken], lesson: str, folder: Path, apart: Apart
) -> tuple[str, str]:
    """(result, what is said): the first answer of these that passes, or else the last."""
    result, said = "", ""
    for answer in answers:
        if isinstance(answer, Broken):
            result, said = "error", answer.why
            continue
        try:
            kind, said = apart.call(weigh, answer, lesson, str(folder.resolve()))
            result = RESULTS[kind]
        except Stopped as error:
            result, said = "error", str(error)
        if result == "passed":
            break
    return result, said


def weigh(answer: Answer, lesson: str, folder: str) -> tuple[str, str]:
    """In a process of its own, in the notebook's folder: the kind of a verdict, and its words."""
    os.chdir(folder)
    sys.path.insert(0, "")
    try:
        value = answer.value()
    except Exception as error:  # any, of a learner's code
        return "error", in_short(error)
    verdict = exercises_of(lesson)[answer.check].verdict(value)
    return verdict.kind, verdict.message


def in_short(error: Exception) -> str:
    return f"{type(error).__name__}: {in_one_line(str(error))}".rstrip(": .")
