"""The restaurants data set: what the files hold, and what is heard in a text."""

import csv
import re
from collections import Counter
from itertools import groupby

import pytest

from prefixlab.data.restaurants import PATH, SLOTS, from_mr, mentions, said, spoken


@pytest.fixture(scope="module")
def rows():
    with PATH.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_there_are_at_least_eight_slots():
    assert len(SLOTS) >= 8


@pytest.mark.parametrize("slot", SLOTS)
def test_no_two_values_share_a_mention(slot):
    phrases = [phrase for value in SLOTS[slot] for phrase in mentions(slot, value)]
    assert len(phrases) == len(set(phrases))
    assert all(phrase and phrase == phrase.lower() for phrase in phrases)


def test_a_slot_may_be_of_several_words():
    table = from_mr("name[Cotto], customer rating[5 out of 5], near[The Portland Arms]")
    assert table == {"name": "Cotto", "customer rating": "5 out of 5", "near": "The Portland Arms"}


@pytest.mark.parametrize(
    ("slot", "text", "values"),
    [
        ("family_friendly", "It is not family-friendly.", {"no"}),
        ("family_friendly", "A Family-Friendly pub.", {"yes"}),
        ("family_friendly", "It is suitable for families.", {"yes"}),
        ("family_friendly", "It is not really suitable for families.", {"no"}),
        ("family_friendly", "It isn’t a place for children.", {"no"}),
        ("family_friendly", "A place for adults.", {"no"}),
        ("family_friendly", "A spot for adults and children.", {"yes"}),
        ("family_friendly", "A place for adults that welcomes families.", {"yes", "no"}),
        ("family_friendly", "It is not unsuitable for children.", {"yes"}),
        ("family_friendly", "It is not only for children.", {"yes"}),
        ("terrace", "A pub without a terrace.", {"no"}),
        ("terrace", "It does not have any outdoor tables.", {"no"}),
        ("terrace", "Its terrace is a beautiful spot.", {"yes"}),
        ("terrace", "It seats guests indoors.", {"no"}),
        ("booking", "It is not for walk-ins.", {"required"}),
        ("booking", "A warm welcome for walk-ins.", {"not required"}),
        ("booking", "There is a need to book.", {"required"}),
        ("booking", "There is no need to book.", {"not required"}),
        ("price", "An inexpensive diner.", {"cheap"}),
        ("price", "It is not too expensive.", set()),
        ("price", "It is not too cheap, but a high price is paid.", {"expensive"}),
        ("price", "Far from cheap.", set()),
        ("price", "It is priced high.", {"expensive"}),
        ("price", "Moderately-priced dishes.", {"moderate"}),
        ("price", "It has no terrace and low prices.", {"cheap"}),
        ("rating", "A 5-star diner.", {"5 out of 5"}),
        ("rating", "It scores four out of 5.", {"4 out of 5"}),
        ("near", "It is not too far from Marrow Lane.", {"Marrow Lane"}),
        ("near", "It is far from Marrow Lane.", set()),
        ("near", "It has no terrace near Weavers’ Hall.", {"Weavers' Hall"}),
        ("food", "It serves Thai food and Greek dishes.", {"Thai", "Greek"}),
        ("food", "It serves no Thai food.", set()),
        ("area", "A city centre pub.", {"city centre"}),
        ("venue", "A publisher of maps.", set()),
    ],
)
def test_said_hears_what_a_reader_would(slot, text, values):
    assert said(slot, text) == values


def test_what_is_said_stands_where_the_text_has_it():
    text = "İİİ is not a place for children near Marrow Lane."
    ((value, start, end),) = spoken("family_friendly", text)
    assert (value, text[start:end]) == ("no", "not a place for children")
    ((value, start, end),) = spoken("near", text)
    assert text[start:end] == value


def test_no_row_comes_twice(rows):
    assert len({(row["mr"], row["ref"]) for row in rows}) == len(rows)


def test_the_rows_of_a_table_stand_together(rows):
    starts = [mr for mr, _ in groupby(row["mr"] for row in rows)]
    assert len(starts) == len(set(starts)) == 1000


def test_the_readme_counts_the_rows(rows):
    text = PATH.with_name("README.md").read_text(encoding="utf-8")
    for split, count in Counter(row["split"] for row in rows).items():
        assert re.search(rf"\| {split} +\| +\d+ \| +{count} \|", text), (split, count)
