"""A variant of the learner's own: any is right whose new part, switched off, leaves a plain prefix.

A variant is a function of the keys and values of a prefix, both [layers, kv_heads, P, head_dim],
and of new numbers, [layers, P], that returns keys and values of the same shapes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from prefixlab.workbook.checks.exercise import Exercise, Verdict
from prefixlab.workbook.checks.shown import kind

Pair = tuple[Tensor, Tensor]  # keys and values
Variant = Callable[[Tensor, Tensor, Tensor], Pair]
Fault = tuple[str, str]  # a name, and what to tell


def alike(one: Pair, other: Pair) -> bool:
    """Whether keys and values are those of another prefix, within what float32 rounds."""
    return all(torch.allclose(*both, atol=1e-5) for both in zip(one, other, strict=True))


def null_check(variant: Variant, keys: Tensor, values: Tensor, new: Tensor) -> tuple[bool, bool]:
    """Whether a variant is the plain prefix where its new part is 0, and another where not."""
    plain = keys, values
    off = alike(variant(keys, values, torch.zeros_like(new)), plain)
    on = not alike(variant(keys, values, new), plain)
    return off, on


@dataclass(frozen=True)
class VariantOfOnesOwn(Exercise):
    """An exercise that takes any variant: the one that is asked for, or another one without fault.

    The first probe is what faults are looked for with.
    """

    def verdict(self, answer: Any) -> Verdict:
        told = super().verdict(answer)
        if told.kind != "wrong" or not callable(answer):
            return told
        found = fault_of(answer, *self.probes[0])
        if found is None:
            praise = "✓ Right. It is another variant than the one asked for, and its null holds."
            return Verdict("right", praise)
        name, hint = found
        return Verdict("mistake", f"✗ Not yet: {hint}", name)


def fault_of(variant: Variant, keys: Tensor, values: Tensor, new: Tensor) -> Fault | None:
    """The first thing that keeps a function from being a variant; None where there is none."""
    own, zeros = (keys.clone(), values.clone()), torch.zeros_like(new, requires_grad=True)
    off: Any = variant(*own, zeros)
    pair = isinstance(off, tuple | list) and len(off) == 2
    if not pair or not all(isinstance(part, Tensor) for part in off):
        return "no pair", f"expected a pair, keys and values, you return {kind(off)}."
    if not alike(own, (keys, values)):
        return "in place", (
            "your code changes the keys and values that it is given; make new ones, as "
            "`values * …` does and `values *= …` does not."
        )
    for name, before, after in zip(("keys", "values"), own, off, strict=True):
        if after.shape != before.shape:
            hint = f"expected {name} of shape {[*before.shape]}, got {[*after.shape]}."
            return "another shape", hint
    if keys.shape == values.shape and alike((off[1], off[0]), own):
        return "swapped", "keys and values have changed places; return the keys first."
    if not alike((off[0], off[1]), own):
        return "not off", (
            "where all new numbers are 0, expected the keys and values that were given, and got "
            "others: the new part cannot be switched off."
        )
    slope = slope_of(off, zeros)
    if alike(variant(*own, new), own):
        hint = "nothing depends on `new`: whatever it is, you return what you were given."
        return "nothing new", hint
    if not slope.any():
        return "cannot start", (
            "where all new numbers are 0 the slope of your variant is 0 too: no gradient reaches "
            "them, and they would stay 0 for ever. Let the new part grow in proportion to `new`."
        )
    if not slope.all():
        moving = f"{int((slope != 0).sum())} of {slope.numel()}"
        return "some cannot start", (
            f"only {moving} new numbers change anything: use all of `new`, {[*new.shape]}, a "
            "number for each layer and position."
        )
    return None


def slope_of(off: Pair, new: Tensor) -> Tensor:
    """How much all keys and values change with each new number, [layers, P]."""
    whole = sum(part.square().sum() for part in off)
    if not isinstance(whole, Tensor) or not whole.requires_grad:
        return torch.zeros_like(new)
    (slope,) = torch.autograd.grad(whole, new)
    return slope
