"""Several tasks as one: what multi-task tuning trains on.

    max_θ  Σ_tasks Σ_(x, y)  log p_φ(y | [P_θ; x])

One prompt or prefix is trained on the examples of all tasks, by the same loop. As in text-to-text
(Raffel et al. 2020, section 2.4), each example says in words which task it is of: here by the
template of its own task. The answers of all tasks are one answer space.
"""

import random
from collections.abc import Sequence
from itertools import permutations

from prefixlab.arguments import shortened
from prefixlab.data.examples import SPLITS, datasets, rows_of
from prefixlab.data.task import Task
from prefixlab.data.template import Template, Verbalizer


def mixture(*parts: Task) -> Task:
    """A task with the examples of all `parts`, each in the words of its own template.

    What was trained on a mixture is tested on one of its parts as `mixture(part)`, which asks in
    the same words and has only that part's answers to choose from.

    Raises
    ------
    ValueError
        No task or something else, a template with soft slots, answers after different white
        space, free text beside tasks with answers to choose from, or a task that trains on what
        another one tests on.
    """
    if not parts:
        raise ValueError("A mixture needs at least one task.")
    if other := [part for part in parts if not isinstance(part, Task)]:
        raise ValueError(
            f"A mixture is made of tasks, not of type {type(other[0]).__name__}; name them one by "
            "one: mixture(films, tweets)."
        )
    templates = [part.template for part in parts]
    if soft := [template.text for template in templates if template.virtual_tokens]:
        raise ValueError(
            f"The template {soft[0]!r} has soft slots, which stay words in a mixture; remove "
            "{soft:…}, the method brings its own."
        )
    if len({template.answer_lead for template in templates}) > 1:
        raise ValueError(
            "The templates differ in the space before {y}, and so in the first token of an "
            f"answer: {[template.text for template in templates]}; write it the same in all."
        )
    spaces = [part.verbalizer.words for part in parts if part.verbalizer]
    if spaces and len(spaces) < len(parts):
        raise ValueError(
            f"{' + '.join(part.name for part in parts)} mixes free text with answers to choose "
            "from; train them apart, and serve them in one batch."
        )
    check_held_out(parts)
    words = tuple(dict.fromkeys(word for space in spaces for word in space))
    rows = {
        split: [row for part in parts for row in examples_of(part, split, words)]
        for split in SPLITS
    }
    for of_split in rows.values():
        random.Random(0).shuffle(of_split)
    return Task(
        name=" + ".join(part.name for part in parts),
        **datasets(rows),
        template=Template("{x}" + templates[0].answer_lead + "{y}"),
        verbalizer=Verbalizer(words) if words else None,
        task_words=" ".join(dict.fromkeys(part.task_words for part in parts)),
    )


def check_held_out(parts: Sequence[Task]) -> None:
    """What one task tests on must not be trained on in another: two seeds of one task do that."""
    for one, other in permutations(parts, 2):
        held_out = {prompt_of(other, x) for x in [*other.validation["x"], *other.test["x"]]}
        if one is not other and (shared := held_out & {prompt_of(one, x) for x in one.train["x"]}):
            raise ValueError(
                f"{one.name} trains on {len(shared)} text(s) that {other.name} validates or tests "
                f"on, {shortened(min(shared))} for one; load both with the same seed."
            )


def prompt_of(part: Task, x: str) -> str:
    """Everything before the answer; there are no soft slots in it."""
    return "".join(map(str, part.template.prompt(x)))


def examples_of(part: Task, split: str, words: Sequence[str]) -> list[tuple[str, int | str]]:
    """The examples as (everything before the answer, the answer or its number in `words`)."""
    own = part.verbalizer.words if part.verbalizer else ()
    return [
        (prompt_of(part, x), words.index(own[y]) if own else y)
        for x, y in rows_of(part.splits[split])
    ]
