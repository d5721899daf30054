"""The exercises of lesson 06, P-tuning v2."""

import torch
from torch import Tensor

from prefixlab.models.geometry import Geometry, geometry
from prefixlab.workbook.checks import Exercise, Mistake

_SMOLLM2, _GPT2 = geometry("smollm2"), geometry("gpt2")


def _numbers(prefix_length: int, layers: int, labels: int, size: Geometry) -> int:
    return prefix_length * layers * 2 * size.kv_heads * size.head_dim + labels * (size.hidden + 1)


stored_numbers = Exercise(
    right=_numbers,
    probes=((10, 4, 2, _GPT2), (20, 30, 5, _SMOLLM2), (1, 1, 3, _GPT2)),
    praise="Layers that have no prefix cost nothing, and a label costs one row and a bias.",
    mistakes=(
        Mistake(
            "all layers",
            lambda p, k, c, size: _numbers(p, size.layers, c, size),
            "you counted a prefix in every layer of the model; only `layers` of them have one.",
        ),
        Mistake(
            "no bias",
            lambda p, k, c, size: _numbers(p, k, c, size) - c,
            "the head has a bias for each label beside its row.",
        ),
        Mistake(
            "one head for all labels",
            lambda p, k, c, size: _numbers(p, k, 1, size),
            "every label has a row of its own in the head.",
        ),
        Mistake(
            "no head",
            lambda p, k, c, size: _numbers(p, k, 0, size),
            "that is the prefix; the head is stored too.",
        ),
    ),
)


_SOURCE = torch.Generator().manual_seed(0)


def _normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=_SOURCE)


verbalizer_as_head = Exercise(
    right=lambda output, ids, h: output[ids] @ h,
    probes=((_normal(12, 4), [3, 7], _normal(4)), (_normal(9, 6), [8, 0, 2], _normal(6))),
    praise="A verbalizer is a head whose rows are chosen, not learned.",
    mistakes=(
        Mistake(
            "probabilities over the vocabulary",
            lambda output, ids, h: (output @ h).softmax(0)[ids],
            "these are probabilities among all words; asked are the scores of the answers alone.",
        ),
        Mistake(
            "probabilities of the answers",
            lambda output, ids, h: (output[ids] @ h).softmax(0),
            "that is one step further: asked are the scores before the softmax.",
        ),
        Mistake(
            "first rows",
            lambda output, ids, h: output[: len(ids)] @ h,
            "you took the first rows of W; take those of the answers' tokens.",
        ),
    ),
)

dropped = Exercise(
    right=lambda prefix, keep, p: prefix * keep / (1 - p),
    probes=(
        (_normal(3, 4), torch.tensor([1.0, 0, 1, 1]).expand(3, 4), 0.25),
        (_normal(2, 5), (_normal(2, 5) > 0).float(), 0.5),
    ),
    praise="What is kept grows, so that the mean is the same with dropout and without.",
    mistakes=(
        Mistake(
            "no scale",
            lambda prefix, keep, p: prefix * keep,
            "what is kept must grow by 1 / (1 - p): otherwise the prefix is smaller while training "
            "than afterwards.",
        ),
        Mistake(
            "scaled by p",
            lambda prefix, keep, p: prefix * keep / p,
            "p is the share that is dropped; divide by the share that is kept.",
        ),
        Mistake(
            "kept what should go",
            lambda prefix, keep, p: prefix * (1 - keep) / (1 - p),
            "`keep` is 1 where a number stays.",
        ),
        Mistake(
            "shrunk",
            lambda prefix, keep, p: prefix * keep * (1 - p),
            "you shrink what is kept; it must grow, by 1 / (1 - p).",
        ),
    ),
)
