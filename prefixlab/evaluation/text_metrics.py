"""How good a generated text is: BLEU, ROUGE-L, and the slots of the table that it gets wrong.

BLEU (Papineni et al. 2002) and ROUGE-L (Lin 2004) ask how much of a text is in texts that people
wrote for the same table. The slot error asks whether the text says the table: one wrong word in
twenty costs the other two little, and the reader a dinner.

Both count words, and what a word is depends on the writing. Chinese has no spaces, and the usual
tokenizer of ROUGE knows no letters but a to z. So the references decide, by what most of their
words are written in:

    13a     Latin letters: sacrebleu's default, and ROUGE's letters and digits
    zh      Chinese: each of its signs is a word
    char    Japanese, Thai, Lao, Khmer, Burmese, or no letters at all: every sign is a word
    intl    every other writing with spaces: punctuation of any script is parted from words
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Any

from prefixlab import arguments
from prefixlab.data.restaurants import SLOTS, Heard, Table, from_mr, spoken

GENERIC = "restaurant"  # any place to eat may be called one, so it is neither missed nor invented
# The slots of the E2E data (Novikova et al. 2017) whose values people mostly write as they are, and
# those values; "The Rice Boat" is a landmark there too. The people who wrote its development set
# get 7 % of these slots wrong ("by the river" for riverside, or not said).
E2E = {
    "name": "Alimentum | Aromi | Bibimbap House | Blue Spice | Browns Cambridge | Clowns | Cocum"
    " | Cotto | Fitzbillies | Giraffe | Green Man | Loch Fyne | Midsummer House | Strada"
    " | Taste of Cambridge | The Cambridge Blue | The Cricketers | The Dumpling Tree | The Eagle"
    " | The Golden Curry | The Golden Palace | The Mill | The Olive Grove | The Phoenix"
    " | The Plough | The Punter | The Rice Boat | The Twenty Two | The Vaults | The Waterman"
    " | The Wrestlers | Travellers Rest Beefeater | Wildwood | Zizzi",
    "eatType": "coffee shop | pub",
    "food": "Chinese | English | Fast food | French | Indian | Italian | Japanese",
    "area": "city centre | riverside",
    "near": "All Bar One | Avalon | Burger King | Café Adriatic | Café Brazil | Café Rouge"
    " | Café Sicilia | Clare Hall | Crowne Plaza Hotel | Express by Holiday Inn"
    " | Rainbow Vegetarian Café | Raja Indian Cuisine | Ranch | The Bakers | The Portland Arms"
    " | The Six Bells | The Sorrento | Yippee Noodle Bar",
}
VERBATIM = tuple(E2E)
SPACELESS = ("HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
FAULTS = ("missing", "wrong", "invented")


@dataclass(frozen=True)
class TextEvaluation:
    """How good generated texts are.

    `bleu` and `rouge_l` are from 0 to 100, as papers give them, against all references of each
    text, in the words of `tokenizer` (see the top of this file). `slots` counts those of the
    tables, and `missing`, `wrong` and `invented` what the texts make of them, see `Slot.fault`;
    without tables all four are 0.
    """

    examples: int
    bleu: float
    rouge_l: float
    tokenizer: str = "13a"
    slots: int = 0
    missing: int = 0
    wrong: int = 0
    invented: int = 0

    @property
    def slot_error(self) -> float | None:
        """(missing + wrong + invented) / slots of the tables; None where there are no tables.

        As Dušek et al. (2020) count it: a wrong value is one error. In the definition of Wen et al.
        (2015), ERR = (missing + redundant) / slots, it is both, and so counts twice.
        """
        return (self.missing + self.wrong + self.invented) / self.slots if self.slots else None

    def __str__(self) -> str:
        told = [f"BLEU {self.bleu:.1f}", f"ROUGE-L {self.rouge_l:.1f}"]
        if self.tokenizer != "13a":
            told[-1] += f" (tokenizer {self.tokenizer})"
        if self.slot_error is not None:
            told.append(f"{self.slot_error:.1%} of slots wrong")
            if self.slot_error:
                faults = ", ".join(f"{getattr(self, fault)} {fault}" for fault in FAULTS)
                told[-1] += f" ({faults} of {self.slots})"
        return f"{', '.join(told)} ({self.examples} examples)"


def judge_texts(texts: Sequence[str], references: Mapping[str, Sequence[str]]) -> TextEvaluation:
    """Judge the texts generated for the keys of `references`, in their order.

    `references` are `tasks.references(task.test)`: every table with all the texts that say it. A
    text may be empty, a reference may not.

    Raises
    ------
    ValueError
        Not one text for every table, or none at all; a table without a reference; one string
        where a list of texts is meant.
    """
    texts = arguments.texts("texts", texts)
    if not isinstance(references, Mapping):
        raise ValueError(
            f"references={arguments.shortened(references)} is no table with its texts; give "
            "tasks.references(task.test), or a dict with a list of texts for every table."
        )
    if len(texts) != len(references) or not texts:
        raise ValueError(
            f"{len(texts)} texts cannot be judged against the references of {len(references)} "
            "tables; generate one text for each of them, in their order."
        )
    for table, of_table in references.items():
        name = f"references[{arguments.shortened(arguments.text('a table', table))}]"
        if not all(map(str.strip, arguments.texts(name, of_table))) or not len(of_table):
            raise ValueError(
                f"{name}={arguments.shortened(of_table)} has nothing to judge a text by; give at "
                "least one text that says the table, and no empty one."
            )
    written = list(references.values())
    tokenizer = tokenizer_for([one for of_table in written for one in of_table])
    judged = [slot for of_text in slots(texts, list(references)) for slot in of_text]
    faults = Counter(slot.fault for slot in judged)
    return TextEvaluation(
        examples=len(texts),
        bleu=bleu(texts, written, tokenizer),
        rouge_l=rouge_l(texts, written, tokenizer),
        tokenizer=tokenizer,
        slots=sum(slot.value is not None for slot in judged),
        missing=faults["missing"],
        wrong=faults["wrong"],
        invented=faults["invented"],
    )


def tokenizer_for(texts: Sequence[str]) -> str:
    """The tokenizer for the writing that most of the texts' words are in: 13a, zh, char or intl.

    Where a script has no spaces, each of its letters counts as a word.
    """
    words: Counter[str] = Counter()
    for text in texts:
        before = ""
        for letter in text:
            now = script(letter)
            words[now] += bool(now) and (now != before or now == "CJK" or now in SPACELESS)
            before = now
    spaceless = sum(words[one] for one in SPACELESS)
    of_signs = words["CJK"] + spaceless
    groups = {
        "13a": words["LATIN"],
        "char" if spaceless else "zh": of_signs,
        "intl": words.total() - words["LATIN"] - of_signs,
    }
    return max(groups, key=lambda group: groups[group]) if words.total() else "char"


@cache
def script(letter: str) -> str:
    """The first word of a letter's name in Unicode, which is its script; "" for other signs."""
    return unicodedata.name(letter, "UNNAMED").split()[0] if letter.isalpha() else ""


def bleu(
    texts: Sequence[str], references: Sequence[Sequence[str]], tokenizer: str = "13a"
) -> float:
    """BLEU of the whole corpus, 0 to 100, by sacrebleu (Post 2018).

    As it is by default, but that texts of less than four words count runs of as many words as they
    have: BLEU of two equal words would be 0.
    """
    # sacrebleu wants the first references of all texts, then the second, …; None fills the gaps.
    return counter(tokenizer).corpus_score(list(texts), list(zip_longest(*references))).score


def rouge_l(
    texts: Sequence[str], references: Sequence[Sequence[str]], tokenizer: str = "13a"
) -> float:
    """The mean over texts of ROUGE-L's F1 against the best reference, 0 to 100."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], tokenizer=Words(tokenizer))
    best = [
        scorer.score_multi(of_text, text)["rougeL"].fmeasure
        for text, of_text in zip(texts, references, strict=True)
    ]
    return 100 * sum(best) / len(best)


def counter(tokenizer: str) -> Any:
    """sacrebleu's BLEU with a tokenizer of its own."""
    from sacrebleu import BLEU  # half a second that `import prefixlab` need not wait

    return BLEU(tokenize=tokenizer, effective_order=True)


class Words:
    """The words of a text, in lower case, as ROUGE counts them."""

    def __init__(self, tokenizer: str):
        self.split = None if tokenizer == "13a" else counter(tokenizer).tokenizer

    def tokenize(self, text: str) -> list[str]:
        if self.split:
            return self.split(text.lower()).split()
        # As rouge-score's own, which knows no é; signs count where a text has no letter or digit.
        return re.findall(r"[^\W_]+", text.lower()) or text.split()


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
    def fault(self) -> str:
        """What is wrong with it: missing, wrong, invented, or "" where nothing is.

        A slot of the table that is not said is missing, and one that is said with another value,
        alone or beside the right one, is wrong. What the table lacks is invented.
        """
        if self.value is None:
            return "invented"
        if not self.spoken:
            return "missing"
        return "wrong" if any(said != self.value for said, _, _ in self.spoken) else ""


def slots(texts: Sequence[str], tables: Sequence[str]) -> list[list[Slot]]:
    """For every text the slots that its table has, or that it says without one.

    A text is judged by its own table alone. Tables of `restaurants` are judged in all their slots,
    by every phrase that `restaurants.mentions` knows. In other tables only the slots in `VERBATIM`
    count, and only values as they are written there: `familyFriendly`, `priceRange` and `customer
    rating` do not count, because "no" has a hundred forms and "high" may be a price or a rating.
    Any place may be called a restaurant; that is neither counted nor wrong.
    """
    return [of_text(text, from_mr(table)) for text, table in zip(texts, tables, strict=True)]


def of_text(text: str, table: Table) -> list[Slot]:
    if ours(table):
        heard = {slot: spoken(slot, text) for slot in SLOTS}
    elif table.keys() & set(VERBATIM):
        table = {slot: value for slot, value in table.items() if slot in VERBATIM}
        heard = verbatim(text, table)
    else:
        return []
    table = {slot: value for slot, value in table.items() if value != GENERIC}
    heard = {slot: [one for one in found if one[0] != GENERIC] for slot, found in heard.items()}
    return [
        Slot(name, table.get(name), tuple(found))
        for name, found in heard.items()
        if found or name in table
    ]


def ours(table: Table) -> bool:
    """Whether the table is one that the restaurants' grammar can say."""
    return bool(table) and all(value in SLOTS.get(slot, ()) for slot, value in table.items())


def verbatim(text: str, table: Table) -> dict[str, Heard]:
    """Where values stand in the text word for word, in upper or lower case, slot by slot.

    Those are the table's own and all that the slots have in the E2E data.
    """
    # What the table has in one slot is said by another only if it has it there too.
    known = {slot: {*E2E[slot].split(" | ")} - {*table.values()} for slot in VERBATIM}
    for slot, value in table.items():
        known[slot].add(value)
    said = [
        (slot, value, *found.span())
        for slot, values in known.items()
        for value in sorted(values)
        for found in re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.I)
    ]

    def inside(start: int, end: int) -> bool:
        """Whether it is part of something longer: "Raja Indian Cuisine" says no food."""
        return any(a <= start and end <= b and b - a > end - start for _, _, a, b in said)

    heard: dict[str, Heard] = {slot: [] for slot in VERBATIM}
    for slot, value, start, end in sorted(said, key=lambda one: one[2]):
        if not inside(start, end):
            heard[slot].append((value, start, end))
    return heard
