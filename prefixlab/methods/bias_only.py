"""Bias-only tuning (Ben Zaken, Goldberg & Ravfogel 2022, BitFit): only biases are trained.

    W x + b + Δb,    Δb trained, from zero, for every linear map of every layer

A model whose maps have no bias, such as Llama, has b = 0: there Δb is its first. (BitFit trains
the biases of layer norms too; here they stay.)
"""

from functools import partial

import torch
from torch import Tensor

from prefixlab.methods.base import Method
from prefixlab.methods.reparameterization import Flat
from prefixlab.models.conditioning import Conditioning, Edit
from prefixlab.models.geometry import Geometry


class BiasOnly(Method):
    """A trained vector on the output of every linear map."""

    name = "bias_only"
    learning_rate = 0.003

    def build(self, geometry: Geometry) -> None:
        self.widths = geometry.linear_maps
        self.bias = Flat(torch.zeros(sum(self.widths.values())))

    @property
    def formula(self) -> str:
        return "outputs" if self.geometry.parts else "L * layer_outputs"

    def conditioning(self) -> Conditioning:
        parts = self.bias().split(list(self.widths.values()))  # Δb of each map, [width]
        added = {name: partial(add, part) for name, part in zip(self.widths, parts, strict=True)}
        return Conditioning(edits=[Edit(outputs=added)])


def add(bias: Tensor, _: Tensor, output: Tensor) -> Tensor:
    """(W x + b) + Δb, of a map's output."""
    return output + bias.to(output.dtype)  # [batch, positions, width]
