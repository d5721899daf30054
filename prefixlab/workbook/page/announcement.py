"""Announcement: words on what a panel is doing, for eyes and for a screen reader."""

import anywidget
from ipywidgets import DOMWidget
from traitlets import Unicode

from prefixlab.workbook.page.base import HERE


def kept(button: DOMWidget) -> None:
    """Where a button cannot be pressed any more, the focus is not lost with it."""
    button.add_class("prefixlab-action")


class Announcement(anywidget.AnyWidget):
    """Words that change while a panel works; beside them the focus is kept.

    Of a panel's buttons that are `kept`, one that is disabled while it has the focus gives it on to
    the last one that can be pressed; one that is hidden, to what follows it.

    Attributes
    ----------
    value
        The words, as HTML.
    """

    _esm = HERE / "announcement.js"
    value = Unicode().tag(sync=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.value}"
