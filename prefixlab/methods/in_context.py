"""In-context learning: demonstrations in front of the query, nothing trained (Brown et al. 2020).

    input = d_1 d_2 … d_k template(x),    d_i = template(x_i, y_i)

The demonstrations are the same for every query. So they are read once, and the keys and values
they leave in every layer are shared by all queries: a prefix made of real text.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any, TypeVar

from datasets import Dataset

from prefixlab.backbone import Backbone, Conditioning
from prefixlab.batching import Row, encode
from prefixlab.encoder_decoder import EncoderDecoder
from prefixlab.geometry import Geometry
from prefixlab.knobs import knob
from prefixlab.methods.base import CommonKnobs, Method, Positions
from prefixlab.tasks import Task
from prefixlab.template import Template, Verbalizer, tokens_of

T = TypeVar("T")

SEPARATOR = "\n\n"
OUTSIDE_WORDS = ("apple", "table", "river", "Monday", "seven", "paper", "garden", "copper")


@dataclass(frozen=True)
class InContextKnobs(CommonKnobs):
    demonstrations: int = knob(
        4, "how many examples stand in front", low=0, high=64, unit="examples"
    )
    balanced: bool = knob(True, "as many demonstrations of every class, as far as k allows")
    order: int = knob(0, "which of the k! orders, in lexicographic count", low=0)
    labels: str = knob(
        "true",
        "the demonstrations' labels: true, drawn at random, or words from outside the answers",
        choices=("true", "random", "outside"),
    )


class InContextLearning(Method):
    """k demonstrations from the training examples, encoded once.

    Raises
    ------
    ValueError
        More demonstrations than training examples or than positions; an order that k
        demonstrations do not have; an encoder-decoder.
    """

    name = "in_context"
    Knobs = InContextKnobs

    def start(self, lm: Backbone, task: Task) -> None:
        chosen = choose(task, self.knobs, self.seed)
        self.recall(lm, [self.template.fill(x, y) for x, y in chosen])

    def recall(self, lm: Backbone, texts: Sequence[str]) -> None:
        self.texts = list(texts)
        if isinstance(lm, EncoderDecoder):
            raise ValueError(
                f"{lm.name} is an encoder-decoder, whose encoder reads demonstrations and query "
                "only together; write them into the template of discrete_prompt."
            )
        self.tokens = tokens(lm, self.texts)
        self.past = lm.read_past(self.tokens) if self.tokens else None

    def rows(self, lm: Backbone, examples: Dataset, task: Task) -> list[Row]:
        if not self.tokens:
            return super().rows(lm, examples, task)
        # The last separator is tokenized with the query: at the end of a text, two line breaks
        # would be another token than in the middle of one.
        query = Template(SEPARATOR + self.template.text)
        return encode(lm.tokenizer, query, examples, task.verbalizer, begins=False)

    def ends(self, lm: Backbone) -> list[int]:
        if not self.tokens:
            return super().ends(lm)
        # After an answer comes, as the demonstrations have it, what parts it from the next one.
        return [*super().ends(lm), tokens_of(lm.tokenizer, f"{SEPARATOR}x")[0]]

    def conditioning(self) -> Conditioning:
        return Conditioning(past=self.past)

    @classmethod
    def positions(cls, geometry: Geometry, **knobs: Any) -> list[Positions]:
        query = super().positions(geometry, **knobs)
        k = InContextKnobs.of(cls.name, knobs).demonstrations
        shared = dict.fromkeys(range(geometry.layers), "read")
        length = k * sum(part.length for part in query)  # as long as the query and its answer
        return [Positions(f"{k} demonstrations", length, "read", shared), *query]


def choose(task: Task, knobs: InContextKnobs, seed: int) -> list[tuple[str, str]]:
    """The demonstrations as (text, answer word), in the order asked for."""
    k = knobs.demonstrations
    if k > len(task.train):
        raise ValueError(
            f"demonstrations={k} is more than the {len(task.train)} training examples; "
            f"choose from 0 to {len(task.train)}."
        )
    if knobs.order >= factorial(k):
        raise ValueError(
            f"order={knobs.order} is out of range; {k} demonstrations have "
            f"{factorial(k)} orders, 0 to {factorial(k) - 1}."
        )
    source = random.Random(seed)
    picked = pick(task.train, task.verbalizer, k, knobs.balanced, source)
    spoken = [(x, word(task.verbalizer, y, knobs.labels, source)) for x, y in picked]
    return permutation(spoken, knobs.order)


def word(verbalizer: Verbalizer | None, y: int | str, labels: str, source: random.Random) -> str:
    if verbalizer is None:
        return str(y)
    if labels == "outside":  # a fixed word for each class, not an answer
        return OUTSIDE_WORDS[int(y) % len(OUTSIDE_WORDS)]
    if labels == "random":
        return source.choice(verbalizer.words)
    return verbalizer.words[int(y)]


def tokens(lm: Backbone, texts: Sequence[str]) -> list[int]:
    """The demonstrations as tokens; at least one position must remain for the query itself."""
    found = lm.encode(SEPARATOR.join(texts)) if texts else []
    lm.check_room(len(found), 1)
    return found


def permutation(items: Sequence[T], number: int) -> list[T]:
    """The permutation of that number, from 0, in lexicographic order."""
    left, chosen = list(items), []
    while left:
        index, number = divmod(number, factorial(len(left) - 1))
        chosen.append(left.pop(index))
    return chosen


def pick(
    examples: Dataset, verbalizer: Verbalizer | None, k: int, balanced: bool, source: random.Random
) -> list[tuple[str, int | str]]:
    """k random examples; balanced ones take every class in turn."""
    rows = list(zip(examples["x"], examples["y"], strict=True))
    source.shuffle(rows)
    if not balanced or verbalizer is None:
        return rows[:k]
    by_class = [[row for row in rows if row[1] == y] for y in range(len(verbalizer.words))]
    longest = max(len(of_class) for of_class in by_class)
    in_turn = [of_class[i] for i in range(longest) for of_class in by_class if i < len(of_class)]
    return in_turn[:k]
