"""EncoderDecoder: a frozen T5 or BART behind the interface of `Backbone`.

The encoder reads the input x in both directions, the decoder writes the answer y from left to
right and looks at what the encoder made of x. So there are three kinds of attention, and a prefix
for each: Li & Liang (2021, section 4.2) write z = [PREFIX; x; PREFIX'; y].

    encoder    x attends to [PREFIX; x]          L_e layers, numbered first
    decoder    y attends to [PREFIX'; y_<t]      L_d layers
    cross      y attends to [PREFIX; Enc(x)]     L_d layers, numbered last

A `Past` holds keys and values for these L_e + 2 L_d attention layers, so that every method that
works on keys and values works here too.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from transformers import (
    AutoModelForSeq2SeqLM,
    DynamicCache,
    EncoderDecoderCache,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from prefixlab.data.batching import Batch, Row, encode, pad
from prefixlab.data.template import Template, Verbalizer, around, tokens_of
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import NOTHING, Conditioning, Past
from prefixlab.models.geometry import Geometry, in_float32, last_position
from prefixlab.models.kv_cache import KVCache
from prefixlab.models.looking import KeysAndValues
from prefixlab.models.readout import linear

KINDS = ("bart", "t5")


@dataclass(frozen=True)
class EncoderDecoderGeometry(Geometry):
    """The sizes of an encoder-decoder; `layers` counts its attention layers, L_e + 2 L_d."""

    encoder_layers: int
    decoder_layers: int

    @property
    def parts(self) -> dict[str, range]:
        after_encoder, after_decoder = (
            self.encoder_layers,
            self.encoder_layers + self.decoder_layers,
        )
        return {
            "encoder": range(after_encoder),
            "decoder": range(after_encoder, after_decoder),
            "cross": range(after_decoder, self.layers),
        }

    @classmethod
    def of(cls, name: str, config: PretrainedConfig) -> "EncoderDecoderGeometry":
        encoder, decoder = (
            (config.num_layers, config.num_decoder_layers)
            if config.model_type == "t5"
            else (config.encoder_layers, config.decoder_layers)
        )
        heads = config.num_attention_heads
        return cls(
            name=name,
            layers=encoder + 2 * decoder,
            heads=heads,
            kv_heads=heads,
            head_dim=getattr(config, "d_kv", None) or config.d_model // heads,
            hidden=config.d_model,
            vocabulary=config.vocab_size,
            positions=last_position(config),  # T5 knows only how far tokens are apart
            config=in_float32(config),
            encoder_layers=encoder,
            decoder_layers=decoder,
        )

    @property
    def architecture(self) -> Any:
        return AutoModelForSeq2SeqLM

    def check_room(self, prefix: int, text: int) -> None:
        """Raise a ValueError if a text does not fit. A prefix takes no position from it.

        BART adds a position to every token at the input, where a prefix has no token: the text
        keeps the positions it was trained with.
        """
        if text > self.positions:
            raise ValueError(
                f"{text} positions of text and soft slots are more than the "
                f"{self.positions} positions of {self.name}; shorten the text or the prompt."
            )


@dataclass
class DecoderCache(KVCache):
    """Texts that the encoder has read, and what the decoder has written so far.

    `tokens` are the decoder's and `seen` is the encoder's mask, [rows, positions].
    """

    encoded: Tensor  # Enc(x), [rows, positions, hidden]

    def keep(self, rows: Tensor) -> None:
        super().keep(rows)
        self.encoded = self.encoded[rows]


class EncoderDecoder(Backbone):
    """A frozen T5 or BART with everything the methods need of it.

    Parameters
    ----------
    target_start
        Text that the decoder is given before every answer, such as "<extra_id_0>" for a T5 that
        has seen nothing but span corruption (Lester et al. 2021, section 2.2).

    Raises
    ------
    ValueError
        A model of another kind, or one that does not say which token its decoder starts from.
    """

    is_open = True
    Sizes = EncoderDecoderGeometry
    geometry: EncoderDecoderGeometry

    def __init__(
        self,
        name: str,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        target_start: str = "",
    ):
        check_kind(name, model.config)
        super().__init__(name, model, tokenizer)
        self.before, self.after = around(tokenizer)
        # BART's targets begin with the same token as its inputs, <s>.
        self.start = [model.config.decoder_start_token_id, *self.before]
        self.start += tokens_of(tokenizer, target_start, control=True)
        self.encoder: Any = model.get_encoder()
        self.decoder: Any = model.get_decoder()

    def __repr__(self) -> str:
        size = self.geometry
        return (
            f"{self.name}: {size.encoder_layers} encoder and {size.decoder_layers} decoder layers "
            f"of {size.hidden}, {size.parameters / 1e6:.1f}M frozen parameters, "
            f"{str(self.dtype).removeprefix('torch.')} on {self.device}"
        )

    def encode(self, text: str) -> list[int]:
        """The token ids of a text as the encoder reads it, with the special tokens around it."""
        return [*self.before, *tokens_of(self.tokenizer, text), *self.after]

    def rows(
        self, template: Template, examples: Dataset, verbalizer: Verbalizer | None
    ) -> list[Row]:
        rows = encode(self.tokenizer, template, examples, verbalizer, begins=False)
        return [
            replace(row, prompt=[*self.before, *row.prompt, *self.after], start=self.start)
            for row in rows
        ]

    def pad(self, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        return pad(prompts, self.padding, side="right")

    def states(self, batch: Batch, given: Conditioning) -> Tensor:
        """The decoder's hidden states, [decoder rows, decoder positions, hidden]."""
        assert batch.decoder_tokens is not None
        cache = self._encode(batch.tokens, batch.mask, given)
        # Every answer of an example looks at the same encoding.
        rows = torch.arange(len(batch.tokens), device=self.device)
        cache.keep(rows.repeat_interleave(len(batch.decoder_tokens) // len(rows)))
        return self._read(cache, batch.decoder_tokens)

    def prefill(
        self, tokens: Tensor, mask: Tensor, given: Conditioning = NOTHING
    ) -> tuple[Tensor, KVCache]:
        """Logits of the decoder's first token, [rows, vocabulary], and the cache to go on from.

        `tokens` and `mask` are the encoder's, as `pad` makes them.
        """
        cache = self._encode(tokens, mask, given)
        start = torch.tensor(self.start, device=self.device).expand(len(tokens), -1)
        return self._next(self._read(cache, start), cache), cache

    def read_past(self, text: str | Sequence[int]) -> Past:
        """The keys and values that real text leaves in all attention layers.

        Encoder and decoder both read the text from their first position on.
        """
        ids = tokens_of(self.tokenizer, text) if isinstance(text, str) else list(text)
        self.geometry.check_room(0, len(ids))
        tokens = torch.tensor([ids], device=self.device)
        look = KeysAndValues()
        with torch.no_grad(), self._steered(Conditioning(edits=(look,)), tokens):
            read = self.encoder(input_ids=tokens).last_hidden_state
            self.decoder(input_ids=tokens, encoder_hidden_states=read, use_cache=False)
        keys, values = zip(*(look.found[layer] for layer in sorted(look.found)), strict=True)
        return Past(torch.stack(keys), torch.stack(values))

    def room(self, prefix: int, text: int) -> int:
        """How many tokens can be written: the decoder has its own positions."""
        return self.geometry.positions - len(self.start) + 1

    def _encode(self, tokens: Tensor, mask: Tensor, given: Conditioning) -> DecoderCache:
        """What the decoder goes on from: the encoder has read its part."""
        self.geometry.check_room(0, tokens.shape[1])
        embedded = self._embedded(tokens, mask, given)
        with self._steered(given, tokens):
            encoded = self._call(
                self.encoder, given, inputs_embeds=embedded, attention_mask=mask
            ).last_hidden_state
        kept = EncoderDecoderCache(DynamicCache(), DynamicCache())
        return DecoderCache(given, tokens[:, :0], mask, kept, encoded)

    def _read(self, cache: KVCache, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """The decoder's hidden states at its new tokens, [rows, new, hidden]."""
        assert isinstance(cache, DecoderCache)
        cache.tokens = torch.cat([cache.tokens, tokens], dim=1)
        self.geometry.check_room(0, cache.tokens.shape[1])
        with self._steered(cache.given, cache.tokens):
            hidden = self._call(
                self.decoder,
                cache.given,
                inputs_embeds=self._looked_up(tokens, cache.given),
                encoder_hidden_states=cache.encoded,
                encoder_attention_mask=cache.seen,
                cache=cache.kept,
            ).last_hidden_state
        if getattr(self.model.config, "scale_decoder_outputs", False):
            hidden = hidden * self.geometry.hidden**-0.5  # T5 ties its head to its embeddings
        return hidden

    def _steered(self, given: Conditioning, tokens: Tensor) -> AbstractContextManager[None]:
        """Within this context the layers have the past of `given`, and compute what its edits say.

        It stands in front of the text, as P tokens more, and takes no position from it.
        """
        past = given.past
        there = past.there(len(tokens)) if past else tokens[:, :0].bool()  # [rows, P]
        return self._given(given, there, tokens, prefix_bias=self._prefix_bias)

    def _number(self, module: Any) -> int:
        return self.geometry.parts[part_of(module)][module.layer_idx]

    def _prefix_bias(self, module: Any, text_bias: Tensor, prefix: int) -> Tensor:
        """T5's biases for how far the prefix positions are away, [1, heads, queries, prefix].

        A prefix of P positions stands where P tokens before the text would: at the distances -P to
        -1 of the first one. That is what T5's own cache does, and without it the prefix would be
        the only keys that the model cannot place. Across there are no positions.
        """
        _, heads, queries, keys = text_bias.shape
        if (part := part_of(module)) == "cross":
            return text_bias.new_zeros(1, heads, queries, prefix)
        stack = self.encoder if part == "encoder" else self.decoder
        biased = stack.block[0].layer[0].SelfAttention  # later layers share the first one's biases
        # Queries are the last of the P + keys positions.
        behind = prefix + keys - queries
        whole = biased.compute_bias(
            queries, prefix + keys, text_bias.device, past_seen_tokens=behind
        )
        return whole[..., :prefix]

    def _head(self, given: Conditioning) -> tuple[Tensor, Tensor | None]:
        bias = getattr(self.model, "final_logits_bias", None)  # BART's, [1, vocabulary]
        weight = self._weight(self.output_layer.weight, given)
        return weight, None if bias is None else bias[0]

    def _read_out(self, hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return linear(hidden, weight, bias)

    def _begin(self, *_: Any) -> Any:
        raise ValueError(
            f"{self.name} is an encoder-decoder: it has no single sequence of tokens to go on "
            "with. Ask for answer_scores or prefill, or load a causal model."
        )


def part_of(module: Any) -> str:
    """The part that an attention module belongs to."""
    if not module.is_decoder:
        return "encoder"
    return "decoder" if module.is_causal else "cross"


def check_kind(name: str, config: PretrainedConfig) -> None:
    if config.model_type not in KINDS or not config.is_encoder_decoder:
        raise ValueError(
            f"{name} is a {config.model_type} model, not an encoder-decoder of the kinds "
            f"{' and '.join(KINDS)}; choose t5-small, bart-base, or the folder of a T5 or BART."
        )
    if getattr(config, "decoder_start_token_id", None) is None:
        raise ValueError(
            f"The configuration of {name} has no decoder_start_token_id, the token that its "
            "decoder starts from; add it (T5 starts from its padding token)."
        )
