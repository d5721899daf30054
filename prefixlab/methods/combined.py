"""An experiment: a prefix, and beside it a prompt or trained biases.

    [K^P; K^X], [V^P; V^X] in every layer,    with [P'; E(x)] at the input, or W x + b + Δb inside

Nothing here is new but the sum: each part is the method of that name and gives what it gives
alone. The published neighbour is He et al.'s (2022) MAM adapter, a short prefix with adapters.
"""

from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from prefixlab.data.task import Task
from prefixlab.data.template import Template
from prefixlab.methods.base import CommonKnobs, Method
from prefixlab.methods.bias_only import BiasOnly
from prefixlab.methods.knobs import knob
from prefixlab.methods.prefix_tuning import PrefixTuning
from prefixlab.methods.prompt_tuning import PromptTuning
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning
from prefixlab.models.geometry import Geometry

BESIDE: dict[str, type[Method]] = {"prompt": PromptTuning, "bias": BiasOnly}


@dataclass(frozen=True)
class CombinedKnobs(CommonKnobs):
    beside: str = knob("prompt", "what is trained beside the prefix", choices=tuple(BESIDE))
    prefix_length: int = knob(5, "positions of the prefix", low=1, high=200, unit="positions")
    prompt_length: int = knob(
        5, "virtual tokens of the prompt, if there is one", low=1, high=200, unit="tokens"
    )

    def parts(self) -> list[tuple[type[Method], dict[str, Any]]]:
        """Each method with the knobs it has here; the one that makes the template comes last."""
        prompt = {"prompt_length": self.prompt_length} if self.beside == "prompt" else {}
        about = {"template": self.template}
        return [
            (PrefixTuning, {"prefix_length": self.prefix_length} | about),
            (BESIDE[self.beside], prompt | about),
        ]


class Combined(Method):
    """A prefix and another method, trained together by one optimizer."""

    name = "combined"
    Knobs = CombinedKnobs
    learning_rate = 0.003

    def build(self, geometry: Geometry) -> None:
        self.parts: Any = nn.ModuleList(
            part.unstarted(geometry, self.asked, part.Knobs.of(part.name, own), self.seed)
            for part, own in self.knobs.parts()
        )

    @property
    def formula(self) -> str:
        return " + ".join(part.formula for part in self.parts)

    def start(self, lm: Backbone, task: Task) -> None:
        for part in self.parts:
            part.start(lm, task)

    @classmethod
    def make_template(cls, template: Template, knobs: Any) -> Template:
        part, own = knobs.parts()[-1]
        return part.make_template(template, part.Knobs.of(part.name, own))

    def conditioning(self) -> Conditioning:
        prefix, beside = (part.conditioning() for part in self.parts)
        return replace(beside, past=prefix.past)
