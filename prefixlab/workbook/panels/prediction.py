"""Predict first: a guess before the result, then both side by side, and why.

Who has committed to a number looks at the result with other eyes. The question never stands in the
way: it can be skipped, and what it hides is there for code all along.
"""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets as widgets

from prefixlab.workbook.figures import BLUE, ORANGE
from prefixlab.workbook.language import gettext, gettext_noop
from prefixlab.workbook.page import Announcement, kept
from prefixlab.workbook.panels.base import BUTTONS, WIDE, button

OPEN = '<details open style="line-height: 1.5">'
WAYS = {
    gettext_noop("lower"): -1,
    gettext_noop("about the same"): 0,
    gettext_noop("higher"): 1,
}


class Prediction(widgets.VBox):
    """A question in front of some widgets, which appear with the guess or when it is skipped.

    Parameters
    ----------
    question
        What will be higher or lower, than what.
    answer
        Computes the measured difference, in `unit`, when it is asked for: never typed in.
    why
        One or two sentences on why it comes out like this.
    hides
        The widgets that show the result.
    most
        The largest difference that can be guessed.
    signed
        Whether there is a way to choose; "how many times" has none.
    """

    def __init__(
        self,
        question: str,
        answer: Callable[[], float],
        why: str,
        hides: Sequence[widgets.Widget],
        *,
        unit: str = "points",
        most: float = 50,
        signed: bool = True,
    ):
        self.answer, self.why, self.unit, self.most = answer, gettext(why), gettext(unit), most
        self.asked, self.signed = gettext(question), signed
        self.way = widgets.ToggleButtons(
            options=[(gettext(way), way) for way in WAYS],
            value=None,
            description=gettext("which way?"),
            style=BUTTONS,
        )
        if not signed:
            self.way.value = "higher"
            self.way.layout.display = "none"
        self.amount = widgets.FloatSlider(
            value=most / 10,
            max=most,
            step=most / 100,
            description=gettext("how much ({unit})?").format(unit=self.unit),
            readout_format=".3g",
            **WIDE,
        )
        self.guess = button(
            gettext("Show me"), gettext("Show the guess beside the result"), self.reveal
        )
        self.skip = button(gettext("Skip"), gettext("Go on without a guess"), self.uncover)
        for one in (self.guess, self.skip):
            kept(one)
        self.verdict = Announcement(layout={"margin": "2px"})
        self.asking = widgets.VBox([self.way, self.amount, widgets.HBox([self.guess, self.skip])])
        self.hidden = widgets.VBox(list(hides))
        self.question = widgets.HTML(f"<b>{gettext('Predict first.')}</b> {escape(self.asked)}")
        super().__init__([self.question, self.asking, self.verdict, self.hidden])
        self.cover()

    def cover(self) -> None:
        """Ask, and hide the result; as at first, or again."""
        self.verdict.value = ""
        self.question.layout.display = self.asking.layout.display = ""
        self.hidden.layout.display = "none"

    def reveal(self) -> None:
        """Compare the guess with what was measured, and show what was hidden."""
        if self.way.value is None:
            self.verdict.value = gettext("Choose a way first, or skip the question.")
            return
        guessed = WAYS[self.way.value] * self.amount.value
        measured = self.answer()
        both = {gettext("your guess"): guessed, gettext("measured"): measured}
        sign = "+" if self.signed else ""
        words = remark(guessed, measured, self.most, self.signed)
        short = ", ".join(f"{name} {value:{sign}.3g}" for name, value in both.items())
        self.verdict.value = (
            f"{OPEN}<summary>{gettext('Predicted:')} {short} {escape(self.unit)}</summary>"
            f"<div>{escape(self.asked)}</div>{side_by_side(both, self.most, self.unit, sign)}"
            f"<div>{escape(words)} {escape(self.why)}</div></details>"
        )
        self.uncover()

    def uncover(self) -> None:
        """Show what was hidden, with or without a guess; a question that is answered is in it."""
        self.hidden.layout.display = ""  # first: what hides then gives its focus on to it
        self.asking.layout.display = self.question.layout.display = "none"

    def fold(self) -> None:
        """Show an answer in one line, which opens again when it is pressed."""
        self.verdict.value = self.verdict.value.replace(OPEN, OPEN.replace(" open", ""), 1)


def remark(guessed: float, measured: float, most: float, signed: bool = True) -> str:
    near = most / 10
    if abs(guessed - measured) <= near / 2:
        return gettext("Very close.")
    no_way = (abs(guessed) < near / 5) != (abs(measured) < near / 5)
    if signed and (guessed * measured < 0 or no_way):
        return gettext("It went another way.")
    if abs(measured) < abs(guessed):
        return gettext("Right way, less than you thought." if signed else "Less than you thought.")
    return gettext("Right way, more than you thought." if signed else "More than you thought.")


def side_by_side(values: dict[str, float], most: float, unit: str, sign: str = "+") -> str:
    """Signed bars around a middle line, as HTML."""
    rows = ""
    for (name, value), colour in zip(values.items(), (ORANGE, BLUE), strict=True):
        width = 120 * min(1, abs(value) / most)
        left = 120 - width if value < 0 else 120
        rows += (
            f'<div style="display: flex; align-items: center; line-height: 1.8">'
            f'<span style="width: 100px">{escape(name)}</span>'
            f'<span style="position: relative; width: 242px; height: 12px">'
            f'<span style="position: absolute; left: {left:.0f}px; width: {max(2, width):.0f}px; '
            f'height: 12px; background: {colour}"></span></span>'
            f"<span>{value:{sign}.3g} {escape(unit)}</span></div>"
        )
    return rows


def points(after: Any, before: Any) -> float:
    """The difference of two mean accuracies, in percentage points."""
    return 100 * float(after.mean() - before.mean())
