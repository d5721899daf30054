"""Evidence: what recorded runs say about a comparison, and how sure that is.

    words - noise                        by how much some runs are ahead of others
    mean_of(a, b), spread_of(a, b)       of several: their mean, and from the worst to the best
    (a - b) - (c - d)                    by how much more a is ahead of b than c of d

All scores are better when higher: accuracy in points, minus the loss in nats, BLEU of single texts,
minus the divergence of a cartridge from the model that read its text.
They are taken sentence by sentence from the margins or the scores of a row. Runs of one seed
learned from the same sentences, and all runs were tested on the same, so that every comparison is
one in pairs.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.random import default_rng
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, t as student
from torch import Tensor

from prefixlab.serving.ensembles import majority_vote, mean_probability
from prefixlab.workbook import rows
from prefixlab.workbook.distillation import divergence
from prefixlab.workbook.grids import GRIDS
from prefixlab.workbook.measuring import tested_on
from prefixlab.workbook.protocol import ELSEWHERE, FEWER, LADDER, Family, Run, key_of
from prefixlab.workbook.records import path_of

Array = NDArray[np.float64]
FAMILIES = {family.name: family for grid in GRIDS.values() for family in grid()}
DRAWS = 4000  # of the bootstrap
VOTE, MEAN = "vote", "mean"


def margins_of(row: Run) -> Array:
    """How far the second answer is ahead of the first, [sentences], where none is 0.

    A row has two decimals, and -0.00 is one that is a little behind: there the sign alone says
    which answer was chosen. What is 0 so becomes the middle of what it may have been.
    """
    margins = np.array(row["margins"], float)
    return np.where(margins == 0, np.copysign(0.0025, margins), margins)


def two_answers(margins: ArrayLike) -> Tensor:
    """Scores of two answers by which the second is so far ahead, [..., 2]."""
    ahead = torch.as_tensor(np.asarray(margins, float))
    return torch.stack([torch.zeros_like(ahead), ahead], dim=-1)


def mean_margins(scored: Tensor) -> Tensor:
    """How far the second answer is ahead by the mean of the probabilities, [sentences]."""
    log = mean_probability(scored).log()
    return log[:, 1] - log[:, 0]


# By how some runs judge a sentence together, their margins [sentences] from scores of two answers,
# [runs, sentences, 2]; a vote says which answer, and not how sure that is.
TOGETHER: dict[str, Callable[[Tensor], Tensor]] = {
    VOTE: lambda scored: majority_vote(scored) - 0.5,
    MEAN: mean_margins,
}


class Score(ABC):
    """What is compared: the score of runs, or what is made of such scores."""

    def __sub__(self, other: "Score") -> "Score":
        return Made(np.subtract, (self, other))

    @abstractmethod
    def runs(self) -> list["Runs"]:
        """All runs that it is made of."""

    @abstractmethod
    def value(self, of: Callable[["Runs"], Array]) -> Array:
        """The score, given that of any runs."""


@dataclass(frozen=True, eq=False)
class Runs(Score):
    """The runs of a family of `grids`, in one of its settings, at the rate that was chosen for it.

    `calibrated`: with the scores corrected by those of a text without content. `rungs` above the
    rate that was chosen, or below it, stands another on the protocol's ladder. `on`: tested on
    another task. `together`: all seeds judge each sentence as one, by a `VOTE` or by the `MEAN` of
    their probabilities. `greedy`: by texts that were written greedily, where the measure is of
    those of beam search.
    """

    family: str
    setting: Mapping[str, Any] = field(default_factory=dict)
    calibrated: bool = False
    rungs: int = 0
    on: str = ""
    together: str = ""
    greedy: bool = False

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


def best_of(score: Score) -> Score:
    """The best of the seeds, as the score of each."""
    return Made(lambda value: np.broadcast_to(value.max(0), value.shape), (score,))


@dataclass(frozen=True)
class Evidence:
    """By how much a comparison is ahead, in points or nats, with its 95% interval.

    `of_seeds` is what each seed says alone; nothing varies between seeds where nothing is trained.
    `sentences` are those of one test: of several tests, those of the smallest. `models` are those
    of the rows: the backbone, or the family of small models that were made for a lesson.
    """

    effect: float
    low: float
    high: float
    of_seeds: tuple[float, ...]
    sentences: int
    models: tuple[str, ...]


def model_of(row: Run) -> str:
    """The model of a row; of "tiny-lm, width 24" and its like what they have in common."""
    name: str = row["model"] or row["backbone"]
    return name.split(",")[0]


def labels_of(row: Run) -> Array:
    """The right answers to the test sentences of a row, 0 or 1, [sentences]."""
    return right_answers(row["task"], row["test"])


@lru_cache
def right_answers(task: str, test: int) -> Array:
    return np.array(tested_on(task, test).test["y"], float)


class Records:
    """Rows of one backbone, looked up by what a claim calls them.

    Of several backbones it is the one with most rows: scores of two are never mixed.
    """

    def __init__(self, rows: Iterable[Run], labels: Callable[[Run], Array] = labels_of):
        found = list(rows)
        counts = Counter(row["backbone"] for row in found if not row["model"])
        self.backbone: str = counts.most_common(1)[0][0] if counts else ""
        self.rows = [row for row in found if row["model"] or row["backbone"] == self.backbone]
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

    def rate(self, family: str, **setting: Any) -> float | None:
        """The rate that was chosen for a family, or for one of its settings.

        None before that, and where nothing is trained.
        """
        return self.within(family, setting).rate(self.of_family(family))

    def within(self, family: str, setting: Mapping[str, Any]) -> Family:
        """A family, or what it is in one of its settings."""
        usual = FAMILIES[family]
        rate = usual.rate(self.of_family(family))
        return usual.within(setting, rate) if setting else usual

    def of_family(self, family: str) -> list[Run]:
        return [row for row in self.rows if row["family"] == family]

    def of(self, runs: Runs) -> dict[int, Run]:
        """The rows of these runs by their seeds; none before the search for the rate has ended."""
        own = self.of_family(runs.family)
        wanted = self.within(runs.family, runs.setting).chosen(own)
        if runs.rungs:
            rungs = [LADDER.index(run["rate"]) + runs.rungs for run in wanted]
            wanted = [run | {"rate": LADDER[at]} for run, at in zip(wanted, rungs, strict=True)]
        done = {key_of(row): row for row in own}
        return {run["seed"]: done[key] for run in wanted if (key := key_of(run)) in done}

    def scores(self, row: Run, measure: str, calibrated: bool = False) -> Array:
        """The score of every test sentence, [sentences].

        Raises
        ------
        ValueError
            The margins do not give the accuracy of the row: it was tested on other sentences.
        """
        if "scores" in row:
            return np.array(row["scores"][measure], float)
        labels, margins = self.labels(row), margins_of(row)
        if (
            len(margins) != len(labels)
            or abs(np.sum((margins > 0) == labels) - row["accuracy"] * len(labels)) > 0.5
        ):
            raise ValueError(
                f"A row of {row['family']!r}, seed {row['seed']}, has an accuracy of "
                f"{row['accuracy']:.3f}, which its margins do not give: it was tested on other "
                "sentences; remove it and record it again."
            )
        if calibrated:
            margins = margins - row["content_free"]
        if measure == "divergence":
            theirs, ours = two_answers([row["teacher"], margins])  # [sentences, 2] each
            return -divergence(theirs, ours).numpy()
        return judged(margins, labels, measure)

    def tested(self, runs: Runs, row: Run) -> Run:
        """A row, as it was tested on the task that is asked for."""
        if not runs.on:
            return row
        return row | {"task": runs.on, "test": ELSEWHERE} | row["elsewhere"][runs.on]

    def table(
        self, runs: Runs, by_seed: Mapping[int, Run], seeds: Sequence[int], measure: str
    ) -> Array:
        """The scores of runs, [seeds, sentences]; what is not trained may have one for all."""
        only = by_seed[0] if len(by_seed) == 1 else None
        rows = [self.tested(runs, only or by_seed[seed]) for seed in seeds]
        if runs.together:
            scored = two_answers([margins_of(row) for row in rows])  # [seeds, sentences, 2]
            margins = TOGETHER[runs.together](scored).numpy()
            return np.tile(judged(margins, self.labels(rows[0]), measure), (len(seeds), 1))
        measure = measure.replace("beam", "greedy") if runs.greedy else measure
        return np.stack([self.scores(row, measure, runs.calibrated) for row in rows])

    def weigh(self, comparison: Score, measure: str) -> Evidence | None:
        """What the rows say, over the seeds that all runs have; None while there are too few.

        Raises
        ------
        ValueError
            A row that was tested on other sentences.
        """
        compared = set(comparison.runs())
        found = {runs: self.of(runs) for runs in compared}
        # A family of one seed, which trains nothing, is the same for all seeds of the others.
        several = [set(found[runs]) for runs in compared if FAMILIES[runs.family].seeds > 1]
        seeds = sorted(set.intersection(*several)) if several else [0]
        if not all(found.values()) or (several and len(seeds) < FEWER):
            return None
        table = {runs: self.table(runs, found[runs], seeds, measure) for runs in compared}
        sentences = min(scores.shape[1] for scores in table.values())
        of_seeds = comparison.value(lambda runs: table[runs].mean(1))  # [seeds]
        drawn = comparison.value(  # [seeds, DRAWS]
            lambda runs: table[runs] @ shares(table[runs].shape[1], 1).T  # [sentences, DRAWS]
        )
        low, high = middle(resampled(of_seeds, drawn))
        models = {model_of(row) for by_seed in found.values() for row in by_seed.values()}
        return Evidence(
            float(of_seeds.mean()),
            low,
            high,
            tuple(of_seeds.tolist()),
            sentences,
            tuple(sorted(models)),
        )


def judged(margins: Array, labels: Array, measure: str) -> Array:
    """Accuracy in points, or minus the loss, of every sentence, [sentences]."""
    if measure == "accuracy":
        return 100.0 * ((margins > 0) == labels)
    ahead = np.where(labels == 1, margins, -margins)  # how far the right answer is
    return -np.logaddexp(0, -ahead)  # log p(right) = -log(1 + e^-ahead)


def resampled(of_seeds: Array, drawn: Array) -> Array:
    """What a score, [seeds], might have been in the mean as well, [DRAWS].

    `drawn` is the same score on other sentences of those there are, [seeds, DRAWS]. A bootstrap of
    two levels, in which all comparisons draw alike: other seeds, and other sentences, each with
    replacement; both deviations add up. A handful of seeds hides a part of its own spread, and a
    percentile of so few draws is not that of the normal: theirs is stretched to the width of
    Student's interval (Hesterberg 2015, "What teachers should know about the bootstrap"). What a
    seed does to single sentences is in both deviations: the interval is rather too wide than too
    narrow.
    """
    mean, seeds = of_seeds.mean(), len(of_seeds)
    of_other_seeds = shares(seeds, 0) @ of_seeds - mean
    return mean + stretch(seeds) * of_other_seeds + drawn.mean(0) - drawn.mean()


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
