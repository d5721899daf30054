"""An experiment: a gated prefix, which begins as no prefix at all.

    softmax(Q K^X^T / sqrt(d)) V^X + g softmax(Q K^P^T / sqrt(d)) V^P,    g = 0 at the start

Text and prefix have a softmax each, so the prefix takes no attention from the text; how much it
adds is the gate's to learn, for each head or for each layer. The published neighbour is the
zero-init attention of LLaMA-Adapter (Renrui Zhang et al. 2023, section 3.2), which has a gate for
each head, and prompts in the upper layers only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from prefixlab.methods.knobs import knob
from prefixlab.methods.prefix_tuning import PrefixTuning, PrefixTuningKnobs
from prefixlab.methods.reparameterization import Flat
from prefixlab.models.attention import Attention
from prefixlab.models.conditioning import Conditioning, Edit
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
        gates = dict(zip(self.layers, self.gates(), strict=True))
        return Conditioning(past=self.unflatten(self.prefix()), edits=[Gate(gates=gates)])

    def outcome(self) -> dict[str, float]:
        return {"mean_gate": self.gates().abs().mean().item()}


@dataclass(frozen=True, kw_only=True)
class Gate(Edit):
    """g on what comes from the prefix, which stands beside the text and takes no position of it."""

    gates: Mapping[int, Tensor]  # by layer: [heads]

    def positions(self, positions: Tensor, prefix: int) -> Tensor:
        text = positions[:, prefix:] - positions[:, prefix - 1 : prefix] - 1  # from 0 on
        # As near to the end of the text as to its beginning: no window of attention passes it.
        return torch.cat([text[:, -1:].expand(-1, prefix), text], dim=1)  # [batch, P + T]

    def attention(self, at: Attention) -> Attention:
        if not at.prefix:
            return at
        gate = self.gates[at.layer][:, None, None]  # [heads, 1, 1]
        return replace(at, softmax=partial(gated, gate=gate, prefix=at.prefix))


def gated(scores: Tensor, gate: Tensor, prefix: int) -> Tensor:
    """[g softmax(Q K^P^T), softmax(Q K^X^T)], [batch, heads, T, P + T].

    Each part has a softmax of its own (Zhang et al. 2023, LLaMA-Adapter, equation 6).
    """
    before, text = scores[..., :prefix].softmax(-1), scores[..., prefix:].softmax(-1)
    # Where nothing of the prefix is there, no weights are: not a number each.
    return torch.cat([gate * before.nan_to_num(), text], dim=-1)
