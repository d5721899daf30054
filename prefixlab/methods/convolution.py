"""An experiment: the input embeddings convolved with the prefix as kernel.

    e'_i = sum_j P_j * e_(i-j),    j = 0 … width - 1,    each of the h numbers by itself

P is [width, h], as large as a prompt, and starts as the kernel that changes nothing: P_0 = 1, all
else 0. It can rescale a direction of the embedding space and blend a word with the words just
before it. It can add nothing of its own: where a prompt says the same to every text, a convolution
of an empty text is empty, and a word further back than the kernel is wide is out of its reach.

We know of no paper that steers a frozen model in this way. Rescaling alone (a width of 1) is near
to (IA)³ (Liu et al. 2022), which rescales activations in every layer; short convolutions inside
every layer, trained with the model, are in Primer (So et al. 2021).
"""

from dataclasses import dataclass, replace
from typing import Any

import torch

from prefixlab.data.task import Task
from prefixlab.methods.base import CommonKnobs, Cost, Method, Positions
from prefixlab.methods.knobs import knob
from prefixlab.methods.reparameterization import Flat
from prefixlab.models.backbone import Backbone, Conditioning
from prefixlab.models.geometry import Geometry


@dataclass(frozen=True)
class ConvolutionKnobs(CommonKnobs):
    width: int = knob(10, "how many words the kernel spans", low=1, high=200, unit="positions")


class Convolution(Method):
    """A trained kernel [width, h] that the embedded input is convolved with."""

    name = "convolution"
    Knobs = ConvolutionKnobs
    learning_rate = 0.01

    def build(self, lm: Backbone) -> None:
        self.kernel = Flat(torch.zeros(self.knobs.width, lm.geometry.hidden))

    def start(self, lm: Backbone, task: Task) -> None:
        self.kernel.values[0] = 1.0

    def conditioning(self) -> Conditioning:
        return Conditioning(kernel=self.kernel())  # P, [width, hidden]

    @classmethod
    def cost(cls, geometry: Geometry, **knobs: Any) -> Cost:
        width = ConvolutionKnobs.of(cls.name, knobs).width
        return Cost.of(geometry, "width * h", width * geometry.hidden)

    @classmethod
    def positions(cls, geometry: Geometry, **knobs: Any) -> list[Positions]:
        return [replace(part, at_input="changed") for part in super().positions(geometry, **knobs)]
