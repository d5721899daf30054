"""A question asks before the result, and comes back to the guess where the result is known."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from ipywidgets.widgets.widget import _instances

from prefixlab.workbook.panels import Choice

QUESTION = (
    "What do ten vectors & no words do to the accuracy of a model that was never trained for films?"
)
ANSWERS = {
    "It falls": "You think of vectors as of noise <nobody> wrote.",
    "It stays": "You think that only weights can learn.",
    "It rises": "",
}
WHY = "The gradient finds what no word says: 0.79 -> 0.91."


@pytest.fixture(autouse=True)
def no_guess_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Choice, "guesses", {})


@pytest.fixture
def choice() -> Iterator[Choice]:
    choice = Choice(QUESTION, ANSWERS)
    yield choice
    choice.close()


def guess(choice: Choice, answer: str, reason: str = "") -> None:
    choice.options.value, choice.reason.value = answer, reason
    choice.commit_button.click()


def seen(choice: Choice) -> tuple[bool, bool]:
    """Whether the answers are there to choose from, and whether the guess is."""
    return choice.asking.layout.display == "", choice.committed.layout.display == ""


def test_nothing_is_chosen_for_the_learner(choice: Choice) -> None:
    assert choice.options.value is None
    assert choice.reason.value == ""
    assert seen(choice) == (True, False)
    choice.commit_button.click()
    assert "Choose an answer first" in choice.status.value
    assert choice.guess is None


def test_a_guess_is_kept_and_can_be_changed(choice: Choice) -> None:
    guess(choice, "It falls", " noise < words ")
    assert seen(choice) == (False, True)
    assert "<b>It falls</b> because noise &lt; words" in choice.kept.value
    choice.change_button.click()
    assert seen(choice) == (True, False)
    guess(choice, "It stays")
    assert "<b>It stays</b>" in choice.kept.value


def test_running_the_cell_again_keeps_the_guess(choice: Choice) -> None:
    guess(choice, "It falls", "noise")
    again = Choice(QUESTION, ANSWERS)
    assert seen(again) == (False, True)
    assert "<b>It falls</b> because noise" in again.kept.value
    other = Choice(QUESTION, dict.fromkeys(("It sinks", "It stays", "It rises"), ""))
    assert other.guess is None
    assert seen(other) == (True, False)
    again.close()
    other.close()


def test_half_a_character_is_refused_in_words(choice: Choice) -> None:
    guess(choice, "It falls", "noise \ud83d")
    assert "half a character" in choice.status.value
    assert choice.guess is None


def test_a_wrong_guess_meets_the_result_and_its_idea(choice: Choice) -> None:
    guess(choice, "It falls", "noise < words")
    html = choice.answer(2, WHY)._repr_html_()
    shown, _, folded = html.partition("<details")
    for words in (
        "What do ten vectors &amp; no words do to the accuracy of a model",
        "Your guess: not so",
        "<b>It falls</b>",
        "because noise &lt; words",
        "You think of vectors as of noise &lt;nobody&gt; wrote.",
        "<b>It rises</b>",
        "0.79 -&gt; 0.91.",
    ):
        assert words in shown
    assert "<i>It stays</i> You think that only weights can learn." in folded
    assert "It falls" not in folded


def test_a_right_guess_is_called_right(choice: Choice) -> None:
    guess(choice, "It rises")
    answered = choice.answer(lambda: 2, WHY)
    html = answered._repr_html_()
    assert "Your guess: right" in html
    assert "because" not in html
    assert repr(answered).splitlines()[1:3] == ["Your guess: It rises", "Measured: It rises"]


def test_without_a_guess_the_answer_has_the_same_form(choice: Choice) -> None:
    answered = choice.answer(2, WHY)
    shown, _, folded = answered._repr_html_().partition("<details")
    assert shown.count("border-left") == 3
    assert "<b>It rises</b>" in shown
    assert "It falls" not in shown
    assert "<i>It falls</i>" in folded
    assert "<i>It stays</i>" in folded
    assert repr(answered) == f"{QUESTION}\nYour guess: none\nMeasured: It rises\nWhy: {WHY}"


@pytest.mark.parametrize("number", [3, -1])
def test_an_answer_that_is_none_is_refused(choice: Choice, number: int) -> None:
    with pytest.raises(ValueError, match=rf"There is no answer {number}; count from 0 to 2"):
        choice.answer(number, WHY)


@pytest.mark.parametrize("count", [2, 5])
def test_three_or_four_answers_are_asked_for(count: int) -> None:
    with pytest.raises(ValueError, match=f"three or four answers, not {count}"):
        Choice(QUESTION, {str(number): "" for number in range(count)})


def test_a_stored_lesson_has_the_question_in_words(choice: Choice) -> None:
    stored: dict[str, Any] = choice._repr_mimebundle_()
    assert "image/png" not in stored
    assert stored["text/plain"] == f"Predict first. {QUESTION}\n- It falls\n- It stays\n- It rises"
    assert stored["text/markdown"].startswith("**Predict first.** What do ten vectors &amp; no")
    assert stored["text/markdown"].endswith("\n\n- It falls\n- It stays\n- It rises")
    assert "application/vnd.jupyter.widget-view+json" in stored


def test_closing_leaves_no_widget() -> None:
    gc.collect()
    before = set(_instances)
    choice = Choice(QUESTION, ANSWERS)
    guess(choice, "It falls")
    choice.close()
    assert set(_instances) == before
