"""Adapters (Houlsby et al. 2019): a small trained network after each sub-layer of the frozen model.

    h <- h + W_up ReLU(W_down h + b_down) + b_up        (section 2.1, a bottleneck with a skip)

W_up starts at zero, so that the model begins as it was. One after each attention and one after each
MLP: two for a layer, three for one of a decoder that looks across at an encoder.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn

from prefixlab.chance import draw
from prefixlab.data.task import Task
from prefixlab.methods.base import CommonKnobs, Method
from prefixlab.methods.knobs import knob
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning, Edit
from prefixlab.models.geometry import Geometry


@dataclass(frozen=True)
class AdaptersKnobs(CommonKnobs):
    bottleneck: int = knob(64, "width of the bottleneck", low=1, high=4096, unit="units")


class Adapter(nn.Module):
    """One bottleneck; it computes in float32, whatever the model does."""

    def __init__(self, hidden: int, bottleneck: int):
        super().__init__()
        self.down, self.up = nn.Linear(hidden, bottleneck), nn.Linear(bottleneck, hidden)

    def forward(self, hidden: Tensor) -> Tensor:
        wide = hidden.float()  # [batch, positions, hidden]
        return (wide + self.up(self.down(wide).relu())).to(hidden.dtype)


def behind(adapter: Adapter, _: Tensor, output: Tensor) -> Tensor:
    """The output of the map that an adapter stands behind, as the adapter makes it."""
    changed: Tensor = adapter(output)
    return changed


class Adapters(Method):
    """A bottleneck after each sub-layer."""

    name = "adapters"
    Knobs = AdaptersKnobs
    learning_rate = 0.0003

    def build(self, geometry: Geometry) -> None:
        self.sublayers = geometry.sublayers
        # Each layer has one MLP. An encoder-decoder counts its attentions as layers.
        if len(self.sublayers) != geometry.layers + len(geometry.layers_by_name):
            raise ValueError(
                f"The layers of {geometry.name} do not end their attention and their MLP in one "
                "linear map each, which adapters stand behind; take bias_only, prefix_tuning or "
                "another method."
            )
        self.adapters: Any = nn.ModuleList(
            Adapter(geometry.hidden, self.knobs.bottleneck) for _ in self.sublayers
        )

    @property
    def formula(self) -> str:
        count = len(self.sublayers) if self.geometry.parts else "2 * L"
        return f"{count} * (2 * h * bottleneck + bottleneck + h)"

    def start(self, lm: Backbone, task: Task) -> None:
        draw(self.adapters, self.generator())
        for adapter in self.adapters:
            adapter.up.weight.zero_()
            adapter.up.bias.zero_()

    def conditioning(self) -> Conditioning:
        each = zip(self.sublayers, self.adapters, strict=True)
        return Conditioning(
            edits=[Edit(outputs={name: partial(behind, adapter) for name, adapter in each})]
        )
