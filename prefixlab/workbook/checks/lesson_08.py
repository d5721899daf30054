"""The exercises of lesson 08, encoder and decoder."""

import torch
from torch import Tensor
from transformers import T5Config

from prefixlab.models.encoder_decoder import EncoderDecoderGeometry
from prefixlab.workbook.checks import Exercise, Mistake

_SIZES = (
    EncoderDecoderGeometry.of(
        "t5", T5Config(d_model=32, d_kv=4, num_heads=4, d_ff=8, num_layers=3, num_decoder_layers=2)
    ),
    EncoderDecoderGeometry.of(
        "t5", T5Config(d_model=24, d_kv=8, num_heads=2, d_ff=8, num_layers=2, num_decoder_layers=4)
    ),
)


def _numbers(length: int, size: EncoderDecoderGeometry, layers: int) -> int:
    return length * layers * 2 * size.heads * size.head_dim


prefix_numbers = Exercise(
    right=lambda n, size: _numbers(n, size, size.encoder_layers + 2 * size.decoder_layers),
    probes=((10, _SIZES[0]), (5, _SIZES[1])),
    praise="A decoder layer has two attentions, so it has two prefixes.",
    mistakes=(
        Mistake(
            "decoder only",
            lambda n, size: _numbers(n, size, size.decoder_layers),
            "that is the decoder's own attention alone, which is what PEFT trains; add the "
            "encoder and the attention across.",
        ),
        Mistake(
            "no cross-attention",
            lambda n, size: _numbers(n, size, size.encoder_layers + size.decoder_layers),
            "a decoder layer has a second attention, to what the encoder read, with a prefix too.",
        ),
        Mistake(
            "keys only",
            lambda n, size: _numbers(n, size, size.encoder_layers + 2 * size.decoder_layers) // 2,
            "you counted one tensor a layer; a position has a key and a value.",
        ),
        Mistake(
            "hidden width",
            lambda n, size: n * (size.encoder_layers + 2 * size.decoder_layers) * 2 * size.hidden,
            "T5's keys are heads * head_dim wide, which need not be the width of the model.",
        ),
    ),
)


def _sentinel(number: int) -> str:
    return f"<extra_id_{number}>"


Spans = list[tuple[int, int]]
Corrupted = tuple[list[str], list[str]]


def _corrupt(words: list[str], spans: Spans) -> Corrupted:
    given, target, end = [], [], 0
    for number, (start, length) in enumerate(spans):
        given += [*words[end:start], _sentinel(number)]
        end = start + length
        target += [_sentinel(number), *words[start:end]]
    return given + words[end:], [*target, _sentinel(len(spans))]


def _one_sentinel(words: list[str], spans: Spans) -> Corrupted:
    given, target = _corrupt(words, spans)

    def first(tokens: list[str]) -> list[str]:
        return [_sentinel(0) if token.startswith("<extra_id_") else token for token in tokens]

    return first(given), first(target)


def _nothing_taken_out(words: list[str], spans: Spans) -> Corrupted:
    starts = {start: number for number, (start, _) in enumerate(spans)}
    given = [
        token
        for at, word in enumerate(words)
        for token in ([_sentinel(starts[at]), word] if at in starts else [word])
    ]
    return given, _corrupt(words, spans)[1]


_WORDS = ["Thank", "you", "for", "inviting", "me", "to", "your", "party", "last", "week"]

span_corruption = Exercise(
    right=_corrupt,
    probes=(
        (_WORDS, [(2, 2), (8, 1)]),
        (_WORDS, [(0, 1), (4, 3), (9, 1)]),
        (_WORDS[:4], [(1, 2)]),
    ),
    praise="The target holds just what the input lacks, so a target is short and cheap.",
    mistakes=(
        Mistake(
            "no sentinel at the end",
            lambda words, spans: (_corrupt(words, spans)[0], _corrupt(words, spans)[1][:-1]),
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
            "the words of a span still stand in the input, where the model can copy them.",
        ),
        Mistake(
            "the whole text as target",
            lambda words, spans: (_corrupt(words, spans)[0], words),
            "the target has only what was taken out, each span behind its sentinel.",
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
