"""What was tried in this notebook: panels that measure add a result, the comparison shows all.

The list lives as long as the kernel. Recorded runs are results too, made from their rows.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from traitlets import HasTraits, Tuple

from prefixlab.methods import METHODS
from prefixlab.models.geometry import Geometry


@dataclass(frozen=True)
class Result:
    """One way of steering, and what came out of it.

    `seconds` are seconds of the processor, of all threads together, for preparing and training;
    `runs` is how many seeds the figures are the mean of.
    """

    method: str
    knobs: dict[str, Any]
    accuracy: float
    loss: float
    trained: int  # parameters while training
    stored: int  # bytes afterwards
    seconds: float
    source: str  # "yours", or "recorded on …"
    runs: int = 1

    @classmethod
    def of(
        cls,
        geometry: Geometry,
        method: str,
        knobs: dict[str, Any],
        *,
        accuracy: float,
        loss: float,
        seconds: float,
        source: str = "yours",
        runs: int = 1,
    ) -> "Result":
        """A result whose parameters and bytes follow from the method and its knobs.

        `knobs` may say more than the method's own, such as which examples were drawn.
        """
        kind = METHODS[method]
        own = {field.name for field in kind.Knobs.declared()} & knobs.keys()
        cost = kind.cost(geometry, **{name: knobs[name] for name in own})
        return cls(
            method, knobs, accuracy, loss, cost.trained, cost.stored_bytes, seconds, source, runs
        )


class Tried(HasTraits):
    """The results of this kernel, newest last; watch `results` to follow it."""

    results = Tuple()

    def add(self, result: Result) -> None:
        self.results = (*self.results, result)


tried = Tried()


def from_records(geometry: Geometry, rows: pd.DataFrame, knobs: list[str]) -> list[Result]:
    """Recorded rows of one method as results, the seeds of one setting together."""
    return [
        Result.of(
            geometry,
            group.method.iloc[0],
            dict(zip(knobs, setting, strict=True)),
            accuracy=float(group.accuracy.mean()),
            loss=float(group.loss.mean()),
            seconds=float(group.cpu_seconds.mean()),
            source=f"recorded on {group.backbone.iloc[0]}",
            runs=len(group),
        )
        for setting, group in (rows.groupby(knobs) if knobs else [((), rows)])
    ]
