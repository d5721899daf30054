"""Recording: the runs that a grid lacks, made by any executor and added row by row.

    python -m prefixlab.workbook.recording prefix_tuning --workers 2

Stopped and started again it goes on where it was. A row is added by the process that asked for the
run, when the run is whole: a worker that is killed loses its own run and no other.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from prefixlab.arguments import one_of
from prefixlab.data import tasks
from prefixlab.data.task import Task
from prefixlab.evaluation.choices import content_free_scores, judge, scores
from prefixlab.methods import create
from prefixlab.models.backbone import Backbone
from prefixlab.models.loading import load
from prefixlab.paths import DATA
from prefixlab.training.loop import TrainingDiverged, train
from prefixlab.workbook import rows
from prefixlab.workbook.grids import GRIDS
from prefixlab.workbook.protocol import (
    BATCH,
    EVERY,
    VALIDATION,
    WARMUP,
    WORDS,
    Family,
    Run,
    key_of,
)

FOLDER = DATA / "records"
NO_LOSS = 1e9  # of a run whose loss was no number: it has lost


@lru_cache(maxsize=1)
def backbone(name: str | None) -> Backbone:
    """The model of this process, in float32, so that rows agree on every machine."""
    return load(name, dtype="float32")


def task_of(run: Run) -> Task:
    """The sentences of a run: a seed draws those to train on, and no others."""
    return tasks.load(
        run["task"],
        train=run["train"],
        validation=VALIDATION,
        test=run["test"],
        subset=run["seed"],
        words=WORDS,
    )


def measure(run: Run, name: str | None = None, threads: int = 1) -> Run:
    """The row of a run: it is trained by the protocol, and tested."""
    torch.set_num_threads(threads)
    lm, task = backbone(name), task_of(run)
    began = time.perf_counter()
    method = create(run["method"], lm, task, seed=run["seed"], **run["knobs"])
    row: dict[str, Any] = dict(run) | {"backbone": lm.name}
    if run["rate"] is not None:
        training = train(
            *(lm, method, task),
            steps=run["steps"],
            batch_size=BATCH,
            learning_rate=run["rate"],
            warmup=min(WARMUP, run["steps"]),
            decay="constant",
            validate_every=EVERY,
            patience=run["steps"],  # never: but the best is kept
            seed=run["seed"],
        )
        curve: list[list[float]] = []
        losses: list[float] = []
        try:
            for step in training:
                losses.append(round(step.loss, 4))
                if step.validation:
                    found = step.validation
                    curve.append([step.step, round(found.loss, 4), found.accuracy or 0.0])
        except TrainingDiverged:
            training.finish()
        best = min(curve, key=lambda at: at[1], default=[0, NO_LOSS, 0.0])
        row |= {
            "losses": losses,
            "validation": curve,
            "best_step": int(best[0]),
            "validation_loss": best[1],
            "validation_accuracy": best[2],
            **method.outcome(),
        }
    seconds = time.perf_counter() - began
    given = scores(lm, method, task, task.test)
    free = content_free_scores(lm, method, task)
    result, calibrated = judge(given, task.test), judge(given - free, task.test)
    return row | {
        "accuracy": result.accuracy,
        "calibrated": calibrated.accuracy,
        "loss": round(result.loss, 4),
        # How far the second answer is ahead of the first, for every test sentence, and for none.
        "margins": [round(margin, 2) for margin in (given[:, 1] - given[:, 0]).tolist()],
        "content_free": round(float(free[1] - free[0]), 2),
        "parameters": method.parameters_now(),
        "train_seconds": round(seconds, 1),  # validation included
        "dtype": "float32",
        "threads": threads,
        "processor": processor(),
        "versions": {each: version(each) for each in ("prefixlab", "torch", "transformers")},
        "date": datetime.now(UTC).date().isoformat(),
    }


@lru_cache
def processor() -> str:
    """What the machine calls its processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")


def path_of(grid: str) -> Path:
    return FOLDER / f"{grid}.jsonl"


def missing(families: Sequence[Family], done: Sequence[Run]) -> list[Run]:
    """What is to be run next of all families, those that share a stage in turn."""
    stages = [list(family.missing(done)) for family in families]
    longest = max(map(len, stages), default=0)
    return [stage[place] for place in range(longest) for stage in stages if place < len(stage)]


def record(
    grid: str, executor: Executor, *, workers: int, name: str | None = None, most: int | None = None
) -> int:
    """Add to a grid what it lacks, by the processes of an executor; how many rows were added.

    Raises
    ------
    ValueError
        No such grid, a damaged file, or a file that another process is recording.
    """
    families = GRIDS[one_of("grid", grid, GRIDS)]()
    path = path_of(grid)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.stem}.recorder.lock"))
    with rows.disk_errors(path.parent, rows.REMEDY):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise ValueError(
                f"{grid} is being recorded by another process; wait for it, or stop it."
            ) from None
    added, began, at_work = 0, time.perf_counter(), dict[Future[Run], str]()
    try:
        while True:
            done = rows.read(path)
            busy = set(at_work.values())
            left = [run for run in missing(families, done) if key_of(run) not in busy]
            room = workers - len(at_work)
            if most is not None:
                room = min(room, most - added - len(at_work))
            for run in left[: max(0, room)]:
                at_work[executor.submit(measure, run, name)] = key_of(run)
            if not at_work:
                return added
            finished, _ = wait(at_work, return_when=FIRST_COMPLETED)
            for future in finished:
                del at_work[future]
                row = future.result() | {"command": f"python -m {__spec__.name} {grid}"}
                rows.append(path, row)
                added += 1
                each = (time.perf_counter() - began) / added
                known = len(left) + len(at_work)
                print(
                    f"{grid}: {row['family']}, rate {row['rate']}, seed {row['seed']}: "
                    f"accuracy {row['accuracy']:.3f}, loss {row['loss']:.3f}; {added} added, "
                    f"{known} known to be left, {each * known / 60:.0f} min",
                    flush=True,
                )
    finally:
        lock.release()


def main(given: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog=f"python -m {__spec__.name}", description=__doc__)
    parser.add_argument("grids", nargs="*", help=f"some of {', '.join(GRIDS)}; all without any")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="runs at a time")
    parser.add_argument("--backbone", help="another model than the usual one, such as gpt2")
    parser.add_argument("--most", type=int, help="stop after so many rows")
    asked = parser.parse_args(given)
    try:
        with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn")) as executor:
            for grid in asked.grids or GRIDS:
                record(grid, executor, workers=asked.workers, name=asked.backbone, most=asked.most)
    except ValueError as error:  # says in one sentence what is wrong, and the remedy
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("Interrupted: what is recorded stays; start again to go on.")


if __name__ == "__main__":
    main(sys.argv[1:])
