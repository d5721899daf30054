"""Sources: where a command takes its examples and its model from."""

from typing import TYPE_CHECKING

import click

import prefixlab as pl

if TYPE_CHECKING:
    from prefixlab import Task

BACKBONE = click.Option(
    ["--backbone"],
    metavar="NAME",
    help="The frozen model: a name such as gpt2, a model of the Hub, or a folder; without it, the "
    "one that `prefixlab doctor` names.",
)
EXAMPLES = [
    click.Option(
        ["--csv"], metavar="FILE", help="Your own examples: a CSV file with a header line."
    ),
    click.Option(["--text"], metavar="COLUMN", help="The column of its texts."),
    click.Option(["--label"], metavar="COLUMN", help="The column of their labels."),
    click.Option(
        ["--task"], metavar="NAME", help="In place of a file, a task that ships: movie_reviews, …"
    ),
]
FEW = {"test": 40}  # tables: a text for each is written, word by word


def task_of(csv: str | None, text: str | None, label: str | None, task: str | None) -> "Task":
    """The task that these options name: a file has its test rows cut off the same each time."""
    if csv and text and label and not task:
        return pl.Task.from_csv(csv, text=text, label=label)
    if task and not (csv or text or label):
        return pl.tasks.load(task, **(FEW if task in pl.tasks.TABLES else {}))
    raise click.UsageError("Give either --csv, --text and --label together, or --task.")
