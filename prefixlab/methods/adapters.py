"""Adapters (Houlsby et al. 2019): a small trained network after each sub-layer of the frozen model.

    h <- h + W_up ReLU(W_down h + b_down) + b_up        (section 2.1, a bottleneck with a skip)

W_up starts at zero, so that the model begins as it was. Two for each layer, after its attention
and after its MLP.
"""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from prefixlab.chance import draw
from prefixlab.data.task import Task
from prefixlab.methods.base import CommonKnobs, Cost, Method, Positions, changed_from
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

    def build(self, lm: Backbone) -> None:
        self.sublayers = lm.sublayers
        self.adapters: Any = nn.ModuleList(
            Adapter(lm.geometry.hidden, self.knobs.bottleneck) for _ in self.sublayers
        )

    def start(self, lm: Backbone, task: Task) -> None:
        draw(self.adapters, self.generator())
        for adapter in self.adapters:
            adapter.up.weight.zero_()
            adapter.up.bias.zero_()

    def conditioning(self) -> Conditioning:
        return Conditioning(after=dict(zip(self.sublayers, self.adapters, strict=True)))

    @classmethod
    def cost(cls, geometry: Geometry, **knobs: Any) -> Cost:
        width, m = geometry.hidden, AdaptersKnobs.of(cls.name, knobs).bottleneck
        stored = 2 * geometry.layers * (2 * width * m + m + width)
        return Cost.of(geometry, "2 * L * (2 * h * bottleneck + bottleneck + h)", stored)

    @classmethod
    def positions(cls, geometry: Geometry, **knobs: Any) -> list[Positions]:
        return changed_from(0, geometry.layers, super().positions(geometry, **knobs))
