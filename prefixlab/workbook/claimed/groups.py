"""Groups of recorded runs that claims compare, and who said what is claimed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from prefixlab.workbook.evidence import VOTE, Runs, Score, mean_of
from prefixlab.workbook.grids import DOMAINS, PATTERNS, WORDINGS, soft


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


def thousand(runs: Runs) -> Runs:
    """Tested on 1,000 sentences in place of 400, as so small a difference asks for."""
    return replace(runs, family=f"{runs.family}, 1,000")


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
