"""The protocol: how every number of the lessons is made, as docs/protocol.md says it in words.

    rates      five, a factor of about three apart, judged by the loss on validation sentences;
               where the best lies at an end, the next one beyond it, until it does not
    seeds      the rate that was chosen, with other starts, orders and training sentences
    settings   other lengths, sizes and the like, at that rate

A `Family` is what shares a learning rate: a method, with the knobs that decide how it is trained.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

Run = dict[str, Any]  # what is to be run: all of a row that is known before

LADDER = tuple(
    float(f"{digit}e{power}") for power in range(-6, 1) for digit in (1, 3)
)  # 1e-6, 3e-6, 1e-5, … 3.0
AROUND = 2  # rates on either side of the middle one
WORDS = 12  # of the longest sentence: 12 tokens in the mean, 21 at the 99th percentile
TRAIN, VALIDATION, TEST = 256, 96, 400  # sentences
STEPS, BATCH, WARMUP, EVERY = 96, 8, 8, 12  # validated every so many steps; the best is kept
SEEDS, FEWER = 5, 3  # seeds of a family, and of its settings


@dataclass(frozen=True)
class Family:
    """Runs of one method that share a learning rate.

    `middle` is a rate of the `LADDER`; a method that trains nothing has none. `settings` are knobs
    (and `train`, the number of sentences) in which a run differs from the family's own.
    """

    name: str
    method: str
    knobs: Mapping[str, Any] = field(default_factory=dict)
    middle: float | None = None
    settings: Sequence[Mapping[str, Any]] = ()
    seeds: int = SEEDS
    steps: int = STEPS
    around: int = AROUND  # 0: the middle rate alone, and no search

    def run(self, seed: int, rate: float | None, setting: Mapping[str, Any] | None = None) -> Run:
        """What one run is."""
        other = dict(setting or {})
        return {
            "family": self.name,
            "method": self.method,
            "task": "movie_reviews",
            "train": other.pop("train", TRAIN),
            "test": TEST,
            "seed": seed,
            "knobs": dict(self.knobs) | other,
            "rate": rate,
            "steps": self.steps,
        }

    def missing(self, rows: Iterable[Run]) -> Iterator[Run]:
        """What is to be run next, given the rows there are; nothing where the family is complete.

        What follows from a choice of the rate is only known when it is made.
        """
        own = [row for row in rows if row["family"] == self.name]
        done = {key_of(row) for row in own}
        if self.middle is None:
            yield from (run for run in [self.run(0, None)] if key_of(run) not in done)
            return
        tried = [self.run(0, rate) for rate in self.rates(own)]
        if left := [run for run in tried if key_of(run) not in done]:
            yield from left
            return
        best = self.best_rate(own)
        wanted = [self.run(seed, best) for seed in range(self.seeds)]
        wanted += [
            self.run(seed, best, setting) for seed in range(FEWER) for setting in self.settings
        ]
        yield from (run for run in wanted if key_of(run) not in done)

    def rates(self, own: Sequence[Run]) -> list[float]:
        """The rates to try: five, and beyond them while the best of those tried is at an end."""
        assert self.middle is not None
        middle = LADDER.index(self.middle)
        if not self.around:
            return [self.middle]
        low, high = middle - self.around, middle + self.around
        tried = self.losses(own)
        while all(rate in tried for rate in LADDER[low : high + 1]):
            place = LADDER.index(min(LADDER[low : high + 1], key=lambda rate: tried[rate]))
            if place == low > 0:
                low -= 1
            elif place == high < len(LADDER) - 1:
                high += 1
            else:
                break
        return list(LADDER[low : high + 1])

    def losses(self, own: Sequence[Run]) -> dict[float, float]:
        """The loss on validation of the runs that a rate is chosen by, by rate; lower is better.

        A run whose loss was no number has lost.
        """
        usual = [row for row in own if row["seed"] == 0 and is_usual(self, row)]
        return {row["rate"]: row["validation_loss"] for row in usual}

    def best_rate(self, own: Sequence[Run]) -> float:
        tried = self.losses(own)
        return min(tried, key=lambda rate: tried[rate])

    def is_complete(self, rows: Sequence[Run]) -> bool:
        return not any(True for _ in self.missing(rows))


def is_usual(family: Family, row: Run) -> bool:
    """Whether a row is of the family's own setting."""
    return bool(key_of(row) == key_of(family.run(row["seed"], row["rate"])))


def key_of(row: Mapping[str, Any]) -> str:
    """What was run, as one text: the same for a run and for its row."""
    knobs = sorted(row["knobs"].items())
    names = ("family", "method", "task", "train", "test", "seed", "rate", "steps")
    return repr([*(row[name] for name in names), knobs])


def mean_of(rows: Iterable[Run], measure: str) -> float:
    """The mean of a measure over rows."""
    return mean(row[measure] for row in rows)
