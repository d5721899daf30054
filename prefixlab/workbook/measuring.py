"""Measuring: a run becomes a row, on one thread and in float32, wherever that is."""

import platform
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path

import torch

from prefixlab.data import tasks
from prefixlab.data.examples import dataset
from prefixlab.data.task import Task
from prefixlab.evaluation.choices import scores
from prefixlab.methods import Cartridge, Method, create
from prefixlab.models.backbone import Backbone
from prefixlab.models.loading import load
from prefixlab.paths import DATA
from prefixlab.training.loop import Recipe, Training, TrainingDiverged, train
from prefixlab.workbook import scale, span_corruption
from prefixlab.workbook.distillation import distill, divergence, teacher_of
from prefixlab.workbook.protocol import (
    BATCH,
    ELSEWHERE,
    SEEDS,
    TABLES,
    TEST,
    TRAIN,
    VALIDATION,
    VALIDATIONS,
    WARMUP,
    WORDS,
    Family,
    Run,
)
from prefixlab.workbook.tested import tested

NO_LOSS = 1e9  # of a run that was never validated: JSON has no infinity


# Models that are stored here, for families that are not about the one asked for.
MODELS: Mapping[str, Callable[[], Backbone]] = {
    **{f"tiny-lm, width {width}": partial(scale.load, width) for width in scale.WIDTHS},
    **{
        f"tiny-t5, adapted {steps}": partial(span_corruption.load, steps)
        for steps in (0, *span_corruption.ADAPTED)
    },
    "tiny-t5, adapted 0, sentinel": partial(span_corruption.load, sentinel=True),
}


@lru_cache(maxsize=1)
def backbone(name: str) -> Backbone:
    """The model of this process, in float32, so that rows agree on every machine."""
    return MODELS[name]() if name in MODELS else load(name, dtype="float32")


def task_of(run: Run) -> Task:
    """The examples of a run: a seed draws those to train on, and no others."""
    name, sizes = run["task"], {"train": run["train"], "subset": run["seed"]}
    if name == "e2e":
        return e2e(**sizes, test=run["test"])
    if name == "film_or_product":
        return scale.downstream(**sizes)
    if name == "film_or_product, written":
        return span_corruption.downstream(**sizes, test=run["test"]).text_to_text()
    if name in tasks.TABLES:
        return tasks.load(name, **sizes, validation=TABLES, test=run["test"])
    usual = {"validation": VALIDATION, "test": min(run["test"], TEST), "words": WORDS}
    return with_more(tasks.load(name, **sizes, **usual), run["test"] - usual["test"])


def with_more(task: Task, more: int) -> Task:
    """The same task, tested on `more` sentences too, of which no seed was trained on any.

    Raises
    ------
    ValueError
        More sentences than there are.
    """
    if not more:
        return task
    usual = {"train": TRAIN, "validation": VALIDATION, "test": TEST, "words": WORDS}
    seeds = [tasks.load(task.name, **usual, subset=seed) for seed in range(SEEDS)]
    taken = {text for seed in seeds for split in seed.splits.values() for text in split["x"]}
    left = [
        (text, y)
        for text, y in tasks.rated_sentences(task.name)
        if len(text.split()) <= WORDS and text not in taken
    ]
    random.Random(0).shuffle(left)
    fresh = [
        each for label in (0, 1) for each in [one for one in left if one[1] == label][: more // 2]
    ]
    if len(fresh) < more:
        raise ValueError(
            f"{task.name} has {len(left)} sentences that no seed was trained on, fewer than the "
            f"{more} asked for in two balanced classes; ask for fewer."
        )
    return replace(task, test=dataset([*zip(task.test["x"], task.test["y"], strict=True), *fresh]))


def e2e(train: int, test: int, subset: int) -> Task:
    """Tables of the E2E challenge (Novikova et al. 2017), whose `devset.csv` is not kept here.

    Raises
    ------
    ValueError
        There is no such file in `data/e2e`.
    """
    file = DATA / "e2e" / "devset.csv"
    whole = Task.tables_from_csv(file, train=train * SEEDS, validation=TABLES, test=test)
    own = range(train * subset, train * (subset + 1))
    return replace(whole, train=whole.train.select(own))


def elsewhere(run: Run, task: str) -> Task:
    """Another task that a run is tested on, and not trained on."""
    return tested_on(task, run["test"] if task in tasks.TABLES else ELSEWHERE)


def tested_on(task: str, test: int) -> Task:
    """A task for the sake of its test, which is the same whatever else is asked for.

    A domain has as little else as there may be: the smallest has hardly more than its test.
    """
    if task in tasks.DOMAINS and test <= TEST:
        return tasks.load(task, train=2, validation=2, test=test, words=WORDS)
    return task_of({"task": task, "train": TRAIN, "test": test, "seed": 0})


def lesson_task(train: int = TRAIN) -> Task:
    """The sentences of the recorded runs with seed 0, for a lesson to train and to test on.

    Raises
    ------
    ValueError
        More sentences to train on than there are.
    """
    return task_of(Family("", "").run(0, None, {"train": train}))


def is_lesson_task(task: Task) -> bool:
    """Whether what is learned of a task can be laid beside the recorded runs.

    It asks as they do, and validates and tests on the same sentences.
    """
    named = Family("", "").run(0, None)
    if (task.name, len(task.test)) != (named["task"], named["test"]):
        return False  # and nothing has to be read for it
    own = lesson_task()
    asked, held_out = ("template", "verbalizer", "task_words"), ("validation", "test")
    return all(getattr(task, part) == getattr(own, part) for part in asked) and all(
        task.splits[split][:] == own.splits[split][:] for split in held_out
    )


def recipe(steps: int, rate: float, seed: int, head_rate: float) -> Recipe:
    """How the protocol trains; a `head_rate` of 0 is that of all others."""
    return Recipe(
        steps=steps,
        batch_size=BATCH,
        learning_rate=rate,
        head_rate=head_rate,
        warmup=min(WARMUP, steps),
        decay="constant",
        validate_every=max(1, steps // VALIDATIONS),
        patience=steps,  # never: but the best is kept
        seed=seed,
    )


def measure(run: Run, name: str, threads: int = 1) -> Run:
    """The row of a run: it is trained by the protocol, and tested.

    Raises
    ------
    ValueError
        A model that cannot be had, sentences that are too long for it, scores that are no numbers.
    """
    torch.set_num_threads(threads)
    lm, task = backbone(run["model"] or name), task_of(run)
    began = time.perf_counter()
    method = create(run["method"], lm, task, seed=run["seed"], **run["knobs"])
    trained = {} if run["rate"] is None else train_by_protocol(lm, method, task, run)
    seconds = time.perf_counter() - began
    return {
        **run,
        "backbone": lm.name,
        **trained,
        **tested(lm, method, task),
        **beside_its_teacher(lm, method, task),
        "elsewhere": {each: tested(lm, method, elsewhere(run, each)) for each in run["also"]},
        "parameters": method.parameters_now(),
        "train_seconds": round(seconds, 1),  # validation included
        "dtype": str(lm.dtype).removeprefix("torch."),
        "threads": threads,
        "processor": processor(lm.device),
        "versions": {each: version(each) for each in ("prefixlab", "torch", "transformers")},
        "date": datetime.now(UTC).date().isoformat(),
    }


def train_by_protocol(lm: Backbone, method: Method, task: Task, run: Run) -> Run:
    """What training did; the method is then as it was at the best step.

    A cartridge learns from the model that read its text, and its losses are divergences. Where a
    loss is no number training ends: there are fewer `losses` than steps.
    """
    how = recipe(run["steps"], run["rate"], run["seed"], run["head_rate"])
    if isinstance(method, Cartridge):
        training: Training = distill(lm, method, teacher_of(lm, method), task, recipe=how)
    else:
        training = train(lm, method, task, recipe=how)
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


def beside_its_teacher(lm: Backbone, method: Method, task: Task) -> Run:
    """How far a cartridge is from the model that read its text, on the test sentences."""
    if not isinstance(method, Cartridge):
        return {}
    theirs = scores(lm, teacher_of(lm, method), task, task.test)  # [sentences, answers]
    off = divergence(theirs, scores(lm, method, task, task.test)).mean()
    margins = [round(margin, 2) for margin in (theirs[:, 1] - theirs[:, 0]).tolist()]
    return {"divergence": round(off.item(), 4), "teacher": margins}


@lru_cache
def processor(device: torch.device) -> str:
    """What the machine calls the processor that a model is on."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")
