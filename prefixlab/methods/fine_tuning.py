"""Fine-tuning: the weights φ of the model itself are trained, all or those of the top layers.

    max_φ  log p_φ(y | x) = Σ_{i in Y_idx} log p_φ(z_i | h_<i)        (Li & Liang 2021, section 3.3)

The objective is the prefix's own; what differs is which numbers may change. The trained weights
are copies: the backbone stays as it was, for all other methods. An encoder, which has no words to
answer with, gets a head that is trained with them.
"""

from dataclasses import dataclass

import torch
from datasets import Dataset
from torch import nn

from prefixlab.data.batching import Row
from prefixlab.data.task import Task
from prefixlab.methods import heads
from prefixlab.methods.base import CommonKnobs, Method
from prefixlab.methods.knobs import knob
from prefixlab.methods.reparameterization import Flat
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning, Edit
from prefixlab.models.geometry import Geometry


@dataclass(frozen=True)
class FineTuningKnobs(CommonKnobs):
    top: int = knob(
        0, "the last layers that are trained; 0 for the whole model", low=0, high=96, unit="layers"
    )


class FineTuning(Method):
    """Trained copies of the model's weights.

    Raises
    ------
    ValueError
        More top layers than the model has, or some of an encoder-decoder; an encoder for a task of
        free text.
    """

    name = "fine_tuning"
    Knobs = FineTuningKnobs

    @property
    def learning_rate(self) -> float:  # type: ignore[override]
        # Few layers have to change more: on tables 1e-3 was better than 1e-4 and 3e-4.
        return 1e-3 if self.knobs.top else 5e-5

    def build(self, geometry: Geometry) -> None:
        layers = list(geometry.layers_by_name)[first_trained(geometry, self.knobs.top) :]
        within = tuple(f"{layer}." for layer in layers) if self.knobs.top else ""
        chosen = {name: shape for name, shape in geometry.shapes.items() if name.startswith(within)}
        self.names = list(chosen)
        # Trained in float32: a step is often smaller than the distance of two bfloat16 numbers.
        self.weights = nn.ParameterList(torch.zeros(shape) for shape in chosen.values())
        self.head: Flat | None = None
        if geometry.bidirectional:
            self.head = heads.blank(self.name, geometry, self.asked)

    @property
    def formula(self) -> str:
        weights = "top * layer_parameters" if self.knobs.top else "parameters"
        return f"{weights} + {heads.FORMULA}" if self.head else weights

    def start(self, lm: Backbone, task: Task) -> None:
        for name, weight in zip(self.names, self.weights, strict=True):
            weight.copy_(lm.model.get_parameter(name))

    def conditioning(self) -> Conditioning:
        weights = dict(zip(self.names, self.weights, strict=True))
        head = self.head() if self.head else None  # [labels, hidden + 1]
        return Conditioning(head=head, edits=[Edit(weights=weights)])

    def rows(self, lm: Backbone, examples: Dataset, task: Task) -> list[Row]:
        known = heads.numbered(task, self.asked) if self.head else task
        return super().rows(lm, examples, known)


def first_trained(geometry: Geometry, top: int) -> int:
    """The first of the `top` last layers; of the whole model it is the first of all."""
    if top and geometry.parts:
        raise ValueError(
            f"top={top} counts the last layers of one stack, and {geometry.name} has an encoder "
            "and a decoder; choose 0, for the whole model."
        )
    if top > geometry.layers:
        raise ValueError(
            f"top={top} is more than the {geometry.layers} layers of {geometry.name}; choose from "
            f"1 to {geometry.layers}, or 0 for the whole model."
        )
    return geometry.layers - top if top else 0
