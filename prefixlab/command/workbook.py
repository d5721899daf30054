"""The workbook's commands, the recorder and the ledger: each knows its own options."""

from importlib import import_module
from typing import Any

import click

# Every argument, --help too, is the other command's.
PASSED_ON: dict[str, Any] = {
    "context_settings": {"ignore_unknown_options": True},
    "add_help_option": False,
    "params": [click.Argument(["given"], nargs=-1, type=click.UNPROCESSED)],
}


def run(module: str, given: list[str]) -> None:
    """The command of a module of the workbook; a ValueError where the workbook is not installed."""
    try:
        command = import_module(f"prefixlab.workbook.{module}")
    except ImportError as error:
        raise ValueError(str(error)) from error
    command.main(given, prog=click.get_current_context().command_path)


@click.command(**PASSED_ON)
def record(given: list[str]) -> None:
    """Record the runs that the lessons compare."""
    run("recording", given)


@click.command(**PASSED_ON)
def claims(given: list[str]) -> None:
    """Print what the recorded runs say to every claim."""
    run("claims", given)
