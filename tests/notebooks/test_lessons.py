"""The lessons as they are stored: run, clean, and each of the same shape."""

import re
from pathlib import Path

import nbformat
import pytest
import store
from nbformat import NotebookNode

from prefixlab.workbook import claims

SKELETON = [
    "The question",
    "Predict",
    "A picture",
    "The equation",
    "From scratch",
    "The check",
    "Train it",
    "Turn the knobs",
    "Claimed and measured",
    "Exercises",
    "Summary",
    "Sources",
]
TRAIN_NOTHING = {"00", "01", "02"}  # lessons that only read the frozen model
MINUTES = re.compile(r"\d+ minutes?\b")
EXERCISE = re.compile(r"### Exercise \d+: .+ \(\d+ minutes?, [★☆]{3}\)")

LESSONS = store.lessons()


@pytest.fixture(params=LESSONS, ids=[path.stem for path in LESSONS])
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def lesson(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def prose(lesson: NotebookNode) -> str:
    """All markdown of a lesson as one text, without the code in it: there # is a comment."""
    text = "\n\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def headings(level: int, text: str) -> list[str]:
    return re.findall(rf"^#{{{level}}} +(.+?) *$", text, flags=re.MULTILINE)


def exercises(text: str) -> list[str]:
    """The text of each exercise, from its heading to the next heading of any kind."""
    sections = re.split(r"^(?=#{1,3} )", text, flags=re.MULTILINE)
    return [section for section in sections if section.startswith("### Exercise")]


def test_lessons_are_numbered_without_a_gap() -> None:
    assert LESSONS
    assert [int(path.name[:2]) for path in LESSONS] == list(range(len(LESSONS)))


def test_every_cell_was_run_and_shows_nothing_of_this_machine(lesson: NotebookNode) -> None:
    assert store.faults(lesson) == []


def test_lesson_is_stored_as_the_store_command_stores_it(path: Path, lesson: NotebookNode) -> None:
    store.clean(lesson)
    same = path.read_text(encoding="utf-8") == nbformat.writes(lesson) + "\n"
    assert same, f"make notebooks LESSONS={path.name[:2]}"


def test_a_figure_is_a_picture(lesson: NotebookNode) -> None:
    """Not the words <Figure …>, which nbval takes for the same."""
    shown = [output.get("data", {}) for cell in store.code_cells(lesson) for output in cell.outputs]
    figures = [data for data in shown if data.get("text/plain", "").startswith("<Figure")]
    assert figures
    assert all("image/png" in data for data in figures)


def test_a_figure_has_words_in_its_place(lesson: NotebookNode) -> None:
    """For who does not see it, on the web site: "mystnb": {"image": {"alt": "…"}}."""
    wordless = [
        cell.source
        for cell in store.code_cells(lesson)
        for output in cell.outputs
        if output.get("data", {}).get("text/plain", "").startswith("<Figure")
        and not cell.metadata.get("mystnb", {}).get("image", {}).get("alt")
    ]
    assert wordless == []


def test_a_panel_is_a_picture_where_no_kernel_runs(path: Path, lesson: NotebookNode) -> None:
    """A code host and nbconvert show the picture, for they have no widget to show."""
    shown = [output.get("data", {}) for cell in store.code_cells(lesson) for output in cell.outputs]
    panels = [data for data in shown if "Panel: needs" in data.get("text/plain", "")]
    assert panels or path.name[:2] > "05", "each of the first lessons has a panel"
    assert all(data["image/png"] for data in panels)


def test_what_was_measured_in_a_curve_is_compared_with_nothing(lesson: NotebookNode) -> None:
    """It says a number that another machine, or another precision, rounds to another digit."""
    untagged = [
        data["text/plain"]
        for cell in store.code_cells(lesson)
        if "nbval-ignore-output" not in cell.metadata.get("tags", [])
        for data in (output.get("data", {}) for output in cell.outputs)
        if data.get("text/plain", "").startswith(("Curve", "Microscope"))
    ]
    assert untagged == []


def test_a_question_hides_its_source_which_names_the_ideas(lesson: NotebookNode) -> None:
    asking = [cell for cell in store.code_cells(lesson) if "Choice(" in cell.source]
    assert all(cell.metadata.get("jupyter", {}).get("source_hidden") for cell in asking)


def test_first_words_say_how_long_the_lesson_takes(lesson: NotebookNode) -> None:
    assert lesson.cells[0].cell_type == "markdown"
    assert MINUTES.search(lesson.cells[0].source)


def test_the_first_lesson_and_the_readme_say_how_long_each_lesson_runs() -> None:
    """They have a table of all lessons; each lesson says at its head how long it runs."""
    first = LESSONS[0].read_text(encoding="utf-8")
    readme = (store.FOLDER.parent / "README.md").read_text(encoding="utf-8")
    for path in LESSONS:
        head = nbformat.read(path, as_version=4).cells[0].source
        (minutes,) = re.findall(r"\*\*Time:\*\* about (\d+) minutes? to run", head)
        told = re.findall(rf"\({path.name}\)\*\* \|[^|]*\| (\d+) minutes? \|", first)
        assert told == [minutes], f"{LESSONS[0].name}: {path.name}"
        told = re.findall(rf"\(notebooks/{path.name}\) \|.*\| (\d+) min \|", readme)
        assert told == [minutes], f"README.md: {path.name}"


def test_lesson_follows_the_skeleton(path: Path, lesson: NotebookNode) -> None:
    expected = list(SKELETON)
    if path.name[:2] in TRAIN_NOTHING:
        expected[expected.index("Train it")] = "Measure it"
    assert [title for title in headings(2, prose(lesson)) if title in expected] == expected


def test_lesson_has_three_exercises_with_folded_answers(lesson: NotebookNode) -> None:
    """What the answers are worth, `test_exercises.py` tries out."""
    found = exercises(prose(lesson))
    assert len(found) >= 3
    for exercise in found:
        title = exercise.splitlines()[0]
        assert EXERCISE.fullmatch(title), f"{title}: how many minutes, how many stars of three?"
        folded = re.findall(r"<details><summary>(.*?)</summary>", exercise)
        assert set(folded) >= {"Hint", "Solution"}, f"{title}: what is folded is {folded}"


CLAIMS_SHOWN = re.compile(r"^claims\.show\(\"(\w+)\"\)$", re.MULTILINE)


@pytest.mark.real  # the records are of real sentences
def test_a_stored_lesson_says_of_its_claims_what_the_records_say(lesson: NotebookNode) -> None:
    for cell in store.code_cells(lesson):
        if asked := CLAIMS_SHOWN.search(cell.source):
            (shown,) = cell.outputs
            assert shown.data["text/plain"] == repr(claims.show(asked[1]))
