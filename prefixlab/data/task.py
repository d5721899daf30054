"""Task: examples to learn from and be tested on, with a template and an answer space."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from datasets import Dataset, DatasetDict

from prefixlab import arguments
from prefixlab.data.classes import labelled
from prefixlab.data.examples import (
    SPLITS,
    Drawn,
    check_examples,
    checked_sizes,
    dataset,
    datasets,
    references,
    rows_of,
)
from prefixlab.data.hub import labelled_splits, read_hub, splits_of, text_split
from prefixlab.data.reading import read_csv
from prefixlab.data.tables import drawn_tables
from prefixlab.data.template import Template, Verbalizer, cut_behind, tokens_of, unknown_share

if TYPE_CHECKING:
    from prefixlab.models.backbone import Backbone

TABLE_TEMPLATE = "Table: {x}\nText: {y}"
TABLE_WORDS = "Describe what is in the table in a sentence:"


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
        arguments.text("task_words", self.task_words)
        if not isinstance(self.template, Template):
            raise ValueError(f"The template {self.template!r} is no Template; write Template(…).")
        if not isinstance(self.verbalizer, Verbalizer | None):
            raise ValueError(
                f"The answers {self.verbalizer!r} are no Verbalizer; write Verbalizer((…))."
            )
        for split, examples in self.splits.items():
            check_examples(f"{self.name}, {split}", examples, self.verbalizer)

    def __repr__(self) -> str:
        answers = " / ".join(self.verbalizer.words) if self.verbalizer else "free text"
        return (
            f"{self.name}: {len(self.train)} train, {len(self.validation)} validation, "
            f"{len(self.test)} test; {answers}"
        )

    @property
    def splits(self) -> dict[str, Dataset]:
        return {split: getattr(self, split) for split in SPLITS}

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
        written = {
            split: dataset([(x, words[y]) for x, y in rows_of(examples)])
            for split, examples in self.splits.items()
        }
        return replace(self, verbalizer=None, **written)

    def summary(self, lm: "Backbone | None" = None) -> str:
        """What the task is made of: rows, classes, the longest text (in tokens, with `lm`)."""
        splits = self.splits
        lines = [repr(self), *self.notes]
        if self.verbalizer:
            counts = [Counter(rows["y"]) for rows in splits.values()]
            used, shares, of_class = sum(map(len, splits.values())), " + ".join(SPLITS), []
            for label, word in enumerate(self.verbalizer.words):
                of_split = [count[label] for count in counts]
                of_class.append(f"{word!r} {sum(of_split)} ({' + '.join(map(str, of_split))})")
            lines.append(f"{used} rows used; of each class ({shares}): {', '.join(of_class)}.")
        else:
            different = in_each(lambda split: len(references(splits[split])))
            lines.append(f"Different texts or tables: {different}.")

        def size(text: str) -> int:
            return len(tokens_of(lm.tokenizer, text) if lm else text)

        longest = in_each(lambda split: max(map(size, splits[split]["x"])))
        lines.append(f"Longest text, in {'tokens' if lm else 'characters'}: {longest}.")
        texts = (text for rows in splits.values() for text in rows["x"])
        if lm and (share := unknown_share(lm.tokenizer, texts)):
            lines.append(f"{share:.1%} of the tokens are unknown to the tokenizer of {lm.name}.")
        return "\n  ".join(lines)

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
        texts = {  # whole and cut
            split: [(x, cut_behind(lm.tokenizer, x, tokens)) for x in rows["x"]]
            for split, rows in self.splits.items()
        }
        counts = in_each(lambda split: sum(x != short for x, short in texts[split]))
        notes = [f"Texts cut to {tokens} tokens of {lm.name}: {counts}."]
        before, learned = map(set, zip(*texts["train"], strict=True))
        held_out = [*texts["validation"], *texts["test"]]
        if shared := {short for x, short in held_out if short in learned and x not in before}:
            notes.append(
                f"{len(shared)} text(s) to validate or test on are trained on now; cut less."
            )
        print("\n".join(f"{self.name}: {note}" for note in notes))
        splits = {
            split: dataset([(x, y) for (_, x), y in zip(texts[split], rows["y"], strict=True)])
            for split, rows in self.splits.items()
        }
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
        return cls._of(labelled(pairs.name, {"train": pairs}, label, words, {}, seed), asked)

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
        sizes = checked_sizes(train=train, validation=validation, test=test)
        given = labelled_splits(name, read_hub(name, split, config, revision), text, label)
        return cls._of(labelled(name, given, label, words, sizes, seed), asked)

    @classmethod
    def from_datasets(
        cls,
        data: DatasetDict | Dataset,
        *,
        text: str,
        label: str,
        name: str = "own data",
        template: str = "{x}\nLabel: {y}",
        words: Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> "Task":
        """As `from_hub`, from a data set of the package `datasets` that is there already.

        Raises
        ------
        ValueError
            What is no DatasetDict and no Dataset, or is streamed; else as `from_hub`.
        """
        asked = Template(template)
        arguments.seed(seed)
        given = labelled_splits(arguments.text("name", name), splits_of(data), text, label)
        return cls._of(labelled(name, given, label, words, {}, seed), asked)

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
        task_words: str = TABLE_WORDS,
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
        asked = Template(template)
        arguments.seed(seed)
        sizes = checked_sizes(train=train, validation=validation, test=test)
        pairs = read_csv(path, table, text, key=table)
        return cls._of(drawn_tables(pairs, sizes, seed), asked, task_words)

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
        task_words: str = TABLE_WORDS,
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
        asked = Template(template)
        arguments.seed(seed)
        sizes = checked_sizes(train=train, validation=validation, test=test)
        pairs = text_split(name, split, table, text, config, revision)
        return cls._of(drawn_tables(pairs, sizes, seed), asked, task_words)

    @classmethod
    def _of(cls, drawn: Drawn, template: Template, task_words: str = "") -> "Task":
        words = drawn.words
        task = cls(
            name=drawn.name,
            **datasets(drawn.splits),
            template=template,
            verbalizer=Verbalizer(words) if words else None,
            task_words=f"choose the label: {' or '.join(words)}" if words else task_words,
            notes=tuple(drawn.notes),
        )
        if words or len(drawn.notes) > 1:  # more than how many rows there are
            print(task.summary())
        return task


def in_each(number: Callable[[str], int]) -> str:
    return ", ".join(f"{number(split)} in {split}" for split in SPLITS)
