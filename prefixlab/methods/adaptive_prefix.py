"""An experiment: a prefix that chooses its own length, in every layer.

    softmax_i: c_i e^(s_i) / sum_j c_j e^(s_j),    c = 1 for text,    c = λ_layer α_(layer, i) for P
    loss + penalty * mean of all c

Each position of the prefix counts c times in its layer: all once at the start, which is prefix
tuning. The penalty pulls every c down, and where the loss does not hold against it, c reaches zero
and the position is gone from that layer. The published neighbour is Adaptive Prefix Tuning (Zhen-Ru
Zhang et al. 2023), with gates for tokens and layers too: its token gates depend on the input, both
multiply keys and values instead of weights in the softmax, and there is no penalty.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from prefixlab.methods.knobs import knob
from prefixlab.methods.prefix_tuning import PrefixTuning, PrefixTuningKnobs
from prefixlab.methods.reparameterization import Flat
from prefixlab.models.attention import Attention
from prefixlab.models.conditioning import Conditioning, Edit
from prefixlab.models.geometry import Geometry

# A count that has to go, goes from 1 to 0 while a key moves by a hundredth: what is trained is its
# distance from 1, divided by this.
SPEED = 30.0


@dataclass(frozen=True)
class AdaptivePrefixKnobs(PrefixTuningKnobs):
    penalty: float = knob(
        0.3, "what a whole prefix adds to the loss", low=0.0, high=100.0, unit="nats", sizes=False
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
        counts = dict(zip(self.layers, self.counts(), strict=True))
        return Conditioning(past=self.unflatten(self.prefix()), edits=[Counts(counts=counts)])

    def outcome(self) -> dict[str, float]:
        return {"mean_length": sum(self.lengths()) / len(self.lengths())}

    def penalty(self) -> Tensor:
        return self.knobs.penalty * self.counts().mean()


@dataclass(frozen=True, kw_only=True)
class Counts(Edit):
    """How many times each position of a prefix counts in the softmax."""

    counts: Mapping[int, Tensor]  # by layer: c, [prefix]

    def attention(self, at: Attention) -> Attention:
        counts = self.counts.get(at.layer)
        if counts is None or not at.prefix:
            return at
        return replace(at, mask=counted_mask(at.mask, counts, at.query.dtype))


def counted_mask(mask: Tensor, counts: Tensor, dtype: torch.dtype) -> Tensor:
    """The mask as numbers that are added to the scores, [batch, 1, new, P + T].

    A key that counts c times has c e^s in place of e^s, which is e^(s + log c): none of it for
    c = 0, as if it were not there, and for c = 2 as if it were there twice. `counts` is [P].
    """
    there = counts > 0
    # log 0 has no gradient that is a number: it is kept out of the logarithm.
    added = torch.where(there, counts, 1).log().masked_fill(~there, float("-inf"))
    added = torch.nn.functional.pad(added, (0, mask.shape[-1] - len(counts)))  # [P + T]
    return torch.where(mask, added, float("-inf")).to(dtype)
