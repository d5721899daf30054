"""Claims: how sure it is that one method is better than another.

A measured difference is made of the real one and of two kinds of luck. The luck of the seed (where
training started, in which order it read) gets smaller with more runs; the luck of the test (which
sentences it happens to hold) only with more sentences.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, comb, sqrt
from statistics import mean, stdev

CONFIDENT = 1.96  # standard errors to either side that hold 95% of what chance does


@dataclass(frozen=True)
class Difference:
    """How far ours is ahead: the mean over the pairs, and its standard error.

    `agreeing` is how many pairs are on the side of the mean. The error of one pair is not known,
    and is None.
    """

    mean: float
    error: float | None
    pairs: int
    agreeing: int

    @property
    def chance(self) -> float:
        """How often pure luck, heads or tails for each pair, would agree as well (sign test).

        2 * P(at least `agreeing` of `pairs` heads), at most 1; small only with many pairs.
        """
        heads = range(self.agreeing, self.pairs + 1)
        return min(1.0, 2 * sum(comb(self.pairs, k) for k in heads) / 2**self.pairs)


def paired(ours: Sequence[float], theirs: Sequence[float]) -> Difference:
    """Ours minus theirs, pair by pair: what both runs of a pair have in common falls out.

    A pair is two runs of one seed (the same order of the same data), or two answers to a sentence.

    Raises
    ------
    ValueError
        No pairs, or one side has more than the other.
    """
    if len(ours) == 0 or len(ours) != len(theirs):
        raise ValueError(
            f"There are {len(ours)} and {len(theirs)} results; pairs need as many on each side, "
            "and at least one."
        )
    apart = [one - other for one, other in zip(ours, theirs, strict=True)]
    middle = mean(apart)
    return Difference(
        mean=middle,
        error=stdev(apart) / sqrt(len(apart)) if len(apart) > 1 else None,
        pairs=len(apart),
        agreeing=sum(one * middle > 0 for one in apart),
    )


def standard_error(share: float, examples: int) -> float:
    """How far an accuracy typically is from that on endless examples: sqrt(p (1 - p) / n)."""
    return sqrt(share * (1 - share) / examples)


def examples_needed(difference: float, share: float) -> int:
    """How many test examples show a difference between two accuracies near `share`.

    For accuracies on different examples: the variances of both add up, and the difference is to be
    1.96 standard errors wide:
    n = 1.96² * 2 p (1 - p) / d².
    """
    return ceil(CONFIDENT**2 * 2 * share * (1 - share) / difference**2)


def seeds_needed(difference: float, between_seeds: float) -> int:
    """How many pairs of seeds show a mean difference, where single ones vary by `between_seeds`.

    The same reckoning: n = 1.96² s² / d², at least 2. With few seeds it is too hopeful, as s itself
    is then hardly known (Student's t would ask for more).
    """
    return max(2, ceil((CONFIDENT * between_seeds / difference) ** 2))
