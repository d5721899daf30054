"""The tagging task: words, their tags, their tokens, and F1 with its interval."""

import numpy as np
import pytest

from prefixlab import Backbone
from prefixlab.workbook import tagging
from prefixlab.workbook.tagging import TAGS, read, score, tagged, texts

TEXT = "By the harbour, The Paper Compass isn't dear: it cooks low-cost Thai food near Hazel Lock."


def of_slots(text: str) -> dict[str, list[str]]:
    """The words of each slot."""
    found = tagged(text)
    pairs = list(zip(found.words, found.tags, strict=True))
    return {slot: [word.strip() for word, tag in pairs if TAGS[tag] == slot] for slot in TAGS[1:]}


def test_a_word_has_the_tag_of_the_slot_whose_value_it_says() -> None:
    assert of_slots(TEXT) == {
        "name": ["The", "Paper", "Compass"],
        "food": ["Thai"],
        "price": ["low-cost"],
        "area": ["harbour"],
        "near": ["Hazel", "Lock"],
    }


def test_the_words_of_a_text_are_the_text() -> None:
    for text in (TEXT, "Bellamy & Crook (a café) is 5 out of 5!"):
        assert "".join(tagged(text).words) == text
    assert tagged(TEXT).words[3] == ","  # a sign is a word of its own


def named(split: str) -> set[str]:
    """The words of names in a split."""
    return {
        word.strip()
        for text in texts()[split]
        for word, tag in zip(text.words, text.tags, strict=True)
        if TAGS[tag] in ("name", "near")
    }


def test_names_of_the_test_were_never_seen() -> None:
    assert [len(split) for split in texts().values()] == [130, 40, 100]
    known = named("train") | named("validation")
    assert len(named("test")) > 30
    assert named("test") & known <= {"The", "&"}


def test_no_text_is_in_two_splits() -> None:
    every = [text.words for split in texts().values() for text in split]
    assert len(set(every)) == len(every)
    assert max(map(len, every)) <= tagging.MOST
    assert all(any(text.tags) for split in texts().values() for text in split)


def test_tokens_say_of_which_word_they_are(tiny: Backbone) -> None:
    found = tagged(TEXT)
    tokens, words = read(tiny, found)
    assert len(tokens) == len(words)
    numbers = [word for word in words if word is not None]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(len(found.words)))
    inside = [token for token, word in zip(tokens, words, strict=True) if word is not None]
    assert tokens == tiny.encode(TEXT)
    assert tiny.tokenizer.decode(inside) == TEXT


def test_what_stands_around_every_text_is_of_no_word(bert: Backbone) -> None:
    tokens, words = read(bert, tagged("a great film"))
    assert (words[0], words[-1]) == (None, None)
    assert tokens == bert.encode("a great film")


def test_f1_is_that_of_all_words_and_its_interval_that_of_texts() -> None:
    counts = np.array([[2, 4, 3], [1, 1, 1], [0, 2, 1]] * 10, float)
    found = score(counts)
    assert found.value == pytest.approx(2 * 3 / (7 + 5))
    assert found.low < found.value < found.high
    four_times = score(np.concatenate([counts] * 4))
    assert four_times.high - four_times.low == pytest.approx((found.high - found.low) / 2, rel=0.1)
    assert str(found).startswith("0.500 (95% interval 0.")


def test_a_lead_is_one_in_pairs() -> None:
    counts = np.array([[2, 4, 3], [1, 1, 1], [0, 2, 1]] * 10, float)
    same = score(counts, counts)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    better = counts + np.array([0.5, 0, 0])
    lead = score(better, counts)
    assert lead.value == pytest.approx(score(better).value - score(counts).value)
    assert 0 < lead.low < lead.value < lead.high


def test_where_nothing_is_tagged_f1_is_zero() -> None:
    assert score(np.array([[0, 0, 5], [0, 0, 2.0]])).value == 0
    assert score(np.zeros((2, 3))).value == 0
