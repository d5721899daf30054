"""What all widgets that draw in the page have in common: a module, a picture, a sentence."""

from abc import abstractmethod
from base64 import b64encode
from pathlib import Path
from typing import Any, ClassVar, cast

import anywidget
from matplotlib.figure import Figure
from traitlets import Dict

from prefixlab.workbook import figures
from prefixlab.workbook.cells import close_what_this_cell_made_before
from prefixlab.workbook.language import words

HERE = Path(__file__).parent
STORED = "prefixlab"  # what the metadata of an output call what is stored of a widget


def module(script: str) -> str:
    """A widget's module in JavaScript: what all of them draw with, then its own part.

    It is one text because the page loads it from no address, where `import` would find another.
    """
    return "\n".join((HERE / file).read_text(encoding="utf-8") for file in ("drawing.js", script))


class InPage(anywidget.AnyWidget):
    """A widget that is drawn in the page from numbers that it has there.

    In a viewer without a kernel, where no widget lives, the stored lesson shows `picture()`. With
    it, in the metadata of the output, the numbers are stored: see `export`.
    """

    script: ClassVar[str]
    _words = Dict().tag(sync=True)  # what the module says, in the language chosen
    _css = HERE / "page.css"

    def __init__(self, **traits: Any):
        script = module(self.script) if words() else ""
        said = {text: other for text, other in words().items() if f'"{text}"' in script}
        super().__init__(_words=said, **traits)
        close_what_this_cell_made_before(self)

    @abstractmethod
    def says(self) -> str:
        """What is chosen and what came of it, as one sentence."""

    @abstractmethod
    def picture(self) -> Figure:
        """What the page shows, as a figure to be stored."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.says()}"

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = cast(Any, super()._repr_mimebundle_(**options))
        picture = {"image/png": figures.png(self.picture())}
        return data | picture, metadata | {STORED: {"script": self.script, "state": self.state()}}

    def state(self) -> dict[str, Any]:
        """What the page has, as JSON can say it; bytes as `{"base64": "…"}`."""
        own = set(self.keys) - set(anywidget.AnyWidget.class_trait_names(sync=True))
        state = {name: getattr(self, name) for name in sorted(own) if not name.startswith("_")}
        return {
            name: {"base64": b64encode(value).decode()} if isinstance(value, bytes) else value
            for name, value in state.items()
        }

    def close(self) -> None:
        """Close it with its layout: the kernel keeps no trace of it."""
        if self.comm is not None:
            self.layout.close()
        super().close()
