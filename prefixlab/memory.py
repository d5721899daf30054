"""Memory: what one step of training has to keep, beside the frozen model itself.

    activations  what the backward pass needs again: the larger, the deeper the gradient goes
    gradients    4 bytes for each number that is trained
    moments      8 bytes for each: Adam's running means of the gradient and of its square
                 (Kingma & Ba 2015, algorithm 1)

The frozen weights come on top and are the same for every method. Few trained numbers make the
last two small. They do not make the first one small: the gradient of a prompt in front of the
first layer has to come down through all of them.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from prefixlab.backbone import Backbone
from prefixlab.batching import training_order
from prefixlab.evaluation import loss_of
from prefixlab.methods import Method
from prefixlab.methods.base import check_together
from prefixlab.tasks import Task


@dataclass(frozen=True)
class StepMemory:
    """Bytes that a step of training keeps."""

    activations: int
    gradients: int
    moments: int

    @property
    def total(self) -> int:
        return self.activations + self.gradients + self.moments


def step_memory(lm: Backbone, method: Method, task: Task, *, batch_size: int = 8) -> StepMemory:
    """What a step of training keeps, measured on the first batch with its forward pass alone.

    Raises
    ------
    ValueError
        A method with nothing to train.
    """
    check_together(lm, method, task)
    method.check_trainable()
    trained = method.parameters_now()
    rows = method.rows(lm, task.train, task)
    batch = lm.collate([rows[index] for index in training_order(rows, batch_size, 0, 0)[0]])
    theirs = {storage(weight) for weight in (*lm.model.parameters(), *lm.model.buffers())}
    theirs |= {storage(weight) for weight in method.parameters()}
    kept: dict[int, int] = {}  # bytes of each storage: two saved views of one are kept once
    alive: list[Tensor] = []  # a storage's address is its name only as long as nothing reuses it

    def keep(tensor: Tensor) -> Tensor:
        if storage(tensor) not in theirs:
            kept[storage(tensor)] = tensor.untyped_storage().nbytes()
            alive.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss_of(lm.answer_scores(batch, method.conditioning()), batch)
    return StepMemory(sum(kept.values()), 4 * trained, 8 * trained)


def storage(tensor: Tensor) -> int:
    """The address of a tensor's numbers."""
    return tensor.untyped_storage().data_ptr()
