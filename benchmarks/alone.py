"""What is measured of this package alone: a prefix's length, a learner's run, a kernel's start."""

import statistics
import subprocess
import sys
import time

import prefixlab as pl
from benchmarks import texts
from benchmarks.kernel_memory import started
from benchmarks.setting import Setting, loaded

ROUNDS = 3
FIRST = """
import time; began = time.perf_counter()
import prefixlab as pl
lm = pl.load({backbone!r}, dtype={dtype!r}, device="cpu")
ready = time.perf_counter() - began
lm.next_tokens("The film was")
print(ready, time.perf_counter() - began)
"""


def lengths(at: Setting) -> dict[int, float]:
    """How long a step takes with prefixes of other lengths, the first one's being 1."""
    lm, sizes, task = loaded(at.backbone, at.dtype), at.sizes, texts.films(at.sizes)
    runs = {}
    for length in sizes.lengths:
        prefix = pl.PrefixTuning(lm, task, prefix_length=length, init="uniform")
        runs[length] = pl.train(lm, prefix, task, steps=ROUNDS + 1, batch_size=sizes.batch)
        runs[length].advance()
    ratios: dict[int, list[float]] = {length: [] for length in runs}
    for number in range(ROUNDS):
        order = list(runs) if number % 2 else list(reversed(runs))
        seconds = {}
        for length in order:
            runs[length].step = 0  # the same sentences each time
            seconds[length] = runs[length].advance().seconds
        for length, taken in seconds.items():
            ratios[length].append(taken / seconds[sizes.lengths[0]])
    return {length: statistics.median(each) for length, each in ratios.items()}


def learner(at: Setting, words: int | None) -> tuple[int, float]:
    """Tokens and seconds of a learner's run, on sentences of at most so many words."""
    lm, task = loaded(at.backbone, at.dtype), texts.learner(words)
    prefix = pl.PrefixTuning(lm, task, prefix_length=at.sizes.prefix)
    began = time.perf_counter()
    steps = list(pl.train(lm, prefix, task, steps=at.sizes.steps, batch_size=8))
    return sum(step.tokens for step in steps), time.perf_counter() - began


def start(at: Setting) -> tuple[float, float]:
    """Seconds from a new process's first import until a model is loaded, and has predicted."""
    command = [sys.executable, "-c", FIRST.format(backbone=at.backbone, dtype=at.dtype)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    ready, predicted = map(float, told.splitlines()[-1].split())
    return ready, predicted


def second_kernel(at: Setting) -> int:
    """Megabytes that a second process with the same model has for itself, see `kernel_memory`."""
    first, _ = started(at.backbone, at.dtype)
    second, private = started(at.backbone, at.dtype)
    for process in (first, second):
        process.communicate()
    return private
