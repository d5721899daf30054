"""An exercise tells open, right, known-wrong, unknown-wrong and broken answers apart, in words."""

from typing import Any

import pytest
import torch
from cells import run_cell

from prefixlab.workbook.checks import Exercise, Mistake

DOUBLE = Exercise(
    right=lambda n: 2 * n,
    probes=((1,), (3,)),
    praise="Twice.",
    mistakes=(Mistake("square", lambda n: n * n, "that is the square."),),
)
CENTRED = Exercise(
    right=lambda rows: rows - rows.mean(0),
    probes=((torch.tensor([[1.0, 2.0], [3.0, 8.0]]),), (torch.ones(1, 3),)),
    praise="",
    mistakes=(),
)
ANSWER = Exercise(right=lambda: 42, mistakes=(), praise="Yes.")


def filled(exercise: Exercise, parameter: str, body: str) -> Any:
    """The verdict on a function of one parameter, written in a cell."""
    return exercise.verdict(run_cell(f"def answer({parameter}):\n    {body}")["answer"])


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("...", "open", "Not answered yet"),
        ("return ...", "open", "Not answered yet"),
        ("return n + ...", "open", "Not answered yet"),
        ("return max(n, ...)", "open", "Not answered yet"),
        ("m = n\n    ...\n    return m", "open", "Not answered yet"),
        ("m = []\n    ...\n    return m[0]", "open", "Not answered yet"),
        ("return n + n", "right", "✓ Right. Twice."),
        ("...\n    return n + n", "right", "✓ Right. Twice."),
        ("return n**2", "mistake", "that is the square."),
        ("return n + 1", "wrong", "for n = 3: expected 6, you return 4."),
        ("return 'n'", "wrong", "for n = 1: expected a number (2), you return a str ('n')."),
        ("n + n", "wrong", "for n = 1: you return nothing: is there a `return` at the end?"),
        (
            "if n == 1: return 2",
            "wrong",
            "for n = 3: you return nothing: is there a `return` in ev",
        ),
        ("return n / 0", "error", "for n = 1: your code stops with ZeroDivisionError: division by"),
        ("m = n\n    return m[0]", "error", "not subscriptable, in line 3: `return m[0]`."),
    ],
)
def test_the_verdict_says_what_is_wrong(body: str, kind: str, said: str) -> None:
    verdict = filled(DOUBLE, "n", body)
    assert verdict.kind == kind, verdict.message
    assert said in verdict.message


def test_dots_in_an_index_are_code() -> None:
    verdict = filled(CENTRED, "rows", "return rows[..., 0]")
    assert "expected a tensor of shape [2, 2], you return one of shape [2]" in verdict.message


def test_an_answer_without_a_source_is_open_where_it_returns_nothing() -> None:
    names: dict[str, Any] = {}
    exec("def answer(n): ...", names)
    assert DOUBLE.verdict(names["answer"]).kind == "open"


def test_the_verdict_gives_the_call_in_the_learners_own_names() -> None:
    verdict = filled(CENTRED, "my_rows", "return my_rows")
    assert "for my_rows of shape [2, 2]: row 0 should be [-1.00, -3.00]" in verdict.message


def test_a_model_among_the_arguments_is_not_described() -> None:
    scaled = Exercise(
        right=lambda model, n: n * model.weight.item(),
        probes=((torch.nn.Linear(1, 1), 2),),
        praise="",
        mistakes=(),
    )
    verdict = scaled.verdict(lambda model, n: "n")
    assert verdict.message.startswith("✗ Not yet: for n = 2: expected a number")


def test_a_change_of_the_input_is_found_and_said() -> None:
    verdict = filled(CENTRED, "rows", "rows -= rows.mean(0)\n    return rows")
    assert verdict.kind == "wrong"
    assert (
        "your code changes what it was given: after the call `rows`, row 0 should be [1.00, "
        in (verdict.message)
    )
    assert CENTRED.probes[0][0].tolist() == [[1, 2], [3, 8]]


def test_what_the_right_answer_changes_has_to_be_changed_alike() -> None:
    fill = Exercise(
        right=lambda rows: rows.fill_(2).sum().item(),
        probes=((torch.ones(2, 2),),),
        praise="",
        mistakes=(),
    )
    assert filled(fill, "rows", "rows += 1\n    return 8").kind == "right"
    verdict = filled(fill, "rows", "return 8")
    assert "after the call `rows`, row 0 should be [2.00, 2.00], yours is [1.00" in verdict.message


def test_a_line_of_the_cell_is_shown_and_no_other() -> None:
    def of_the_lesson(n: int) -> int:
        raise ValueError("first.\nsecond " + "tensor " * 500)

    cell = "def answer(n):\n    m = n + 1\n    return of_the_lesson(m)"
    verdict = DOUBLE.verdict(run_cell(cell, of_the_lesson=of_the_lesson)["answer"])
    expected = "ValueError: first, in line 3: `return of_the_lesson(m)`."
    assert verdict.message == f"✗ for n = 1: your code stops with {expected}"


def test_a_long_message_is_cut() -> None:
    verdict = filled(DOUBLE, "n", "raise ValueError('tensor ' * 500)")
    assert len(verdict.message) < 300


def test_a_plain_value_is_an_answer_too() -> None:
    assert ANSWER.verdict(42).kind == "right"
    assert ANSWER.verdict(41).message == "✗ Not yet: expected 42, you return 41."
    assert ANSWER.verdict(...).kind == "open"


def test_a_value_is_no_answer_where_a_function_is_asked_for() -> None:
    verdict = DOUBLE.verdict(2)
    assert verdict.message == "✗ Not yet: expected a function, you give a number (2)."


def test_the_lesson_goes_on_with_the_learners_own_function(capsys: Any) -> None:
    def own(n: int) -> int:
        return n + n

    assert DOUBLE.use(own) is own
    assert capsys.readouterr().out == "✓ Right. Twice. The lesson goes on with yours.\n"


@pytest.mark.parametrize("body", ["...", "return n * n", "return n / 0"])
def test_until_it_is_right_the_lesson_goes_on_with_the_reference(body: str, capsys: Any) -> None:
    answer = run_cell(f"def answer(n):\n    {body}")["answer"]
    assert DOUBLE.use(answer) is DOUBLE.right
    said = capsys.readouterr().out
    assert said.endswith(" Until yours passes, the lesson goes on with the reference.\n")
    assert said.count("\n") == 1


def test_the_reference_of_a_plain_value_is_a_value(capsys: Any) -> None:
    assert [ANSWER.use(given) for given in (..., 41, 42)] == [42, 42, 42]
    assert DOUBLE.use(...) is DOUBLE.right
