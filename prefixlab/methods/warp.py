"""WARP (Hambardzumyan, Khachatrian & May 2021): a trained prompt, and trained answer rows.

    input = [P; E(x)],    p(y | x) = softmax_y(w_y h),    P and the w_y trained       (section 3)

The rows start as those of the answers' words: before the first step this is prompt tuning.
"""

from datasets import Dataset

from prefixlab.data.batching import Row
from prefixlab.data.task import Task
from prefixlab.data.template import Verbalizer
from prefixlab.methods import heads
from prefixlab.methods.prompt_tuning import PromptTuning
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning
from prefixlab.models.geometry import Geometry


class Warp(PromptTuning):
    """A trained prompt [m, h] in front of the input, and a trained row for each label.

    Raises
    ------
    ValueError
        A task of free text.
    """

    name = "warp"

    def build(self, geometry: Geometry) -> None:
        super().build(geometry)
        self.head = heads.blank(self.name, geometry, self.asked)

    @property
    def formula(self) -> str:
        return f"{super().formula} + {heads.FORMULA}"

    def start(self, lm: Backbone, task: Task) -> None:
        super().start(lm, task)
        answers = Verbalizer(self.asked.answers)
        self.head.values.copy_(heads.of_words(lm, answers, self.template.answer_lead))

    def conditioning(self) -> Conditioning:
        return Conditioning(virtual=self.prompt(), head=self.head())

    def rows(self, lm: Backbone, examples: Dataset, task: Task) -> list[Row]:
        return super().rows(lm, examples, heads.numbered(task, self.asked))
