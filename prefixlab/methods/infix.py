"""Infix tuning (Li & Liang 2021, section 7.3): z = [x; INFIX; y].

The activations of the infix are trained in every layer, as a prefix's are. But it stands behind
x: the activations of x cannot react to it, only those of what follows can.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from prefixlab.data.template import Soft, Template, X
from prefixlab.methods.knobs import knob
from prefixlab.methods.prefix_tuning import PrefixTuning, PrefixTuningKnobs
from prefixlab.models.attention import Attention
from prefixlab.models.conditioning import Conditioning, Edit
from prefixlab.models.geometry import Geometry


@dataclass(frozen=True)
class InfixKnobs(PrefixTuningKnobs):
    layers: str = knob("all", "an infix stands in every layer", choices=("all",), sizes=False)


class Infix(PrefixTuning):
    """Trained keys and values between x and what follows, in every layer."""

    name = "infix"
    Knobs = InfixKnobs

    @classmethod
    def make_template(cls, template: Template, knobs: Any) -> Template:
        """The template with soft slots behind x."""
        texts = {X: f"{{x}}{{soft:{knobs.prefix_length}}}"}
        plain = super().make_template(template, knobs)
        return Template(
            "".join(
                part.replace("{", "{{").replace("}", "}}")
                if isinstance(part, str)
                else texts.get(part, "{y}")
                for part in plain.parts
                if not isinstance(part, Soft)
            )
        )

    def build(self, geometry: Geometry) -> None:
        super().build(geometry)
        if geometry.parts:
            raise ValueError(
                f"{geometry.name} is an encoder-decoder, of which one half reads x and the other "
                "writes y: nothing stands between; take prefix_tuning, in its encoder or decoder."
            )

    def conditioning(self) -> Conditioning:
        matrix = self.prefix()
        # No one sees what is embedded at these slots: their keys and values are given.
        unseen = matrix.new_zeros(len(matrix), self.geometry.hidden)
        slots = Slots(given=self.unflatten(matrix).by_layer())
        return Conditioning(virtual=unseen, edits=[slots])


@dataclass(frozen=True, kw_only=True)
class Slots(Edit):
    """Keys and values of the soft slots themselves, in place of what is computed there."""

    given: Mapping[int, tuple[Tensor, Tensor]]  # by layer: [1, kv_heads, virtual_tokens, head_dim]

    def attention(self, at: Attention) -> Attention:
        assert at.tokens is not None
        keys, values = self.given[at.layer]
        return replace(
            at,
            key=at_slots(at.key, keys[0], at.tokens),
            value=at_slots(at.value, values[0], at.tokens),
        )


def at_slots(computed: Tensor, given: Tensor, tokens: Tensor) -> Tensor:
    """What was computed, [batch, kv_heads, P + T, head_dim], with what is given at the soft slots.

    `given` is [kv_heads, virtual_tokens, head_dim], `tokens` [batch, T]. Virtual tokens beyond the
    last of `given` are embedded, as anywhere else.
    """
    numbers = -1 - tokens  # of virtual tokens; of words negative
    slots = torch.where(numbers < given.shape[1], numbers, -1)
    before = computed.shape[-2] - slots.shape[-1]  # a prefix has no soft slots
    slots = torch.nn.functional.pad(slots, (before, 0), value=-1)  # [batch, P + T]
    there = given.to(computed.dtype)[:, slots.clamp(min=0)].transpose(0, 1)
    return torch.where(slots[:, None, :, None] < 0, computed, there)
