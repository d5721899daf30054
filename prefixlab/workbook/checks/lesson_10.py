"""The exercises of lesson 10, the whole map."""

from collections import Counter
from collections.abc import Callable, Sequence
from math import log, log2
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from prefixlab.models.geometry import Geometry, geometry
from prefixlab.workbook import choosing
from prefixlab.workbook.checks import Exercise, Mistake
from prefixlab.workbook.checks.training_loop import training_loop as training_loop
from prefixlab.workbook.choosing import NEAR, Needs, Way, obstacles

_SOURCE = torch.Generator().manual_seed(0)


def _normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=_SOURCE)


def _lora(x: Tensor, W: Tensor, A: Tensor, B: Tensor, alpha: float) -> Tensor:
    return x @ W.T + alpha / len(A) * (x @ A.T @ B.T)


_Map = Callable[[Tensor, Tensor, Tensor, Tensor, float], Tensor]


def _scaled(scale: Callable[[Tensor, Tensor, float], float]) -> _Map:
    """As LoRA, with another scale, made of A, B and alpha."""
    return lambda x, w, a, b, alpha: x @ w.T + scale(a, b, alpha) * (x @ a.T @ b.T)


lora = Exercise(
    right=_lora,
    probes=(  # x, W [out, in], A [r, in], B [out, r], alpha
        (_normal(3, 5), _normal(4, 5), _normal(2, 5), _normal(4, 2), 3.0),
        (_normal(2, 3, 6), _normal(7, 6), _normal(3, 6), _normal(7, 3), 12.0),
    ),
    praise="The frozen W is computed as ever; what is learned goes through r numbers beside it.",
    mistakes=(
        Mistake(
            "no scale",
            _scaled(lambda a, b, alpha: 1.0),
            "the change counts alpha / r times, and yours counts once.",
        ),
        Mistake(
            "alpha alone",
            _scaled(lambda a, b, alpha: alpha),
            "you multiply the change by alpha; it is alpha divided by the rank r.",
        ),
        Mistake(
            "the scale turned round",
            _scaled(lambda a, b, alpha: len(a) / alpha),
            "you multiply by r / alpha; it is alpha / r.",
        ),
        Mistake(
            "divided by the width",
            _scaled(lambda a, b, alpha: alpha / len(b)),
            "you divide alpha by the rows of B, the width of the output; the rank r is the rows of "
            "A.",
        ),
        Mistake(
            "divided by the input",
            _scaled(lambda a, b, alpha: alpha / a.shape[1]),
            "you divide alpha by the width of the input; the rank r is the rows of A.",
        ),
        Mistake(
            "the change alone",
            lambda x, w, a, b, alpha: alpha / len(a) * (x @ a.T @ b.T),
            "you return the change alone; the frozen map W x comes on top.",
        ),
        Mistake(
            "all scaled",
            lambda x, w, a, b, alpha: alpha / len(a) * (x @ w.T + x @ a.T @ b.T),
            "you scale W x too; alpha / r belongs to the change alone.",
        ),
    ),
)


def _merge(W: Tensor, A: Tensor, B: Tensor, alpha: float) -> Tensor:
    return W + alpha / len(A) * B @ A


merge = Exercise(
    right=_merge,
    probes=(  # square, so that a transposed change fits too
        (_normal(4, 4), _normal(2, 4), _normal(4, 2), 3.0),
        (_normal(5, 5), _normal(3, 5), _normal(5, 3), 12.0),
    ),
    praise="One matrix as large as before: the changed model takes no more time than the old one.",
    mistakes=(
        Mistake(
            "no scale",
            lambda w, a, b, alpha: w + b @ a,
            "the change counts alpha / r times here too.",
        ),
        Mistake(
            "alpha alone",
            lambda w, a, b, alpha: w + alpha * b @ a,
            "you multiply the change by alpha; it is alpha divided by the rank r.",
        ),
        Mistake(
            "transposed",
            lambda w, a, b, alpha: w + alpha / len(a) * (b @ a).T,
            "your change is transposed: A comes first when x passes, so the matrix is B A.",
        ),
        Mistake(
            "the change alone",
            lambda w, a, b, alpha: alpha / len(a) * b @ a,
            "that is the change; add it to W.",
        ),
        Mistake(
            "taken off",
            lambda w, a, b, alpha: w - alpha / len(a) * b @ a,
            "you subtract the change, which is how one takes it out of the model again.",
        ),
    ),
)


def _one_form(
    x: Tensor,
    down: Tensor,
    up: Tensor,
    how: str,
    *,
    scale: bool = True,
    along: int = -1,
) -> Tensor:
    inner = x @ down.T
    if how == "adapter":
        inner = inner.relu()
    if how == "prefix":
        inner = (inner / x.shape[-1] ** 0.5 if scale else inner).softmax(along)
    return inner @ up.T


def _activated(how: str) -> Callable[[Tensor, Tensor, Tensor, str], Tensor]:
    """One way of the three, whichever is asked for."""
    return lambda x, down, up, _: _one_form(x, down, up, how)


_HOW = ("LoRA", "adapter", "prefix")

one_form = Exercise(
    right=_one_form,
    probes=tuple(
        (_normal(n, d), _normal(m, d), _normal(d, m), how)
        for n, d, m in ((3, 4, 2), (2, 9, 5))
        for how in _HOW
    ),
    praise="Two matrices and what stands between them: three papers in one line.",
    mistakes=(
        Mistake(
            "always LoRA",
            _activated("LoRA"),
            "you never put anything between the two matrices; an adapter has a ReLU there, a "
            "prefix a softmax.",
        ),
        Mistake(
            "always an adapter",
            _activated("adapter"),
            "you put a ReLU between the matrices whatever is asked for.",
        ),
        Mistake(
            "softmax without a scale",
            lambda x, down, up, how: _one_form(x, down, up, how, scale=False),
            "for a prefix the scores are divided by the square root of d, as in every attention.",
        ),
        Mistake(
            "softmax over texts",
            lambda x, down, up, how: _one_form(x, down, up, how, along=0),
            "your softmax goes over the rows of x; each row is a query of its own, and its softmax "
            "goes over the m positions of the prefix.",
        ),
        Mistake(
            "ReLU at the end",
            lambda x, down, up, how: (
                (x @ down.T @ up.T).relu() if how == "adapter" else _one_form(x, down, up, how)
            ),
            "the ReLU of an adapter stands between the two matrices, not behind them.",
        ),
        Mistake(
            "the input added",
            lambda x, down, up, how: x + _one_form(x, down, up, how),
            "you add the input; asked for is the change alone, Δh.",
        ),
    ),
)


def _chosen(
    ways: Sequence[Way],
    needs: Needs,
    *,
    ignored: str = "",
    near: float = NEAR,
    smallest: bool = True,
    always_together: bool = False,
) -> str:
    """As `choose`, with one thing done otherwise; `ignored` begins a reason that is not heard."""

    def possible(way: Way) -> bool:
        reasons = [one for one in obstacles(way, needs) if not ignored or ignored not in one]
        return not reasons and (way.together or not always_together)

    left = [way for way in ways if possible(way)]
    best = max(way.accuracy for way in left)
    good = [way for way in left if way.accuracy >= best - near]
    return min(good, key=lambda way: way.stored if smallest else -way.stored).name


_WAYS = [
    Way("words", 0, False, 0, 0, True, 0.802),
    Way("demonstrations", 4, False, 80, 0, True, 0.845),
    Way("prompt", 32, True, 10, 23_040, True, 0.884),
    Way("prefix", 32, True, 10, 460_800, True, 0.897),
    Way("LoRA", 32, True, 0, 9_000_000, False, 0.906),
    Way("all weights", 100, True, 0, 538_000_000, False, 0.902),
]
_ALL = Needs(256, True, 200, 10**9, False)

choose = Exercise(
    right=choosing.choose,
    probes=tuple(
        (_WAYS, needs)
        for needs in (
            _ALL,
            Needs(20, True, 200, 10**9, False),
            Needs(256, False, 200, 10**9, False),
            Needs(256, False, 5, 10**9, True),
            Needs(256, True, 5, 10**8, False),
            Needs(50, True, 200, 10**9, True),
            Needs(256, True, 5, 10**9, True),
            Needs(256, True, 200, 10**5, False),
            Needs(256, True, 0, 10**6, False),
        )
    ),
    praise="Needs first, measurements then, and the smallest of what is equally good.",
    mistakes=(
        *(
            Mistake(
                name,
                lambda ways, needs, ignored=ignored: _chosen(ways, needs, ignored=ignored),
                hint,
            )
            for name, ignored, hint in (
                (
                    "examples ignored",
                    "examples",
                    "you take ways that need more examples than there are (`fewest`).",
                ),
                (
                    "weights ignored",
                    "weights",
                    "you take ways that need the weights where there is only text in and text out "
                    "(`inside`).",
                ),
                (
                    "positions ignored",
                    "positions",
                    "you take ways that need more of the context than there is room for "
                    "(`positions`).",
                ),
                (
                    "bytes ignored",
                    "stores",
                    "you take ways that store more bytes than there may be (`stored`).",
                ),
                (
                    "batch ignored",
                    "share",
                    "you take ways that cannot share a batch where tasks have to (`together`).",
                ),
            )
        ),
        Mistake(
            "the most accurate",
            lambda ways, needs: _chosen(ways, needs, near=0.0),
            "you take the most accurate; within 3 points ways count as equally good, and the one "
            "that stores the least is taken.",
        ),
        Mistake(
            "the smallest of all",
            lambda ways, needs: _chosen(ways, needs, near=1.0),
            "you take the one that stores the least, however accurate; first keep those within 3 "
            "points of the best.",
        ),
        Mistake(
            "the largest",
            lambda ways, needs: _chosen(ways, needs, smallest=False),
            "of those that are equally good you take the one that stores the most.",
        ),
        Mistake(
            "always together",
            lambda ways, needs: _chosen(ways, needs, always_together=True),
            "you rule out what cannot share a batch even where no tasks have to.",
        ),
        Mistake(
            "the way, not its name",
            lambda ways, needs: next(
                way for way in ways if way.name == choosing.choose(ways, needs)
            ),
            "you return the way itself; return its `name`.",
        ),
    ),
)

_SMOLLM2, _GPT2 = geometry("smollm2"), geometry("gpt2")


def _adapter_numbers(bottleneck: int, size: Geometry) -> int:
    return 2 * size.layers * (2 * size.hidden * bottleneck + bottleneck + size.hidden)


adapter_numbers = Exercise(
    right=_adapter_numbers,
    probes=((64, _SMOLLM2), (8, _GPT2), (1, _GPT2)),
    praise="Even a bottleneck of one unit trains more numbers than a prefix of one position.",
    mistakes=(
        Mistake(
            "no biases",
            lambda m, size: 2 * size.layers * 2 * size.hidden * m,
            "you counted the two matrices; each map has a bias too, of m and of h numbers.",
        ),
        Mistake(
            "one adapter a layer",
            lambda m, size: _adapter_numbers(m, size) // 2,
            "that is one adapter in each layer; there are two, after attention and after the MLP.",
        ),
        Mistake(
            "no bias at the end",
            lambda m, size: 2 * size.layers * (2 * size.hidden * m + m),
            "the map up has a bias too, of h numbers.",
        ),
        Mistake(
            "one map",
            lambda m, size: 2 * size.layers * (size.hidden * m + m),
            "you counted the way down only; the way up has as many weights again.",
        ),
    ),
)

Point = tuple[str, float, float]  # name, cost, accuracy


def _frontier(points: list[Point]) -> list[str]:
    return [
        name
        for name, cost, accuracy in points
        if not any(c <= cost and a >= accuracy and (c < cost or a > accuracy) for _, c, a in points)
    ]


_POINTS: tuple[list[Point], ...] = (
    [("words", 0, 0.80), ("probe", 1, 0.83), ("prompt", 6, 0.89), ("prefix", 115, 0.89)],
    [("a", 5, 0.7), ("b", 3, 0.6), ("c", 4, 0.9), ("d", 2, 0.9), ("e", 1, 0.5)],
    [("x", 2, 0.8), ("y", 2, 0.8), ("z", 3, 0.7)],
)

frontier = Exercise(
    right=_frontier,
    probes=tuple((points,) for points in _POINTS),
    praise="Which of these to take depends on what you can pay; the others you need not consider.",
    mistakes=(
        Mistake(
            "the best alone",
            lambda points: [n for n, _, a in points if a == max(p[2] for p in points)],
            "you keep the most accurate only; a cheaper one is worth keeping as long as nothing "
            "as cheap is better.",
        ),
        Mistake(
            "better in both",
            lambda points: [
                n for n, c, a in points if not any(d < c and b > a for _, d, b in points)
            ],
            "you drop only what is beaten in both; equal accuracy at a lower cost beats too.",
        ),
        Mistake(
            "equals beat each other",
            lambda points: [
                n
                for n, c, a in points
                if not any(d <= c and b >= a for m, d, b in points if m != n)
            ],
            "two methods of the same cost and accuracy drop each other; one must be better in "
            "something to beat another.",
        ),
        Mistake(
            "cheapest alone",
            lambda points: [n for n, c, _ in points if c == min(p[1] for p in points)],
            "you keep the cheapest only; a dearer one stays if it is more accurate than all that "
            "cost less.",
        ),
    ),
)


def _largest_batch(memory: int, activations: int, trained: int) -> int:
    return max(0, (memory - 16 * trained) // activations)


largest_batch = Exercise(
    right=_largest_batch,
    probes=((1_000, 100, 10), (10_000, 300, 0), (1_000, 100, 1_000), (5_000, 70, 300)),
    praise="For a prefix the second term vanishes, and the activations decide alone.",
    mistakes=(
        Mistake(
            "the numbers themselves",
            lambda memory, activations, trained: max(0, (memory - 12 * trained) // activations),
            "you left out the trained numbers themselves: 4 more bytes for each.",
        ),
        Mistake(
            "no moments",
            lambda memory, activations, trained: max(0, (memory - 8 * trained) // activations),
            "you left out Adam's two moments: 8 more bytes for each trained number.",
        ),
        Mistake(
            "numbers for bytes",
            lambda memory, activations, trained: max(0, (memory - 4 * trained) // activations),
            "you counted four numbers for each trained one; each of them takes 4 bytes.",
        ),
        Mistake(
            "below zero",
            lambda memory, activations, trained: (memory - 16 * trained) // activations,
            "where not even the moments fit, no batch does: the answer is 0, not less.",
        ),
    ),
)

Rated = Sequence[tuple[str, float]]  # a text and its rating


def _answer(
    rating: float, *, near: float = 0.5, far: float = 1.0, edge: bool = True, sided: bool = False
) -> str:
    """The answer for a rating, "" for one that is left out, with one thing done otherwise."""
    if rating < -far:
        return "negative"
    if rating > far:
        return "positive"
    away = rating if sided else abs(rating)
    return "neutral" if away < near or (edge and away == near) else ""


def _labelled(answer: Callable[[float], str]) -> Callable[[Rated], list[tuple[str, str]]]:
    """The texts that have an answer, with it."""
    return lambda rated: [(text, answer(rating)) for text, rating in rated if answer(rating)]


_three_labels = _labelled(_answer)
_NUMBERS = {"negative": 0, "neutral": 1, "positive": 2}

three_labels = Exercise(
    right=_three_labels,
    probes=(
        (
            [
                ("it broke in a week", -2.4),
                ("it is blue", 0.0),
                ("i like it", 1.9),
                ("it has two buttons", -0.5),
                ("it could be louder", -0.8),
                ("it works", 0.7),
            ],
        ),
        (
            [
                ("nice", 1.0),
                ("i bought it in may", 0.5),
                ("not so nice", -1.0),
                ("i love it", 3.2),
                ("it came with a cable", 0.2),
                ("what a junk", -3.0),
                ("for my son", -0.1),
            ],
        ),
    ),
    praise="Between two answers there is a gap again, as there was between negative and positive.",
    mistakes=(
        Mistake(
            "nothing left out",
            _labelled(lambda rating: _answer(rating, near=1.0)),
            "all from -1 to 1 is neutral in yours; neutral is what is at most 0.5 away from zero, "
            "and the rest is left out.",
        ),
        Mistake(
            "the sign decides",
            _labelled(lambda rating: _answer(rating, near=0.0, far=0.0)),
            "the sign alone decides in yours, and only a rating of 0 is neutral; the two borders "
            "are 0.5 and 1 away from zero.",
        ),
        Mistake(
            "one side only",
            _labelled(lambda rating: _answer(rating, sided=True)),
            "a rating of -0.8 is neutral in yours: it is below 0.5, and yet further than 0.5 away "
            "from zero. `abs(rating)` is how far it is away.",
        ),
        Mistake(
            "two labels",
            lambda rated: [row for row in _three_labels(rated) if row[1] != "neutral"],
            "no text is neutral in yours; that makes the two labels again that you know.",
        ),
        Mistake(
            "the border left out",
            _labelled(lambda rating: _answer(rating, edge=False)),
            "a rating of 0.5 is at most 0.5 away from zero: it is neutral too (`<=`).",
        ),
        Mistake(
            "None for the rest",
            lambda rated: [(text, _answer(rating) or None) for text, rating in rated],
            "what has no answer stands in your list with None; leave it out.",
        ),
        Mistake(
            "numbers for words",
            lambda rated: [(text, _NUMBERS[word]) for text, word in _three_labels(rated)],
            "you give numbers; the answers are words, which the model can say.",
        ),
        Mistake(
            "answers without texts",
            lambda rated: [word for _, word in _three_labels(rated)],
            "you return the answers alone; return pairs of a text and its answer.",
        ),
    ),
)

Counts = list[list[int]]  # [right label][given answer]
Read = tuple[float, float, Any]  # of a blind guess the loss and the share that is right; counts


def _confusion(scores: Tensor, labels: Sequence[int]) -> Counts:
    answers = scores.shape[1]
    found = Counter(zip(labels, scores.argmax(1).tolist(), strict=True))
    return [[found[label, given] for given in range(answers)] for label in range(answers)]


def _read(
    scores: Tensor,
    labels: Sequence[int],
    *,
    loss: Callable[[int], float] = log,
    chance: float = 0.0,
    counts: Callable[[Counts], Any] = lambda counts: counts,
) -> Read:
    """As asked, with one of the three in another way."""
    answers = scores.shape[1]
    return loss(answers), chance or 1 / answers, counts(_confusion(scores, labels))


def _loss(scores: Tensor, labels: Sequence[int]) -> float:
    return cross_entropy(scores, torch.tensor(labels)).item()


def _right(scores: Tensor, labels: Sequence[int]) -> float:
    return sum(row[label] for label, row in enumerate(_confusion(scores, labels))) / len(labels)


def _most_frequent(labels: Sequence[int]) -> float:
    return max(Counter(labels).values()) / len(labels)


read_off = Exercise(
    right=_read,
    probes=(
        (_normal(7, 3), [0, 1, 1, 2, 0, 1, 1]),
        (_normal(6, 4), [3, 3, 0, 2, 3, 2]),  # one label that never occurs
        (_normal(5, 2), [1, 0, 1, 1, 0]),
    ),
    praise="A loss and an accuracy say little without the blind guess among as many answers.",
    mistakes=(
        Mistake(
            "two answers",
            lambda scores, labels: _read(scores, labels, loss=lambda _: log(2), chance=0.5),
            "that is the blind guess between two answers; here there are `scores.shape[1]`.",
        ),
        Mistake(
            "ln 2",
            lambda scores, labels: _read(scores, labels, loss=lambda _: log(2)),
            "ln 2 is the loss of a blind guess between two answers; it gives each of c answers "
            "1 / c, and -ln(1 / c) = ln c.",
        ),
        Mistake(
            "bits",
            lambda scores, labels: _read(scores, labels, loss=log2),
            "that loss is in bits; a loss in nats takes the natural logarithm.",
        ),
        Mistake(
            "the measured loss",
            lambda scores, labels: _read(scores, labels, loss=lambda _: _loss(scores, labels)),
            "that is the loss of these scores; who guesses blindly looks at no scores.",
        ),
        Mistake(
            "the most frequent label",
            lambda scores, labels: _read(scores, labels, chance=_most_frequent(labels)),
            "who always gives the most frequent label is right so often; who guesses blindly does "
            "not know which one that is, and is right in 1 of c cases.",
        ),
        Mistake(
            "the measured accuracy",
            lambda scores, labels: _read(scores, labels, chance=_right(scores, labels)),
            "that is the accuracy of these scores; a blind guess is right in 1 of c cases.",
        ),
        Mistake(
            "rows and columns exchanged",
            lambda scores, labels: _read(
                scores, labels, counts=lambda counts: list(map(list, zip(*counts, strict=True)))
            ),
            "your rows are the answers that were given; a row is for a right label, a column for "
            "a given answer.",
        ),
        Mistake(
            "one row for all",
            lambda scores, labels: _read(
                scores,
                labels,
                counts=lambda counts: [[*map(sum, zip(*counts, strict=True))]] * len(counts),
            ),
            "all rows of yours are the same list: `[row] * n` writes one list n times. Make a new "
            "one for each row.",
        ),
        Mistake(
            "the right ones only",
            lambda scores, labels: _read(
                scores, labels, counts=lambda counts: [row[n] for n, row in enumerate(counts)]
            ),
            "you count what is right for each label; the matrix counts every pair of a label and "
            "an answer.",
        ),
        Mistake(
            "shares",
            lambda scores, labels: _read(
                scores,
                labels,
                counts=lambda counts: [[n / max(1, sum(row)) for n in row] for row in counts],
            ),
            "you give shares of each row; asked is how many sentences there are.",
        ),
    ),
)
