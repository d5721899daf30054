"""Backbone: a frozen language model, its tokenizer and its geometry.

A causal language model computes, for every position i, an activation from the token z_i and from
the activations of everything before it (Li & Liang 2021, section 3.1):

    h_i = LM(z_i, h_<i)            p(z_{i+1} | z_<=i) = softmax(W h_i)

The model uses h_<i only through the keys and values of its attention layers: they are all of the
past. Whoever sets them, sets the past. This file runs the model on tokens and reads its answers
off; what its layers are given meanwhile is in `attention`.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from inspect import signature
from typing import Any, ClassVar

import torch
from datasets import Dataset
from torch import Tensor
from transformers import DynamicCache

from prefixlab.data.batching import Batch, Row, collate, encode, pad
from prefixlab.data.template import Template, Verbalizer, around, tokens_of
from prefixlab.models.attention import causal_mask
from prefixlab.models.conditioning import NOTHING, Conditioning, Past
from prefixlab.models.frozen import Frozen, closed
from prefixlab.models.kv_cache import KVCache
from prefixlab.models.looking import AttentionWeights
from prefixlab.models.readout import linear, read_out
from prefixlab.models.speed import tokens_per_second


class Backbone(Frozen):
    """A frozen causal language model with everything the methods need of it."""

    answer_at: ClassVar[int] = -1  # the position of a text where its label is read

    @cached_property
    def tokens_per_second(self) -> float:
        """How many tokens it reads in a second on this machine, see `speed`."""
        return tokens_per_second(self)

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
        return self._read(self._begin(len(tokens), given), tokens, mask)

    def attention_weights(
        self, tokens: Tensor, mask: Tensor | None = None, given: Conditioning = NOTHING
    ) -> list[Tensor]:
        """What the layers weigh their values with, [batch, heads, T, P + T] each, in float32.

        Parameters and errors are those of `hidden_states`; besides, a model whose layers compute
        attention in a way of their own is a ValueError.
        """
        look = AttentionWeights()
        self.hidden_states(tokens, mask, replace(given, edits=(*given.edits, look)))
        return look.seen

    def read_past(self, text: str | Sequence[int]) -> Past:
        """The keys and values that real text leaves in every layer, read in one pass."""
        ids = self.encode(text) if isinstance(text, str) else list(text)
        cache = DynamicCache()
        with torch.no_grad():
            self._read(self._begin(1, NOTHING, cache), torch.tensor([ids], device=self.device))
        layers: list[Any] = list(cache.layers)
        return Past(
            torch.stack([at.keys for at in layers]), torch.stack([at.values for at in layers])
        )

    def prefill(
        self, tokens: Tensor, mask: Tensor, given: Conditioning = NOTHING
    ) -> tuple[Tensor, KVCache]:
        """Logits of the token after each row, [rows, vocabulary], and the cache to go on from.

        Parameters and errors are those of `hidden_states`.
        """
        # Once for all tokens to come; what embeds and scores words is left in float32.
        words = self._words()
        edits = [
            replace(
                edit,
                weights={
                    name: value if name in words else value.to(self.dtype)
                    for name, value in edit.weights.items()
                },
            )
            for edit in given.edits
        ]
        cache = self._begin(len(tokens), replace(given, edits=edits), DynamicCache())
        return self._next(self._read(cache, tokens, mask), cache), cache

    def decode(self, cache: KVCache, tokens: Tensor) -> Tensor:
        """Read one further token in every row, [rows]; logits of the next, [rows, vocabulary]."""
        return self._next(self._read(cache, tokens[:, None]), cache)  # [rows, 1]

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
        if given.head is not None:
            rows = given.head[batch.candidates]  # [answers, hidden + 1]
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
        """Token ids and their mask, as `prefill` takes them, both [rows, positions]."""
        return pad(prompts, self.padding)

    def logits(
        self, tokens: Tensor, given: Conditioning = NOTHING, mask: Tensor | None = None
    ) -> Tensor:
        """Logits over the whole vocabulary at every position, [batch, positions, vocabulary].

        Parameters and errors are those of `hidden_states`.
        """
        return self._logits(self.hidden_states(tokens, mask, given), given)

    def next_tokens(
        self, text: str, k: int = 10, given: Conditioning = NOTHING
    ) -> list[tuple[str, float]]:
        """The `k` most probable next tokens after `text`, each with its probability."""
        with torch.no_grad():
            tokens = torch.tensor([self.encode(text)], device=self.device)
            logits, _ = self.prefill(tokens, torch.ones_like(tokens, dtype=torch.bool), given)
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

    def _begin(self, batch: int, given: Conditioning, kept: DynamicCache | None = None) -> KVCache:
        """Rows of which nothing is read yet, if the model takes what is given."""
        if any(getattr(part, "gradient_checkpointing", False) for part in self.model.modules()):
            raise ValueError(
                "Gradient checkpointing drops the keys and values of the prefix; call "
                "model.activation_checkpointing_disable() first."
            )
        past = given.past
        there = past.there(batch) if past else torch.ones(batch, 0, dtype=torch.bool)
        if not self.is_open:
            in_some = past is not None and len(past.by_layer()) < self.geometry.layers
            if in_some or given.changes_attention:
                raise closed(self.name)
            kept = self._with_past(DynamicCache() if kept is None else kept, past, batch)
        there = there.to(self.device)  # [batch, P]
        return KVCache(given, there.new_zeros(batch, 0, dtype=torch.long), there, kept)

    def _with_past(self, kept: DynamicCache, past: Past | None, batch: int) -> DynamicCache:
        """Put a past where layers with an attention of their own look for what was read."""
        for layer, both in (past.by_layer() if past else {}).items():
            keys, values = (part.to(self.dtype).expand(batch, -1, -1, -1) for part in both)
            kept.update(keys, values, layer)  # [batch, kv_heads, P, head_dim]
        return kept

    def _read(self, cache: KVCache, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Activations of the new tokens, [batch, new, hidden], which are read from now on."""
        new = tokens.shape[1]
        mask = torch.ones_like(tokens, dtype=torch.bool) if mask is None else mask
        cache.tokens = torch.cat([cache.tokens, tokens], dim=1)
        cache.seen = torch.cat([cache.seen, mask], dim=1)
        prefix = cache.seen.shape[1] - cache.tokens.shape[1]
        there, seen = cache.seen[:, :prefix], cache.seen[:, prefix:]
        longest = (there.sum(1) + seen.sum(1)).argmax()
        self.geometry.check_room(int(there[longest].sum()), int(seen[longest].sum()))
        # A row's first real token has position P, whatever padding stands before it.
        positions = cache.seen.cumsum(1) - 1  # [batch, P + T]
        for edit in cache.given.edits:
            positions = edit.positions(positions, prefix)
        placed: dict[str, Tensor] = {}
        if self._takes_positions:
            placed = {"position_ids": positions[:, -new:].clamp(min=0)}  # [batch, new]
        with self._given(cache.given, there, cache.tokens, positions=positions):
            output = self._call(
                self.model.base_model,
                cache.given,
                inputs_embeds=self._embedded(cache.tokens, seen, cache.given)[:, -new:],
                # A layer with an attention of its own makes the mask that it takes from what is
                # there, [batch, P + T].
                attention_mask=self._mask(seen, new) if self.is_open else cache.seen.long(),
                cache=cache.kept,
                use_cache=cache.kept is not None,
                **placed,
            )
        return output.last_hidden_state

    @cached_property
    def _takes_positions(self) -> bool:
        """Whether it is told where tokens stand; BLOOM and MPT know distances alone."""
        return "position_ids" in signature(self.model.base_model.forward).parameters

    def _next(self, hidden: Tensor, cache: KVCache) -> Tensor:
        """Logits after the last column, where the newest token of every row is."""
        return self._logits(hidden[:, -1], cache.given)

    def _logits(self, hidden: Tensor, given: Conditioning, words: Tensor | None = None) -> Tensor:
        """Logits of some words, or of all, in float32: [..., words or vocabulary]."""
        weight, bias = self._head(given)
        if words is not None:
            weight, bias = weight[words], None if bias is None else bias[words]
        return self._read_out(hidden, weight, bias)

    def _read_out(self, hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return read_out(self.model, hidden, weight, bias)

    def _mask(self, seen: Tensor, new: int) -> Tensor:
        """What the last `new` of T tokens may attend to, [batch, 1, new, T]."""
        return causal_mask(seen, new)
