"""Records: the rows that the recorder has added to a grid.

A grid has a file of rows, see `recording`. Where a model is in use that nothing was recorded on,
the rows of another are shown, and say so.
"""

from collections import Counter
from pathlib import Path

import pandas as pd

from prefixlab.models.loading import NAMES
from prefixlab.paths import DATA
from prefixlab.workbook import rows
from prefixlab.workbook.grids import families
from prefixlab.workbook.protocol import SAID, Run, key_of

FOLDER = DATA / "records"


def recorded(grid: str, backbone: str = "") -> pd.DataFrame:
    """The rows of a grid, one a run, with a column for every knob that was set.

    Of the runs on `backbone`; where there are none, of those on the one backbone that most were
    recorded on, never on a mix of them. Without `backbone`, all. Each row names its backbone, and
    `chosen` says whether it has the learning rate that was chosen for its knobs, or needs none.

    Raises
    ------
    ValueError
        No such record, or a damaged one.
    """
    found = rows_of(grid)
    if not found:
        here = ", ".join(sorted(file.stem for file in path_of(grid).parent.glob("*.jsonl")))
        raise ValueError(f"No runs are recorded as {grid!r}; recorded are: {here or 'none'}.")
    shown = preferred(found, backbone)
    chosen = {each: keys_chosen(grid, shown, each) for each in {row["backbone"] for row in shown}}
    return pd.DataFrame(
        {**row, "chosen": key_of(row) in chosen[row["backbone"]], **row["knobs"]} for row in shown
    ).drop(columns="knobs")


def keys_chosen(grid: str, found: list[Run], backbone: str) -> set[str]:
    """The keys of the runs of a grid at the rates that were chosen on a backbone."""
    own = [row for row in found if row["backbone"] == backbone]
    return {
        key_of(run)
        for family in families(grid)
        for each in family.competitors(own)
        for run in each.chosen(own)
    }


def preferred(found: list[Run], backbone: str) -> list[Run]:
    """The rows that are on a backbone, or else on the one that most are on; all without a name."""
    counts = Counter(row["backbone"] for row in found)
    if not (backbone and found):
        return found
    shown = backbone if backbone in counts else counts.most_common(1)[0][0]
    return [row for row in found if row["backbone"] == shown]


def rows_of(grid: str, backbone: str = "") -> list[Run]:
    """The rows of a grid, where a backbone is named of that one alone.

    Those of families with a model of their own are among them: they are the same on every backbone.

    Raises
    ------
    ValueError
        A damaged file.
    """
    path = path_of(grid)
    found = rows.read(path)
    for number, row in enumerate(found, 1):
        if missing := [name for name in (*SAID, "backbone") if name not in row]:
            raise ValueError(
                f"{path} is damaged: its line {number} does not say its {missing[0]!r}; remove "
                "that line."
            )
    return [row for row in found if row["model"] or backbone in ("", row["backbone"])]


def path_of(grid: str) -> Path:
    return FOLDER / f"{grid}.jsonl"


def called(asked: str) -> str:
    """What rows call a backbone that `load` is asked for by a name or a folder."""
    return asked if asked in NAMES else Path(asked).expanduser().resolve().name
