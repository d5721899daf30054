"""Cartridges (Eyuboglu et al. 2025): a short trained past in place of a long text.

    Z = [K; V] of the text's first tokens at the start,    then p(y | Z, x) close to p(y | text, x)

A text that is read leaves keys and values for each of its tokens; a cartridge has those of the
first few, in every layer, and training makes them say what all of them said (section 3). The very
first stay as they are: much attention ends there whatever is read, so that a change there disturbs
every position (PEFT's `num_frozen_tokens`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from prefixlab.data.task import Task
from prefixlab.methods.in_context import InContextKnobs, InContextLearning
from prefixlab.methods.knobs import knob
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning, Past
from prefixlab.models.geometry import Geometry


@dataclass(frozen=True)
class CartridgeKnobs(InContextKnobs):
    prefix_length: int = knob(
        16, "positions of the cartridge, in every layer", low=1, high=4096, unit="positions"
    )
    frozen: int = knob(
        1, "the first positions, which are not trained", low=0, high=4096, unit="positions"
    )
    demonstrations: int = knob(
        4, "how many examples it stands in for", low=1, high=64, unit="examples", sizes=False
    )
    text: str = knob("", "a text that it stands in for, in place of demonstrations", sizes=False)


class Cartridge(InContextLearning):
    """Trained keys and values that begin as those of a text's first tokens.

    Raises
    ------
    ValueError
        A text shorter than the cartridge, nothing left to train, or as `InContextLearning`.
    """

    name = "cartridge"
    Knobs = CartridgeKnobs
    learning_rate = 0.003
    first: Tensor  # [2, layers, 1, kv_heads, frozen, head_dim], keys and values

    def build(self, geometry: Geometry) -> None:
        length, frozen = self.knobs.prefix_length, self.knobs.frozen
        if frozen >= length:
            raise ValueError(
                f"frozen={frozen} leaves none of {length} positions to train; choose a value from "
                f"0 to {length - 1}, or a longer cartridge."
            )
        geometry.check_room(length, 1)
        both = torch.zeros(2, geometry.layers, 1, geometry.kv_heads, length, geometry.head_dim)
        first, others = both.split([frozen, length - frozen], dim=-2)
        self.register_buffer("first", first)
        self.others = nn.Parameter(others)

    @property
    def formula(self) -> str:
        return "prefix_length * L * 2 * kv_heads * head_dim"

    def start(self, lm: Backbone, task: Task) -> None:
        if self.knobs.text:
            self.recall(lm, [self.knobs.text])
        else:
            super().start(lm, task)
        length, known = self.knobs.prefix_length, len(self.tokens)
        if length > known:
            raise ValueError(
                f"prefix_length={length} is more than the {known} tokens of the text that the "
                "cartridge starts from; choose a smaller one, a longer text or more demonstrations."
            )
        real = lm.read_past(self.tokens[:length])  # no token sees what comes after it
        both = torch.stack([real.keys, real.values]).float()
        self.first.copy_(both[..., : self.knobs.frozen, :])
        self.others.copy_(both[..., self.knobs.frozen :, :])

    def recall(self, lm: Backbone, texts: Sequence[str]) -> None:
        """The text is known, so that its queries are; but it is not read."""
        self.take(lm, texts)

    def conditioning(self) -> Conditioning:
        keys, values = torch.cat([self.first, self.others], dim=-2)
        return Conditioning(past=Past(keys, values))
