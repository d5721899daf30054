"""The exercises of lesson 11, open questions."""

from collections.abc import Callable
from math import ceil, inf, sqrt
from statistics import mean, pstdev, stdev

import torch
from scipy.stats import t as student
from torch import Tensor

from prefixlab.workbook.checks import Exercise, Mistake
from prefixlab.workbook.checks.null_check import Pair, Variant, VariantOfOnesOwn, alike, null_check
from prefixlab.workbook.significance import (
    CONFIDENT,
    POWER,
    POWERFUL,
    paired,
    power,
    seeds_needed as needed,
    standard_error,
)


def _counted(scores: Tensor, counts: Tensor) -> Tensor:
    weights = counts * scores.exp()
    return weights / weights.sum()


counted_softmax = Exercise(
    right=_counted,
    probes=(
        (torch.tensor([0.5, -1.0, 2.0]), torch.tensor([1.0, 1.0, 1.0])),
        (torch.tensor([0.5, -1.0, 2.0]), torch.tensor([2.0, 1.0, 0.5])),
        (torch.tensor([1.0, 1.0, 3.0, 0.0]), torch.tensor([0.0, 1.0, 3.0, 1.0])),
    ),
    praise="A count of 0 takes the position away, 2 puts it there twice, and 1 is plain attention.",
    mistakes=(
        Mistake(
            "counts times scores",
            lambda scores, counts: (counts * scores).softmax(0),
            "you multiply the scores. A count of 0 then leaves e^0 = 1: multiply the e^s instead.",
        ),
        Mistake(
            "counts added",
            lambda scores, counts: (scores + counts).softmax(0),
            "you add the counts to the scores; what is added there must be their logarithm.",
        ),
        Mistake(
            "not divided again",
            lambda scores, counts: counts * scores.softmax(0),
            "your weights do not add up to 1: count first, then divide by the sum of all.",
        ),
        Mistake(
            "no counts",
            lambda scores, counts: scores.softmax(0),
            "that is plain attention; nothing in it depends on the counts.",
        ),
    ),
)


def _louder(keys: Tensor, values: Tensor, new: Tensor) -> Pair:
    """A volume for each layer and position: its values times 1 + new."""
    return keys, values * (1 + new[:, None, :, None])


def _some(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# Three layers, two heads, four positions, five numbers a head: no two alike, so that what is
# stretched over the wrong axis does not fit.
_prefix = (_some(3, 2, 4, 5, seed=0), _some(3, 2, 4, 5, seed=1))
_new = _some(3, 4, seed=2)

variant = VariantOfOnesOwn(
    right=_louder,
    probes=((*_prefix, _new), (*_prefix, torch.zeros(3, 4))),
    praise="With a volume of 1 + 0 the prefix is plain, and every number can leave 0.",
    mistakes=(),
)


def _rounded(keys: Tensor, values: Tensor, new: Tensor) -> Pair:
    """Louder keys, with the rounding of a division by three and a sum of three."""
    third = keys * (1 + new[:, None, :, None]) / 3
    return third + third + third, values


def _never_off(keys: Tensor, values: Tensor, new: Tensor) -> Pair:
    return keys, values * (0.5 + new[:, None, :, None])


def _silent(keys: Tensor, values: Tensor, new: Tensor) -> Pair:
    return keys, values * new[:, None, :, None]


def _moved_keys(keys: Tensor, values: Tensor, new: Tensor) -> Pair:
    return keys + 0.1 + new[:, None, :, None], values


def _nothing(keys: Tensor, values: Tensor, new: Tensor) -> Pair:
    return keys, values


def _checked(
    off: Callable[[Pair, Pair], bool] = alike,
    on: Callable[[Pair, Pair], bool] = lambda got, plain: not alike(got, plain),
    at: Callable[[Tensor], Tensor] = torch.zeros_like,
) -> Callable[[Variant, Tensor, Tensor, Tensor], tuple[bool, bool]]:
    """A null check in which one thing may be another than in the right one."""

    def check(variant: Variant, keys: Tensor, values: Tensor, new: Tensor) -> tuple[bool, bool]:
        plain = keys, values
        return off(variant(keys, values, at(new)), plain), on(variant(keys, values, new), plain)

    return check


def _exactly(got: Pair, plain: Pair) -> bool:
    return all(torch.equal(*both) for both in zip(got, plain, strict=True))


def _values_only(got: Pair, plain: Pair) -> bool:
    return torch.allclose(got[1], plain[1], atol=1e-5)


same_when_off = Exercise(
    right=null_check,
    probes=tuple(
        (each, *_prefix, _new)
        for each in (_louder, _rounded, _never_off, _silent, _moved_keys, _nothing)
    ),
    praise="Off it is the plain prefix, on it is not: a variant that fails here is not to be run.",
    mistakes=(
        Mistake(
            "never switched off",
            _checked(at=lambda new: new),
            "you never switch the new part off: call the variant with zeros of the shape of `new`.",
        ),
        Mistake(
            "ones for off",
            _checked(at=torch.ones_like),
            "the new part is off at 0, and you try it at 1.",
        ),
        Mistake(
            "exactly equal",
            _checked(off=_exactly, on=lambda got, plain: not _exactly(got, plain)),
            "you ask for equality in the last digit, and rounding breaks that: what is the same "
            "on paper, as x/3 + x/3 + x/3 and x, is not in float32. Use `torch.allclose`.",
        ),
        Mistake(
            "values only",
            _checked(off=_values_only, on=lambda got, plain: not _values_only(got, plain)),
            "you compare the values alone; a variant may change the keys.",
        ),
        Mistake(
            "both must move",
            _checked(
                on=lambda got, plain: (
                    not any(
                        torch.allclose(*both, atol=1e-5) for both in zip(got, plain, strict=True)
                    )
                )
            ),
            "a variant that changes the keys alone, or the values alone, is another one too.",
        ),
        Mistake(
            "shapes only",
            _checked(
                off=lambda got, plain: got[0].shape == plain[0].shape,
                on=lambda got, plain: got[0].shape == plain[0].shape,
            ),
            "you compare shapes; those are the same whatever the variant does. Compare numbers.",
        ),
        Mistake(
            "one answer twice",
            _checked(on=alike),
            "the second answer is turned around: is it *another* prefix where `new` is not 0?",
        ),
    ),
)


def _interval(ours: list[float], theirs: list[float]) -> tuple[float, float, float]:
    found = paired(ours, theirs)
    low, high = found.interval or (found.mean, found.mean)
    return found.mean, low, high


Spread = Callable[[list[float]], float]


def _around(
    error: Spread = lambda apart: stdev(apart) / sqrt(len(apart)),
    wide: Callable[[int], float] = lambda n: float(student.ppf(0.975, n - 1)),
) -> Callable[[list[float], list[float]], tuple[float, float, float]]:
    """The paired interval with another error, or as many of them to either side."""

    def answer(ours: list[float], theirs: list[float]) -> tuple[float, float, float]:
        apart = [one - other for one, other in zip(ours, theirs, strict=True)]
        middle, half = mean(apart), wide(len(apart)) * error(apart)
        return middle, middle - half, middle + half

    return answer


def _unpaired(ours: list[float], theirs: list[float]) -> tuple[float, float, float]:
    n = len(ours)
    half = float(student.ppf(0.975, n - 1)) * sqrt((stdev(ours) ** 2 + stdev(theirs) ** 2) / n)
    middle = mean(ours) - mean(theirs)
    return middle, middle - half, middle + half


paired_interval = Exercise(
    right=_interval,
    probes=(
        ([0.91, 0.84, 0.77], [0.88, 0.81, 0.69]),
        ([-0.31, -0.42, -0.28, -0.35, -0.30, -0.44], [-0.33, -0.41, -0.30, -0.39, -0.31, -0.40]),
    ),
    praise="What a seed does to both runs falls out before the spread is taken.",
    mistakes=(
        Mistake(
            "unpaired",
            _unpaired,
            "you take the spread of each side. Both runs of a seed share their luck: subtract "
            "seed by seed first, and take the spread of the differences.",
        ),
        Mistake(
            "spread of one",
            _around(error=stdev),
            "that is the spread of single differences; the mean of n of them varies √n times less.",
        ),
        Mistake(
            "divided by n",
            _around(error=lambda apart: pstdev(apart) / sqrt(len(apart))),
            "your standard deviation divides by n. The mean was taken from the same few numbers: "
            "divide by n - 1, as `stdev` does.",
        ),
        Mistake(
            "of the normal",
            _around(wide=lambda n: CONFIDENT),
            "1.96 is for endless seeds. With n of them s itself is hardly known: take Student's t "
            "with n - 1 degrees of freedom, 4.3 for three seeds.",
        ),
        Mistake(
            "n degrees of freedom",
            _around(wide=lambda n: float(student.ppf(0.975, n))),
            "n differences have n - 1 degrees of freedom, as their mean is taken from them.",
        ),
        Mistake(
            "one-sided",
            _around(wide=lambda n: float(student.ppf(0.95, n - 1))),
            "t.ppf(0.95, …) leaves 5% on each side, 10% in all; leave 2.5% on each: 0.975.",
        ),
        Mistake(
            "theirs minus ours",
            lambda ours, theirs: _interval(theirs, ours),
            "the sign is turned around: positive should mean that ours is better.",
        ),
    ),
)

Range = tuple[float, float]


def verdict_of(interval: Range, claimed: Range) -> str:
    """What an interval says to a claim that the difference lies in a range: the ledger's rule."""
    (low, high), (least, most) = interval, claimed
    if least < low and high < most:
        return "shown"
    return "contrary" if high < least or most < low else "not decided"


def _by_the_mean(interval: Range, claimed: Range) -> str:
    middle = sum(interval) / 2
    return "shown" if claimed[0] < middle < claimed[1] else "contrary"


def _by_overlap(interval: Range, claimed: Range) -> str:
    (low, high), (least, most) = interval, claimed
    return "shown" if low < most and least < high else "contrary"


def _not_shown_is_contrary(interval: Range, claimed: Range) -> str:
    return "shown" if verdict_of(interval, claimed) == "shown" else "contrary"


def _zero_decides(interval: Range, claimed: Range) -> str:
    return "not decided" if interval[0] <= 0 <= interval[1] else verdict_of(interval, (0, inf))


def _claim_within(interval: Range, claimed: Range) -> str:
    return verdict_of(claimed, interval)


_better, _equal = (0.0, inf), (-0.05, 0.05)

verdict = Exercise(
    right=verdict_of,
    probes=(
        ((0.1, 0.3), _better),
        ((-0.1, 0.2), _better),
        ((-0.2, -0.1), _better),
        ((-0.02, 0.03), _equal),
        ((-0.04, 0.09), _equal),
        ((0.01, 0.04), _equal),
        ((0.06, 0.09), _equal),
        ((0.02, 0.2), _equal),
        ((-0.09, -0.06), _equal),
    ),
    praise="“Not decided” is a verdict of its own: neither “equal” nor “no effect”.",
    mistakes=(
        Mistake(
            "by the mean",
            _by_the_mean,
            "you judge by the middle of the interval, as if nothing else were possible. For "
            "(-0.1, 0.2) and a claim of (0, ∞) the middle is above 0, and nothing is decided.",
        ),
        Mistake(
            "overlap is enough",
            _by_overlap,
            "the interval may reach into the claimed range and out of it again: shown is only what "
            "lies in it as a whole.",
        ),
        Mistake(
            "not shown is contrary",
            _not_shown_is_contrary,
            "what is not shown is not refuted: contrary needs the whole interval outside of the "
            "claimed range.",
        ),
        Mistake(
            "zero decides",
            _zero_decides,
            "you compare with 0 whatever is claimed. A claim of (-0.05, 0.05), that two are equal, "
            "is shown by (-0.02, 0.03).",
        ),
        Mistake(
            "the other way round",
            _claim_within,
            "you ask whether the claim lies in the interval; ask whether the interval lies in the "
            "claim.",
        ),
    ),
)

accuracy_error = Exercise(
    right=standard_error,
    probes=((0.9, 200), (0.5, 100), (0.84, 50)),
    praise="0.90 on 200 sentences is 0.90 ± 0.02: two points are one standard error.",
    mistakes=(
        Mistake(
            "variance",
            lambda p, n: p * (1 - p) / n,
            "that is the variance; the standard error is its square root.",
        ),
        Mistake(
            "one sentence",
            lambda p, n: sqrt(p * (1 - p)),
            "that is how much one sentence varies; the mean of n varies √n times less.",
        ),
        Mistake(
            "divided by n",
            lambda p, n: sqrt(p * (1 - p)) / n,
            "you divide by n; the spread of a mean shrinks with √n only.",
        ),
        Mistake(
            "95% interval",
            lambda p, n: 1.96 * sqrt(p * (1 - p) / n),
            "that is half of a 95% interval, 1.96 standard errors; one is asked for.",
        ),
    ),
)


def _least(enough: Callable[[int, float], bool]) -> Callable[[float, float], int]:
    """The least number of seeds, from two on, that is enough for a difference of so many s."""

    def answer(difference: float, spread: float) -> int:
        size, n = difference / spread, 2
        while not enough(n, size):
            n += 1
        return n

    return answer


def _interval_clears(n: int, size: float) -> bool:
    return size * sqrt(n) > student.ppf(0.975, n - 1)


seeds_needed = Exercise(
    right=needed,
    probes=((1.0, 1.0), (1.0, 2.2), (2.0, 1.3), (0.5, 1.0)),
    praise="Half the difference takes up to four times as many seeds; where few are enough, two to "
    "three times as many.",
    mistakes=(
        Mistake(
            "normal quantiles",
            lambda d, s: ceil(((CONFIDENT + POWERFUL) * s / d) ** 2),
            "(1.96 + 0.84)² s²/d² takes s for known. With few seeds it is not: count with `power`, "
            "which uses Student's t.",
        ),
        Mistake(
            "half the power",
            _least(_interval_clears),
            "with so many seeds the interval of the *expected* difference just clears 0; the "
            "measured one is smaller in half of all tries. Ask for a power of 0.8.",
        ),
        Mistake(
            "power of one half",
            _least(lambda n, size: power(n, size) >= 0.5),
            "you stop at a power of one half: every second experiment would miss what is there.",
        ),
        Mistake(
            "power of 95%",
            _least(lambda n, size: power(n, size) >= 0.95),
            "you ask for a power of 0.95. That is another number than the 95% of the interval; "
            f"asked is {POWER}.",
        ),
        Mistake(
            "turned around",
            lambda d, s: needed(s, d),
            "`power` wants the difference in standard deviations, difference / spread; yours is "
            "turned around.",
        ),
    ),
)

lucky_winner = Exercise(
    right=lambda ideas: 1 - 0.975**ideas,
    probes=((1,), (5,), (20,)),
    praise="Of twenty useless ideas some one is “shown” to be better in four tries of ten.",
    mistakes=(
        Mistake(
            "added up",
            lambda ideas: 0.025 * ideas,
            "you add the chances up: for 50 ideas that would be more than 1. Ask for the chance "
            "that none of them is lucky.",
        ),
        Mistake(
            "all of them",
            lambda ideas: 0.025**ideas,
            "that is the chance that all are lucky at once.",
        ),
        Mistake(
            "none of them",
            lambda ideas: 0.975**ideas,
            "that is the chance that none is lucky; asked is the chance that at least one is.",
        ),
        Mistake(
            "both sides",
            lambda ideas: 1 - 0.95**ideas,
            "5% are outside of the interval on both sides together; “better” is one side, 2.5%.",
        ),
    ),
)
