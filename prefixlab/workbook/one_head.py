"""One head: what a single attention head computes with, in real numbers."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from prefixlab.arguments import whole_number
from prefixlab.models.attention import Attention
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning, Edit


@dataclass(frozen=True)
class OneHead:
    """Queries, keys and values of a text, [positions, head_dim] each.

    `weights`, [positions, positions], say how much of each value every position takes: row i is
    softmax(q_i K^T / sqrt(d)), and 0 for what stands behind i.
    """

    queries: Tensor
    keys: Tensor
    values: Tensor
    weights: Tensor


@dataclass(frozen=True)
class Seen(Edit):
    """Changes nothing, and keeps what one layer attends with."""

    layer: int = 0
    found: list[Attention] = field(default_factory=list)

    def attention(self, at: Attention) -> Attention:
        if at.layer == self.layer:
            self.found.append(at)
        return at


@torch.no_grad()
def one_head(lm: Backbone, text: str, layer: int, head: int) -> OneHead:
    """What a head computes with when the model reads a text.

    Keys and values are those of the key head that this head shares with others, if it does.

    Raises
    ------
    ValueError
        No such layer or head.
    """
    size = lm.geometry
    whole_number("layer", layer, 0, size.layers - 1)
    whole_number("head", head, 0, size.heads - 1)
    seen = Seen(layer=layer)
    lm.logits(torch.tensor([lm.encode(text)], device=lm.device), Conditioning(edits=(seen,)))
    (at,) = seen.found
    of_keys = head * size.kv_heads // size.heads
    return OneHead(at.query[0, head], at.key[0, of_keys], at.value[0, of_keys], at.weights[0, head])
