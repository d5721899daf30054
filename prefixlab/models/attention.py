"""Attention, where all that comes before a text meets the text.

    softmax(Q [K^P; K^X]^T / sqrt(d)) [V^P; V^X]          (Li & Liang 2021, section 3.1)

This is the attention that every backbone computes. Besides the plain equation it knows the few
things that a method may do inside of it: a prefix in some layers only, keys and values of its own
at soft slots, a gate on what comes from the prefix, and a look at the weights.
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask


@dataclass
class Inside:
    """What happens inside the attention layers of one pass; hung on the model's config."""

    # By layer: keys and values [kv_heads, virtual_tokens, head_dim] in place of the computed ones,
    # where `slots` [batch, text] holds the number of a virtual token; all else is negative.
    deep: Mapping[int, tuple[Tensor, Tensor]] = field(default_factory=dict)
    slots: Tensor | None = None
    # By layer: [heads], what comes from the first `prefix` keys is multiplied with.
    gates: Mapping[int, Tensor] = field(default_factory=dict)
    # By layer: [batch], whether a row may see the first `prefix` keys.
    shown: Mapping[int, Tensor] = field(default_factory=dict)
    prefix: int = 0
    # By layer: [prefix], how many times each position of the prefix counts.
    counts: Mapping[int, Tensor] = field(default_factory=dict)
    record: Callable[[Tensor], None] | None = None  # is shown the weights of every layer
    # Where each of the P + T keys stands, [batch, P + T]; the queries are the last of them.
    positions: Tensor | None = None


def attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor, **options: Any
) -> tuple[Tensor, None]:
    """Attention with whatever `Inside` asks for.

    Queries are [batch, heads, T, head_dim], keys and values [batch, kv_heads, P + T, head_dim]. A
    layer outside the chosen ones has no prefix: its keys are fewer than the columns of the
    mask, and the columns it lacks are the first.
    """
    if options.get("s_aux") is not None:
        raise ValueError(
            "its softmax has sinks, columns without a key, which are not computed here"
        )
    inside: Inside = getattr(module.config, INSIDE, NOTHING)
    attention_mask = attention_mask[..., -key.shape[-2] :]
    if inside.positions is not None and (window := options.get("sliding_window")):
        near = within(window, inside.positions, query.shape[-2])  # [batch, 1, new, P + T]
        attention_mask = attention_mask & near[..., -key.shape[-2] :]
    if module.layer_idx in inside.shown:
        text = torch.arange(key.shape[-2], device=key.device) >= inside.prefix  # [P + T]
        attention_mask = attention_mask & (
            text | inside.shown[module.layer_idx][:, None, None, None]
        )
    if inside.slots is not None and module.layer_idx in inside.deep:
        keys, values = inside.deep[module.layer_idx]
        key, value = at_slots(key, keys, inside.slots), at_slots(value, values, inside.slots)
    if module.layer_idx in inside.counts:
        attention_mask = counted(attention_mask, inside.counts[module.layer_idx], query.dtype)
    gate = inside.gates.get(module.layer_idx)
    if inside.record and gate is None:
        inside.record(weights(query, key, attention_mask, **options).detach())
    elif inside.record and gate is not None:
        inside.record(gated_weights(query, key, attention_mask, gate, inside.prefix, **options))
    # On a processor the fused kernel's backward pass is slow for texts as short as ours: without
    # it a training step takes 15 % less time.
    slow = key.requires_grad and key.device.type == "cpu"
    with sdpa_kernel(SDPBackend.MATH) if slow else nullcontext():
        if module.layer_idx in inside.gates:
            return gated(module, query, key, value, attention_mask, inside, **options), None
        return attend(module, query, key, value, attention_mask, **options), None


def attend(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor, **options: Any
) -> Tensor:
    """softmax(Q K^T / sqrt(d)) V, [batch, T, heads, head_dim]."""
    if not options.get("softcap"):
        return sdpa_attention_forward(module, query, key, value, mask, **options)[0]
    shared = query.shape[1] // value.shape[1]  # query heads for each value head
    values = value.repeat_interleave(shared, dim=1)  # [batch, heads, P + T, head_dim]
    return (weights(query, key, mask, **options).to(value.dtype) @ values).transpose(1, 2)


def within(window: int, positions: Tensor, new: int) -> Tensor:
    """Which keys are fewer than `window` positions before a query, [batch, 1, new, P + T].

    As in Mistral (Jiang et al. 2023, section 2): a prefix slides out of sight like any other text.
    """
    queries = positions[:, None, -new:, None]  # [batch, 1, new, 1]
    return queries - positions[:, None, None, :] < window


def at_slots(computed: Tensor, given: Tensor, slots: Tensor) -> Tensor:
    """What was computed, [batch, kv_heads, P + T, head_dim], with what is given at the soft slots.

    `given` is [kv_heads, virtual_tokens, head_dim], `slots` [batch, T].
    """
    before = computed.shape[-2] - slots.shape[-1]  # a prefix has no soft slots
    slots = torch.nn.functional.pad(slots, (before, 0), value=-1)  # [batch, P + T]
    there = given.to(computed.dtype)[:, slots.clamp(min=0)].transpose(0, 1)
    return torch.where(slots[:, None, :, None] < 0, computed, there)


def gated(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor,
    inside: Inside,
    **options: Any,
) -> Tensor:
    """softmax(Q K^X^T) V^X + g softmax(Q K^P^T) V^P: a gate of zero leaves the model as it was.

    Each part has a softmax of its own, so that the prefix takes no attention from the text (Zhang
    et al. 2023, LLaMA-Adapter, equation 6). [batch, T, heads, head_dim]
    """
    gate, prefix = inside.gates[module.layer_idx], inside.prefix
    text, before = (
        attend(module, query, key[:, :, part], value[:, :, part], mask[..., part], **options)
        for part in (slice(prefix, None), slice(prefix))
    )
    return text + gate.to(text.dtype)[:, None] * before


def counted(mask: Tensor, counts: Tensor, dtype: torch.dtype) -> Tensor:
    """The mask as numbers that are added to the scores, [batch, 1, new, P + T].

    A key that counts c times has c e^s in place of e^s, which is e^(s + log c): none of it for
    c = 0, as if it were not there, and for c = 2 as if it were there twice. `counts` is [P].
    """
    there = counts > 0
    # log 0 has no gradient that is a number: it is kept out of the logarithm.
    added = torch.where(there, counts, 1).log().masked_fill(~there, float("-inf"))
    added = torch.nn.functional.pad(added, (0, mask.shape[-1] - len(counts)))  # [P + T]
    return torch.where(mask, added, float("-inf")).to(dtype)


def weights(
    query: Tensor,
    key: Tensor,
    mask: Tensor,
    scaling: float | None = None,
    softcap: float | None = None,
    position_bias: Tensor | None = None,
    **_: Any,
) -> Tensor:
    """softmax(Q K^T / sqrt(d)) in float32, [batch, heads, queries, keys].

    With a cap c the scores are c tanh(s / c) (Gemma Team 2024, Gemma 2, section 2).
    """
    shared = query.shape[1] // key.shape[1]  # query heads for each key head
    scores = query @ key.repeat_interleave(shared, dim=1).transpose(-1, -2)
    scores = scores.float() * (scaling or query.shape[-1] ** -0.5)
    if softcap:
        scores = softcap * (scores / softcap).tanh()
    if position_bias is not None:
        scores = scores + position_bias
    if mask.is_floating_point():
        return (scores + mask).softmax(-1)
    return scores.masked_fill(~mask, float("-inf")).softmax(-1)


def gated_weights(
    query: Tensor, key: Tensor, mask: Tensor, gate: Tensor, prefix: int, **options: Any
) -> Tensor:
    """[g softmax(Q K^P^T), softmax(Q K^X^T)]: what a gated layer weighs its values with."""
    before = weights(query, key[:, :, :prefix], mask[..., :prefix], **options)
    text = weights(query, key[:, :, prefix:], mask[..., prefix:], **options)
    return torch.cat([gate[:, None, None] * before, text], dim=-1).detach()


def bidirectional_mask(seen: Tensor, prefix: Tensor, new: int) -> Tensor:
    """What the last `new` of T tokens may attend to, [batch, 1, new, P + T]: prefix and text.

    `seen` is [batch, T] and `prefix` [batch, P], True where a position is there. Padding may see
    itself, so that no row of the softmax is empty; nothing reads what it computes.
    """
    itself = torch.eye(seen.shape[1], dtype=torch.bool, device=seen.device)[-new:]
    text = seen[:, None, None, :] | itself  # [batch, 1, new, T]
    before = prefix[:, None, None, :].expand(-1, 1, new, -1)  # [batch, 1, new, P]
    return torch.cat([before, text], dim=-1)


def causal_mask(seen: Tensor, prefix: Tensor, new: int) -> Tensor:
    """As `bidirectional_mask`, but no one sees the future, [batch, 1, new, P + T]."""
    all_seen = bidirectional_mask(seen, prefix, new)
    # The first of the new tokens sees what stands before it, and itself.
    return all_seen & torch.ones_like(all_seen[0, 0]).tril(all_seen.shape[-1] - new)


def explicit_mask(**sizes: Any) -> Tensor | None:
    """The mask for whoever calls the model itself: as `transformers` makes it, never left out."""
    never = {"allow_is_causal_skip": False, "allow_is_bidirectional_skip": False}
    return sdpa_mask(**sizes | never)


INSIDE = "prefixlab_inside"  # the attribute of a model's config that holds an `Inside`
NOTHING = Inside()
ATTENTION = "prefixlab"
AttentionInterface.register(ATTENTION, attention)
AttentionMaskInterface.register(ATTENTION, explicit_mask)
