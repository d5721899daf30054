"""The exercises of lesson 11, open questions."""

from collections.abc import Callable
from math import sqrt
from statistics import mean, pstdev, stdev

import torch
from torch import Tensor

from prefixlab.workbook.checks import Exercise, Mistake
from prefixlab.workbook.significance import paired, standard_error


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


def _paired(ours: list[float], theirs: list[float]) -> tuple[float, float | None]:
    found = paired(ours, theirs)
    return found.mean, found.error


def _unpaired(ours: list[float], theirs: list[float]) -> tuple[float, float]:
    error = sqrt(stdev(ours) ** 2 / len(ours) + stdev(theirs) ** 2 / len(theirs))
    return mean(ours) - mean(theirs), error


def _with(spread: Callable[[list[float]], float]) -> Callable[..., tuple[float, float]]:
    """The paired answer with another error."""

    def answer(ours: list[float], theirs: list[float]) -> tuple[float, float]:
        apart = [one - other for one, other in zip(ours, theirs, strict=True)]
        return mean(apart), spread(apart)

    return answer


paired_difference = Exercise(
    right=_paired,
    probes=(
        ([0.91, 0.84, 0.77], [0.90, 0.81, 0.75]),
        ([0.5, 0.7, 0.6, 0.9], [0.6, 0.6, 0.6, 0.7]),
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
            _with(stdev),
            "that is the spread of single differences; the mean of n of them varies √n times less.",
        ),
        Mistake(
            "divided by n",
            _with(lambda apart: pstdev(apart) / sqrt(len(apart))),
            "your standard deviation divides by n. The mean was taken from the same few numbers: "
            "divide by n - 1, as `stdev` does.",
        ),
        Mistake(
            "theirs minus ours",
            lambda ours, theirs: _paired(theirs, ours),
            "the sign is turned around: positive should mean that ours is better.",
        ),
    ),
)
