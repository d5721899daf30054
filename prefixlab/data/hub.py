"""The Hub: a data set, or a folder with one, becomes pairs of texts by split.

A learner can mend a file, but not what others published: rows without a text or a label are left
out here, and said. Nothing of the data set is run (`datasets` 4 reads tables, not programs).
"""

from collections.abc import Mapping
from typing import Any

from datasets import ClassLabel, Dataset, Value, load_dataset

from prefixlab.arguments import shortened, text
from prefixlab.data.reading import Pair, Pairs, bare, check_columns

OFFICIAL = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test",),
}
UNLABELLED = -1  # how the Hub writes that a label is not told


def labelled_splits(name: str, loaded: Mapping[str, Dataset], x: str, y: str) -> dict[str, Pairs]:
    """The splits for training, validation and testing that a data set has, with their labels.

    A split whose labels are not told (the tests of GLUE, for example) is left out. A data set
    with a single split has that to train on, whatever it is called, and so it is with `split`.
    """
    found = {
        ours: theirs
        for ours, names in OFFICIAL.items()
        if (theirs := next((one for one in names if one in loaded), None))
    }
    if len(loaded) == 1:
        found = {"train": next(iter(loaded))}
    if "train" not in found:
        raise ValueError(
            f"{name} has no split to train on; its splits are {', '.join(loaded)}: choose one of "
            "them with split."
        )
    splits = {
        ours: pairs_of(name, theirs, loaded[theirs], x, y, labels=True)
        for ours, theirs in found.items()
    }
    if not splits["train"].rows:
        raise ValueError(
            f"The {found['train']} split of {name} has no row with a text and a label; its splits "
            f"are {', '.join(loaded)}: choose one with split."
        )
    for ours in [split for split, pairs in splits.items() if not pairs.rows]:
        del splits[ours]
        splits["train"].notes.append(f"The {found[ours]} split has no labels: not used.")
    if unused := [split for split in loaded if split not in found.values()]:
        splits["train"].notes.append(f"Other splits are not read: {', '.join(unused)}.")
    return splits


def splits_of(data: Any) -> Mapping[str, Dataset]:
    """The splits of a data set that is there already; what has none is all to train on."""
    splits = data if isinstance(data, Mapping) else {"train": data}
    if not splits or not all(isinstance(rows, Dataset) for rows in splits.values()):
        kinds = ", ".join(sorted({type(rows).__name__ for rows in splits.values()})) or "nothing"
        raise ValueError(
            f"data holds {kinds}, and splits are wanted that can be counted; give a DatasetDict or "
            "a Dataset of the package datasets, loaded without streaming."
        )
    return splits


def text_split(
    name: str, split: str, x: str, y: str, config: str | None, revision: str | None
) -> Pairs:
    """One split of a data set, with texts that answer texts."""
    rows = read_hub(name, text("split", split), config, revision)[split]
    return pairs_of(name, split, rows, x, y, labels=False)


def read_hub(
    name: Any, split: str | None, config: str | None, revision: str | None
) -> Mapping[str, Dataset]:
    """The splits of a data set, or one, or a part of one as `datasets` writes it: train[:1000]."""
    text("name", name)
    if split is not None:
        text("split", split)
    try:
        loaded = load_dataset(name, config, split=split, revision=revision)
    # What a network, a server and the files of strangers can raise is no closed list.
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        which = f" (split {split!r})" if split else ""
        raise ValueError(
            f"The data set {name!r}{which} cannot be had ({shortened(reason, 200)}); check the "
            "name and the connection to the Hub, or load a CSV file with Task.from_csv or "
            "Task.tables_from_csv. For a data set that is a program, "
            "revision='refs/convert/parquet' is the Hub's own copy of its rows."
        ) from error
    return loaded if split is None else {split: loaded}


def pairs_of(name: str, split: str, rows: Dataset, x: str, y: str, labels: bool) -> Pairs:
    """The rows that have both, as texts: `y` is a class where `labels`, and else a text as well."""
    check_columns(x, y)
    for column in (x, y):
        if column not in rows.column_names:
            raise ValueError(
                f"{name} has no column {column!r}; its columns are {', '.join(rows.column_names)}."
            )
    for column in (x,) if labels else (x, y):
        check_is_text(name, column, rows)
    answers = label_names(name, y, rows) if labels else rows[y]
    pairs = [
        Pair(bare(given), bare(answer), f"row {number} of {split}")
        for number, (given, answer) in enumerate(zip(rows[x], answers, strict=True), 1)
        if given is not None and answer is not None and bare(given) and bare(answer)
    ]
    notes = [f"The {split} split of {name}: {len(rows)} rows read."]
    if pairs and len(pairs) < len(rows):
        notes.append(f"{len(rows) - len(pairs)} of them lack a text or a label: left out.")
    return Pairs(name, pairs, notes)


def check_is_text(name: str, column: str, rows: Dataset) -> None:
    kind = rows.features[column]
    if not isinstance(kind, Value) or "string" not in kind.dtype:
        others = [one for one, of in rows.features.items() if getattr(of, "dtype", "") == "string"]
        raise ValueError(
            f"The column {column!r} of {name} holds no texts ({shortened(kind, 80)}); "
            f"those that do are {', '.join(others) or 'none'}. Tokens can be joined into texts "
            "in a CSV file, for Task.from_csv."
        )


def label_names(name: str, column: str, rows: Dataset) -> list[str | None]:
    """The labels as words: a class by its name, a whole number or a truth value as it is written.

    A class that is -1 is not told, and so is any label where -1 is the only one of its split.
    """
    kind, values = rows.features[column], list(rows[column])
    if isinstance(kind, ClassLabel):
        names: dict[int | None, str | None] = {None: None, UNLABELLED: None}
        names.update(enumerate(kind.names))
        if beyond := set(values) - names.keys():
            raise ValueError(
                f"The column {column!r} of {name} has the label {min(beyond)}, but names for "
                f"{kind.num_classes} classes, from 0; mend it in a CSV file, for Task.from_csv."
            )
        return [names[value] for value in values]
    dtype = kind.dtype if isinstance(kind, Value) else ""
    if "string" in dtype or dtype == "null":
        return values
    if dtype != "bool" and not dtype.startswith(("int", "uint")):
        what = f"numbers ({dtype})" if "float" in dtype else shortened(kind, 80)
        raise ValueError(
            f"The column {column!r} of {name} holds no classes, one a row, but {what}; name a "
            f"column that does, of {', '.join(rows.column_names)}, or give scores and lists a "
            "class each in a CSV file, for Task.from_csv."
        )
    if set(values) == {UNLABELLED}:
        return [None] * len(values)
    return [None if value is None else str(value) for value in values]
