"""Adapters (Houlsby et al. 2019): a small trained network after each sub-layer of the frozen model.

    h <- h + W_up ReLU(W_down h + b_down) + b_up        (section 2.1, a bottleneck with a skip)

W_up starts at zero, so that the model begins as it was. Two for each layer, after its attention
and after its MLP.
"""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from prefixlab.chance import draw
from prefixlab.data.tasks import Task
from prefixlab.methods.base import CommonKnobs, Method
from prefixlab.methods.knobs import knob
from prefixlab.models.backbone import Backbone, Conditioning
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


class Adapters(Method):
    """A bottleneck after each sub-layer."""

    name = "adapters"
    Knobs = AdaptersKnobs
    learning_rate = 0.0003

    def build(self, geometry: Geometry) -> None:
        self.sublayers = geometry.sublayers
        self.adapters: Any = nn.ModuleList(
            Adapter(geometry.hidden, self.knobs.bottleneck) for _ in self.sublayers
        )

    @property
    def formula(self) -> str:
        return "2 * L * (2 * h * bottleneck + bottleneck + h)"

    def start(self, lm: Backbone, task: Task) -> None:
        draw(self.adapters, self.generator())
        for adapter in self.adapters:
            adapter.up.weight.zero_()
            adapter.up.bias.zero_()

    def conditioning(self) -> Conditioning:
        return Conditioning(after=dict(zip(self.sublayers, self.adapters, strict=True)))
