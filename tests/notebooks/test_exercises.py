"""Every folded solution is right, every stub is open, and every known mistake is told by name."""

import importlib
import re
import runpy
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest
from cells import run_cell

from prefixlab.workbook.checks import Exercise
from prefixlab.workbook.marks import marking
from prefixlab.workbook.marks.apart import Apart

HERE = Path(__file__).parent
LESSONS = sorted((HERE.parents[1] / "notebooks").glob("[0-9]*.ipynb"))
# check.name(answer), or answer = check.name.use(answer) where the lesson goes on with it
CALL = re.compile(r"^(?:\w+ = )?check\.(\w+)(?:\.use)?\((\w+)\)$", re.MULTILINE)
SOLUTION = re.compile(r"<summary>Solution</summary>\s*```python\n(.*?)```", re.DOTALL)


def exercises_of(lesson: Path) -> list[tuple[str, str, str, str]]:
    """(name, variable, stub, solution) of each exercise of a stored lesson."""
    found = []
    cells = nbformat.read(lesson, as_version=4).cells
    for stub, after in pairwise(cells):
        if stub.cell_type == "code" and (call := CALL.search(stub.source)):
            solution = SOLUTION.search(after.source)
            assert solution, f"{lesson.name}: no folded solution after check.{call[1]}"
            found.append((call[1], call[2], CALL.sub("", stub.source), solution[1]))
    return found


def checks_of(lesson: Path) -> Any:
    return importlib.import_module(f"prefixlab.workbook.checks.lesson_{lesson.name[:2]}")


def wrong_answers(lesson: Path) -> dict[str, list[tuple[str, str]]]:
    return runpy.run_path(str(HERE / "wrong_answers" / f"lesson_{lesson.name[:2]}.py"))["WRONG"]


def run(source: str, variable: str) -> Any:
    return run_cell(source)[variable]


def test_a_cell_that_goes_on_with_the_answer_is_an_exercise(tmp_path: Path) -> None:
    stub, solution = "def f(n):\n    ...\n", "def f(n):\n    return 2 * n\n"
    folded = f"<details><summary>Solution</summary>\n\n```python\n{solution}```\n</details>"
    for number, call in enumerate(("check.double(f)", "f = check.double.use(f)")):
        asking, after = (
            nbformat.v4.new_code_cell(stub + call),
            nbformat.v4.new_markdown_cell(folded),
        )
        path = tmp_path / f"{number}.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[asking, after]), path)
        assert exercises_of(path) == [("double", "f", stub, solution)]


CASES = [(lesson, *exercise) for lesson in LESSONS for exercise in exercises_of(lesson)]
each_exercise = pytest.mark.parametrize(
    ("lesson", "name", "variable", "stub", "solution"),
    CASES,
    ids=[f"{case[0].name[:2]}-{case[1]}" for case in CASES],
)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_a_lesson_has_three_exercises_and_uses_all_its_checks(lesson: Path) -> None:
    used = {name for name, *_ in exercises_of(lesson)}
    declared = {k for k, v in vars(checks_of(lesson)).items() if isinstance(v, Exercise)}
    assert len(used) >= 3
    assert used == declared == set(wrong_answers(lesson))


@each_exercise
def test_the_folded_solution_is_right(lesson, name, variable, stub, solution) -> None:
    verdict = getattr(checks_of(lesson), name).verdict(run(solution, variable))
    assert verdict.kind == "right", verdict.message


@each_exercise
def test_the_stub_is_open(lesson, name, variable, stub, solution) -> None:
    assert getattr(checks_of(lesson), name).verdict(run(stub, variable)).kind == "open"


@each_exercise
def test_wrong_answers_are_told_by_name(lesson, name, variable, stub, solution) -> None:
    exercise = getattr(checks_of(lesson), name)
    given = wrong_answers(lesson)[name]
    for source, mistake in given:
        verdict = exercise.verdict(run(source, variable))
        assert (verdict.kind, verdict.name) == ("mistake", mistake), f"{source}\n{verdict.message}"
    assert len({mistake for _, mistake in given}) >= 3


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_a_solved_lesson_has_passed_all_checks_and_another_none(lesson, tmp_path) -> None:
    asked = exercises_of(lesson)
    solved = nbformat.read(lesson, as_version=4)
    for stub, after in pairwise(solved.cells):
        if stub.cell_type == "code" and (call := CALL.search(stub.source)):
            stub.source = f"{SOLUTION.findall(after.source)[0]}\n{call[0]}"
    nbformat.write(solved, tmp_path / lesson.name)
    apart = Apart(60, 4, [marking.__name__, *(checks_of(one).__name__ for one in LESSONS)])
    for folder, result in ((tmp_path, "passed"), (lesson.parent, "not tried")):
        marks = marking.marks_of(folder, folder / lesson.name, apart)
        assert [(mark.check, mark.result) for mark in marks] == [(one[0], result) for one in asked]
