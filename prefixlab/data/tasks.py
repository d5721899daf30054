"""Tasks: those that ship, rated sentences to judge and restaurants to put into words."""

import csv
import random
from math import inf

from prefixlab import arguments
from prefixlab.data import assets, restaurants
from prefixlab.data.examples import (
    SPLITS,
    Sizes,
    checked_sizes,
    dataset as dataset,
    datasets,
    references as references,
)
from prefixlab.data.tables import chosen, shuffled, tables_of
from prefixlab.data.task import TABLE_TEMPLATE, Task
from prefixlab.data.template import Template, Verbalizer

SENTIMENT = ("negative", "positive")
DOMAINS = {
    "movie_reviews": "Review: {x}\nSentiment: {y}",
    "product_reviews": "Review: {x}\nSentiment: {y}",
    "tweets": "Tweet: {x}\nSentiment: {y}",
    "editorials": "Editorial: {x}\nSentiment: {y}",
}
TABLES = ("restaurants", "restaurants_unseen")
NAMES = (*DOMAINS, *TABLES)


def load(
    name: str,
    *,
    train: int = 256,
    validation: int = 64,
    test: int = 300,
    seed: int = 0,
    subset: int = 0,
    words: int | None = None,
) -> Task:
    """One of the tasks that ship: two balanced classes, or tables to put into words.

    The splits are disjoint and drawn by `seed`; a larger `train` keeps the same test set, and so
    does another `subset` to train on. With `words` no sentence has more than so many. Of
    "restaurants" there are 100 tables to test on (`test` counts tables there, see
    `Task.tables_from_csv`); "restaurants_unseen" tests on kinds of places to eat, and of food,
    that are in no table for training.

    Raises
    ------
    ValueError
        An unknown name, or more examples than there are.
    """
    arguments.one_of("task", name, NAMES)
    arguments.seed(seed)
    fewest, make = (1, restaurant_tables) if name in TABLES else (2, balanced_classes)
    arguments.whole_number("subset", subset, 0)
    most = inf if words is None else arguments.whole_number("words", words, 1)
    sizes = checked_sizes(fewest, train=train, validation=validation, test=test)
    return make(name, sizes, seed, subset, most)


def balanced_classes(name: str, sizes: Sizes, seed: int, subset: int, words: float) -> Task:
    """Rated sentences of a domain, as many of praise as of blame in every split."""
    rated = [(text, y) for text, y in rated_sentences(name) if len(text.split()) <= words]
    by_label = {label: [text for text, y in rated if y == label] for label in (0, 1)}
    for texts in by_label.values():
        random.Random(seed).shuffle(texts)
    available = 2 * min(map(len, by_label.values()))
    if sum(sizes.values()) > available:
        short = f" of at most {words} words" if words < inf else ""
        raise ValueError(
            f"{name} has {available} examples{short} in two balanced classes, fewer than the "
            f"{sum(sizes.values())} asked for; ask for fewer."
        )
    rows = {}
    for split in reversed(SPLITS):  # train last, so that the others stay the same whatever it is
        if split == "train" and subset:
            for texts in by_label.values():
                random.Random(f"{seed} subset {subset}").shuffle(texts)
        rows[split] = [
            (by_label[y].pop(), y) for y in (0, 1) for _ in range((sizes[split] + y) // 2)
        ]
        random.Random(f"{seed} {split}").shuffle(rows[split])
    return Task(
        name=name,
        **datasets(rows),
        template=Template(DOMAINS[name]),
        verbalizer=Verbalizer(SENTIMENT),
        task_words="Is the sentiment of the text negative or positive?",
    )


def rated_sentences(name: str, threshold: float = 1.0) -> list[tuple[str, int]]:
    """Sentences of a rated domain whose mean rating is beyond the threshold, with their label.

    A sentence near zero is neither praise nor blame and is left out; `ratings` has them all.
    """
    found = dict.fromkeys(
        (text, int(rating > 0)) for text, rating in ratings(name) if abs(rating) > threshold
    )
    # A sentence that stands twice must not be in training and test; one rated both ways is out.
    twice_judged = {text for text, label in found if (text, 1 - label) in found}
    return [(text, label) for text, label in found if text not in twice_judged]


def ratings(name: str) -> list[tuple[str, float]]:
    """Every sentence of a rated domain with its mean rating, in the order of the file.

    Ratings are means over ten people, in [-4, 4] (Hutto & Gilbert 2014, section 3). The files are
    Latin-1, tab-separated.

    Raises
    ------
    ValueError
        A name that is no rated domain.
    """
    arguments.one_of("name", name, DOMAINS)
    file = assets.fetch(assets.RATINGS) / f"{name}.txt"
    lines = (line.split("\t", 2) for line in file.read_text(encoding="latin-1").splitlines())
    return [(text.strip(), float(rating)) for _, rating, text in lines if text.strip()]


def restaurant_tables(name: str, sizes: Sizes, seed: int, subset: int, words: float) -> Task:
    """Table to text: the test tables, seen or unseen kinds of places, are never trained on."""
    if words < inf:
        raise ValueError(f"words={words} is for sentences, and {name} has tables; leave it out.")
    with restaurants.PATH.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    splits = {}
    for split in SPLITS:
        source = "unseen" if (name, split) == ("restaurants_unseen", "test") else split
        there = ((row["mr"], row["ref"]) for row in rows if row["split"] == source)
        drawn = f"{seed} subset {subset}" if split == "train" and subset else seed
        splits[split] = shuffled(tables_of(there), drawn)
    return Task(
        name=name,
        **datasets(chosen(name, splits, sizes)),
        template=Template(TABLE_TEMPLATE),
        verbalizer=None,
        task_words="Describe the restaurant in the table in a sentence:",
    )
