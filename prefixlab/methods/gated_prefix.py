"""An experiment: a gated prefix, which begins as no prefix at all.

    softmax(Q K^X^T / sqrt(d)) V^X + g softmax(Q K^P^T / sqrt(d)) V^P,    g = 0 at the start

Text and prefix have a softmax each, so the prefix takes no attention from the text; how much it
adds is the gate's to learn, for each head or for each layer. The published neighbour is the
zero-init attention of LLaMA-Adapter (Renrui Zhang et al. 2023, section 3.2), which has a gate for
each head, and prompts in the upper layers only.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from prefixlab.methods.knobs import knob
from prefixlab.methods.prefix_tuning import PrefixTuning, PrefixTuningKnobs
from prefixlab.methods.reparameterization import Flat
from prefixlab.models.backbone import Conditioning
from prefixlab.models.geometry import Geometry

# A step of Adam moves all parameters equally far. A key is right after a few hundredths, a gate
# has to go from 0 to about 1: what is trained is g / SPEED.
SPEED = 10.0


@dataclass(frozen=True)
class GatedPrefixKnobs(PrefixTuningKnobs):
    gate: str = knob("head", "what has a gate of its own", choices=("head", "layer"))


class GatedPrefix(PrefixTuning):
    """Trained keys and values, and a trained gate that lets them in."""

    name = "gated_prefix"
    Knobs = GatedPrefixKnobs

    def build(self, geometry: Geometry) -> None:
        super().build(geometry)
        width = geometry.heads if self.knobs.gate == "head" else 1
        self.gate = Flat(torch.zeros(len(self.layers), width))

    @property
    def formula(self) -> str:
        gates = f"{self.layer_symbol} * heads" if self.knobs.gate == "head" else self.layer_symbol
        return f"{super().formula} + {gates}"

    def gates(self) -> Tensor:
        """g, [layers, heads]."""
        return (SPEED * self.gate()).expand(-1, self.geometry.heads)

    def conditioning(self) -> Conditioning:
        return Conditioning(past=replace(self.unflatten(self.prefix()), gate=self.gates()))

    def outcome(self) -> dict[str, float]:
        return {"mean_gate": self.gates().abs().mean().item()}
