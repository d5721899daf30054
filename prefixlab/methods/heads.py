"""Heads: trained answer rows in place of the language model's output layer.

    p(y | x) = softmax_y(w_y h + b_y),    h the last activation, [hidden]

What the words of the answers are no longer matters: a label is a row. So a head knows the labels
it was trained for and no others, and finds their rows by their words.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from prefixlab.data.task import Task
from prefixlab.data.template import Verbalizer
from prefixlab.methods.asked import Asked
from prefixlab.methods.reparameterization import Flat
from prefixlab.models.backbone import Backbone
from prefixlab.models.geometry import Geometry

FORMULA = "labels * (h + 1)"  # its numbers, see `Cost`


def blank(method: str, geometry: Geometry, asked: Asked) -> Flat:
    """A head that knows nothing and prefers no label: rows of zeros, [answers, hidden + 1].

    Random rows would be a preference that training must first undo: activations are long. A task
    of free text has no labels, which is a ValueError.
    """
    if not asked.answers:
        raise ValueError(
            f"{method} chooses among labels, and {asked.task} asks for free text; take a task with "
            "answers to choose from, or a method without a head."
        )
    return Flat(torch.zeros(len(asked.answers), geometry.hidden + 1))


def of_words(lm: Backbone, answers: Verbalizer, lead: str) -> Tensor:
    """The rows that the output layer has for the answers, [answers, hidden + 1].

    An answer of several tokens starts from the mean of their rows. An encoder has no such rows,
    which is a ValueError.
    """
    weight: Tensor = lm.output_layer.weight.float().cpu()
    encoded = answers.encode(lm.tokenizer, lead)
    rows = torch.stack([weight[ids].mean(0) for ids in encoded])
    bias = getattr(lm.output_layer, "bias", None)  # most families have none
    bias = weight.new_zeros(len(weight)) if bias is None else bias.float().cpu()
    biases = torch.stack([bias[ids].mean(0, keepdim=True) for ids in encoded])
    return torch.cat([rows, biases], dim=1)


@dataclass(frozen=True)
class Numbers(Verbalizer):
    """Answers as the rows that a head has for them: nothing reads their words."""

    known: tuple[str, ...]  # the answers that the head was trained for, in the order of its rows

    def encode(self, tokenizer: PreTrainedTokenizerBase, lead: str = "") -> list[list[int]]:
        return [[self.known.index(word)] for word in self.words]


def numbered(task: Task, asked: Asked) -> Task:
    """The same task, with the rows of a head trained for `asked` in place of the answers' tokens.

    A head knows the answers it was trained for, in whatever order or number the task has them. A
    word that is not among them is a ValueError.
    """
    words = task.verbalizer.words if task.verbalizer else ()
    if not words or (unknown := [word for word in words if word not in asked.answers]):
        raise ValueError(
            f"This head was trained for {', '.join(asked.answers)}, and {task.name} asks for "
            f"{', '.join(unknown) if words else 'free text'}; train a head for this task, or take "
            "a method that answers in words."
        )
    return replace(task, verbalizer=Numbers(words, asked.answers))
