"""The catalogues that translators fill, brought up to date: `make translations`.

Every block of a lesson's text becomes an entry, and every text that panels and checks say. One
that is no longer there is kept at the end of its catalogue, marked as obsolete; one that was
changed gets the translation of what it is nearest to, marked as a guess ("fuzzy"), which no reader
sees before somebody has looked at it.
"""

import ast
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

import nbformat
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from prefixlab.evaluation.generation import Decoding
from prefixlab.files import written_whole
from prefixlab.methods import METHODS
from prefixlab.training.loop import Recipe
from prefixlab.workbook import language
from prefixlab.workbook.checks import Exercise
from prefixlab.workbook.copies import LESSONS, ROOT
from prefixlab.workbook.grids import TESTED
from prefixlab.workbook.panels.knobs import name_of
from prefixlab.workbook.panels.texts import DECODING
from prefixlab.workbook.translation import LOCALE, blocks

HERE = Path(__file__).parent
HEADER = {
    "project": "prefixlab",
    "version": "",
    "last_translator": "",
    "language_team": "",
    "msgid_bugs_address": "",
    "fuzzy": False,
}


def of_lesson(lesson: Path) -> Iterator[str]:
    """The blocks of a lesson's text."""
    for cell in nbformat.read(lesson, as_version=4).cells:
        if cell.cell_type == "markdown":
            yield from (block.text for block in blocks(cell.source))


def of_panels(lessons: Iterable[Path]) -> Iterator[str]:
    """What panels and checks say, of their own and because these lessons hand it to them."""
    for file in sorted(HERE.rglob("*.py")):
        yield from marked(file)
    for file in sorted(HERE.rglob("*.js")):
        for _, text, *_ in extract_from_file("javascript", file, {"gettext": None}):
            yield str(text)
    of_methods = [one for kind in METHODS.values() for one in kind.Knobs.declared()]
    steps = [one for one in Recipe.declared() if one.name == "steps"]
    decoding = [one for one in Decoding.declared() if one.name in DECODING]
    for declared in (*of_methods, *steps, *decoding):
        yield from (name_of(declared.name), declared.metadata["help"], declared.metadata["unit"])
    yield from TESTED
    for lesson in lessons:
        if lesson.stem[:2].isdigit():
            yield from of_exercises(lesson.stem[:2])
        for cell in nbformat.read(lesson, as_version=4).cells:
            if cell.cell_type == "code":
                yield from handed_over(cell.source)


def marked(file: Path) -> Iterator[str]:
    """The texts that a module gives to `gettext` or to `gettext_noop`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("gettext", "gettext_noop"):
            (text,) = node.args
            either = (text.body, text.orelse) if isinstance(text, ast.IfExp) else (text,)
            yield from constants(either)


def of_exercises(number: str) -> Iterator[str]:
    """Praise and hints of a lesson's exercises."""
    for found in vars(import_module(f"prefixlab.workbook.checks.lesson_{number}")).values():
        if isinstance(found, Exercise):
            yield from (found.praise, *(mistake.hint for mistake in found.mistakes))


def handed_over(source: str) -> Iterator[str]:
    """What a cell has a `Choice` ask, and what it calls the axes and the lines of a `Curve`."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called, named = ast.unparse(node.func), {one.arg: one.value for one in node.keywords}
        if called == "Choice":
            yield from constants([*node.args[:1], *inside(node.args[1], values=True)])
        elif called in ("Curve", "Curve.of"):
            axes = [named.get("xlabel", named.get("x")), named.get("ylabel", named.get("y"))]
            yield from (text.replace("_", " ") for text in constants([*axes, named.get("each")]))
            yield from constants([*inside(*node.args[:1]), *inside(named.get("references"))])


def inside(found: ast.AST | None, *, values: bool = False) -> list[ast.AST | None]:
    """The keys of a dictionary that is written out, and its values where these are wanted."""
    if not isinstance(found, ast.Dict):
        return []
    return [*found.keys, *(found.values if values else ())]


def constants(nodes: Iterable[ast.AST | None]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def bring_up_to_date(place: Path, locale: str, wanted: Iterable[str]) -> tuple[int, list[str]]:
    """Write a catalogue with the entries that are wanted.

    Returns
    -------
    How many there are, and those that are still to be translated.
    """
    fresh = Catalog()
    for text in wanted:
        if text:
            fresh.add(text)
    with place.open("rb") as file:
        catalogue = read_po(file, locale=locale)
    catalogue.update(fresh, update_creation_date=False)
    catalogue.header_comment = f"# {place.stem}: docs/translating.md says how this file is kept."
    for name, value in HEADER.items():
        setattr(catalogue, name, value)
    with written_whole(place) as new, new.open("wb") as file:
        write_po(file, catalogue, width=0, no_location=True, include_previous=True)
    left = [str(entry.id) for entry in catalogue if entry.id and (entry.fuzzy or not entry.string)]
    return len(catalogue), left


def main() -> None:
    for folder in sorted(path for path in LOCALE.iterdir() if path.is_dir()):
        lessons = sorted(LESSONS.glob("*.ipynb"))
        begun = [one for one in lessons if (folder / f"{one.stem}.po").exists()]
        places = {folder / f"{lesson.stem}.po": of_lesson(lesson) for lesson in begun}
        places |= {language.LOCALE / f"{folder.name}.po": of_panels(begun)}
        for place, wanted in places.items():
            count, left = bring_up_to_date(place, folder.name, wanted)
            print(f"{place.relative_to(ROOT)}: {count - len(left)} of {count}")
            for text in left:
                print(f"    to translate: {text.splitlines()[0][:80]}")
        print(f"not begun: {', '.join(one.stem for one in lessons if one not in begun) or 'none'}")


if __name__ == "__main__":
    main()
