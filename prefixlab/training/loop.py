"""Training: a loop that hands out one step at a time.

    for step in train(lm, method, task): ...

A script, a notebook and a panel drive the same loop. Leaving the loop stops it; entering it
again goes on. With the state in a checkpoint (see `checkpoints`) it goes on in another process,
with the same losses as if it had never stopped.
"""

import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor

from prefixlab import arguments
from prefixlab.arguments import LARGEST_SEED
from prefixlab.data.batching import Row, portions, terms_of, training_order
from prefixlab.data.task import Task
from prefixlab.evaluation.choices import Evaluation, evaluate, loss_of
from prefixlab.methods import Method
from prefixlab.methods.base import check_together
from prefixlab.methods.knobs import Knobs, knob
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning
from prefixlab.training.optimizers import make_optimizer, moments, of_a_head

# What a pass keeps for the way back lies near while it is little: a processor takes less time, and
# less memory, for a batch in several passes. A GPU fills its many units with more of them.
POSITIONS, ON_A_GPU = 512, 8192  # of a pass


class TrainingDiverged(ValueError):
    """The loss is no longer a number; the method holds the last good parameters."""


@dataclass(frozen=True)
class Recipe(Knobs):
    """How to train; the same knobs for every method."""

    steps: int = knob(64, "steps in all", low=1, high=100_000, unit="steps")
    batch_size: int = knob(16, "examples a step", low=1, high=1024, unit="examples")
    learning_rate: float = knob(0.0, "peak learning rate; 0 for the method's own", low=0, high=10)
    head_rate: float = knob(
        0.0, "peak learning rate of a head's numbers; 0 for that of all others", low=0, high=10
    )
    optimizer: str = knob(
        "adamw",
        "the optimizer; a step of adafactor is the learning rate times how large the numbers are "
        "that it changes (their root mean square)",
        choices=("adamw", "adafactor"),
    )
    warmup: int = knob(
        0, "steps from zero to the peak learning rate", low=0, high=100_000, unit="steps"
    )
    decay: str = knob("linear", "after the peak", choices=("linear", "constant"))
    weight_decay: float = knob(0.0, "pull towards zero", low=0, high=1)
    clip: float = knob(1.0, "largest gradient norm; 0 for none", low=0)
    validate_every: int = knob(
        0, "steps between validations; 0 for none", low=0, high=100_000, unit="steps"
    )
    patience: int = knob(
        0,
        "validations without a lower loss before stopping early; 0 to never stop",
        low=0,
        high=100_000,
    )
    seed: int = knob(0, "order of the data, and what dropout drops", low=0, high=LARGEST_SEED)

    def rate(self, step: int, peak: float) -> float:
        """The learning rate of a step, counted from 0: linear warm-up, then linear decay."""
        if step < self.warmup:
            return peak * (step + 1) / self.warmup
        if self.decay == "constant":
            return peak
        return peak * (self.steps - step) / max(1, self.steps - self.warmup)


@dataclass(frozen=True)
class Step:
    """What happened in one step: `loss` in nats, of the batch before the update.

    `learning_rate` is the recipe's. AdamW moves every number by about so much. Adafactor moves it
    by a share of the root mean square of its tensor (Shazeer & Stern 2018, section 8; by no more
    than 1 / sqrt(step) of it), so that small numbers move little: `update` says how far all went,
    as the root mean square of the differences.
    """

    step: int
    loss: float
    learning_rate: float
    update: float
    seconds: float  # of the step alone; a validation comes on top
    tokens: int  # fed to the model, without padding
    validation: Evaluation | None = None


class Training:
    """An iterator over the steps of a training run, see `train`."""

    def __init__(self, lm: Backbone, method: Method, task: Task, recipe: Recipe):
        check_together(lm, method, task)
        method.check_trainable()
        if recipe.patience and not recipe.validate_every:
            raise ValueError("patience needs validations to count; set validate_every too.")
        if recipe.head_rate and not any(map(of_a_head, dict(method.named_parameters()))):
            raise ValueError(
                f"head_rate={recipe.head_rate:g} is for a head, and this {method.name} has none; "
                "leave it out."
            )
        self.lm, self.method, self.task, self.recipe = lm, method, task, recipe
        # Every example must fit before the first step is taken, not at the tenth or after the last.
        splits = {split: method.rows(lm, rows, task) for split, rows in task.splits.items()}
        used = ("train", "validation") if recipe.validate_every else ("train",)
        check_splits(lm, method, task, splits)
        self.rows: list[Row] = splits["train"]
        self.data = fingerprint_of(*(splits[split] for split in used))
        self.peak = recipe.learning_rate or method.learning_rate
        self.optimizer = make_optimizer(method, recipe, self.peak)
        self.step = 0
        self.best_loss = float("inf")
        self.best: dict[str, Tensor] = {}
        self.waited = 0
        self.last_good = snapshot(method)
        self.epoch, self.batches = -1, [[0]]  # of the epoch that the step is in

    def __iter__(self) -> Iterator[Step]:
        while self.step < self.recipe.steps and not self.stopped_early:
            yield self.advance()
        self.finish()

    @property
    def stopped_early(self) -> bool:
        return 0 < self.recipe.patience <= self.waited

    def advance(self) -> Step:
        """Take one step."""
        began = time.perf_counter()
        recipe, optimizer = self.recipe, self.optimizer
        parts = self.passes()
        rate = recipe.rate(self.step, self.peak)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["times"]
        optimizer.zero_grad()
        loss, tokens = torch.tensor(0.0), 0
        for part in parts:  # the mean of all terms = the sum over parts of share * mean of a part
            batch = self.lm.collate(part)
            share = terms_of(part) / sum(map(terms_of, parts))
            found = share * loss_of(self.lm.answer_scores(batch, self.conditioning()), batch)
            (found + share * self.method.penalty()).backward()
            loss, tokens = loss + found.detach().cpu(), tokens + int(batch.mask.sum())
        norm = torch.nn.utils.clip_grad_norm_(self.method.parameters(), recipe.clip or float("inf"))
        if not (loss.isfinite() and norm.isfinite()):
            self.restore_last_good(loss.item())
        keep(self.last_good, self.method)
        optimizer.step()
        self.step += 1
        update, seconds = self.moved(), time.perf_counter() - began
        return Step(
            step=self.step,
            loss=loss.item(),
            learning_rate=rate,
            update=update,
            seconds=seconds,
            tokens=tokens,
            validation=self.validate(),
        )

    def conditioning(self) -> Conditioning:
        """What the method gives in this step, with its dropout: which depends on the step alone."""
        source = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + self.step)
        self.method.chance = source
        try:
            return self.method.conditioning()
        finally:
            self.method.chance = None

    def passes(self) -> list[Sequence[Row]]:
        """The rows of this step, in the passes that it takes."""
        most = POSITIONS if self.lm.device.type == "cpu" else ON_A_GPU
        return portions([self.rows[index] for index in self.next_batch()], most)

    def next_batch(self) -> list[int]:
        """The examples of this step: a function of the step and the seed alone."""
        size = min(self.recipe.batch_size, len(self.rows))
        epoch, place = divmod(self.step, -(-len(self.rows) // size))
        if epoch != self.epoch:
            self.epoch = epoch
            self.batches = training_order(self.rows, size, epoch, self.recipe.seed)
        return self.batches[place]

    @torch.no_grad()
    def moved(self) -> float:
        """How far the last update moved the parameters: the root mean square."""
        now = dict(self.method.named_parameters())
        square = sum(
            float((value - self.last_good[name]).square().sum()) for name, value in now.items()
        )
        return (square / self.method.parameters_now()) ** 0.5

    def validate(self) -> Evaluation | None:
        every = self.recipe.validate_every
        if not every or self.step % every:
            return None
        result = self.held_out()
        if result.loss < self.best_loss:
            self.best_loss, self.waited = result.loss, 0
            if self.recipe.patience:  # or no one goes back to them
                self.best = snapshot(self.method)
        else:
            self.waited += 1
        return result

    def held_out(self) -> Evaluation:
        """How well the method does on the validation examples; the lower the loss, the better."""
        return evaluate(self.lm, self.method, self.task, split="validation")

    def restore_last_good(self, loss: float) -> None:
        """Put back the parameters of the last finite loss, and say so."""
        rate = max(group["lr"] for group in self.optimizer.param_groups)
        self.method.load_state_dict(self.last_good)
        raise TrainingDiverged(
            f"The loss or its gradient is not finite at step {self.step + 1} (loss {loss}); the "
            f"parameters of the last finite loss are kept. Train again with a learning rate "
            f"below {rate:g}, or with a longer warm-up."
        )

    def finish(self) -> None:
        """After early stopping, go back to the parameters with the lowest validation loss."""
        if self.best:
            self.method.load_state_dict(self.best)

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Everything that resuming needs beside the method: plain values, and tensors."""
        plain = {
            "step": self.step,
            "best_loss": self.best_loss,
            "waited": self.waited,
            "recipe": self.recipe.as_dict(),
            "data": self.data,
        }
        tensors = {f"best.{name}": value for name, value in self.best.items()}
        for index, parameter in enumerate(self.method.parameters()):
            # Before its first gradient an optimizer keeps nothing of a parameter: that is zeros.
            kept = self.optimizer.state.get(parameter, {})
            for slot, size in moments(self.recipe.optimizer, parameter.shape).items():
                tensors[f"optimizer.{index}.{slot}"] = kept.get(slot, torch.zeros(size))
        return plain, tensors

    def sizes(self) -> dict[str, torch.Size]:
        """The names and the sizes of the tensors of `state`."""
        found = {f"best.{name}": value.shape for name, value in self.last_good.items()}
        for index, parameter in enumerate(self.method.parameters()):
            for slot, size in moments(self.recipe.optimizer, parameter.shape).items():
                found[f"optimizer.{index}.{slot}"] = torch.Size(size)
        return found

    def restore(self, plain: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """The inverse of `state`."""
        self.step, self.best_loss = plain["step"], plain["best_loss"]
        self.waited = plain["waited"]
        optimizer = self.optimizer.state_dict()
        for name, value in tensors.items():
            kind, _, rest = name.partition(".")
            if kind == "best":
                self.best[rest] = value
            elif kind == "optimizer":
                index, slot = rest.split(".")
                optimizer["state"].setdefault(int(index), {})[slot] = value
        self.optimizer.load_state_dict(optimizer)


def train(
    lm: Backbone, method: Method, task: Task, *, recipe: Recipe | None = None, **knobs: Any
) -> Training:
    """Train a method on a task's training examples, one `Step` at a time.

    The knobs of `Recipe` are given by name (`steps=64, seed=0`), as a whole, or both: a name
    overrides the recipe.

    Raises
    ------
    ValueError
        A method with nothing to train or of another model, an example of any split that is too long
        for the model, a knob out of range.
    TrainingDiverged
        While training: a loss that is not finite. The last good parameters are kept.
    """
    given = arguments.knobs_of("recipe", recipe, Recipe)
    return Training(lm, method, task, Recipe.of("train", given | knobs))


def check_splits(
    lm: Backbone,
    method: Method,
    task: Task,
    splits: dict[str, list[Row]],
) -> None:
    """Raise a ValueError where a row of any split is too long."""
    past = method.conditioning().past
    for split, rows in splits.items():
        longest = max(range(len(rows)), key=lambda number: rows[number].length)
        try:
            lm.geometry.check_room(past.length if past else 0, rows[longest].length)
        except ValueError as error:
            raise ValueError(
                f"Row {longest} of the {split} examples of {task.name} is too long: {error}"
            ) from None


def fingerprint_of(*splits: Sequence[Row]) -> str:
    """What tells these rows from any others: 16 hexadecimal digits."""
    tokens = [[(row.prompt, row.answers, row.label) for row in rows] for rows in splits]
    return sha256(repr(tokens).encode()).hexdigest()[:16]


def snapshot(method: Method) -> dict[str, Tensor]:
    return deepcopy(method.state_dict())


def keep(kept: dict[str, Tensor], method: Method) -> None:
    """Bring a snapshot up to date, in the memory that it has."""
    for name, value in method.state_dict().items():
        kept[name].copy_(value)
