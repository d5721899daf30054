"""A knob as a panel shows it: a plain name, its choices in plain words, and a line of help.

The line begins with the package's own name, by which the knob is found in code. The value of a
control is the package's value, whatever it is called on the page.
"""

from collections.abc import Mapping
from dataclasses import Field
from html import escape
from typing import Any

import ipywidgets as widgets

from prefixlab.workbook.language import gettext, gettext_noop
from prefixlab.workbook.panels.base import LABEL, WIDE

# Of knobs, and of settings of a run, whose own name is not plain.
NAMES = {
    "train": gettext_noop("training sentences"),
    "rate": gettext_noop("learning rate"),
    "init": gettext_noop("starting point"),
    "text": gettext_noop("its words"),
    "reparameterization": gettext_noop("trained"),
    "mlp_hidden": gettext_noop("width of the MLP"),
    "encoder": gettext_noop("prompt encoder"),
    "classifier": gettext_noop("answered by"),
    "frozen": gettext_noop("frozen positions"),
    "maps": gettext_noop("changed maps"),
    "top": gettext_noop("trained layers"),
    "gate": gettext_noop("a gate for"),
    "width": gettext_noop("kernel width"),
    "beside": gettext_noop("beside the prefix"),
    "strategy": gettext_noop("written"),
}
CHOICES = {
    ("init", "task_words"): gettext_noop("the task's words"),
    ("init", "unrelated_words"): gettext_noop("unrelated words"),
    ("init", "examples"): gettext_noop("real examples"),
    ("init", "matched"): gettext_noop("word-sized noise"),
    ("init", "uniform"): gettext_noop("uniform noise"),
    ("init", "vocabulary"): gettext_noop("common words"),
    ("init", "labels"): gettext_noop("the answers"),
    ("init", "text"): gettext_noop("a text"),
    ("init", "encoder"): gettext_noop("the encoder's output"),  # of P-tuning
    ("init", "normal"): gettext_noop("word-sized noise"),
    ("reparameterization", "none"): gettext_noop("directly"),
    ("reparameterization", "mlp"): gettext_noop("through an MLP"),
    ("encoder", "none"): gettext_noop("none"),
    ("encoder", "mlp"): "MLP",
    ("encoder", "lstm"): "LSTM",
    ("classifier", "head"): gettext_noop("a trained head"),
    ("classifier", "verbalizer"): gettext_noop("words"),
    ("labels", "true"): gettext_noop("true"),
    ("labels", "random"): gettext_noop("drawn at random"),
    ("labels", "outside"): gettext_noop("words from outside"),
    ("gate", "head"): gettext_noop("each head"),
    ("gate", "layer"): gettext_noop("each layer"),
    ("beside", "prompt"): gettext_noop("a prompt"),
    ("beside", "bias"): gettext_noop("biases"),
    ("strategy", "greedy"): gettext_noop("greedily"),
    ("strategy", "beam"): gettext_noop("by beam search"),
    ("strategy", "sample"): gettext_noop("by sampling"),
}
# Where what the knob's declaration says is too long for a line.
HELP = {
    "init": gettext_noop("what training begins with"),
    "text": gettext_noop("empty: the task's words"),
    "prefix_length": gettext_noop("positions in every layer"),
    "layers": gettext_noop("all, first:4, last:4, or 0-5,11"),
    "reparameterization": gettext_noop("the prefix, or an MLP behind it"),
    "encoder": gettext_noop("what computes the slots"),
    "classifier": gettext_noop("a linear head, or answer words"),
    "dropout": gettext_noop("share of numbers a step drops"),
    "learning_rate": gettext_noop("follows the others until set"),
    "maps": gettext_noop("all, or ends of names: q_proj,v_proj"),
    "top": gettext_noop("the last ones; 0 for the whole model"),
    "labels": gettext_noop("what stands behind each demonstration"),
    "strategy": gettext_noop("how the next token is found"),
    "temperature": gettext_noop("divides the logits; less is nearer to greedy"),
    "top_p": gettext_noop("the fewest tokens that have this probability"),
}
# Knobs that do nothing but where another one has a certain value.
COUNTS_WITH = {
    "text": ("init", "text"),
    "mlp_hidden": ("reparameterization", "mlp"),
    "beams": ("strategy", "beam"),
    "temperature": ("strategy", "sample"),
    "top_p": ("strategy", "sample"),
}


def name_of(knob: str) -> str:
    """The plain English name of a knob; `gettext` has it in another language."""
    return NAMES.get(knob, knob.replace("_", " "))


def choice_of(knob: str, value: str) -> str:
    """One of a knob's choices in plain English; any other text as it is."""
    return CHOICES.get((knob, value), value)


def control(declared: Field) -> Any:
    """The widget for a knob, from its declaration: range, choices, help."""
    about = declared.metadata
    unit = "" if about["unit"] in about["help"] else f" ({gettext(about['unit'])})"
    look: dict[str, Any] = {
        "value": declared.default,
        "description": gettext(name_of(declared.name)),
        "tooltip": gettext(about["help"]) + unit,
        **WIDE,
    }
    if about["choices"]:
        named = [(gettext(choice_of(declared.name, one)), one) for one in about["choices"]]
        return widgets.Dropdown(options=named, **look)
    if isinstance(declared.default, bool):
        return widgets.Checkbox(**look)
    if isinstance(declared.default, int):
        return widgets.IntSlider(
            min=about["low"], max=about["high"], continuous_update=False, **look
        )
    if isinstance(declared.default, float):
        return widgets.BoundedFloatText(min=about["low"], max=about["high"], **look)
    return widgets.Text(continuous_update=False, **look)


def with_help(control: Any, knob: str = "") -> widgets.VBox:
    """A control over its line of help, which is hidden with it.

    Parameters
    ----------
    control
        Its tooltip is the help where there is none that is shorter.
    knob
        The package's name of it; empty for what is no knob of the package.
    """
    said = gettext(HELP[knob]) if knob in HELP else control.tooltip
    line = widgets.HTML(
        '<div style="display: flex; font-size: 11px; line-height: 1.2; '
        'color: var(--jp-ui-font-color2)">'
        f'<code style="flex: none; width: {LABEL}; margin-right: 8px; text-align: right; '
        f'font-size: 11px; color: inherit">{escape(knob)}</code><span>{escape(said)}</span></div>',
        layout={"margin": "0 2px"},
    )
    control.layout.margin = "2px 2px 0"
    size = {"width": WIDE["layout"]["width"], "max_width": "100%"}
    box = widgets.VBox([control, line], layout=size)
    widgets.dlink((control.layout, "display"), (box.layout, "display"))
    return box


def hide_idle(controls: Mapping[str, Any]) -> None:
    """Show the knobs that do something as the others stand, and no more."""
    for name, (other, value) in COUNTS_WITH.items():
        if name in controls and other in controls:
            controls[name].layout.display = "" if controls[other].value == value else "none"
