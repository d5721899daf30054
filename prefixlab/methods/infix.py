"""Infix tuning (Li & Liang 2021, section 7.3): z = [x; INFIX; y].

The activations of the infix are trained in every layer, as a prefix's are. But it stands behind
x: the activations of x cannot react to it, only those of what follows can.
"""

from dataclasses import dataclass
from typing import Any

from prefixlab.data.template import Soft, Template, X
from prefixlab.methods.knobs import knob
from prefixlab.methods.prefix_tuning import PrefixTuning, PrefixTuningKnobs
from prefixlab.models.backbone import Conditioning


@dataclass(frozen=True)
class InfixKnobs(PrefixTuningKnobs):
    layers: str = knob("all", "an infix stands in every layer", choices=("all",))


class Infix(PrefixTuning):
    """Trained keys and values between x and what follows, in every layer."""

    name = "infix"
    Knobs = InfixKnobs

    @classmethod
    def make_template(cls, template: Template, knobs: Any) -> Template:
        """The template with soft slots behind x."""
        texts = {X: f"{{x}}{{soft:{knobs.prefix_length}}}"}
        plain = super().make_template(template, knobs)
        return Template(
            "".join(
                part.replace("{", "{{").replace("}", "}}")
                if isinstance(part, str)
                else texts.get(part, "{y}")
                for part in plain.parts
                if not isinstance(part, Soft)
            )
        )

    def conditioning(self) -> Conditioning:
        matrix = self.prefix()
        # No one sees what is embedded at these slots: their keys and values are given.
        unseen = matrix.new_zeros(len(matrix), self.geometry.hidden)
        return Conditioning(virtual=unseen, deep=self.unflatten(matrix))
