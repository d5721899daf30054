"""Tasks: what becomes of ratings and restaurants; which example is in which split."""

import hashlib
import re
from itertools import chain, combinations

import pytest

from prefixlab import tasks
from prefixlab.data import assets
from prefixlab.workbook.restaurant_words import HELD_OUT

RATED = (
    [(f"{index}", 1.1 + index % 3, f"good {index}") for index in range(30)]
    + [(f"{index}", -1.1 - index % 3, f"bad {index}") for index in range(40)]
    + [("n", 1.0, "neither"), ("n", -1.0, "neither"), ("n", 0.0, "neither")]
    + [("t", 3.0, "said twice"), ("t", 2.0, "said twice ")]
    + [("b", 3.0, "both ways"), ("b", -3.0, "both ways")]
    + [("e", 2.0, " caf\xe9\twith a tab"), ("s", 2.0, " ")]
)


@pytest.fixture
def ratings(tmp_path, monkeypatch):
    """The cache as it is after a download, with ratings that are easy to tell apart."""
    lines = "".join(f"{name}\t{rating}\t{text}\r\n" for name, rating, text in RATED)
    (tmp_path / "ratings").mkdir()
    (tmp_path / "ratings/movie_reviews.txt").write_bytes(lines.encode("latin-1"))
    monkeypatch.setattr(assets, "fetch", lambda asset: tmp_path / asset.name)


def texts(task):
    return {name: list(getattr(task, name)["x"]) for name in ("train", "validation", "test")}


def test_sentences_beyond_the_threshold_are_taken_once(ratings):
    found = tasks.rated_sentences("movie_reviews")
    assert len(found) == 30 + 40 + 2
    assert ("good 0", 1) in found
    assert ("bad 39", 0) in found
    assert found.count(("said twice", 1)) == 1
    assert ("caf\xe9\twith a tab", 1) in found
    assert not {"neither", "both ways", ""} & {text for text, _ in found}


def test_all_ratings_are_given_those_near_zero_too(ratings):
    found = tasks.ratings("movie_reviews")
    assert len(found) == len(RATED) - 1  # of which one has no text
    assert [rating for text, rating in found if text == "neither"] == [1.0, -1.0, 0.0]
    assert ("caf\xe9\twith a tab", 2.0) in found


def test_classes_are_balanced_in_every_split(ratings):
    task = tasks.load("movie_reviews", train=20, validation=11, test=14)
    assert [len(task.train), len(task.validation), len(task.test)] == [20, 11, 14]
    assert [sum(task.train["y"]), sum(task.validation["y"]), sum(task.test["y"])] == [10, 6, 7]
    assert all(
        (y == 0) == x.startswith("bad") for x, y in zip(task.test["x"], task.test["y"], strict=True)
    )


def test_splits_share_no_text(ratings):
    task = tasks.load("movie_reviews", train=30, validation=10, test=20)
    assert len(set(chain(*texts(task).values()))) == 60


def test_a_seed_fixes_the_splits(ratings):
    sizes = {"train": 20, "validation": 10, "test": 20}
    first = texts(tasks.load("movie_reviews", **sizes, seed=1))
    assert texts(tasks.load("movie_reviews", **sizes, seed=1)) == first
    assert texts(tasks.load("movie_reviews", **sizes, seed=2)) != first


def test_the_test_set_stays_whatever_train_is(ratings):
    small, large = (
        texts(tasks.load("movie_reviews", train=train, validation=10, test=20)) for train in (8, 30)
    )
    assert small["test"] == large["test"]
    assert small["validation"] == large["validation"]
    assert set(small["train"]) < set(large["train"])


def test_a_subset_draws_other_sentences_to_train_on_and_no_others(ratings):
    sizes = {"train": 20, "validation": 10, "test": 20}
    drawn = [texts(tasks.load("movie_reviews", **sizes, subset=subset)) for subset in (0, 1, 2)]
    assert drawn[0] == texts(tasks.load("movie_reviews", **sizes))
    for one, other in combinations(drawn, 2):
        assert (one["test"], one["validation"]) == (other["test"], other["validation"])
        assert set(one["train"]) != set(other["train"])
    for one in drawn:
        assert not set(one["train"]) & {*one["test"], *one["validation"]}
    assert drawn[1] == texts(tasks.load("movie_reviews", **sizes, subset=1))
    assert (
        drawn[1]["train"] != texts(tasks.load("movie_reviews", **sizes, subset=1, seed=1))["train"]
    )


def test_a_subset_is_balanced_and_a_larger_one_holds_the_smaller(ratings):
    small, large = (
        tasks.load("movie_reviews", train=train, validation=10, test=20, subset=3)
        for train in (8, 30)
    )
    assert [sum(task.train["y"]) for task in (small, large)] == [4, 15]
    assert set(small.train["x"]) < set(large.train["x"])


def test_a_subset_of_tables_has_other_texts_to_train_on_and_the_same_to_test():
    sizes = {"train": 40, "validation": 4, "test": 6}
    first, second = (tasks.load("restaurants", **sizes, subset=subset) for subset in (0, 1))
    assert [first.validation[:], first.test[:]] == [second.validation[:], second.test[:]]
    assert set(first.train["x"]) != set(second.train["x"])
    assert not set(second.train["x"]) & set(second.test["x"])
    unseen = tasks.load("restaurants_unseen", **sizes, subset=1)
    assert unseen.train[:] == second.train[:]


def test_no_sentence_has_more_words_than_asked_for(ratings):
    sizes = {"train": 40, "validation": 2, "test": 20}
    assert "caf\xe9\twith a tab" in chain(*texts(tasks.load("movie_reviews", **sizes)).values())
    for most, left in ((4, 64), (3, 62)):
        with pytest.raises(
            ValueError, match=rf"has {left} examples of at most {most} words in two balanced"
        ):
            tasks.load("movie_reviews", train=100, validation=2, test=2, words=most)
    short = tasks.load("movie_reviews", **sizes, words=3)
    assert all(len(text.split()) <= 3 for text in chain(*texts(short).values()))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"subset": -1}, "subset=-1 is out of range; choose a whole number of at least 0"),
        ({"subset": 1.0}, "subset=1.0 is no whole number"),
        ({"words": 0}, "words=0 is out of range; choose a whole number of at least 1"),
        ({"words": "12"}, "words='12' is no whole number"),
        ({"words": 1}, "has 0 examples of at most 1 words in two balanced classes, fewer than"),
    ],
)
def test_a_subset_or_a_length_that_is_none_is_refused(ratings, given, words):
    with pytest.raises(ValueError, match=rf"{re.escape(words)}.*\.$"):
        tasks.load("movie_reviews", train=20, validation=10, test=20, **given)


@pytest.mark.parametrize("name", tasks.TABLES)
def test_tables_have_no_number_of_words(name):
    with pytest.raises(ValueError, match=rf"words=12 is for sentences, and {name} has tables"):
        tasks.load(name, train=8, validation=4, test=6, words=12)


@pytest.mark.real
def test_the_sentences_of_the_protocol_are_enough_for_its_largest_run():
    task = tasks.load("movie_reviews", train=512, validation=96, test=400, subset=4, words=12)
    assert len(task.train) == 512


def test_more_than_there_is_cannot_be_asked_for(ratings):
    with pytest.raises(
        ValueError, match=r"has 64 examples in two balanced classes, fewer than .*65"
    ):
        tasks.load("movie_reviews", train=31, validation=14, test=20)
    with pytest.raises(ValueError, match="train=1 is out of range"):
        tasks.load("movie_reviews", train=1, validation=2, test=2)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "sentences"),
    [("movie_reviews", 9021), ("product_reviews", 2375), ("tweets", 2599), ("editorials", 1401)],
)
def test_the_real_domains_have_their_sentences(name, sentences):
    found = tasks.rated_sentences(name)
    assert len(found) == len({text for text, _ in found}) == sentences
    assert tasks.load(name, train=32, validation=8, test=20).template.prompt("X")


def test_restaurants_are_texts_to_write():
    task = tasks.load("restaurants", train=8, validation=4, test=6)
    assert task.verbalizer is None
    assert len(task.train) == len(set(task.train["x"])) == 8
    assert all(isinstance(y, str) and y for y in task.test["y"])
    assert not set(task.train["x"]) & set(task.test["x"])
    assert "free text" in repr(task)


def test_unseen_restaurants_have_the_same_training_examples():
    sizes = {"train": 1416, "validation": 192, "test": 100, "seed": 3}
    seen, unseen = (tasks.load(name, **sizes) for name in tasks.TABLES)
    assert [seen.train[:], seen.validation[:]] == [unseen.train[:], unseen.validation[:]]
    kinds = tuple(f"[{value}]" for values in HELD_OUT.values() for value in values)
    assert all(any(kind in x for kind in kinds) for x in unseen.test["x"])
    assert not any(kind in x for kind in kinds for x in [*seen.train["x"], *seen.test["x"]])
    assert [len(seen.test), len(unseen.test)] == [197, 193]


# By name: recorded runs and stored lessons were trained on these examples, drawn with seed 0.
DRAWN = {
    "restaurants": "25e5b778b9a89d26",
    "movie_reviews": "ff7d1c844dde70fd",
    "product_reviews": "b712118c5246871d",
    "tweets": "e7f5008da82b9558",
    "editorials": "0d8b16f7a68ced20",
}
REAL = [pytest.param(name, marks=pytest.mark.real) for name in tasks.DOMAINS]


@pytest.mark.parametrize("name", ["restaurants", *REAL])
def test_the_tasks_that_ship_are_drawn_as_ever(name):
    task = tasks.load(name, train=256, validation=64, test=100 if name in tasks.TABLES else 300)
    splits = (task.train, task.validation, task.test)
    rows = [[list(split["x"]), list(split["y"])] for split in splits]
    assert hashlib.sha256(repr(rows).encode()).hexdigest()[:16] == DRAWN[name]
