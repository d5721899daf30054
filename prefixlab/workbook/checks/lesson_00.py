"""The exercises of lesson 00, a model that will not change."""

from collections.abc import Callable

import torch
from torch import Tensor

from prefixlab.models.conditioning import Past
from prefixlab.workbook.checks import Exercise, Mistake

numbers_in_past = Exercise(
    right=lambda positions, layers, kv_heads, head_dim: (
        2 * positions * layers * kv_heads * head_dim
    ),
    probes=((5, 24, 16, 64), (10, 12, 12, 64), (7, 30, 3, 64)),
    praise="For GPT-2 medium and five positions these are the paper's 250K parameters.",
    mistakes=(
        Mistake(
            "keys or values only",
            lambda positions, layers, kv_heads, head_dim: positions * layers * kv_heads * head_dim,
            "you count the keys or the values; a position leaves one of each.",
        ),
        Mistake(
            "one layer only",
            lambda positions, layers, kv_heads, head_dim: 2 * positions * kv_heads * head_dim,
            "you count one layer; every layer keeps keys and values of its own.",
        ),
        Mistake(
            "one head only",
            lambda positions, layers, kv_heads, head_dim: 2 * positions * layers * head_dim,
            "you count one head; every head keeps keys and values of its own.",
        ),
        Mistake(
            "bytes",
            lambda positions, layers, kv_heads, head_dim: (
                8 * positions * layers * kv_heads * head_dim
            ),
            "these are bytes, at 4 for a number; the question is how many numbers.",
        ),
    ),
)

_source = torch.Generator().manual_seed(1)


def _head(n: int, d: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """A query [d], and keys and values [n, d]."""
    query, *rows = torch.randn(1 + 2 * n, d, generator=_source)
    return query, torch.stack(rows[:n]), torch.stack(rows[n:])


def _attend(
    q: Tensor, k: Tensor, v: Tensor, *, scale: float | None = None
) -> tuple[Tensor, Tensor]:
    weights = (k @ q / (len(q) ** 0.5 if scale is None else scale)).softmax(0)
    return weights, weights @ v


attend = Exercise(
    right=_attend,
    probes=(_head(3), _head(5), _head(1)),
    praise="This is attention: all heads of all layers do nothing else.",
    mistakes=(
        Mistake(
            "not scaled",
            lambda q, k, v: _attend(q, k, v, scale=1.0),
            "you left out the division by the square root of d.",
        ),
        Mistake(
            "divided by d",
            lambda q, k, v: _attend(q, k, v, scale=len(q)),
            "you divide by d; the equation has its square root.",
        ),
        Mistake(
            "scaled by the number of tokens",
            lambda q, k, v: _attend(q, k, v, scale=len(k) ** 0.5),
            "you divide by the root of the number of tokens; d is the length of the query.",
        ),
        Mistake(
            "no softmax",
            lambda q, k, v: (k @ q / len(q) ** 0.5, k @ q / len(q) ** 0.5 @ v),
            "these are scores; a softmax makes weights of them that sum to one.",
        ),
        Mistake(
            "mean of the keys",
            lambda q, k, v: (_attend(q, k, v)[0], _attend(q, k, v)[0] @ k),
            "you take the mean of the keys. Keys are for being found; what is handed over are the "
            "values.",
        ),
        Mistake(
            "keys and values swapped",
            lambda q, k, v: _attend(q, v, k),
            "you compare the query with the values; it is compared with the keys.",
        ),
        Mistake(
            "the result alone",
            lambda q, k, v: _attend(q, k, v)[1],
            "you return the result alone; return the weights too, and first.",
        ),
        Mistake(
            "the result first",
            lambda q, k, v: _attend(q, k, v)[::-1],
            "you return the result before the weights; return the weights first.",
        ),
    ),
)

_random = torch.Generator().manual_seed(0)
_rows = torch.randn(7, 4, generator=_random)
_text = torch.randn(5, 4, generator=_random)


def _after(rows: Tensor, h: Tensor) -> Tensor:
    return (rows @ h[-1]).softmax(0)


after_the_text = Exercise(
    right=_after,
    probes=((_rows, _text), (_rows, _text[:2])),
    praise="One product, one softmax: that is all that stands between memory and words.",
    mistakes=(
        Mistake(
            "first position",
            lambda rows, h: (rows @ h[0]).softmax(0),
            "you read the first position, which has seen one token; the last has seen them all.",
        ),
        Mistake(
            "mean over positions",
            lambda rows, h: (rows @ h.mean(0)).softmax(0),
            "you average over the positions; only the last one predicts what follows the text.",
        ),
        Mistake(
            "position before the last",
            lambda rows, h: (rows @ h[-2]).softmax(0),
            "the position before the last predicts the last token of the text, not the next.",
        ),
        Mistake(
            "no softmax",
            lambda rows, h: rows @ h[-1],
            "these are scores; a softmax makes them probabilities that sum to one.",
        ),
        Mistake(
            "log-probabilities",
            lambda rows, h: (rows @ h[-1]).log_softmax(0),
            "these are logarithms of probabilities; take softmax, not log_softmax.",
        ),
        Mistake(
            "every position",
            lambda rows, h: (h @ rows.T).softmax(1),
            "you return a row for every position; only the last one is asked for.",
        ),
    ),
)


def _past() -> Past:
    keys, values = torch.randn(2, 3, 1, 2, 4, 5, generator=_random)
    return Past(keys, values)


_hated, _loved = _past(), _past()


def _mix(first: Past, second: Past, t: float) -> tuple[Tensor, Tensor]:
    return torch.lerp(first.keys, second.keys, t), torch.lerp(first.values, second.values, t)


mix = Exercise(
    right=_mix,
    probes=((_hated, _loved, 0.25), (_hated, _loved, 1.0), (_loved, _hated, -0.5)),
    praise="Every point of this line is a past, and only two of them were ever read.",
    mistakes=(
        Mistake(
            "the ends swapped",
            lambda first, second, t: _mix(second, first, t),
            "at t = 0 you get the second past; the first one belongs there.",
        ),
        Mistake(
            "values of the first",
            lambda first, second, t: (_mix(first, second, t)[0], first.values),
            "you mix the keys and leave the values as they were in the first past; mix both.",
        ),
        Mistake(
            "values of the second",
            lambda first, second, t: (_mix(first, second, t)[0], second.values),
            "you mix the keys and take the values of the second past; mix both.",
        ),
        Mistake(
            "keys twice",
            lambda first, second, t: (_mix(first, second, t)[0],) * 2,
            "your second result is the keys again; return the mixed values.",
        ),
        Mistake(
            "added, not mixed",
            lambda first, second, t: (
                first.keys + t * second.keys,
                first.values + t * second.values,
            ),
            "the first past stays at full strength; its share is 1 - t.",
        ),
        Mistake(
            "values first",
            lambda first, second, t: _mix(first, second, t)[::-1],
            "you return the values before the keys; return the keys first.",
        ),
    ),
)


def _positions(prompt: int, new: int) -> tuple[int, int]:
    return sum(range(prompt, prompt + new)), prompt + new - 1


positions_computed = Exercise(
    right=_positions,
    probes=((3, 2), (10, 20), (100, 1)),
    praise="Without a cache the positions grow with the square of what is written, with one they "
    "grow in a straight line. (Every new position still looks back at all others: that part of the "
    "work grows with the square in both cases.)",
    mistakes=(
        Mistake(
            "the last token fed",
            lambda prompt, new: (_positions(prompt, new)[0], prompt + new),
            "with the cache you feed the last token too; once it is written, nobody reads it.",
        ),
        Mistake(
            "the text stays short",
            lambda prompt, new: (prompt * new, prompt + new - 1),
            "without a cache each pass is one token longer than the one before.",
        ),
        Mistake(
            "one position too many a pass",
            lambda prompt, new: (
                sum(range(prompt + 1, prompt + new + 1)),
                prompt + new - 1,
            ),
            "the first pass reads the text alone: no token has been written yet.",
        ),
        Mistake(
            "swapped",
            lambda prompt, new: _positions(prompt, new)[::-1],
            "the two numbers are swapped: first without a cache, then with it.",
        ),
        Mistake(
            "the text not read",
            lambda prompt, new: (_positions(prompt, new)[0], new),
            "the cache must be filled first: the text itself passes through the model once.",
        ),
    ),
)


def _halfway(p: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if p(middle) < 0.5 else (low, middle)
    return (low + high) / 2


halfway = Exercise(
    right=_halfway,
    probes=(
        (lambda t: t**2, 0.0, 1.0),
        (lambda t: 1 / (1 + 2.0 ** (-t)) - 0.2, -1.0, 4.0),
        (lambda t: 0.1 + 0.05 * t, 0.0, 10.0),
    ),
    praise="Each question halves what is left: thirty of them leave a billionth.",
    mistakes=(
        Mistake(
            "the middle",
            lambda p, low, high: (low + high) / 2,
            "that is the middle of the path; the answer need not turn there. Ask `p`.",
        ),
        Mistake(
            "the wrong half",
            lambda p, low, high: _halfway(lambda t: 1 - p(t), low, high),
            "you keep the wrong half: where `p` is below 0.5, the place lies further up.",
        ),
        Mistake(
            "the probability",
            lambda p, low, high: p(_halfway(p, low, high)),
            "you return the probability there, which is 0.5; return the place.",
        ),
        Mistake(
            "a straight line",
            lambda p, low, high: low + (0.5 - p(low)) / (p(high) - p(low)) * (high - low),
            "you draw a straight line from one end to the other; `p` need not be straight. Ask it "
            "in between.",
        ),
    ),
)
