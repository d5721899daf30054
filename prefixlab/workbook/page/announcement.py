"""Announcement: words on what a panel is doing, for eyes and for a screen reader."""

import anywidget
from traitlets import Unicode

from prefixlab.workbook.page.base import HERE


class Announcement(anywidget.AnyWidget):
    """Words that change while a panel works; beside them the focus is kept.

    A button of the class `prefixlab-action` that is disabled while it has the focus gives it on to
    one of the same panel that can be pressed.

    Attributes
    ----------
    value
        The words, as HTML.
    """

    _esm = HERE / "announcement.js"
    value = Unicode().tag(sync=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.value}"
