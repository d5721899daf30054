"""Claim: a sentence that one thing is better than another, equal to it or no worse.

No verdict is written by hand. A claim says in which range a difference lies: above 0 (better), at
most a margin to either side (equal), or above minus the margin (no worse). It is *shown* where the
whole 95% interval lies in that range, *contrary* where the whole interval lies outside of it, and
*not decided* in between. "The more, the better" is asked of the two ends.
"""

from dataclasses import dataclass
from math import inf

from prefixlab.workbook.evidence import Evidence, Score

# What is compared; texts are those of beam search, and BLEU is that of each text alone.
LOSS, ACCURACY, DIVERGENCE = "loss", "accuracy", "divergence"
BLEU, SLOTS = "bleu, beam", "slots, beam"
UNITS = {LOSS: "nats", ACCURACY: "points", DIVERGENCE: "nats", BLEU: "BLEU", SLOTS: "points"}
DIGITS = {LOSS: 3, ACCURACY: 1, DIVERGENCE: 3, BLEU: 1, SLOTS: 1}
# What is too little to matter.
MARGIN = {LOSS: 0.05, ACCURACY: 3.0, DIVERGENCE: 0.02, BLEU: 2.0, SLOTS: 3.0}
BETTER, EQUAL, NO_WORSE = "better", "equal", "no worse"
SHOWN, CONTRARY, UNDECIDED = "shown", "contrary", "not decided"
UNRECORDED, CITED = "not recorded", "cited"
VERDICTS = (SHOWN, CONTRARY, UNDECIDED, UNRECORDED, CITED)


@dataclass(frozen=True)
class Claim:
    """That some runs are better than others, equal to them, or no worse.

    `comparison` is ours minus theirs; a claim without one can only be cited. Where `better` is said
    to be more than better, it is `by` how much. `source` is who said so, "" where it is the lesson
    itself, and `published` are the figures there.
    """

    says: str
    comparison: Score | None = None
    measure: str = LOSS
    relation: str = BETTER
    by: float = 0.0
    source: str = ""
    published: str = ""

    @property
    def claimed(self) -> tuple[float, float]:
        """Where the claim has the difference, in nats or points."""
        margin = MARGIN[self.measure]
        return {
            BETTER: (self.by, inf),
            EQUAL: (-margin, margin),
            NO_WORSE: (-margin, inf),
        }[self.relation]

    @property
    def sentence(self) -> str:
        """What it says, with its margin."""
        if self.comparison is None or self.relation == BETTER:
            return f"{self.says}."
        return f"{self.says}, within {MARGIN[self.measure]:g} {UNITS[self.measure]}."

    def verdict(self, found: Evidence | None) -> str:
        if self.comparison is None:
            return CITED
        if found is None:
            return UNRECORDED
        low, high = self.claimed
        if low < found.low and found.high < high:
            return SHOWN
        return CONTRARY if found.high < low or high < found.low else UNDECIDED
