"""P-tuning v2 (Liu et al. 2022): prefix tuning for understanding, with dropout and a linear head.

    [K^P; K^X], [V^P; V^X] in every layer,    p(y | x) = softmax_y(w_y h + b_y)      (section 3)

What is trained is a prefix. New are the defaults: no reparameterization, dropout on the keys and
values, and a head in place of the answers' words, where labels need no words, as in tagging.
"""

from dataclasses import dataclass

from datasets import Dataset

from prefixlab.chance import dropout
from prefixlab.data.batching import Row
from prefixlab.data.task import Task
from prefixlab.methods import heads
from prefixlab.methods.knobs import knob
from prefixlab.methods.prefix_tuning import PrefixTuning, PrefixTuningKnobs
from prefixlab.methods.reparameterization import Flat
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning
from prefixlab.models.geometry import Geometry


@dataclass(frozen=True)
class PTuningV2Knobs(PrefixTuningKnobs):
    dropout: float = knob(
        0.1, "share of the prefix's numbers that a step drops", low=0, high=0.9, sizes=False
    )
    classifier: str = knob(
        "head",
        "what answers: a trained linear head, or the words of the verbalizer",
        choices=("head", "verbalizer"),
    )


class PTuningV2(PrefixTuning):
    """Trained keys and values with dropout, and a trained head.

    Raises
    ------
    ValueError
        A head for a task of free text.
    """

    name = "p_tuning_v2"
    Knobs = PTuningV2Knobs

    def build(self, geometry: Geometry) -> None:
        super().build(geometry)
        self.head: Flat | None = None
        if self.knobs.classifier == "head":
            self.head = heads.blank(self.name, geometry, self.asked)

    @property
    def formula(self) -> str:
        return f"{super().formula} + {heads.FORMULA}" if self.head else super().formula

    def conditioning(self) -> Conditioning:
        prefix = dropout(self.prefix(), self.knobs.dropout, self.chance)
        head = self.head() if self.head else None  # [labels, hidden + 1]
        return Conditioning(past=self.unflatten(prefix), head=head)

    def rows(self, lm: Backbone, examples: Dataset, task: Task) -> list[Row]:
        known = heads.numbered(task, self.asked) if self.head else task
        return super().rows(lm, examples, known)
