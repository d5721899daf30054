"""The labs of the trained methods, each behind its own knobs."""

from collections.abc import Mapping
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from prefixlab.workbook import experiments
from prefixlab.workbook.experiments import WORDINGS
from prefixlab.workbook.panels.base import WIDE, shown
from prefixlab.workbook.panels.prediction import points
from prefixlab.workbook.panels.slots import SlotEditor
from prefixlab.workbook.panels.training import TrainingPanel


class PromptTuningPanel(TrainingPanel):
    """The soft prompt lab of lesson 03."""

    method = "prompt_tuning"
    knobs = ("prompt_length", "init", "text")
    usual: ClassVar = {"prompt_length": 10, "train": 256}
    question = (
        "One virtual token, or ten: how does the accuracy change, from class labels and with 256 "
        "training sentences?"
    )
    why = "One vector has to say all there is to say; ten can share the work."

    def line(self, row: pd.Series) -> str:
        return str(row.init)

    def answer(self) -> float:
        ten, one = (self.records.like(prompt_length=length) for length in (10, 1))
        return points(ten.accuracy, one.accuracy)


class PrefixTuningPanel(TrainingPanel):
    """The prefix lab of lesson 04."""

    method = "prefix_tuning"
    knobs = ("prefix_length", "init", "reparameterization", "mlp_hidden", "layers")
    usual: ClassVar = {"prefix_length": 10, "train": 256}
    question = (
        "With 32 training sentences, a prefix of 10: start from the activations of the task's "
        "words, not from uniform noise. How does the accuracy change?"
    )
    why = (
        "Real activations are a past that the model can read from the first step; noise must "
        "first become one, and 32 sentences say little about how."
    )

    def line(self, row: pd.Series) -> str:
        return f"{row.init.replace('_', ' ')}{', MLP' * (row.reparameterization == 'mlp')}"

    def answer(self) -> float:
        words, noise = (
            self.records.like(init=init, train=32) for init in ("task_words", "uniform")
        )
        return points(words.accuracy, noise.accuracy)


class PTuningV2Panel(TrainingPanel):
    """The P-tuning v2 lab of lesson 06."""

    method = "p_tuning_v2"
    knobs = ("prefix_length", "layers", "classifier", "dropout", "reparameterization", "init")
    usual: ClassVar = {"prefix_length": 10, "layers": "all", "train": 256}
    question = (
        "A prefix of 10 positions in four layers only, with a head: move it from the first four "
        "layers to the last four. How does the accuracy change?"
    )
    why = (
        "What disturbs the first layers, all layers above must bear; the last layers stand next to "
        "the head, and what they are told has a short way."
    )

    def line(self, row: pd.Series) -> str:
        extra = [", MLP"] * (row.reparameterization == "mlp") + [", no dropout"] * (not row.dropout)
        return row.classifier + "".join(extra)

    def answer(self) -> float:
        last, first = (self.records.like(layers=layers) for layers in ("last:4", "first:4"))
        return points(last.accuracy, first.accuracy)


class PTuningPanel(TrainingPanel):
    """The P-tuning lab of lesson 05, with an editor for where the soft slots stand."""

    method = "p_tuning"
    knobs = ("template", "encoder")
    usual: ClassVar = {"wording": "sentiment", "train": 256}
    question = (
        "“{x} It was {y}” is a poor prompt. Train six slots around its text, with the LSTM: how "
        "does the accuracy change against the words alone?"
    )
    why = "The slots can say what the words leave out: that this is about praise and blame."

    def line(self, row: pd.Series) -> str:
        return {"none": "no encoder"}.get(row.encoder, row.encoder)

    def answer(self) -> float:
        wording = WORDINGS["it was"]
        words = experiments.recorded("discrete_prompt", self.records.backbone)
        slots = self.records.like(template=experiments.soft(wording))
        return points(slots.accuracy, words[words.template == wording].accuracy)

    def make_controls(self, steps: int) -> dict[str, Any]:
        self.wording = widgets.Dropdown(
            options={name: shown(experiments.soft(text)) for name, text in WORDINGS.items()},
            value=shown(experiments.soft(WORDINGS["sentiment"])),
            description="a wording",
            tooltip="templates that runs were recorded with, to start from",
            **WIDE,
        )
        controls = super().make_controls(steps)
        controls["template"].value = self.wording.value
        self.editor = SlotEditor(controls["template"])
        self.wording.observe(lambda _: self.take_wording(), "value")
        return controls

    def make_views(self) -> None:
        super().make_views()
        self.children = [self.wording, self.editor, *self.children]

    def take_wording(self) -> None:
        self.controls["template"].value = self.wording.value

    def place(self, x: str, settings: Mapping[str, Any]) -> Any:
        return wording_of(settings["template"]) if x == "wording" else settings[x]


def wording_of(template: str) -> str:
    """The name of the wording that a template has slots in, where it is one that was recorded."""
    names = {experiments.soft(wording): name for name, wording in WORDINGS.items()}
    return names.get(template, "")
