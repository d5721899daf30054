"""The exercises of lesson 07, table to text."""

from collections import Counter

import torch
from torch import Tensor

from prefixlab.workbook.checks import Exercise, Mistake

Words = list[str]


def _precision(text: Words, reference: Words) -> float:
    return (Counter(text) & Counter(reference)).total() / len(text)


clipped_precision = Exercise(
    right=_precision,
    probes=(
        (["the", "pub", "the", "pub", "the", "pub"], ["the", "pub", "by", "the", "harbour"]),
        (["a", "cheap", "pub"], ["it", "is", "a", "cheap", "and", "cheerful", "pub"]),
        (["a", "diner", "a", "diner", "in", "town"], ["a", "diner", "by", "the", "harbour"]),
    ),
    praise="BLEU takes it of one to four words in a row, over the whole corpus, and then asks "
    "whether the text is long enough.",
    mistakes=(
        Mistake(
            "no clipping",
            lambda text, reference: sum(word in reference for word in text) / len(text),
            "a word that the reference has once counts once: else “the the the” would be perfect.",
        ),
        Mistake(
            "recall",
            lambda text, reference: _precision(text, reference) * len(text) / len(reference),
            "you divide by the words of the reference, that is recall; precision divides by those "
            "of the text.",
        ),
        Mistake(
            "distinct words",
            lambda text, reference: len({*text} & {*reference}) / len({*text}),
            "a set forgets how often a word stands there; count all words of the text.",
        ),
        Mistake(
            "a count",
            lambda text, reference: (Counter(text) & Counter(reference)).total(),
            "that is the number of words found; divide by the length of the text.",
        ),
    ),
)


def _wrong(table: dict[str, str], said: dict[str, set[str]]) -> int:
    slots = {*table, *(slot for slot, values in said.items() if values)}
    return sum(
        said.get(slot, set()) != ({table[slot]} if slot in table else set()) for slot in slots
    )


wrong_slots = Exercise(
    right=_wrong,
    probes=(
        ({"food": "Thai", "price": "cheap"}, {"food": {"Thai"}}),
        ({"food": "Thai", "area": "old town"}, {"food": {"Greek"}, "area": {"old town"}}),
        ({"food": "Thai"}, {"food": {"Thai"}, "terrace": {"yes"}}),
        ({"food": "Thai", "price": "cheap"}, {"food": {"Thai", "Greek"}, "price": {"cheap"}}),
        ({"price": "cheap"}, {"price": {"cheap"}}),
    ),
    praise="The one number of the three in this lesson that sees a lie.",
    mistakes=(
        Mistake(
            "invented",
            lambda table, said: sum(said.get(slot) != {table[slot]} for slot in table),
            "a slot that the text says and the table lacks is wrong too: it is invented.",
        ),
        Mistake(
            "missing alone",
            lambda table, said: sum(not said.get(slot) for slot in table),
            "you count the slots that are not said; one with another value is wrong as well.",
        ),
        Mistake(
            "both values",
            lambda table, said: (
                sum(table[slot] not in said.get(slot, set()) for slot in table)
                + sum(slot not in table for slot in said)
            ),
            "a text that says Thai and Greek does say Thai, but not the table: no other value may "
            "be said.",
        ),
        Mistake(
            "right slots",
            lambda table, said: len({*table, *said}) - _wrong(table, said),
            "you count those that are right.",
        ),
    ),
)


def _positions(mask: Tensor, prefix: int) -> Tensor:
    return (prefix + mask.cumsum(1) - 1) * mask


text_positions = Exercise(
    right=_positions,
    probes=(
        (torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]]), 3),
        (torch.tensor([[0, 1, 1], [0, 0, 1], [1, 1, 1]]), 10),
    ),
    praise="Now a text is computed the same whatever stands beside it in the batch.",
    mistakes=(
        Mistake(
            "padding counts",
            lambda mask, prefix: (prefix + torch.arange(mask.shape[1])) * mask,
            "the first real token of every row stands right after the prefix, however much padding "
            "is to its left.",
        ),
        Mistake(
            "no prefix",
            lambda mask, prefix: (mask.cumsum(1) - 1) * mask,
            "the prefix has positions of its own, 0 to P - 1; the text begins at P.",
        ),
        Mistake(
            "one too far",
            lambda mask, prefix: (prefix + mask.cumsum(1)) * mask,
            "positions begin at 0: the first token after P positions stands at P, not at P + 1.",
        ),
        Mistake(
            "a number at the padding",
            lambda mask, prefix: prefix + mask.cumsum(1) - 1,
            "the tokens are right; put 0 where the mask is 0.",
        ),
    ),
)


def _kept(probabilities: Tensor, keep: Tensor) -> Tensor:
    """The tokens in `keep`, a mask over the sorted ones, with all of the probability."""
    ordered, places = probabilities.sort(descending=True)
    cut = torch.zeros_like(probabilities).scatter(0, places, ordered * keep)
    return cut / cut.sum()


def _more_likely(probabilities: Tensor) -> Tensor:
    """What the more probable tokens have together, for each of the sorted ones."""
    ordered = probabilities.sort(descending=True).values
    return ordered.cumsum(0) - ordered


nucleus = Exercise(
    right=lambda p, top_p: _kept(p, _more_likely(p) < top_p),
    probes=(
        (torch.tensor([0.1, 0.5, 0.15, 0.25]), 0.7),
        (torch.tensor([0.05, 0.2, 0.4, 0.3, 0.05]), 0.8),
        (torch.tensor([0.6, 0.1, 0.3]), 0.95),
    ),
    praise="With top_p near 0 this is greedy decoding, with 1 plain sampling.",
    mistakes=(
        Mistake(
            "not renormalised",
            lambda p, top_p: (
                _kept(p, _more_likely(p) < top_p)
                * (p.sort(descending=True).values * (_more_likely(p) < top_p)).sum()
            ),
            "what is left must add up to 1 again.",
        ),
        Mistake(
            "one too few",
            lambda p, top_p: _kept(p, p.sort(descending=True).values.cumsum(0) <= top_p),
            "the tokens kept must have at least top_p together: the one that crosses the line "
            "belongs to them.",
        ),
        Mistake(
            "in the given order",
            lambda p, top_p: (
                (p * (p.cumsum(0) - p < top_p)) / (p * (p.cumsum(0) - p < top_p)).sum()
            ),
            "begin with the most probable token; you take them in the order of the vocabulary.",
        ),
        Mistake(
            "share of the best",
            lambda p, top_p: (p * (p >= top_p * p.max())) / (p * (p >= top_p * p.max())).sum(),
            "top_p is what the kept tokens have together, no threshold for each of them.",
        ),
    ),
)
