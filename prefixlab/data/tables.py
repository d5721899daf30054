"""Tables to put into words: which tables, and which texts of theirs, are in which split."""

import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, zip_longest

from prefixlab.data.classes import plain
from prefixlab.data.examples import Drawn, Rows, Sizes, grouped
from prefixlab.data.reading import Pairs

Tables = Mapping[str, Sequence[str]]  # a table -> the texts that say it


def tables_of(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Every table with all its texts: white space makes no other table."""
    first: dict[str, str] = {}
    return grouped((first.setdefault(plain(table), table), text) for table, text in pairs)


def split_tables(name: str, tables: Tables, sizes: Sizes, seed: int) -> Mapping[str, Tables]:
    """Test and validation tables are drawn first, so that `train` does not change them."""
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


def drawn_tables(pairs: Pairs, sizes: Sizes, seed: int) -> Drawn:
    tables = tables_of((pair.x, pair.y) for pair in pairs.rows)
    splits = split_tables(pairs.name, tables, sizes, seed)
    return Drawn(pairs.name, chosen(pairs.name, splits, sizes), (), pairs.notes)


def shuffled(tables: Tables, seed: int | str) -> Tables:
    order = list(tables)
    random.Random(seed).shuffle(order)
    return {table: tables[table] for table in order}


def chosen(name: str, splits: Mapping[str, Tables], sizes: Sizes) -> dict[str, Rows]:
    """Pairs of a table and a text: all texts of the tables to test on, else as `in_rounds`."""
    rows: dict[str, Rows] = {}
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
        rows[split] = whole if split == "test" else pairs[:wanted]
    return rows


def in_rounds(tables: Tables) -> list[tuple[str, str]]:
    """A text of every table, then a second one of those that have it, and so on."""
    return [
        (table, text)
        for texts in zip_longest(*tables.values())
        for table, text in zip(tables, texts, strict=True)
        if text is not None
    ]
