"""Train: from a file of examples to a saved method, in one command.

What was trained is kept when it is interrupted, and the same command goes on from there.
"""

import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event
from typing import TYPE_CHECKING, Any

import click

import prefixlab as pl
from prefixlab.command.answering import bar
from prefixlab.command.declared import Knobbed
from prefixlab.command.evaluate import tested
from prefixlab.command.groups import InOrder
from prefixlab.command.sources import BACKBONE, EXAMPLES, task_of

if TYPE_CHECKING:
    from prefixlab import Backbone, Method, Recipe, Step, Task, Training
    from prefixlab.methods.base import CommonKnobs

OUT = click.Option(
    ["--out"], required=True, metavar="PATH", help="Where the trained method is saved."
)


class Methods(InOrder):
    """A command for every method that can be trained, from the registry."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for kind in pl.METHODS.values():
            if kind.learning_rate:
                self.add_command(command_of(kind))
        return super().parse_args(ctx, args)


def command_of(kind: "type[Method]") -> click.Command:
    """The command that trains a method, with what its file says of it."""
    about = sys.modules[kind.__module__].__doc__ or ""
    return Knobbed(
        kind.name,
        callback=partial(trained, kind),
        kinds=lambda: {"method": kind.Knobs, "recipe": pl.Recipe},
        params=[*EXAMPLES, OUT, BACKBONE],
        help=re.sub(r"\n\n(?= )", "\n\n\b\n", about),  # an equation keeps its lines
        short_help=about.partition("\n")[0],
    )


@click.group(cls=Methods)
def train() -> None:
    """Train a method on a file of yours, and save it."""


def trained(
    kind: "type[Method]",
    out: str,
    backbone: str | None,
    method: "CommonKnobs",
    recipe: "Recipe",
    **source: Any,
) -> tuple[str, dict[str, Any]]:
    from prefixlab.training.checkpoints import with_suffix

    path = with_suffix(out)
    check_place(path)
    task = task_of(**source)
    lm = pl.load(backbone)
    training = begun(path, lm, task, kind, method, recipe)
    try:
        follow(training, path)
    except pl.TrainingDiverged as error:
        keep(training, path)
        raise ValueError(f"{error} What is kept is in {path}.") from error
    keep(training, path)
    words, found = tested(lm, training.method, task)
    about = training.method.describe() | {"recipe": recipe.as_dict(), "steps": training.step}
    return f"{path}: {words}", {"path": str(path), "backbone": lm.name, **about, "test": found}


def check_place(path: Path) -> None:
    """Raise a ValueError where nothing can be saved, before anything is trained."""
    from prefixlab.files import in_words
    from prefixlab.training.checkpoints import opened

    if path.exists():
        with opened(path) as checkpoint:
            about = checkpoint.about
        if about.get("training") is None:
            raise ValueError(
                f"{path} holds a trained {about['method']} already; name another --out, or remove "
                "it."
            )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise ValueError(in_words(error, path.parent, "name another --out")) from error


def begun(
    path: Path,
    lm: "Backbone",
    task: "Task",
    kind: "type[Method]",
    knobs: "CommonKnobs",
    recipe: "Recipe",
) -> "Training":
    """A new run; or the one that was interrupted, if it is the same."""
    if not path.exists():
        method = kind(lm, task, seed=recipe.seed, **knobs.as_dict())
        return pl.train(lm, method, task, recipe=recipe)
    training = pl.resume(path, lm, task)
    method = training.method
    if (type(method), method.knobs, training.recipe) != (kind, knobs, recipe):
        raise ValueError(
            f"{path} holds a {method.name} that was begun with other knobs; give those to go on, "
            "name another --out, or remove it."
        )
    click.echo(f"{path} goes on after step {training.step} of {recipe.steps}.", err=True)
    return training


def follow(training: "Training", path: Path) -> None:
    """Take the steps that are left; at Ctrl-C, keep what they made."""
    steps = training.recipe.steps
    with (
        bar(training, steps - training.step, "Training", loss_of) as following,
        stopping() as asked,
    ):
        for _ in following:
            if asked.is_set():
                pl.save(training.method, path, training)
                raise KeyboardInterrupt(
                    f"Interrupted after step {training.step} of {steps}: what was trained is kept "
                    f"in {path}; the same command goes on from there."
                )


def keep(training: "Training", path: Path) -> None:
    """Save the method as it is used, which goes on no more."""
    training.method.drop_reparameterization()
    pl.save(training.method, path)


def loss_of(step: "Step | None") -> str:
    return f"loss {step.loss:.3f}" if step else ""


@contextmanager
def stopping() -> Iterator[Event]:
    """Within this context the first Ctrl-C sets the event, so that a step is taken whole.

    The second interrupts at once.
    """
    asked = Event()

    def set_it(*_: Any) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, set_it)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
