"""Greedy decoding by hand: a text is written token by token, after a past that nobody read."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from prefixlab.workbook.checks.exercise import Exercise, Mistake


def write_greedily(
    model: Callable[..., Any], cache: Any, ids: list[int], most: int, end: int
) -> list[int]:
    """The token ids that follow `ids`, each the most probable one: at most so many, up to `end`.

    y_t = argmax_v p(v | P, x, y_<t). The cache holds P positions when it comes. `model` is called
    as one of transformers: the keys and values of what it reads are in the cache afterwards, so
    that every later step reads the one new token.
    """
    written: list[int] = []
    new, seen = ids, cache.get_seq_length()
    while len(written) < most:
        positions = torch.arange(seen, seen + len(new))[None]  # [1, new]
        seen += len(new)
        mask = torch.ones(1, seen)  # [1, all that is in the cache, and the new]
        logits = model(
            torch.tensor([new]), position_ids=positions, attention_mask=mask, cache=cache
        ).logits  # [1, new, V]
        token = int(logits[0, -1].argmax())
        if token == end:
            break
        written.append(token)
        new = [token]
    return written


class TinyCache:
    """Keys and values of one layer, [positions, h] each.

    All caches are equal: an answer may read its last token or not, what counts is what it writes.
    """

    def __init__(self, keys: Tensor, values: Tensor):
        self.keys, self.values = keys, values

    def get_seq_length(self) -> int:
        return len(self.keys)

    def update(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        self.keys, self.values = torch.cat([self.keys, keys]), torch.cat([self.values, values])
        return self.keys, self.values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TinyCache)

    __hash__ = None  # type: ignore[assignment]


class TinyReader(nn.Module):
    """One layer of attention with a cache, called as a model of transformers for a batch of one.

    As there, no positions are those after the cache, and no mask is one of ones; a mask that is too
    short raises nothing: what it does not reach is not seen.
    """

    def __init__(self, width: int, vocabulary: int, seed: int):
        super().__init__()
        chance = torch.Generator().manual_seed(seed)

        def drawn(rows: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(rows, width, generator=chance))

        self.embedding, self.positions = drawn(vocabulary), drawn(256)
        self.query, self.key, self.value, self.readout = (
            *(drawn(width), drawn(width), drawn(width)),
            drawn(vocabulary),
        )

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        cache: TinyCache | None = None,
    ) -> SimpleNamespace:
        width, new = self.embedding.shape[1], input_ids.shape[1]
        cache = cache or TinyCache(torch.empty(0, width), torch.empty(0, width))
        past = cache.get_seq_length()
        if position_ids is None:
            position_ids = torch.arange(past, past + new)[None]
        there = torch.ones(1, past + new) if attention_mask is None else attention_mask
        x = self.embedding[input_ids[0]] + self.positions[position_ids[0]]  # [new, h]
        keys, values = cache.update(x @ self.key, x @ self.value)  # [past + new, h]
        seen = torch.ones(new, past + new, dtype=torch.bool).tril(past)
        seen[:, there.shape[1] :] = False
        seen[:, : there.shape[1]] &= there[0, : past + new] > 0
        scores = (x @ self.query) @ keys.T / width**0.5  # [new, past + new]
        mixed = scores.masked_fill(~seen, -1e9).softmax(-1) @ values  # [new, h]
        return SimpleNamespace(logits=((x + mixed) @ self.readout.T)[None])  # [1, new, V]


def _decoder(
    *,
    position: Callable[[int, int, int], int] = lambda seen, prefix, step: seen,
    columns: Callable[[int, int, int], int] = lambda seen, prefix, new: seen,
    follows: Callable[[list[int], list[int]], list[int]] = lambda ids, written: written[-1:],
    row: int = -1,
    ends: bool = True,
    with_end: bool = False,
    more: int = 0,
    with_text: bool = False,
) -> Callable[..., list[int]]:
    """Greedy decoding in which one thing may be another than in the right one."""

    def decode(model: Any, cache: Any, ids: list[int], most: int, end: int) -> list[int]:
        written: list[int] = []
        new, prefix = ids, cache.get_seq_length()
        seen = prefix
        while len(written) < most + more:
            first = position(seen, prefix, len(written))
            seen += len(new)
            given = {
                "position_ids": torch.arange(first, first + len(new))[None],
                "attention_mask": torch.ones(1, columns(seen, prefix, len(new))),
            }
            token = int(model(torch.tensor([new]), cache=cache, **given).logits[0, row].argmax())
            if ends and token == end:
                written += [token] * with_end
                break
            written.append(token)
            new = follows(ids, written)
        return ids + written if with_text else written

    return decode


def _probe(
    seed: int, prefix: int, ids: list[int], most: int, end: int
) -> tuple[TinyReader, TinyCache, list[int], int, int]:
    """The arguments of greedy decoding with 12 tokens, after a prefix of so many positions."""
    chance = torch.Generator().manual_seed(seed + 1)
    keys, values = 2 * torch.randn(2, prefix, 8, generator=chance)
    return TinyReader(8, 12, seed), TinyCache(keys, values), ids, most, end


greedy = Exercise(
    right=write_greedily,
    probes=(
        _probe(3, 3, [4, 1, 7, 2], most=6, end=99),
        _probe(25, 5, [3, 8, 2], most=9, end=4),
        _probe(1, 2, [9, 9, 1, 5, 2], most=1, end=99),
    ),
    praise="Each step reads one token, however long the text has grown.",
    mistakes=(
        Mistake(
            "positions without the prefix",
            _decoder(position=lambda seen, prefix, step: seen - prefix),
            "your positions begin at 0, where the prefix stands; the text begins at P, which is "
            "`cache.get_seq_length()` before the first step.",
        ),
        Mistake(
            "positions stand still",
            _decoder(position=lambda seen, prefix, step: prefix),
            "every token that you read after the table gets the position of the table's first; "
            "positions go on: P + T, P + T + 1, …",
        ),
        Mistake(
            "a mask without the prefix",
            _decoder(columns=lambda seen, prefix, new: seen - prefix),
            "your mask has no columns for the prefix; it is as long as all that is in the cache "
            "and the new tokens together. A mask that is too short raises no error.",
        ),
        Mistake(
            "a mask of the new tokens",
            _decoder(columns=lambda seen, prefix, new: new),
            "your mask is as long as the new tokens; what they look back at needs its columns too: "
            "all that is in the cache.",
        ),
        Mistake(
            "all read again",
            _decoder(follows=lambda ids, written: ids + written),
            "you read the whole text again in every step, though it is in the cache already: then "
            "it stands there twice. Read the new token alone.",
        ),
        Mistake(
            "the table read again",
            _decoder(follows=lambda ids, written: ids),
            "every step reads the table, and none reads what was written: after the first step the "
            "new tokens are `[token]`.",
        ),
        Mistake(
            "the first row of the logits",
            _decoder(row=0),
            "you take the logits after the first token that was read; what comes next is told by "
            "those after the last: `logits[0, -1]`.",
        ),
        Mistake(
            "the end is written",
            _decoder(with_end=True),
            "the token `end` only says that the text is over; it is no part of what you return.",
        ),
        Mistake(
            "no end",
            _decoder(ends=False),
            "you go on after the token `end`; the text is over there.",
        ),
        Mistake(
            "one too many",
            _decoder(more=1),
            "you write one token more than `most`.",
        ),
        Mistake(
            "the table returned",
            _decoder(with_text=True),
            "you return the text that was read too; return the new tokens alone.",
        ),
    ),
)
