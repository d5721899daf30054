"""An experiment: a prefix that chooses its own length, in every layer.

    softmax_i: c_i e^(s_i) / sum_j c_j e^(s_j),    c = 1 for text,    c = λ_layer α_(layer, i) for P
    loss + penalty * mean of all c

Each position of the prefix counts c times in its layer: all once at the start, which is prefix
tuning. The penalty pulls every c down, and where the loss does not hold against it, c reaches zero
and the position is gone from that layer. The published neighbour is Adaptive Prefix Tuning (Zhen-Ru
Zhang et al. 2023), with gates for tokens and layers too: its token gates depend on the input, both
multiply keys and values instead of weights in the softmax, and there is no penalty.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from prefixlab.methods.knobs import knob
from prefixlab.methods.prefix_tuning import PrefixTuning, PrefixTuningKnobs
from prefixlab.methods.reparameterization import Flat
from prefixlab.models.backbone import Conditioning
from prefixlab.models.geometry import Geometry

# A count that has to go, goes from 1 to 0 while a key moves by a hundredth: what is trained is its
# distance from 1, divided by this.
SPEED = 30.0


@dataclass(frozen=True)
class AdaptivePrefixKnobs(PrefixTuningKnobs):
    penalty: float = knob(
        0.3, "what a whole prefix adds to the loss", low=0.0, high=100.0, unit="nats"
    )


class AdaptivePrefix(PrefixTuning):
    """Trained keys and values, and how many times each of them counts."""

    name = "adaptive_prefix"
    Knobs = AdaptivePrefixKnobs

    def build(self, geometry: Geometry) -> None:
        super().build(geometry)
        layers = len(self.layers)
        self.of_layer = Flat(torch.zeros(layers, 1))
        self.of_token = Flat(torch.zeros(layers, self.knobs.prefix_length))

    @property
    def formula(self) -> str:
        return f"{super().formula} + {self.layer_symbol} * (prefix_length + 1)"

    def counts(self) -> Tensor:
        """c, [layers, prefix]; what has reached zero stays there, as relu has no slope there."""
        of_layer, of_token = (
            (1 + SPEED * part()).relu() for part in (self.of_layer, self.of_token)
        )
        return of_layer * of_token  # λ α

    def lengths(self) -> list[int]:
        """How many positions are left of the prefix, in each layer that had one."""
        return (self.counts() > 0).sum(1).tolist()

    def conditioning(self) -> Conditioning:
        return Conditioning(past=replace(self.unflatten(self.prefix()), counts=self.counts()))

    def outcome(self) -> dict[str, float]:
        return {"mean_length": sum(self.lengths()) / len(self.lengths())}

    def penalty(self) -> Tensor:
        return self.knobs.penalty * self.counts().mean()
