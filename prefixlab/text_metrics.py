"""How good a generated text is: BLEU, ROUGE-L, and the slots of the table that it gets wrong.

BLEU (Papineni et al. 2002) and ROUGE-L (Lin 2004) ask how much of a text is in texts that people
wrote for the same table. The slot error asks whether the text says the table, which neither of
them sees: one wrong word in twenty costs them little, and the reader a dinner.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from prefixlab.restaurants import SLOTS, Table, from_mr, said

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


def slot_error(texts: Sequence[str], tables: Sequence[str]) -> float | None:
    """Slots that are missing, wrong or invented / slots of the tables (Wen et al. 2015).

    A slot is right where the text says the value in the table and no other. One that the text says
    and the table lacks is invented, and counts as wrong too.

    Tables of `restaurants` are judged in all their slots, by every phrase that `restaurants.said`
    knows. In other tables only the slots in `VERBATIM` count, and only values as they are written
    there: `familyFriendly`, `priceRange` and `customer rating` do not count, because "no" has a
    hundred forms and "high" may be a price or a rating. None where no slot can be counted.
    """
    parsed = [from_mr(table) for table in tables]
    if all(ours(table) for table in parsed):
        heard = [{slot: said(slot, text) for slot in SLOTS} for text in texts]
    else:
        parsed = [
            {slot: value for slot, value in table.items() if slot in VERBATIM and value != GENERIC}
            for table in parsed
        ]
        known = {slot: {table[slot] for table in parsed if slot in table} for slot in VERBATIM}
        heard = [{slot: verbatim(values, text) for slot, values in known.items()} for text in texts]
    slots = sum(len(table) for table in parsed)
    if not slots:
        return None
    return sum(wrong(*pair) for pair in zip(parsed, heard, strict=True)) / slots


def ours(table: Table) -> bool:
    """Whether the table is one that the restaurants' grammar can say."""
    return bool(table) and all(value in SLOTS.get(slot, ()) for slot, value in table.items())


def wrong(table: Table, heard: Mapping[str, set[str]]) -> int:
    """How many slots were not heard as the table has them."""
    right = {slot: {table[slot]} if slot in table else set() for slot in heard}
    return sum(values != right[slot] for slot, values in heard.items())


def verbatim(values: Collection[str], text: str) -> set[str]:
    """The values that stand in the text word for word, in upper or lower case."""
    spoken = {
        value for value in values if re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.I)
    }
    # "The Rice Boat" is no "Rice Boat": what is part of a longer value is not said by itself.
    return {value for value in spoken if not any(value != one and value in one for one in spoken)}
