"""The labs of the trained methods, each behind its own knobs."""

import re
from math import nan
from typing import Any

import ipywidgets as widgets

from prefixlab.workbook.grids import WORDINGS, soft
from prefixlab.workbook.language import gettext, gettext_noop
from prefixlab.workbook.panels.base import WIDE, shown
from prefixlab.workbook.panels.knobs import with_help
from prefixlab.workbook.panels.prediction import points
from prefixlab.workbook.panels.slots import SOFT, SlotEditor
from prefixlab.workbook.panels.training import TrainingPanel


class PromptTuningPanel(TrainingPanel):
    """The soft prompt lab of lesson 03."""

    method = "prompt_tuning"
    knobs = ("prompt_length", "init", "text")
    question = gettext_noop(
        "Ten virtual tokens, not one: how does the accuracy change, from class labels and with 256 "
        "training sentences?"
    )
    why = gettext_noop(
        "Three seeds do not decide it, though each length has a rate of its own. Look at the rates "
        "of one token: at a rate that was found for ten, it can look worse than it is."
    )

    def answer(self) -> float:
        ten, one = (self.records.like(prompt_length=length) for length in (10, 1))
        return points(ten.accuracy, one.accuracy)


class PrefixTuningPanel(TrainingPanel):
    """The prefix lab of lesson 04."""

    method = "prefix_tuning"
    knobs = ("prefix_length", "init", "reparameterization", "mlp_hidden", "layers")
    question = gettext_noop(
        "With 256 training sentences, a prefix of 10: start from the activations of the task's "
        "words, not from uniform noise, each at its own learning rate. How does the accuracy "
        "change?"
    )
    why = gettext_noop(
        "A guess, not tested: real activations are a past that the model can read from the first "
        "step; noise must first become one."
    )

    def answer(self) -> float:
        words, noise = (self.records.like(init=init) for init in ("task_words", "uniform"))
        return points(words.accuracy, noise.accuracy)


class PTuningV2Panel(TrainingPanel):
    """The P-tuning v2 lab of lesson 06."""

    method = "p_tuning_v2"
    knobs = ("prefix_length", "layers", "classifier", "dropout", "reparameterization", "init")
    told_apart = "classifier"
    question = gettext_noop(
        "A prefix of 10 positions in four layers only, with a head and without dropout: move it "
        "from the first four layers to the last four. How does the accuracy change?"
    )
    why = gettext_noop(
        "A guess, not tested: what disturbs the first layers, all layers above must bear; the last "
        "layers stand next to the head, and what they are told has a short way."
    )

    def answer(self) -> float:
        last, first = (self.records.like(layers=layers) for layers in ("last:4", "first:4"))
        return points(last.accuracy, first.accuracy)


class PTuningPanel(TrainingPanel):
    """The P-tuning lab of lesson 05, with an editor for where the soft slots stand."""

    method = "p_tuning"
    knobs = ("template", "encoder")
    told_apart = "encoder"
    question = gettext_noop(
        "“{x} It was {y}” is a poor prompt. Train six slots around its text, with the LSTM: how "
        "does the accuracy change against the words alone?"
    )
    why = gettext_noop(
        "A guess, not tested: the slots can say what the words leave out, that this is about "
        "praise and blame."
    )

    def answer(self) -> float:
        words = self.records.untrained.get("no training, it was", {"accuracy": nan})
        slots = self.records.like(template=soft(WORDINGS["it was"]), encoder="lstm")
        return 100 * float(slots.accuracy.mean() - words["accuracy"])

    def line(self, family: str) -> str:
        return gettext("no encoder") if family.endswith(", none") else super().line(family)

    def make_controls(self, steps: int) -> dict[str, Any]:
        controls = super().make_controls(steps)
        self.wording = widgets.Dropdown(
            options={name: shown(soft(text)) for name, text in WORDINGS.items()},
            value=controls["template"].value,
            description=gettext("a wording"),
            tooltip=gettext("templates that runs were recorded with, to start from"),
            **WIDE,
        )
        self.editor = SlotEditor(controls["template"])
        self.wording.observe(lambda _: self.take_wording(), "value")
        return controls

    def make_views(self) -> None:
        super().make_views()
        self.children = [self.editor, *self.children]

    def on_the_left(self) -> list[widgets.Widget]:
        return [with_help(self.wording), *super().on_the_left()]

    def plain(self, settings: dict[str, Any]) -> dict[str, Any]:
        return {"template": re.sub(SOFT, "", settings["template"])}

    def take_wording(self) -> None:
        self.controls["template"].value = self.wording.value

    def place(self, x: str, value: Any) -> Any:
        return wording_of(value) if x == "template" else value

    def setting(self, x: str, place: Any) -> Any:
        return soft(WORDINGS[place]) if x == "template" else place


def wording_of(template: str) -> str:
    """The name of the wording that a template has slots in, where it is one that was recorded."""
    return {soft(wording): name for name, wording in WORDINGS.items()}.get(template, "")
