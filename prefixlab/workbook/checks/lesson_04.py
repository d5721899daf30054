"""The exercises of lesson 04, prefix tuning."""

import torch
from torch import Tensor

from prefixlab.models.geometry import Geometry, geometry
from prefixlab.workbook.checks import Exercise, Mistake
from prefixlab.workbook.checks.training_loop import training_loop as training_loop

_SMOLLM2, _GPT2 = geometry("smollm2"), geometry("gpt2")


def _numbers(prefix_length: int, size: Geometry) -> int:
    return prefix_length * size.layers * 2 * size.kv_heads * size.head_dim


prefix_numbers = Exercise(
    right=_numbers,
    probes=((10, _SMOLLM2), (5, _GPT2), (1, _SMOLLM2)),
    praise="Shared key and value heads make a prefix three times smaller on SmolLM2.",
    mistakes=(
        Mistake(
            "keys only",
            lambda n, size: n * size.layers * size.kv_heads * size.head_dim,
            "you counted one tensor a layer; a position has a key and a value.",
        ),
        Mistake(
            "query heads",
            lambda n, size: n * size.layers * 2 * size.heads * size.head_dim,
            "you counted the query heads; keys and values exist once for each key/value head.",
        ),
        Mistake(
            "one layer",
            lambda n, size: n * 2 * size.kv_heads * size.head_dim,
            "that is one layer; every layer has a prefix of its own.",
        ),
        Mistake(
            "embeddings only",
            lambda n, size: n * size.hidden,
            "that is prompt tuning: vectors at the input only.",
        ),
    ),
)


def _share(q: Tensor, prefix_keys: Tensor, text_keys: Tensor) -> float:
    weights = (torch.cat([prefix_keys, text_keys]) @ q / len(q) ** 0.5).softmax(0)
    return weights[: len(prefix_keys)].sum().item()


_SOURCE = torch.Generator().manual_seed(0)


def _normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=_SOURCE)


prefix_share = Exercise(
    right=_share,
    probes=tuple(
        (_normal(d), _normal(p, d), _normal(t, d)) for d, p, t in ((4, 2, 5), (8, 6, 3), (16, 1, 9))
    ),
    praise="One softmax over both: what the prefix takes, the text loses.",
    mistakes=(
        Mistake(
            "no scale",
            lambda q, p, t: (torch.cat([p, t]) @ q).softmax(0)[: len(p)].sum().item(),
            "the scores are not divided by the square root of d.",
        ),
        Mistake(
            "divided by d",
            lambda q, p, t: (torch.cat([p, t]) @ q / len(q)).softmax(0)[: len(p)].sum().item(),
            "you divide by d; attention divides by the square root of d.",
        ),
        Mistake(
            "softmax of the prefix alone",
            lambda q, p, t: (p @ q / len(q) ** 0.5).softmax(0).sum().item(),
            "a softmax over the prefix alone always adds up to 1; take it over all keys.",
        ),
        Mistake(
            "share of the text",
            lambda q, p, t: 1 - _share(q, p, t),
            "that is what the text gets; the prefix gets the rest.",
        ),
        Mistake(
            "count of positions",
            lambda q, p, t: len(p) / (len(p) + len(t)),
            "that is the share of positions; attention weighs them by how well keys fit the query.",
        ),
    ),
)


def _mask(prefix: int, text: int) -> Tensor:
    below = torch.ones(text, text, dtype=torch.bool).tril()
    return torch.cat([torch.ones(text, prefix, dtype=torch.bool), below], dim=1)


prefix_mask = Exercise(
    right=_mask,
    probes=((2, 3), (1, 4), (5, 2)),
    praise="Everyone sees the prefix, and no one sees the future.",
    mistakes=(
        Mistake(
            "mask of the text only",
            lambda p, t: torch.ones(t, t, dtype=torch.bool).tril(),
            "this mask has T columns: the prefix has columns of its own, P of them, on the left.",
        ),
        Mistake(
            "triangle over everything",
            lambda p, t: torch.ones(t, p + t, dtype=torch.bool).tril(),
            "a triangle that begins in the first column hides most of the prefix and the text; "
            "shift it by P columns.",
        ),
        Mistake(
            "prefix on the right",
            lambda p, t: torch.cat(
                [
                    torch.ones(t, t, dtype=torch.bool).tril(),
                    torch.ones(t, p, dtype=torch.bool),
                ],
                dim=1,
            ),
            "the prefix stands on the left: its columns come first.",
        ),
        Mistake(
            "sees the future",
            lambda p, t: torch.ones(t, p + t, dtype=torch.bool),
            "here every token sees the tokens after it; the text part is a lower triangle.",
        ),
    ),
)

zero_prefix_factor = Exercise(
    right=lambda scores, p: (scores.exp().sum() / (scores.exp().sum() + p)).item(),
    probes=((_normal(5), 3), (_normal(8), 10), (_normal(2), 1)),
    praise="Zeros dilute: the longer the prefix, the fainter the text. A zero start is no no-op.",
    mistakes=(
        Mistake(
            "zero is nothing",
            lambda scores, p: 1.0,
            "zero keys still have the score 0, and the softmax gives e^0 = 1 to each of them.",
        ),
        Mistake(
            "the prefix's share",
            lambda scores, p: (p / (scores.exp().sum() + p)).item(),
            "that is λ, what the prefix takes; the text keeps 1 - λ.",
        ),
        Mistake(
            "count of positions",
            lambda scores, p: len(scores) / (len(scores) + p),
            "that would be right if all scores of the text were zero too; use e to their power.",
        ),
        Mistake(
            "no exponent",
            lambda scores, p: (scores.sum() / (scores.sum() + p)).item(),
            "the softmax adds up e^score, not the scores themselves.",
        ),
    ),
)


_prefix = torch.randn(3, 2, 2, 4, 5, generator=torch.Generator().manual_seed(4))


def _of_layer(prefix: Tensor, layer: int) -> tuple[Tensor, Tensor]:
    keys, values = prefix[:, layer].unbind(1)  # each [P, kv_heads, head_dim]
    return keys.transpose(0, 1)[None], values.transpose(0, 1)[None]  # [1, kv_heads, P, head_dim]


of_layer = Exercise(
    right=_of_layer,
    probes=((_prefix, 0), (_prefix, 1)),
    praise="These are tensors like those that a read text leaves; nothing checks where they came "
    "from.",
    mistakes=(
        Mistake(
            "positions and heads not exchanged",
            lambda prefix, layer: (prefix[:, layer, 0][None], prefix[:, layer, 1][None]),
            "the heads come before the positions: [1, kv_heads, P, head_dim].",
        ),
        Mistake(
            "reshaped, not exchanged",
            lambda prefix, layer: tuple(
                prefix[:, layer, part].reshape(1, prefix.shape[3], len(prefix), prefix.shape[4])
                for part in (0, 1)
            ),
            "the shape is right, but a reshape reads the numbers on in their old order and mixes "
            "positions with heads; use `transpose`.",
        ),
        Mistake(
            "no batch",
            lambda prefix, layer: tuple(part[0] for part in _of_layer(prefix, layer)),
            "a batch dimension of 1 is missing in front.",
        ),
        Mistake(
            "values first",
            lambda prefix, layer: _of_layer(prefix, layer)[::-1],
            "you return the values before the keys; return the keys first.",
        ),
        Mistake(
            "the keys twice",
            lambda prefix, layer: (_of_layer(prefix, layer)[0],) * 2,
            "your second result is the keys again; return the values.",
        ),
        Mistake(
            "one layer for all",
            lambda prefix, layer: _of_layer(prefix, 0),
            "you always take the first layer; take the one that is asked for.",
        ),
    ),
)
