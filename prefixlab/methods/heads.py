"""Heads: trained answer rows in place of the language model's output layer.

    p(y | x) = softmax_y(w_y h + b_y),    h the last activation, [hidden]

The words of the answers no longer matter: a label is a row. So a head knows the labels it was
trained for and no others.
"""

from dataclasses import replace

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from prefixlab.backbone import Backbone
from prefixlab.methods.reparameterization import Flat
from prefixlab.tasks import Task
from prefixlab.template import Verbalizer

LABELS = 2  # what a cost is counted for where no task is at hand


def answers_of(method: str, task: Task) -> Verbalizer:
    """The answers a head is for; a task of free text has none, which is a ValueError."""
    if task.verbalizer is None:
        raise ValueError(
            f"{method} chooses among labels, and {task.name} asks for free text; take a task with "
            "answers to choose from, or a method without a head."
        )
    return task.verbalizer


def blank(method: str, lm: Backbone, task: Task) -> Flat:
    """A head that knows nothing and prefers no label: rows of zeros, [answers, hidden + 1].

    Random rows would be a preference that training must first undo: activations are long.
    """
    answers = len(answers_of(method, task).words)
    return Flat(torch.zeros(answers, lm.geometry.hidden + 1, device=lm.device))


def of_words(lm: Backbone, answers: Verbalizer, lead: str) -> Tensor:
    """The rows that the output layer has for the answers, [answers, hidden + 1].

    An answer of several tokens starts from the mean of their rows. An encoder has no such rows,
    which is a ValueError.
    """
    weight: Tensor = lm.output_layer.weight.float().cpu()
    rows = torch.stack([weight[ids].mean(0) for ids in answers.encode(lm.tokenizer, lead)])
    return torch.cat([rows, torch.zeros(len(rows), 1)], dim=1)


class Numbers(Verbalizer):
    """Answers that are the rows of a head, by number: nothing reads their words."""

    def encode(self, tokenizer: PreTrainedTokenizerBase, lead: str = "") -> list[list[int]]:
        return [[label] for label in range(len(self.words))]


def numbered(task: Task) -> Task:
    """The same task with a number for each answer, whatever its words are."""
    return replace(task, verbalizer=task.verbalizer and Numbers(task.verbalizer.words))


def size(hidden: int) -> int:
    """How many numbers a head for two labels has."""
    return LABELS * (hidden + 1)
