"""P-tuning (Liu et al. 2021): soft slots anywhere in a template, computed by a prompt encoder.

    { h_0, …, h_i, e(x), h_i+1, …, h_m, e(y) }          (equation 1, as [P1; X; P2; Y])

Real words may stand between the slots as anchors. The prompt encoder, an LSTM or an MLP, computes
the h_i while training; afterwards only its output is kept.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from prefixlab.chance import draw
from prefixlab.data.task import Task
from prefixlab.data.template import Template
from prefixlab.methods.base import CommonKnobs, Method
from prefixlab.methods.knobs import knob
from prefixlab.methods.reparameterization import LSTM, MLP, Flat, fit
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning
from prefixlab.models.geometry import Geometry


@dataclass(frozen=True)
class PTuningKnobs(CommonKnobs):
    template: str = knob(
        "{soft:3}{x}{soft:3} Sentiment: {y}", "text with soft slots anywhere before the answer"
    )
    encoder: str = knob(
        "lstm", "the prompt encoder that computes the slots", choices=("none", "mlp", "lstm")
    )
    init: str = knob(
        "encoder",
        "where the slots start: wherever the prompt encoder puts them, or at normal numbers as "
        "large as those of words, the same for every encoder",
        choices=("encoder", "normal"),
        sizes=False,
    )


class PTuning(Method):
    """Trained soft slots between the words of a template.

    Raises
    ------
    ValueError
        A template without a soft slot.
    """

    name = "p_tuning"
    Knobs = PTuningKnobs
    learning_rate = 0.003

    @classmethod
    def make_template(cls, template: Template, knobs: Any) -> Template:
        if not template.virtual_tokens:
            raise ValueError(
                f"The template {template.text!r} has no soft slot for p_tuning to train; "
                "add one, such as {soft:3}."
            )
        return template

    def build(self, geometry: Geometry) -> None:
        count, width = self.template.virtual_tokens, geometry.hidden
        self.slots: nn.Module
        if self.knobs.encoder == "lstm":
            self.slots = LSTM(count, width)
        elif self.knobs.encoder == "mlp":
            self.slots = MLP(count, width, width, width)
        else:
            self.slots = Flat(torch.zeros(count, width))

    @property
    def formula(self) -> str:
        return "slots * h"

    def start(self, lm: Backbone, task: Task) -> None:
        draw(self.slots, self.generator())
        shape = self.template.virtual_tokens, lm.geometry.hidden
        scale = lm.embedding.float().std().cpu()  # as far from the origin as words are
        words = scale * torch.empty(shape).normal_(generator=self.generator())  # [slots, hidden]
        if isinstance(self.slots, Flat):
            self.slots.values.copy_(words)
        elif isinstance(self.slots, MLP | LSTM) and self.knobs.init == "normal":
            fit(self.slots, words)

    def conditioning(self) -> Conditioning:
        return Conditioning(virtual=self.slots())  # h, [slots, hidden]

    def drop_reparameterization(self) -> None:
        """Keep only the slots that the prompt encoder computes; no output changes."""
        with torch.no_grad():
            self.slots = Flat(self.slots())
