"""A linear probe (Alain & Bengio 2017): only a head is trained, on the frozen activations.

    p(y | x) = softmax_y(w_y h + b_y)

It asks what the model already knows where the label is read, and steers nothing.
"""

from datasets import Dataset

from prefixlab.data.batching import Row
from prefixlab.data.task import Task
from prefixlab.methods import heads
from prefixlab.methods.base import Method
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning
from prefixlab.models.geometry import Geometry


class LinearProbe(Method):
    """A trained row and bias for each label.

    Raises
    ------
    ValueError
        A task of free text.
    """

    name = "linear_probe"
    learning_rate = 0.003

    def build(self, geometry: Geometry) -> None:
        self.head = heads.blank(self.name, geometry, self.asked)

    @property
    def formula(self) -> str:
        return heads.FORMULA

    def conditioning(self) -> Conditioning:
        return Conditioning(head=self.head())  # [answers, hidden + 1]

    def rows(self, lm: Backbone, examples: Dataset, task: Task) -> list[Row]:
        return super().rows(lm, examples, heads.numbered(task, self.asked))
