"""Generate: what a saved method answers to texts, chosen or written."""

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import click

import prefixlab as pl
from prefixlab.command.answering import bar
from prefixlab.command.declared import Knobbed
from prefixlab.command.evaluate import BATCH
from prefixlab.command.sources import BACKBONE

if TYPE_CHECKING:
    from prefixlab import Decoding, Method, Task

Answers = tuple[str, list[dict[str, Any]]]


@click.command(
    cls=Knobbed,
    kinds=lambda: {"decoding": pl.Decoding},
    params=[
        click.Argument(["path"]),
        click.Argument(["texts"], nargs=-1, required=True),
        BACKBONE,
    ],
)
def generate(path: str, texts: list[str], backbone: str | None, decoding: "Decoding") -> Answers:
    """Answer texts by a saved method.

    PATH is where it was saved. A method that was trained on labels chooses one for each of TEXTS,
    with its probability; one that was trained on texts writes a text, as the decoding says.
    """
    lm = pl.load(backbone)
    method = pl.load_method(path, lm)
    task = task_behind(method, texts)
    words = method.asked.answers
    if words and decoding != pl.Decoding():
        raise ValueError(
            f"{path} chooses one of {', '.join(words)}, and writes nothing; leave out the knobs of "
            "the decoding."
        )
    if words:
        chosen = pl.predict(lm, method, task, texts)  # [texts, answers]
        best = [(words[int(row.argmax())], row.max().item()) for row in chosen]
        return "\n".join(f"{word} ({share:.3f})" for word, share in best), [
            {"text": text, "answer": word, "probability": share}
            for text, (word, share) in zip(texts, best, strict=True)
        ]
    writing = pl.evaluation.generation.generating(
        lm, method, task, texts, decoding=decoding, batch_size=BATCH
    )
    with bar(writing, ceil(len(texts) / BATCH), "Writing") as batches:
        *_, written = batches
    return "\n".join(written), [
        {"text": text, "answer": answer} for text, answer in zip(texts, written, strict=True)
    ]


def task_behind(method: "Method", texts: Sequence[str]) -> "Task":
    """The task that a saved method was made for, with these texts in place of its examples."""
    asked = method.asked
    examples = pl.tasks.dataset([(text, 0 if asked.answers else "") for text in texts])
    return pl.Task(
        name=asked.task,
        train=examples,
        validation=examples,
        test=examples,
        template=asked.template,
        verbalizer=pl.Verbalizer(asked.answers) if asked.answers else None,
        task_words="",
    )
