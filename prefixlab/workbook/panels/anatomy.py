"""A panel that draws what a method trains, and where: positions by layers, and what they cost."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import ipywidgets as widgets
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg

from prefixlab.arguments import one_of
from prefixlab.methods import METHODS, Cost
from prefixlab.models.geometry import KNOWN, Geometry
from prefixlab.workbook import figures
from prefixlab.workbook.language import gettext, gettext_noop
from prefixlab.workbook.panels.base import WIDE, Panel, columns, plot, typed
from prefixlab.workbook.panels.knobs import control, hide_idle, with_help
from prefixlab.workbook.panels.prediction import Prediction
from prefixlab.workbook.panels.tables import facts
from prefixlab.workbook.positions import Positions, positions

# The knobs that change the picture or the cost; the others say what the numbers start from.
HEIGHT = 3.6  # inches


class AnatomyPanel(Panel):
    """The anatomy of any method on any well-known backbone; nothing is loaded, nothing trained.

    Parameters
    ----------
    method, backbone
        What the panel shows first: a name in `METHODS`, and one in `geometry.KNOWN`.
    ask
        Whether it asks for a guess first; a lesson that knows the answer need not ask again.

    Raises
    ------
    ValueError
        Another name.
    """

    def __init__(self, method: str = "prefix_tuning", backbone: str = "gpt2", *, ask: bool = True):
        one_of("method", method, METHODS)
        one_of("backbone", backbone, KNOWN)
        super().__init__()
        self.method = widgets.Dropdown(
            options=list(METHODS), value=method, description=gettext("method"), **WIDE
        )
        self.backbone = widgets.Dropdown(
            options=list(KNOWN), value=backbone, description=gettext("sizes of"), **WIDE
        )
        # Every method keeps its controls, so that their values are there when it is chosen again.
        self.knobs = {name: controls_of(name) for name in METHODS}
        self.boxes = {
            method: widgets.VBox([with_help(knob, name) for name, knob in own.items()])
            for method, own in self.knobs.items()
        }
        self.view = plot(gettext("Layers by positions; the cells that a method trains are orange"))
        self.words = widgets.HTML()
        knobs = columns([self.method, self.backbone, *self.boxes.values()])
        parts = [knobs, self.status, self.view, self.words]
        self.children = [question_before(parts)] if ask else parts
        self.choose()
        self.method.observe(lambda _: self.choose(), "value")
        self.backbone.observe(lambda _: self.draw(), "value")
        for own in self.knobs.values():
            for knob in own.values():
                knob.observe(lambda _: self.draw(), "value")

    def plots(self) -> list[bytes]:
        return [self.view.value]

    def choose(self) -> None:
        """Show the controls of the chosen method, and draw it."""
        for name, box in self.boxes.items():
            box.layout.display = "" if name == self.method.value else "none"
        own = self.knobs[self.method.value]
        self.controls = {"method": self.method, "backbone": self.backbone, **own}
        self.draw()

    def draw(self) -> None:
        """Draw the method with the knobs as they stand; an impossible knob is named in words."""
        method, geometry = METHODS[self.method.value], KNOWN[self.backbone.value]
        hide_idle(self.controls)
        with self.reporting():
            self.check_texts()
            knobs = {name: value_of(knob) for name, knob in self.knobs[method.name].items()}
            laid, cost = positions(method.sketch(geometry, **knobs)), method.cost(geometry, **knobs)
            self.view.value = picture_of(laid, geometry.layers)
            self.words.value = words_for(cost, geometry, knobs)
            self.status.value = ""
        for part in (self.view, self.words):  # what stands there answers other knobs
            (part.add_class if self.status.value else part.remove_class)("prefixlab-stale")


def question_before(parts: list[widgets.Widget]) -> Prediction:
    return Prediction(
        gettext_noop(
            "On GPT-2 small: how many times as many numbers does a prefix of 10 positions store as "
            "a prompt of 10 virtual tokens?"
        ),
        times_as_many,
        gettext_noop(
            "A virtual token is one vector of width h at the input. A position of the prefix has "
            "keys and values, two such vectors, in each of the 12 layers."
        ),
        parts,
        unit=gettext_noop("times"),
        signed=False,
    )


def controls_of(method: str) -> dict[str, Any]:
    """A control for each knob of the method that changes what is drawn or its cost."""
    declared = [field for field in METHODS[method].Knobs.declared() if field.metadata["sizes"]]
    controls = {field.name: control(field) for field in declared}
    for made in controls.values():
        if isinstance(made, widgets.IntSlider):
            made.continuous_update = True  # the picture follows the hand
    return controls


def value_of(knob: Any) -> Any:
    return typed(knob.value) if isinstance(knob.value, str) else knob.value


@figures.one_at_a_time
def picture_of(laid: list[Positions], layers: int) -> bytes:
    columns = [
        (part.label, [part.at_input, *(part.layers.get(i, "text") for i in range(layers))])
        for part in laid
        for _ in range(part.length)
    ]
    labels, cells = zip(*columns, strict=True)
    used = tuple(kind for kind in figures.CELLS if any(kind in column for column in cells))
    canvas, axis, background = frame(layers + 1, used)
    canvas.restore_region(background)
    for artist in figures.grid_cells(axis, labels, cells):
        axis.draw_artist(artist)
        artist.remove()
    return figures.snapshot(canvas)


@cache
def frame(rows: int, used: tuple[str, ...]) -> tuple[FigureCanvasAgg, Axes, Any]:
    """What a moved slider leaves as it is, drawn once: with it a redraw takes a third as long."""
    figure, axis = figures.grid_frame(rows, used, HEIGHT)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas, axis, canvas.copy_from_bbox(figure.bbox)


def words_for(cost: Cost, geometry: Geometry, knobs: Mapping[str, Any]) -> str:
    """The cost as a small table, which takes its colours from the page."""
    named = re.findall(r"\w+", cost.formula)
    sized = {**knobs, "m": knobs.get("prompt_length"), **geometry.symbols}
    shown = {name: size for name, size in sized.items() if name in named}
    sizes = ", ".join(f"{name} = {size:,}" for name, size in shown.items())
    rows = {
        gettext("stored, as a formula"): cost.formula,
        gettext("sizes"): sizes,
        gettext("numbers trained"): f"{cost.trained:,}",
        gettext("numbers stored"): f"{cost.stored:,}",
        gettext("bytes"): gettext("{bytes:,}, at 4 bytes a number").format(bytes=cost.stored_bytes),
        gettext("share of the model"): gettext("{share:.3g}% of {all:,} parameters").format(
            share=100 * cost.share, all=geometry.parameters
        ),
    }
    return facts({name: value for name, value in rows.items() if value})


def times_as_many() -> float:
    """A prefix of 10 positions on GPT-2 small, over a prompt of 10 virtual tokens."""
    small = KNOWN["gpt2"]
    prefix = METHODS["prefix_tuning"].cost(small, prefix_length=10)
    return prefix.stored / METHODS["prompt_tuning"].cost(small, prompt_length=10).stored
