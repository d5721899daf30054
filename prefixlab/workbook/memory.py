"""Memory: what one step of training has to keep, beside the frozen model itself.

    parameters   4 bytes for each number that is trained, which is kept in float32
    copies       of weights in another precision, made in every step: a model in bfloat16 computes
                 with bfloat16 copies of weights that are trained in float32
    activations  what else the backward pass needs again: the larger, the deeper the gradient goes
    gradients    4 bytes for each number that is trained
    moments      8 bytes for each: Adam's running means of the gradient and of its square
                 (Kingma & Ba 2015, algorithm 1)

The frozen weights come on top and are the same for every method. Few trained numbers make all but
the activations small. They do not make these small: the gradient of a prompt in front of the
first layer has to come down through all of them.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from prefixlab.data.batching import positions_of
from prefixlab.data.task import Task
from prefixlab.evaluation.choices import loss_of
from prefixlab.methods import Method
from prefixlab.models.backbone import Backbone
from prefixlab.training.loop import train


@dataclass(frozen=True)
class StepMemory:
    """Bytes that a step of training keeps."""

    parameters: int
    copies: int
    activations: int
    gradients: int
    moments: int

    @property
    def total(self) -> int:
        return self.parameters + self.copies + self.activations + self.gradients + self.moments


class Casts(TorchDispatchMode):
    """Within this context, tells which tensors are weights, or weights in another precision."""

    def __init__(self, weights: list[Tensor]):
        super().__init__()
        self.weights = {storage(weight) for weight in weights}
        self.copies: dict[int, Tensor] = {}  # kept alive: nothing else gets their addresses

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **kwargs or {})
        if function is torch.ops.aten._to_copy.default and self.knows(args[0]):
            self.copies[storage(result)] = result
        return result

    def knows(self, tensor: Tensor) -> bool:
        return storage(tensor) in self.weights or storage(tensor) in self.copies


def step_memory(lm: Backbone, method: Method, task: Task, *, batch_size: int = 8) -> StepMemory:
    """What a step of training keeps, measured on the forward pass of its first batch.

    Where the batch takes several passes, it is the largest of them.

    Raises
    ------
    ValueError
        As `train`: a method with nothing to train, an example too long for the model.
    """
    run = train(lm, method, task, batch_size=batch_size)
    batch = lm.collate(max(run.passes(), key=positions_of))
    trained = 4 * method.parameters_now()  # bytes, in float32
    kept: dict[int, Tensor] = {}  # by storage: two saved views of one are kept once
    casts = Casts([*lm.model.parameters(), *lm.model.buffers(), *method.parameters()])

    def keep(tensor: Tensor) -> Tensor:
        if storage(tensor) not in casts.weights:
            kept[storage(tensor)] = tensor  # alive, so that no other gets its address
        return tensor

    with casts, torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss_of(lm.answer_scores(batch, run.conditioning()), batch)
    sizes = {at: tensor.untyped_storage().nbytes() for at, tensor in kept.items()}
    copies = sum(size for at, size in sizes.items() if at in casts.copies)
    return StepMemory(trained, copies, sum(sizes.values()) - copies, trained, 2 * trained)


def storage(tensor: Tensor) -> int:
    """The address of a tensor's numbers."""
    return tensor.untyped_storage().data_ptr()
