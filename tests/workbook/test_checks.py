"""An exercise tells open, right, known-wrong, unknown-wrong and broken answers apart."""

import pytest
import torch

from prefixlab.workbook.checks import Exercise, Mistake
from prefixlab.workbook.checks.difference import same

DOUBLE = Exercise(
    right=lambda n: 2 * n,
    probes=((1,), (3,)),
    praise="Twice.",
    mistakes=(Mistake("square", lambda n: n * n, "that is the square."),),
)


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (lambda n: None, "open", "Not answered yet"),
        (lambda n: n + n, "right", "Twice."),
        (lambda n: n**2, "mistake", "that is the square."),
        (lambda n: n + 1, "wrong", "for 3 you get 4"),
        (lambda n: n / 0, "error", "ZeroDivisionError"),
    ],
)
def test_the_verdict_says_what_is_wrong(answer, kind: str, said: str) -> None:
    verdict = DOUBLE.verdict(answer)
    assert verdict.kind == kind
    assert said in verdict.message


def test_a_plain_value_is_an_answer_too() -> None:
    assert Exercise(right=lambda: 42, mistakes=(), praise="").verdict(42).kind == "right"


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (torch.ones(2, 3), torch.ones(2, 3) + 1e-7, True),
        (torch.ones(2, 3), torch.ones(3, 2), False),
        (torch.ones(2, dtype=torch.bool), torch.ones(2), True),
        (1 / 3, 0.33333, True),
        (1, 1.5, False),
        ([1, 2], (1, 2), True),
        ("1", 1, False),
    ],
)
def test_sameness_is_within_a_tolerance(one, other, equal: bool) -> None:
    assert same(one, other) is equal
