"""The exercises of lesson 10, the whole map."""

from prefixlab.models.geometry import Geometry, geometry
from prefixlab.workbook.checks import Exercise, Mistake

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
