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

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from prefixlab.data.task import Task
from prefixlab.methods.base import CommonKnobs, Method
from prefixlab.methods.knobs import knob
from prefixlab.methods.reparameterization import Flat
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning, Edit
from prefixlab.models.geometry import Geometry


@dataclass(frozen=True)
class ConvolutionKnobs(CommonKnobs):
    width: int = knob(10, "how many words the kernel spans", low=1, high=200, unit="positions")


class Convolution(Method):
    """A trained kernel [width, h] that the embedded input is convolved with."""

    name = "convolution"
    Knobs = ConvolutionKnobs
    learning_rate = 0.01

    def build(self, geometry: Geometry) -> None:
        self.kernel = Flat(torch.zeros(self.knobs.width, geometry.hidden))

    @property
    def formula(self) -> str:
        return "width * h"

    def start(self, lm: Backbone, task: Task) -> None:
        self.kernel.values[0] = 1.0

    def conditioning(self) -> Conditioning:
        return Conditioning(edits=[Convolved(kernel=self.kernel())])  # P, [width, hidden]


@dataclass(frozen=True, kw_only=True)
class Convolved(Edit):
    """The embedded input convolved with a kernel; padding adds nothing to it."""

    kernel: Tensor  # [width, hidden]

    def embedded(self, embedded: Tensor, seen: Tensor) -> Tensor:
        return convolved(embedded.masked_fill(~seen[:, :, None], 0), self.kernel)


def convolved(embedded: Tensor, kernel: Tensor) -> Tensor:
    """e'_i = sum_j k_j * e_(i-j), every one of the `hidden` numbers by itself: [batch, T, hidden].

    It looks back only, so that no position learns of the future; before the text there is nothing.
    """
    length = embedded.shape[1]
    back = [F.pad(embedded, (0, 0, j, 0))[:, :length] for j in range(len(kernel))]  # e_(i-j)
    return torch.einsum("jbth,jh->bth", torch.stack(back), kernel.to(embedded.dtype))
