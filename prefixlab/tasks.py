"""Tasks: examples to learn from and be tested on, with a template and an answer space.

Every task is three `datasets.Dataset`s (train, validation, test) with two columns: `x`, the text,
and `y`, the label (an int, where the task is a choice) or the text to write. A table to be put
into words may stand in several rows, each with another text that says it, see `references`.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, zip_longest
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
TABLES = ("restaurants", "restaurants_unseen")
NAMES = (*DOMAINS, *TABLES)
TABLE_TEMPLATE = "Table: {x}\nText: {y}"

Tables = Mapping[str, Sequence[str]]  # a table -> the texts that say it


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

    def text_to_text(self) -> "Task":
        """The same task with every label as a word to write, and no answer space to choose from.

        Raises
        ------
        ValueError
            A task that is free text already.
        """
        if self.verbalizer is None:
            raise ValueError(f"The answers of {self.name} are free text already.")
        words = self.verbalizer.words
        return replace(
            self,
            verbalizer=None,
            **{
                split: dataset([(x, words[y]) for x, y in zip(rows["x"], rows["y"], strict=True)])
                for split, rows in vars(self).items()
                if isinstance(rows, Dataset)
            },
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
        table = read_csv(path)
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
        revision: str | None = None,
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
        loaded = read_hub(name, config, split, revision)
        table = loaded.to_pandas()
        feature = loaded.features.get(label)
        if hasattr(feature, "int2str"):
            table[label] = [feature.int2str(int(value)) for value in table[label]]
        return cls._from_columns(name, table, text, label, template, words, seed)

    @classmethod
    def tables_from_csv(
        cls,
        path: str | Path,
        *,
        table: str = "mr",
        text: str = "ref",
        train: int = 200,
        validation: int = 16,
        test: int = 40,
        template: str = TABLE_TEMPLATE,
        task_words: str = "Describe what is in the table in a sentence:",
        seed: int = 0,
    ) -> "Task":
        """Tables to put into words, from a CSV file with a table and a text a row.

        The columns are called as in the E2E data (Novikova et al. 2017), whose tables are written
        `name[Alimentum], area[city centre]`. Equal tables are one table: it is in one split only.
        `train` and `validation` count pairs of a table and a text, of as many different tables as
        there are; `test` counts tables, each with all its texts. `seed` draws them, and a larger
        `train` keeps the same test set.

        Raises
        ------
        ValueError
            A file that is missing, unreadable or empty, a missing column, an empty cell, or more
            tables or pairs than there are.
        """
        rows, name = read_csv(path), Path(path).stem
        sizes = {"train": train, "validation": validation, "test": test}
        splits = split_tables(name, tables_of(name, rows, table, text), sizes, seed)
        return cls._from_tables(name, splits, sizes, template, task_words)

    @classmethod
    def tables_from_hub(
        cls,
        name: str = "GEM/e2e_nlg",
        *,
        table: str = "meaning_representation",
        text: str = "target",
        split: str = "train",
        config: str | None = None,
        revision: str | None = "refs/convert/parquet",
        train: int = 200,
        validation: int = 16,
        test: int = 40,
        template: str = TABLE_TEMPLATE,
        task_words: str = "Describe what is in the table in a sentence:",
        seed: int = 0,
    ) -> "Task":
        """As `tables_from_csv`, from one split of a data set of the Hugging Face Hub.

        The E2E data lie there twice, as "GEM/e2e_nlg" and as "tuetschek/e2e_nlg" (text
        "human_reference"). Both are programs, which `datasets` no longer runs; the default
        `revision` is the copy that the Hub itself made of their rows.

        Raises
        ------
        ValueError
            A name, split or revision that the Hub does not have, or no Hub; else as
            `tables_from_csv`.
        """
        rows = read_hub(name, config, split, revision).to_pandas()
        sizes = {"train": train, "validation": validation, "test": test}
        splits = split_tables(name, tables_of(name, rows, table, text), sizes, seed)
        return cls._from_tables(name, splits, sizes, template, task_words)

    @classmethod
    def _from_tables(
        cls,
        name: str,
        splits: Mapping[str, Tables],
        sizes: Mapping[str, int],
        template: str,
        task_words: str,
    ) -> "Task":
        chosen = {}
        for split, wanted in sizes.items():
            tables = splits[split]
            pairs = in_rounds(tables)
            unit = "tables" if split == "test" else "pairs of a table and a text"
            there = len(tables) if split == "test" else len(pairs)
            if not 1 <= wanted <= there:
                raise ValueError(
                    f"{name} has {there} {unit} for {split}; choose {split} from 1 to {there}, "
                    f"not {wanted}."
                )
            whole = [(x, y) for x in islice(tables, wanted) for y in tables[x]]
            chosen[split] = whole if split == "test" else pairs[:wanted]
        return cls(
            name=name,
            train=dataset(chosen["train"]),
            validation=dataset(chosen["validation"]),
            test=dataset(chosen["test"]),
            template=Template(template),
            verbalizer=None,
            task_words=task_words,
        )

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
        check_columns(name, table, text, label)
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

    The splits are disjoint and drawn by `seed`; a larger `train` keeps the same test set. Of
    "restaurants" there are 100 tables to test on (`test` counts tables there, see
    `Task.tables_from_csv`); "restaurants_unseen" tests on kinds of places to eat, and of food,
    that are in no table for training.

    Raises
    ------
    ValueError
        An unknown name, or more examples than there are.
    """
    if name in TABLES:
        sizes = {"train": train, "validation": validation, "test": test}
        return load_restaurants(name, sizes, seed)
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


def load_restaurants(name: str, sizes: Mapping[str, int], seed: int) -> Task:
    """Table to text: the test tables, seen or unseen kinds of places, are never trained on."""
    rows = pd.read_csv(restaurants.PATH)
    test = "unseen" if name == "restaurants_unseen" else "test"
    splits = {}
    for split, source in (("train", "train"), ("validation", "validation"), ("test", test)):
        there = rows[rows["split"] == source]
        splits[split] = shuffled(tables_of(name, there, "mr", "ref"), seed)
    words = "Describe the restaurant in the table in a sentence:"
    return Task._from_tables(name, splits, sizes, TABLE_TEMPLATE, words)


def references(examples: Dataset) -> dict[str, list[str]]:
    """Every table (or other text) of a split, once, with all the texts that answer it."""
    return by_table(zip(examples["x"], examples["y"], strict=True))


def by_table(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    tables: defaultdict[str, list[str]] = defaultdict(list)
    for table, text in pairs:
        tables[table].append(text)
    return dict(tables)


def in_rounds(tables: Tables) -> list[tuple[str, str]]:
    """A text of every table, then a second one of those that have it, and so on."""
    return [
        (table, text)
        for texts in zip_longest(*tables.values())
        for table, text in zip(tables, texts, strict=True)
        if text is not None
    ]


def split_tables(
    name: str, tables: Tables, sizes: Mapping[str, int], seed: int
) -> Mapping[str, Tables]:
    """Test and validation tables are drawn first, so that `train` does not change them."""
    for split, count in sizes.items():
        if count < 1:
            raise ValueError(f"{split}={count} is too few; ask for at least 1.")
    held_out = sizes["test"] + sizes["validation"]
    if len(tables) <= held_out:
        raise ValueError(
            f"{name} has {len(tables)} different tables, too few for {sizes['test']} to test on, "
            f"{sizes['validation']} to validate on and one to train on; ask for fewer."
        )
    left = iter(shuffled(tables, seed).items())
    return {split: dict(islice(left, sizes[split])) for split in ("test", "validation")} | {
        "train": dict(left)
    }


def shuffled(tables: Tables, seed: int) -> Tables:
    order = list(tables)
    random.Random(seed).shuffle(order)
    return {table: tables[table] for table in order}


def tables_of(name: str, rows: pd.DataFrame, table: str, text: str) -> Tables:
    check_columns(name, rows, table, text)
    return by_table(zip(rows[table].astype(str), rows[text].astype(str), strict=True))


def read_csv(path: str | Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=True)
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


def read_hub(name: str, config: str | None, split: str, revision: str | None) -> Dataset:
    try:
        return load_dataset(name, config, split=split, revision=revision)
    except (DatasetNotFoundError, OSError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"The data set {name!r} (split {split!r}) cannot be had "
            f"({str(error).splitlines()[0]}); check the name and the connection to the Hub, "
            "or load a CSV file with Task.from_csv or Task.tables_from_csv. For a data set that "
            "is a program, revision='refs/convert/parquet' is the Hub's own copy of its rows."
        ) from error


def check_columns(name: str, table: pd.DataFrame, *columns: str) -> None:
    for column in columns:
        if column not in table.columns:
            raise ValueError(
                f"{name} has no column {column!r}; its columns are {', '.join(table.columns)}."
            )
        if empty := table.index[table[column].isna()].tolist():
            raise ValueError(
                f"{name} has {len(empty)} empty cell(s) in column {column!r}, the first in "
                f"data row {empty[0] + 1}; fill or remove them."
            )


def dataset(rows: Sequence[tuple[str, int | str]]) -> Dataset:
    return Dataset.from_dict({"x": [x for x, _ in rows], "y": [y for _, y in rows]})
