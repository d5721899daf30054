"""Tasks: examples to learn from and be tested on, with a template and an answer space.

Every task is three `datasets.Dataset`s (train, validation, test) with two columns: `x`, the text,
and `y`, the label (an int, where the task is a choice) or the text to write.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from datasets import Dataset, load_dataset
from datasets.exceptions import DatasetNotFoundError

from prefixlab import assets, restaurants
from prefixlab.template import Template, Verbalizer

SENTIMENT = ("negative", "positive")
DOMAINS = {
    "movie_reviews": "Review: {x}\nSentiment: {y}",
    "product_reviews": "Review: {x}\nSentiment: {y}",
    "tweets": "Tweet: {x}\nSentiment: {y}",
    "editorials": "Editorial: {x}\nSentiment: {y}",
}
NAMES = (*DOMAINS, "restaurants")


@dataclass(frozen=True)
class Task:
    """A task: its examples, its default template, and its answer space if it has one."""

    name: str
    train: Dataset
    validation: Dataset
    test: Dataset
    template: Template
    verbalizer: Verbalizer | None  # None: the answer is free text
    task_words: str  # the task in a few words, for initialisations from real words

    def __repr__(self) -> str:
        answers = " / ".join(self.verbalizer.words) if self.verbalizer else "free text"
        return (
            f"{self.name}: {len(self.train)} train, {len(self.validation)} validation, "
            f"{len(self.test)} test; {answers}"
        )

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        *,
        text: str,
        label: str,
        template: str = "{x}\nLabel: {y}",
        words: dict[str, str] | None = None,
        seed: int = 0,
    ) -> "Task":
        """A task of the learner's own: a CSV file with a column of texts and one of labels.

        A fifth of the rows is held out for the test and a tenth for validation. `words` gives
        the answer for each label; without it the labels are their own answers.

        Raises
        ------
        ValueError
            A file that is missing, unreadable or empty, a missing column, an empty cell, fewer
            than ten rows, or a single class.
        """
        try:
            table = pd.read_csv(path, dtype=str, keep_default_na=True)
        except (
            OSError,
            UnicodeDecodeError,
            pd.errors.ParserError,
            pd.errors.EmptyDataError,
        ) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(
                f"{path} cannot be read as CSV ({reason}); save it as UTF-8, comma-separated, "
                "with a header line."
            ) from error
        return cls._from_columns(Path(path).stem, table, text, label, template, words, seed)

    @classmethod
    def from_hub(
        cls,
        name: str,
        *,
        text: str,
        label: str,
        split: str = "train",
        config: str | None = None,
        template: str = "{x}\nLabel: {y}",
        words: dict[str, str] | None = None,
        seed: int = 0,
    ) -> "Task":
        """Any classification data set of the Hugging Face Hub, by name, e.g. "stanfordnlp/sst2".

        Raises
        ------
        ValueError
            A name or split that the Hub does not have, or no Hub; else as `from_csv`.
        """
        try:
            loaded = load_dataset(name, config, split=split)
        except (DatasetNotFoundError, OSError, ValueError) as error:
            raise ValueError(
                f"The data set {name!r} (split {split!r}) cannot be had "
                f"({str(error).splitlines()[0]}); check the name and the connection to the Hub, "
                "or load a CSV file with Task.from_csv."
            ) from error
        table = loaded.to_pandas()
        feature = loaded.features.get(label)
        if hasattr(feature, "int2str"):
            table[label] = [feature.int2str(int(value)) for value in table[label]]
        return cls._from_columns(name, table, text, label, template, words, seed)

    @classmethod
    def _from_columns(
        cls,
        name: str,
        table: pd.DataFrame,
        text: str,
        label: str,
        template: str,
        words: dict[str, str] | None,
        seed: int,
    ) -> "Task":
        for column in (text, label):
            if column not in table.columns:
                raise ValueError(
                    f"{name} has no column {column!r}; its columns are {', '.join(table.columns)}."
                )
            if empty := table.index[table[column].isna()].tolist():
                raise ValueError(
                    f"{name} has {len(empty)} empty cell(s) in column {column!r}, the first in "
                    f"data row {empty[0] + 1}; fill or remove them."
                )
        if len(table) < 10:
            raise ValueError(f"{name} has {len(table)} rows; at least 10 are needed to split it.")
        labels = sorted(set(table[label].astype(str)))
        if len(labels) < 2:
            raise ValueError(
                f"{name} has one class only ({labels[0]!r}); two are needed to choose from."
            )
        if words and (missing := [value for value in labels if value not in words]):
            raise ValueError(f"words gives no answer for the label(s) {', '.join(missing)}.")
        verbalizer = Verbalizer(tuple(words[value] if words else value for value in labels))
        rows = [
            (str(x), labels.index(str(y))) for x, y in zip(table[text], table[label], strict=True)
        ]
        random.Random(seed).shuffle(rows)
        test, validation = len(rows) // 5, max(1, len(rows) // 10)
        return cls(
            name=name,
            train=dataset(rows[test + validation :]),
            validation=dataset(rows[test : test + validation]),
            test=dataset(rows[:test]),
            template=Template(template),
            verbalizer=verbalizer,
            task_words=f"choose the label: {' or '.join(verbalizer.words)}",
        )


def load(
    name: str, *, train: int = 256, validation: int = 64, test: int = 300, seed: int = 0
) -> Task:
    """One of the tasks that ship: two balanced classes, or tables to put into words.

    The splits are disjoint and drawn by `seed`; a larger `train` keeps the same test set.

    Raises
    ------
    ValueError
        An unknown name, or more examples than there are.
    """
    if name == "restaurants":
        return load_restaurants(train, validation, test)
    if name not in DOMAINS:
        raise ValueError(f"Unknown task {name!r}; choose one of {', '.join(NAMES)}.")
    rated = rated_sentences(name)
    # Test and validation are drawn first, so that they stay the same whatever `train` is.
    wanted = {"test": test, "validation": validation, "train": train}
    drawn: dict[str, list[tuple[str, int]]] = {}
    by_label = {label: [text for text, y in rated if y == label] for label in (0, 1)}
    for texts in by_label.values():
        random.Random(seed).shuffle(texts)
    available = 2 * min(len(texts) for texts in by_label.values())
    if sum(wanted.values()) > available:
        raise ValueError(
            f"{name} has {available} examples in two balanced classes, fewer than the "
            f"{sum(wanted.values())} asked for; ask for fewer."
        )
    for split, count in wanted.items():
        if count < 2:
            raise ValueError(f"{split}={count} is too few; ask for at least 2 examples.")
        rows = [
            (by_label[label].pop(), label) for label in (0, 1) for _ in range((count + label) // 2)
        ]
        random.Random(f"{seed} {split}").shuffle(rows)
        drawn[split] = rows
    return Task(
        name=name,
        train=dataset(drawn["train"]),
        validation=dataset(drawn["validation"]),
        test=dataset(drawn["test"]),
        template=Template(DOMAINS[name]),
        verbalizer=Verbalizer(SENTIMENT),
        task_words="Is the sentiment of the text negative or positive?",
    )


def rated_sentences(name: str, threshold: float = 1.0) -> list[tuple[str, int]]:
    """Sentences of a rated domain whose mean rating is beyond the threshold, with their label.

    Ratings are means over ten people, in [-4, 4] (Hutto & Gilbert 2014, section 3); a sentence
    near zero is neither praise nor blame and is left out. The files are Latin-1, tab-separated.
    """
    file = assets.fetch(assets.RATINGS) / f"{name}.txt"
    found: Counter[tuple[str, int]] = Counter()
    for line in file.read_text(encoding="latin-1").splitlines():
        _, rating, text = line.split("\t", 2)
        if abs(float(rating)) > threshold and text.strip():
            found[(text.strip(), int(float(rating) > 0))] += 1
    # A sentence that stands twice must not be in training and test; one rated both ways is out.
    twice_judged = {text for text, label in found if (text, 1 - label) in found}
    return [(text, label) for text, label in found if text not in twice_judged]


def load_restaurants(train: int, validation: int, test: int) -> Task:
    """Table to text: one row a reference; the test rows are of tables never seen in training."""
    table = pd.read_csv(restaurants.PATH)
    wanted = {"train": train, "validation": validation, "test": test}
    splits = {}
    for split, count in wanted.items():
        rows = table[table["split"] == split]
        if not 1 <= count <= len(rows):
            raise ValueError(
                f"restaurants has {len(rows)} {split} rows; choose {split} from 1 to {len(rows)}."
            )
        chosen = rows.head(count)
        splits[split] = dataset(list(zip(chosen["mr"], chosen["ref"], strict=True)))
    return Task(
        name="restaurants",
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        template=Template("Table: {x}\nText: {y}"),
        verbalizer=None,
        task_words="Describe the restaurant in the table in a sentence:",
    )


def dataset(rows: Sequence[tuple[str, int | str]]) -> Dataset:
    return Dataset.from_dict({"x": [x for x, _ in rows], "y": [y for _, y in rows]})
