"""Completeness: whether a grid has what the protocol asks for, and what its rows leave open."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from prefixlab.workbook.grids import families
from prefixlab.workbook.protocol import LADDER, key_of
from prefixlab.workbook.records import rows_of

ENDS = (LADDER[0], LADDER[-1])


@dataclass(frozen=True)
class Completeness:
    """What a grid has and lacks; all but the first three by family."""

    grid: str
    backbone: str
    rows: int
    to_come: Mapping[str, int]  # runs
    at_end: Mapping[str, float]  # rates
    falling: Mapping[str, int]  # runs at the chosen rate that were best at their last step
    unasked: Mapping[str, int]  # rows

    def __str__(self) -> str:
        state = f"about {sum(self.to_come.values())} to come" if self.to_come else "complete"
        parts = {
            "to come": self.to_come,
            "best at an end of the ladder of rates": self.at_end,
            "loss still falling at the last step": self.falling,
            "asked for by no family (older than the protocol, or there twice)": self.unasked,
        }
        lines = [
            f"  {what}: " + "; ".join(f"{family} ({found:g})" for family, found in of.items())
            for what, of in parts.items()
            if of
        ]
        return "\n".join([f"{self.grid}: {self.rows} rows on {self.backbone}, {state}", *lines])


def completeness(grid: str, backbone: str) -> Completeness:
    """What a grid has and lacks on a backbone, as its rows call it.

    Raises
    ------
    ValueError
        No such grid, or a damaged record.
    """
    found = rows_of(grid, backbone)
    every = families(grid)
    competitors = [each for family in every for each in family.competitors(found)]
    ends = {each.name: rate for each in competitors if (rate := each.rate(found)) in ENDS}
    asked = {key_of(run) for family in every for run in family.asked(found)}
    chosen = {key_of(run) for each in competitors for run in each.chosen(found)}
    spare = Counter(map(key_of, found)) - Counter(asked)
    names = {key_of(row): row["family"] for row in found}
    falling = Counter(
        row["family"]
        for row in found
        if key_of(row) in chosen and row["rate"] is not None and row["best_step"] == row["steps"]
    )
    unasked: Counter[str] = Counter()
    for key, times in spare.items():
        unasked[names[key]] += times
    return Completeness(
        *(grid, backbone, len(found)),
        to_come={family.name: left for family in every if (left := family.to_come(found))},
        at_end=ends,
        falling=falling,
        unasked=unasked,
    )
