"""Answering: a command's result goes to the output, and all else to the error stream."""

import json
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from typing import Any

import click


class Answering(click.Command):
    """A command whose callback returns its result twice: in words, and as `--json` prints it."""

    def __init__(self, *given: Any, **options: Any):
        super().__init__(*given, **options)
        help = "Print the result as JSON."
        self.params.append(click.Option(["--json", "as_json"], is_flag=True, help=help))

    def invoke(self, ctx: click.Context) -> None:
        as_json = ctx.params.pop("as_json")
        with redirect_stdout(sys.stderr):  # what the library prints meanwhile
            words, found = super().invoke(ctx)
        click.echo(json.dumps(found) if as_json else words)


def bar(steps: Iterable[Any], length: int, label: str, says: Any = None) -> Any:
    """A progress bar over `steps`, where the error stream is a terminal.

    `says` gives a few words for a step, and is given None before the first.
    """
    return click.progressbar(
        steps, length=length, label=label, item_show_func=says, file=sys.stderr
    )
