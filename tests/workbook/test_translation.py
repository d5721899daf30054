"""Lessons in other languages: complete, exact, and one with the English in all but their words."""

import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from prefixlab.workbook import language, translation
from prefixlab.workbook.catalogues import LESSONS, bring_up_to_date, main, of_lesson, of_panels
from prefixlab.workbook.language import read
from prefixlab.workbook.translation import LOCALE, MARKDOWN, NO_WORDS, blocks, translated

COMPLETE = ("00", "01", "02", "03", "04", "05", "sy")
NAMES = ("05 P-tuning",)  # of a method: the same in every language
LANGUAGES = sorted(path.name for path in LOCALE.glob("*_*"))
PLACES = sorted(LOCALE.glob("*/*.po"))  # of lessons
OF_PANELS = sorted(language.LOCALE.glob("*.po"))
PAIRS = [(place, *pair) for place in (*PLACES, *OF_PANELS) for pair in read(place).items()]


def told(wanted: list[str], known: dict[str, str]) -> str:
    left = [text for text in wanted if text not in known]
    return f"{len(wanted) - len(left)} of {len(wanted)}; to translate: {left}" if left else ""


@pytest.mark.parametrize("of", LANGUAGES)
@pytest.mark.parametrize("number", COMPLETE)
def test_a_lesson_is_translated_to_its_last_block(number: str, of: str) -> None:
    (lesson,) = LESSONS.glob(f"{number}*.ipynb")
    assert not told([*of_lesson(lesson)], translation.catalogue_of(lesson.stem, of))


@pytest.mark.parametrize("of", LANGUAGES)
def test_panels_and_checks_of_these_lessons_are_translated(of: str) -> None:
    assert not told(said_by_panels(of), language.catalogue(of))


def said_by_panels(of: str) -> list[str]:
    begun = [LESSONS / f"{place.stem}.ipynb" for place in PLACES if place.parent.name == of]
    return [text for text in dict.fromkeys(of_panels(begun)) if text]


def would_be(place: Path, of: str, wanted: list[str], folder: Path) -> list[str]:
    """The entries of a catalogue after `make translations`."""
    again = Path(shutil.copy(place, folder))
    bring_up_to_date(again, of, wanted)
    return entries(again)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.parent.name}-{place.stem}")
def test_make_translations_would_change_no_lesson(place: Path, tmp_path: Path) -> None:
    wanted = [*of_lesson(LESSONS / f"{place.stem}.ipynb")]
    assert would_be(place, place.parent.name, wanted, tmp_path) == entries(place)


@pytest.mark.parametrize("place", OF_PANELS, ids=lambda place: place.stem)
def test_make_translations_would_change_no_panel(place: Path, tmp_path: Path) -> None:
    wanted = said_by_panels(place.stem)
    assert would_be(place, place.stem, wanted, tmp_path) == entries(place)


def entries(place: Path) -> list[str]:
    """All but the header, which names the version of the tool that wrote the file."""
    return place.read_text(encoding="utf-8").split("\n\n")[1:]


def holds(check: Callable[[str, str], object]) -> None:
    """The check of an English text and its translation finds nothing wrong in any of them."""
    wrong = [
        f"{place.stem}: {text[:60]!r}: {said}"
        for place, text, other in PAIRS
        if (said := check(text, other))
    ]
    assert PAIRS
    assert not wrong, "\n".join(wrong)


def unlike(found: Counter, other: Counter) -> str:
    return f"{dict(found - other)} became {dict(other - found)}" if found != other else ""


@pytest.mark.parametrize(
    "mark", [r"\$.*?\$", r"`.*?`", r"\]\((.*?)\)"], ids=["formulas", "code", "links"]
)
def test_what_is_no_word_is_kept(mark: str) -> None:
    def found(text: str) -> Counter:
        return Counter(re.findall(mark, text, re.DOTALL))

    holds(lambda text, other: unlike(found(text), found(other)))


SCALE = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "万": 1e4, "亿": 1e8}
NUMBER = re.compile(rf"(\d[\d,]*(?:\.\d+)?)(?:[ -]?({'|'.join(SCALE)}))?")


def numbers(text: str) -> Counter:
    """The numbers among words: 1.5 billion is 15 亿."""
    text = NO_WORDS.sub("", text)
    text = re.sub(r"([\d.]+) to ([\d.]+) (million)", r"\1 \3 to \2 \3", text)
    return Counter(
        round(float(number.replace(",", "")) * SCALE.get(scale, 1), 6)
        for number, scale in NUMBER.findall(text)
    )


def fields(text: str) -> Counter:
    """What is put into a text, with its form: {low:.3f}."""
    return Counter(re.findall(r"\{[^}]*\}", text))


@pytest.mark.parametrize("place", OF_PANELS, ids=lambda place: place.stem)
def test_what_is_put_into_a_text_is_kept(place: Path) -> None:
    for text, other in read(place).items():
        assert fields(text) == fields(other), text


def test_numbers_are_kept() -> None:
    assert numbers("0.08 to 2.2 million of 1,500, at 77%") == Counter([8e4, 2.2e6, 1500, 77])
    holds(lambda text, other: unlike(numbers(text), numbers(other)))


def emphasis(text: str) -> Counter:
    """A star beside a Chinese stop may open or close nothing: only a parser knows."""
    (inline,) = MARKDOWN.parseInline(re.sub(r"\$.*?\$", "x", text))
    wanted = ("strong_open", "em_open", "link_open", "code_inline")
    return Counter(token.type for token in inline.children or () if token.type in wanted)


def test_emphasis_is_kept() -> None:
    assert emphasis("**用时：**约一分钟") != emphasis("**Time:** a minute")
    holds(lambda text, other: unlike(emphasis(text), emphasis(other)))


def test_nothing_is_left_in_english() -> None:
    holds(lambda text, other: text == other and text not in NAMES)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.parent.name}-{place.stem}")
def test_a_translated_lesson_is_the_lesson_in_all_but_its_words(place: Path) -> None:
    english, other = (
        nbformat.read(LESSONS / f"{place.stem}.ipynb", as_version=4) for _ in range(2)
    )
    translation.translate(other, translation.catalogue_of(place.stem, place.parent.name))
    assert len(english.cells) == len(other.cells)
    for cell, its in zip(english.cells, other.cells, strict=True):
        if cell.cell_type == "markdown":
            assert shape(cell.source) == shape(its.source)
            cell.source = its.source = ""
    assert english == other


def shape(source: str) -> list[tuple[str, str]]:
    """How a text is built: its headings, paragraphs, lists, formulas and code, without words."""
    return [
        (token.type, token.markup or (token.content if token.type == "fence" else ""))
        for token in MARKDOWN.parse(source)
    ]


CELL = """### A heading

A paragraph with `code`, and
a second line.

- one thing
- another thing

> A question?

$$E = m c^2$$

<details><summary>Hint</summary>

Think.
</details>

```python
def thing(): ...  # A paragraph
```

| a table | of two |
|---|---|
| `x` | words |
"""


def test_a_cell_is_cut_into_what_is_translated_as_one() -> None:
    assert [block.text for block in blocks(CELL)] == [
        "A heading",
        "A paragraph with `code`, and\na second line.",
        "one thing",
        "another thing",
        "A question?",
        "<details><summary>Hint</summary>",
        "Think.",
        "| a table | of two |\n|---|---|\n| `x` | words |",
    ]


def test_only_what_the_catalogue_has_is_exchanged() -> None:
    catalogue = {"A heading": "标题", "A question?": "问题？", "another thing": "另一件事"}
    expected = CELL.replace("A heading", "标题").replace("A question?", "问题？")
    assert translated(CELL, catalogue) == expected.replace("another thing", "另一件事")
    assert translated(CELL, {"A paragraph with `code`, and\na second line.": "一\n二"}) == (
        CELL.replace("A paragraph with `code`, and\na second line.", "一\n二")
    )


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one lesson, and the empty file that begins its catalogue."""
    place = tmp_path / "locale" / "zh_CN" / "00_start.po"
    place.parent.mkdir(parents=True)
    place.touch()
    write(tmp_path / "00_start.ipynb", "A question that is long enough?\n\nA line.")
    (tmp_path / "zh_CN.po").touch()
    monkeypatch.setattr("prefixlab.workbook.catalogues.LOCALE", tmp_path / "locale")
    monkeypatch.setattr("prefixlab.workbook.language.LOCALE", tmp_path)
    monkeypatch.setattr("prefixlab.workbook.catalogues.of_panels", lambda lessons: ["Show"])
    monkeypatch.setattr("prefixlab.workbook.catalogues.LESSONS", tmp_path)
    monkeypatch.setattr("prefixlab.workbook.catalogues.ROOT", tmp_path)
    return place


def write(place: Path, text: str) -> None:
    cell = nbformat.v4.new_markdown_cell(text, id="a")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), place)


def test_a_changed_block_is_to_be_translated_again(
    begun: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    main()
    empty = begun.read_text(encoding="utf-8")
    assert capsys.readouterr().out.splitlines() == [
        "locale/zh_CN/00_start.po: 0 of 2",
        "    to translate: A question that is long enough?",
        "    to translate: A line.",
        "zh_CN.po: 0 of 1",
        "    to translate: Show",
        "not begun: none",
    ]
    for text, other in [("A question that is long enough?", "够长的问题？"), ("A line.", "一行。")]:
        empty = empty.replace(f'msgid "{text}"\nmsgstr ""', f'msgid "{text}"\nmsgstr "{other}"')
    begun.write_text(empty, encoding="utf-8")
    main()
    assert capsys.readouterr().out.startswith(
        "locale/zh_CN/00_start.po: 2 of 2\nzh_CN.po: 0 of 1\n"
    )

    write(tmp_path / "00_start.ipynb", "A question that is quite long enough?\n\nA line.")
    write(tmp_path / "01_next.ipynb", "More.")
    main()
    out = capsys.readouterr().out.splitlines()
    assert out[:2] == [
        "locale/zh_CN/00_start.po: 1 of 2",
        "    to translate: A question that is quite long enough?",
    ]
    assert out[-1] == "not begun: 01_next"
    assert read(begun) == {"A line.": "一行。"}  # and its old translation is there as a guess
    assert 'quite long enough?"\nmsgstr "够长的问题？"' in begun.read_text(encoding="utf-8")


def test_all_lessons_are_written_and_what_nobody_has_begun_is_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["translation", "zh_CN", str(tmp_path / "there")])
    translation.main()
    for lesson in LESSONS.glob("*.ipynb"):
        text = nbformat.read(tmp_path / "there" / lesson.name, as_version=4).cells[0].source
        same = text == nbformat.read(lesson, as_version=4).cells[0].source
        assert same == (not (LOCALE / "zh_CN" / f"{lesson.stem}.po").exists())


def test_a_language_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="translated to zh_CN, not to 'xx'; for English leave"):
        translation.catalogue_of("00_start_here", "xx")
