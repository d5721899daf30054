"""Where soft slots stand between the words of a template, edited by pressing the gaps."""

import re
from html import escape
from typing import Any

import ipywidgets as widgets

from prefixlab.panels.base import discard

MOST = 4  # soft slots in one gap; one press more empties it
# A soft slot, or a field or word with the white space before it.
PIECE = re.compile(r"\{soft:(?P<slots>\d+)\}|(?P<word>(?:\s|\\n)*(?:\{[xy]\}|(?:(?!\\n)[^\s{}])+))")


class SlotEditor(widgets.HBox):
    """A row of the template's words with a button in each gap: press it for one more soft slot.

    Parameters
    ----------
    template
        The box that holds the template as text; both show the same, whichever is edited.
    """

    def __init__(self, template: Any):
        self.template = template
        super().__init__(layout={"flex_flow": "row wrap", "max_width": "98%"})
        self.gaps: list[Any] = []
        self.labels: list[Any] = []
        self.read()
        template.observe(lambda _: self.read(), "value")

    def read(self) -> None:
        """Show the template as it is in its box."""
        self.words, self.counts = parse(self.template.value)
        if len(self.gaps) != len(self.words):  # other words: other buttons
            for old in (*self.gaps, *self.labels):
                discard(old)
            self.gaps = [self.gap(index) for index in range(len(self.words))]
            self.labels = [widgets.HTML() for _ in self.words]
            pairs = zip(self.gaps, self.labels, strict=True)
            self.children = tuple(one for pair in pairs for one in pair)
        for gap, label, word, count in zip(
            self.gaps, self.labels, self.words, self.counts, strict=True
        ):
            gap.description = f"{count} soft" if count else "+"
            gap.button_style = "warning" if count else ""
            gap.tooltip = f"{count} soft slots before {word.strip()}; press for another number"
            label.value = f"<code>{escape(word.strip())}</code>"

    def gap(self, index: int) -> Any:
        made = widgets.Button(layout={"width": "auto", "min_width": "36px"})
        made.on_click(lambda _: self.press(index))
        return made

    def press(self, index: int) -> None:
        """One more slot in this gap, or none after the most."""
        self.counts[index] = (self.counts[index] + 1) % (MOST + 1)
        self.template.value = write(self.words, self.counts)


def parse(template: str) -> tuple[list[str], list[int]]:
    """The words of a template, each with its white space, and the soft slots before each."""
    words, counts, waiting = [], [], 0
    for piece in PIECE.finditer(template):
        if piece["slots"]:
            waiting += int(piece["slots"])
        else:
            words.append(piece["word"])
            counts.append(waiting)
            waiting = 0
    return words, counts


def write(words: list[str], counts: list[int]) -> str:
    """The inverse of `parse`."""
    return "".join(
        f"{{soft:{count}}}{word}" if count else word
        for word, count in zip(words, counts, strict=True)
    )
