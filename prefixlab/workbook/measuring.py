"""Measuring: a run becomes a row, on one thread and in float32, wherever that is."""

import platform
import time
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import torch

from prefixlab.data import tasks
from prefixlab.data.task import Task
from prefixlab.evaluation.choices import content_free_scores, judge, scores
from prefixlab.methods import Method, create
from prefixlab.models.backbone import Backbone
from prefixlab.models.loading import load
from prefixlab.training.loop import TrainingDiverged, train
from prefixlab.workbook.protocol import BATCH, EVERY, VALIDATION, WARMUP, WORDS, Run

NO_LOSS = 1e9  # of a run that was never validated: JSON has no infinity


@lru_cache(maxsize=1)
def backbone(name: str) -> Backbone:
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


def measure(run: Run, name: str, threads: int = 1) -> Run:
    """The row of a run: it is trained by the protocol, and tested.

    Raises
    ------
    ValueError
        A model that cannot be had, sentences that are too long for it, scores that are no numbers.
    """
    torch.set_num_threads(threads)
    lm, task = backbone(name), task_of(run)
    began = time.perf_counter()
    method = create(run["method"], lm, task, seed=run["seed"], **run["knobs"])
    trained = {} if run["rate"] is None else train_by_protocol(lm, method, task, run)
    seconds = time.perf_counter() - began
    given = scores(lm, method, task, task.test)  # [sentences, answers]
    free = content_free_scores(lm, method, task)  # [answers]
    result, calibrated = judge(given, task.test), judge(given - free, task.test)
    return {
        **run,
        "backbone": lm.name,
        **trained,
        "accuracy": result.accuracy,
        "calibrated": calibrated.accuracy,
        "loss": round(result.loss, 4),
        # How far the second answer is ahead of the first, for every test sentence, and for none.
        # One that is a little behind is -0.0: its sign still says which answer was chosen.
        "margins": [round(margin, 2) for margin in (given[:, 1] - given[:, 0]).tolist()],
        "content_free": round(float(free[1] - free[0]), 2),
        "parameters": method.parameters_now(),
        "train_seconds": round(seconds, 1),  # validation included
        "dtype": str(lm.dtype).removeprefix("torch."),
        "threads": threads,
        "processor": processor(),
        "versions": {each: version(each) for each in ("prefixlab", "torch", "transformers")},
        "date": datetime.now(UTC).date().isoformat(),
    }


def train_by_protocol(lm: Backbone, method: Method, task: Task, run: Run) -> Run:
    """What training did; the method is then as it was at the best step.

    Where a loss is no number training ends: there are fewer `losses` than steps.
    """
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
    losses: list[float] = []
    curve: list[tuple[int, float, float]] = []  # step, loss, accuracy
    try:
        for step in training:
            losses.append(round(step.loss, 4))
            if found := step.validation:
                curve.append((step.step, found.loss, found.accuracy or 0.0))
    except TrainingDiverged:
        training.finish()
    except ValueError:  # an update that went too far may show only when it is validated
        if not scores(lm, method, task, task.validation).log_softmax(1).isnan().any():
            raise
        method.load_state_dict(training.best or training.last_good)
    best_step, best_loss, accuracy = min(curve, key=lambda at: at[1], default=(0, NO_LOSS, 0.0))
    return {
        "losses": losses,
        "validation": [[at, round(loss, 4), accuracy] for at, loss, accuracy in curve],
        "best_step": best_step,
        "validation_loss": round(best_loss, 4),
        "validation_accuracy": accuracy,
        **method.outcome(),
    }


@lru_cache
def processor() -> str:
    """What the machine calls its processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")
