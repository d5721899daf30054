"""Backbone: a frozen language model, its tokenizer and its geometry.

A causal language model computes, for every position i, an activation from the token z_i and from
the activations of everything before it (Li & Liang 2021, section 3.1):

    h_i = LM(z_i, h_<i)            p(z_{i+1} | z_<=i) = softmax(W h_i)

The model uses h_<i only through the keys and values of its attention layers: they are all of the
past. Whoever sets them, sets the past. This is the only file that knows how `transformers` keeps
them (its cache), which positions count (its masks) and how positions are numbered.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests
import torch
from huggingface_hub import constants, try_to_load_from_cache
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import (
    AttentionInterface,
    AttentionMaskInterface,
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    DynamicCache,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask
from transformers.utils import logging

from prefixlab import assets
from prefixlab.batching import Batch, tokens_of_nothing
from prefixlab.geometry import Geometry
from prefixlab.template import tokens_of

HUB_NAMES = {"gpt2": "openai-community/gpt2", "gpt2-medium": "openai-community/gpt2-medium"}
NAMES = (*HUB_NAMES, "smollm2")


@dataclass(frozen=True)
class Past:
    """What the attention layers are told came before the text.

    `keys` and `values` are [layers, batch or 1, kv_heads, prefix, head_dim]. `layers` names the
    layers they are for (all others have no past); None means every layer in turn.
    """

    keys: Tensor
    values: Tensor
    layers: tuple[int, ...] | None = None

    @property
    def length(self) -> int:
        return self.keys.shape[-2]


@dataclass(frozen=True)
class Conditioning:
    """What a method gives the frozen model: embeddings for soft slots, a past, both, or neither."""

    virtual: Tensor | None = None  # [virtual_tokens, hidden]
    past: Past | None = None


NOTHING = Conditioning()


class Backbone:
    """A frozen causal language model with everything the methods need of it."""

    def __init__(self, name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase):
        self.name = name
        self.model = model.eval().requires_grad_(False)
        self.model.set_attn_implementation(ATTENTION)
        self.tokenizer = tokenizer
        self.geometry = Geometry.of(name, model.config)
        self.padding = tokenizer.pad_token_id or tokenizer.eos_token_id or 0

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        return self.model.dtype

    @property
    def embedding(self) -> Tensor:
        """The input embeddings E, [vocabulary, hidden]."""
        return self.model.get_input_embeddings().weight

    def __repr__(self) -> str:
        size = self.geometry
        return (
            f"{self.name}: {size.layers} layers of {size.hidden}, {size.parameters / 1e6:.0f}M "
            f"frozen parameters, {str(self.dtype).removeprefix('torch.')} on {self.device}"
        )

    def hidden_states(
        self, tokens: Tensor, mask: Tensor | None = None, given: Conditioning = NOTHING
    ) -> Tensor:
        """The last layer's activations h_i, [batch, positions, hidden].

        Parameters
        ----------
        tokens
            Token ids, [batch, positions]; -1 - k stands for virtual token k of `given`.
        mask
            True where a token stands, [batch, positions]; padding stands on the left.
        given
            What the method conditions the model with.

        Raises
        ------
        ValueError
            More positions than the model has, or a gradient-checkpointed model (it would drop
            the past without a word).
        """
        return self._run(tokens, mask, given)[0]

    def read_past(self, text: str | Sequence[int]) -> Past:
        """The keys and values that real text leaves in every layer, read in one pass."""
        ids = self.encode(text) if isinstance(text, str) else list(text)
        with torch.no_grad():
            _, cache = self._run(torch.tensor([ids], device=self.device), None, NOTHING)
        layers: list[Any] = list(cache.layers)
        return Past(
            torch.stack([at.keys for at in layers]), torch.stack([at.values for at in layers])
        )

    def answer_scores(self, batch: Batch, given: Conditioning = NOTHING) -> Tensor:
        """Scores of every example's answers, [examples, answers], in float32.

        Where answers are one token each, the scores are the logits W h of just those tokens at
        the last position. Elsewhere they are log p(y | x) = sum_t log p(y_t | x, y_<t).
        """
        batch = batch.to(self.device)
        hidden = self.hidden_states(batch.tokens, batch.mask, given)
        hidden = hidden[batch.read_rows, batch.read_columns]  # [reads, hidden]
        head: Any = self.model.get_output_embeddings()
        if batch.candidates is not None:
            rows = head.weight[batch.candidates]  # [answers, hidden]
            bias = None if head.bias is None else head.bias[batch.candidates]
            return torch.nn.functional.linear(hidden, rows, bias).float()
        log_p = head(hidden).float().log_softmax(-1)  # [reads, vocabulary]
        log_p = log_p.gather(1, batch.targets[:, None])[:, 0]  # [reads]
        whole = log_p.new_zeros(len(batch.tokens)).index_add(0, batch.read_rows, log_p)
        return whole.view(-1, batch.answers)

    def logits(self, tokens: Tensor, given: Conditioning = NOTHING) -> Tensor:
        """Logits over the whole vocabulary at every position, [batch, positions, vocabulary]."""
        head: Any = self.model.get_output_embeddings()
        return head(self.hidden_states(tokens, None, given)).float()

    def next_tokens(
        self, text: str, k: int = 10, given: Conditioning = NOTHING
    ) -> list[tuple[str, float]]:
        """The `k` most probable next tokens after `text`, each with its probability."""
        with torch.no_grad():
            tokens = torch.tensor([self.encode(text)], device=self.device)
            probabilities = self.logits(tokens, given)[0, -1].softmax(-1)
        top = probabilities.topk(k)
        return [
            (str(self.tokenizer.decode([token])), probability)
            for token, probability in zip(top.indices.tolist(), top.values.tolist(), strict=True)
        ]

    def encode(self, text: str) -> list[int]:
        """The token ids of a text that begins a sequence."""
        return tokens_of_nothing(self.tokenizer) + tokens_of(self.tokenizer, text)

    def check_room(self, prefix: int, text: int) -> None:
        """Raise a ValueError if a past of `prefix` and a text of `text` tokens do not fit."""
        if prefix + text > self.geometry.positions:
            raise ValueError(
                f"{prefix} positions of prefix and {text} of text are more than the "
                f"{self.geometry.positions} positions of {self.name}; shorten the prefix, the "
                "demonstrations or the text."
            )

    @contextmanager
    def recorded_attention(self) -> Iterator[list[Tensor]]:
        """Within this context every attention layer appends its weights to the list yielded.

        Each entry is [batch, heads, queries, keys], layer by layer, in float32.
        """
        recorded: list[Tensor] = []
        self.model.config.prefixlab_record = recorded.append
        try:
            yield recorded
        finally:
            del self.model.config.prefixlab_record

    def _run(
        self, tokens: Tensor, mask: Tensor | None, given: Conditioning
    ) -> tuple[Tensor, DynamicCache]:
        if any(getattr(part, "gradient_checkpointing", False) for part in self.model.modules()):
            raise ValueError(
                "Gradient checkpointing drops the keys and values of the prefix; call "
                "model.gradient_checkpointing_disable() first."
            )
        batch, positions = tokens.shape
        prefix = given.past.length if given.past else 0
        self.check_room(prefix, positions)
        seen = torch.ones_like(tokens, dtype=torch.bool) if mask is None else mask
        # A row's first real token has position P, whatever padding stands before it.
        position_ids = prefix + (seen.cumsum(1) - 1).clamp(min=0)  # [batch, positions]
        cache = self._cache(given.past, batch)
        output = self.model.base_model(
            inputs_embeds=self._embed(tokens, given.virtual),
            attention_mask=causal_mask(seen, prefix),
            position_ids=position_ids,
            past_key_values=cache,
            use_cache=True,
        )
        return output.last_hidden_state, cache

    def _embed(self, tokens: Tensor, virtual: Tensor | None) -> Tensor:
        """Embeddings of the tokens, with the virtual tokens at their slots: [batch, T, hidden]."""
        embedded = self.model.get_input_embeddings()(tokens.clamp(min=0))
        if virtual is None:
            return embedded
        soft = tokens < 0  # [batch, T]
        slots = virtual.to(embedded.dtype)[-1 - tokens[soft]]  # [soft slots in the batch, hidden]
        return embedded.masked_scatter(soft[..., None], slots)

    def _cache(self, past: Past | None, batch: int) -> DynamicCache:
        """A fresh cache that holds the past: the model appends to it, so it serves one pass."""
        cache = DynamicCache()
        if past is None:
            return cache
        layers = past.layers or tuple(range(len(past.keys)))
        given = dict(zip(layers, zip(past.keys, past.values, strict=True), strict=True))
        empty = past.keys[0, :, :, :0], past.values[0, :, :, :0]
        for layer in range(self.geometry.layers):
            keys, values = (
                part.to(self.dtype).expand(batch, -1, -1, -1)  # [batch, kv_heads, P, head_dim]
                for part in given.get(layer, empty)
            )
            cache.update(keys, values, layer)
        return cache


def causal_mask(seen: Tensor, prefix: int) -> Tensor:
    """Who may attend to whom, [batch, 1, T, P + T]: all see the prefix, and no one the future.

    `seen` is [batch, T], True where a token stands. Padding may see itself, so that no row of
    the softmax is empty; nothing reads what it computes.
    """
    batch, length = seen.shape
    below = torch.ones(length, length, dtype=torch.bool, device=seen.device).tril()
    itself = torch.eye(length, dtype=torch.bool, device=seen.device)
    text = (below & seen[:, None, None, :]) | itself  # [batch, 1, T, T]
    return torch.cat([text.new_ones(batch, 1, length, prefix), text], dim=-1)


def attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor, **options: Any
) -> tuple[Tensor, None]:
    """softmax(Q [K^P; K^X]^T / sqrt(d)) [V^P; V^X], where each layer may have its own prefix.

    A layer outside the chosen ones has no prefix: its keys are fewer than the columns of the
    mask, and the columns it lacks are the first.
    """
    attention_mask = attention_mask[..., -key.shape[-2] :]
    if record := getattr(module.config, "prefixlab_record", None):
        shared = query.shape[1] // key.shape[1]  # query heads for each key head
        scores = query @ key.repeat_interleave(shared, dim=1).transpose(-1, -2)
        scores = scores.float() * (options.get("scaling") or query.shape[-1] ** -0.5)
        record(scores.masked_fill(~attention_mask, float("-inf")).softmax(-1).detach())
    # On a processor the fused kernel's backward pass is slow for texts as short as ours: without
    # it a training step takes 15 % less time.
    slow = key.requires_grad and key.device.type == "cpu"
    with sdpa_kernel(SDPBackend.MATH) if slow else nullcontext():
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)


def explicit_mask(**sizes: Any) -> Tensor | None:
    """The mask for whoever calls the model itself: as `transformers` makes it, never left out."""
    return sdpa_mask(**sizes | {"allow_is_causal_skip": False})


ATTENTION = "prefixlab"
AttentionInterface.register(ATTENTION, attention)
AttentionMaskInterface.register(ATTENTION, explicit_mask)


def load(name: str | None = None, dtype: str = "auto", device: str = "auto") -> Backbone:
    """Load a frozen backbone.

    Parameters
    ----------
    name
        "gpt2" or "gpt2-medium" (from the Hub or its cache), "smollm2" (from a package of the
        package index), or the folder of any local causal model. Without a name:
        `PREFIXLAB_BACKBONE`, else GPT-2 small where it is cached or the Hub answers, else
        SmolLM2. What was chosen, and why, is printed in one line.
    dtype
        "float32", "bfloat16", or "auto": bfloat16 where the processor or GPU computes it fast.
    device
        "cpu", "cuda", "mps" or "auto".

    Raises
    ------
    ValueError
        An unknown name, dtype or device; `assets.AssetError` if the weights cannot be had.
    """
    why = "as asked"
    if name is None:
        name, why = choose()
    place = pick_device(device)
    kind = pick_dtype(dtype, place)
    backbone = open_backbone(name, kind, place)
    print(f"Backbone {backbone} ({why})")
    return backbone


def choose() -> tuple[str, str]:
    """The name of the backbone to use where none was asked for, and the reason."""
    if name := os.environ.get("PREFIXLAB_BACKBONE"):
        return name, "set by PREFIXLAB_BACKBONE"
    if try_to_load_from_cache(HUB_NAMES["gpt2"], "model.safetensors"):
        return "gpt2", "found in the Hub's cache"
    if hub_answers():
        return "gpt2", "the Hub answers"
    return "smollm2", "no model hub in reach"


def hub_answers(seconds: float = 3.0) -> bool:
    if constants.is_offline_mode():
        return False
    url = f"{constants.ENDPOINT}/{HUB_NAMES['gpt2']}/resolve/main/config.json"
    try:
        return requests.head(url, timeout=seconds, allow_redirects=True).ok
    except requests.RequestException:
        return False


def open_backbone(name: str, dtype: torch.dtype, device: str) -> Backbone:
    if name == "smollm2":
        source: str | Path = assets.fetch(assets.SMOLLM2)
    elif name in HUB_NAMES:
        source = HUB_NAMES[name]
    elif Path(name).is_dir():
        source, name = Path(name), Path(name).name
    else:
        raise ValueError(
            f"Unknown backbone {name!r}; choose {', '.join(NAMES)}, or the folder of a local model."
        )
    logging.disable_progress_bar()  # loading is quicker than the bar; downloads have their own
    try:
        config = AutoConfig.from_pretrained(source)
        if config.is_encoder_decoder:
            raise ValueError("it is an encoder-decoder")
        # Several kernels on one machine share these pages: safetensors maps them from the file.
        model = AutoModelForCausalLM.from_pretrained(source, config=config, dtype=dtype)
        tokenizer = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"The backbone {name!r} cannot be loaded ({str(error).splitlines()[0]}); connect to "
            "the Hub, choose 'smollm2', or name the folder of a local causal model."
        ) from error
    model.to(device)  # type: ignore[arg-type]  # transformers wraps torch's signature away
    return Backbone(name, model, tokenizer)


def pick_device(device: str) -> str:
    available: dict[str, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
        "cpu": lambda: True,
    }
    if device == "auto":
        return next(name for name, here in available.items() if here())
    if device not in available or not available[device]():
        here = [name for name, is_here in available.items() if is_here()]
        raise ValueError(f"device={device!r} is not here; choose auto or {', '.join(here)}.")
    return device


def pick_dtype(dtype: str, device: str) -> torch.dtype:
    known = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if dtype in known:
        return known[dtype]
    if dtype != "auto":
        raise ValueError(f"dtype={dtype!r} is unknown; choose auto, {' or '.join(known)}.")
    return torch.bfloat16 if computes_bfloat16(device) else torch.float32


def computes_bfloat16(device: str) -> bool:
    """Whether the processor has instructions for bfloat16; without them it is slower than fp32."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = torch.cpu.get_capabilities()
    return device == "cpu" and any(able.get(flag) for flag in ("amx_bf16", "avx512_bf16", "bf16"))


def as_float32(past: Past) -> Past:
    """The same past in the precision in which it is trained."""
    return replace(past, keys=past.keys.float(), values=past.values.float())
