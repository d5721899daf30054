"""What all panels have in common: how they are laid out, errors in words, a tidy end."""

import asyncio
import io
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any, TypeVar

import ipywidgets as widgets
import matplotlib.image
import torch

from prefixlab.arguments import text
from prefixlab.workbook import figures
from prefixlab.workbook.cells import close_what_this_cell_made_before
from prefixlab.workbook.language import gettext
from prefixlab.workbook.page import Plot
from prefixlab.workbook.panels.interrupt import listen, on_interrupt

T = TypeVar("T")

LABEL = "130px"
WIDE: dict[str, Any] = {
    "style": {"description_width": LABEL},
    "layout": {"width": "410px", "max_width": "98%"},
}
# What a panel asks about at first.
SENTENCE = "The jokes are old, the cast is tired, and I laughed all evening."
BUTTONS = {"description_width": LABEL, "button_width": "auto"}  # the style of a row to choose from
# How long a panel gives way after each piece of work: time for the page to hand in a click.
BREATH = 0.005


class Panel(widgets.VBox):
    """A box of controls and views that cleans up after itself.

    Running a cell again makes a new panel; the one that the cell made before is closed, and with
    it every widget and every task it had. In a viewer without a kernel, where no widget lives, the
    stored lesson shows what is `stored()` instead: the `picture()`.
    """

    def __init__(self) -> None:
        self.status = widgets.HTML()
        self.controls: dict[str, Any] = {}
        self.running: asyncio.Future[None] | None = None
        self.stopping = False
        super().__init__()
        self.add_class("prefixlab-panel")
        close_what_this_cell_made_before(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}: needs a running kernel"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**options)
        return bundle | self.stored()

    def stored(self) -> dict[str, Any]:
        """What a viewer without a kernel shows, by its MIME type."""
        return {"image/png": self.picture()}

    def plots(self) -> list[bytes]:
        """The panel's plots as they are now, for its picture."""
        return []

    def described(self) -> list[str]:
        """The panel's controls as words, for its picture."""
        return [
            f"{control.description}: {getattr(control, 'label', None) or control.value}"
            for control in self.controls.values()
            if hasattr(control, "value") and control.layout.display != "none"
        ]

    def picture(self) -> bytes:
        """The panel as an image: what it shows in words, then its plots."""
        plots = [matplotlib.image.imread(io.BytesIO(plot)) for plot in self.plots()]
        words = [line.encode(errors="replace").decode() for line in self.described()]
        return figures.png(figures.card(type(self).__name__, words, plots))

    def say(self, words: str) -> None:
        """Show a line of plain text; what looks like HTML in it stays text."""
        self.status.value = escape(words)

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Within this context an error appears in the panel, in words, with its remedy."""
        try:
            yield
        except (MemoryError, torch.OutOfMemoryError):
            self.complain(
                gettext(
                    "There is not enough memory for this; lower the length, the batch size "
                    "or the number of examples, and try again."
                )
            )
        except ValueError as error:
            self.complain(str(error))
        except Exception as error:
            # JupyterLab shows what a callback raises nowhere: say it here, and let CI see it too.
            self.complain(f"{type(error).__name__}: {error}")
            raise

    def check_texts(self) -> None:
        """Refuse half a character in any box to type in: a page can send one, no model reads it.

        Raises
        ------
        ValueError
            With the name of the box.
        """
        for box in boxes(self):
            text(f"The box {box.description!r}", box.value)

    def complain(self, words: str) -> None:
        self.status.value = f"{complaint()} {escape(words)}"

    def take_back(self) -> None:
        """Take back a complaint, if one stands there; other words stay."""
        if self.status.value.startswith(complaint()):
            self.status.value = ""

    def start(self, work: Callable[[], Any]) -> None:
        """Begin `work()`, a coroutine, beside everything else the page does.

        While one is being done there is no second: a double click is one click. A panel that was
        closed begins nothing.
        """
        if self.comm is not None and (self.running is None or self.running.done()):
            self.running = asyncio.ensure_future(self.interruptible(work))

    async def interruptible(self, work: Callable[[], Any]) -> None:
        """Do some work; the kernel's Interrupt stops it as the button does."""
        with on_interrupt(self.stop):
            await work()

    def end(self, then: Callable[[], None] = lambda: None) -> None:
        """End the work at once, and do something when it has ended, or now where there is none."""
        running = self.running
        if running is None or running.done():
            then()
            return

        def cancel() -> None:
            running.add_done_callback(lambda _: then())
            running.cancel()

        # It may run in another thread: JupyterLab has one for the callbacks of widgets.
        running.get_loop().call_soon_threadsafe(cancel)

    def stop(self) -> None:
        """End the work after the piece that is being done."""
        self.stopping = True

    async def patiently(self, work: Iterable[T]) -> AsyncIterator[T]:
        """The pieces of some work, giving way after each, until it is done or `stop` was called."""
        for piece in work:
            yield piece
            await asyncio.sleep(BREATH)
            listen()
            if self.stopping:
                return

    def release(self) -> None:
        """Let go of what a finished panel holds beside its widgets."""

    def close(self) -> None:
        """End what runs, and close every widget of the panel: nothing of it stays behind.

        Python calls it too when a panel is thrown away: closed already, or refused when made.
        """
        if self.comm is None:
            return
        self.end()
        if self.children:
            self.release()
        for child in (*self.children, self.status):
            discard(child)
        for part in (self.layout, self):
            part.unobserve_all()
        self.layout.close()
        super().close()

    def __del__(self) -> None:
        """Nothing: ipywidgets keeps what is open; closed or refused half-made, none is to close."""


@contextmanager
def while_set(owner: Any, flag: str) -> Iterator[None]:
    """Within this context the flag is set; afterwards it is not, whatever went wrong."""
    setattr(owner, flag, True)
    try:
        yield
    finally:
        setattr(owner, flag, False)


def complaint() -> str:
    """How an error begins."""
    return f"<b>{gettext('That does not work:')}</b>"


def discard(widget: Any) -> None:
    """Close a widget for good, with all that belongs to it: its kernel side keeps no trace of it.

    A widget that is merely closed leaves its children, its layout and its style behind.
    """
    for child in getattr(widget, "children", ()):
        discard(child)
    widget.unobserve_all()
    for part in (widget.layout, getattr(widget, "style", None)):
        if isinstance(part, widgets.Widget):
            part.close()
    widget.close()


def boxes(widget: Any) -> Iterator[Any]:
    """All boxes to type in within a widget."""
    if isinstance(widget, widgets.Text):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from boxes(child)


def shown(text: str) -> str:
    """A text as it stands in a box of one line: a line break is written as \\n, a \\ as two."""
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def typed(text: str) -> str:
    """The inverse of `shown`; a single \\ before anything but an n is itself."""
    return re.sub(r"\\([\\n])", lambda escape: "\n" if escape[1] == "n" else "\\", text)


def button(description: str, tooltip: str, on_click: Callable[[], Any], **look: Any) -> Any:
    made = widgets.Button(description=description, tooltip=tooltip, **look)
    made.on_click(lambda _: on_click())
    return made


def columns(controls: Iterable[widgets.Widget]) -> widgets.Box:
    """Controls side by side where the page is wide enough, else below each other."""
    return widgets.Box(list(controls), layout={"flex_flow": "row wrap", "max_width": "860px"})


def sides(left: Iterable[widgets.Widget], right: widgets.Widget) -> widgets.Box:
    """Controls at the left and what they show at the right; on a narrow page below them."""
    controls = widgets.VBox(list(left), layout={"flex": "1 1 320px", "max_width": "420px"})
    shown = widgets.VBox([right], layout={"flex": "3 1 480px", "min_width": "0"})
    return widgets.Box([controls, shown], layout={"flex_flow": "row wrap", "max_width": "1180px"})


def plot(alt: str) -> Plot:
    """Where a figure is drawn, which shows `alt`; on a narrow page it shrinks."""
    return Plot(alt, width="720px", max_width="98%")
