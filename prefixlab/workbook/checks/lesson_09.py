"""The exercises of lesson 09, one model and many tasks."""

import torch
from torch import Tensor

from prefixlab.models.geometry import geometry
from prefixlab.serving.ensembles import majority_vote as _vote
from prefixlab.workbook.checks import Exercise, Mistake

_SMOLLM2, _GPT2 = geometry("smollm2"), geometry("gpt2")

tasks_in_the_room = Exercise(
    right=lambda parameters, length, hidden: parameters // (length * hidden),
    probes=(
        (_SMOLLM2.parameters, 10, _SMOLLM2.hidden),
        (_GPT2.parameters, 20, _GPT2.hidden),
        (1_000_003, 100, 64),
    ),
    praise="Tens of thousands of tasks in the place of one.",
    mistakes=(
        Mistake(
            "one token",
            lambda parameters, length, hidden: parameters // hidden,
            "that is a prompt of a single token; it has `prompt_length` rows.",
        ),
        Mistake(
            "bytes against numbers",
            lambda parameters, length, hidden: parameters // (4 * length * hidden),
            "you compare the bytes of a prompt with the numbers of a model; count both alike.",
        ),
        Mistake(
            "parts of a task",
            lambda parameters, length, hidden: parameters / (length * hidden),
            "a part of a prompt is of no use; round down to whole tasks.",
        ),
        Mistake(
            "upside down",
            lambda parameters, length, hidden: length * hidden / parameters,
            "that is the share of the room that one task takes; how many fit in?",
        ),
    ),
)


def _mask(lengths: list[int]) -> Tensor:
    return torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]


prefix_mask = Exercise(
    right=_mask,
    probes=(([3, 5],), ([4, 1, 2],), ([2, 2, 6, 1],)),
    praise="What a row does not have is hidden from it, and not merely zero.",
    mistakes=(
        Mistake(
            "zero is nothing",
            lambda lengths: torch.ones(len(lengths), max(lengths), dtype=torch.bool),
            "here every row sees the filling too; a zero key still takes e^0 = 1 of the softmax.",
        ),
        Mistake(
            "one too many",
            lambda lengths: torch.arange(max(lengths)) <= torch.tensor(lengths)[:, None],
            "positions are counted from 0: a prefix of 3 has the positions 0, 1 and 2.",
        ),
        Mistake(
            "filled in front",
            lambda lengths: _mask(lengths).flip(1),
            "that is the padding of texts, on the left; here the filling stands at the end.",
        ),
        Mistake(
            "turned round",
            lambda lengths: ~_mask(lengths),
            "True is where a row may look, and here it may look at the filling only.",
        ),
    ),
)

_SOURCE = torch.Generator().manual_seed(0)


def _scores(members: int, examples: int) -> Tensor:
    """Members that mostly disagree, some of them very sure."""
    return 3 * torch.randn(members, examples, 2, generator=_SOURCE) ** 3


majority_vote = Exercise(
    right=_vote,
    probes=((_scores(3, 20),), (_scores(5, 30),), (_scores(7, 25),)),
    praise="One member, one vote, however sure it is.",
    mistakes=(
        Mistake(
            "the loudest",
            lambda scores: scores.mean(0).argmax(-1),
            "you averaged the scores: one member that is very sure outvotes two that are not.",
        ),
        Mistake(
            "mean probability",
            lambda scores: scores.softmax(-1).mean(0).argmax(-1),
            "that is the mean probability, which is another good way; let each choose first.",
        ),
        Mistake(
            "the first member",
            lambda scores: scores[0].argmax(-1),
            "that is what the first member says; the others have a vote too.",
        ),
        Mistake(
            "across the examples",
            lambda scores: scores.argmax(-1).mode(1).values,
            "you counted over the examples; count over the members, the first dimension.",
        ),
    ),
)
