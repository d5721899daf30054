"""Evidence: what recorded runs say about a comparison, and how sure that is.

    words - noise                        by how much some runs are ahead of others
    mean_of(a, b), spread_of(a, b)       of several: their mean, and from the worst to the best
    (a - b) - (c - d)                    by how much more a is ahead of b than c of d

All scores are better when higher: accuracy in points, or minus the loss in nats. They are taken
sentence by sentence from the margins of a row. Runs of one seed learned from the same sentences,
and all runs were tested on the same, so that every comparison is one in pairs.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray
from scipy.stats import norm, t as student

from prefixlab.workbook import rows
from prefixlab.workbook.grids import GRIDS
from prefixlab.workbook.measuring import task_of
from prefixlab.workbook.protocol import FEWER, TRAIN, Run, key_of
from prefixlab.workbook.records import path_of

Array = NDArray[np.float64]
FAMILIES = {family.name: family for grid in GRIDS.values() for family in grid()}
DRAWS = 4000  # of the bootstrap


class Score:
    """What is compared: the score of runs, or what is made of such scores."""

    def __sub__(self, other: "Score") -> "Score":
        return Made(np.subtract, (self, other))

    def runs(self) -> list["Runs"]:
        """All runs that it is made of."""
        raise NotImplementedError

    def value(self, of: Callable[["Runs"], Array]) -> Array:
        """The score, given that of any runs."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Runs(Score):
    """The runs of a family of `grids`, in one of its settings, at the rate chosen for the family.

    `calibrated`: with the scores corrected by those of a text without content.
    """

    family: str
    setting: Mapping[str, Any] = field(default_factory=dict)
    calibrated: bool = False

    def runs(self) -> list["Runs"]:
        return [self]

    def value(self, of: Callable[["Runs"], Array]) -> Array:
        return of(self)


@dataclass(frozen=True, eq=False)
class Made(Score):
    """A score that is computed from others."""

    how: Callable[..., Array]
    parts: tuple[Score, ...]

    def runs(self) -> list[Runs]:
        return [runs for part in self.parts for runs in part.runs()]

    def value(self, of: Callable[[Runs], Array]) -> Array:
        return self.how(*(part.value(of) for part in self.parts))


def mean_of(*scores: Score) -> Score:
    return Made(lambda *values: np.mean(values, axis=0), scores)


def spread_of(*scores: Score) -> Score:
    """How far the best is ahead of the worst."""
    return Made(lambda *values: np.ptp(values, axis=0), scores)


@dataclass(frozen=True)
class Evidence:
    """By how much a comparison is ahead, in points or nats, with its 95% interval.

    `of_seeds` is what each seed says alone; nothing varies between seeds where nothing is trained.
    """

    effect: float
    low: float
    high: float
    of_seeds: tuple[float, ...]
    sentences: int


def labels_of(row: Run) -> Array:
    """The right answers to the test sentences of a row, 0 or 1, [sentences]."""
    return right_answers(row["task"], row["test"])


@lru_cache
def right_answers(task: str, test: int) -> Array:
    asked = {"task": task, "train": TRAIN, "test": test, "seed": 0}
    return np.array(task_of(asked).test["y"], float)


class Records:
    """Rows of one backbone, looked up by what a claim calls them.

    Of several backbones it is the one with most rows: scores of two are never mixed.
    """

    def __init__(self, rows: Iterable[Run], labels: Callable[[Run], Array] = labels_of):
        found = list(rows)
        counts = Counter(row["backbone"] for row in found)
        self.backbone: str = counts.most_common(1)[0][0] if counts else ""
        self.rows = [row for row in found if row["backbone"] == self.backbone]
        self.labels = labels

    @classmethod
    def read(cls) -> "Records":
        """All that is recorded.

        Raises
        ------
        ValueError
            A damaged file.
        """
        return cls(row for grid in GRIDS for row in rows.read(path_of(grid)))

    def of(self, runs: Runs) -> dict[int, Run]:
        """The rows of these runs by their seeds; none before the search for the rate has ended."""
        family = FAMILIES[runs.family]
        own = [row for row in self.rows if row["family"] == family.name]
        rate, wanted = family.rate(own), list[Run]()
        if family.middle is None:
            wanted = [family.run(0, None)]
        elif rate is not None:
            wanted = [family.run(seed, rate, runs.setting) for seed in range(family.seeds)]
        done = {key_of(row): row for row in own}
        return {run["seed"]: done[key] for run in wanted if (key := key_of(run)) in done}

    def scores(self, row: Run, measure: str, calibrated: bool) -> Array:
        """The score of every test sentence, [sentences].

        Raises
        ------
        ValueError
            The margins do not give the accuracy of the row: it was tested on other sentences.
        """
        labels, margins = self.labels(row), np.array(row["margins"])
        near = np.mean(np.abs(margins) < 0.01)  # rounding may have turned these
        if (
            len(margins) != len(labels)
            or abs(np.mean((margins > 0) == labels) - row["accuracy"]) > near + 1e-4
        ):
            raise ValueError(
                f"A row of {row['family']!r}, seed {row['seed']}, has an accuracy of "
                f"{row['accuracy']:.3f}, which its margins do not give: it was tested on other "
                "sentences; remove it and record it again."
            )
        if calibrated:
            margins = margins - row["content_free"]
        if measure == "accuracy":
            return 100.0 * ((margins > 0) == labels)
        ahead = np.where(labels == 1, margins, -margins)  # how far the right answer is
        return -np.logaddexp(0, -ahead)  # log p(right) = -log(1 + e^-ahead)

    def weigh(self, comparison: Score, measure: str) -> Evidence | None:
        """What the rows say, over the seeds that all runs have; None while there are too few.

        Raises
        ------
        ValueError
            A row that was tested on other sentences.
        """
        found = {runs: self.of(runs) for runs in comparison.runs()}
        untrained = {runs for runs in found if FAMILIES[runs.family].middle is None}
        trained = [set(by_seed) for runs, by_seed in found.items() if runs not in untrained]
        seeds = sorted(set.intersection(*trained)) if trained else [0]
        if not all(found.values()) or (trained and len(seeds) < FEWER):
            return None
        table = {  # [seeds, sentences] each; what is not trained is the same for all seeds
            runs: np.stack(
                [
                    self.scores(by_seed[0 if runs in untrained else seed], measure, runs.calibrated)
                    for seed in seeds
                ]
            )
            for runs, by_seed in found.items()
        }
        low, high = middle(comparison.value(lambda runs: resampled(table[runs])))
        return Evidence(
            effect=float(comparison.value(lambda runs: table[runs].mean())),
            low=low,
            high=high,
            of_seeds=tuple(comparison.value(lambda runs: table[runs].mean(1)).tolist()),
            sentences=next(iter(table.values())).shape[1],
        )


def resampled(scores: Array) -> Array:
    """What the mean of scores, [seeds, sentences], might have been as well, [DRAWS].

    A bootstrap of two levels, in which all comparisons draw alike: other seeds of those there are,
    and other sentences, each with replacement; both deviations add up. A handful of seeds hides a
    part of its own spread, and a percentile of so few draws is not that of the normal: theirs is
    stretched to the width of Student's interval (Hesterberg 2015, "What teachers should know about
    the bootstrap"). What a seed does to single sentences is in both deviations: the interval is
    rather too wide than too narrow.
    """
    mean, seeds = scores.mean(), len(scores)
    of_seeds = shares(seeds, 0) @ scores.mean(1) - mean
    of_sentences = shares(scores.shape[1], 1) @ scores.mean(0) - mean
    return mean + stretch(seeds) * of_seeds + of_sentences


def middle(drawn: Array) -> tuple[float, float]:
    """The ends of the middle 95% of what was drawn."""
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


@lru_cache
def shares(n: int, level: int) -> Array:
    """How often each of n is drawn when n are drawn with replacement, over n, [DRAWS, n]."""
    return default_rng([level, n]).multinomial(n, np.full(n, 1 / n), DRAWS) / n


def stretch(n: int) -> float:
    """t / 1.96 * sqrt(n / (n - 1)): from the bootstrap's interval of n values to Student's."""
    if n == 1:
        return 0.0
    return float(student.ppf(0.975, n - 1) / norm.ppf(0.975) * np.sqrt(n / (n - 1)))
