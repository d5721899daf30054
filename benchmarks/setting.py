"""What is measured on: a model, in a precision, and how much of everything."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

import prefixlab as pl
from benchmarks.texts import Sizes

# Of the number of a part: what is to be done with it, made ready.
Work = Callable[[int], Callable[[], object]]


@dataclass(frozen=True)
class Setting:
    backbone: str
    dtype: str
    sizes: Sizes


@cache
def loaded(backbone: str, dtype: str) -> pl.Backbone:
    """Our backbone, which has read a text: its weights are in memory."""
    lm = pl.load(backbone, dtype=dtype, device="cpu")
    lm.next_tokens("The film was", k=1)
    return lm


@torch.no_grad()
def set_prefix(values: Tensor) -> None:
    """Give both sides the same prefix."""
    values.normal_(std=0.1, generator=torch.Generator().manual_seed(0))
