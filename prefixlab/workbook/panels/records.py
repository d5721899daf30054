"""Recorded runs of a method, as its lab looks them up."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import pandas as pd

from prefixlab.methods import METHODS
from prefixlab.workbook import experiments
from prefixlab.workbook.panels.sweep import Sweep, label_of


class Records:
    """The runs that were recorded of a method, on this backbone where there are any.

    Parameters
    ----------
    method, backbone, task
        Names.
    usual
        What recorded runs can be drawn along, each with the value that it has in all runs that are
        drawn along another: `{"prefix_length": 10, "train": 256}`.
    line
        Names the line that a run is drawn on, from its row.
    place
        Where a run stands along a setting, from its name and the run's row.
    """

    def __init__(
        self,
        method: str,
        backbone: str,
        task: str,
        usual: Mapping[str, Any],
        line: Callable[[pd.Series], str],
        place: Callable[[str, Any], Any],
    ):
        self.usual = usual
        self.defaults = METHODS[method].Knobs().as_dict()
        self.runs = on_task(method, backbone, task)
        if self:
            self.runs["line"] = self.runs.apply(line, axis=1)
            for name in usual:
                self.runs[name] = self.runs.apply(partial(place, name), axis=1)
        self.sweep = cache(self.draw)

    def __bool__(self) -> bool:
        return not self.runs.empty

    @property
    def backbone(self) -> str:
        return str(self.runs.backbone.iloc[0])

    def like(self, **settings: Any) -> pd.DataFrame:
        """The runs with just these settings, a row a seed; a knob not given has its default."""
        found = self.runs
        for name, value in (self.defaults | self.usual_size | settings).items():
            if name in found:
                found = found[found[name] == value]
            elif value != self.defaults.get(name, value):
                return self.runs.iloc[:0]
        return found

    @property
    def usual_size(self) -> dict[str, Any]:
        return {"train": self.usual["train"]}

    def draw(self, x: str) -> Sweep:
        """All runs along `x`; `sweep` remembers what was drawn."""
        shown = self.runs
        fixed = {name: value for name, value in self.usual.items() if name != x}
        for name, value in fixed.items():
            shown = shown[shown[name] == value]
        common = ", ".join(f"{label_of(name)} {value}" for name, value in fixed.items())
        title = f"{common}; mean and range over the seeds, recorded on {self.backbone}"
        return Sweep(shown, x, title)


def on_task(grid: str, backbone: str, task: str) -> pd.DataFrame:
    """The recorded runs of a grid that are about this task; none where nothing was recorded."""
    runs = runs_of(grid, backbone)
    return runs if runs.empty else runs[runs.task == task].copy()


def runs_of(grid: str, backbone: str) -> pd.DataFrame:
    """The recorded runs of a grid; none where nothing was recorded: a panel works all the same."""
    try:
        return experiments.recorded(grid, backbone)
    except ValueError:
        return pd.DataFrame()


def mean_and_range(runs: pd.DataFrame) -> str:
    """What the runs of one setting came to, in words."""
    accuracy, loss, seeds = runs.accuracy, runs.loss.mean(), len(runs)
    if seeds == 1:
        return f"accuracy {accuracy.mean():.3f}, loss {loss:.3f} (one seed)"
    between = f"{accuracy.min():.3f} to {accuracy.max():.3f} over {seeds} seeds"
    return f"accuracy {accuracy.mean():.3f} ({between}), loss {loss:.3f}"
