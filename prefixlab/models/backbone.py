"""Backbone: a frozen language model, its tokenizer and its geometry.

A causal language model computes, for every position i, an activation from the token z_i and from
the activations of everything before it (Li & Liang 2021, section 3.1):

    h_i = LM(z_i, h_<i)            p(z_{i+1} | z_<=i) = softmax(W h_i)

The model uses h_<i only through the keys and values of its attention layers: they are all of the
past. Whoever sets them, sets the past. This is the only file that knows how `transformers` keeps
them (its cache), which positions count and how they are numbered; `attention` is what a layer does.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from inspect import signature
from threading import RLock
from typing import Any, ClassVar

import torch
from datasets import Dataset
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F
from transformers import (
    Cache,
    DynamicCache,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from prefixlab.data.batching import Batch, Row, collate, encode, pad
from prefixlab.data.template import Template, Verbalizer, around, tokens_of
from prefixlab.models.attention import ATTENTION, INSIDE, Inside, causal_mask
from prefixlab.models.geometry import Geometry
from prefixlab.models.pair import check_pair, padding_of
from prefixlab.models.readout import linear, read_out
from prefixlab.models.speed import tokens_per_second


@dataclass(frozen=True)
class Past:
    """What the attention layers are told came before the text.

    `keys` and `values` are [layers, batch or 1, kv_heads, prefix, head_dim]. `layers` names the
    layers they are for (all others have no past); None means every layer in turn. `mask`, [batch,
    prefix], is True where a position is there, for rows with pasts of different lengths; `shown`,
    [layers, batch], where a row has its past in a layer, for rows with pasts in different layers.
    `gate`, [layers, heads], is what attention to the past is multiplied with, see
    `attention.gated`: such a past stands beside the text, not before it, so the text keeps its
    positions. `counts`, [layers, prefix], is how many times each position counts, see
    `attention.counted`.
    """

    keys: Tensor
    values: Tensor
    layers: tuple[int, ...] | None = None
    mask: Tensor | None = None
    gate: Tensor | None = None
    shown: Tensor | None = None
    counts: Tensor | None = None

    @property
    def length(self) -> int:
        return self.keys.shape[-2]

    def by_layer(self) -> dict[int, tuple[Tensor, Tensor]]:
        """Keys and values of each layer that has them, [batch or 1, kv_heads, prefix, head_dim]."""
        layers = self.layers or range(len(self.keys))
        return dict(zip(layers, zip(self.keys, self.values, strict=True), strict=True))


@dataclass(frozen=True)
class Conditioning:
    """What a method gives the frozen model: any of these, or nothing.

    What steers it from outside are embeddings for the soft slots and a past. The rest is for the
    methods that these are compared with, which change what the model computes.
    """

    virtual: Tensor | None = None  # [virtual_tokens, hidden], embeddings of the soft slots
    kernel: Tensor | None = None  # [width, hidden], what the input is convolved with
    past: Past | None = None
    deep: Past | None = None  # keys and values of the soft slots themselves, in every layer
    answers: Tensor | None = None  # [answers, hidden + 1]: rows of the head, each with its bias
    weights: Mapping[str, Tensor] = field(default_factory=dict)  # in place of the model's, by name
    # By the name of a module: a function of its output, [batch, positions, width], in its place.
    after: Mapping[str, Callable[[Tensor], Tensor]] = field(default_factory=dict)


NOTHING = Conditioning()


@dataclass
class Reading:
    """Texts as far as they are read: going on from here costs the new tokens alone."""

    given: Conditioning
    tokens: Tensor  # [rows, T], all that were read
    seen: Tensor  # [rows, P + T], True where a position of the past or a token is there
    cache: Cache  # keys and values of the past and of the tokens

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows, in this order; one that is named twice goes on twice."""
        self.tokens, self.seen = self.tokens[rows], self.seen[rows]
        self.cache.reorder_cache(rows)  # type: ignore[arg-type]  # it takes any integers


class Backbone:
    """A frozen causal language model with everything the methods need of it."""

    attention: ClassVar[str] = ATTENTION  # what its layers call, by the name transformers knows
    Sizes: ClassVar[type[Geometry]] = Geometry
    answer_at: ClassVar[int] = -1  # the position of a text where its label is read

    def __init__(self, name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase):
        self.name = name
        self.model = model.eval().requires_grad_(False)
        self.geometry: Geometry = self.Sizes.of(name, model.config)
        check_pair(name, model, tokenizer)
        self.tokenizer = tokenizer
        self.padding = padding_of(model, tokenizer)
        self.model.set_attn_implementation(self.attention if self.is_open else "eager")
        self._recorded: list[Tensor] | None = None
        # What a pass changes inside the model is there for whoever else runs it meanwhile: a cell,
        # and a panel, whose callbacks JupyterLab runs in a thread of their own.
        self._turn = RLock()

    @property
    def is_open(self) -> bool:
        """Whether the layers call the attention they are given, in place of one of their own.

        Elsewhere only what comes before the text can be set, the same for all layers.
        """
        return bool(self.model._supports_attention_backend)

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

    @property
    def output_layer(self) -> Any:
        """The layer that turns activations into logits of words; its rows are W."""
        if layer := self.model.get_output_embeddings():
            return layer
        raise wordless(self.name)

    @cached_property
    def tokens_per_second(self) -> float:
        """How many tokens it reads in a second on this machine, see `speed`."""
        return tokens_per_second(self)

    @cached_property
    def fingerprint(self) -> str:
        """What tells this model's weights from any others: 16 hexadecimal digits of a SHA-256.

        It is taken of the weights in bfloat16, so that it is the same in whatever precision they
        were loaded, and wherever they lie.
        """
        found = hashlib.sha256()
        for name, weight in sorted(self.model.state_dict().items()):
            exact = weight.detach().to("cpu", torch.bfloat16).contiguous()
            found.update(f"{name} {list(exact.shape)} ".encode())
            found.update(exact.flatten().view(torch.uint8).numpy())
        return found.hexdigest()[:16]

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
            _, reading = self._run(torch.tensor([ids], device=self.device), None, NOTHING)
        layers: list[Any] = list(reading.cache.layers)
        return Past(
            torch.stack([at.keys for at in layers]), torch.stack([at.values for at in layers])
        )

    def read(
        self, tokens: Tensor, mask: Tensor, given: Conditioning = NOTHING
    ) -> tuple[Tensor, Reading]:
        """Logits of the token after each row, [rows, vocabulary], and the reading to go on from.

        Parameters and errors are those of `hidden_states`.
        """
        # Once for all tokens to come; what embeds and scores words is left in float32.
        words = self._words()
        weights = {
            name: value if name in words else value.to(self.dtype)
            for name, value in given.weights.items()
        }
        hidden, reading = self._run(tokens, mask, replace(given, weights=weights))
        return self._next(hidden, reading), reading

    def read_on(self, reading: Reading, tokens: Tensor) -> Tensor:
        """Read a further token in every row, [rows]; logits of the next, [rows, vocabulary]."""
        new = tokens[:, None]  # [rows, 1]
        return self._next(
            self._read_on(reading, new, torch.ones_like(new, dtype=torch.bool)), reading
        )

    def answer_scores(self, batch: Batch, given: Conditioning = NOTHING) -> Tensor:
        """Scores of every example's answers, [examples, answers], in float32.

        Where answers are one token each, the scores are the logits of just those tokens at the
        last position. Elsewhere they are log p(y | x) = sum_t log p(y_t | x, y_<t).
        """
        batch = batch.to(self.device)
        return self.scores_at(self.states(batch, given), batch, given)

    def scores_at(self, hidden: Tensor, batch: Batch, given: Conditioning) -> Tensor:
        """`answer_scores` from the hidden states of the batch, [rows, positions, hidden]."""
        hidden = hidden[batch.read_rows, batch.read_columns]  # [reads, hidden]
        if given.answers is not None:
            rows = given.answers[batch.candidates]  # [answers, hidden + 1]
            return linear(hidden, rows[:, :-1], rows[:, -1])
        if batch.candidates is not None:
            return self._logits(hidden, given, batch.candidates)
        log_p = self._logits(hidden, given).log_softmax(-1)  # [reads, vocabulary]
        log_p = log_p.gather(1, batch.targets[:, None])[:, 0]  # [reads]
        whole = log_p.new_zeros(len(batch.labels) * batch.answers).index_add(
            0, batch.read_rows, log_p
        )
        return whole.view(-1, batch.answers)

    def states(self, batch: Batch, given: Conditioning) -> Tensor:
        """The hidden states that `batch.read_columns` counts in, [rows, positions, hidden]."""
        return self.hidden_states(batch.tokens, batch.mask, given)

    def rows(
        self, template: Template, examples: Dataset, verbalizer: Verbalizer | None
    ) -> list[Row]:
        """The examples in token ids, rendered by a template."""
        return encode(self.tokenizer, template, examples, verbalizer)

    def collate(self, rows: Sequence[Row]) -> Batch:
        """One padded batch of rows, as `answer_scores` reads it."""
        return collate(rows, self.padding)

    def pad(self, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Token ids and their mask, as `read` takes them, both [rows, positions]."""
        return pad(prompts, self.padding)

    def logits(self, tokens: Tensor, given: Conditioning = NOTHING) -> Tensor:
        """Logits over the whole vocabulary at every position, [batch, positions, vocabulary]."""
        return self._logits(self.hidden_states(tokens, None, given), given)

    def next_tokens(
        self, text: str, k: int = 10, given: Conditioning = NOTHING
    ) -> list[tuple[str, float]]:
        """The `k` most probable next tokens after `text`, each with its probability."""
        with torch.no_grad():
            tokens = torch.tensor([self.encode(text)], device=self.device)
            logits, _ = self.read(tokens, torch.ones_like(tokens, dtype=torch.bool), given)
            probabilities = logits[0].softmax(-1)
        top = probabilities.topk(k)
        return [
            (str(self.tokenizer.decode([token])), probability)
            for token, probability in zip(top.indices.tolist(), top.values.tolist(), strict=True)
        ]

    def encode(self, text: str) -> list[int]:
        """The token ids of a text that begins a sequence."""
        return around(self.tokenizer)[0] + tokens_of(self.tokenizer, text)

    def room(self, prefix: int, text: int) -> int:
        """How many tokens can be written behind a past and a text: the last one is not read."""
        return self.geometry.positions - prefix - text + 1

    @contextmanager
    def recorded_attention(self) -> Iterator[list[Tensor]]:
        """Within this context every attention layer appends its weights to the list yielded.

        Each entry is [batch, heads, queries, keys], layer by layer, in float32.

        Raises
        ------
        ValueError
            A model whose layers compute attention in a way of their own.
        """
        if not self.is_open:
            raise closed(self.name)
        with self._turn:
            self._recorded = []
            try:
                yield self._recorded
            finally:
                self._recorded = None

    def _run(
        self, tokens: Tensor, mask: Tensor | None, given: Conditioning
    ) -> tuple[Tensor, Reading]:
        if any(getattr(part, "gradient_checkpointing", False) for part in self.model.modules()):
            raise ValueError(
                "Gradient checkpointing drops the keys and values of the prefix; call "
                "model.activation_checkpointing_disable() first."
            )
        if not self.is_open and self._reaches_inside(given):
            raise closed(self.name)
        seen = torch.ones_like(tokens, dtype=torch.bool) if mask is None else mask
        past = self._seen_past(given.past, len(tokens))  # [batch, prefix]
        reading = Reading(given, tokens[:, :0], past, self._cache(given.past, len(tokens)))
        return self._read_on(reading, tokens, seen), reading

    def _reaches_inside(self, given: Conditioning) -> bool:
        """Whether a layer has to compute another attention than its own."""
        past = given.past
        return given.deep is not None or (
            past is not None
            and (
                len(past.by_layer()) < self.geometry.layers
                or any(part is not None for part in (past.gate, past.shown, past.counts))
            )
        )

    def _read_on(self, reading: Reading, tokens: Tensor, mask: Tensor) -> Tensor:
        """Activations of the new tokens, [batch, new, hidden], which become part of the reading."""
        given, new = reading.given, tokens.shape[1]
        reading.tokens = torch.cat([reading.tokens, tokens], dim=1)
        reading.seen = torch.cat([reading.seen, mask], dim=1)
        length = reading.tokens.shape[1]
        past, seen = reading.seen[:, :-length], reading.seen[:, -length:]
        longest = (past.sum(1) + seen.sum(1)).argmax()
        self.geometry.check_room(int(past[longest].sum()), int(seen[longest].sum()))
        # A row's first real token has position P, whatever padding stands before it; but a gated
        # past takes no positions.
        first = past.sum(1, keepdim=True) if not given.past or given.past.gate is None else 0
        position_ids = first + (seen.cumsum(1) - 1).clamp(min=0)
        placed: dict[str, Tensor] = {}
        if self._takes_positions:
            placed = {"position_ids": position_ids[:, -new:]}  # [batch, new]
        with self._changed(reading, given):
            output = self._call(
                given,
                inputs_embeds=self._input(reading, new),
                # A layer with an attention of its own makes the mask that it takes from what is
                # there, [batch, P + T].
                attention_mask=self._mask(seen, past, new) if self.is_open else reading.seen.long(),
                cache=reading.cache,
                use_cache=True,
                **placed,
            )
        return output.last_hidden_state

    @cached_property
    def _takes_positions(self) -> bool:
        """Whether it is told where tokens stand; BLOOM and MPT know distances alone."""
        return "position_ids" in signature(self.model.base_model.forward).parameters

    def _next(self, hidden: Tensor, reading: Reading) -> Tensor:
        """Logits after the last column, where the newest token of every row is."""
        return self._logits(hidden[:, -1], reading.given)

    def _logits(self, hidden: Tensor, given: Conditioning, words: Tensor | None = None) -> Tensor:
        """Logits of some words, or of all, in float32: [..., words or vocabulary]."""
        weight, bias = self._head(given)
        if words is not None:
            weight, bias = weight[words], None if bias is None else bias[words]
        return self._read_out(hidden, weight, bias)

    def _read_out(self, hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return read_out(self.model, hidden, weight, bias)

    def _mask(self, seen: Tensor, past: Tensor, new: int) -> Tensor:
        """What the last `new` of T tokens may attend to, [batch, 1, new, P + T]."""
        return causal_mask(seen, past, new)

    def _call(self, given: Conditioning, **inputs: Any) -> Any:
        """The model itself, with the weights in place that are given."""
        if not given.weights:
            return self.model.base_model(**inputs)
        whole = self.model.base_model is self.model  # an encoder has no output layer around it
        inner = "" if whole else f"{self.model.base_model_prefix}."
        weights = {
            name.removeprefix(inner): value.to(self.dtype)
            for name, value in given.weights.items()
            if name.startswith(inner)
        }
        return functional_call(self.model.base_model, weights, kwargs=inputs)

    @contextmanager
    def _changed(self, reading: Reading, given: Conditioning) -> Iterator[None]:
        """Within this context the model computes what `given` says inside its layers."""
        positions = reading.seen.cumsum(1) - 1  # [batch, P + T]
        inside = Inside(positions=positions)
        if given.deep:
            numbers = -1 - reading.tokens  # of virtual tokens; those beyond the last are embedded
            inside.slots = torch.where(numbers < given.deep.length, numbers, -1)
            inside.deep = {
                layer: (keys[0], values[0])
                for layer, (keys, values) in given.deep.by_layer().items()
            }
        if past := given.past:
            inside.prefix = past.length
            if past.gate is not None:
                # It stands beside the text, as near to its end as to its beginning.
                positions[:, : past.length] = positions[:, -1:]
                inside.gates = dict(zip(past.by_layer(), past.gate, strict=True))
            if past.shown is not None:
                inside.shown = dict(zip(past.by_layer(), past.shown, strict=True))
            if past.counts is not None:
                inside.counts = dict(zip(past.by_layer(), past.counts, strict=True))
        with self._turn, ExitStack() as stack:
            for name, function in given.after.items():
                module = self.model.get_submodule(name)
                hook = module.register_forward_hook(lambda *call, own=function: own(call[-1]))
                stack.callback(hook.remove)
            inside.record = self._recorded.append if self._recorded is not None else None
            stack.callback(delattr, self.model.config, INSIDE)
            setattr(self.model.config, INSIDE, inside)
            yield

    def _head(self, given: Conditioning) -> tuple[Tensor, Tensor | None]:
        """The output layer's W, [vocabulary, hidden], and its bias."""
        head = self.output_layer
        bias = getattr(head, "bias", None)
        return self._weight(head.weight, given), None if bias is None else self._weight(bias, given)

    def _words(self) -> dict[str, Tensor]:
        """The weights that embed and score words, by name."""
        modules = self.model.get_input_embeddings(), self.model.get_output_embeddings()
        own = {id(weight) for module in modules if module for weight in module.parameters()}
        return {name: value for name, value in self.model.named_parameters() if id(value) in own}

    def _weight(self, own: Tensor, given: Conditioning) -> Tensor:
        """A weight that embeds or scores words, or what is given in its place.

        It is looked up by identity: where W is the embedding too, both are replaced.
        """
        if not given.weights:
            return own
        name = next(name for name, value in self._words().items() if value is own)
        return given.weights.get(name, own)

    def _input(self, reading: Reading, new: int) -> Tensor:
        """What the first layer is given for the last `new` tokens, [batch, new, hidden].

        A kernel reaches back to tokens that were read before; padding adds nothing to it.
        """
        given, length = reading.given, reading.tokens.shape[1]
        if given.kernel is None:
            return self._embed(reading.tokens[:, -new:], given)
        padding = ~reading.seen[:, -length:, None]  # [batch, T, 1]
        embedded = self._embed(reading.tokens, given).masked_fill(padding, 0)
        return convolved(embedded, given.kernel)[:, -new:]

    def _embed(self, tokens: Tensor, given: Conditioning) -> Tensor:
        """Embeddings of the tokens, with the virtual tokens at their slots: [batch, T, hidden]."""
        module = self.model.get_input_embeddings()
        weight = {"weight": self._weight(self.embedding, given)}
        embedded = functional_call(module, weight, tokens.clamp(min=0)).to(self.dtype)
        if given.virtual is None:
            return embedded
        soft = tokens < 0  # [batch, T]
        # Some families scale what they look up (Gemma 3 by sqrt(h)): a virtual token is a row of
        # the same table.
        virtual = given.virtual * getattr(module, "embed_scale", 1.0)
        slots = virtual.to(embedded.dtype)[-1 - tokens[soft]]  # [soft slots there, hidden]
        return embedded.masked_scatter(soft[..., None], slots)

    def _seen_past(self, past: Past | None, batch: int) -> Tensor:
        """True where a row has a position of the past, [batch, prefix]."""
        if past and past.mask is not None:
            return past.mask.to(self.device)
        length = past.length if past else 0
        return torch.ones(batch, length, dtype=torch.bool, device=self.device)

    def _cache(self, past: Past | None, batch: int) -> DynamicCache:
        """A fresh cache that holds the past: the model appends to it, so it serves one reading."""
        cache = DynamicCache()
        if past is None:
            return cache
        given = past.by_layer()
        # Nothing, of which nothing is trained: else the backward pass would go through the layers
        # below the first one with a prefix too.
        empty = past.keys[0, :, :, :0].detach(), past.values[0, :, :, :0].detach()
        for layer in range(self.geometry.layers):
            keys, values = (
                part.to(self.dtype).expand(batch, -1, -1, -1)  # [batch, kv_heads, P, head_dim]
                for part in given.get(layer, empty)
            )
            cache.update(keys, values, layer)
        return cache


def wordless(name: str) -> ValueError:
    return ValueError(
        f"{name} is an encoder: it has no words to answer with; take p_tuning_v2 with its head, "
        "linear_probe or fine_tuning, or load a causal model."
    )


def closed(name: str) -> ValueError:
    return ValueError(
        f"The layers of {name} compute attention in a way of their own, into which nothing can be "
        "put: it takes prompts, trained weights and one prefix for all layers; choose one of "
        "these, or another model."
    )


def convolved(embedded: Tensor, kernel: Tensor) -> Tensor:
    """e'_i = sum_j k_j * e_(i-j), every one of the `hidden` numbers by itself: [batch, T, hidden].

    It looks back only, so that no position learns of the future; before the text there is nothing.
    """
    length = embedded.shape[1]
    back = [F.pad(embedded, (0, 0, j, 0))[:, :length] for j in range(len(kernel))]  # e_(i-j)
    return torch.einsum("jbth,jh->bth", torch.stack(back), kernel.to(embedded.dtype))


def as_float32(past: Past) -> Past:
    """The same past in the precision in which it is trained."""
    return replace(past, keys=past.keys.float(), values=past.values.float())
