"""The exercises of lesson 02, in-context learning."""

import torch
from torch import Tensor

from prefixlab.workbook.checks import Exercise, Mistake

_DEMONSTRATIONS = [("a joy", 1), ("two dull hours", 0)]
_WORDS = ("negative", "positive")


def _prompt(
    demonstrations: list[tuple[str, int]], words: tuple[str, ...], query: str, end: str = ""
) -> str:
    shown = [f"Review: {x}\nSentiment: {words[y]}" for x, y in demonstrations]
    return "\n\n".join([*shown, f"Review: {query}\nSentiment:{end}"])


prompt = Exercise(
    right=_prompt,
    probes=(
        (_DEMONSTRATIONS, _WORDS, "a fine film"),
        ([("it drags", 0)], ("bad", "good"), "see it twice"),
        ([], _WORDS, "no demonstration at all"),
    ),
    praise="With no demonstration it is the zero-shot prompt of lesson 01.",
    mistakes=(
        Mistake(
            "a space at the end",
            lambda demonstrations, words, query: _prompt(demonstrations, words, query, end=" "),
            "your prompt ends with a space. The tokens that answer are ' negative' and "
            "' positive': the space belongs to them.",
        ),
        Mistake(
            "numbers for labels",
            lambda demonstrations, words, query: _prompt(demonstrations, ("0", "1"), query),
            "you show the labels as numbers; the verbalizer says which word stands for each.",
        ),
        Mistake(
            "query first",
            lambda demonstrations, words, query: "\n\n".join(
                [
                    f"Review: {query}\nSentiment:",
                    *(f"Review: {x}\nSentiment: {words[y]}" for x, y in demonstrations),
                ]
            ),
            "the query stands first, so it cannot see a single demonstration: a causal model "
            "looks back only.",
        ),
        Mistake(
            "one line break",
            lambda demonstrations, words, query: "\n".join(
                [
                    *(f"Review: {x}\nSentiment: {words[y]}" for x, y in demonstrations),
                    f"Review: {query}\nSentiment:",
                ]
            ),
            "put an empty line between two demonstrations; now nothing shows where one ends.",
        ),
        Mistake(
            "texts without labels",
            lambda demonstrations, words, query: "\n\n".join(
                f"Review: {x}\nSentiment:" for x in [*(x for x, _ in demonstrations), query]
            ),
            "you show the texts without their labels; the model would have nothing to imitate.",
        ),
    ),
)


def _tokens_read(demonstrations: int, query: int, queries: int) -> int:
    return demonstrations + queries * query


tokens_read = Exercise(
    right=_tokens_read,
    probes=((220, 30, 100), (100, 25, 1), (0, 40, 7)),
    praise="The demonstrations are paid for once, however many queries follow.",
    mistakes=(
        Mistake(
            "read again for every query",
            lambda demonstrations, query, queries: queries * (demonstrations + query),
            "you read the demonstrations again for every query; their keys and values are kept.",
        ),
        Mistake(
            "demonstrations for free",
            lambda demonstrations, query, queries: queries * query,
            "you forgot the first pass: somebody has to read the demonstrations once.",
        ),
        Mistake(
            "queries added up wrongly",
            lambda demonstrations, query, queries: demonstrations + query + queries,
            "every query has its own tokens: multiply their number by the length of one.",
        ),
        Mistake(
            "one query only",
            lambda demonstrations, query, queries: demonstrations + query,
            "that is one query; there are more of them.",
        ),
    ),
)


def _calibrated(p: Tensor, content_free: Tensor) -> Tensor:
    ratio = p / content_free.mean(0)
    return ratio / ratio.sum(1, keepdim=True)


_SURE = torch.tensor([[0.30, 0.70], [0.15, 0.85], [0.55, 0.45]])
_EMPTY = torch.tensor([[0.20, 0.80], [0.30, 0.70], [0.10, 0.90]])

calibrated = Exercise(
    right=_calibrated,
    probes=(
        (_SURE, _EMPTY),
        (torch.tensor([[0.2, 0.3, 0.5]]), torch.tensor([[0.6, 0.3, 0.1], [0.4, 0.2, 0.4]])),
    ),
    praise="An answer has to be more probable than it is when there is nothing to judge.",
    mistakes=(
        Mistake(
            "not normalised",
            lambda p, content_free: p / content_free.mean(0),
            "the direction is right, but a row no longer sums to one; divide by its sum.",
        ),
        Mistake(
            "subtracted",
            lambda p, content_free: p - content_free.mean(0),
            "you subtract probabilities. One divides probabilities (or subtracts logarithms).",
        ),
        Mistake(
            "multiplied",
            lambda p, content_free: (
                p * content_free.mean(0) / (p * content_free.mean(0)).sum(1, keepdim=True)
            ),
            "you multiply, which doubles the model's prejudice; divide by it.",
        ),
        Mistake(
            "the first empty input only",
            lambda p, content_free: _calibrated(p, content_free[:1]),
            "you use one content-free input; the paper takes the mean of several.",
        ),
        Mistake(
            "normalised over the texts",
            lambda p, content_free: (
                p / content_free.mean(0) / (p / content_free.mean(0)).sum(0, keepdim=True)
            ),
            "you normalise over the texts; the answers to one text (dimension 1) sum to one.",
        ),
    ),
)


def _attend(
    queries: Tensor,
    past: tuple[Tensor, Tensor],
    text: tuple[Tensor, Tensor],
    *,
    offset: int | None = None,
    past_last: bool = False,
) -> Tensor:
    """`offset`: how far beyond its own number a query may look; the past's length is right."""
    parts = (text, past) if past_last else (past, text)
    keys, values = (torch.cat(both) for both in zip(*parts, strict=True))
    scores = queries @ keys.T / queries.shape[1] ** 0.5
    seen = torch.ones_like(scores, dtype=torch.bool)
    seen = seen.tril(len(past[0]) if offset is None else offset)
    return scores.masked_fill(~seen, float("-inf")).softmax(1) @ values


_source = torch.Generator().manual_seed(0)


def _numbers(rows: int, width: int = 4) -> Tensor:
    return torch.randn(rows, width, generator=_source)


attend = Exercise(
    right=_attend,
    probes=(
        (_numbers(3), (_numbers(5), _numbers(5)), (_numbers(3), _numbers(3))),
        (_numbers(2), (_numbers(1), _numbers(1)), (_numbers(2), _numbers(2))),
    ),
    praise="And nothing in it asks where the past came from: lesson 04 makes one up.",
    mistakes=(
        Mistake(
            "the past half hidden",
            lambda queries, past, text: _attend(queries, past, text, offset=0),
            "your triangle starts at the first column of the past, so it hides part of the past. "
            "Every query sees all of it: shift the diagonal by the past's length.",
        ),
        Mistake(
            "the future seen",
            lambda queries, past, text: _attend(queries, past, text, offset=10_000),
            "no mask: the first query sees the tokens after it.",
        ),
        Mistake(
            "not scaled",
            lambda queries, past, text: _attend(queries * queries.shape[1] ** 0.5, past, text),
            "you left out the division by the square root of the head's width.",
        ),
        Mistake(
            "past on the right",
            lambda queries, past, text: _attend(
                queries, past, text, offset=len(past[0]), past_last=True
            ),
            "the past stands to the left of the text, in the keys as in the mask: [K^P; K^X].",
        ),
        Mistake(
            "past left out",
            lambda queries, past, text: _attend(queries, (past[0][:0], past[1][:0]), text),
            "the past is not in your keys and values at all.",
        ),
    ),
)
