"""Program: the sub-commands together, and what the exit status says.

0    it is done                  1      a ValueError, in one sentence on the error stream
2    it is not called so         130    interrupted
"""

from typing import Any

import click

from prefixlab.command.doctor import doctor
from prefixlab.command.evaluate import evaluate
from prefixlab.command.export import export
from prefixlab.command.fetch import fetch
from prefixlab.command.generate import generate
from prefixlab.command.groups import InOrder
from prefixlab.command.train import train
from prefixlab.command.workbook import claims, record


class Program(InOrder):
    """A group that ends with a sentence, and never with a traceback for what a user did."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (ValueError, OSError) as error:
            click.echo(error, err=True)
            ctx.exit(1)
        except KeyboardInterrupt as stopped:
            click.echo(str(stopped) or "Interrupted.", err=True)
            ctx.exit(130)


main = Program(
    "prefixlab",
    help="Steer a frozen language model: train a prompt or a prefix, test it, use it.",
    commands=[doctor, fetch, train, evaluate, generate, export, record, claims],
)
