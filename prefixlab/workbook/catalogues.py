"""The catalogues that translators fill, brought up to date with the lessons: `make translations`.

Every block of a lesson's text becomes an entry. One that the lesson no longer has is kept at the
end of its catalogue, marked as obsolete; one that was changed gets the translation of what it is
nearest to, marked as a guess ("fuzzy"), which no reader sees before somebody has looked at it.
"""

from pathlib import Path

import nbformat
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from prefixlab.files import written_whole
from prefixlab.workbook.copies import LESSONS
from prefixlab.workbook.translation import LOCALE, blocks

HEADER = {
    "project": "prefixlab",
    "version": "",
    "last_translator": "",
    "language_team": "",
    "msgid_bugs_address": "",
    "fuzzy": False,
}


def texts(lesson: Path) -> Catalog:
    """An entry for each block of a lesson, none translated."""
    wanted = Catalog()
    for cell in nbformat.read(lesson, as_version=4).cells:
        if cell.cell_type == "markdown":
            for block in blocks(cell.source):
                wanted.add(block.text)
    return wanted


def bring_up_to_date(place: Path, wanted: Catalog) -> list[str]:
    """Write a catalogue with the entries that are wanted; those that are still to be translated."""
    with place.open("rb") as file:
        catalogue = read_po(file, locale=place.parent.name)
    catalogue.update(wanted, update_creation_date=False)
    catalogue.header_comment = f"# {place.stem}: docs/translating.md says how this file is kept."
    for name, value in HEADER.items():
        setattr(catalogue, name, value)
    with written_whole(place) as fresh, fresh.open("wb") as file:
        write_po(file, catalogue, width=0, no_location=True, include_previous=True)
    return [str(entry.id) for entry in catalogue if entry.id and (entry.fuzzy or not entry.string)]


def main() -> None:
    for folder in sorted(path for path in LOCALE.iterdir() if path.is_dir()):
        for lesson in sorted(LESSONS.glob("*.ipynb")):
            place, wanted = folder / f"{lesson.stem}.po", texts(lesson)
            if not place.exists():
                print(f"{folder.name} {lesson.stem}: not begun")
                continue
            left = bring_up_to_date(place, wanted)
            print(f"{folder.name} {lesson.stem}: {len(wanted) - len(left)} of {len(wanted)}")
            for text in left:
                print(f"    to translate: {text.splitlines()[0][:80]}")


if __name__ == "__main__":
    main()
