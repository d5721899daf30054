"""How good a generated text is: BLEU, ROUGE-L, and the slots of the table that it gets wrong.

BLEU (Papineni et al. 2002) and ROUGE-L (Lin 2004) ask how much of a text is in texts that people
wrote for the same table. The slot error asks whether the text says the table, which neither of
them sees: one wrong word in twenty costs them little, and the reader a dinner.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

from prefixlab.restaurants import SLOTS, Table, from_mr, spoken

# Slots of the E2E data whose values people mostly write as they are. By this measure the people who
# wrote its development set get 7 % of them wrong ("by the river" for riverside, or not said).
VERBATIM = ("name", "eatType", "food", "area", "near")
GENERIC = "restaurant"  # any place to eat may be called one, so it is neither missed nor invented


@dataclass(frozen=True)
class TextEvaluation:
    """How good generated texts are.

    `bleu` and `rouge_l` are from 0 to 100, as papers give them, against all references of each
    text. `slot_error` is wrong slots / slots of the tables, see `slot_error`, or None where there
    are no tables.
    """

    examples: int
    bleu: float
    rouge_l: float
    slot_error: float | None

    def __str__(self) -> str:
        slots = "" if self.slot_error is None else f", {self.slot_error:.1%} of slots wrong"
        return f"BLEU {self.bleu:.1f}, ROUGE-L {self.rouge_l:.1f}{slots} ({self.examples} examples)"


def judge_texts(texts: Sequence[str], references: Mapping[str, Sequence[str]]) -> TextEvaluation:
    """Judge the texts generated for the keys of `references`, in their order.

    `references` are `tasks.references(task.test)`: every table with all the texts that say it.

    Raises
    ------
    ValueError
        Not one text for every table, or none at all.
    """
    if len(texts) != len(references) or not texts:
        raise ValueError(
            f"{len(texts)} texts cannot be judged against the references of {len(references)} "
            "tables; generate one text for each of them, in their order."
        )
    return TextEvaluation(
        examples=len(texts),
        bleu=bleu(texts, list(references.values())),
        rouge_l=rouge_l(texts, list(references.values())),
        slot_error=slot_error(texts, list(references)),
    )


def bleu(texts: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """BLEU of the whole corpus, 0 to 100, by sacrebleu as it is by default (Post 2018)."""
    from sacrebleu import corpus_bleu  # half a second that `import prefixlab` need not wait

    # sacrebleu wants the first references of all texts, then the second, …; None fills the gaps.
    return corpus_bleu(list(texts), list(zip_longest(*references))).score


def rouge_l(texts: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """The mean over texts of ROUGE-L's F1 against the best reference, 0 to 100."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"])
    best = [
        scorer.score_multi(of_text, text)["rougeL"].fmeasure
        for text, of_text in zip(texts, references, strict=True)
    ]
    return 100 * sum(best) / len(best)


@dataclass(frozen=True)
class Slot:
    """What a text makes of one slot of its table.

    `value` is what the table has, None where it lacks the slot; `spoken` says where the text gives
    which value: (value, start, end).
    """

    name: str
    value: str | None
    spoken: tuple[tuple[str, int, int], ...]

    @property
    def right(self) -> bool:
        """Whether the text says the value in the table and no other."""
        return {said for said, _, _ in self.spoken} == {self.value}


def slots(texts: Sequence[str], tables: Sequence[str]) -> list[list[Slot]]:
    """For every text the slots that its table has, or that it says without one.

    Tables of `restaurants` are judged in all their slots, by every phrase that
    `restaurants.mentions` knows. In other tables only the slots in `VERBATIM` count, and only
    values as they are written there: `familyFriendly`, `priceRange` and `customer rating` do not
    count, because "no" has a hundred forms and "high" may be a price or a rating.
    """
    parsed = [from_mr(table) for table in tables]
    listen: dict[str, Callable[[str], Sequence[tuple[str, int, int]]]]
    if all(ours(table) for table in parsed):
        listen = {slot: partial(spoken, slot) for slot in SLOTS}
    else:
        parsed = [
            {slot: value for slot, value in table.items() if slot in VERBATIM and value != GENERIC}
            for table in parsed
        ]
        known = {slot: {table[slot] for table in parsed if slot in table} for slot in VERBATIM}
        listen = {slot: partial(verbatim, values) for slot, values in known.items()}
    return [
        [
            Slot(name, table.get(name), heard)
            for name, hear in listen.items()
            if (heard := tuple(hear(text))) or name in table
        ]
        for text, table in zip(texts, parsed, strict=True)
    ]


def slot_error(texts: Sequence[str], tables: Sequence[str]) -> float | None:
    """Slots that are missing, wrong or invented / slots of the tables (Wen et al. 2015).

    One that the text says and the table lacks is invented, and counts as wrong too. None where no
    slot can be counted, see `slots`.
    """
    all_slots = [slot for of_text in slots(texts, tables) for slot in of_text]
    counted = sum(slot.value is not None for slot in all_slots)
    return sum(not slot.right for slot in all_slots) / counted if counted else None


def ours(table: Table) -> bool:
    """Whether the table is one that the restaurants' grammar can say."""
    return bool(table) and all(value in SLOTS.get(slot, ()) for slot, value in table.items())


def verbatim(values: Collection[str], text: str) -> list[tuple[str, int, int]]:
    """Where the values stand in the text word for word, in upper or lower case."""
    said = [
        (value, *found.span())
        for value in values
        for found in re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.I)
    ]
    # "The Rice Boat" is no "Rice Boat": what is part of a longer value is not said by itself.
    return sorted(
        one for one in said if not any(one[0] != value and one[0] in value for value, _, _ in said)
    )
