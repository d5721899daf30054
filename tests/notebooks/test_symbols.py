"""The page of symbols and words names lessons that have them."""

import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def prose_of(lesson: Path) -> str:
    cells = nbformat.read(lesson, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def rows() -> list[tuple[str, str]]:
    """(what is explained, number of a lesson) of every row that names one."""
    found = []
    for line in prose_of(NOTEBOOKS / "symbols.ipynb").splitlines():
        if re.search(r"\| \d\d \|$", line):
            first, *_, last = (part.strip() for part in line.strip("|").split("|"))
            found += [(name, last) for name in first.split(", ")]
    return found


@pytest.mark.parametrize(("name", "number"), rows())
def test_a_lesson_has_what_is_said_to_come_there(name: str, number: str) -> None:
    (lesson,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
    prose = prose_of(lesson)
    if name.startswith("$"):
        assert re.search(rf"\$[^$]*{re.escape(name.strip('$'))}[^$]*\$", prose)
    else:
        assert re.search(rf"\b{name}", prose, re.IGNORECASE)


def test_every_row_was_read() -> None:
    assert len(rows()) > 50
