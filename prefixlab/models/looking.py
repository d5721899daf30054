"""Looking: edits that change nothing, and keep what they see in the attention layers.

They stand last among the edits, so that they see what all others made of it.
"""

from dataclasses import dataclass, field

from torch import Tensor

from prefixlab.models.attention import Attention
from prefixlab.models.conditioning import Edit


@dataclass(frozen=True)
class AttentionWeights(Edit):
    """Keeps what each layer weighs its values with, [batch, heads, T, P + T], in turn."""

    seen: list[Tensor] = field(default_factory=list)

    def attention(self, at: Attention) -> Attention:
        self.seen.append(at.weights.detach())
        return at


@dataclass(frozen=True)
class KeysAndValues(Edit):
    """Keeps each layer's keys and values, [batch, kv_heads, T, head_dim], by its number."""

    found: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def attention(self, at: Attention) -> Attention:
        self.found[at.layer] = at.key, at.value
        return at
