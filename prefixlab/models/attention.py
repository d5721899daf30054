"""Attention, where all that comes before a text meets the text.

    softmax(Q [K^P; K^X]^T / sqrt(d)) [V^P; V^X]          (Li & Liang 2021, section 3.1)

This is the attention that the layers of every model compute here: causal, in both directions, and
across from a decoder to its encoder. A `Pass` says what the layers are given while a model runs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask


@dataclass(frozen=True)
class Attention:
    """What one layer attends with; an edit makes another of it.

    P is the length of the prefix in this layer (0 where it has none), T that of the text so far;
    the `new` last positions of the text ask.
    """

    layer: int
    query: Tensor  # [batch, heads, new, head_dim]
    key: Tensor  # [batch, kv_heads, P + T, head_dim]
    value: Tensor  # [batch, kv_heads, P + T, head_dim]
    mask: Tensor  # [batch, 1, new, P + T]: True where it may attend, or what is added to the scores
    prefix: int  # P
    tokens: Tensor | None  # [batch, T], soft slots negative
    scaling: float | None = None  # 1 / sqrt(d)
    softcap: float | None = None
    position_bias: Tensor | None = None  # [1, heads, new, P + T]
    softmax: Callable[[Tensor], Tensor] | None = None  # of the scores, in place of the usual one

    @property
    def scores(self) -> Tensor:
        """Q K^T / sqrt(d) in float32, -inf where nothing is seen: [batch, heads, new, P + T].

        With a cap c the scores are c tanh(s / c) (Gemma Team 2024, Gemma 2, section 2).
        """
        asked = self.query.float() * (self.scaling or self.query.shape[-1] ** -0.5)
        scores = by_key_head(asked, self.key) @ self.key.float().transpose(-1, -2)
        scores = scores.view(*self.query.shape[:-1], -1)
        if self.softcap:
            scores = self.softcap * (scores / self.softcap).tanh()
        if self.position_bias is not None:
            scores = scores + self.position_bias
        if self.mask.is_floating_point():
            return scores + self.mask
        return scores.masked_fill(~self.mask, float("-inf"))

    @property
    def weights(self) -> Tensor:
        """softmax(Q K^T / sqrt(d)), what values are weighed with: [batch, heads, new, P + T]."""
        return self.softmax(self.scores) if self.softmax else self.scores.softmax(-1)

    def output(self, module: Any, **options: Any) -> Tensor:
        """softmax(Q K^T / sqrt(d)) V, [batch, new, heads, head_dim]."""
        # With few queries the equation takes a processor less time than the fused kernel does.
        few = self.query.is_cpu and self.query.shape[-2] <= FEW
        if few or self.softcap or self.softmax:
            mixed = by_key_head(self.weights, self.value) @ self.value.float()
            whole = mixed.view(*self.query.shape[:-1], -1)  # [batch, heads, new, head_dim]
            return whole.transpose(1, 2).to(self.value.dtype).contiguous()
        return sdpa_attention_forward(
            *(module, self.query, self.key, self.value, self.mask),
            scaling=self.scaling,
            position_bias=self.position_bias,
            **options,
        )[0]


FEW = 100  # queries


def by_key_head(of_queries: Tensor, keys: Tensor) -> Tensor:
    """[batch, heads, new, …] as [batch, kv_heads, heads / kv_heads * new, …].

    Query heads that share a key head (Ainslie et al. 2023, section 2.2) are more queries to it, so
    that no key is copied.
    """
    return of_queries.reshape(*keys.shape[:2], -1, of_queries.shape[-1])


@dataclass(frozen=True)
class Pass:
    """What the attention layers are given while a model runs."""

    # By layer: K^P and V^P, [batch or 1, kv_heads, P, head_dim].
    past: Mapping[int, tuple[Tensor, Tensor]]
    there: Tensor  # [batch, P], True where a row has a position of the past
    edits: Sequence[Callable[[Attention], Attention]]
    tokens: Tensor | None  # [batch, T]
    number: Callable[[Any], int]  # of an attention module, as a past counts the layers
    # Where each of the P + T keys stands, [batch, P + T]; the queries are the last of them.
    positions: Tensor | None = None
    # T5's biases for the prefix, of a module, [1, heads, new, P]: see `encoder_decoder`.
    prefix_bias: Callable[[Any, Tensor, int], Tensor] | None = None


def by_index(module: Any) -> int:
    """The number that a layer of a single stack has."""
    number: int = module.layer_idx
    return number


# A model that is called by itself is given nothing.
ALONE = Pass(past={}, there=torch.empty(0, 0), edits=(), tokens=None, number=by_index)
RUNNING: ContextVar[Pass] = ContextVar("running", default=ALONE)


@contextmanager
def running(given: Pass) -> Iterator[None]:
    """Within this context the attention layers have what is given, in this thread alone."""
    token = RUNNING.set(given)
    try:
        yield
    finally:
        RUNNING.reset(token)


def attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor,
    scaling: float | None = None,
    softcap: float | None = None,
    position_bias: Tensor | None = None,
    sliding_window: int | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """The attention of a layer, as `transformers` calls it: [batch, new, heads, head_dim].

    Queries are [batch, heads, new, head_dim], keys and values of the text [batch, kv_heads, T,
    head_dim], its mask [batch, 1, new, T].
    """
    if options.get("s_aux") is not None:
        raise ValueError(
            "its softmax has sinks, columns without a key, which are not computed here"
        )
    run = RUNNING.get()
    layer, prefix = run.number(module), 0
    if layer in run.past:
        # h_i = P[i, :] where i is in P_idx: all that is read of h_i are its keys and values (Li &
        # Liang 2021, equation 3).
        before_keys, before_values = (part.expand(len(key), -1, -1, -1) for part in run.past[layer])
        key = torch.cat([before_keys.to(key.dtype), key], dim=-2)  # [K^P; K^X]
        value = torch.cat([before_values.to(value.dtype), value], dim=-2)  # [V^P; V^X]
        prefix = before_keys.shape[-2]
        before = run.there[:, None, None, :].expand(-1, 1, attention_mask.shape[-2], -1)
        attention_mask = torch.cat([before, attention_mask], dim=-1)  # [batch, 1, new, P + T]
        if position_bias is not None and run.prefix_bias:
            near = run.prefix_bias(module, position_bias, prefix)
            position_bias = torch.cat([near, position_bias], dim=-1)  # [1, heads, new, P + T]
    if sliding_window and run.positions is not None:
        near = within(sliding_window, run.positions, query.shape[-2])  # [batch, 1, new, P + T]
        attention_mask = attention_mask & near[..., -key.shape[-2] :]
    at = Attention(
        *(layer, query, key, value, attention_mask, prefix, run.tokens),
        scaling=scaling,
        softcap=softcap,
        position_bias=position_bias,
    )
    for edit in run.edits:
        at = edit(at)
    return at.output(module, **options), None


def within(window: int, positions: Tensor, new: int) -> Tensor:
    """Which keys are fewer than `window` positions before a query, [batch, 1, new, P + T].

    As in Mistral (Jiang et al. 2023, section 2): a prefix slides out of sight like any other text.
    """
    queries = positions[:, None, -new:, None]  # [batch, 1, new, 1]
    return queries - positions[:, None, None, :] < window


def bidirectional_mask(seen: Tensor, new: int) -> Tensor:
    """What the last `new` of T tokens may attend to, [batch, 1, new, T]: all of the text.

    `seen` is [batch, T], True where a token stands. Padding may see itself, so that no row of the
    softmax is empty; nothing reads what it computes.
    """
    itself = torch.eye(seen.shape[1], dtype=torch.bool, device=seen.device)[-new:]
    return seen[:, None, None, :] | itself


def causal_mask(seen: Tensor, new: int) -> Tensor:
    """As `bidirectional_mask`, but no one sees the future, [batch, 1, new, T]."""
    all_seen = bidirectional_mask(seen, new)
    # The first of the new tokens sees what stands before it, and itself.
    return all_seen & torch.ones_like(all_seen[0, 0]).tril(all_seen.shape[-1] - new)


def explicit_mask(**sizes: Any) -> Tensor:
    """The mask for whoever calls the model itself: as `transformers` makes it, never left out.

    Padding that sees nothing may see everything, so that no row of the softmax is empty.
    """
    never = {"allow_is_causal_skip": False, "allow_is_bidirectional_skip": False}
    mask: Any = sdpa_mask(**sizes | never)
    return mask | ~mask.any(-1, keepdim=True)


ATTENTION = "prefixlab"
AttentionInterface.register(ATTENTION, attention)
AttentionMaskInterface.register(ATTENTION, explicit_mask)
