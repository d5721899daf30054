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
from math import ceil, sqrt
from statistics import mean, stdev
from typing import Any

from scipy.stats import binom, nct, t as student

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
        return min(1.0, 2 * float(binom.sf(self.agreeing - 1, n, 0.5)))

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% interval of the mean, mean ± t * error (Student 1908); None without an error.

        t is 12.7 for two pairs, 4.3 for three and 1.96 for endless ones.
        """
        if self.error is None:
            return None
        half = float(student.ppf(0.975, self.pairs - 1)) * self.error
        return self.mean - half, self.mean + half

    @property
    def p_value(self) -> float:
        """How often pure luck would move the mean as far from 0 (Student's paired t-test).

        P(|t| > |mean| / error); 1 where the error is not known, or the mean is 0.
        """
        if not self.error:
            return 1.0 if self.error is None or self.mean == 0 else 0.0
        return float(2 * student.sf(abs(self.mean) / self.error, self.pairs - 1))


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
    fewest = max(2, ceil(((CONFIDENT + POWERFUL) / size) ** 2))
    return next(n for n in count(fewest) if power(n, size) >= POWER)


def power(pairs: int, size: float) -> float:
    """How often a t-test at 5% finds a mean of `size` standard deviations, with that many pairs.

    Then t has a noncentral distribution, moved by size * sqrt(pairs), and has to be beyond the
    limit on either side (Cohen 1988, section 2.4).
    """
    freedom, shift = pairs - 1, size * sqrt(pairs)
    limit = student.ppf(0.975, freedom)
    # Below -limit is above it with all signs turned around, which scipy computes more safely.
    return float(nct.sf(limit, freedom, shift) + nct.sf(limit, freedom, -shift))
