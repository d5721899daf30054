"""Recorded runs of a method, as its lab looks them up."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from prefixlab.methods import METHODS
from prefixlab.workbook.grids import families
from prefixlab.workbook.language import gettext
from prefixlab.workbook.panels.knobs import name_of
from prefixlab.workbook.protocol import Family, Run

MEASURED = ("accuracy", "loss", "losses", "seed", "rate", "train", "family", "backbone")


class Records:
    """What the grid of a method has recorded on a backbone.

    Parameters
    ----------
    method
        Its name, which is that of its grid.
    rows
        All rows of the grid on one backbone; there may be none yet.
    line
        Names the line that the runs of a family are drawn on, from the family's name.
    place
        Where a setting stands on its axis, from its name and its value.

    Attributes
    ----------
    first
        The knobs of the grid's first family, and its number of training sentences: the settings
        that a lab begins with, and that a run has where nothing else is said.
    usual
        The settings that runs of a family differ in, as they are in the first: what runs can be
        drawn along, each with the value that it has in all runs that are drawn along another.
    rates
        By the knobs of recorded runs, see `key`, the rate that was chosen, or None before that.
    untrained
        By the name of its family, the row of what has nothing to train.
    """

    def __init__(
        self,
        method: str,
        rows: Sequence[Run],
        line: Callable[[str], str],
        place: Callable[[str, Any], Any],
    ):
        self.families = [family for family in families(method) if family.method == method]
        self.defaults = METHODS[method].Knobs().as_dict()
        self.first = self.knobs(self.families[0])
        settings = [setting for family in self.families for setting in family.settings]
        self.usual = {name: self.first[name] for setting in settings for name in setting}
        self.line, self.place = line, place
        self.backbone: str = rows[0]["backbone"] if rows else ""
        self.rates = {
            self.key(self.knobs(each)): each.rate(rows)
            for family in self.families
            for each in family.competitors(rows)
        }
        self.runs = pd.DataFrame(  # family by family, so that each has its colour on every axis
            [
                self.defaults | row["knobs"] | {name: row.get(name) for name in MEASURED}
                for family in self.families
                for row in rows
                if row["family"] == family.name
            ],
            columns=[*self.defaults, *MEASURED],
        )
        self.untrained = {row["family"]: row for row in rows if row["rate"] is None}

    def __bool__(self) -> bool:
        return not self.runs.empty

    def knobs(self, family: Family) -> dict[str, Any]:
        """All knobs of a family's usual runs, and their number of training sentences."""
        return self.defaults | dict(family.knobs) | {"train": family.train}

    def key(self, settings: Mapping[Any, Any]) -> frozenset[tuple[str, Any]]:
        """What decides a learning rate: all knobs, and the number of training sentences."""
        return frozenset((name, settings[name]) for name in (*self.defaults, "train"))

    def rate(self, **settings: Any) -> float | None:
        """The rate that was chosen for these settings; what is not given is as in the first.

        None before that, and for settings that no rate was looked for with.
        """
        return self.rates.get(self.key(self.first | settings))

    def family(self, **settings: Any) -> Family | None:
        """The family that a run with these settings is of; a run unlike all of them has none.

        What only its `settings` change is left to the family; all other knobs decide.
        """
        asked, decide = self.first | settings, self.defaults.keys() - self.usual.keys()
        for family in self.families:
            if all(self.knobs(family)[name] == asked[name] for name in decide):
                return family
        return None

    def like(self, rate: float | None = None, **settings: Any) -> pd.DataFrame:
        """The runs with just these settings, a row a seed; what is not given is as in the first.

        Without a rate, those at the one that was chosen for their family.
        """
        family = self.family(**settings)
        if family is None:
            return self.runs.iloc[:0]
        wanted = self.first | settings | {"rate": rate or self.rate(**settings)}
        found = self.runs
        for name, value in wanted.items():
            found = found[found[name] == value]
        return found

    @property
    def axes(self) -> tuple[str, ...]:
        """What runs can be drawn along."""
        return *self.usual, "rate"

    @property
    def chosen(self) -> dict[str, float]:
        """By the line, the learning rate that was chosen for its usual runs."""
        rates = {family.name: self.rate(**self.knobs(family)) for family in self.families}
        return {self.line(name): rate for name, rate in rates.items() if rate}

    def along(self, x: str) -> pd.DataFrame:
        """The runs along `x`, each with its `line`, at the rates that were chosen.

        Along the learning rate, those at all rates that were tried.
        """
        runs = self.runs
        for name, value in self.fixed(x).items():
            runs = runs[runs[name] == value]
        if x != "rate":
            rates = [self.rates.get(self.key(run)) for run in runs.to_dict("records")]
            runs = runs[runs.rate == pd.Series(rates, runs.index, float)]
        places = {x: runs[x].map(partial(self.place, x))}
        return runs.assign(line=runs.family.map(self.line), **places)

    def fixed(self, x: str) -> dict[str, Any]:
        """What all runs along `x` have in common."""
        return {name: value for name, value in self.usual.items() if name != x}

    def about(self, x: str) -> str:
        """The runs along `x` in words."""
        fixed = [
            f"{gettext(name_of(name))} {self.place(name, value)}"
            for name, value in self.fixed(x).items()
        ]
        rates = [] if x == "rate" else [gettext("each at its chosen rate")]
        seeds = gettext("mean and range over seeds")
        where = gettext("recorded on {backbone}").format(backbone=self.backbone)
        return "; ".join([*fixed, *rates, seeds, where]) + "."


def mean_and_range(runs: pd.DataFrame) -> str:
    """What the runs of one setting came to, in words."""
    accuracy, loss, seeds = runs.accuracy, runs.loss.mean(), len(runs)
    if seeds == 1:
        said = gettext("accuracy {mean:.3f}, loss {loss:.3f} (one seed)")
    else:
        said = gettext(
            "accuracy {mean:.3f} ({low:.3f} to {high:.3f} over {seeds} seeds), loss {loss:.3f}"
        )
    span = {"low": accuracy.min(), "high": accuracy.max(), "seeds": seeds}
    return said.format(mean=accuracy.mean(), loss=loss, **span)
