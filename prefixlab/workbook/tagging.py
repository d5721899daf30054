"""Tagging: a label for every word, the task that needs a head (Liu et al. 2022, section 3.3).

    By the harbour, The Paper Compass cooks cheap Thai food.
           area     name name  name         price food

The texts are those of the restaurants, and the tag of a word is the slot whose value it says; all
other words and signs are "other". Most are: so what counts is not how many words are right, but F1
over those that have another tag,

    F1 = 2 * right / (given + there)

with `right` the words of the right tag, `given` those that were given one, `there` those that have
one, "other" left out in all three (van Rijsbergen 1979, chapter 7, with equal weights).
"""

import csv
import re
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from prefixlab.data.restaurants import PATH, SLOTS, from_mr, spoken
from prefixlab.data.template import around, tokens_of
from prefixlab.models.backbone import Backbone
from prefixlab.workbook.evidence import middle, shares

Array = NDArray[np.float64]
TAGS = ("other", "name", "food", "price", "area", "near")  # all but the first are slots
NAMED = ("name", "near")  # slots whose values are names
MOST = 30  # words and signs of the longest text
TRAIN, VALIDATION, TEST = 130, 40, 100  # texts
WORD = re.compile(r"\s*(\w+(?:[-'’]\w+)*|\S)")  # a word or a sign, with the space before it


@dataclass(frozen=True)
class Tagged:
    """A text in words and signs, each with the space before it and the number of its tag."""

    words: tuple[str, ...]
    tags: tuple[int, ...]


def tagged(text: str) -> Tagged:
    """The words of a text, with the tags that the values in it give them."""
    found = list(WORD.finditer(text))
    spans = [
        (number, start, end)
        for number, slot in enumerate(TAGS[1:], 1)
        for _, start, end in spoken(slot, text)
    ]
    tags = (
        next((number for number, start, end in spans if start <= word.start(1) < end), 0)
        for word in found
    )
    return Tagged(tuple(word[0] for word in found), tuple(tags))


def is_new(word: str) -> bool:
    """Whether a word of a name is kept for the test: every second one, in alphabetical order."""
    return name_words().index(word) % 2 == 1


@cache
def name_words() -> list[str]:
    """The words of all names, of restaurants and of what is near them."""
    values = (value for slot in NAMED for value in SLOTS[slot])
    return sorted({word for value in values for word in words_of(value)})


def words_of(name: str) -> list[str]:
    return [word for word in name.split() if word not in ("The", "&")]


@cache
def texts() -> dict[str, tuple[Tagged, ...]]:
    """Texts to learn from, to validate on and to test on, by their split.

    No word of a name in the test is in a name of the other texts: a list of words that were seen
    does not help there. Each text of the test is of another table.
    """
    known: list[Tagged] = []
    new: dict[str, Tagged] = {}
    with PATH.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            table, text = from_mr(row["mr"]), tagged(row["ref"])
            named = [word for slot in NAMED for word in words_of(table.get(slot, ""))]
            news = {is_new(word) for word in named}
            if len(text.words) > MOST or len(news) > 1:
                continue
            if news == {True}:
                new.setdefault(row["mr"], text)
            else:
                known.append(text)
    # From both ends: texts of one table stand on consecutive lines.
    return {
        "train": tuple(known[:TRAIN]),
        "validation": tuple(known[-VALIDATION:]),
        "test": tuple(new.values())[:TEST],
    }


def read(lm: Backbone, text: Tagged) -> tuple[list[int], list[int | None]]:
    """The tokens of a text, and for each the number of its word; None for [CLS] and its like."""
    before, after = around(lm.tokenizer)
    pieces = [tokens_of(lm.tokenizer, word) for word in text.words]
    tokens = [token for piece in pieces for token in piece]
    words = [number for number, piece in enumerate(pieces) for _ in piece]
    return [*before, *tokens, *after], [None] * len(before) + words + [None] * len(after)


@dataclass(frozen=True)
class Score:
    """F1, or by how much it is ahead of another, with its 95% interval over texts."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} (95% interval {self.low:.3f} to {self.high:.3f})"


def f1(counts: Array) -> Array:
    """2 * right / (given + there) of counts [..., 3]; 0 where no word has a tag or is given one."""
    right, given, there = np.moveaxis(counts, -1, 0)
    return np.asarray(2 * right / np.maximum(given + there, 1e-9))


def score(ours: Array, theirs: Array | None = None) -> Score:
    """F1 by the counts of every text, [texts, 3]; with `theirs`, how far ours is ahead in F1.

    Words of one text are alike, and so the bootstrap draws texts: the same ones for both.
    """
    values = [counted(counts) for counts in (ours, theirs) if counts is not None]
    ahead = values[0] if theirs is None else values[0] - values[1]
    return Score(float(ahead[0]), *middle(ahead[1:]))


def counted(counts: Array) -> Array:
    """F1 on all texts, and after it on other texts of those there are, [1 + DRAWS]."""
    drawn = shares(len(counts), 1) @ counts  # [DRAWS, 3], means over texts
    return f1(np.concatenate([counts.mean(0, keepdims=True), drawn]))
