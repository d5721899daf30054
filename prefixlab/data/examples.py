"""Examples: a split of a task is a `datasets.Dataset` of texts `x` and their answers `y`.

An answer is a label (an int, where the task is a choice) or the text to write. A table to be put
into words may stand in several rows, each with another text that says it, see `references`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datasets import Dataset
from pyarrow import compute, types

from prefixlab.arguments import whole_number
from prefixlab.data.template import Verbalizer

SPLITS = ("train", "validation", "test")

Rows = Sequence[tuple[str, int | str]]
Sizes = Mapping[str, int]  # how many examples a split is to have


@dataclass(frozen=True)
class Drawn:
    """What is drawn from data: rows by split, and in sentences what became of the others."""

    name: str
    splits: Mapping[str, Rows]
    words: tuple[str, ...]  # the answer of every class; none where the answers are free text
    notes: list[str]


def dataset(rows: Rows) -> Dataset:
    """A split of these rows, a text and its answer each."""
    return Dataset.from_dict({"x": [x for x, _ in rows], "y": [y for _, y in rows]})


def datasets(rows: Mapping[str, Rows]) -> dict[str, Dataset]:
    """The three splits of a task, by name."""
    return {split: dataset(rows[split]) for split in SPLITS}


def rows_of(examples: Dataset) -> list[tuple[str, Any]]:
    """The inverse of `dataset`."""
    return list(zip(examples["x"], examples["y"], strict=True))


def references(examples: Dataset) -> dict[str, list[str]]:
    """Every table (or other text) of a split, once, with all the texts that answer it."""
    return grouped(rows_of(examples))


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """All the seconds that stand with each first, in the order in which they come."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for first, second in pairs:
        groups[first].append(second)
    return dict(groups)


def checked_sizes(fewest: int = 1, **sizes: int | None) -> dict[str, int]:
    """How many examples the splits are to have, for those of which it is said."""
    return {
        split: whole_number(split, size, fewest)
        for split, size in sizes.items()
        if size is not None
    }


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
    kind = texts.type
    if texts.null_count or not (types.is_string(kind) or types.is_large_string(kind)):
        raise ValueError(f"{where}: column x is not all texts ({kind}); give each a str.")
    if answers.null_count:
        raise ValueError(f"{where}: {answers.null_count} answer(s) y are missing; remove the rows.")
    if verbalizer is None:
        return
    if not types.is_integer(answers.type):
        raise ValueError(
            f"{where}: column y is no label ({answers.type}); number the answers from 0."
        )
    low, high = compute.min_max(answers).as_py().values()
    if low < 0 or high >= len(verbalizer.words):
        raise ValueError(
            f"{where}: label {low if low < 0 else high} has no answer; the {len(verbalizer.words)} "
            f"answers are of the labels 0 to {len(verbalizer.words) - 1}."
        )
