"""The texts of the restaurants: what the grammar makes, and that the files are what it makes."""

import re
from collections import Counter

import pytest

from prefixlab.data.restaurants import PATH, SLOTS, from_mr, said
from prefixlab.workbook import restaurant_texts
from prefixlab.workbook.restaurant_texts import tables, to_mr
from prefixlab.workbook.restaurant_words import HELD_OUT, ways


@pytest.fixture(scope="module")
def entries():
    return tables()


@pytest.fixture(scope="module")
def pairs(entries):
    return [(entry.table, ref) for entry in entries for ref in entry.references]


def test_the_files_are_what_the_grammar_makes(tmp_path):
    restaurant_texts.write(tmp_path / "deep")
    made = {path.name: path.read_bytes() for path in (tmp_path / "deep").iterdir()}
    stored = ("restaurants.csv", "phrases.json")
    assert made == {name: PATH.with_name(name).read_bytes() for name in stored}


def test_a_seed_decides_everything():
    assert tables(seed=3, count=40) == tables(seed=3, count=40) != tables(seed=4, count=40)


@pytest.mark.parametrize("slot", SLOTS)
def test_every_value_has_six_ways_to_be_said(slot):
    assert all(len(set(ways(slot, value))) >= 6 for value in SLOTS[slot])


def test_the_splits_and_their_sizes(entries):
    sizes = Counter(entry.split for entry in entries)
    assert sizes == {"train": 700, "validation": 100, "test": 100, "unseen": 100}


def test_no_table_comes_twice(entries):
    assert len({to_mr(entry.table) for entry in entries}) == len(entries) == 1000


def test_tables_keep_to_the_slots(entries):
    for entry in entries:
        assert list(entry.table) == [slot for slot in SLOTS if slot in entry.table]
        assert "name" in entry.table
        assert 3 <= len(entry.table) <= len(SLOTS)
        assert all(value in SLOTS[slot] for slot, value in entry.table.items())
        assert from_mr(to_mr(entry.table)) == entry.table


def test_every_table_has_one_to_three_references(entries):
    assert {len(entry.references) for entry in entries} == {1, 2, 3}


def test_held_out_kinds_are_in_unseen_alone(entries):
    for entry in entries:
        new = any(entry.table.get(slot) in values for slot, values in HELD_OUT.items())
        assert new == (entry.split == "unseen")
    met = {value for entry in entries for value in entry.table.values()}
    assert all(set(values) <= met for values in HELD_OUT.values())


@pytest.mark.parametrize("slot", SLOTS)
def test_references_say_the_table_and_nothing_else(slot, pairs):
    for table, ref in pairs:
        assert said(slot, ref) == ({table[slot]} if slot in table else set()), ref


def test_references_read_as_written_english(pairs):
    for _, ref in pairs:
        assert re.fullmatch(r"[A-Z][^.]+\.( [A-Z][^.]+\.)?", ref), ref  # a sentence or two
        assert not re.search(r"\s\s|\s[,.]|[\[\]{}~]", ref), ref
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", ref, re.IGNORECASE), ref
        assert not re.search(r"\b(\w+) \1\b", ref, re.IGNORECASE), ref


def test_a_reference_gives_the_name_once(pairs):
    assert all(ref.count(table["name"]) == 1 for table, ref in pairs)
