"""EncoderDecoder: a frozen T5 or BART behind the interface of `Backbone`.

The encoder reads the input x in both directions, the decoder writes the answer y from left to
right and looks at what the encoder made of x. So there are three kinds of attention, and a prefix
for each: Li & Liang (2021, section 4.1) write z = [PREFIX; x; PREFIX'; y].

    encoder    x attends to [PREFIX; x]          L_e layers, numbered first
    decoder    y attends to [PREFIX'; y_<t]      L_d layers
    cross      y attends to [PREFIX; Enc(x)]     L_d layers, numbered last

A `Past` holds keys and values for these L_e + 2 L_d attention layers, so that every method that
works on keys and values works here too. An encoder keeps no cache: its prefix, and for symmetry
all three, are put before the keys and values inside the attention function.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    AttentionInterface,
    AttentionMaskInterface,
    AutoModelForSeq2SeqLM,
    DynamicCache,
    EncoderDecoderCache,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from prefixlab.data.batching import Batch, Row, encode
from prefixlab.data.template import Template, Verbalizer, around, tokens_of
from prefixlab.models.attention import attention, explicit_mask
from prefixlab.models.backbone import (
    NOTHING,
    Backbone,
    Conditioning,
    Past,
    Reading,
)
from prefixlab.models.geometry import Geometry, in_float32, last_position
from prefixlab.models.readout import linear

KINDS = ("bart", "t5")
STEERED = "prefixlab-encoder-decoder"

Place = tuple[str, int]  # the part ("encoder", "decoder" or "cross") and the layer within it


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

    @property
    def places(self) -> list[Place]:
        """The attention layers in the order in which a `Past` counts them."""
        return [(part, at) for part, layers in self.parts.items() for at in range(len(layers))]

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


@dataclass(frozen=True)
class Pair(Row):
    """An example for an encoder-decoder: `prompt` is what the encoder reads.

    `start` is what the decoder is given before every answer.
    """

    start: list[int]

    @property
    def length(self) -> int:
        """The positions that the longer of the two sequences needs."""
        answer = max(len(answer) for answer in self.answers)
        return max(len(self.prompt), len(self.start) + answer - 1)


@dataclass(frozen=True)
class Pairs(Batch):
    """`tokens` and `mask` are the encoder's, [examples, positions]; padding stands on the right.

    Rows and columns to read count in the decoder's sequences: one for each example where every
    answer is one token, elsewhere one for each example with one of its answers. Padding there
    stands behind what is read, where a causal decoder cannot see it.
    """

    decoder_tokens: Tensor  # [examples, or examples * answers; decoder positions]


@dataclass
class PairReading(Reading):
    """Texts that the encoder has read, and what the decoder has written so far.

    `tokens` are the decoder's and `seen` is the encoder's mask.
    """

    encoded: Tensor  # Enc(x), [rows, positions, hidden]

    def keep(self, rows: Tensor) -> None:
        super().keep(rows)
        self.encoded = self.encoded[rows]


@dataclass(frozen=True)
class Steering:
    """What the attention layers do besides their own work while a model runs."""

    given: dict[Place, tuple[Tensor, Tensor]]  # the prefix, keys and values
    read: dict[Place, tuple[Tensor, Tensor]] | None  # where to note those of the text
    biased: dict[str, Any]  # T5's modules that hold the position biases of a part


STEERING: ContextVar[Steering | None] = ContextVar("steering", default=None)


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

    attention = STEERED
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
            Pair([*self.before, *row.prompt, *self.after], row.answers, row.label, self.start)
            for row in rows
        ]

    def collate(self, rows: Sequence[Row]) -> Pairs:
        return collate_pairs([row for row in rows if isinstance(row, Pair)], self.padding)

    def pad(self, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        return padded(prompts, self.padding)

    def states(self, batch: Batch, given: Conditioning) -> Tensor:
        """The decoder's hidden states, [decoder rows, decoder positions, hidden]."""
        assert isinstance(batch, Pairs)
        reading = self._start(batch.tokens, batch.mask, given)
        # Every answer of an example looks at the same encoding.
        rows = torch.arange(len(batch.tokens), device=self.device)
        reading.keep(rows.repeat_interleave(len(batch.decoder_tokens) // len(rows)))
        return self._read_on(reading, batch.decoder_tokens, batch.mask)

    def read(
        self, tokens: Tensor, mask: Tensor, given: Conditioning = NOTHING
    ) -> tuple[Tensor, Reading]:
        """Logits of the decoder's first token, [rows, vocabulary], and the reading to go on from.

        `tokens` and `mask` are the encoder's, as `pad` makes them.
        """
        reading = self._start(tokens, mask, given)
        start = torch.tensor(self.start, device=self.device).expand(len(tokens), -1)
        return self._next(self._read_on(reading, start, mask), reading), reading

    def read_past(self, text: str | Sequence[int]) -> Past:
        """The keys and values that real text leaves in all attention layers.

        Encoder and decoder both read the text from their first position on.
        """
        ids = tokens_of(self.tokenizer, text) if isinstance(text, str) else list(text)
        self.geometry.check_room(0, len(ids))
        tokens = torch.tensor([ids], device=self.device)
        found: dict[Place, tuple[Tensor, Tensor]] = {}
        with torch.no_grad(), self.steered(NOTHING, found):
            read = self.encoder(input_ids=tokens).last_hidden_state
            self.decoder(input_ids=tokens, encoder_hidden_states=read, use_cache=False)
        keys, values = zip(*(found[place] for place in self.geometry.places), strict=True)
        return Past(torch.stack(keys), torch.stack(values))

    def room(self, prefix: int, text: int) -> int:
        """How many tokens can be written: the decoder has its own positions."""
        return self.geometry.positions - len(self.start) + 1

    @contextmanager
    def steered(
        self, given: Conditioning, read: dict[Place, tuple[Tensor, Tensor]] | None = None
    ) -> Iterator[None]:
        """Within this context the attention layers see the past of `given` before the text."""
        check_given(self.name, given)
        places = self.geometry.places
        before = {
            places[layer]: (keys.to(self.dtype), values.to(self.dtype))
            for layer, (keys, values) in (given.past.by_layer() if given.past else {}).items()
        }
        biased = {}
        if self.model.config.model_type == "t5":  # later layers share the first one's biases
            stacks = {"encoder": self.encoder, "decoder": self.decoder}
            biased = {part: stack.block[0].layer[0].SelfAttention for part, stack in stacks.items()}
        token = STEERING.set(Steering(before, read, biased))
        try:
            yield
        finally:
            STEERING.reset(token)

    def _start(self, tokens: Tensor, mask: Tensor, given: Conditioning) -> PairReading:
        """A reading of which the encoder's part is done."""
        self.geometry.check_room(0, tokens.shape[1])
        with self.steered(given):
            encoded = self.encoder(
                inputs_embeds=self._embed(tokens, given), attention_mask=mask
            ).last_hidden_state
        cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        return PairReading(given, tokens[:, :0], mask, cache, encoded)

    def _read_on(self, reading: Reading, tokens: Tensor, mask: Tensor) -> Tensor:
        """The decoder's hidden states at its new tokens, [rows, new, hidden]."""
        assert isinstance(reading, PairReading)
        reading.tokens = torch.cat([reading.tokens, tokens], dim=1)
        self.geometry.check_room(0, reading.tokens.shape[1])
        with self.steered(reading.given):
            hidden = self.decoder(
                input_ids=tokens,
                encoder_hidden_states=reading.encoded,
                encoder_attention_mask=reading.seen,
                cache=reading.cache,
            ).last_hidden_state
        if getattr(self.model.config, "scale_decoder_outputs", False):
            hidden = hidden * self.geometry.hidden**-0.5  # T5 ties its head to its embeddings
        return hidden

    def _head(self, given: Conditioning) -> tuple[Tensor, Tensor | None]:
        bias = getattr(self.model, "final_logits_bias", None)  # BART's, [1, vocabulary]
        return self.output_layer.weight, None if bias is None else bias[0]

    def _read_out(self, hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return linear(hidden, weight, bias)

    def _run(self, tokens: Tensor, mask: Tensor | None, given: Conditioning) -> Any:
        raise ValueError(
            f"{self.name} is an encoder-decoder: it has no single sequence of tokens to go on "
            "with. Ask for answer_scores or read, or load a causal model."
        )


def steered_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor,
    position_bias: Tensor | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """softmax(Q [K^P; K^X]^T + B) [V^P; V^X], in any of the three kinds of attention.

    B is T5's bias for how far a key is away. A prefix of P positions stands where P tokens before
    the text would: at the distances -P to -1 of the first one. That is what T5's own cache does,
    and without it the prefix would be the only keys that the model cannot place.
    """
    part = ("decoder" if module.is_causal else "cross") if module.is_decoder else "encoder"
    place, steering = (part, module.layer_idx), STEERING.get()
    if steering and steering.read is not None:
        steering.read[place] = key, value
    if steering and place in steering.given:
        prefix_keys, prefix_values = (
            shared.expand(len(key), -1, -1, -1)  # [batch, heads, P, head_dim]
            for shared in steering.given[place]
        )
        if position_bias is not None:
            near = prefix_bias(steering.biased.get(part), position_bias, prefix_keys.shape[-2])
            position_bias = torch.cat([near, position_bias], dim=-1)  # [1, heads, T, P + keys]
        key, value = torch.cat([prefix_keys, key], 2), torch.cat([prefix_values, value], 2)
        attention_mask = F.pad(attention_mask, (prefix_keys.shape[-2], 0), value=True)
    return attention(
        module, query, key, value, attention_mask, position_bias=position_bias, **options
    )


def prefix_bias(biased: Any, text_bias: Tensor, prefix: int) -> Tensor:
    """T5's biases for the prefix positions, [1, heads, queries, prefix]; none across."""
    _, heads, queries, keys = text_bias.shape
    if biased is None:  # cross-attention has no positions
        return text_bias.new_zeros(1, heads, queries, prefix)
    # Queries are the last of the P + keys positions.
    behind = prefix + keys - queries
    whole = biased.compute_bias(queries, prefix + keys, text_bias.device, past_seen_tokens=behind)
    return whole[..., :prefix]


AttentionInterface.register(STEERED, steered_attention)
AttentionMaskInterface.register(STEERED, explicit_mask)


def collate_pairs(rows: Sequence[Pair], padding: int) -> Pairs:
    """Pad the encoder's and the decoder's sequences on the right; see `Pairs`."""
    answers = len(rows[0].answers)
    single = all(row.is_choice for row in rows)
    decoded: list[list[int]] = []
    reads: list[tuple[int, int]] = []
    targets: list[int] = []
    for row in rows:
        for answer in [row.answers[0]] if single else row.answers:
            if not single:
                targets += answer
            # The last token given predicts the first of the answer.
            reads += [(len(decoded), len(row.start) - 1 + place) for place in range(len(answer))]
            decoded.append(row.start + answer[:-1])
    read_rows, read_columns = torch.tensor(reads).unbind(1)
    tokens, mask = padded([row.prompt for row in rows], padding)
    return Pairs(
        tokens=tokens,
        mask=mask,
        read_rows=read_rows,
        read_columns=read_columns,
        targets=torch.tensor(targets, dtype=torch.long),
        candidates=torch.tensor([answer[0] for answer in rows[0].answers]) if single else None,
        answers=answers,
        labels=torch.tensor([row.label for row in rows]),
        decoder_tokens=padded(decoded, padding)[0],
    )


def padded(sequences: Sequence[Sequence[int]], padding: int) -> tuple[Tensor, Tensor]:
    """Token ids padded on the right, and True where a token stands; both [rows, positions]."""
    tensors = [torch.tensor(ids) for ids in sequences]
    lengths = torch.tensor([len(ids) for ids in sequences])
    tokens = pad_sequence(tensors, batch_first=True, padding_value=padding)
    return tokens, torch.arange(tokens.shape[1]) < lengths[:, None]


def check_given(name: str, given: Conditioning) -> None:
    past = given.past
    unlike = past is not None and any(
        part is not None for part in (past.mask, past.gate, past.counts)
    )
    inside = given.deep or given.weights or given.after or given.kernel is not None
    if unlike or inside:
        raise ValueError(
            f"{name} is an encoder-decoder, which is steered by soft slots at the input and by one "
            "prefix for all rows alone; take prompt_tuning, p_tuning or prefix_tuning."
        )


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
