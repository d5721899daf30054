"""Prompt ensembling (Lester et al. 2021, section 6): many prompts on one model are many models.

Prompts that were trained apart, from different seeds, answer the same question. They can be asked
in one batch, which holds each text once for each prompt, and their N answers become one:

    y = argmax_y  Σ_n [y_n = y]                majority vote, the paper's
    p(y | x) = 1/N Σ_n p_n(y | x)              mean probability
"""

from collections.abc import Sequence

import torch
from datasets import Dataset
from torch import Tensor
from torch.nn import functional as F

from prefixlab.data.task import Task
from prefixlab.methods import Method
from prefixlab.models.backbone import Backbone
from prefixlab.serving.mixed_batches import mixed_scores


def member_scores(
    lm: Backbone,
    members: Sequence[Method],
    task: Task,
    examples: Dataset,
    *,
    batch_size: int = 8,
) -> Tensor:
    """What each member scores the answers, [members, examples, answers], in mixed batches.

    Raises
    ------
    ValueError
        No member, or as `mixed_scores`.
    """
    if isinstance(members, Method):
        raise ValueError("members is one method; put it into a list with others: [first, second].")
    if not members:
        raise ValueError("An ensemble needs at least one prompt; train some from other seeds.")
    asked = [(member, task, examples) for member in members]
    return torch.stack(mixed_scores(lm, asked, batch_size=batch_size))


def mean_probability(scored: Tensor) -> Tensor:
    """The members' mean probability of every answer, [examples, answers].

    `scored` is [members, examples, answers].
    """
    return scored.softmax(-1).mean(0)


def majority_vote(scored: Tensor) -> Tensor:
    """The answer that most members choose, [examples]; of equals, the more probable on average.

    `scored` is [members, examples, answers].
    """
    votes = F.one_hot(scored.argmax(-1), scored.shape[-1]).sum(0)  # [examples, answers]
    # A mean probability is less than a vote: it decides only among answers with as many.
    return (votes + mean_probability(scored)).argmax(-1)
