"""The exercises of lesson 08, encoder and decoder."""

from collections.abc import Callable, Sequence
from math import log, log2
from typing import Any

import torch
from torch import Tensor, nn
from transformers import T5Config

from prefixlab.models.encoder_decoder import EncoderDecoderGeometry
from prefixlab.workbook.checks import Exercise, Mistake

Spans = Sequence[tuple[int, int]]
Corrupted = tuple[list[Any], list[Any]]


def _corrupt(tokens: list[Any], spans: Spans, sentinels: Sequence[Any]) -> Corrupted:
    given, target, end = [], [], 0
    for (start, length), sentinel in zip(spans, sentinels, strict=False):
        given += [*tokens[end:start], sentinel]
        end = start + length
        target += [sentinel, *tokens[start:end]]
    return given + tokens[end:], [*target, sentinels[len(spans)]]


def _one_sentinel(tokens: list[Any], spans: Spans, sentinels: Sequence[Any]) -> Corrupted:
    return _corrupt(tokens, spans, [sentinels[0]] * len(sentinels))


def _nothing_taken_out(tokens: list[Any], spans: Spans, sentinels: Sequence[Any]) -> Corrupted:
    before = {start: sentinel for (start, _), sentinel in zip(spans, sentinels, strict=False)}
    given = [
        each
        for place, token in enumerate(tokens)
        for each in ([before[place], token] if place in before else [token])
    ]
    return given, _corrupt(tokens, spans, sentinels)[1]


def _without_the_rest(tokens: list[Any], spans: Spans, sentinels: Sequence[Any]) -> Corrupted:
    return _corrupt(tokens[: sum(spans[-1])], spans, sentinels)


def _lengths_as_ends(tokens: list[Any], spans: Spans, sentinels: Sequence[Any]) -> Corrupted:
    given, target, before = [], [], 0
    for (start, end), sentinel in zip(spans, sentinels, strict=False):
        given += [*tokens[before:start], sentinel]
        target += [sentinel, *tokens[start:end]]
        before = end
    return given + tokens[before:], [*target, sentinels[len(spans)]]


_WORDS = ["Thank", "you", "for", "inviting", "me", "to", "your", "party", "last", "week"]
_MARKS = ["<extra_id_0>", "<extra_id_1>", "<extra_id_2>", "<extra_id_3>"]
_IDS = (90, 91, 92, 93)

corrupt = Exercise(
    right=_corrupt,
    probes=(
        (_WORDS, [(2, 2), (8, 1)], _MARKS),
        ([11, 12, 13, 14, 15, 16, 17, 18], [(0, 1), (3, 2), (7, 1)], _IDS),
        ([21, 22, 23, 24], [(1, 2)], _IDS),
    ),
    praise="The target holds just what the input lacks, so it is short.",
    mistakes=(
        Mistake(
            "no sentinel at the end",
            lambda tokens, spans, sentinels: (
                _corrupt(tokens, spans, sentinels)[0],
                _corrupt(tokens, spans, sentinels)[1][:-1],
            ),
            "one more sentinel ends the target: it says that the last span is over.",
        ),
        Mistake(
            "one sentinel for all",
            _one_sentinel,
            "every span has a sentinel of its own, or nobody knows which gap a word belongs to.",
        ),
        Mistake(
            "nothing taken out",
            _nothing_taken_out,
            "the tokens of a span still stand in the input, where the model can copy them.",
        ),
        Mistake(
            "the whole text as target",
            lambda tokens, spans, sentinels: (_corrupt(tokens, spans, sentinels)[0], tokens),
            "the target has only what was taken out, each span behind its sentinel.",
        ),
        Mistake(
            "the rest is lost",
            _without_the_rest,
            "what stands behind the last span is missing in the input: add it after the loop.",
        ),
        Mistake(
            "the length taken for an end",
            _lengths_as_ends,
            "the second number of a span is its length; it ends before `start + length`.",
        ),
    ),
)

_numbers = torch.Generator().manual_seed(8)


def _attention(queries: int, keys: int, prefix: int) -> tuple[Tensor, ...]:
    """q, k, v, the prefix's keys and values, and a bias, of 2 heads of 4 numbers."""
    shapes = (queries, 4), (keys, 4), (keys, 4), (prefix, 4), (prefix, 4), (queries, prefix + keys)
    return tuple(torch.randn(2, *shape, generator=_numbers) for shape in shapes)


def _attend(
    q: Tensor, k: Tensor, v: Tensor, prefix_k: Tensor, prefix_v: Tensor, bias: Tensor
) -> Tensor:
    keys = torch.cat([prefix_k, k], dim=1)  # [heads, P + S, d]
    values = torch.cat([prefix_v, v], dim=1)
    return (q @ keys.transpose(1, 2) + bias).softmax(-1) @ values  # [heads, T, d]


def _apart(
    q: Tensor, k: Tensor, v: Tensor, prefix_k: Tensor, prefix_v: Tensor, bias: Tensor
) -> Tensor:
    own, text = bias.split([prefix_k.shape[1], k.shape[1]], dim=-1)
    of_prefix = (q @ prefix_k.transpose(1, 2) + own).softmax(-1) @ prefix_v
    return of_prefix + (q @ k.transpose(1, 2) + text).softmax(-1) @ v


attend = Exercise(
    right=_attend,
    probes=(_attention(3, 5, 2), _attention(4, 4, 1), _attention(2, 6, 3)),
    praise="All three kinds of attention are this line; they differ in where k and v come from.",
    mistakes=(
        Mistake(
            "prefix on the right",
            lambda q, k, v, prefix_k, prefix_v, bias: _attend(q, prefix_k, prefix_v, k, v, bias),
            "the prefix stands on the left: its keys and its columns of the bias come first.",
        ),
        Mistake(
            "scaled",
            lambda q, k, v, prefix_k, prefix_v, bias: _attend(
                q / q.shape[-1] ** 0.5, k, v, prefix_k, prefix_v, bias
            ),
            "you divide by the root of d, as most models do; T5 does not (its weights were "
            "started smaller instead).",
        ),
        Mistake(
            "no bias",
            lambda q, k, v, prefix_k, prefix_v, bias: _attend(
                q, k, v, prefix_k, prefix_v, torch.zeros_like(bias)
            ),
            "the bias is missing; add it to the scores, before the softmax.",
        ),
        Mistake(
            "two softmaxes",
            _apart,
            "prefix and text each get weights that sum to one; they share one softmax.",
        ),
        Mistake(
            "softmax over the queries",
            lambda q, k, v, prefix_k, prefix_v, bias: (
                (q @ torch.cat([prefix_k, k], dim=1).transpose(1, 2) + bias).softmax(1)
                @ torch.cat([prefix_v, v], dim=1)
            ),
            "your softmax runs over the queries; the weights of one query sum to one over all "
            "keys, the last dimension.",
        ),
    ),
)

# (ids of x, ids that the decoder reads) -> [len of the latter, V]: row i scores what follows id i
Scores = Callable[[list[int], list[int]], Tensor]


class TinyDecoder(nn.Module):
    """Scores after each token that a decoder reads, from it, those before it, and the mean of x."""

    def __init__(self, width: int, vocabulary: int, seed: int):
        super().__init__()
        chance = torch.Generator().manual_seed(seed)
        self.embedding = nn.Parameter(torch.randn(vocabulary, width, generator=chance))

    def forward(self, x: list[int], written: list[int]) -> Tensor:
        read = self.embedding[x].mean(0)  # [width]
        so_far = self.embedding[written].cumsum(0)  # [len(written), width]
        return (so_far + read) @ self.embedding.T


def _answer_loss(scores: Scores, x: list[int], y: list[int], start: list[int]) -> Tensor:
    rows = scores(x, start + y[:-1])[len(start) - 1 :]  # [len(y), V]
    return -rows.log_softmax(-1)[range(len(y)), y].sum()


def _of(rows: Tensor, targets: list[int]) -> Tensor:
    return -rows.log_softmax(-1)[range(len(targets)), targets].sum()


answer_loss = Exercise(
    right=_answer_loss,
    probes=(
        (TinyDecoder(4, 9, seed=0), [1, 5, 2], [3, 2], [0]),
        (TinyDecoder(4, 9, seed=1), [6, 2], [4, 7, 2], [0]),
        (TinyDecoder(4, 9, seed=2), [7, 7, 1, 2], [5, 2], [0, 8]),
    ),
    praise="The decoder reads the start and the answer up to the token that it has to write.",
    mistakes=(
        Mistake(
            "the decoder reads the answer",
            lambda scores, x, y, start: _of(scores(x, y), y),
            "your decoder reads the very token that it has to write; it reads `start`, and then y "
            "without its last token.",
        ),
        Mistake(
            "the decoder reads the answer",
            lambda scores, x, y, start: _of(scores(x, start + y)[len(start) :], y),
            "you take the row of the token itself, which has read it; the row before it is the "
            "one that has to guess it.",
        ),
        Mistake(
            "the start counts too",
            lambda scores, x, y, start: _of(scores(x, start + y[:-1]), start[1:] + y),
            "your loss also counts a token of `start`, which is given and not written; take the "
            "rows from `len(start) - 1` on.",
        ),
        Mistake(
            "the mean of the tokens",
            lambda scores, x, y, start: _answer_loss(scores, x, y, start) / len(y),
            "you take the mean over the tokens; the loss of an answer is their sum, for its "
            "probability is a product.",
        ),
        Mistake(
            "the sign",
            lambda scores, x, y, start: -_answer_loss(scores, x, y, start),
            "a loss is minus the logarithm of a probability, and so never below zero.",
        ),
        Mistake(
            "the first token only",
            lambda scores, x, y, start: _of(scores(x, start)[len(start) - 1 :], y[:1]),
            "you count the first token only; the end of the answer has to be written too.",
        ),
        Mistake(
            "not made probabilities",
            lambda scores, x, y, start: (
                -scores(x, start + y[:-1])[len(start) - 1 :][range(len(y)), y].sum()
            ),
            "these are raw scores; `log_softmax` makes logarithms of probabilities of them.",
        ),
    ),
)

_SIZES = (
    EncoderDecoderGeometry.of(
        "t5", T5Config(d_model=32, d_kv=4, num_heads=4, d_ff=8, num_layers=3, num_decoder_layers=2)
    ),
    EncoderDecoderGeometry.of(
        "t5", T5Config(d_model=24, d_kv=8, num_heads=2, d_ff=8, num_layers=2, num_decoder_layers=4)
    ),
)


def _prefix_numbers(length: int, size: EncoderDecoderGeometry, layers: int) -> int:
    return length * layers * 2 * size.heads * size.head_dim


prefix_numbers = Exercise(
    right=lambda n, size: _prefix_numbers(n, size, size.encoder_layers + 2 * size.decoder_layers),
    probes=((10, _SIZES[0]), (5, _SIZES[1])),
    praise="A decoder layer has two attentions, so it has two prefixes.",
    mistakes=(
        Mistake(
            "decoder only",
            lambda n, size: _prefix_numbers(n, size, size.decoder_layers),
            "that is the decoder's own attention alone, which is what PEFT trains; add the "
            "encoder and the attention across.",
        ),
        Mistake(
            "no cross-attention",
            lambda n, size: _prefix_numbers(n, size, size.encoder_layers + size.decoder_layers),
            "a decoder layer has a second attention, to what the encoder read, with a prefix too.",
        ),
        Mistake(
            "keys only",
            lambda n, size: (
                _prefix_numbers(n, size, size.encoder_layers + 2 * size.decoder_layers) // 2
            ),
            "you counted one tensor a layer; a position has a key and a value.",
        ),
        Mistake(
            "hidden width",
            lambda n, size: n * (size.encoder_layers + 2 * size.decoder_layers) * 2 * size.hidden,
            "T5's keys are heads * head_dim wide, which need not be the width of the model.",
        ),
    ),
)


def _cross_mask(prefix: int, seen: Tensor, answers: int) -> Tensor:
    whole = torch.cat([torch.ones(prefix, dtype=torch.bool), seen])
    return whole.expand(answers, -1)


def _seen(*marks: int) -> Tensor:
    return torch.tensor(marks, dtype=torch.bool)


cross_mask = Exercise(
    right=_cross_mask,
    probes=((2, _seen(1, 1, 1, 0, 0), 3), (1, _seen(1, 1, 0), 2), (3, _seen(1, 0, 0, 0), 4)),
    praise="No triangle: the text was read to its end before the first word of the answer.",
    mistakes=(
        Mistake(
            "no columns for the prefix",
            lambda p, seen, t: seen.expand(t, -1),
            "the prefix has columns of its own, P of them, on the left.",
        ),
        Mistake(
            "padding is seen",
            lambda p, seen, t: torch.ones(t, p + len(seen), dtype=torch.bool),
            "here the answer looks at padding too; `seen` says where a token stands.",
        ),
        Mistake(
            "a triangle",
            lambda p, seen, t: (
                torch.ones(t, p + len(seen), dtype=torch.bool).tril(p) & _cross_mask(p, seen, t)
            ),
            "a triangle is for the decoder's own past; across, every word sees the whole input.",
        ),
        Mistake(
            "prefix on the right",
            lambda p, seen, t: torch.cat([seen, torch.ones(p, dtype=torch.bool)]).expand(t, -1),
            "the prefix stands on the left: its columns come first.",
        ),
    ),
)

coin_loss = Exercise(
    right=lambda labels, legal: -log(legal / labels),
    probes=((2, 1.0), (2, 0.4), (5, 0.1), (3, 0.75)),
    praise="The loss has two parts: being legal at all, and choosing among the labels.",
    mistakes=(
        Mistake(
            "always legal",
            lambda labels, legal: log(labels),
            "that is the price of choosing alone; the label itself has to be probable, too.",
        ),
        Mistake(
            "no choice",
            lambda labels, legal: -log(legal),
            "that is the price of any label; each of them gets only its share of `legal`.",
        ),
        Mistake(
            "the mean of the two prices",
            lambda labels, legal: legal * log(labels),
            "you weigh the price of choosing by `legal`; probabilities are multiplied, so their "
            "logarithms are added.",
        ),
        Mistake(
            "bits",
            lambda labels, legal: -log2(legal / labels),
            "that is in bits; a nat is a unit of the natural logarithm.",
        ),
        Mistake(
            "a probability",
            lambda labels, legal: legal / labels,
            "that is the probability of the right label; the loss is minus its logarithm.",
        ),
    ),
)
