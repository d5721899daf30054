"""Claims: how sure it is that one method is better than another.

A measured difference is made of the real one and of two kinds of luck. The luck of the seed (where
training started, in which order it read) gets smaller with more runs; the luck of the test (which
sentences it happens to hold) only with more sentences.

How many of either are needed is asked with a power: how often a difference that is really there
will be found. Here it is 80%, as is usual (Cohen 1988, section 2.4): one experiment in five that
is right about the world will still have nothing to show.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from math import ceil, comb, sqrt
from statistics import mean, stdev
from typing import Any

import torch

from prefixlab.arguments import number

CONFIDENT = 1.96  # standard errors to either side that hold 95% of what chance does
POWER = 0.8
POWERFUL = 0.8416  # standard errors below a mean that 80% of what is measured stay above
MOST = 1e6  # standard deviations in a difference, or the other way round: beyond it, no experiment


@dataclass(frozen=True)
class Difference:
    """How far ours is ahead: the mean over the pairs, and its standard error.

    `agreeing` is how many pairs are on the side of the mean, `ties` how many are on no side, as
    both of the pair are equal. The error of one pair is not known, and is None.
    """

    mean: float
    error: float | None
    pairs: int
    agreeing: int
    ties: int

    @property
    def chance(self) -> float:
        """How often pure luck, heads or tails for each pair, would agree as well (sign test).

        2 * P(at least `agreeing` of n heads), at most 1; small only with many pairs. Ties are on
        neither side and do not count: n = pairs - ties (Dixon & Mood 1946).
        """
        n = self.pairs - self.ties
        heads = range(self.agreeing, n + 1)
        return min(1.0, 2 * sum(comb(n, k) for k in heads) / 2**n)


def paired(ours: Sequence[float], theirs: Sequence[float]) -> Difference:
    """Ours minus theirs, pair by pair: what both runs of a pair have in common falls out.

    A pair is two runs of one seed (the same order of the same data), or two answers to a sentence.
    Pairs of equals count for the mean and its error, but not for the sign test.

    Raises
    ------
    ValueError
        No pairs, one side has more than the other, or a result that is no finite number.
    """
    if len(ours) == 0 or len(ours) != len(theirs):
        raise ValueError(
            f"There are {len(ours)} and {len(theirs)} results; pairs need as many on each side, "
            "and at least one."
        )
    sides = zip(numbers("ours", ours), numbers("theirs", theirs), strict=True)
    apart = [one - other for one, other in sides]
    middle = mean(apart)
    return Difference(
        mean=middle,
        error=stdev(apart) / sqrt(len(apart)) if len(apart) > 1 else None,
        pairs=len(apart),
        agreeing=sum(one * middle > 0 for one in apart),
        ties=apart.count(0),
    )


def numbers(name: str, values: Sequence[Any]) -> list[float]:
    return [number(f"{name}[{place}]", value) for place, value in enumerate(values)]


def standard_error(share: float, examples: int) -> float:
    """How far an accuracy typically is from that on endless examples: sqrt(p (1 - p) / n).

    Raises
    ------
    ValueError
        A share outside 0 to 1, or no examples.
    """
    p, n = number("share", share, 0, 1), number("examples", examples, 1)
    return sqrt(p * (1 - p) / n)


def examples_needed(difference: float, share: float) -> int:
    """How many test examples show a difference between two accuracies near `share`.

    For accuracies on different examples: the variances of both add up. With n examples each, a
    difference of d is found (is 1.96 standard errors wide when measured) in 80% of all tries:
    n = (1.96 + 0.84)² * 2 p (1 - p) / d²    (Cohen 1988, section 6.4, without his arcsine).

    Raises
    ------
    ValueError
        A difference that is not above 0, up to 1, or a share that is not between 0 and 1.
    """
    d, p = number("difference", difference, 1 / MOST, 1), number("share", share, 0, 1)
    if p in (0, 1):
        raise ValueError(
            f"share={share!r} leaves no mistakes, or nothing but mistakes, to tell two methods by; "
            "give the accuracy that you expect, between 0 and 1."
        )
    return ceil((CONFIDENT + POWERFUL) ** 2 * 2 * p * (1 - p) / d**2)


def seeds_needed(difference: float, between_seeds: float) -> int:
    """How many pairs of seeds show a mean difference, where single ones vary by `between_seeds`.

    The least n, at least 2, with which Student's t-test finds a difference of d in 80% of all
    tries, where `between_seeds` is the standard deviation s of single differences. Reckoned as for
    examples it would be (1.96 + 0.84)² s² / d²; but with few seeds s itself is hardly known, and
    t takes that into account.

    Raises
    ------
    ValueError
        A difference that is not above 0, a negative spread, or one that hides the difference.
    """
    d, s = number("difference", difference, 0), number("between_seeds", between_seeds, 0)
    if d * MOST <= s or d == 0:
        raise ValueError(
            f"difference={difference!r} cannot be shown where seeds vary by {between_seeds!r}; "
            "give a larger difference, of at least a millionth of that and above 0."
        )
    size = d / max(s, d / MOST)
    # Never fewer than without Student's correction, and only a few more.
    at_least = ceil(((CONFIDENT + POWERFUL) / size) ** 2)
    return next(n for n in count(max(2, at_least)) if power(n, size) >= POWER)


def power(pairs: int, size: float) -> float:
    """How often a t-test at 5% finds a mean of `size` standard deviations, with that many pairs."""
    low, high = CONFIDENT, 13.0  # between endless pairs and two, for which it is 12.7
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle, 0.0, pairs - 1) > 0.05 else (low, middle)
    return beyond(high, size * sqrt(pairs), pairs - 1)


def beyond(limit: float, shift: float, freedom: int) -> float:
    """P(|t| > limit), with `shift` the mean of what t has above its fraction line.

    t = (Z + shift) / u, with u the measured standard deviation over the true one, and so
    freedom * u² chi-squared (Student 1908). Given u, it is a question about the normal Z:
    P = E_u[Φ(shift - limit u) + Φ(-shift - limit u)], here a sum over 4,000 values of u.
    """
    width = 10 / sqrt(2 * freedom)  # ten standard deviations of u, about
    start = max(0.0, 1 - width)
    places = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
    u = start + (1 + width - start) * places
    density = ((freedom - 1) * u.log() - freedom * (u.square() - 1) / 2).softmax(0)
    either = torch.special.ndtr(shift - limit * u) + torch.special.ndtr(-shift - limit * u)
    return float(density @ either)
