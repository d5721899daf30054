"""Bias-only tuning (Ben Zaken, Goldberg & Ravfogel 2022, BitFit): only biases are trained.

    W x + b + Δb,    Δb trained, from zero, for every linear map of every layer

A model whose maps have no bias, such as Llama, has b = 0: there Δb is its first. (BitFit trains
the biases of layer norms too; here they stay.)
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from prefixlab.methods.base import Cost, Method, Positions, changed_from
from prefixlab.methods.reparameterization import Flat
from prefixlab.models.backbone import Backbone, Conditioning
from prefixlab.models.geometry import Geometry


class BiasOnly(Method):
    """A trained vector on the output of every linear map."""

    name = "bias_only"
    learning_rate = 0.003

    def build(self, lm: Backbone) -> None:
        self.widths = lm.geometry.linear_maps
        self.bias = Flat(torch.zeros(sum(self.widths.values())))

    def conditioning(self) -> Conditioning:
        parts = self.bias().split(list(self.widths.values()))  # Δb of each map, [width]
        return Conditioning(
            after={name: partial(add, part) for name, part in zip(self.widths, parts, strict=True)}
        )

    @classmethod
    def cost(cls, geometry: Geometry, **knobs: Any) -> Cost:
        cls.Knobs.of(cls.name, knobs)
        stored = geometry.layers * geometry.layer_outputs
        return Cost.of(geometry, "L * layer_outputs", stored)

    @classmethod
    def positions(cls, geometry: Geometry, **knobs: Any) -> list[Positions]:
        return changed_from(0, geometry.layers, super().positions(geometry, **knobs))


def add(bias: Tensor, output: Tensor) -> Tensor:
    return output + bias.to(output.dtype)  # [batch, positions, width]
