"""A run of the learner's: what was asked for, how far it is, and what came out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from prefixlab.evaluation.choices import Evaluation
from prefixlab.training.loop import Recipe
from prefixlab.workbook.language import gettext
from prefixlab.workbook.measuring import recipe
from prefixlab.workbook.page import Tracked
from prefixlab.workbook.protocol import STEPS

UNKNOWN = "—"


@dataclass(eq=False)
class Run:
    """One run. Its `state` is one of `state.STATES`."""

    settings: dict[str, Any]
    steps: int
    rate: float
    head_rate: float  # 0: the same
    usual_rate: float  # of the recorded runs with these knobs
    number: int = 0
    look: int = 0
    state: str = "ready"
    losses: list[float] = field(default_factory=list)
    validations: dict[int, Evaluation] = field(default_factory=dict)  # by step, 0 for untrained
    seconds: float = 0.0
    result: Evaluation | None = None

    @property
    def recipe(self) -> Recipe:
        return recipe(self.steps, self.rate, 0, self.head_rate)

    @property
    def best_step(self) -> int | None:
        """The step that was kept, where any was validated."""
        trained = {step: found.loss for step, found in self.validations.items() if step}
        return min(trained, key=trained.__getitem__, default=None)

    @property
    def outcome(self) -> str:
        """Its accuracy with the interval, or how far it is."""
        if self.result is None or self.result.interval is None:
            said = gettext("{state}, step {step} of {steps}")
            return said.format(state=gettext(self.state), step=len(self.losses), steps=self.steps)
        low, high = self.result.interval
        said = gettext("{accuracy:.3f} ({low:.3f} to {high:.3f})")
        return said.format(accuracy=self.result.accuracy, low=low, high=high)

    def difference(self, recorded: pd.DataFrame) -> str:
        """By how much its accuracy is above the mean of recorded runs, where there are any."""
        if self.result is None or not len(recorded):
            return UNKNOWN
        return f"{(self.result.accuracy or 0) - recorded.accuracy.mean():+.3f}"

    def stands_along(self, x: str) -> bool:
        """Whether it is like the recorded runs that are drawn along `x`, but for its settings."""
        return self.steps == STEPS and (x == "rate" or self.rate == self.usual_rate)

    def tracked(self, knobs: Mapping[str, str], recorded: pd.DataFrame) -> Tracked:
        """What the page shows of it; `knobs` are its own in words."""
        return Tracked(
            number=self.number,
            look=self.look,
            knobs=knobs,
            losses=self.losses,
            validations=self.validations,
            kept=self.best_step if self.result else None,
            outcome=self.outcome,
            difference=self.difference(recorded),
        )
