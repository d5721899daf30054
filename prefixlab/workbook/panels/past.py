"""A panel that puts the keys and values of one text in front of another."""

from typing import Any

import ipywidgets as widgets

from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning, Past
from prefixlab.workbook.panels.base import WIDE, Panel
from prefixlab.workbook.panels.tables import bars

MOST = 5  # tokens that are shown


class PastPanel(Panel):
    """What comes next, with a past in front and without it, in all layers or in half of them."""

    def __init__(self, lm: Backbone):
        super().__init__()
        self.lm, layers = lm, lm.geometry.layers
        self.layers = {
            "all layers": range(layers),
            "lower half of the layers": range(layers // 2),
            "upper half of the layers": range(layers // 2, layers),
        }
        typed: dict[str, Any] = {"continuous_update": False, **WIDE}
        self.controls = {
            "past": widgets.Text("I am in Tokyo, in Japan.", description="past", **typed),
            "text": widgets.Text(" The language spoken here is", description="text", **typed),
            "layers": widgets.Dropdown(
                options=list(self.layers), description="in which layers", **WIDE
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
            for name, words in (("past", past), ("text", text)):
                if not words.strip():
                    raise ValueError(f"The box {name!r} is empty; write at least one word.")
            whole, chosen = (
                self.lm.read_past(past),
                list(self.layers[self.controls["layers"].value]),
            )
            given = Conditioning(past=Past(whole.keys[chosen], whole.values[chosen], tuple(chosen)))
            alone, after = (
                self.lm.next_tokens(text, MOST, conditioning)
                for conditioning in (Conditioning(), given)
            )
            self.answer.value = bars(alone, title="text alone") + bars(
                after, title="with the past in front"
            )
            self.status.value = ""
