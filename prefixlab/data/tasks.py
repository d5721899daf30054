"""Tasks: examples to learn from and be tested on, with a template and an answer space.

Every task is three `datasets.Dataset`s (train, validation, test) with two columns: `x`, the text,
and `y`, the label (an int, where the task is a choice) or the text to write. A table to be put
into words may stand in several rows, each with another text that says it, see `references`.
"""

import csv
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow
import pyarrow.compute
from datasets import Dataset

from prefixlab import arguments
from prefixlab.data import assets, restaurants
from prefixlab.data.classes import SPLITS, labelled
from prefixlab.data.hub import official_splits, one_split
from prefixlab.data.reading import Pairs, read_csv
from prefixlab.data.tables import (
    Tables,
    check_sizes,
    chosen,
    references,
    shuffled,
    split_tables,
    tables_of,
)
from prefixlab.data.template import Template, Verbalizer, tokens_of, unknown_share

if TYPE_CHECKING:
    from prefixlab.models.backbone import Backbone

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


@dataclass(frozen=True)
class Task:
    """A task: its examples, its default template, and its answer space if it has one.

    Raises
    ------
    ValueError
        Splits that are no data sets of texts `x` and answers `y`, or have no example; a label
        that is not in the answer space.
    """

    name: str
    train: Dataset
    validation: Dataset
    test: Dataset
    template: Template
    verbalizer: Verbalizer | None  # None: the answer is free text
    task_words: str  # the task in a few words, for initialisations from real words
    notes: tuple[str, ...] = ()  # what became of the rows of a file or data set, in sentences

    def __post_init__(self) -> None:
        arguments.text("name", self.name)
        if not isinstance(self.template, Template):
            raise ValueError(f"The template {self.template!r} is no Template; write Template(…).")
        if not isinstance(self.verbalizer, Verbalizer | None):
            raise ValueError(
                f"The answers {self.verbalizer!r} are no Verbalizer; write Verbalizer((…))."
            )
        for split in SPLITS:
            check_examples(f"{self.name}, {split}", getattr(self, split), self.verbalizer)

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

    def summary(self, lm: "Backbone | None" = None) -> str:
        """What the task is made of: rows, classes, the longest text (in tokens, with `lm`)."""
        splits = {split: getattr(self, split) for split in SPLITS}
        lines = [repr(self), *(f"  {note}" for note in self.notes)]
        if self.verbalizer:
            counts = {split: Counter(rows["y"]) for split, rows in splits.items()}
            of_class = (
                f"{word!r} {sum(each)} ({' + '.join(map(str, each))})"
                for label, word in enumerate(self.verbalizer.words)
                for each in [[count[label] for count in counts.values()]]
            )
            used = sum(map(len, splits.values()))
            shares = " + ".join(SPLITS)
            lines.append(f"  {used} rows used; of each class ({shares}): {', '.join(of_class)}.")
        else:
            tables = (f"{len(references(rows))} in {split}" for split, rows in splits.items())
            lines.append(f"  Different texts or tables: {', '.join(tables)}.")

        def measure(text: str) -> int:
            return len(tokens_of(lm.tokenizer, text) if lm else text)

        unit = "tokens" if lm else "characters"
        longest = (f"{max(map(measure, rows['x']))} in {split}" for split, rows in splits.items())
        lines.append(f"  Longest text, in {unit}: {', '.join(longest)}.")
        texts = (text for rows in splits.values() for text in rows["x"])
        if lm and (share := unknown_share(lm.tokenizer, texts)):
            lines.append(f"  {share:.1%} of the tokens are unknown to the tokenizer of {lm.name}.")
        return "\n".join(lines)

    def truncated(self, lm: "Backbone", *, tokens: int) -> "Task":
        """The same task with every text cut behind its first `tokens` tokens; prints what is cut.

        The template and the answer are not counted. Two texts that begin alike can become the
        same; where one is then trained and tested on, it is said.

        Raises
        ------
        ValueError
            A number of tokens below 1, or a tokenizer that does not say where its tokens end.
        """
        arguments.whole_number("tokens", tokens, 1)
        if not lm.tokenizer.is_fast:
            raise ValueError(
                f"The tokenizer of {lm.name} does not say where a token ends; cut the texts of "
                f"{self.name} by hand."
            )
        splits, cut = {}, {}
        for split in SPLITS:
            rows = getattr(self, split)
            short = [cut_behind(lm, x, tokens) for x in rows["x"]]
            cut[split] = sum(after != x for after, x in zip(short, rows["x"], strict=True))
            splits[split] = dataset(list(zip(short, rows["y"], strict=True)))
        counts = ", ".join(f"{count} in {split}" for split, count in cut.items())
        notes = [f"Texts cut to {tokens} tokens of {lm.name}: {counts}."]
        learned, before = set(splits["train"]["x"]), set(self.train["x"])
        shared = {
            short
            for split in ("validation", "test")
            for x, short in zip(getattr(self, split)["x"], splits[split]["x"], strict=True)
            if short in learned and x not in before
        }
        if shared:
            notes.append(
                f"{len(shared)} text(s) to validate or test on are trained on now; cut less."
            )
        print("\n".join(f"{self.name}: {note}" for note in notes))
        return replace(self, **splits, notes=(*self.notes, *notes))

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        *,
        text: str,
        label: str,
        template: str = "{x}\nLabel: {y}",
        words: Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> "Task":
        """A task of the learner's own: a CSV file with a column of texts and one of labels.

        A fifth of the rows is held out for the test and a tenth for validation, of every class
        its share. A text that stands twice counts once; one with two labels is left out. `words`
        gives the answer for each label, and labels with the same answer become one class; without
        it the labels are their own answers, whether they begin with a capital or not. What became
        of the rows is printed, and `summary` says it again.

        Raises
        ------
        ValueError
            A file that `read_csv` cannot read, fewer than ten different texts, a single class, or
            labels that are no classes; see `classes.labelled`.
        """
        asked = Template(template)
        arguments.seed(seed)
        pairs = read_csv(path, text, label, key=label)
        return cls._of_classes(pairs.name, {"train": pairs}, label, asked, words, {}, seed)

    @classmethod
    def from_hub(
        cls,
        name: str,
        *,
        text: str,
        label: str,
        split: str | None = None,
        train: int | None = None,
        validation: int | None = None,
        test: int | None = None,
        config: str | None = None,
        revision: str | None = None,
        template: str = "{x}\nLabel: {y}",
        words: Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> "Task":
        """Any classification data set of the Hugging Face Hub, by name, e.g. "stanfordnlp/sst2".

        Its own splits for training, validation and testing are kept; one that it lacks, or whose
        labels it does not tell, is cut off its training examples as in `from_csv`. With `split`
        one of its splits is read, or a part as in "train[:1000]", and cut into three. `train`,
        `validation` and `test` ask for fewer rows than there are, drawn by `seed`.

        Raises
        ------
        ValueError
            A name or split that the Hub does not have, or no Hub; columns that hold something
            else than texts and classes; a size beyond what there is; else as `from_csv`.
        """
        asked = Template(template)
        arguments.seed(seed)
        sizes = {"train": train, "validation": validation, "test": test}
        check_sizes({which: size for which, size in sizes.items() if size is not None})
        given = (
            official_splits(name, text, label, config, revision)
            if split is None
            else {"train": one_split(name, split, text, label, config, revision, labels=True)}
        )
        return cls._of_classes(name, given, label, asked, words, sizes, seed)

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
        sizes = {"train": train, "validation": validation, "test": test}
        check_sizes(sizes)
        asked = Template(template)
        pairs = read_csv(path, table, text, key=table)
        return cls._of_own_tables(pairs, sizes, asked, task_words, seed)

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
        sizes = {"train": train, "validation": validation, "test": test}
        check_sizes(sizes)
        asked = Template(template)
        pairs = one_split(name, split, table, text, config, revision, labels=False)
        return cls._of_own_tables(pairs, sizes, asked, task_words, seed)

    @classmethod
    def _of_own_tables(
        cls,
        pairs: Pairs,
        sizes: Mapping[str, int],
        template: Template,
        task_words: str,
        seed: int,
    ) -> "Task":
        arguments.seed(seed)
        arguments.text("task_words", task_words)
        tables = tables_of((pair.x, pair.y) for pair in pairs.rows)
        splits = split_tables(pairs.name, tables, sizes, seed)
        task = cls._of_tables(pairs.name, splits, sizes, template, task_words, tuple(pairs.notes))
        if len(pairs.notes) > 1:  # more than how many rows there are
            print(task.summary())
        return task

    @classmethod
    def _of_tables(
        cls,
        name: str,
        splits: Mapping[str, Tables],
        sizes: Mapping[str, int],
        template: Template,
        task_words: str,
        notes: tuple[str, ...] = (),
    ) -> "Task":
        rows = chosen(name, splits, sizes)
        return cls(
            name=name,
            **{split: dataset(rows[split]) for split in SPLITS},
            template=template,
            verbalizer=None,
            task_words=task_words,
            notes=notes,
        )

    @classmethod
    def _of_classes(
        cls,
        name: str,
        given: Mapping[str, Pairs],
        column: str,
        template: Template,
        words: Any,
        sizes: Mapping[str, int | None],
        seed: int,
    ) -> "Task":
        made = labelled(name, given, column, words, sizes, seed)
        task = cls(
            name=name,
            **{split: dataset(made.splits[split]) for split in SPLITS},
            template=template,
            verbalizer=Verbalizer(made.words),
            task_words=f"choose the label: {' or '.join(made.words)}",
            notes=tuple(made.notes),
        )
        print(task.summary())
        return task


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
    arguments.one_of("task", name, NAMES)
    arguments.seed(seed)
    if name in TABLES:
        sizes = {"train": train, "validation": validation, "test": test}
        check_sizes(sizes)
        return load_restaurants(name, sizes, seed)
    # Test and validation are drawn first, so that they stay the same whatever `train` is.
    wanted = {"test": test, "validation": validation, "train": train}
    for split, count in wanted.items():
        arguments.whole_number(split, count, 2)
    rated = rated_sentences(name)
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
    with restaurants.PATH.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    test = "unseen" if name == "restaurants_unseen" else "test"
    splits = {}
    for split, source in (("train", "train"), ("validation", "validation"), ("test", test)):
        there = ((row["mr"], row["ref"]) for row in rows if row["split"] == source)
        splits[split] = shuffled(tables_of(there), seed)
    words = "Describe the restaurant in the table in a sentence:"
    return Task._of_tables(name, splits, sizes, Template(TABLE_TEMPLATE), words)


def is_text(kind: pyarrow.DataType) -> bool:
    return pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind)


def check_examples(where: str, examples: Any, verbalizer: Verbalizer | None) -> None:
    """A data set of texts `x` and answers `y`, of which none is missing or out of range."""
    if not isinstance(examples, Dataset) or not {"x", "y"} <= set(examples.column_names):
        raise ValueError(
            f"{where}: the examples are of type {type(examples).__name__} and need the columns x "
            "and y; make them with tasks.dataset([(text, label), …])."
        )
    if not len(examples):
        raise ValueError(f"{where}: there is no example; give it at least one.")
    columns = examples.select_columns(["x", "y"]).with_format("arrow")[:]
    texts, answers = columns["x"], columns["y"]
    if texts.null_count or not is_text(texts.type):
        raise ValueError(f"{where}: column x is not all texts ({texts.type}); give each a str.")
    if answers.null_count:
        raise ValueError(f"{where}: {answers.null_count} answer(s) y are missing; remove the rows.")
    if verbalizer is None:
        return
    if not pyarrow.types.is_integer(answers.type):
        raise ValueError(
            f"{where}: column y is no label ({answers.type}); number the answers from 0."
        )
    low, high = pyarrow.compute.min_max(answers).as_py().values()
    if low < 0 or high >= len(verbalizer.words):
        raise ValueError(
            f"{where}: label {low if low < 0 else high} has no answer; the {len(verbalizer.words)} "
            f"answers are of the labels 0 to {len(verbalizer.words) - 1}."
        )


def cut_behind(lm: "Backbone", text: str, tokens: int) -> str:
    """The beginning of a text that is no more than so many tokens."""
    ends = lm.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    if len(ends["input_ids"]) <= tokens:
        return text
    # A sign of several tokens, as many emoji are, ends where the last of them does.
    for last in range(tokens, 0, -1):
        short = text[: ends["offset_mapping"][last - 1][1]]
        if len(tokens_of(lm.tokenizer, short)) <= tokens:
            return short
    raise ValueError(
        f"{arguments.shortened(text)} begins with one sign of more than {tokens} tokens; cut less."
    )


def dataset(rows: Sequence[tuple[str, int | str]]) -> Dataset:
    return Dataset.from_dict({"x": [x for x, _ in rows], "y": [y for _, y in rows]})
