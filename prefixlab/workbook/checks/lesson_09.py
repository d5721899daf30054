"""The exercises of lesson 09, one model and many tasks."""

from collections.abc import Callable, Sequence
from math import sqrt

import torch
from scipy.stats import binom, norm
from torch import Tensor
from torch.nn import functional as F

from prefixlab.models.geometry import Geometry, geometry
from prefixlab.workbook.checks import Exercise, Mistake

_SOURCE = torch.Generator().manual_seed(9)


def _normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=_SOURCE)


def _stack(prefixes: Sequence[Tensor], *, behind: bool = False) -> tuple[Tensor, Tensor]:
    longest = max(prefix.shape[-2] for prefix in prefixes)
    filled, seen = [], []
    for prefix in prefixes:
        missing = longest - prefix.shape[-2]
        filled.append(F.pad(prefix, (0, 0, 0, missing) if behind else (0, 0, missing, 0)))
        there = [True] * (longest - missing)
        seen.append(there + [False] * missing if behind else [False] * missing + there)
    return torch.stack(filled, dim=2), torch.tensor(seen, dtype=torch.bool)


def _prefixes(*lengths: int) -> list[Tensor]:
    """Keys and values of 3 layers and 2 heads of 4 numbers."""
    return [_normal(2, 3, 2, length, 4) for length in lengths]


stack = Exercise(
    right=_stack,
    probes=((_prefixes(3, 5),), (_prefixes(4, 1, 2),), (_prefixes(2, 0, 2, 6),)),
    praise="What a row does not have is hidden from it, and not merely zero.",
    mistakes=(
        Mistake(
            "zero is nothing",
            lambda prefixes: (
                _stack(prefixes)[0],
                torch.ones_like(_stack(prefixes)[1]),
            ),
            "your mask shows the filling to its row. A key of zeros gets the score 0, and so "
            "takes e^0 = 1 of the softmax.",
        ),
        Mistake(
            "filled behind",
            lambda prefixes: _stack(prefixes, behind=True),
            "your filling stands behind the shorter prefixes; put it in front of them.",
        ),
        Mistake(
            "mask of the other side",
            lambda prefixes: (_stack(prefixes)[0], _stack(prefixes, behind=True)[1]),
            "you fill in front, and your mask hides positions at the end: it hides a part of the "
            "prefix and shows the filling.",
        ),
        Mistake(
            "turned round",
            lambda prefixes: (_stack(prefixes)[0], ~_stack(prefixes)[1]),
            "True is where a row has a position of its own; your mask shows the filling only.",
        ),
        Mistake(
            "rows in front",
            lambda prefixes: (_stack(prefixes)[0].movedim(2, 0), _stack(prefixes)[1]),
            "your rows are the first dimension; keys and values are, and then the layers: "
            "`torch.stack(…, dim=2)`.",
        ),
        Mistake(
            "cut to the shortest",
            lambda prefixes: _stack(
                [p[..., : min(q.shape[-2] for q in prefixes), :] for p in prefixes]
            ),
            "you cut all to the length of the shortest; every row keeps what it has.",
        ),
    ),
)


def _positions(mask: Tensor) -> Tensor:
    return (mask.cumsum(1) - 1).clamp(min=0)


def _columns(mask: Tensor) -> Tensor:
    return torch.arange(mask.shape[1]).expand(mask.shape)


_MASKS = (
    torch.tensor([[0, 0, 1, 0, 1, 1], [1, 1, 1, 1, 1, 1], [0, 1, 1, 0, 0, 1]]).bool(),
    torch.tensor([[1, 1, 1], [0, 0, 1]]).bool(),
)

positions_of = Exercise(
    right=_positions,
    probes=tuple((mask,) for mask in _MASKS),
    praise="Each row counts what it has, and nothing else: as it would alone.",
    mistakes=(
        Mistake(
            "the columns",
            _columns,
            "you number the columns, alike in all rows. A row alone has no filling to count.",
        ),
        Mistake(
            "from one",
            lambda mask: mask.cumsum(1),
            "the first position of a row is 0; yours is 1.",
        ),
        Mistake(
            "below zero",
            lambda mask: mask.cumsum(1) - 1,
            "what stands before a row's first position is -1 here; no model has that position. "
            "`clamp(min=0)` makes it 0, and nobody looks there.",
        ),
        Mistake(
            "down the rows",
            lambda mask: (mask.cumsum(0) - 1).clamp(min=0),
            "you count down the rows of the batch; count along each row.",
        ),
        Mistake(
            "the first gap only",
            lambda mask: (_columns(mask) - mask.int().argmax(1, keepdim=True)).clamp(min=0),
            "you leave out the filling in front of the prefix. There is more of it: between the "
            "prefix and a short text.",
        ),
        Mistake(
            "zero in every gap",
            lambda mask: _positions(mask) * mask,
            "you set the filling between prefix and text to 0. It does not matter there, but the "
            "check compares: let the count stand still.",
        ),
    ),
)


def _vote(margins: Tensor) -> Tensor:
    return ((margins > 0).double().mean(0) > 0.5).long()


def _margins(members: int, sentences: int) -> Tensor:
    """Members that mostly disagree, some of them very sure."""
    return 3 * _normal(members, sentences) ** 3


_TEAMS = (
    torch.tensor([[0.5, -3.0, 0.5], [0.4, 1.0, -2.0], [-9.0, 1.0, -2.0]]),
    _margins(5, 30),
    _margins(7, 25),
)

vote = Exercise(
    right=_vote,
    probes=tuple((team,) for team in _TEAMS),
    praise="One member, one vote, however sure it is.",
    mistakes=(
        Mistake(
            "the loudest",
            lambda margins: (margins.mean(0) > 0).long(),
            "you take the mean of the margins: one member that is very sure outvotes two that "
            "are not. Let each choose first.",
        ),
        Mistake(
            "mean probability",
            lambda margins: (margins.sigmoid().mean(0) > 0.5).long(),
            "that is what the mean probability prefers, the other way; in a vote each member "
            "chooses first.",
        ),
        Mistake(
            "the first member",
            lambda margins: (margins[0] > 0).long(),
            "that is what the first member says; the others have a vote too.",
        ),
        Mistake(
            "across the sentences",
            lambda margins: ((margins > 0).double().mean(1) > 0.5).long(),
            "you count over the sentences; count over the members, the first dimension.",
        ),
        Mistake(
            "all must agree",
            lambda margins: (margins > 0).all(0).long(),
            "you ask for all members; more than half of them are enough.",
        ),
        Mistake(
            "one is enough",
            lambda margins: (margins > 0).any(0).long(),
            "one member is enough for you; it takes more than half of them.",
        ),
    ),
)


mean_probability = Exercise(
    right=lambda margins: margins.sigmoid().mean(0),
    probes=tuple((team,) for team in _TEAMS),
    praise="Who is sure counts for more, but never for more than one.",
    mistakes=(
        Mistake(
            "mean margin",
            lambda margins: margins.mean(0).sigmoid(),
            "you take the mean of the margins and then the probability. A margin has no end, so "
            "that one member can outweigh all others: take the probabilities first.",
        ),
        Mistake(
            "share of the votes",
            lambda margins: (margins > 0).to(margins.dtype).mean(0),
            "that is the share of the votes; how sure each member is must count.",
        ),
        Mistake(
            "across the sentences",
            lambda margins: margins.sigmoid().mean(1),
            "you take the mean over the sentences; take it over the members, the first dimension.",
        ),
        Mistake(
            "the other answer",
            lambda margins: 1 - margins.sigmoid().mean(0),
            "that is the probability of answer 0; a margin is how far answer 1 is ahead.",
        ),
        Mistake(
            "softmax over the members",
            lambda margins: margins.softmax(0).mean(0),
            "your softmax compares the members with each other; each has two answers to compare, "
            "and of two a softmax is `sigmoid` of the margin.",
        ),
        Mistake(
            "not divided",
            lambda margins: margins.sigmoid().sum(0),
            "you add the probabilities up; divide by the number of members.",
        ),
    ),
)


def _of_one_task(what: str, size: Geometry) -> int:
    return {
        "weights": size.parameters,
        "prompt": 10 * size.hidden,
        "prefix": 10 * size.layers * 2 * size.kv_heads * size.head_dim,
    }[what]


def _bytes(tasks: int, what: str, size: Geometry) -> int:
    model = 0 if what == "weights" else size.parameters
    return 4 * (model + tasks * _of_one_task(what, size))


_SMOLLM2, _GPT2 = geometry("smollm2"), geometry("gpt2")

bytes_of_tasks = Exercise(
    right=_bytes,
    probes=(
        (1000, "weights", _SMOLLM2),
        (1000, "prompt", _SMOLLM2),
        (1000, "prefix", _SMOLLM2),
        (3, "prefix", _GPT2),
    ),
    praise="A thousand models against one and a little more.",
    mistakes=(
        Mistake(
            "numbers for bytes",
            lambda tasks, what, size: _bytes(tasks, what, size) // 4,
            "you count numbers; each of them takes 4 bytes in float32.",
        ),
        Mistake(
            "no model",
            lambda tasks, what, size: 4 * tasks * _of_one_task(what, size),
            "prompts and prefixes are of no use without the model: it is stored once, too.",
        ),
        Mistake(
            "a model for each",
            lambda tasks, what, size: (
                _bytes(tasks, what, size)
                if what == "weights"
                else 4 * tasks * (size.parameters + _of_one_task(what, size))
            ),
            "you store the frozen model once for every prompt; all tasks share one.",
        ),
        Mistake(
            "one model more",
            lambda tasks, what, size: 4 * (size.parameters + tasks * _of_one_task(what, size)),
            "a task that has all weights of its own needs no other model: with `weights` there "
            "are as many models as tasks.",
        ),
        Mistake(
            "query heads",
            lambda tasks, what, size: (
                _bytes(tasks, what, size)
                + (what == "prefix")
                * 4
                * tasks
                * 20
                * size.layers
                * size.head_dim
                * (size.heads - size.kv_heads)
            ),
            "you counted the query heads; keys and values exist once for each key/value head.",
        ),
        Mistake(
            "keys only",
            lambda tasks, what, size: (
                4 * (size.parameters + tasks * _of_one_task(what, size) // 2)
                if what == "prefix"
                else _bytes(tasks, what, size)
            ),
            "you counted one tensor a layer; a position of a prefix has a key and a value.",
        ),
    ),
)


def _computed(requests: int, n: int, m: int, members: int) -> tuple[int, int]:
    return requests * members * (m + n), members * m + requests * members * n


positions_computed = Exercise(
    right=_computed,
    probes=((1, 20, 10, 1), (100, 20, 10, 1), (100, 12, 50, 5), (7, 30, 4, 3)),
    praise="With the prompts kept, a member costs its reading of the text and no more.",
    mistakes=(
        Mistake(
            "text read once",
            lambda requests, n, m, members: (
                _computed(requests, n, m, members)[0],
                members * m + requests * n,
            ),
            "you read a text once for all members. But what a text computes depends on what "
            "stands in front of it: each member reads it anew.",
        ),
        Mistake(
            "one member",
            lambda requests, n, m, members: _computed(requests, n, m, 1),
            "that is one prompt; every member is a row of the batch.",
        ),
        Mistake(
            "kept is free",
            lambda requests, n, m, members: (
                _computed(requests, n, m, members)[0],
                requests * members * n,
            ),
            "what is kept has to be computed once: m positions for each member.",
        ),
        Mistake(
            "one prompt kept",
            lambda requests, n, m, members: (
                _computed(requests, n, m, members)[0],
                m + requests * members * n,
            ),
            "you keep one prompt; each member has a prompt of its own.",
        ),
        Mistake(
            "exchanged",
            lambda requests, n, m, members: _computed(requests, n, m, members)[::-1],
            "the two numbers have changed places: first without keeping anything.",
        ),
        Mistake(
            "of one request",
            lambda requests, n, m, members: _computed(1, n, m, members),
            "that is one request; there are `requests` of them.",
        ),
    ),
)


def _compared(before: Tensor, after: Tensor) -> tuple[int, int, float]:
    gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
    rarer = min(gained, lost)
    return gained, lost, min(1.0, 2 * float(binom.cdf(rarer, gained + lost, 0.5)))


def _pairs(both: int, gained: int, lost: int, neither: int) -> tuple[Tensor, Tensor]:
    """So many sentences that both got right, only the second, only the first, none."""
    sizes = torch.tensor([both, gained, lost, neither])
    before = torch.tensor([True, False, True, False]).repeat_interleave(sizes)
    after = torch.tensor([True, True, False, False]).repeat_interleave(sizes)
    order = torch.randperm(len(before), generator=_SOURCE)
    return before[order], after[order]


def _luck(p: Callable[[int, int], float]) -> Callable[[Tensor, Tensor], tuple[int, int, float]]:
    """The counts with another p, of how many are on the rarer side and how many differ."""

    def answer(before: Tensor, after: Tensor) -> tuple[int, int, float]:
        gained, lost, _ = _compared(before, after)
        return gained, lost, float(p(min(gained, lost), gained + lost))

    return answer


def _unpaired(before: Tensor, after: Tensor) -> tuple[int, int, float]:
    """A test of two shares, as if each were of other sentences."""
    gained, lost, _ = _compared(before, after)
    one, other = before.double().mean().item(), after.double().mean().item()
    both = (one + other) / 2
    error = sqrt(2 * both * (1 - both) / len(before))
    return gained, lost, float(2 * norm.sf(abs(other - one) / error))


def _of_all(before: Tensor, after: Tensor) -> tuple[int, int, float]:
    gained, lost, _ = _compared(before, after)
    return gained, lost, min(1.0, 2 * float(binom.cdf(min(gained, lost), len(before), 0.5)))


paired_test = Exercise(
    right=_compared,
    probes=(_pairs(360, 12, 4, 24), _pairs(80, 3, 7, 10), _pairs(50, 5, 5, 4)),
    praise="Sentences that both get right, or both wrong, say nothing about the difference.",
    mistakes=(
        Mistake(
            "unpaired",
            _unpaired,
            "you compare two shares as if they were of different sentences. Both judged the same "
            "ones: only those where they differ count.",
        ),
        Mistake(
            "all sentences",
            _of_all,
            "you toss a coin for every sentence; toss one only where the two differ, gained + "
            "lost times.",
        ),
        Mistake(
            "one side",
            _luck(lambda rarer, differ: binom.cdf(rarer, differ, 0.5)),
            "that is one side. Luck can favour either: double it.",
        ),
        Mistake(
            "above one",
            _luck(lambda rarer, differ: 2 * binom.cdf(rarer, differ, 0.5)),
            "where as many are gained as lost, twice one side is more than 1; no probability is: "
            "take 1 there.",
        ),
        Mistake(
            "just so many",
            _luck(lambda rarer, differ: min(1.0, 2 * binom.pmf(rarer, differ, 0.5))),
            "that is how often luck gives just so many; ask how often it gives so many or fewer "
            "(`binom.cdf`).",
        ),
        Mistake(
            "gained and lost exchanged",
            lambda before, after: _compared(after, before),
            "gained are the sentences that are wrong before and right after; yours are the lost.",
        ),
        Mistake(
            "right before and after",
            lambda before, after: (
                int(after.sum()),
                int(before.sum()),
                _compared(before, after)[2],
            ),
            "you count all right answers; gained are only those that were wrong before.",
        ),
    ),
)
