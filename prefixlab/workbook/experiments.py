"""Experiments: runs on a grid, recorded with their provenance.

    python -m prefixlab.workbook.experiments prompt_tuning

adds the runs that `data/runs/prompt_tuning.jsonl` lacks: stopped and started again it goes on where
it was. Every row says what was run, on which backbone, with which versions, when, and by which
command, so that a lesson can show it as what it is: recorded, not run just now.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from math import factorial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from filelock import FileLock, Timeout

from prefixlab.arguments import one_of
from prefixlab.data import tasks
from prefixlab.data.task import Task
from prefixlab.evaluation.choices import content_free_scores, evaluate, judge, scores
from prefixlab.evaluation.generation import generate
from prefixlab.methods import Method, create
from prefixlab.models.backbone import Backbone
from prefixlab.models.loading import load
from prefixlab.paths import DATA
from prefixlab.training.loop import Recipe, train
from prefixlab.workbook import rows, span_corruption
from prefixlab.workbook.records import table_of

FOLDER = DATA / "runs"
STEPS, BATCH = 48, 8
SEEDS = (0, 1, 2)
LENGTHS = (10, 1, 5, 20, 50)  # the middle first: an unfinished grid is of use too
SIZES = (16, 32, 64, 128, 512)  # 256 is the size of all other runs
TESTED = 200  # sentences
WORDINGS = {
    "question": "{x} Is this review positive or negative? {y}",
    "it was": "{x} It was {y}",
    "sentiment": "Review: {x}\nSentiment: {y}",
    "all in all": "{x} All in all, the film is {y}",
}


def run(
    method: str,
    *,
    task: str = "movie_reviews",
    train_size: int = 256,
    test_size: int = TESTED,
    seed: int = 0,
    **knobs: Any,
) -> dict[str, Any]:
    """What one run is, as the key of its row."""
    sizes = {"train": train_size, "test": test_size}
    return {"method": method, "task": task, **sizes, "seed": seed, "knobs": knobs}


KEY = ("backbone", *run(""))  # what tells one row from another


def discrete_prompt() -> Iterator[dict[str, Any]]:
    for wording in WORDINGS.values():
        yield run("discrete_prompt", template=wording)


def in_context() -> Iterator[dict[str, Any]]:
    """Every order of up to four demonstrations, on fewer sentences: there are many."""
    for seed in SEEDS:
        for k in (4, 1, 2, 3):
            for labels in ("true", "random", "outside"):
                for order in range(factorial(k)):
                    knobs: dict[str, Any] = {"demonstrations": k, "labels": labels, "order": order}
                    yield run("in_context", test_size=64, seed=seed, **knobs)


def prompt_tuning() -> Iterator[dict[str, Any]]:
    for seed in SEEDS:
        for length in LENGTHS:
            for init in ("labels", "uniform", "vocabulary", "text"):
                yield run("prompt_tuning", seed=seed, init=init, prompt_length=length)
        for size in SIZES:
            yield run("prompt_tuning", train_size=size, seed=seed, init="labels", prompt_length=10)


def prefix_tuning() -> Iterator[dict[str, Any]]:
    def prefix(init: str, length: int = 10, mlp: str = "none", **how: Any) -> dict[str, Any]:
        return run("prefix_tuning", init=init, prefix_length=length, reparameterization=mlp, **how)

    inits = ("task_words", "uniform", "matched", "unrelated_words", "examples")
    for seed in SEEDS:
        for length in LENGTHS:
            yield from (prefix(init, length, seed=seed) for init in inits)
        yield from (prefix(init, train_size=32, seed=seed) for init in inits[1:])
        yield from (prefix(init, mlp="mlp", seed=seed) for init in inits)
        for size in SIZES:
            yield prefix("task_words", train_size=size, seed=seed)


def p_tuning() -> Iterator[dict[str, Any]]:
    for seed in SEEDS:
        for wording in WORDINGS.values():
            for encoder in ("lstm", "none", "mlp"):
                yield run("p_tuning", seed=seed, template=soft(wording), encoder=encoder)
        for size in SIZES:
            template = soft(WORDINGS["sentiment"])
            yield run("p_tuning", train_size=size, seed=seed, template=template, encoder="lstm")


def p_tuning_v2() -> Iterator[dict[str, Any]]:
    usual: dict[str, Any] = {
        "prefix_length": 10,
        "layers": "all",
        "classifier": "head",
        "dropout": 0.1,
        "reparameterization": "none",
    }
    others: list[dict[str, Any]] = [
        *({"layers": layers} for layers in ("last:10", "first:10", "last:4", "first:4")),
        *({"prefix_length": length} for length in LENGTHS[1:]),
        {"reparameterization": "mlp"},
        {"dropout": 0.0},
    ]
    for seed in SEEDS:
        for classifier in ("head", "verbalizer"):
            for other in ({}, *others):
                yield run("p_tuning_v2", seed=seed, **usual | {"classifier": classifier} | other)


def baselines() -> Iterator[dict[str, Any]]:
    """What else may be trained, on the film reviews and with the steps of all other runs."""
    others: list[tuple[str, dict[str, Any]]] = [
        *(("fine_tuning", {"top": 0}), ("fine_tuning", {"top": 2}), ("adapters", {})),
        *(("linear_probe", {}), ("bias_only", {}), ("infix", {}), ("warp", {})),
    ]
    for seed in SEEDS:
        for method, knobs in others:
            yield run(method, seed=seed, **knobs)
        for size in (32, 128):
            yield run("fine_tuning", train_size=size, seed=seed, top=0)
            yield run("linear_probe", train_size=size, seed=seed)


def domain_shift() -> Iterator[dict[str, Any]]:
    """Learned from film reviews, tested on other domains too; and enough prompts for ensembles."""
    yield run("discrete_prompt")
    for seed in range(5):
        yield run("prompt_tuning", seed=seed, prompt_length=10, init="labels")
        if seed in SEEDS:
            yield run("prefix_tuning", seed=seed, prefix_length=10, init="task_words")
            yield run("fine_tuning", seed=seed, top=0)
            yield run("fine_tuning", seed=seed, top=2)


def lm_adaptation() -> Iterator[dict[str, Any]]:
    """A prompt before every variant of the tiny T5, which was LM-adapted for ever more steps."""
    asked: dict[str, Any] = {"task": "film_or_product", "train_size": 1024, "test_size": 300}
    yield run("discrete_prompt", **asked)
    for seed in SEEDS:
        yield run("prompt_tuning", **asked, seed=seed, prompt_length=10, init="vocabulary")


def variants() -> Iterator[dict[str, Any]]:
    """The experiments, each as near to the prefix of 10 in the grid prefix_tuning as it can be."""
    for seed in SEEDS:
        yield run("gated_prefix", seed=seed, prefix_length=10, gate="head")
        yield run("adaptive_prefix", seed=seed, prefix_length=10, penalty=0.3)
        yield run("convolution", seed=seed, width=10)
        yield run("combined", seed=seed, beside="prompt", prefix_length=5, prompt_length=5)
        yield run("combined", seed=seed, beside="bias", prefix_length=10)


def soft(wording: str) -> str:
    """The same words with three soft slots before the text and three after it."""
    return "{soft:3}" + wording.replace("{x}", "{x}{soft:3}")


GRIDS = {
    grid.__name__: grid
    for grid in (
        *(discrete_prompt, in_context, prompt_tuning, prefix_tuning, p_tuning, p_tuning_v2),
        *(baselines, variants, domain_shift, lm_adaptation),
    )
}


def recorded(name: str, backbone: str = "") -> pd.DataFrame:
    """The recorded runs of a grid, one row a run, with a column for every knob that was set.

    Of the runs on `backbone`; where there are none, of those on the one backbone that most were
    recorded on, never on a mix of them. Without `backbone`, all. Each row names its backbone.

    Raises
    ------
    ValueError
        No such record, or a damaged one.
    """
    path = FOLDER / f"{name}.jsonl"
    return table_of(path, rows_of(path), backbone)


def rows_of(path: Path) -> list[rows.Row]:
    """The rows of a record, each with its knobs and the name of its backbone.

    Raises
    ------
    ValueError
        A damaged file.
    """
    found = rows.read(path)
    for number, row in enumerate(found, 1):
        if missing := [name for name in ("backbone", "knobs") if name not in row]:
            raise ValueError(
                f"{path} is damaged: its line {number} does not say its {missing[0]!r}; remove "
                "that line."
            )
    return found


def measure(lm: Backbone, wanted: dict[str, Any], grid: str) -> dict[str, Any]:
    """Train, where there is something to train, and test one run of a grid."""
    setting = SETTINGS.get(grid, Setting())
    sizes = {"train": wanted["train"], "test": wanted["test"]}
    task = setting.task(wanted["task"], **sizes)
    began = time.process_time()
    method = create(wanted["method"], lm, task, seed=wanted["seed"], **wanted["knobs"])
    recipe = Recipe(**setting.recipe, seed=wanted["seed"])
    taken = train(lm, method, task, recipe=recipe) if method.parameters_now() else ()
    losses = [round(step.loss, 4) for step in taken]
    cpu_seconds = time.process_time() - began
    found = setting.judge(lm, method, task)
    for word, name in setting.elsewhere.items():
        there = setting.judge(lm, method, setting.task(name, **sizes))
        found |= {f"{word}_{measured}": value for measured, value in there.items()}
    return (
        wanted
        | found
        | {
            "recipe": recipe.as_dict() if losses else None,
            "backbone": lm.name,
            "losses": losses,
            **method.outcome(),
            "cpu_seconds": round(cpu_seconds, 1),  # of preparing and training, of all threads
            "threads": torch.get_num_threads(),
            "dtype": str(lm.dtype).removeprefix("torch."),
            "versions": {name: version(name) for name in ("prefixlab", "torch", "transformers")},
            "date": datetime.now(UTC).date().isoformat(),
            "command": f"python -m prefixlab.workbook.experiments {grid}",
        }
    )


Result = dict[str, Any]  # measures by their names


def chosen(lm: Backbone, method: Method, task: Task) -> Result:
    """How well the method chooses among answers."""
    found = scored(lm, method, task)
    del found["scores"]
    return found


def scored(lm: Backbone, method: Method, task: Task) -> Result:
    """How well the method chooses among answers, with its score of each for every example."""
    given = scores(lm, method, task, task.test)
    result = judge(given, task.test)
    calibrated = judge(given - content_free_scores(lm, method, task), task.test)
    return {
        "accuracy": result.accuracy,
        "calibrated": calibrated.accuracy,
        "loss": result.loss,
        "scores": [[round(score, 3) for score in row] for row in given.tolist()],
    }


def labelled(lm: Backbone, method: Method, task: Task) -> Result:
    """How often the method writes the right word, and a word that is a label at all."""
    answers, labels = task.test["y"], set(task.test["y"])
    texts = generate(lm, method, task, task.test["x"], max_new_tokens=4)
    right = [text == answer for text, answer in zip(texts, answers, strict=True)]
    return {
        "accuracy": sum(right) / len(right),
        "legal": sum(text in labels for text in texts) / len(texts),
        "loss": evaluate(lm, method, task).loss,  # per token, the end of the text among them
    }


@dataclass(frozen=True)
class Setting:
    """What all runs of a grid share.

    `task` loads a task by its name, with the sizes `train` and `test`; `judge` tests a trained
    method on the test examples of a task.
    """

    backbones: Callable[[], Sequence[Backbone]] = lambda: [load()]
    task: Callable[..., Task] = lambda name, **sizes: tasks.load(name, **sizes)
    recipe: Mapping[str, Any] = field(default_factory=lambda: {"steps": STEPS, "batch_size": BATCH})
    judge: Callable[[Backbone, Method, Task], Result] = chosen
    # Other tasks that a run is tested on, by the word that their columns begin with.
    elsewhere: Mapping[str, str] = field(default_factory=dict)


SETTINGS = {  # of the grids that do not have the usual one
    "domain_shift": Setting(
        judge=scored,
        elsewhere={name: name for name in tasks.DOMAINS if name != "movie_reviews"},
    ),
    "lm_adaptation": Setting(
        span_corruption.variants,
        lambda _, **sizes: span_corruption.downstream(**sizes).text_to_text(),
        {"steps": 100, "batch_size": 16, "learning_rate": 0.3},
        labelled,
    ),
}


def record(name: str) -> None:
    """Run what the grid has and the file lacks, and add it row by row.

    Several processes may record the same grid: they share its runs, each done by one of them.

    Raises
    ------
    ValueError
        No such grid, a damaged file, or a folder that cannot be written to.
    """
    one_of("grid", name, GRIDS)
    path = FOLDER / f"{name}.jsonl"
    done, backbones = keys(path), SETTINGS.get(name, Setting()).backbones()
    missing = [
        (lm, wanted)
        for wanted in GRIDS[name]()
        for lm in backbones
        if key_of(wanted | {"backbone": lm.name}) not in done
    ]
    # Those that nobody is at come first; then those that another process was at and may have left.
    for patient in (False, True):
        for number, (lm, wanted) in enumerate(missing, 1):
            key = key_of(wanted | {"backbone": lm.name})
            with claimed(path, key, patient) as mine:
                if not mine or key in keys(path):
                    continue
                row = measure(lm, wanted, name)
                rows.append(path, row)
            print(f"{number}/{len(missing)} {wanted} accuracy {row['accuracy']:.3f}", flush=True)


def key_of(row: Mapping[str, Any]) -> str:
    """What was run on which backbone, as one text."""
    return json.dumps([row.get(name) for name in KEY], sort_keys=True)


def keys(path: Path) -> set[str]:
    return {key_of(row) for row in rows_of(path)}


@contextmanager
def claimed(path: Path, key: str, patient: bool) -> Iterator[bool]:
    """Whether this process alone is at a run within this context.

    If another process is at it: no, or, if `patient`, yes when that one has done it or has died,
    with which its claim ends.
    """
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    lock = FileLock(path.with_name(f".{path.stem}.{digest}.lock"))
    with rows.disk_errors(path.parent, rows.REMEDY):
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(Timeout):
            lock.acquire(timeout=-1 if patient else 0)
    if not lock.is_locked:
        yield False
        return
    try:
        yield True
        # Who waits for this claim, or makes another file for it, finds the run in the rows.
        with suppress(OSError):
            Path(lock.lock_file).unlink()
    finally:
        lock.release()


if __name__ == "__main__":
    try:
        for grid in [one_of("grid", grid, GRIDS) for grid in sys.argv[1:]] or GRIDS:
            record(grid)
    except ValueError as error:  # says in one sentence what is wrong, and the remedy
        sys.exit(str(error))
