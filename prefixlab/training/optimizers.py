"""Optimizers: what moves the parameters, and what it remembers of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch.nn import Module
from torch.optim import Adafactor, AdamW, Optimizer

if TYPE_CHECKING:
    from prefixlab.training.loop import Recipe


def make_optimizer(owner: Module, recipe: "Recipe", rate: float) -> Optimizer:
    """The recipe's optimizer of all that the owner trains.

    Every parameter is a group, whose rate is the recipe's `times` what the group says.
    """
    of_head = recipe.head_rate / rate if recipe.head_rate else 1.0
    groups = [
        {"params": [value], "times": of_head if of_a_head(name) else 1.0}
        for name, value in owner.named_parameters()
    ]
    if recipe.optimizer == "adafactor":
        return Adafactor(groups, lr=rate, weight_decay=recipe.weight_decay)
    return AdamW(groups, lr=rate, weight_decay=recipe.weight_decay)


def of_a_head(name: str) -> bool:
    """Whether a parameter of this name belongs to a head, which may have a rate of its own."""
    return name.startswith("head.")


def moments(optimizer: str, size: Sequence[int]) -> dict[str, Sequence[int]]:
    """What the optimizer keeps of a parameter, each with its size.

    Adafactor keeps a row and a column of the squares of a matrix (Shazeer & Stern 2018, section 3).
    """
    if optimizer == "adamw":
        return {"step": (), "exp_avg": size, "exp_avg_sq": size}
    if len(size) < 2:
        return {"step": (), "variance": size}
    return {"step": (), "row_var": (*size[:-1], 1), "col_var": (*size[:-2], 1, size[-1])}
