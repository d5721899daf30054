"""Lessons in other languages: complete, exact, and one with the English in all but their words."""

import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import nbformat
import pytest

from prefixlab.workbook import catalogues, translation
from prefixlab.workbook.translation import LOCALE, MARKDOWN, NO_WORDS, blocks, in_words_of

COMPLETE = ("00", "01", "02", "03", "04", "05", "symbols")
LESSONS = sorted(catalogues.LESSONS.glob("*.ipynb"))
PLACES = [place for place in sorted(LOCALE.glob("*/*.po"))]
PAIRS = [(place.parent.name, place.stem, *pair) for place in PLACES for pair in translation.read(place).items()]
NAMES = ("05 P-tuning",)  # of a method: the same in every language
SCALE = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "万": 1e4, "亿": 1e8}
NUMBER = re.compile(rf"(\d[\d,]*(?:\.\d+)?)(?:[ -]?({'|'.join(SCALE)}))?")


def of_all(check):  # type: ignore[no-untyped-def]
    """A test of an English text and its translation, for all of them at once."""

    def test() -> None:
        wrong = [
            f"{language} {lesson}: {text[:60]!r}: {said}"
            for language, lesson, text, other in PAIRS
            if (said := check(text, other))
        ]
        assert not wrong, "\n".join(wrong)

    return test


def differs(found: Counter, other: Counter) -> str:
    return f"{dict(found - other)} is {dict(other - found)}" if found != other else ""


def formulas(text: str) -> Counter:
    return Counter(re.findall(r"\$.*?\$", text, re.DOTALL))


def code(text: str) -> Counter:
    return Counter(re.findall(r"`.*?`", text))


def links(text: str) -> Counter:
    return Counter(re.findall(r"\]\((.*?)\)", text))


def numbers(text: str) -> Counter:
    words = re.sub(r"([\d.]+) to ([\d.]+) (million)", r"\1 \3 to \2 \3", NO_WORDS.sub("", text))
    found = NUMBER.findall(words)
    return Counter(float(number.replace(",", "")) * SCALE.get(scale, 1) for number, scale in found)


def emphasis(text: str) -> Counter:
    """A star beside a Chinese stop may be none: only a parser knows."""
    (inline,) = MARKDOWN.parseInline(re.sub(r"\$.*?\$", "x", text))
    wanted = ("strong_open", "em_open", "link_open", "code_inline")
    return Counter(token.type for token in inline.children or () if token.type in wanted)


test_formulas_are_kept = of_all(lambda text, other: differs(formulas(text), formulas(other)))
test_code_is_kept = of_all(lambda text, other: differs(code(text), code(other)))
test_links_lead_to_the_same_places = of_all(lambda text, other: differs(links(text), links(other)))
test_numbers_are_the_same = of_all(lambda text, other: differs(numbers(text), numbers(other)))
test_emphasis_is_kept = of_all(lambda text, other: differs(emphasis(text), emphasis(other)))
test_no_translation_is_the_english_text = of_all(
    lambda text, other: text == other and text not in NAMES
)
