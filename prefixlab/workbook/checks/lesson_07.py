"""The exercises of lesson 07, table to text."""

from collections import Counter
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from prefixlab.workbook.checks import Exercise, Mistake
from prefixlab.workbook.checks.decoding import greedy as greedy
from prefixlab.workbook.checks.writing_loop import writing_loop as writing_loop

Words = list[str]
Table = dict[str, str]  # the value of every slot
Said = dict[str, set[str]]  # by slot the values that a text says
Faults = dict[str, int]  # how many slots are missing, wrong and invented


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


def _faults(
    table: Table,
    said: Said,
    fault: Callable[[str | None, set[str]], Sequence[str]],
) -> Faults:
    """How many slots have each fault, by what it says of one with its value and what is said."""
    slots = {*table, *said}
    found = Counter(one for slot in slots for one in fault(table.get(slot), said.get(slot, set())))
    return {"missing": found["missing"], "wrong": found["wrong"], "invented": found["invented"]}


def _fault(value: str | None, said: set[str]) -> list[str]:
    """What is wrong with a slot, if something is; `value` is None where the table lacks it."""
    if value is None:
        return ["invented"] if said else []
    if not said:
        return ["missing"]
    return [] if said == {value} else ["wrong"]


slot_faults = Exercise(
    right=lambda table, said: _faults(table, said, _fault),
    probes=(
        ({"food": "Thai", "price": "cheap", "area": "old town"}, {"food": {"Thai"}}),
        ({"food": "Thai", "area": "old town"}, {"food": {"Greek"}, "area": {"old town"}}),
        ({"food": "Thai"}, {"food": {"Thai"}, "terrace": {"yes"}, "price": {"cheap", "moderate"}}),
        ({"food": "Thai", "price": "cheap"}, {"food": {"Thai", "Greek"}, "price": {"cheap"}}),
        ({"food": "Thai", "price": "cheap"}, {"food": set(), "price": {"cheap"}, "near": set()}),
        ({"price": "cheap"}, {"price": {"cheap"}}),
    ),
    praise="Three faults, and three different readers: one is not told, one is told another thing, "
    "and one is told what nobody said.",
    mistakes=(
        Mistake(
            "the right value is enough",
            lambda table, said: _faults(
                table,
                said,
                lambda value, spoken: [] if value in spoken else _fault(value, spoken),
            ),
            "a text that says Thai and Greek does say Thai, but not the table: the slot is wrong "
            "as soon as another value is said.",
        ),
        Mistake(
            "another value is missing",
            lambda table, said: _faults(
                table,
                said,
                lambda value, spoken: (
                    ["missing"] if value and value not in spoken else _fault(value, spoken)
                ),
            ),
            "a slot that is said with another value alone is wrong; missing is one of which "
            "nothing is said.",
        ),
        Mistake(
            "another value counts twice",
            lambda table, said: _faults(
                table,
                said,
                lambda value, spoken: (
                    ["missing", "wrong"]
                    if value and spoken and value not in spoken
                    else _fault(value, spoken)
                ),
            ),
            "you count a slot with another value as wrong and as missing; each slot has one fault "
            "at most.",
        ),
        Mistake(
            "invented is wrong",
            lambda table, said: _faults(
                table,
                said,
                lambda value, spoken: (
                    ["wrong"] if _fault(value, spoken) == ["invented"] else _fault(value, spoken)
                ),
            ),
            "what the text says of a slot that the table does not have is invented, not wrong.",
        ),
        Mistake(
            "nothing invented",
            lambda table, said: _faults(
                table, said, lambda value, spoken: _fault(value, spoken) if value else []
            ),
            "you look at the slots of the table alone; those that only the text has are invented.",
        ),
        Mistake(
            "an empty set is something said",
            lambda table, said: _faults(
                table,
                said | {slot: {"nothing"} for slot, spoken in said.items() if not spoken},
                _fault,
            ),
            "a slot may stand in `said` with an empty set: then nothing is said of it.",
        ),
        Mistake(
            "values counted",
            lambda table, said: _faults(
                table,
                said,
                lambda value, spoken: (
                    _fault(value, spoken) * (len(spoken - {value}) if spoken else 1)
                ),
            ),
            "you count the values; a slot counts once, however many values are said of it.",
        ),
    ),
)


def _best(beams: Sequence[Sequence[float]], score: Callable[[Sequence[float]], float]) -> int:
    """The number of the best text, by the log p of its tokens."""
    return max(range(len(beams)), key=lambda number: score(beams[number]))


best_text = Exercise(
    right=lambda beams, alpha: _best(beams, lambda log_p: sum(log_p) / len(log_p) ** alpha),
    probes=(
        ([[-1.0, -1.0], [-0.6, -0.7, -0.5, -0.6]], 1.0),
        ([[-1.0, -1.0], [-0.6, -0.7, -0.5, -0.6], [-1.9]], 0.0),
        ([[-0.3, -0.3, -0.3, -0.3, -0.3], [-0.5, -0.6], [-0.2, -0.3, -2.0]], 0.5),
        ([[-0.9, -0.1, -0.8], [-0.5, -0.2, -1.4, -0.2]], 2.0),
        ([[-0.5, -0.5, -0.5], [-0.4, -0.7]], 0.2),
        ([[-1.0, -1.0], [-0.4, -0.5, -0.5, -0.5]], 1.0),
    ),
    praise="A sum of log p falls with every token, so that without the length the shortest text "
    "mostly wins.",
    mistakes=(
        Mistake(
            "no length",
            lambda beams, alpha: _best(beams, sum),
            "you compare log p of the whole texts, and each token makes it lower; divide by the "
            "length to the power of alpha.",
        ),
        Mistake(
            "alpha left out",
            lambda beams, alpha: _best(beams, lambda log_p: sum(log_p) / len(log_p)),
            "you divide by the length itself; asked is the length to the power of alpha.",
        ),
        Mistake(
            "the worst",
            lambda beams, alpha: _best(beams, lambda log_p: -sum(log_p) / len(log_p) ** alpha),
            "you take the lowest score; log p is negative, and the best is nearest to zero.",
        ),
        Mistake(
            "times alpha",
            lambda beams, alpha: _best(
                beams, lambda log_p: sum(log_p) / (len(log_p) * alpha if alpha else 1)
            ),
            "you divide by alpha times the length; alpha is an exponent: `len(log_p) ** alpha`.",
        ),
        Mistake(
            "multiplied",
            lambda beams, alpha: _best(beams, lambda log_p: sum(log_p) * len(log_p) ** alpha),
            "you multiply by the length to the power of alpha; divide by it.",
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
