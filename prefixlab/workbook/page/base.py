"""What all widgets that draw in the page have in common: a module, a picture, a sentence."""

from pathlib import Path
from typing import Any

import anywidget
from matplotlib.figure import Figure

from prefixlab.workbook import figures
from prefixlab.workbook.cells import close_what_this_cell_made_before

HERE = Path(__file__).parent


def module(name: str) -> str:
    """A widget's module in JavaScript: what all of them draw with, then its own part.

    It is one text because the page loads it from no address, where `import` would find another.
    """
    return "\n".join((HERE / file).read_text(encoding="utf-8") for file in ("drawing.js", name))


class InPage(anywidget.AnyWidget):
    """A widget that is drawn in the page from numbers that it has there.

    In a viewer without a kernel, where no widget lives, the stored lesson shows `picture()`.
    """

    _css = HERE / "page.css"

    def __init__(self, **traits: Any):
        super().__init__(**traits)
        close_what_this_cell_made_before(self)

    def says(self) -> str:
        """What is chosen and what came of it, as one sentence."""
        raise NotImplementedError

    def picture(self) -> Figure:
        """What the page shows, as a figure to be stored."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.says()}"

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        shown: Any = super()._repr_mimebundle_(**options)
        return shown[0] | {"image/png": figures.png(self.picture())}, shown[1]

    def close(self) -> None:
        """Close it with its layout: the kernel keeps no trace of it."""
        if self.comm is not None:
            self.layout.close()
        super().close()
