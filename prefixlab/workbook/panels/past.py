"""A panel that puts the keys and values of one text in front of another."""

from typing import Any

import ipywidgets as widgets

from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning, Past
from prefixlab.workbook.language import gettext, gettext_noop
from prefixlab.workbook.panels.base import WIDE, Panel
from prefixlab.workbook.panels.tables import bars

MOST = 5  # tokens that are shown


class PastPanel(Panel):
    """What comes next, with a past in front and without it, in all layers or in half of them."""

    def __init__(self, lm: Backbone):
        super().__init__()
        self.lm, layers = lm, lm.geometry.layers
        self.layers = {
            gettext_noop("all layers"): range(layers),
            gettext_noop("lower half of the layers"): range(layers // 2),
            gettext_noop("upper half of the layers"): range(layers // 2, layers),
        }
        typed: dict[str, Any] = {"continuous_update": False, **WIDE}
        self.controls = {
            "past": widgets.Text("I am in Tokyo, in Japan.", description=gettext("past"), **typed),
            "text": widgets.Text(
                " The language spoken here is", description=gettext("text"), **typed
            ),
            "layers": widgets.Dropdown(
                options=[(gettext(name), name) for name in self.layers],
                description=gettext("in which layers"),
                **WIDE,
            ),
        }
        self.answer = widgets.HTML()
        self.children = [*self.controls.values(), self.status, self.answer]
        for control in self.controls.values():
            control.observe(lambda _: self.draw(), "value")
        self.draw()

    def draw(self) -> None:
        """Answer the boxes as they stand; what cannot be read is said in words."""
        past, text = self.controls["past"].value, self.controls["text"].value
        self.answer.value = ""  # no answer stands beside a question that it is not of
        with self.reporting():
            self.check_texts()
            for name in ("past", "text"):
                box = self.controls[name]
                if not box.value.strip():
                    empty = gettext("The box {name!r} is empty; write at least one word.")
                    raise ValueError(empty.format(name=box.description))
            whole, chosen = (
                self.lm.read_past(past),
                list(self.layers[self.controls["layers"].value]),
            )
            given = Conditioning(past=Past(whole.keys[chosen], whole.values[chosen], tuple(chosen)))
            alone, after = (
                self.lm.next_tokens(text, MOST, conditioning)
                for conditioning in (Conditioning(), given)
            )
            self.answer.value = bars(alone, title=gettext("text alone")) + bars(
                after, title=gettext("with the past in front")
            )
            self.status.value = ""
