"""Export: a saved method as an adapter of PEFT."""

from typing import Any

import click

import prefixlab as pl
from prefixlab.command.answering import Answering
from prefixlab.command.sources import BACKBONE

OUT = click.Option(["--out"], required=True, help="The folder of the adapter.")


@click.command(cls=Answering, params=[click.Argument(["path"]), OUT, BACKBONE])
def export(path: str, out: str, backbone: str | None) -> tuple[str, dict[str, Any]]:
    """Write a saved method as an adapter of PEFT.

    PATH is where it was saved. `PeftModel.from_pretrained(model, OUT)` loads what is written.
    """
    folder = pl.to_peft(pl.load_method(path, pl.load(backbone)), out)
    return f"An adapter of PEFT is in {folder}.", {"folder": str(folder)}
