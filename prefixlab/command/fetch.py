"""Fetch: have the files that the lessons read, and say which backbone they use."""

from typing import Any

import click

import prefixlab as pl
from prefixlab.command.answering import Answering


@click.command(cls=Answering)
def fetch() -> tuple[str, dict[str, Any]]:
    """Have the lessons' model and data in the cache."""
    from prefixlab.data import assets

    try:
        ratings, minilm = (str(assets.fetch(one)) for one in (assets.RATINGS, assets.MINILM))
        lm = pl.load()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "Interrupted: what was fetched whole is kept; start again to go on."
        ) from None
    words = f"Ratings in {ratings}\nMiniLM in {minilm}\nBackbone {lm}"
    return words, {"ratings": ratings, "minilm": minilm, "backbone": lm.name}
