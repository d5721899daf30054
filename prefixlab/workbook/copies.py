"""The learner's own copy of the lessons: `python -m prefixlab.workbook.copies`.

The lessons are stored with their outputs, for code hosts and for the tests. A learner gets them in
`mine/` without outputs, so that no result stands before its question. `mine/` lies beside
`notebooks/`: what a lesson names by its place, another lesson or a file of data, is as near.

With `PREFIXLAB_LANGUAGE=zh_CN` their text is Chinese (translation.py), and they lie in
`mine_zh_CN/`, so that nobody's own work changes its language.

A copy that the learner has changed is never written to. `.copied.json` says as which version each
copy was made: the fingerprint of its bytes.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path

import nbformat

from prefixlab.files import written_whole
from prefixlab.workbook import language
from prefixlab.workbook.translation import catalogue_of, translate

ROOT = Path(__file__).parents[2]
LESSONS = ROOT / "notebooks"
MINE = ROOT / "mine"


def without_outputs(lesson: Path) -> bytes:
    """A lesson as it is before anybody has run it, in the language chosen."""
    book = nbformat.read(lesson, as_version=4)
    if chosen := language.chosen():
        translate(book, catalogue_of(lesson.stem, chosen))
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return f"{nbformat.writes(book)}\n".encode()


def bring_up_to_date(lessons: Path, mine: Path) -> list[str]:
    """Copy what is not there yet, and what is new since; what there is to say, a line each.

    A lesson that was changed since replaces a copy that is as it came. Where the learner has
    changed the copy, the new lesson is written beside it, once.

    Raises
    ------
    FileNotFoundError
        There are no lessons in the folder.
    ValueError
        They are not translated to the language chosen.
    """
    found = sorted(lessons.glob("[0-9][0-9]_*.ipynb"))
    found += lessons.glob("symbols.ipynb")  # which they point to
    if not found:
        raise FileNotFoundError(
            f"There are no lessons in {lessons}; run this in the folder of the workbook, where it "
            "was cloned from git."
        )
    record = mine / ".copied.json"
    copied = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    said, new = [], 0
    for lesson in found:
        fresh, copy = without_outputs(lesson), mine / lesson.name
        version = fingerprint(fresh)
        if not copy.exists():
            write(copy, fresh)
            new += 1
        elif version not in (copied.get(lesson.name), fingerprint(copy.read_bytes())):
            said.append(renew(copy, fresh, copied.get(lesson.name)))
        copied[lesson.name] = version
    with written_whole(record) as place:
        place.write_text(json.dumps(copied, indent=1) + "\n", encoding="utf-8")
    lessons_copied = f"{new} lesson{'s' * (new > 1)} copied to {mine.name}/: yours to change."
    return [lessons_copied, *said] if new else said


def renew(copy: Path, fresh: bytes, came_as: str | None) -> str:
    """Put the new lesson in the place of a copy that is as it came, or else beside it."""
    if fingerprint(copy.read_bytes()) == came_as:
        write(copy, fresh)
        return f"{copy.name} is new since; your copy was as it came, and is the new one now."
    beside = copy.with_name(f"{copy.stem}.new-{fingerprint(fresh)[:6]}.ipynb")
    if not beside.exists():
        write(beside, fresh)
    return f"{copy.name} is new since; yours is kept, and the new one is {beside.name}."


def write(place: Path, content: bytes) -> None:
    with written_whole(place) as fresh:
        fresh.write_bytes(content)


def fingerprint(content: bytes) -> str:
    return sha256(content).hexdigest()


def mine() -> Path:
    """The folder of the learner's own copy: one for each language."""
    return MINE.with_name(f"{MINE.name}_{language.chosen()}") if language.chosen() else MINE


def main() -> None:
    try:
        for line in bring_up_to_date(LESSONS, mine()):
            print(line)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
