"""Restaurants: tables of invented places to eat, and which of their values a text says.

A table gives a name and two to nine further slots. The tables, the texts that people might write
for them and the phrases that say each value were all made by one grammar, which
`python -m prefixlab.workbook.restaurant_texts` writes out again; see `data/restaurants/README.md`.
"""

import json
import re
from functools import cache

from prefixlab.paths import DATA

PATH = DATA / "restaurants" / "restaurants.csv"

Table = dict[str, str]
Heard = list[tuple[str, int, int]]  # (value, start, end), from left to right

# Every slot, in the order a table gives them, its values, and the phrases that say each.
PHRASES: dict[str, dict[str, list[str]]] = json.loads(
    PATH.with_name("phrases.json").read_text(encoding="utf-8")
)
SLOTS = {slot: tuple(values) for slot, values in PHRASES.items()}

# "not too expensive" does not say that a place is expensive, nor "far from cheap" that it is cheap.
# Only words that carry the "not" on may stand in between: "no terrace near" says what it is near.
NEGATION = re.compile(
    r"(?<!\w)(?:not(?! only| just| merely| far)|\w+n't|no|never|nor|neither|without|hardly|less"
    r"|nothing|anything but|rather than|instead of"
    r"|(?<!not )(?<!not too )(?<!not so )(?<!not very )far from)\s+"
    r"(?:(?:a|an|the|any|its|at|all|too|very|so|that|really|particularly|especially|exactly|quite"
    r"|always|even|be|been|being|have|having|offer|serve|seem|considered|meant|intended|set|apart"
    r"|good|ideal|suitable|suited|open|place|spot|room|welcome|cater|catering)\s+)*$"
)
PLAIN = str.maketrans({"’": "'", "‑": "-", "–": "-"})  # as many characters as before


def mentions(slot: str, value: str) -> tuple[str, ...]:
    """The phrases, in lower case, any of which says the value."""
    return tuple(PHRASES[slot][value])


@cache
def listener(slot: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """What finds a phrase of the slot, and the value that each phrase says.

    Whether words are joined by a space or a hyphen makes no difference.
    """
    value_of = {
        phrase.replace("-", " "): value for value in SLOTS[slot] for phrase in mentions(slot, value)
    }
    longest_first = sorted(value_of, key=len, reverse=True)
    phrases = "|".join(r"(?:\s+|-)".join(map(re.escape, one.split())) for one in longest_first)
    return re.compile(rf"(?<!\w)({phrases})(?!\w)"), value_of


def spoken(slot: str, text: str) -> Heard:
    """Where a text says which value of the slot: (value, start, end), from left to right.

    Longest phrase first, because "unsuitable for children" holds "for children". A phrase that is
    negated says the other value where a slot has two ("not family-friendly"), and nothing where it
    has more: what is "not too expensive" may be cheap or moderate.
    """
    pattern, value_of = listener(slot)
    # Letter by letter, because a word in lower case may be longer (İ), and places must stay.
    plain = "".join(min(letter.lower(), letter, key=len) for letter in text.translate(PLAIN))
    heard = []
    for found in pattern.finditer(plain):
        value, start = value_of[" ".join(re.split(r"[\s-]+", found[0]))], found.start()
        before = plain[max(0, start - 80) : start]
        if negation := NEGATION.search(before):
            if len(SLOTS[slot]) > 2:
                continue
            value = next(other for other in SLOTS[slot] if other != value)
            start -= len(before) - negation.start()
        heard.append((value, start, found.end()))
    return heard


def said(slot: str, text: str) -> set[str]:
    """The values of the slot that a text says."""
    return {value for value, _, _ in spoken(slot, text)}


def from_mr(mr: str) -> Table:
    """The table of a line such as name[Cotto], customer rating[low]."""
    return dict(re.findall(r"([^\s,\[\]][^,\[\]]*)\[([^\]]*)\]", mr))
