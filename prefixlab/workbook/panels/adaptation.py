"""Unlearning span corruption: what a tiny T5 says first, after ever more LM adaptation."""

import ipywidgets as widgets
import pandas as pd

from prefixlab.workbook import figures, span_corruption
from prefixlab.workbook.panels.base import Panel, plot
from prefixlab.workbook.panels.playground import line
from prefixlab.workbook.panels.tables import bars

FIRST = 6  # tokens to show
TEXT = "the acting is superb, it is a"


class AdaptationPanel(Panel):
    """A slider over the steps of LM adaptation, and a text for the model to go on with.

    Parameters
    ----------
    runs
        Recorded runs of the grid `lm_adaptation`.
    """

    def __init__(self, runs: pd.DataFrame):
        super().__init__()
        self.models = {lm.name: lm for lm in span_corruption.variants()}
        trained = runs[runs.method == "prompt_tuning"].groupby("backbone").loss
        self.loss, self.seeds = trained.mean().to_dict(), trained.count().to_dict()
        self.controls = {
            "model": widgets.SelectionSlider(
                options=[(name.removeprefix("tiny-t5, "), name) for name in self.models],
                description="model",
                tooltip="steps of LM adaptation; or a sentinel before every target",
                style={"description_width": "130px"},
                layout={"width": "680px", "max_width": "98%"},
            ),
            "text": line("text", TEXT, "what the encoder reads"),
        }
        self.view = widgets.HTML()
        self.view.layout.min_height = "190px"  # the page does not jump when an error empties it
        self.image = plot()
        # Drawn before anybody asks, all five: the slider then waits for the model alone.
        self.pictures = {name: figures.png(self.picture_of(name)) for name in self.models}
        self.respond()
        for one in self.controls.values():
            one.observe(self.respond, "value")
        self.children = [*self.controls.values(), self.status, self.view, self.image]

    def respond(self, change: object = None) -> None:
        """Show what the chosen model says first, and how far a prompt before it came."""
        name, self.status.value = self.controls["model"].value, ""
        with self.reporting():
            self.check_texts()
            said = self.models[name].next_tokens(self.controls["text"].value, k=FIRST)
            self.view.value = bars(said, title="What the decoder begins with")
            self.image.value = self.pictures[name]

    def picture_of(self, name: str) -> figures.Figure:
        names = [each for each in self.models if each in self.loss]
        figure, (axis,) = figures.new(height=2.4)
        colours = [figures.ORANGE if each == name else figures.GREY for each in names]
        drawn = axis.barh(
            [each.removeprefix("tiny-t5, ") for each in names],
            [self.loss[each] for each in names],
            color=colours,
        )
        axis.bar_label(drawn, fmt="%.2f", padding=3)
        axis.invert_yaxis()
        axis.margins(x=0.12)
        fewest = min(self.seeds.values(), default=0)
        axis.set(xlabel=f"test loss with a trained prompt (nats per token, {fewest} seeds)")
        return figure

    def plots(self) -> list[widgets.Image]:
        return [self.image]
