"""The report: what was measured, beside what is to be reached, in Markdown."""

import platform
import statistics
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch

from benchmarks.kernel_memory import LIMIT
from benchmarks.rows import ROWS
from benchmarks.setting import Setting
from benchmarks.worker import Taken

LENGTH = 50, 1.15  # up to this length a step takes at most so much longer than with 1
RATE = 0.80  # of the machine's own rate of matrix multiplication
LEARNER = 49.0, 0.6  # seconds that a learner's run took before, and the share that it may take


def head(at: Setting) -> str:
    packages = ("prefixlab", "peft", "transformers", "torch")
    sizes = at.sizes
    return f"""# Results

{date.today()}; {processor()}, {torch.get_num_threads()} threads; Python \
{platform.python_version()}, {", ".join(f"{name} {version(name)}" for name in packages)}.
Written by `make bench`; the model is {at.backbone}.

Each row is {sizes.parts} pairs, each on texts of its own: {sizes.trained} film sentences are
trained on (one epoch in batches of {sizes.batch}, {sizes.prefix} positions or virtual tokens),
{sizes.scored} scored, {sizes.written} tables written about ({sizes.tokens} tokens each), \
{sizes.asked} queries answered after {sizes.demonstrations} demonstrations. Seconds
are those of all pairs, a ratio is the median of the pairs, with the lowest and the highest;
megabytes are what a fresh process takes at its peak above the loaded model. The other side is PEFT
as the examples of its documentation have it (`peft_side.py`), in the last row this package, which
then reads the demonstrations with every query."""


def processor() -> str:
    """Its name, as Linux has it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))


def comparison(at: Setting, found: Mapping[str, Sequence[tuple[Taken, Taken]]]) -> str:
    lines = [
        f"## Against PEFT, {at.dtype}",
        "",
        "| | ours, s | other, s | ratio | goal | | ours, MB | other, MB | ratio | goal | |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, pairs in found.items():
        row = ROWS[name]
        seconds = [ours.seconds / other.seconds for ours, other in pairs]
        ours, other = (sum(pair[side].seconds for pair in pairs) for side in (0, 1))
        cells = [
            name,
            f"{ours:.1f}",
            f"{other:.1f}",
            spread(seconds),
            *judged(seconds, row.seconds),
        ]
        ours, other = (max(pair[side].megabytes for pair in pairs) for side in (0, 1))
        cells += [f"{ours:.0f}", f"{other:.0f}"]
        if row.megabytes:
            peaks = [ours.megabytes / max(other.megabytes, 1) for ours, other in pairs]
            cells += [spread(peaks), *judged(peaks, row.megabytes)]
        else:
            cells += ["", "", ""]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def spread(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def judged(ratios: Sequence[float], goal: float) -> tuple[str, str]:
    return f"{goal:.2f}", reached(statistics.median(ratios) <= goal)


def reached(is_so: bool) -> str:
    return "reached" if is_so else "not reached"


def alone(
    at: Setting, lengths: Mapping[int, float], shares: Mapping[str, tuple[float, float]]
) -> str:
    longest, most = LENGTH
    grown = [ratio for length, ratio in lengths.items() if length <= longest]
    own, share = shares["torch"]
    quick, of_quick = shares["prefixlab"]
    return "\n".join(
        [
            f"## Alone, {at.dtype}",
            "",
            "| length of the prefix | " + " | ".join(map(str, lengths)) + " |",
            "|---" * (1 + len(lengths)) + "|",
            "| a step, as a ratio | "
            + " | ".join(f"{each:.2f}" for each in lengths.values())
            + " |",
            "",
            f"- A step grows by at most {most} up to a length of {longest}: "
            f"{reached(max(grown) <= most)}.",
            f"- torch multiplies matrices of the model's sizes with {own:.0f} GF/s, the linear "
            f"maps of this package with {quick:.0f}. A step makes {share:.2f} of the first (goal "
            f"{RATE:.2f}: {reached(share >= RATE)}) and {of_quick:.2f} of the second.",
        ]
    )


def limits(
    at: Setting, writing: tuple[float, float, float], asking: tuple[int, int], training: float
) -> str:
    step, products, packed = writing
    least, all_tokens = asking
    return "\n".join(
        [
            f"## What other code of this package could not save, {at.dtype}",
            "",
            f"- A step of writing about {at.sizes.written} tables takes {step:.0f} ms, its linear "
            f"maps alone {products:.0f}: for one token of each table all weights are read from "
            f"memory. From weights that were laid out for the processor beforehand they take "
            f"{packed:.0f}; that is a second copy of the model in every kernel.",
            f"- Demonstrations that are read once and their queries have {least:,} tokens; with "
            f"the demonstrations before every query they are {all_tokens:,}. Where a token takes "
            f"as long on both sides, the ratio is {least / all_tokens:.2f}.",
            f"- A step of training spends {training:.2f} of its time in products with weights.",
        ]
    )


def learner(all_lengths: tuple[int, float], short: tuple[int, float]) -> str:
    before, share = LEARNER
    goal = before * share
    return "\n".join(
        [
            "## A learner's run, float32",
            "",
            "48 steps of 8 out of 256 film sentences, prefix tuning, with all that comes before "
            "the first step.",
            "",
            "| sentences | tokens | seconds |",
            "|---|---|---|",
            f"| of all lengths | {all_lengths[0]:,} | {all_lengths[1]:.1f} |",
            f"| of at most 12 words | {short[0]:,} | {short[1]:.1f} |",
            "",
            f"The goal is {goal:.0f} seconds, {share} of the {before:.0f} that it took before: "
            f"{reached(short[1] <= goal)}.",
        ]
    )


def started(at: Setting, seconds: tuple[float, float], private: int) -> str:
    ready, predicted = seconds
    return "\n".join(
        [
            f"## A kernel's start, {at.dtype}",
            "",
            f"- Import and load: {ready:.1f} s; with the first prediction {predicted:.1f} s.",
            f"- A second kernel adds {private} MB of its own (limit {LIMIT}): "
            f"{reached(private < LIMIT)}.",
        ]
    )
