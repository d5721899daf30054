"""Experiments: runs on a grid, recorded with their provenance.

    python -m prefixlab.experiments prompt_tuning

adds the runs that `data/runs/prompt_tuning.jsonl` lacks: stopped and started again it goes on where
it was. Every row says what was run, on which backbone, with which versions, when, and by which
command, so that a lesson can show it as what it is: recorded, not run just now.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from prefixlab import tasks
from prefixlab.backbone import Backbone, load
from prefixlab.evaluation import evaluate
from prefixlab.methods import create
from prefixlab.training import Recipe, train

FOLDER = Path(__file__).parents[1] / "data" / "runs"
STEPS, BATCH = 48, 8
WORDINGS = {
    "question": "{x} Is this review positive or negative? {y}",
    "it was": "{x} It was {y}",
    "sentiment": "Review: {x}\nSentiment: {y}",
    "all in all": "{x} All in all, the film is {y}",
}


def run(method: str, *, train_size: int = 256, seed: int = 0, **knobs: Any) -> dict[str, Any]:
    """What one run is, as the key of its row."""
    return {"method": method, "train": train_size, "seed": seed, "knobs": knobs}


def prompt_tuning() -> Iterator[dict[str, Any]]:
    for seed in (0, 1):
        for init in ("uniform", "vocabulary", "labels", "text"):
            yield run("prompt_tuning", seed=seed, init=init, prompt_length=10)
    for length in (1, 20):
        yield run("prompt_tuning", init="labels", prompt_length=length)


def prefix_tuning() -> Iterator[dict[str, Any]]:
    for seed in (0, 1):
        for init in ("uniform", "matched", "unrelated_words", "task_words", "examples"):
            yield run("prefix_tuning", train_size=32, seed=seed, init=init, prefix_length=10)
    for length in (1, 10, 50):
        yield run("prefix_tuning", init="task_words", prefix_length=length)
    for init in ("uniform", "task_words"):
        yield run("prefix_tuning", train_size=32, init=init, reparameterization="mlp")


def p_tuning() -> Iterator[dict[str, Any]]:
    for wording in WORDINGS.values():
        for encoder in ("lstm", "none"):
            yield run("p_tuning", template=soft(wording), encoder=encoder)


def soft(wording: str) -> str:
    """The same words with three soft slots before the text and three after it."""
    return "{soft:3}" + wording.replace("{x}", "{x}{soft:3}")


GRIDS = {"prompt_tuning": prompt_tuning, "prefix_tuning": prefix_tuning, "p_tuning": p_tuning}


def recorded(name: str) -> pd.DataFrame:
    """The recorded runs of a grid, one row a run, with a column for every knob that was set.

    Raises
    ------
    ValueError
        No such record.
    """
    path = FOLDER / f"{name}.jsonl"
    if not path.exists():
        here = ", ".join(sorted(file.stem for file in FOLDER.glob("*.jsonl")))
        raise ValueError(f"No runs are recorded as {name!r}; recorded are: {here or 'none'}.")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return pd.DataFrame([row | row.pop("knobs") for row in rows])


def measure(lm: Backbone, wanted: dict[str, Any]) -> dict[str, Any]:
    """Train and test one run."""
    task = tasks.load("movie_reviews", train=wanted["train"], test=200)
    began = time.perf_counter()
    method = create(wanted["method"], lm, task, seed=wanted["seed"], **wanted["knobs"])
    recipe = Recipe(steps=STEPS, batch_size=BATCH, seed=wanted["seed"])
    losses = [step.loss for step in train(lm, method, task, recipe=recipe)]
    seconds = time.perf_counter() - began
    result = evaluate(lm, method, task)
    return wanted | {
        "recipe": recipe.as_dict(),
        "backbone": lm.name,
        "task": task.name,
        "accuracy": result.accuracy,
        "loss": result.loss,
        "train_loss": sum(losses[-8:]) / len(losses[-8:]),
        "test": result.examples,
        "seconds": round(seconds, 1),
        "dtype": str(lm.dtype).removeprefix("torch."),
        "versions": {name: version(name) for name in ("prefixlab", "torch", "transformers")},
        "date": datetime.now(UTC).date().isoformat(),
        "command": f"python -m prefixlab.experiments {wanted['method']}",
    }


def record(name: str) -> None:
    """Run what the grid has and the file lacks, and add it row by row."""
    path = FOLDER / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text().splitlines() if path.exists() else []
    done = [{key: row[key] for key in run("")} for row in map(json.loads, lines)]
    missing = [wanted for wanted in GRIDS[name]() if wanted not in done]
    lm = load()
    for number, wanted in enumerate(missing, 1):
        row = measure(lm, wanted)
        lines.append(json.dumps(row))
        fresh = path.with_suffix(".new")
        fresh.write_text("\n".join(lines) + "\n")
        os.replace(fresh, path)
        print(f"{number}/{len(missing)} {wanted} accuracy {row['accuracy']:.3f}", flush=True)


if __name__ == "__main__":
    for grid in sys.argv[1:] or GRIDS:
        if grid not in GRIDS:
            sys.exit(f"Unknown grid {grid!r}; choose from {', '.join(GRIDS)}.")
        record(grid)
