"""Plot: a figure that the kernel draws, on the page's own ground, light or dark."""

import anywidget
from traitlets import Bytes, Unicode

from prefixlab.workbook.page.base import HERE


class Plot(anywidget.AnyWidget):
    """An image that can be drawn anew; in a dark theme its light and dark change places.

    Attributes
    ----------
    value
        The image, as PNG.
    alt
        What it shows, for who does not see it.
    """

    _esm = HERE / "plot.js"
    _css = HERE / "page.css"
    value = Bytes().tag(sync=True)
    alt = Unicode().tag(sync=True)

    def __init__(self, alt: str, **layout: str):
        super().__init__(alt=alt, layout=layout)
        self.add_class("prefixlab-plot")

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.alt}"
