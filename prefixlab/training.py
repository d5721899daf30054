"""Training: a loop that hands out one step at a time.

    for step in train(lm, method, task): ...

A script, a notebook and a panel drive the same loop. Leaving the loop stops it; entering it
again goes on. With the state in a checkpoint (see `checkpoints`) it goes on in another process,
with the same losses as if it had never stopped.
"""

import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.optim import Adafactor, AdamW, Optimizer

from prefixlab.backbone import Backbone, Conditioning
from prefixlab.batching import Row, training_order
from prefixlab.evaluation import Evaluation, evaluate, loss_of
from prefixlab.knobs import Knobs, knob
from prefixlab.methods import Method
from prefixlab.tasks import Task


class TrainingDiverged(ValueError):
    """The loss is no longer a number; the method holds the last good parameters."""


@dataclass(frozen=True)
class Recipe(Knobs):
    """How to train; the same knobs for every method."""

    steps: int = knob(64, "steps in all", low=1, high=100_000, unit="steps")
    batch_size: int = knob(16, "examples a step", low=1, high=1024, unit="examples")
    learning_rate: float = knob(0.0, "peak learning rate; 0 for the method's own", low=0, high=10)
    optimizer: str = knob("adamw", "the optimizer", choices=("adamw", "adafactor"))
    warmup: int = knob(0, "steps from zero to the peak learning rate", low=0, unit="steps")
    decay: str = knob("linear", "after the peak", choices=("linear", "constant"))
    weight_decay: float = knob(0.0, "pull towards zero", low=0, high=1)
    clip: float = knob(1.0, "largest gradient norm; 0 for none", low=0)
    validate_every: int = knob(0, "steps between validations; 0 for none", low=0, unit="steps")
    patience: int = knob(
        0, "validations without a lower loss before stopping early; 0 to never stop", low=0
    )
    seed: int = knob(0, "order of the data")

    def rate(self, step: int, peak: float) -> float:
        """The learning rate of a step, counted from 0: linear warm-up, then linear decay."""
        if step < self.warmup:
            return peak * (step + 1) / self.warmup
        if self.decay == "constant":
            return peak
        return peak * (self.steps - step) / max(1, self.steps - self.warmup)


@dataclass(frozen=True)
class Step:
    """What happened in one step: `loss` in nats, of the batch before the update."""

    step: int
    loss: float
    learning_rate: float
    seconds: float
    tokens: int  # fed to the model, without padding
    validation: Evaluation | None = None


class Training:
    """An iterator over the steps of a training run, see `train`."""

    def __init__(self, lm: Backbone, method: Method, task: Task, recipe: Recipe):
        method.check_trainable()
        if recipe.patience and not recipe.validate_every:
            raise ValueError("patience needs validations to count; set validate_every too.")
        self.lm, self.method, self.task, self.recipe = lm, method, task, recipe
        self.rows: list[Row] = method.rows(lm, task.train, task)
        # Every example must fit before the first step is taken, not at the tenth.
        past = method.conditioning().past
        lm.check_room(past.length if past else 0, max(row.length for row in self.rows))
        self.peak = recipe.learning_rate or method.learning_rate
        self.optimizer = make_optimizer(method, recipe, self.peak)
        self.step = 0
        self.best_loss = float("inf")
        self.best: dict[str, Tensor] = {}
        self.waited = 0
        self.last_good = snapshot(method)

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
        batch = self.lm.collate([self.rows[index] for index in self.next_batch()])
        rate = recipe.rate(self.step, self.peak)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss = loss_of(self.lm.answer_scores(batch, self.conditioning()), batch)
        (loss + self.method.penalty()).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.method.parameters(), recipe.clip or float("inf"))
        if not (loss.isfinite() and norm.isfinite()):
            self.restore_last_good(loss.item())
        self.last_good = snapshot(self.method)
        optimizer.step()
        self.step += 1
        return Step(
            step=self.step,
            loss=loss.item(),
            learning_rate=rate,
            tokens=int(batch.mask.sum()),
            validation=self.validate(),
            seconds=time.perf_counter() - began,
        )

    def conditioning(self) -> Conditioning:
        """What the method gives in this step, with its dropout: which depends on the step alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.recipe.seed * 1_000_003 + self.step)
            self.method.train()
            try:
                return self.method.conditioning()
            finally:
                self.method.eval()

    def next_batch(self) -> list[int]:
        """The examples of this step: a function of the step and the seed alone."""
        size = min(self.recipe.batch_size, len(self.rows))
        batches_an_epoch = len(training_order(self.rows, size, 0, self.recipe.seed))
        epoch, place = divmod(self.step, batches_an_epoch)
        return training_order(self.rows, size, epoch, self.recipe.seed)[place]

    def validate(self) -> Evaluation | None:
        every = self.recipe.validate_every
        if not every or self.step % every:
            return None
        result = evaluate(self.lm, self.method, self.task, split="validation")
        if result.loss < self.best_loss:
            self.best_loss, self.best, self.waited = result.loss, snapshot(self.method), 0
        else:
            self.waited += 1
        return result

    def restore_last_good(self, loss: float) -> None:
        """Put back the parameters of the last finite loss, and say so."""
        rate = self.optimizer.param_groups[0]["lr"]
        self.method.load_state_dict(self.last_good)
        raise TrainingDiverged(
            f"The loss or its gradient is not finite at step {self.step + 1} (loss {loss}); the "
            f"parameters of the last finite loss are kept. Train again with a learning rate "
            f"below {rate:g}, or with a longer warm-up."
        )

    def finish(self) -> None:
        """After early stopping, go back to the parameters with the lowest validation loss."""
        if self.recipe.patience and self.best:
            self.method.load_state_dict(self.best)

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Everything that resuming needs beside the method: plain values, and tensors."""
        plain = {
            "step": self.step,
            "best_loss": self.best_loss,
            "waited": self.waited,
            "recipe": self.recipe.as_dict(),
        }
        tensors = {"random": torch.get_rng_state()}
        tensors |= {f"best.{name}": value for name, value in self.best.items()}
        for index, slots in self.optimizer.state_dict()["state"].items():
            tensors |= {
                f"optimizer.{index}.{slot}": torch.as_tensor(value) for slot, value in slots.items()
            }
        return plain, tensors

    def restore(self, plain: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """The inverse of `state`."""
        self.step, self.best_loss = plain["step"], plain["best_loss"]
        self.waited = plain["waited"]
        torch.set_rng_state(tensors["random"])
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
        A method with nothing to train, an example too long for the model, a knob out of range.
    TrainingDiverged
        While training: a loss that is not finite. The last good parameters are kept.
    """
    given = recipe.as_dict() if recipe else {}
    return Training(lm, method, task, Recipe.of("train", given | knobs))


def make_optimizer(owner: Module, recipe: Recipe, rate: float) -> Optimizer:
    parameters = list(owner.parameters())
    if recipe.optimizer == "adafactor":
        return Adafactor(parameters, lr=rate, weight_decay=recipe.weight_decay)
    return AdamW(parameters, lr=rate, weight_decay=recipe.weight_decay)


def snapshot(method: Method) -> dict[str, Tensor]:
    return deepcopy(method.state_dict())
