"""Where soft slots stand between the words of a template, edited by pressing the gaps."""

import re
from html import escape
from typing import Any

import ipywidgets as widgets

from prefixlab.workbook.language import gettext
from prefixlab.workbook.panels.base import discard

MOST = 4  # soft slots in one gap; one press more empties it
# A template as it stands in its box (see `shown`): \n is a line break there, \\ is \, and {{ is {.
SPACE = r"(?:\s|\\n)"
SOFT = r"\{soft:[0-9]{1,4}\}"
WORD = rf"(?:\{{[xy]\}}|(?:\{{\{{|\}}\}}|\\\\|(?!{SPACE})[^{{}}])+|[{{}}])"
# A gap with its soft slots, if any, and the word behind it with its white space.
PIECE = re.compile(
    rf"(?P<gap>(?:{SPACE}*{SOFT})*)(?P<word>{SPACE}*{WORD}(?:{SPACE}*\Z)?|{SPACE}*\Z)"
)


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
        self.words, self.spaces = parse(self.template.value)
        if len(self.gaps) != len(self.words):  # other words: other buttons
            for old in (*self.gaps, *self.labels):
                discard(old)
            self.gaps = [self.gap(index) for index in range(len(self.words))]
            self.labels = [widgets.HTML() for _ in self.words]
            pairs = zip(self.gaps, self.labels, strict=True)
            self.children = tuple(one for pair in pairs for one in pair)
        for gap, label, word, space in zip(
            self.gaps, self.labels, self.words, self.spaces, strict=True
        ):
            count = soft_slots(space)
            gap.description = gettext("{count} soft").format(count=count) if count else "+"
            gap.button_style = "warning" if count else ""
            about = gettext("{count} soft slots before {word}; press for another number")
            gap.tooltip = about.format(count=count, word=word.strip())
            label.value = f"<code>{escape(word.strip())}</code>"

    def gap(self, index: int) -> Any:
        made = widgets.Button(layout={"width": "auto", "min_width": "36px"})
        made.on_click(lambda _: self.press(index))
        return made

    def press(self, index: int) -> None:
        """One more slot in this gap, or none after the most."""
        space = self.spaces[index]
        self.spaces[index] = refill(space, (soft_slots(space) + 1) % (MOST + 1))
        self.template.value = write(self.words, self.spaces)


def parse(template: str) -> tuple[list[str], list[str]]:
    """The words of a template, each with its white space, and what stands in the gap before each.

    A gap holds soft slots and the white space before and between them; all in all nothing is left
    out. White space at the end belongs to the last word.
    """
    pieces = [piece for piece in PIECE.finditer(template) if piece[0]]
    return [piece["word"] for piece in pieces], [piece["gap"] for piece in pieces]


def write(words: list[str], gaps: list[str]) -> str:
    """The inverse of `parse`."""
    return "".join(f"{gap}{word}" for gap, word in zip(gaps, words, strict=True))


def soft_slots(gap: str) -> int:
    """How many soft slots stand in a gap."""
    return sum(int(number) for number in re.findall("[0-9]+", gap))


def refill(gap: str, count: int) -> str:
    """The same gap with another number of soft slots, all where its first ones stood."""
    before, *behind = re.split(SOFT, gap)
    return f"{before}{f'{{soft:{count}}}' if count else ''}{''.join(behind)}"
