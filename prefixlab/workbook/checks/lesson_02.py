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


def _how_many_fit(positions: int, lengths: list[int], query: int) -> int:
    left = positions - query - 1
    for count, length in enumerate(lengths):
        if length > left:
            return count
        left -= length
    return len(lengths)


how_many_fit = Exercise(
    right=_how_many_fit,
    probes=(
        (100, [30, 30, 20, 5], 19),
        (128, [40, 70, 10, 10], 26),
        (64, [10, 10], 20),
        (60, [20, 20], 19),
        (60, [20, 20], 20),
        (50, [60, 5], 9),
    ),
    praise="A prefix of ten positions takes the room of ten tokens, whatever it has learned from.",
    mistakes=(
        Mistake(
            "no room for the answer",
            lambda positions, lengths, query: _how_many_fit(positions + 1, lengths, query),
            "the answer needs a position too.",
        ),
        Mistake(
            "no room for the query",
            lambda positions, lengths, query: _how_many_fit(positions + query + 1, lengths, query),
            "the query and its answer need room as well.",
        ),
        Mistake(
            "a long one skipped",
            lambda positions, lengths, query: _skipping(positions - query - 1, lengths),
            "you leave out one that is too long and take later ones; they are shown from the "
            "first on.",
        ),
        Mistake(
            "by the longest",
            lambda positions, lengths, query: min(
                len(lengths), (positions - query - 1) // max(lengths)
            ),
            "you reckon as if all were as long as the longest; add their lengths up.",
        ),
        Mistake(
            "one too many",
            lambda positions, lengths, query: min(
                len(lengths), _how_many_fit(positions, lengths, query) + 1
            ),
            "you count the one that no longer fits.",
        ),
    ),
)


def _skipping(left: int, lengths: list[int]) -> int:
    count = 0
    for length in lengths:
        if length <= left:
            left, count = left - length, count + 1
    return count


Accuracies = dict[str, list[float]]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _order_to_report(validation: Accuracies, test: Accuracies) -> float:
    return _mean(test[max(validation, key=lambda order: _mean(validation[order]))])


order_to_report = Exercise(
    right=_order_to_report,
    probes=(
        (
            {"npnp": [0.80, 0.84], "nnpp": [0.95, 0.55], "pnpn": [0.70, 0.72]},
            {"npnp": [0.78, 0.80], "nnpp": [0.90, 0.50], "pnpn": [0.82, 0.83]},
        ),
        (
            {"np": [0.6, 0.7, 0.9], "pn": [0.8, 0.8, 0.5]},
            {"np": [0.5, 0.6, 0.7], "pn": [0.9, 0.8, 0.7]},
        ),
    ),
    praise="Chosen by one set, judged by another, and by all seeds.",
    mistakes=(
        Mistake(
            "the best on the test",
            lambda validation, test: max(map(_mean, test.values())),
            "you choose by the test, which then praises its own choice.",
        ),
        Mistake(
            "validation accuracy",
            lambda validation, test: max(map(_mean, validation.values())),
            "that is the accuracy it was chosen by, and it is flattered; report the test.",
        ),
        Mistake(
            "the luckiest seed",
            lambda validation, test: _mean(
                test[max(validation, key=lambda order: max(validation[order]))]
            ),
            "you choose the order with the best single seed; one seed is luck, take the mean.",
        ),
        Mistake(
            "the best seed of the test",
            lambda validation, test: max(
                test[max(validation, key=lambda order: _mean(validation[order]))]
            ),
            "you report the best seed; report the mean of all.",
        ),
        Mistake(
            "which, not how good",
            lambda validation, test: max(validation, key=lambda order: _mean(validation[order])),
            "that says which order was chosen; return its mean accuracy on the test.",
        ),
    ),
)
