"""In-context learning: demonstrations in front of the query, nothing trained (Brown et al. 2020).

    input = D_1 D_2 … D_k template(x),    D_i = template(x_i, y_i)

The demonstrations are the same for every query. So they are read once, and the keys and values
they leave in every layer are shared by all queries: a prefix made of real text.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial
from typing import TypeVar

from datasets import Dataset

from prefixlab.data.batching import Row, control_tokens, encode
from prefixlab.data.task import Task
from prefixlab.data.template import Template, Verbalizer, tokens_of
from prefixlab.methods.base import CommonKnobs, Method
from prefixlab.methods.knobs import knob
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning
from prefixlab.models.encoder_decoder import EncoderDecoder

T = TypeVar("T")

SEPARATOR = "\n\n"
OUTSIDE_WORDS = (
    *("apple", "table", "river", "Monday", "seven", "paper", "garden", "copper"),
    *("window", "April", "lemon", "bridge", "silver", "pencil", "mountain", "twelve"),
    *("butter", "ladder", "island", "Friday", "carpet", "violin", "forest", "button"),
    *("candle", "desert", "bottle", "harbour", "mirror", "thirty", "spoon", "cloud"),
)


@dataclass(frozen=True)
class InContextKnobs(CommonKnobs):
    demonstrations: int = knob(
        4, "how many examples stand in front", low=0, high=64, unit="examples"
    )
    balanced: bool = knob(
        True,
        "as many demonstrations of every class, as far as k allows; with fewer than there are "
        "classes, which of them is drawn too",
        sizes=False,
    )
    order: int = knob(0, "which of the k! orders, in lexicographic count", low=0, sizes=False)
    labels: str = knob(
        "true",
        "the demonstrations' labels: true, drawn at random, or words from outside the answers",
        choices=("true", "random", "outside"),
        sizes=False,
    )


class InContextLearning(Method):
    """k demonstrations from the training examples, encoded once.

    Raises
    ------
    ValueError
        More demonstrations than training examples or than positions; an order that k
        demonstrations do not have; labels that the task has no words for; an encoder-decoder.
    """

    name = "in_context"
    Knobs = InContextKnobs
    unseen: Sequence[str] = ()  # answers that no demonstration has, where that is known

    def start(self, lm: Backbone, task: Task) -> None:
        chosen = demonstrations_of(task, self.knobs, self.seed)
        answers = dictionary(task.verbalizer, self.knobs.labels) if task.verbalizer else ()
        self.unseen = [word for word in answers if word not in {y for _, y in chosen}]
        self.recall(lm, [self.template.fill(x, y) for x, y in chosen])

    def recall(self, lm: Backbone, texts: Sequence[str]) -> None:
        self.take(lm, texts)
        self.past = lm.read_past(self.tokens) if self.tokens else None

    def take(self, lm: Backbone, texts: Sequence[str]) -> None:
        """Know the texts, and their tokens."""
        self.texts = list(texts)
        if isinstance(lm, EncoderDecoder):
            raise ValueError(
                f"{lm.name} is an encoder-decoder, whose encoder reads demonstrations and query "
                "only together; write them into the template of discrete_prompt."
            )
        named = [mark for mark in control_tokens(lm.tokenizer) if mark in self.template.text]
        if self.texts and named:
            raise ValueError(
                f"The template {self.template.text!r} names the control token {named[0]}, and "
                "demonstrations are read as text; remove it, or take discrete_prompt."
            )
        self.tokens = tokens(lm, self.texts)

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

    def extra_repr(self) -> str:
        shown = f"{len(self.texts)} demonstrations"
        return f"{shown}, none of them labelled {', '.join(self.unseen)}" if self.unseen else shown


def demonstrations_of(task: Task, knobs: InContextKnobs, seed: int) -> list[tuple[str, str]]:
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
    picked = pick(task.train, task.verbalizer, k, knobs.balanced, seed, source)
    if task.verbalizer is None:
        if knobs.labels != "true":
            raise ValueError(
                f"labels={knobs.labels!r} needs answers to choose from, and {task.name} asks for "
                "free text; choose 'true'."
            )
        return permutation([(x, str(y)) for x, y in picked], knobs.order)
    words = dictionary(task.verbalizer, knobs.labels)
    drawn = [
        (x, source.choice(words) if knobs.labels == "random" else words[int(y)]) for x, y in picked
    ]
    return permutation(drawn, knobs.order)


def dictionary(verbalizer: Verbalizer, labels: str) -> tuple[str, ...]:
    """The word that demonstrations have for each class."""
    if labels != "outside":
        return verbalizer.words
    answers = {word.strip().lower() for word in verbalizer.words}
    outside = [word for word in OUTSIDE_WORDS if word.lower() not in answers]
    if len(outside) < len(answers):
        raise ValueError(
            f"labels='outside' has a word for each of {len(outside)} classes, and there are "
            f"{len(answers)}; choose 'true' or 'random'."
        )
    return tuple(outside[: len(verbalizer.words)])


def tokens(lm: Backbone, texts: Sequence[str]) -> list[int]:
    """The demonstrations as tokens; at least one position must remain for the query itself."""
    found = lm.encode(SEPARATOR.join(texts)) if texts else []
    lm.geometry.check_room(len(found), 1)
    return found


def permutation(items: Sequence[T], number: int) -> list[T]:
    """The permutation of that number, from 0, in lexicographic order."""
    left, chosen = list(items), []
    while left:
        index, number = divmod(number, factorial(len(left) - 1))
        chosen.append(left.pop(index))
    return chosen


def pick(
    examples: Dataset,
    verbalizer: Verbalizer | None,
    k: int,
    balanced: bool,
    seed: int,
    source: random.Random,
) -> list[tuple[str, int | str]]:
    """k random examples; balanced ones take every class in turn, or k classes drawn at random."""
    rows = list(zip(examples["x"], examples["y"], strict=True))
    source.shuffle(rows)
    if not balanced or verbalizer is None:
        return rows[:k]
    by_class = [[row for row in rows if row[1] == y] for y in range(len(verbalizer.words))]
    by_class = [of_class for of_class in by_class if of_class]
    if k < len(by_class):
        # A source of its own: where a class is the same, so are its example and its random label.
        by_class = random.Random(seed).sample(by_class, k)
    longest = max(map(len, by_class), default=0)
    in_turn = [of_class[i] for i in range(longest) for of_class in by_class if i < len(of_class)]
    return in_turn[:k]
