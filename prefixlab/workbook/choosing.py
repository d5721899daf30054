"""Choosing: which way to steer fits, by what is needed first and by what was measured then.

Needs rule ways out: who may only send text cannot train inside the model, whatever that would be
worth. Of the ways that are left those within `NEAR` of the most accurate count as equally good, and
the one that stores the least is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass

NEAR = 0.03  # of accuracy: means that are no further apart count as equally good


@dataclass(frozen=True)
class Way:
    """A way to steer a model: what it asks for, and how accurate it was.

    `fewest` is how many labelled examples it takes, `inside` whether the model's weights have to
    be at hand, `positions` how many tokens of the context it takes, `stored` how many bytes are
    kept for a task, `together` whether rows of other tasks may share a batch with its own.
    """

    name: str
    fewest: int
    inside: bool
    positions: int
    stored: int
    together: bool
    accuracy: float


@dataclass(frozen=True)
class Needs:
    """What there is and what has to be: examples, positions and bytes at most, and two yes or no.

    `inside` says that the weights are at hand, `together` that tasks have to share a batch.
    """

    examples: int
    inside: bool
    positions: int
    stored: int
    together: bool

    @property
    def name(self) -> str:
        """All of it in words."""
        weights = "weights at hand" if self.inside else "text in and text out only"
        tasks = "several tasks in a batch" if self.together else "one task at a time"
        return (
            f"{self.examples} examples, {weights}, room for {self.positions} tokens, "
            f"{self.stored:,} bytes a task, {tasks}"
        )


def obstacles(way: Way, needs: Needs) -> list[str]:
    """Why a way cannot be taken, in words; nothing where it can."""
    found = {
        f"needs {way.fewest} examples": way.fewest > needs.examples,
        "needs the weights": way.inside and not needs.inside,
        f"takes {way.positions} positions": way.positions > needs.positions,
        f"stores {way.stored:,} bytes": way.stored > needs.stored,
        "cannot share a batch": needs.together and not way.together,
    }
    return [reason for reason, so in found.items() if so]


def choose(ways: Sequence[Way], needs: Needs) -> str:
    """The name of the way to take.

    Raises
    ------
    ValueError
        No way is left.
    """
    possible = [way for way in ways if not obstacles(way, needs)]
    if not possible:
        raise ValueError(f"No way is left with {needs.name}; ask for less.")
    best = max(way.accuracy for way in possible)
    good = [way for way in possible if way.accuracy >= best - NEAR]
    return min(good, key=lambda way: way.stored).name
