"""Claims: what papers and lessons say is better, and what the recorded runs say to that.

    python -m prefixlab.workbook.claims                         prints the ledger
    python -m prefixlab.workbook.claims --markdown README.md    writes it into the README

No verdict is written by hand. A claim says in which range a difference lies: above 0 (better), at
most a margin to either side (equal), or above minus the margin (no worse). It is *shown* where the
whole 95% interval lies in that range, *contrary* where the whole interval lies outside of it, and
*not decided* in between. "The more, the better" is asked of the two ends.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import groupby
from math import inf
from pathlib import Path
from typing import Any

from prefixlab.arguments import one_of
from prefixlab.workbook.evidence import (
    MEAN,
    VOTE,
    Evidence,
    Records,
    Runs,
    Score,
    best_of,
    mean_of,
    spread_of,
)
from prefixlab.workbook.grids import DOMAINS, PATTERNS, WORDINGS, soft
from prefixlab.workbook.panels.tables import table

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
HEADS = ("lesson", "claim", "source", "verdict", "measured here")
BEGIN, END = "<!-- the ledger of claims -->", "<!-- the end of the ledger -->"
# What to know of a model before its figures are laid beside those of a paper.
MODELS = {
    "smollm2": "SmolLM2-135M, unpacked from 4 bits a weight, trained to follow instructions",
    "tiny-lm": "of 0.08 to 2.2 million weights, trained for this workbook",
    "tiny-t5": "of 0.8 million weights, trained for this workbook",
}


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


def words(wording: str = "sentiment") -> Runs:
    """The prompt alone; nothing is trained."""
    return Runs(f"no training, {wording}")


def calibrated(runs: Runs) -> Runs:
    return replace(runs, calibrated=True)


def prompt(start: str = "labels", **setting: Any) -> Runs:
    return Runs(f"prompt tuning, {start}", setting)


def prefix(start: str = "task_words", **setting: Any) -> Runs:
    return Runs(f"prefix tuning, {start}", setting)


def slots(encoder: str, wording: str = "sentiment") -> Runs:
    """P-tuning: three slots on either side of the text, in a wording."""
    own = wording == "sentiment"
    return Runs(f"P-tuning, {encoder}", {} if own else {"template": soft(WORDINGS[wording])})


def deep(answers: str = "head", dropout: float = 0.0, **setting: Any) -> Runs:
    """P-tuning v2."""
    return Runs(f"P-tuning v2, {answers}, dropout {dropout:g}", setting)


def weights(**setting: Any) -> Runs:
    """Fine-tuning."""
    return Runs("all weights", setting)


def shown(labels: str = "true", k: int = 4, patterns: Sequence[str] = ()) -> list[Runs]:
    """Demonstrations, whose labels stand in every pattern, or in those."""
    return [Runs(f"{k} demonstrations, {labels}, {each}") for each in patterns or PATTERNS[k]]


def tables(what: str, **setting: Any) -> Runs:
    return Runs(f"tables, {what}", setting)


def unseen(runs: Runs) -> Runs:
    """Tested on kinds of places that are in no table for training."""
    return replace(runs, on="restaurants_unseen")


def greedy(runs: Runs) -> Runs:
    """By the texts that were written greedily, and not by beam search."""
    return replace(runs, greedy=True)


def elsewhere(runs: Runs) -> Score:
    """Tested on three domains that nothing was learned from, in the mean."""
    return mean_of(*(replace(runs, on=domain) for domain in DOMAINS))


def ensemble(runs: Runs, how: str = VOTE) -> Runs:
    """The prompts of all seeds together."""
    return replace(runs, together=how)


def beside(runs: Runs) -> Score:
    """At three times the rate that was chosen, and at a third of it, in the mean."""
    return mean_of(replace(runs, rungs=1), replace(runs, rungs=-1))


def small(width: int, what: str) -> Runs:
    """A model that was trained here, of this width."""
    return Runs(f"width {width}, {what}")


def distilled(positions: int = 16, what: str = "cartridge") -> Runs:
    """A cartridge of eight demonstrations, or what it begins as."""
    return Runs(what, {} if positions == 16 else {"prefix_length": positions})


def adapted(steps: str, **setting: Any) -> Runs:
    """A prompt before the tiny T5, LM-adapted for so many steps; or what the words name."""
    return Runs(f"T5, adapted {steps}", setting)


FOUR_WORDS = [words(wording) for wording in WORDINGS]
FOUR = {
    encoder: [slots(encoder, wording) for wording in WORDINGS]
    for encoder in ("none", "mlp", "lstm")
}
FEW = {  # 200 is what a run on tables has where nothing is said
    what: [tables(what), *(tables(what, train=size) for size in (50, 100, 500))]
    for what in ("prefix, task_words", "all weights")
}
LI = "Li & Liang 2021"  # "v1" is arXiv 2101.00190v1, whose figures differ from those of ACL
LESTER = "Lester et al. 2021"
LIU = "Liu et al. 2021, P-tuning"
LIU_V2 = "Liu et al. 2022, P-tuning v2"
ZHAO = "Zhao et al. 2021"
EYUBOGLU = "Eyuboglu et al. 2025, Cartridges"
HU = "Hu et al. 2022, LoRA"

CLAIMS: dict[str, tuple[Claim, ...]] = {
    "discrete_prompts": (
        Claim(
            "The wording decides: “Review: … Sentiment:” is better than “… It was”",
            words("sentiment") - words("it was"),
            ACCURACY,
            source=f"{LIU}, table 1",
            published="LAMA P17, BERT-base, four wordings: 31.29, 19.78, 31.40, 51.08",
        ),
        Claim(
            "Calibration makes “… It was” better",
            calibrated(words("it was")) - words("it was"),
            ACCURACY,
            source=f"{ZHAO}, section 5",
            published="SST-2, GPT-2 XL, no examples: 60.0 → 82.0",
        ),
        Claim(
            "Calibration can hurt: it makes “Review: … Sentiment:” worse",
            words("sentiment") - calibrated(words("sentiment")),
            ACCURACY,
            source=f"{ZHAO}, section 5",
            published="CB, GPT-2 XL, no examples: 44.6 → 17.9",
        ),
        Claim(
            "Calibration makes four wordings better on average",
            mean_of(*map(calibrated, FOUR_WORDS)) - mean_of(*FOUR_WORDS),
            ACCURACY,
        ),
        Claim(
            "Words that were searched for are better than words that a person wrote",
            source="Shin et al. 2020, AutoPrompt, section 3",
            published="SST-2, BERT: 63.2 → 82.3",
        ),
    ),
    "in_context_learning": (
        Claim(
            "Four demonstrations are better than none, in the mean of all patterns of labels",
            mean_of(*shown()) - words(),
            ACCURACY,
            source="Brown et al. 2020, section 3.7",
            published="SuperGLUE, 125M: 40.6 → 50.2; but BoolQ 49.7 → 43.1",
        ),
        Claim(
            "Two demonstrations are better than none, in the mean of both patterns of labels",
            mean_of(*shown(k=2)) - words(),
            ACCURACY,
        ),
        Claim(
            "With both calibrated, four demonstrations are better than none",
            mean_of(*map(calibrated, shown())) - calibrated(words()),
            ACCURACY,
        ),
        Claim(
            "The order of the same four demonstrations decides: the best is more than ten points "
            "ahead of the worst",
            spread_of(*shown()),
            ACCURACY,
            by=10,
            source=f"{ZHAO}, section 3",
            published="SST-2, GPT-3 2.7B: 54.3 to 93.4",
        ),
        Claim(
            "Calibration makes four demonstrations better",
            mean_of(*map(calibrated, shown())) - mean_of(*shown()),
            ACCURACY,
            source=f"{ZHAO}, section 5",
            published="SST-2, GPT-2 XL: 64.9 ± 8.4 → 73.8 ± 10.9",
        ),
        Claim(
            "Calibration brings the orders of the same four demonstrations closer together",
            spread_of(*shown()) - spread_of(*map(calibrated, shown())),
            ACCURACY,
        ),
        Claim(
            "Random labels in the demonstrations are no worse than true ones",
            mean_of(*shown("random")) - mean_of(*shown()),
            ACCURACY,
            NO_WORSE,
            source="Min et al. 2022, section 4",
            published="0 to 5 points lost",
        ),
        Claim(
            "A trained prompt is better than four demonstrations",
            prompt() - mean_of(*shown()),
            ACCURACY,
            source=f"{LESTER}, abstract",
            published="no figure",
        ),
        Claim(
            "Labels that change from one demonstration to the next are better than two blocks",
            mean_of(*shown(patterns=("npnp", "pnpn"))) - mean_of(*shown(patterns=("nnpp", "ppnn"))),
            ACCURACY,
        ),
        Claim(
            "Words from outside the answers are worse labels than true ones",
            mean_of(*shown()) - mean_of(*shown("outside")),
            ACCURACY,
        ),
        Claim(
            "With both calibrated, words from outside the answers are worse labels than true ones",
            mean_of(*map(calibrated, shown())) - mean_of(*map(calibrated, shown("outside"))),
            ACCURACY,
        ),
        Claim(
            "Eight demonstrations are better than four",
            mean_of(*shown(k=8)) - mean_of(*shown()),
            ACCURACY,
        ),
        Claim(
            "The larger the model, the better it is with demonstrations",
            source="Brown et al. 2020, section 3.7",
            published="SuperGLUE, 125M to 175B: 50.2 to 73.2; without any, 40.6 to 58.2",
        ),
        Claim(
            "An order that is good for one model is not for another",
            source="Lu et al. 2022, section 2",
            published="GPT-2 XL to Large: 88.7 → 51.6",
        ),
    ),
    "prompt_tuning": (
        Claim("A trained prompt is better than the words alone", prompt() - words()),
        Claim(
            "Going beyond one token is crucial: ten are better than one",
            prompt() - prompt(prompt_length=1),
            source=f"{LESTER}, section 3.2",
            published="crucial for all but the largest model; a figure only",
        ),
        Claim(
            "Beyond 20 tokens there is little to gain: 20 are no worse than 50",
            prompt(prompt_length=20) - prompt(prompt_length=50),
            relation=NO_WORSE,
            source=f"{LESTER}, section 3.2",
            published="marginal gains above 20; a figure only",
        ),
        Claim(
            "A start from the labels is better than one from uniform noise",
            prompt("labels") - prompt("uniform"),
            source=f"{LESTER}, section 3.2",
            published="noise lags behind, and is equal at 11B; a figure only",
        ),
        Claim(
            "A start from the labels is better than one from common words",
            prompt("labels") - prompt("vocabulary"),
            source=f"{LESTER}, section 3.2",
            published="the labels are best, and equal at 11B; a figure only",
        ),
        Claim(
            "With ten tokens, the labels and a text are equally good to start from",
            prompt("labels") - prompt("text"),
            relation=EQUAL,
        ),
        Claim(
            "The start matters more to one token than to ten",
            (prompt("labels", prompt_length=1) - prompt("uniform", prompt_length=1))
            - (prompt("labels") - prompt("uniform")),
        ),
        Claim(
            "The more sentences to learn from, the better: 512 against 32",
            prompt(train=512) - prompt(train=32),
        ),
        Claim(
            "To a small model a prompt does less than training all weights",
            weights() - prompt(),
            ACCURACY,
            source=f"{LESTER}, section 3.1",
            published="the gap closes near 10B; a figure only",
        ),
        Claim(
            "The larger the model, the smaller the gap between a prompt and all weights: width "
            "192 against 24, trained here",
            (small(24, "all weights") - small(24, "prompt"))
            - (small(192, "all weights") - small(192, "prompt")),
            ACCURACY,
            source=f"{LESTER}, section 3.1",
            published="T5 of 77M to 11B; a figure only",
        ),
        Claim(
            "In a model of 11B neither length nor start matters",
            source=f"{LESTER}, section 3.2",
            published="a figure only",
        ),
    ),
    "prefix_tuning": (
        Claim("A prefix is better than the words alone", prefix() - words()),
        Claim(
            "A start from the task's words is better than one from noise",
            prefix("task_words") - prefix("uniform"),
            source=f"{LI}, section 7.4",
            published="100 examples; a figure only",
        ),
        Claim(
            "Even unrelated words are a better start than noise",
            prefix("unrelated_words") - prefix("uniform"),
            source=f"{LI}, section 7.4",
            published="100 examples; a figure only",
        ),
        Claim(
            "The task's words are no worse a start than unrelated ones",
            prefix("task_words") - prefix("unrelated_words"),
            relation=NO_WORSE,
            source=f"{LI}, section 7.4",
            published="100 examples; a figure only",
        ),
        Claim(
            "Real examples are no worse a start than the task's words",
            prefix("examples") - prefix("task_words"),
            relation=NO_WORSE,
        ),
        Claim(
            "Real words are a better start than noise of the same scale",
            prefix("task_words") - prefix("matched"),
        ),
        Claim(
            "Noise of the scale of words is a better start than uniform noise",
            prefix("matched") - prefix("uniform"),
        ),
        Claim("A prefix from uniform noise is better than no prefix", prefix("uniform") - words()),
        Claim(
            "Up to a threshold, the longer the better: 10 positions against 1",
            prefix() - prefix(prefix_length=1),
            source=f"{LI}, section 7.1",
            published="best at 10 on DART and at 200 on XSUM; a figure only",
        ),
        Claim(
            "Beyond that threshold, the longer the worse: 50 positions against 10",
            prefix() - prefix(prefix_length=50),
            source=f"{LI}, section 7.1",
            published="slightly worse on test, lower training loss; a figure only",
        ),
        Claim(
            "From noise, one position is better than 50",
            prefix("uniform", prefix_length=1) - prefix("uniform", prefix_length=50),
        ),
        Claim(
            "Steering every layer is better than embeddings alone, both from words of the task",
            prefix("task_words") - prompt("text"),
            source=f"{LI}, section 7.2",
            published="E2E BLEU, v1: 69.7 against 62.2 with 10 embeddings",
        ),
        Claim(
            "To train the prefix directly is worse than through an MLP",
            prefix("task_words, MLP") - prefix("task_words"),
            source=f"{LI}, section 4.3",
            published="unstable, and a slight drop; no figure",
        ),
        Claim(
            "From noise, too, an MLP is better than direct training",
            prefix("matched, MLP") - prefix("matched"),
        ),
        Claim(
            "With the MLP the learning rate matters less: three times the best rate or a third "
            "of it cost more without",
            (prefix() - beside(prefix()))
            - (prefix("task_words, MLP") - beside(prefix("task_words, MLP"))),
            source=f"{LI}, section 4.3",
            published="direct training is unstable; no figure",
        ),
        Claim(
            "With 32 sentences a prefix is better than training all weights",
            prefix(train=32) - weights(train=32),
            ACCURACY,
            source=f"{LI}, section 6.3",
            published="50 to 500 tables: 2.9 BLEU ahead on average",
        ),
        Claim(
            "The fewer the sentences, the further a prefix is ahead of all weights: 32 against 512",
            (prefix(train=32) - weights(train=32)) - (prefix(train=512) - weights(train=512)),
            ACCURACY,
            source=f"{LI}, section 6.3",
            published="the gap narrows with size; a figure only",
        ),
        Claim(
            "With all the data the start makes no difference",
            source=f"{LI}, section 7.4",
            published="no figure",
        ),
        Claim(
            "From noise, a prefix is ahead of fine-tuning only above a fifth of the data",
            source=f"{LI}, ACL, section 7.5",
            published="E2E: above 20 %",
        ),
    ),
    "p_tuning": (
        Claim(
            "Slots with an LSTM are better than words alone, in the mean of four wordings",
            mean_of(*FOUR["lstm"]) - mean_of(*FOUR_WORDS),
            ACCURACY,
            source=f"{LIU}, section 4.1",
            published="LAMA-34k: 43.3 (AutoPrompt, BERT-base) → 50.6 (P-tuning, BERT-large)",
        ),
        Claim(
            "Slots with an LSTM are better than words alone that are calibrated, in the mean of "
            "four wordings",
            mean_of(*FOUR["lstm"]) - mean_of(*map(calibrated, FOUR_WORDS)),
            ACCURACY,
        ),
        Claim(
            "Slots bring the wordings closer together: best and worst lie further apart without",
            spread_of(*FOUR_WORDS) - spread_of(*FOUR["lstm"]),
            ACCURACY,
            source=f"{LIU}, abstract of 2023",
            published="no figure",
        ),
        Claim(
            "Calibration, without any training, brings the wordings closer together than slots do",
            spread_of(*FOUR["lstm"]) - spread_of(*map(calibrated, FOUR_WORDS)),
            ACCURACY,
        ),
        Claim(
            "An LSTM as encoder is better than none",
            mean_of(*FOUR["lstm"]) - mean_of(*FOUR["none"]),
            source=f"{LIU}, section 3.2",
            published="no figure",
        ),
        Claim(
            "An MLP as encoder is better than none",
            mean_of(*FOUR["mlp"]) - mean_of(*FOUR["none"]),
            source=f"{LIU}, section 3.2",
            published="no figure",
        ),
        Claim(
            "Six slots between the words are better than six tokens in front of them",
            slots("none") - prompt(prompt_length=6),
        ),
    ),
    "p_tuning_v2": (
        Claim(
            "Deeper layers do more: a prefix in the last ten is better than in the first ten",
            deep(layers="last:10") - deep(layers="first:10"),
            source=f"{LIU_V2}, section 4.4",
            published="a figure only",
        ),
        Claim(
            "A prefix in the last four layers is better than in the first four",
            deep(layers="last:4") - deep(layers="first:4"),
            source=f"{LIU_V2}, section 4.4",
            published="a figure only",
        ),
        Claim(
            "With words for answers, too, the last four layers are better than the first four",
            deep("verbalizer", layers="last:4") - deep("verbalizer", layers="first:4"),
        ),
        Claim(
            "The last ten layers are no worse than all of them",
            deep(layers="last:10") - deep(),
            ACCURACY,
            NO_WORSE,
            source=f"{LIU_V2}, section 4.4",
            published="RTE: layers 17 to 24 of 24 are about as good as all",
        ),
        Claim(
            "A prefix in the last four layers is better than a probe without any",
            deep(layers="last:4") - Runs("linear probe"),
        ),
        Claim(
            "A prefix in the first four layers is better than a probe without any",
            deep(layers="first:4") - Runs("linear probe"),
        ),
        Claim(
            "A prefix in all layers, with a head, is better than a probe without any",
            deep() - Runs("linear probe"),
        ),
        Claim(
            "A prefix in all layers, with dropout and a head, is better than a probe without any",
            deep(dropout=0.1) - Runs("linear probe"),
        ),
        Claim(
            "A head and words for answers are equally good",
            deep("head") - deep("verbalizer"),
            ACCURACY,
            EQUAL,
            source=f"{LIU_V2}, section 4.4",
            published="no significant difference",
        ),
        Claim(
            "Five positions are enough for a simple task: they are no worse than 50",
            deep(prefix_length=5) - deep(prefix_length=50),
            relation=NO_WORSE,
            source=f"{LIU_V2}, section 3.3",
            published="fewer than 20 for simple tasks, about 100 for hard ones",
        ),
        Claim("Dropout does harm", deep(dropout=0.0) - deep(dropout=0.1)),
        Claim(
            "The longer the prefix, the more harm dropout does: 50 positions against 5",
            (deep(prefix_length=50) - deep(dropout=0.1, prefix_length=50))
            - (deep(prefix_length=5) - deep(dropout=0.1, prefix_length=5)),
        ),
        Claim(
            "P-tuning v2 keeps up with training all weights",
            deep() - weights(),
            ACCURACY,
            NO_WORSE,
            source=f"{LIU_V2}, section 4.2",
            published="330M to 10B, with 0.1 % to 3 % of the parameters",
        ),
        Claim(
            "On films an MLP helps, with a rate of its own beside the head's",
            Runs("P-tuning v2, head, MLP") - deep(),
            source=f"{LIU_V2}, section 3.3",
            published="helps RTE and CoNLL04; no help or harm on BoolQ and CoNLL12",
        ),
        Claim("Tagging needs a head", source=f"{LIU_V2}, section 3.3", published="no figure"),
    ),
    "table_to_text": (
        Claim(
            "With few tables a prefix is better than training all weights, in the mean of 50, "
            "100, 200 and 500",
            mean_of(*FEW["prefix, task_words"]) - mean_of(*FEW["all weights"]),
            BLEU,
            source=f"{LI}, section 6.3",
            published="50 to 500 tables: 2.9 BLEU ahead on average",
        ),
        Claim(
            "With 50 tables a prefix is better than training all weights",
            tables("prefix, task_words", train=50) - tables("all weights", train=50),
            BLEU,
            source=f"{LI}, section 6.3",
            published="a figure only",
        ),
        Claim(
            "The fewer the tables, the further a prefix is ahead of all weights: 50 against 500",
            (tables("prefix, task_words", train=50) - tables("all weights", train=50))
            - (tables("prefix, task_words", train=500) - tables("all weights", train=500)),
            BLEU,
            source=f"{LI}, section 6.3",
            published="the gap narrows with size; a figure only",
        ),
        Claim(
            "With 50 tables a prefix is better than training the top two layers",
            tables("prefix, task_words", train=50) - tables("top two layers", train=50),
            BLEU,
        ),
        Claim(
            "A prefix is better than training the top two layers",
            tables("prefix, task_words") - tables("top two layers"),
            BLEU,
            source=f"{LI}, v1, section 6.1",
            published="E2E BLEU: 69.7 against 68.1; WebNLG 55.1 against 36.0",
        ),
        Claim(
            "On tables, too, a prefix is better than the words alone",
            tables("prefix, task_words") - tables("no training"),
            BLEU,
        ),
        Claim(
            "The more tables, the better a prefix: 500 against 50",
            tables("prefix, task_words", train=500) - tables("prefix, task_words", train=50),
            BLEU,
        ),
        Claim(
            "On kinds of places that it has not seen a prefix is better than training all weights",
            unseen(tables("prefix, task_words")) - unseen(tables("all weights")),
            BLEU,
            source=f"{LI}, v1, section 6.4",
            published="WebNLG BLEU, unseen: 45.6 against 27.7; seen: 62.9 against 64.2",
        ),
        Claim(
            "From kinds of places that it has seen to others a prefix loses less than all weights",
            (unseen(tables("prefix, task_words")) - tables("prefix, task_words"))
            - (unseen(tables("all weights")) - tables("all weights")),
            SLOTS,
        ),
        Claim(
            "With 100 tables a start from the task's words is better than one from noise",
            tables("prefix, task_words", train=100) - tables("prefix, uniform", train=100),
            BLEU,
            source=f"{LI}, section 7.4",
            published="100 examples; a figure only",
        ),
        Claim(
            "With 100 tables unrelated words are a better start than noise",
            tables("prefix, unrelated_words", train=100) - tables("prefix, uniform", train=100),
            BLEU,
            source=f"{LI}, section 7.4",
            published="100 examples; a figure only",
        ),
        Claim(
            "With 100 tables the task's words are no worse a start than unrelated ones",
            tables("prefix, task_words", train=100) - tables("prefix, unrelated_words", train=100),
            BLEU,
            NO_WORSE,
            source=f"{LI}, section 7.4",
            published="100 examples; a figure only",
        ),
        Claim(
            "Ten positions are better than one",
            tables("prefix, task_words") - tables("prefix, task_words", prefix_length=1),
            BLEU,
            source=f"{LI}, section 7.1",
            published="best at 10 on DART; a figure only",
        ),
        Claim(
            "Ten positions are better than fifty",
            tables("prefix, task_words") - tables("prefix, task_words", prefix_length=50),
            BLEU,
            source=f"{LI}, section 7.1",
            published="beyond the best, slightly worse on test; a figure only",
        ),
        Claim(
            "A prefix writes better texts with beam search than greedily",
            tables("prefix, task_words") - greedy(tables("prefix, task_words")),
            BLEU,
        ),
        Claim(
            "A prefix says the table better with beam search than greedily",
            tables("prefix, task_words") - greedy(tables("prefix, task_words")),
            SLOTS,
        ),
        Claim(
            "On 200 real tables of E2E a prefix is better than training all weights",
            Runs("E2E, prefix") - Runs("E2E, all weights"),
            BLEU,
            source=f"{LI}, v1, section 6.1",
            published="BLEU, all 42,000 pairs, GPT-2 medium: 69.7 against 68.2",
        ),
        Claim(
            "With all of DART a prefix keeps up with training all weights",
            source=f"{LI}, section 6.1",
            published="BLEU, GPT-2 medium: 46.4 against 46.2",
        ),
        Claim(
            "On summaries a prefix falls behind training all weights",
            source=f"{LI}, section 6.2",
            published="XSUM ROUGE-1/2/L: 43.80/20.93/36.05 against 45.14/22.27/37.25",
        ),
        Claim(
            "A prefix is better on news about sports when it learned from other news",
            source=f"{LI}, section 6.4",
            published="ROUGE-1/2/L: 39.23/16.74/31.51 against 38.15/15.51/30.26",
        ),
    ),
    "encoder_and_decoder": (
        Claim(
            "A prompt does more for an LM-adapted T5 than for one of span corruption alone",
            adapted("1200") - adapted("0"),
            ACCURACY,
            source=f"{LESTER}, section 3.2",
            published="a figure only",
        ),
        Claim(
            "A sentinel before the answer makes no difference",
            adapted("0, sentinel") - adapted("0"),
            ACCURACY,
            EQUAL,
            source=f"{LESTER}, section 3.2",
            published="a figure only",
        ),
        Claim(
            "The longer the LM adaptation, the better: 1,200 steps against 100",
            adapted("1200") - adapted("100"),
            ACCURACY,
            source=f"{LESTER}, section 3.2",
            published="up to 100,000 steps; a figure only",
        ),
        Claim(
            "The longer the LM adaptation, the better: 400 steps against 100",
            adapted("400") - adapted("100"),
            ACCURACY,
            source=f"{LESTER}, section 3.2",
            published="a figure only",
        ),
        Claim(
            "All weights need no LM adaptation: trained from span corruption alone they are as "
            "good as after 1,200 steps of it",
            adapted("0, all weights") - adapted("1200, all weights"),
            ACCURACY,
            EQUAL,
            source=f"{LESTER}, section 2.2",
            published="said, without a figure",
        ),
        Claim(
            "Before a T5 of span corruption alone a prefix of the decoder does more than a prompt "
            "of as many numbers",
            adapted("0, decoder prefix") - adapted("0", prompt_length=40),
            ACCURACY,
        ),
        Claim(
            "Of two prefixes of as many numbers, that of the cross-attention does more than that "
            "of the encoder",
            adapted("0, cross prefix") - adapted("0, encoder prefix"),
            ACCURACY,
        ),
        Claim(
            "A prefix of the encoder does no more than a prompt of as many numbers",
            adapted("0, encoder prefix") - adapted("0", prompt_length=40),
            ACCURACY,
            EQUAL,
        ),
        Claim(
            "A prefix of the decoder, too, does more after LM adaptation",
            adapted("1200, decoder prefix") - adapted("0, decoder prefix"),
            ACCURACY,
        ),
        Claim(
            "Prefixes in all three kinds of attention do more than one in the decoder alone",
            adapted("0, three prefixes") - adapted("0, decoder prefix"),
            ACCURACY,
        ),
    ),
    "one_model_many_tasks": (
        Claim(
            "On other domains a prompt is better than training all weights",
            elsewhere(prompt()) - elsewhere(weights()),
            ACCURACY,
            source=f"{LESTER}, section 5",
            published="SQuAD to TextbookQA, F1: 66.8 against 54.3; BioASQ 79.1 against 77.9",
        ),
        Claim(
            "On other domains a prefix is better than training all weights",
            elsewhere(prefix()) - elsewhere(weights()),
            ACCURACY,
            source=f"{LI}, v1, section 6.4",
            published="news to sports, ROUGE-L: 31.51 against 30.26",
        ),
        Claim(
            "On other domains the top two layers are worse than training all weights",
            elsewhere(weights()) - elsewhere(Runs("top two layers")),
            ACCURACY,
        ),
        Claim(
            "On other domains a prompt that learned from films is right more often than the words "
            "alone",
            elsewhere(prompt()) - elsewhere(Runs("no training")),
            ACCURACY,
        ),
        Claim(
            "On other domains a prompt that learned from films has a lower loss than the words "
            "alone",
            elsewhere(prompt()) - elsewhere(Runs("no training")),
        ),
        Claim(
            "What a prompt gains over the words is less on other domains than on films",
            (prompt() - Runs("no training"))
            - (elsewhere(prompt()) - elsewhere(Runs("no training"))),
            ACCURACY,
        ),
        Claim(
            "On some domains a prompt is worse than training all weights",
            source=f"{LESTER}, section 5",
            published="DuoRC 67.7 against 68.9; DROP 67.1 against 68.9",
        ),
        Claim(
            "A prompt for QQP is better on MRPC than training all weights",
            source=f"{LESTER}, section 5",
            published="accuracy 76.3 against 73.1; the other way round 75.4 against 74.9",
        ),
        Claim(
            "The vote of five prompts is better than their average",
            ensemble(prompt()) - prompt(),
            ACCURACY,
            source=f"{LESTER}, section 6",
            published="SuperGLUE: 91.3 against 90.5",
        ),
        Claim(
            "The vote of five prompts is no worse than the best of them",
            ensemble(prompt()) - best_of(prompt()),
            ACCURACY,
            NO_WORSE,
            source=f"{LESTER}, section 6",
            published="SuperGLUE: 91.3 against 91.0",
        ),
        Claim(
            "On other domains, too, the vote of five prompts is better than their average",
            elsewhere(ensemble(prompt())) - elsewhere(prompt()),
            ACCURACY,
        ),
        Claim(
            "The mean probability of five prompts is better than their average",
            ensemble(prompt(), MEAN) - prompt(),
            ACCURACY,
        ),
        Claim(
            "On other domains, too, the mean probability is better than the average",
            elsewhere(ensemble(prompt(), MEAN)) - elsewhere(prompt()),
            ACCURACY,
        ),
    ),
    "the_whole_map": (
        Claim(
            "A prefix keeps up with training all weights",
            prefix() - weights(),
            ACCURACY,
            NO_WORSE,
            source=f"{LI}, v1, section 6.1",
            published="E2E BLEU, GPT-2 medium: 69.7 against 68.2",
        ),
        Claim("A prefix ends with a lower loss than training all weights", prefix() - weights()),
        Claim(
            "Training the top two layers keeps up with training all",
            Runs("top two layers") - weights(),
            ACCURACY,
            NO_WORSE,
            source=f"{LI}, v1, section 6.1",
            published="E2E BLEU: 68.1 against 68.2; but WebNLG 36.0 against 46.5",
        ),
        Claim(
            "A prefix is better than an infix",
            prefix() - Runs("infix"),
            source=f"{LI}, v1, section 7.3",
            published="E2E BLEU: 69.7 against 67.2 with 10 positions",
        ),
        Claim(
            "A prefix keeps up with adapters of many times its size",
            prefix() - Runs("adapters"),
            ACCURACY,
            NO_WORSE,
            source=f"{LI}, v1, section 6.1",
            published="E2E BLEU: 69.7 against 68.9 with 3 % of the parameters",
        ),
        Claim(
            "LoRA keeps up with training all weights",
            Runs("LoRA") - weights(),
            ACCURACY,
            NO_WORSE,
            source=f"{HU}, abstract",
            published="on par or better on RoBERTa, DeBERTa, GPT-2 and GPT-3",
        ),
        Claim(
            "LoRA is better than a prefix",
            Runs("LoRA") - prefix(),
            ACCURACY,
            source=f"{HU}, section 5.4",
            published="E2E, WebNLG and DART, GPT-2 medium and large",
        ),
        Claim(
            "With 256 sentences training the biases keeps up with training all weights",
            Runs("biases") - weights(),
            ACCURACY,
            NO_WORSE,
            source="Ben Zaken et al. 2022, BitFit, abstract",
            published="BERT, small to medium training data; no figure",
        ),
        Claim("A prefix is better than biases alone", prefix() - Runs("biases")),
        Claim(
            "A prompt keeps up with a prefix, on a task of one word",
            prompt() - prefix(),
            ACCURACY,
            NO_WORSE,
        ),
        Claim(
            "A prompt keeps up with adapters, on a task of one word",
            prompt() - Runs("adapters"),
            ACCURACY,
            NO_WORSE,
        ),
        Claim(
            "A prompt with answer rows of its own (WARP) is better than a prompt",
            Runs("WARP") - prompt(),
        ),
        Claim(
            "A linear probe is better than the words alone",
            Runs("linear probe") - words(),
            ACCURACY,
        ),
        Claim(
            "Steering is better than reading off: a prefix against a linear probe",
            prefix() - Runs("linear probe"),
        ),
    ),
    "open_questions": (
        Claim(
            "A gate that starts at zero makes a prefix better",
            Runs("gated prefix") - prefix(),
            source="Zhang et al. 2024, LLaMA-Adapter, abstract",
            published="no figure",
        ),
        Claim(
            "A length that adapts makes a prefix better",
            Runs("adaptive prefix") - prefix(),
            source="Zhang et al. 2023, APT, abstract",
            published="no figure",
        ),
        Claim(
            "A plain prefix of five positions is better than one of ten that adapts its length",
            prefix(prefix_length=5) - Runs("adaptive prefix"),
        ),
        Claim(
            "A convolution of the input is better than a prompt in front of it",
            Runs("convolution") - prompt(),
            source="a general article on prefix tuning",
            published="nothing was measured",
        ),
        Claim(
            "A prefix and a prompt are together better than a prefix twice as long",
            Runs("prefix and prompt") - prefix(),
            source="He et al. 2022, MAM adapter, abstract",
            published="no figure",
        ),
        Claim(
            "Beside a prefix of five positions a prompt of five is better than none",
            Runs("prefix and prompt") - prefix(prefix_length=5),
        ),
        Claim(
            "A prefix and trained biases are together better than a prefix",
            Runs("prefix and biases") - prefix(),
            source="He et al. 2022, MAM adapter, abstract",
            published="no figure",
        ),
        Claim(
            "A prefix and trained biases are together better than the biases",
            Runs("prefix and biases") - Runs("biases"),
        ),
    ),
    "a_past_for_a_document": (
        Claim(
            "A cartridge of 16 positions is no worse than the eight demonstrations that it stands "
            "in for",
            distilled() - shown(k=8, patterns=PATTERNS[8][:1])[0],
            ACCURACY,
            NO_WORSE,
            source=f"{EYUBOGLU}, abstract",
            published="as good as the text itself, with 38.6 times less memory",
        ),
        Claim(
            "Training brings it nearer to the model that read them than the first 16 tokens are",
            distilled() - distilled(what="first tokens, no training"),
            DIVERGENCE,
        ),
        Claim(
            "The longer the cartridge, the nearer: 64 positions against 4",
            distilled(64) - distilled(4),
            DIVERGENCE,
            source=f"{EYUBOGLU}, section 5",
            published="a figure only",
        ),
        Claim(
            "A frozen first position is better than training them all",
            distilled() - distilled(what="cartridge, nothing frozen"),
            DIVERGENCE,
        ),
        Claim("A cartridge of eight demonstrations is better than no text", distilled() - words()),
        Claim(
            "A cartridge of eight demonstrations is right more often than no text",
            distilled() - words(),
            ACCURACY,
        ),
        Claim(
            "Labels teach more: a prefix trained on 256 of them is better than a cartridge that "
            "knows eight",
            prefix() - distilled(),
        ),
        Claim(
            "A cartridge learns more from questions that the model asks itself about the text than "
            "from the text's own next tokens",
            source=f"{EYUBOGLU}, abstract",
            published="next tokens alone are “not competitive” with the text itself; no figure",
        ),
        Claim(
            "A short cartridge is cheaper to serve than a long text",
            source=f"{EYUBOGLU}, abstract",
            published="26.4 times higher throughput",
        ),
    ),
}


@dataclass(frozen=True, repr=False)
class Ledger:
    """Claims, each with its lesson and with what the records say: a table wherever it is shown."""

    entries: list[tuple[str, Claim, Evidence | None]]
    backbone: str

    @classmethod
    def of(cls, claims: Mapping[str, Sequence[Claim]], records: Records) -> "Ledger":
        def weighed(claim: Claim) -> Evidence | None:
            compared = claim.comparison
            return records.weigh(compared, claim.measure) if compared else None

        entries = [(name, one, weighed(one)) for name, lesson in claims.items() for one in lesson]
        return cls(entries, records.backbone)

    def cells(self) -> Iterator[tuple[str, ...]]:
        """Lesson, claim, source with its figures, verdict and what was measured, as plain text."""
        for lesson, claim, found in self.entries:
            source = ": ".join(filter(None, (claim.source, claim.published))) or "this workbook"
            yield lesson, claim.sentence, source, claim.verdict(found), measured(claim, found)

    @property
    def models(self) -> list[str]:
        """The models of the rows that were weighed, the one with most claims first."""
        counts = Counter(name for *_, found in self.entries if found for name in found.models)
        return [name for name, _ in counts.most_common()]

    def __str__(self) -> str:
        """How many claims there are, of each verdict, and on which models."""
        counts = Counter(claim.verdict(found) for _, claim, found in self.entries)
        shares = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS)
        names = (f"{one} ({MODELS[one]})" if one in MODELS else one for one in self.models)
        where = ", ".join(names)
        where = f"recorded on {where}" if where else "nothing is recorded yet"
        return f"{counts.total()} claims, {where}: {shares}."

    def __repr__(self) -> str:
        lines = [str(self)]
        for lesson, claims in groupby(self.cells(), lambda cells: cells[0]):
            lines += ["", lesson]
            for _, sentence, source, verdict, found in claims:
                lines.append(f"  {verdict:<14}{sentence}")
                lines += [f"  {'':<14}{text}" for text in (found, source) if text]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = (map(escape, cells[1:]) for cells in self.cells())
        return escape(str(self)) + table(rows, HEADS[1:])

    def json(self) -> str:
        told = [dict(zip(HEADS, cells, strict=True)) for cells in self.cells()]
        return json.dumps({"backbone": self.backbone, "claims": told})

    def markdown(self) -> str:
        """As GitHub shows it."""
        rows = (HEADS, ("---",) * len(HEADS), *self.cells())
        lines = (" | ".join(map(in_a_cell, row)) for row in rows)
        return "\n".join([str(self), "", *(f"| {line} |" for line in lines)])


def in_a_cell(text: str) -> str:
    return escape(text, quote=False).replace("|", r"\|")


def measured(claim: Claim, found: Evidence | None) -> str:
    """The difference, its interval and what they stand on."""
    if found is None:
        return ""
    digits, (low, high) = DIGITS[claim.measure], claim.claimed
    agreeing, seeds = sum(low < one < high for one in found.of_seeds), len(found.of_seeds)
    luck = f"{agreeing} of {seeds} seeds agree" if seeds > 1 else "nothing is trained"
    return (
        f"{found.effect:+.{digits}f} ({found.low:+.{digits}f} to {found.high:+.{digits}f}) "
        f"{UNITS[claim.measure]}; {luck}; {found.sentences} "
        f"{'texts' if claim.measure in (BLEU, SLOTS) else 'sentences'}"
    )


def show(lesson: str) -> Ledger:
    """The claims of a lesson, such as "prefix_tuning", as a table with their verdicts.

    Raises
    ------
    ValueError
        No such lesson, a damaged record, or a row that was tested on other sentences.
    """
    return Ledger.of({lesson: CLAIMS[one_of("lesson", lesson, CLAIMS)]}, Records.read())


def found(lesson: str, begins: str) -> Evidence | None:
    """What the records say to the claim of a lesson that begins with these words.

    Raises
    ------
    ValueError
        No such lesson, not one such claim, or as `show`.
    """
    told = [
        claim for claim in CLAIMS[one_of("lesson", lesson, CLAIMS)] if claim.says.startswith(begins)
    ]
    if len(told) != 1 or told[0].comparison is None:
        raise ValueError(
            f"{len(told)} claims of {lesson} begin with {begins!r}; give the first words of one "
            "that is compared here."
        )
    return Records.read().weigh(told[0].comparison, told[0].measure)


def put_into(page: str, text: str) -> str:
    """The page with the text between the two marks, instead of what is there.

    Raises
    ------
    ValueError
        A page without the marks.
    """
    before, start, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"There is no place for the ledger; put {BEGIN} and {END} where it goes.")
    return f"{before}{start}\n{text}\n{end}{after}"


def main(given: Sequence[str], prog: str = f"python -m {__spec__.name}") -> None:
    parser = argparse.ArgumentParser(
        prog=prog, description="Print what the records say to every claim."
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="as JSON")
    how.add_argument(
        "--markdown",
        nargs="?",
        const="",
        metavar="FILE",
        help="as Markdown; into a file, between the two marks in it",
    )
    asked = parser.parse_args(given)
    try:
        ledger = Ledger.of(CLAIMS, Records.read())
        if asked.markdown:
            file = Path(asked.markdown)
            page = put_into(file.read_text(encoding="utf-8"), ledger.markdown())
            file.write_text(page, encoding="utf-8")
        elif asked.json:
            print(ledger.json())
        else:
            print(repr(ledger) if asked.markdown is None else ledger.markdown())
    except (OSError, ValueError) as error:  # each says in one sentence what is wrong
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
