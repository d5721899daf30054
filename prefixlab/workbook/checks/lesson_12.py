"""The exercises of lesson 12, a past for a document."""

from math import ceil, floor

import torch
from torch import Tensor
from torch.nn import functional as F

from prefixlab.models.geometry import Geometry, geometry
from prefixlab.workbook.checks import Exercise, Mistake
from prefixlab.workbook.distillation import divergence

_SOURCE = torch.Generator().manual_seed(12)


def _normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=_SOURCE)


def _begin(keys: Tensor, values: Tensor, length: int, frozen: int) -> tuple[Tensor, Tensor]:
    both = torch.stack([keys, values])[..., :length, :]  # [2, layers, 1, kv_heads, length, d]
    return both[..., :frozen, :], both[..., frozen:, :]


begin = Exercise(
    right=_begin,
    probes=(
        (_normal(3, 1, 2, 9, 4), _normal(3, 1, 2, 9, 4), 5, 1),
        (_normal(2, 1, 3, 7, 5), _normal(2, 1, 3, 7, 5), 4, 2),
        (_normal(2, 1, 2, 6, 4), _normal(2, 1, 2, 6, 4), 6, 0),
    ),
    praise="With all positions of the text, and no training, this is the text.",
    mistakes=(
        Mistake(
            "last positions",
            lambda keys, values, length, frozen: _begin(
                keys[..., -length:, :], values[..., -length:, :], length, frozen
            ),
            "you take the last positions of the text; a cartridge begins with the first ones, "
            "which saw nothing that is missing now.",
        ),
        Mistake(
            "nothing cut",
            lambda keys, values, length, frozen: _begin(keys, values, keys.shape[-2], frozen),
            "the cartridge is as long as the whole text; keep `length` positions of it.",
        ),
        Mistake(
            "frozen on top",
            lambda keys, values, length, frozen: _begin(keys, values, length + frozen, frozen),
            "your two parts have length + frozen positions together; the frozen ones are among "
            "the `length`.",
        ),
        Mistake(
            "frozen ones trained too",
            lambda keys, values, length, frozen: (
                _begin(keys, values, length, frozen)[0],
                _begin(keys, values, length, 0)[1],
            ),
            "the first positions are in both parts; what is frozen must not be trained too.",
        ),
        Mistake(
            "parts exchanged",
            lambda keys, values, length, frozen: _begin(keys, values, length, frozen)[::-1],
            "you return the trained part first; return the frozen one first.",
        ),
        Mistake(
            "values first",
            lambda keys, values, length, frozen: _begin(values, keys, length, frozen),
            "keys and values have changed places: entry 0 holds the keys.",
        ),
        Mistake(
            "the keys twice",
            lambda keys, values, length, frozen: _begin(keys, keys, length, frozen),
            "you stack the keys twice; entry 1 holds the values.",
        ),
    ),
)


def _loss(teacher: Tensor, student: Tensor) -> Tensor:
    return divergence(teacher, student).mean()


distillation_loss = Exercise(
    right=_loss,
    probes=(
        (torch.tensor([[2.0, -1.0]]), torch.tensor([[0.5, 0.0]])),
        (_normal(4, 2), _normal(4, 2)),
        (_normal(3, 5), _normal(3, 5)),
    ),
    praise="It is zero where both answer alike, and no label stands in it.",
    mistakes=(
        Mistake(
            "other direction",
            lambda teacher, student: _loss(student, teacher),
            "the two have changed places: the differences of the logarithms are weighed with the "
            "teacher's probabilities.",
        ),
        Mistake(
            "cross-entropy",
            lambda teacher, student: F.cross_entropy(student, teacher.softmax(-1)),
            "that is the cross-entropy. It has the same gradient, but is not zero where both "
            "agree: log p_teacher is missing from the difference.",
        ),
        Mistake(
            "hard labels",
            lambda teacher, student: F.cross_entropy(student, teacher.argmax(-1)),
            "you keep only which answer the teacher prefers; how sure it is must be learned too.",
        ),
        Mistake(
            "summed",
            lambda teacher, student: divergence(teacher, student).sum(),
            "you add up the sentences; take their mean.",
        ),
        Mistake(
            "mean over the answers",
            lambda teacher, student: _loss(teacher, student) / teacher.shape[1],
            "you take the mean over the answers as well: add up the answers of a sentence, and "
            "take the mean over the sentences.",
        ),
        Mistake(
            "not weighed",
            lambda teacher, student: (
                (teacher.log_softmax(-1) - student.log_softmax(-1)).sum(-1).mean()
            ),
            "the differences of the logarithms are not weighed with the teacher's probabilities.",
        ),
        Mistake(
            "scores for logarithms",
            lambda teacher, student: (teacher.softmax(-1) * (teacher - student)).sum(-1).mean(),
            "scores are not yet logarithms of probabilities: `log_softmax(-1)` makes them that.",
        ),
        Mistake(
            "squared scores",
            lambda teacher, student: F.mse_loss(student, teacher),
            "you compare the scores themselves. Scores that are all higher by one give the same "
            "probabilities; compare these.",
        ),
    ),
)


def _numbers(positions: int, size: Geometry) -> int:
    return positions * size.layers * 2 * size.kv_heads * size.head_dim


def _served(memory: int, positions: int, size: Geometry) -> int:
    return memory // (4 * _numbers(positions, size))


_SMOLLM2, _GPT2 = geometry("smollm2"), geometry("gpt2")

served = Exercise(
    right=_served,
    probes=((10**9, 16, _SMOLLM2), (10**9, 160, _SMOLLM2), (10**8, 50, _GPT2)),
    praise="A tenth of the positions: ten times as many documents in the same memory.",
    mistakes=(
        Mistake(
            "numbers for bytes",
            lambda memory, positions, size: memory // _numbers(positions, size),
            "you count numbers; each of them takes 4 bytes in float32.",
        ),
        Mistake(
            "keys only",
            lambda memory, positions, size: memory // (2 * _numbers(positions, size)),
            "you counted one tensor a layer; a position has a key and a value.",
        ),
        Mistake(
            "query heads",
            lambda memory, positions, size: (
                memory // (4 * positions * size.layers * 2 * size.heads * size.head_dim)
            ),
            "you counted the query heads; keys and values exist once for each key/value head.",
        ),
        Mistake(
            "one layer",
            lambda memory, positions, size: (
                memory // (4 * positions * 2 * size.kv_heads * size.head_dim)
            ),
            "that is one layer; every layer keeps keys and values of its own.",
        ),
        Mistake(
            "a part of one",
            lambda memory, positions, size: memory / (4 * _numbers(positions, size)),
            "a part of a past is of no use: give a whole number, rounded down.",
        ),
    ),
)


def _pays_from(training: float, text: float, cartridge: float) -> int:
    return floor(training / (text - cartridge)) + 1


pays_from = Exercise(
    right=_pays_from,
    probes=((60.0, 0.5, 0.25), (10.0, 0.75, 0.25), (7.0, 0.5, 0.125)),
    praise="Before that query the training is not paid back; from there on every query is gain.",
    mistakes=(
        Mistake(
            "one too few",
            lambda training, text, cartridge: floor(training / (text - cartridge)),
            "up to that query the text is no dearer than the cartridge; the next one is asked for.",
        ),
        Mistake(
            "even is not ahead",
            lambda training, text, cartridge: ceil(training / (text - cartridge)),
            "where the division comes out even, both have cost the same at that query; the first "
            "one where the cartridge is ahead is asked for.",
        ),
        Mistake(
            "training over the text",
            lambda training, text, cartridge: floor(training / text) + 1,
            "a query with the cartridge is not free: what a query saves is the difference of the "
            "two.",
        ),
        Mistake(
            "training over the cartridge",
            lambda training, text, cartridge: floor(training / cartridge) + 1,
            "you divide by what a query costs with the cartridge; divide by what it saves.",
        ),
        Mistake(
            "a part of a query",
            lambda training, text, cartridge: training / (text - cartridge),
            "give the number of a query, a whole number.",
        ),
    ),
)


def _compose(one: Tensor, other: Tensor) -> Tensor:
    return torch.cat([one, other], dim=-2)


compose = Exercise(
    right=_compose,
    probes=(
        (_normal(2, 3, 1, 2, 4, 5), _normal(2, 3, 1, 2, 4, 5)),
        (_normal(2, 2, 1, 3, 6, 4), _normal(2, 2, 1, 3, 2, 4)),
    ),
    praise="Each query may attend to both; neither was trained to stand beside the other.",
    mistakes=(
        Mistake(
            "along the heads",
            lambda one, other: torch.cat([one[..., : other.shape[-2], :], other], dim=3),
            "you put them side by side along the heads; a model has as many heads as it has. "
            "Positions are the last dimension but one.",
        ),
        Mistake(
            "along the batch",
            lambda one, other: torch.cat([one[..., : other.shape[-2], :], other], dim=2),
            "along the batch, each query would see one of the two; put them one behind the other "
            "along the positions.",
        ),
        Mistake(
            "along the width",
            lambda one, other: torch.cat([one[..., : other.shape[-2], :], other], dim=-1),
            "along the last dimension every key would be twice as wide; positions are the last "
            "dimension but one.",
        ),
        Mistake(
            "added",
            lambda one, other: one[..., : other.shape[-2], :] + other,
            "you add them: then a position says the sum of two, and neither is there any more.",
        ),
        Mistake(
            "the second in front",
            lambda one, other: _compose(other, one),
            "the second stands in front; the first one's frozen position belongs at the very "
            "beginning.",
        ),
    ),
)
