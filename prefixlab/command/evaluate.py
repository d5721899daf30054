"""Evaluate: how well a saved method does on a task's test examples."""

from dataclasses import asdict
from math import ceil
from typing import TYPE_CHECKING, Any

import click

import prefixlab as pl
from prefixlab.command.answering import Answering, bar
from prefixlab.command.sources import BACKBONE, EXAMPLES, task_of

if TYPE_CHECKING:
    from prefixlab import Backbone, Method, Task

BATCH = 8  # examples that are read at a time


@click.command(cls=Answering, params=[click.Argument(["path"]), *EXAMPLES, BACKBONE])
def evaluate(path: str, backbone: str | None, **source: Any) -> tuple[str, dict[str, Any]]:
    """Test a saved method on examples that it was not trained on.

    PATH is where it was saved. Of a file the rows are tested that `train` holds out of it. Labels
    are chosen; texts are written, and compared with those of the task.
    """
    task = task_of(**source)
    lm = pl.load(backbone)
    return tested(lm, pl.load_method(path, lm), task)


def tested(lm: "Backbone", method: "Method", task: "Task") -> tuple[str, dict[str, Any]]:
    """How well a method does on a task's test examples, in words and in numbers."""
    from prefixlab.evaluation.choices import judge, scoring
    from prefixlab.evaluation.generation import generating

    found: pl.Evaluation | pl.TextEvaluation
    if task.verbalizer:
        scores = scoring(lm, method, task, task.test, batch_size=BATCH)
        with bar(scores, ceil(len(task.test) / BATCH), "Testing") as batches:
            *_, scored = batches
        found = judge(scored, task.test)
    else:
        asked = pl.tasks.references(task.test)
        texts = generating(lm, method, task, [*asked], batch_size=BATCH)
        with bar(texts, ceil(len(asked) / BATCH), "Writing") as batches:
            *_, written = batches
        found = pl.judge_texts(written, asked)
    return str(found), asdict(found)
