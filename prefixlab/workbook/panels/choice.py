"""Predict first: answers to choose from and a line for the reason, and later the result beside it.

    question = Choice("What happens to …?", {"It rises": "Whoever says so thinks that …", …})
    question.answer(0, "Because …")             # in a later cell, where the result is known

Who has committed to an answer looks at the result with other eyes; who has given a reason sees
which idea was wrong. The question never stands in the way: all goes on without a guess too. In a
lesson the source of the cell that asks is hidden: it names the ideas.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets

from prefixlab.workbook.language import gettext
from prefixlab.workbook.panels.base import Panel, button

# Answers are sentences: they take as many lines as they need, each after its button.
STYLE = """<style>
.prefixlab-choice .widget-radio-box label {
    display: flex; flex-direction: row-reverse; justify-content: flex-end; align-items: flex-start;
    gap: 6px; height: auto; width: auto; padding: 2px 0; line-height: 1.5; white-space: normal;
}
.prefixlab-choice .widget-radio-box input { float: none; flex: none; margin: 1px 2px }
.prefixlab-choice .widget-html-content { line-height: 1.5 }
</style>"""
CARD = "flex: 1 1 180px; padding: 2px 12px; border-left: 3px solid"
FAINT = "color: var(--jp-content-font-color2, #666); font-size: 90%"
GREY, GREEN, RED = (
    "var(--jp-border-color1, #bdbdbd)",
    "var(--jp-success-color1, #388e3c)",
    "var(--jp-error-color1, #d32f2f)",
)


@dataclass(frozen=True)
class Guess:
    """What somebody committed to: an answer in its words, and the reason, which may be empty."""

    answer: str
    reason: str

    def __str__(self) -> str:
        answer = gettext(self.answer)
        return f"{answer} ({self.reason})" if self.reason else answer

    def in_html(self) -> list[str]:
        """The answer, and the reason if there is one."""
        because = escape(gettext("because {reason}").format(reason=self.reason))
        return [f"<b>{escape(gettext(self.answer))}</b>", *([because] if self.reason else [])]


class Choice(Panel):
    """A question with answers to choose from, of which none is chosen at first.

    Parameters
    ----------
    question
        What will come out, in one sentence of plain text.
    answers
        Three or four answers, each with a sentence on the idea that it comes from; that of the
        right one is not shown and may be empty.

    Raises
    ------
    ValueError
        Fewer than three answers or more than four.
    """

    # By the question, for as long as the kernel lives: running its cell again keeps the guess.
    guesses: ClassVar[dict[str, Guess]] = {}

    def __init__(self, question: str, answers: Mapping[str, str]):
        if not 3 <= len(answers) <= 4:
            raise ValueError(
                f"A question has three or four answers, not {len(answers)}; each is an idea that "
                "somebody may have."
            )
        super().__init__()
        self.question, self.ideas = question, dict(answers)
        self.options = widgets.RadioButtons(
            options=[(gettext(answer), answer) for answer in answers],
            value=None,
            layout={"width": "auto"},
        )
        self.reason = widgets.Text(
            description=gettext("because"), layout={"width": "98%", "max_width": "640px"}
        )
        self.commit_button = button(
            gettext("Commit"), gettext("Keep this guess until it is answered"), self.commit
        )
        self.change_button = button(gettext("Change"), gettext("Choose again"), self.ask)
        self.asking = widgets.VBox([self.options, self.reason, self.commit_button])
        self.kept = widgets.HTML()
        self.committed = widgets.VBox([self.kept, self.change_button])
        self.add_class("prefixlab-choice")
        asked = widgets.HTML(
            f"{STYLE}<b>{gettext('Predict first.')}</b> {escape(gettext(question))}"
        )
        self.children = [asked, self.asking, self.committed, self.status]
        self.ask()
        if self.guess:
            self.fold(self.guess)

    @property
    def guess(self) -> Guess | None:
        """What was committed to; None where nothing was, or where the answers are others now."""
        guess = self.guesses.get(self.question)
        return guess if guess and guess.answer in self.ideas else None

    def ask(self) -> None:
        """Show the answers to choose from."""
        self.asking.layout.display, self.committed.layout.display = "", "none"

    def commit(self) -> None:
        """Keep what is chosen, if something is."""
        with self.reporting():
            if self.options.value is None:
                raise ValueError(gettext("Choose an answer first; or go on without a guess."))
            self.check_texts()
            guess = Guess(self.options.value, self.reason.value.strip())
            self.guesses[self.question] = guess
            self.fold(guess)
            self.change_button.focus()  # in the place of the one that went away

    def fold(self, guess: Guess) -> None:
        """Show the guess in one line, and that it will be met again."""
        self.kept.value = f"{gettext('Your guess:')} {' '.join(guess.in_html())}"
        self.say(gettext("You will meet it again where the question is answered."))
        self.asking.layout.display, self.committed.layout.display = "none", ""

    def answer(self, correct: int | Callable[[], int], why: str) -> "Answered":
        """The question, the guess, the measured result and the explanation, side by side.

        `correct` is the number of the right answer, counted from 0, or computes it.

        Raises
        ------
        ValueError
            There is no answer of that number.
        """
        number = correct() if callable(correct) else correct
        answers = list(self.ideas)
        if not 0 <= number < len(answers):
            raise ValueError(
                f"There is no answer {number}; count from 0 to {len(answers) - 1}, the first "
                "answer is 0."
            )
        return Answered(self.question, self.guess, answers[number], why, self.ideas)

    def __repr__(self) -> str:
        asked = f"{gettext('Predict first.')} {gettext(self.question)}"
        return "\n".join([asked, *(f"- {gettext(answer)}" for answer in self.ideas)])

    def stored(self) -> dict[str, Any]:
        lines = [
            f"**{gettext('Predict first.')}** {gettext(self.question)}\n",
            *(f"- {gettext(answer)}" for answer in self.ideas),
        ]
        return {"text/plain": repr(self), "text/markdown": escape("\n".join(lines), quote=False)}


@dataclass(frozen=True)
class Answered:
    """A question with its answer: a table of words, which needs no kernel."""

    question: str
    guess: Guess | None
    measured: str
    why: str
    ideas: Mapping[str, str]

    @property
    def right(self) -> bool:
        return self.guess is not None and self.guess.answer == self.measured

    def __repr__(self) -> str:
        lines = [
            gettext(self.question),
            f"{gettext('Your guess:')} {self.guess or gettext('none')}",
            f"{gettext('Measured:')} {gettext(self.measured)}",
        ]
        if self.guess and not self.right:
            idea = gettext(self.ideas[self.guess.answer])
            lines.append(f"{gettext('Where your guess comes from:')} {idea}")
        return "\n".join([*lines, f"{gettext('Why:')} {self.why}"])

    def _repr_html_(self) -> str:
        measured = card(gettext("Measured"), GREEN, f"<b>{escape(gettext(self.measured))}</b>")
        why = card(gettext("Why"), GREY, escape(self.why))
        return (
            '<div style="max-width: 1000px; line-height: 1.5">'
            f'<div style="margin-bottom: 6px"><b>{escape(gettext(self.question))}</b></div>'
            '<div style="display: flex; flex-wrap: wrap; gap: 10px">'
            f"{self.of_the_guess()}{measured}{why}</div>{self.of_the_others()}</div>"
        )

    def of_the_guess(self) -> str:
        """The guess, its reason, and the idea that it comes from where it is wrong."""
        if self.guess is None:
            return card(gettext("Your guess"), GREY, gettext("none"))
        if self.right:
            return card(gettext("Your guess: right"), GREEN, *self.guess.in_html())
        idea = escape(gettext(self.ideas[self.guess.answer]))
        where = f'<span style="{FAINT}">{gettext("Where it comes from:")}</span> {idea}'
        return card(gettext("Your guess: not so"), RED, *self.guess.in_html(), where)

    def of_the_others(self) -> str:
        """The ideas behind the other wrong answers, folded."""
        taken = {self.measured, self.guess.answer if self.guess else ""}
        others = [(answer, idea) for answer, idea in self.ideas.items() if answer not in taken]
        items = "".join(
            f"<li><i>{escape(gettext(answer))}</i> {escape(gettext(idea))}</li>"
            for answer, idea in others
            if idea
        )
        folded = gettext("Where the other answers come from")
        return (
            f'<details style="margin-top: 6px; {FAINT}"><summary>{folded}</summary>'
            f"<ul>{items}</ul></details>"
        )


def card(title: str, colour: str, *lines: str) -> str:
    """A column of the answer; the lines are HTML."""
    inner = "".join(f'<div style="margin-bottom: 4px">{line}</div>' for line in lines)
    return f'<div style="{CARD} {colour}"><div style="{FAINT}">{title}</div>{inner}</div>'
