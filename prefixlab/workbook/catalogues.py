"""The catalogues that translators fill, brought up to date: `make translations`.

Every block of a lesson's text becomes an entry. One that the lesson no longer has is kept at the
end of its catalogue, marked as obsolete; one that was changed gets its nearest old translation,
marked as a guess ("fuzzy"), which no reader sees before somebody has looked at it.
"""

from pathlib import Path

import nbformat
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

import prefixlab
from prefixlab.files import written_whole
from prefixlab.workbook.translation import LOCALE, blocks

LESSONS = LOCALE.parents[1] / "notebooks"


def template(lesson: Path) -> Catalog:
    """An entry for each block of a lesson, none translated."""
    book = nbformat.read(lesson, as_version=4)
    wanted = Catalog(
        header_comment=f"# The text of {lesson.name}: docs/translating.md says how it is kept.",
        project="prefixlab",
        version=prefixlab.__version__,
        last_translator="",
        language_team="",
        msgid_bugs_address="",
        fuzzy=False,
    )
    for cell in book.cells:
        if cell.cell_type == "markdown":
            for block in blocks(cell.source):
                wanted.add(block.text)
    return wanted


def bring_up_to_date(place: Path, wanted: Catalog) -> str:
    """Write the catalogue with the entries that are wanted; how many are translated, in words."""
    if place.exists():
        with place.open("rb") as file:
            catalogue = read_po(file)
        catalogue.update(wanted, update_creation_date=False)
    else:
        catalogue = wanted
    catalogue.locale = place.parent.name
    with written_whole(place) as fresh, fresh.open("wb") as file:
        write_po(file, catalogue, width=None, no_location=True, include_previous=True)
    entries = [entry for entry in catalogue if entry.id]
    done = sum(bool(entry.string) and not entry.fuzzy for entry in entries)
    return f"{place.parent.name} {place.stem}: {done} of {len(entries)} translated"


def main() -> None:
    for folder in sorted(path for path in LOCALE.iterdir() if path.is_dir()):
        for place in sorted(folder.glob("*.po")):
            print(bring_up_to_date(place, template(LESSONS / f"{place.stem}.ipynb")))


if __name__ == "__main__":
    main()
