"""The protocol: how every number of the lessons is made, as docs/protocol.md says it in words.

    rates      five, a factor of about three apart, judged by the loss on validation sentences;
               where the best lies at an end, the next one beyond it, until it does not
    seeds      the rate that was chosen, with other starts, orders and training sentences
    settings   other lengths, layers and the like are other competitors: each has a search of its
               own, which begins at the rate that was chosen for the usual runs; with fewer or more
               sentences to train on, that rate stays
    off        the rates that were not chosen, with other seeds, where a claim is about rates

A `Family` is a method with the knobs of its usual runs, and the settings that it is compared in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

Run = dict[str, Any]  # what is to be run: all of a row that is known before

LADDER = tuple(
    float(f"{digit}e{power}") for power in range(-6, 1) for digit in (1, 3)
)  # 1e-6, 3e-6, 1e-5, … 3.0
AROUND = 2  # rates on either side of the middle one
WORDS = 12  # of the longest sentence: 12 tokens in the mean, 21 at the 99th percentile
TRAIN, VALIDATION, TEST = 256, 96, 400  # sentences
THOUSAND = 1000  # sentences to test on, where a difference is below three points
ELSEWHERE = 240  # sentences to test on of another domain: the smallest has no more
TABLES = 16  # to validate on, each with one of its texts
STEPS, BATCH, WARMUP = 96, 8, 8
VALIDATIONS = 8  # in a run, whatever its steps; the best step of them is kept
SEEDS, FEWER = 5, 3  # seeds of a family, and of its settings


@dataclass(frozen=True)
class Family:
    """Runs of one method, which have one name.

    `middle` is a rate of the `LADDER`; a method that trains nothing has none. `settings` are knobs
    (and `train`, the number of examples) in which a run differs from the usual ones. `task`,
    `also` and `model` are names that `measuring` knows: what is learned, what else the run is
    tested on, and before which model, "" for the one that the recorder is asked for.
    """

    name: str
    method: str
    knobs: Mapping[str, Any] = field(default_factory=dict)
    middle: float | None = None
    settings: Sequence[Mapping[str, Any]] = ()
    task: str = "movie_reviews"
    also: Sequence[str] = ()
    model: str = ""
    train: int = TRAIN
    test: int = TEST
    steps: int = STEPS
    seeds: int = SEEDS
    fewer: int = FEWER  # seeds in each of the settings
    around: int = AROUND  # 0: the middle rate alone, and no search
    searched: bool = True  # whether other knobs have searches of their own
    head_rate: float = 0.0  # of a head beside what has the rates; 0: the same
    off: bool = False  # whether the rates that were not chosen have other seeds too

    def run(self, seed: int, rate: float | None, setting: Mapping[str, Any] | None = None) -> Run:
        """What one run is."""
        other = dict(setting or {})
        return {
            "family": self.name,
            "method": self.method,
            "model": self.model,
            "task": self.task,
            "also": list(self.also),
            "train": other.pop("train", self.train),
            "test": self.test,
            "seed": seed,
            "knobs": dict(self.knobs) | other,
            "rate": rate,
            "head_rate": self.head_rate,
            "steps": self.steps,
        }

    def within(self, setting: Mapping[str, Any], middle: float | None) -> "Family":
        """The family in one of its settings, the search for whose rate begins at `middle`."""
        other = dict(setting)
        size = other.pop("train", self.train)
        return replace(
            self,
            knobs=dict(self.knobs) | other,
            middle=middle,
            settings=(),
            train=size,
            seeds=self.fewer,
            around=self.around if other and self.searched else 0,
            off=False,
        )

    def competitors(self, rows: Sequence[Run]) -> list["Family"]:
        """What has a rate of its own: the usual runs, and each setting.

        The search of a setting begins at the rate that was chosen for the usual runs.
        """
        begin = self.rate(rows) or self.middle
        return [self, *(self.within(setting, begin) for setting in self.settings)]

    def missing(self, rows: Sequence[Run]) -> list[Run]:
        """What is to be run next, by the rows there are; nothing where the family is complete."""
        done = {key_of(row) for row in rows}
        return [run for run in self.asked(rows) if key_of(run) not in done]

    def asked(self, rows: Sequence[Run]) -> list[Run]:
        """All runs that the family asks for: what follows from a rate, once that is chosen."""
        now = [self] if self.searching(rows) else self.competitors(rows)
        return [
            run
            for each in now
            for run in (each.search(rows) if each.searching(rows) else each.expected(rows))
        ]

    def searching(self, rows: Sequence[Run]) -> bool:
        """Whether a rate is still to be chosen for the usual runs."""
        return self.middle is not None and self.rate(rows) is None

    def expected(self, rows: Sequence[Run]) -> list[Run]:
        """The usual runs, as if the search went on no further."""
        search = self.search(rows)
        return search + self.following(self.rate(rows) or self.middle, search)

    def search(self, rows: Sequence[Run]) -> list[Run]:
        """The runs that choose the rate: five, and beyond them while the best is at an end."""
        if self.middle is None:
            return [self.run(0, None)]
        if not self.around:
            return [self.run(0, self.middle)]
        middle = LADDER.index(self.middle)
        low = max(0, middle - self.around)
        high = min(len(LADDER) - 1, middle + self.around)
        tried = self.losses(rows)
        while tried.keys() >= {*LADDER[low : high + 1]}:
            best = LADDER.index(lowest(LADDER[low : high + 1], tried))
            if best == low > 0:
                low -= 1
            elif best == high < len(LADDER) - 1:
                high += 1
            else:
                break
        return [self.run(0, rate) for rate in LADDER[low : high + 1]]

    def rate(self, rows: Sequence[Run]) -> float | None:
        """The rate that was chosen; None before it is, and where nothing is trained."""
        rates, tried = [run["rate"] for run in self.search(rows)], self.losses(rows)
        return lowest(rates, tried) if tried.keys() >= {*rates} else None

    def chosen(self, rows: Sequence[Run]) -> list[Run]:
        """The usual runs at the rate that was chosen, seed by seed; none before that."""
        if self.searching(rows):
            return []
        return [self.run(seed, self.rate(rows)) for seed in range(self.seeds)]

    def following(self, rate: float | None, search: Sequence[Run]) -> list[Run]:
        """The runs with the rate that was chosen and other seeds.

        Then, where it is asked for, the other rates of the search with other seeds.
        """
        usual = [self.run(seed, rate) for seed in range(1, self.seeds)]
        rates = [run["rate"] for run in search if self.off and run["rate"] != rate]
        return usual + [self.run(seed, off) for seed in range(1, FEWER) for off in rates]

    def to_come(self, rows: Sequence[Run]) -> int:
        """How many runs are missing now and later, if no search goes on beyond its ends."""
        done = {key_of(row) for row in rows}
        later = (run for each in self.competitors(rows) for run in each.expected(rows))
        return sum(key_of(run) not in done for run in later)

    def losses(self, rows: Iterable[Run]) -> dict[float, float]:
        """The loss on validation of the runs that a rate is chosen by, by rate; lower is better.

        A run whose loss was no number at a step, and which ended there, has lost.
        """
        return {
            row["rate"]: row["validation_loss"] if len(row["losses"]) == row["steps"] else inf
            for row in rows
            if row["family"] == self.name and row["rate"] is not None
            if key_of(row) == key_of(self.run(0, row["rate"]))
        }


SAID = tuple(Family("", "").run(0, None))  # what every row says of its run


def lowest(rates: Sequence[float], losses: Mapping[float, float]) -> float:
    """The rate with the lowest loss; the lower of two that are equal."""
    return min(rates, key=lambda rate: (losses[rate], rate))


def key_of(row: Mapping[str, Any]) -> str:
    """What was run, as one text: the same for a run and for its row."""
    knobs = sorted(row["knobs"].items())
    names = (name for name in SAID if name != "knobs")
    return repr([*(row[name] for name in names), knobs])
