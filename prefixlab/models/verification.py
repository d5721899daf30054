"""Verification: whether a backbone computes what `transformers` computes with the same model.

This package sets an attention, masks, positions and a read-out of its own in place of a family's.
So a model that was opened is held to itself: it reads a few texts alone, one by one, with its plain
attention, and here they are read padded, behind a past and token by token.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning
from prefixlab.models.encoder_decoder import EncoderDecoder

SHORT, LONG = 8, 24  # tokens
WINDOW = 12  # of layers that look back only so far, meanwhile: the long text is longer
# The largest difference that is rounding, as a part of how far logits are from their mean.
ROUNDING = {torch.float32: 1e-3, torch.bfloat16: 0.1}


@torch.no_grad()
def verify(lm: Backbone) -> str:
    """What is wrong with the backbone, as a part of a sentence; nothing if it is right."""
    with narrowed(lm.model):
        compared = list(
            encoded(lm)
            if lm.geometry.bidirectional
            else written(lm)
            if isinstance(lm, EncoderDecoder)
            else continued(lm)
        )
        if not isinstance(lm, EncoderDecoder) and (lacking := unreached(lm)):
            return lacking
    worst, how = max((difference(ours, own), how) for how, ours, own in compared)
    if worst < ROUNDING[lm.dtype]:  # and not if it is no number
        return ""
    return f"{how}, its logits are {worst:.1%} off what transformers computes"


Compared = Iterator[tuple[str, Tensor, Tensor]]


def continued(lm: Backbone) -> Compared:
    """Logits of a causal model."""
    short, long = token_sample(lm, SHORT), token_sample(lm, LONG)
    with plain_attention(lm.model):
        joined = long[: LONG // 2] + short[:2]
        own = [called(lm, input_ids=row(lm, ids)).logits[0] for ids in (short, long, joined)]
    logits, cache = prefilled(lm, [short[:-1], long[:-1]])
    yield "read in a batch", logits, torch.stack([each[-2] for each in own[:2]])
    new = torch.tensor([short[-1], long[-1]], device=lm.device)
    further = lm.decode(cache, new)
    yield "read token by token", further, torch.stack([each[-1] for each in own[:2]])
    past = Conditioning(past=lm.read_past(long[: LONG // 2]))
    behind = prefilled(lm, [long[LONG // 2 :], short[:2]], past)[0]
    yield "read in a batch behind a past", behind, torch.stack([each[-1] for each in own[1:]])


def written(lm: EncoderDecoder) -> Compared:
    """Logits of an encoder-decoder's decoder."""
    short, long = token_sample(lm, SHORT), token_sample(lm, LONG)
    target = row(lm, [*lm.start, short[0]])
    with plain_attention(lm.model):
        own = torch.cat(
            [
                called(lm, input_ids=row(lm, ids), decoder_input_ids=target).logits[:, -2:]
                for ids in (short, long)
            ]
        )
    logits, cache = prefilled(lm, [short, long])
    yield "read in a batch", logits, own[:, 0]
    yield "read token by token", lm.decode(cache, target[:, -1].expand(2)), own[:, 1]


def encoded(lm: Backbone) -> Compared:
    """Activations of an encoder, which has no logits."""
    texts = [token_sample(lm, SHORT), token_sample(lm, LONG)]
    with plain_attention(lm.model):
        own = [called(lm, input_ids=row(lm, ids)).last_hidden_state[0] for ids in texts]
    tokens, mask = lm.pad(texts)
    mask = mask.to(lm.device)
    yield "read in a batch", lm.hidden_states(tokens.to(lm.device), mask)[mask], torch.cat(own)


def unreached(lm: Backbone) -> str:
    """Whether the layers keep keys and values, and compute attention, as the geometry says."""
    size = lm.geometry
    found = lm.read_past(token_sample(lm, SHORT)).keys.shape
    if found != (size.layers, 1, size.kv_heads, SHORT, size.head_dim):
        return f"its layers keep keys and values of another shape than expected ({list(found)})"
    if lm.is_open:
        recorded = lm.attention_weights(row(lm, token_sample(lm, SHORT)))
        if len(recorded) != size.layers:
            return f"only {len(recorded)} of its {size.layers} layers compute the attention given"
    return ""


def difference(ours: Tensor, own: Tensor) -> float:
    """How far ours are off, as a part of how far the numbers are from their mean in every row.

    A softmax does not change with the mean, which for GPT-2 is a hundred times what counts.
    """
    centred = own.float() - own.float().mean(-1, keepdim=True)
    off = (ours.float() - ours.float().mean(-1, keepdim=True) - centred).norm(dim=-1)
    return float((off / centred.norm(dim=-1)).nan_to_num(torch.inf).max())


def token_sample(lm: Backbone, length: int) -> list[int]:
    """Token ids that stand for a text: ordinary ones, far apart."""
    special = set(lm.tokenizer.all_special_ids)
    known = range(min(len(lm.embedding), len(lm.tokenizer)))
    ordinary = [token for token in known if token not in special]
    return [ordinary[(7919 * at + 101) % len(ordinary)] for at in range(length)]


def row(lm: Backbone, ids: list[int]) -> Tensor:
    return torch.tensor([ids], device=lm.device)  # [1, T]


def prefilled(lm: Backbone, texts: list[list[int]], given: Conditioning | None = None) -> Any:
    tokens, mask = lm.pad(texts)
    return lm.prefill(tokens.to(lm.device), mask.to(lm.device), given or Conditioning())


def called(lm: Backbone, **inputs: Tensor) -> Any:
    model: Any = lm.model
    return model(**inputs, use_cache=False) if not lm.geometry.bidirectional else model(**inputs)


@contextmanager
def plain_attention(model: Any) -> Iterator[None]:
    """Within this context the model computes attention by the plain equation of its family."""
    ours = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(ours)


@contextmanager
def narrowed(model: Any) -> Iterator[None]:
    """Within this context no layer that looks back only so far looks back further than `WINDOW`."""
    holders = [model.config, *model.modules()]
    kept = [
        (holder, holder.sliding_window)
        for holder in holders
        if isinstance(getattr(holder, "sliding_window", None), int)
    ]
    for holder, window in kept:
        holder.sliding_window = min(window, WINDOW)
    try:
        yield
    finally:
        for holder, window in kept:
            holder.sliding_window = window
