"""What both sides read: film sentences to judge, and tables to put into words; and how many."""

from dataclasses import dataclass, replace

from prefixlab.data import tasks
from prefixlab.data.task import Task


@dataclass(frozen=True)
class Sizes:
    """How much is measured: each of the `parts` is a pair, on texts of its own."""

    parts: int = 3
    trained: int = 32  # sentences of a part
    batch: int = 16
    scored: int = 100
    written: int = 8  # tables of a part
    tokens: int = 40  # of a text
    asked: int = 24
    demonstrations: int = 8
    prefix: int = 10  # positions, or virtual tokens
    lengths: tuple[int, ...] = (1, 10, 50, 100)
    steps: int = 48  # of a learner's run


FULL = Sizes()
# So that everything can be tried without measuring anything.
QUICK = Sizes(
    parts=1,
    trained=2,
    batch=2,
    scored=2,
    written=2,
    tokens=2,
    asked=2,
    demonstrations=2,
    prefix=3,
    lengths=(1, 2),
    steps=1,
)


def films(sizes: Sizes) -> Task:
    """Film sentences of any length."""
    test = sizes.parts * max(sizes.scored, sizes.asked)
    return tasks.load("movie_reviews", train=sizes.parts * max(sizes.trained, 8), test=test)


def restaurants(sizes: Sizes) -> Task:
    return tasks.load("restaurants", test=sizes.parts * sizes.written)


def learner(words: int | None) -> Task:
    """What a lesson trains on; with `words`, no sentence has more of them."""
    return tasks.load("movie_reviews", train=256, words=words)


def part_of(task: Task, split: str, number: int, size: int) -> Task:
    """The task with `size` examples of a split, others for every number."""
    rows = task.splits[split]
    return replace(task, **{split: rows.select(range(number * size, (number + 1) * size))})
