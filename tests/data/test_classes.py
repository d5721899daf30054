"""Classes: which labels are one class, which rows count, and in which split every class is."""

from collections import Counter

import pytest

from prefixlab.data.classes import labelled
from prefixlab.data.reading import Pair, Pairs


def pairs(*rows):
    return Pairs("mine", [Pair(x, y, f"line {line}") for line, (x, y) in enumerate(rows, 2)])


def films(*labels, first=0):
    return [(f"film {number}", label) for number, label in enumerate(labels, first)]


def made(rows, words=None, seed=0, sizes=None, **official):
    given = {"train": pairs(*rows)} | {name: pairs(*others) for name, others in official.items()}
    return labelled("mine", given, "taste", words, sizes or {}, seed)


def counts(result):
    return {
        split: {result.words[label]: n for label, n in Counter(y for _, y in rows).items()}
        for split, rows in result.splits.items()
    }


def every(result):
    return [x for rows in result.splits.values() for x, _ in rows]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "sizes", [[5, 5], [2, 8], [2, 2, 96], [3] * 20, [2, 2, 2, 4], [50, 30, 20], [2] * 9 + [4]]
)
def test_every_class_is_trained_and_tested_on(sizes, seed):
    labels = [f"class {number}" for number, size in enumerate(sizes) for _ in range(size)]
    result = made(films(*labels), seed=seed)
    there = counts(result)
    assert set(there["train"]) == set(there["test"]) == set(labels)
    assert there["validation"]
    assert sorted(every(result)) == sorted(x for x, _ in films(*labels))


def test_every_class_has_its_share():
    result = made(films(*(["good"] * 60 + ["bad"] * 30 + ["so"] * 10)))
    assert counts(result)["test"] == {"good": 12, "bad": 6, "so": 2}
    assert counts(result)["validation"] == {"good": 6, "bad": 3, "so": 1}
    assert counts(result)["train"] == {"good": 42, "bad": 21, "so": 7}


def test_a_seed_draws_the_rows():
    rows = films(*["good", "bad"] * 20)
    assert made(rows, seed=1).splits == made(rows, seed=1).splits != made(rows, seed=2).splits


def test_a_text_that_stands_twice_counts_once():
    rows = films(*["good", "bad"] * 10)
    again = [(f" {x.replace(' ', chr(10))} ", y) for x, y in rows]  # other white space
    result = made([*rows, *again, *rows])
    assert sorted(every(result)) == sorted(x for x, _ in rows)
    assert result.notes == ["40 row(s) have the text and label of another: joined."]


def test_a_text_with_two_labels_is_left_out():
    rows = films(*["good", "bad"] * 10)
    result = made(
        [*rows, ("film 3", "good"), ("film 3", "bad"), ("cafe\u0301", "bad"), ("café", "good")]
    )
    assert len(every(result)) == 19
    assert "film 3" not in every(result)
    assert result.notes == [
        "2 text(s) stand under several labels (the first is 'bad' in line 5 and 'good' in "
        "line 22): their 5 rows are left out."
    ]


def test_labels_that_look_alike_are_one_class():
    labels = [
        "good",
        "Good",
        "GOOD",
        "good",
        "caf\u00e9",
        "cafe\u0301",
        "very  bad",
        "very bad",
    ] * 3
    result = made(films(*labels))
    assert result.words == ("café", "good", "very bad")
    assert result.notes == [
        "The labels 'GOOD' (3) and 'Good' (3) and 'good' (6) are one class, 'good'."
    ]


def test_words_give_the_answers_and_join_labels():
    words = {1: "bad", "2": "bad ", 3: "so so", "4": "good", 5: "good", 9: "none"}
    result = made(films(*"12345" * 6), words)
    assert result.words == ("bad", "so so", "good")
    assert result.notes == [
        "The labels '1' and '2' are one class, 'bad', as words says.",
        "The labels '4' and '5' are one class, 'good', as words says.",
        "words has an answer for ['9'], which no row has.",
    ]
    labels = dict(films(*"12345" * 6))
    answers = {"1": "bad", "2": "bad", "3": "so so", "4": "good", "5": "good"}
    for rows in result.splits.values():
        assert all(result.words[y] == answers[labels[x]] for x, y in rows)


def test_words_tell_labels_apart_that_differ_in_case():
    result = made(films(*"aA" * 10), {"a": "small", "A": "large"})
    assert result.words == ("large", "small")


def test_official_splits_stay_as_they_are():
    test, validation = films(*"ab" * 3, first=100), films("b", "a", first=200)
    train = [*films("a", "b", "a"), *test[:1], ("film 0", "a")]
    result = made(train, test=test, validation=validation)
    assert result.splits["test"] == [(x, "ab".index(y)) for x, y in test]
    assert result.splits["validation"] == [(x, "ab".index(y)) for x, y in validation]
    assert [x for x, _ in result.splits["train"]] == ["film 0", "film 1", "film 2", "film 0"]
    assert result.notes == [
        "1 row(s) to train on have a text that is validated or tested on: left out."
    ]


def test_only_a_missing_split_is_cut():
    test = films(*"ab" * 3, first=100)
    result = made(films(*"ab" * 20), test=test)
    assert [len(rows) for rows in result.splits.values()] == [36, 4, 6]
    assert result.splits["test"] == [(x, "ab".index(y)) for x, y in test]


def test_sizes_take_a_part_in_proportion_which_a_larger_one_holds():
    rows, test = films(*"aab" * 20), films(*"aab" * 20, first=100)
    small, large = (
        made(rows, sizes={"train": train, "test": 30}, test=test).splits for train in (6, 12)
    )
    assert small["train"] == large["train"][:6]
    assert small["test"] == large["test"] != made(rows, test=test).splits["test"][:30]
    assert Counter(y for _, y in small["train"]) == {0: 4, 1: 2}
    assert Counter(y for _, y in small["test"]) == {0: 20, 1: 10}
    with pytest.raises(ValueError, match=r"test=61 is out of range.*1 to 60"):
        made(rows, sizes={"test": 61}, test=test)
