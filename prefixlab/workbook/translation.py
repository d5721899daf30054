"""A lesson in another language: `python -m prefixlab.workbook.translation zh_CN FOLDER`.

A catalogue in `docs/locale/` holds the text of a lesson block by block: a heading, a paragraph, an
item of a list, a table, a line of folded answers. A translated lesson is the English one with these
blocks exchanged; code, outputs and metadata are shared. A block that was changed since has no entry
and stays English until somebody translates it (docs/translating.md).
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import nbformat
from markdown_it import MarkdownIt
from nbformat import NotebookNode

from prefixlab.workbook.language import read

LOCALE = Path(__file__).parents[2] / "docs" / "locale"
MARKDOWN = MarkdownIt("commonmark").enable("table")
# What stands between words and is none: formulas, code, tags, the address of a link.
NO_WORDS = re.compile(r"\$\$.*?\$\$|\$.*?\$|`.*?`|<.*?>|\]\(.*?\)", re.DOTALL)


class Block(NamedTuple):
    """Text that is translated as one: where it stands in a cell, and what it says."""

    kind: str  # of markdown-it's token
    lines: range  # of the cell's source
    text: str  # without what the lines begin with: "### ", "- ", "> "


def blocks(source: str) -> Iterator[Block]:
    """The blocks of a cell of markdown, in their order; code, and what has no words, is none."""
    lines = source.split("\n")
    table_ends = 0
    for token in MARKDOWN.parse(source):
        if token.type not in ("inline", "table_open", "html_block"):
            continue
        assert token.map is not None  # these three have their lines
        first, last = token.map
        if first < table_ends:
            continue
        if token.type == "table_open":
            table_ends = last
        text = token.content.rstrip("\n") or "\n".join(lines[first:last])
        if re.search(r"[^\W\d_]{2}", NO_WORDS.sub("", text)):
            yield Block(token.type, range(first, first + text.count("\n") + 1), text)


def translated(source: str, catalogue: Mapping[str, str]) -> str:
    """A cell's markdown with the blocks that the catalogue has exchanged."""
    lines = source.split("\n")
    for block in blocks(source):
        if block.text in catalogue:
            said = catalogue[block.text].split("\n")
            for i, english, other in zip(block.lines, block.text.split("\n"), said, strict=True):
                lines[i] = lines[i].replace(english, other)
    return "\n".join(lines)


def translate(lesson: NotebookNode, catalogue: Mapping[str, str]) -> NotebookNode:
    """The lesson itself, its text exchanged in place."""
    for cell in lesson.cells:
        if cell.cell_type == "markdown":
            cell.source = translated(cell.source, catalogue)
    return lesson


def catalogue_of(name: str, language: str) -> dict[str, str]:
    """The catalogue of a lesson such as "00_start_here"; {} where nobody has begun it.

    Raises
    ------
    ValueError
        No lesson is translated to the language.
    """
    folder = LOCALE / language
    if not folder.is_dir():
        known = ", ".join(sorted(path.name for path in LOCALE.iterdir() if path.is_dir()))
        raise ValueError(
            f"The lessons are translated to {known}, not to {language!r}; "
            "for English leave the language out."
        )
    place = folder / f"{name}.po"
    return read(place) if place.exists() else {}


def main() -> None:
    language, folder = sys.argv[1:]
    for lesson in sorted((LOCALE.parents[1] / "notebooks").glob("*.ipynb")):
        book = translate(nbformat.read(lesson, as_version=4), catalogue_of(lesson.stem, language))
        Path(folder).mkdir(parents=True, exist_ok=True)
        nbformat.write(book, Path(folder) / lesson.name)


if __name__ == "__main__":
    main()
