"""Rows as the recorder makes them, of runs that never were."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from prefixlab.workbook.evidence import FAMILIES, Array, Records
from prefixlab.workbook.protocol import Family, Run, key_of

SENTENCES = 400
LABELS = np.random.default_rng(0).permutation(SENTENCES) % 2.0
Ahead = Callable[[int], Array]  # how far the right answer is ahead, [sentences], with a seed


def made(
    name: str,
    ahead: Ahead,
    *,
    best: float | None = None,
    seeds: int = 5,
    setting: Mapping[str, Any] | None = None,
) -> list[Run]:
    """The rows of a family: its rates with seed 0, and the best of them with all seeds.

    The best is the middle one, if it is not given.
    """
    family = FAMILIES[name]
    if setting:
        family = family.within(setting, family.middle)
    best = best or family.middle
    runs = family.search([])
    runs += [family.run(seed, best) for seed in range(min(seeds, family.seeds))]
    return [
        row(run, ahead(run["seed"])) | {"validation_loss": abs((run["rate"] or 0) - (best or 0))}
        for run in {key_of(run): run for run in runs}.values()
    ]


def row(run: Run, ahead: Array) -> Run:
    """What a run came to, on every task that it was tested on."""
    margins = np.where(LABELS == 1, ahead, -ahead)
    tested = {
        "margins": margins.tolist(),
        "content_free": 0.0,
        "accuracy": float(np.mean((margins > 0) == LABELS)),
        "loss": float(np.mean(np.logaddexp(0, -ahead))),
    }
    elsewhere = dict.fromkeys(run["also"], tested)
    trained = {"backbone": "made", "losses": [0.5] * run["steps"]}
    return run | trained | tested | {"elsewhere": elsewhere}


def complete(
    family: Family, best: float, measured: Callable[[Run], Run], backbone: str = "made"
) -> list[Run]:
    """All rows of a family, as if a recorder had found that its best rate is this one.

    `measured` says what else came of a run.
    """
    rows: list[Run] = []
    while missing := family.missing(rows):
        for run in missing:
            trained = {}
            if run["rate"] is not None:
                loss = abs(np.log(run["rate"] / best))
                trained = {"losses": [0.5] * run["steps"], "validation_loss": float(loss)}
            rows.append(run | {"backbone": backbone} | trained | measured(run))
    return rows


def records(*families: list[Run]) -> Records:
    return Records([row for rows in families for row in rows], lambda row: LABELS)


def noisy(mean: float, luck: int, between: float = 0.02, each: float = 1.0) -> Ahead:
    """Around a mean: sentences that differ, more or less the same with every seed."""
    sentences = np.random.default_rng(1).normal(size=SENTENCES)

    def ahead(seed: int) -> Array:
        source = np.random.default_rng([luck, seed])
        own = 0.2 * source.normal(size=SENTENCES)
        return mean + between * source.normal() + each * (sentences + own)

    return ahead


def write(folder: Path, grid: str, rows: Iterable[Run]) -> None:
    """The file of a grid in a folder of records."""
    (folder / f"{grid}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
