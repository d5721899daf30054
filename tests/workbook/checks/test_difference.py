"""What differs is said in shapes and numbers, and no more of them than a reader takes in."""

from typing import Any

import pytest
import torch

from prefixlab.models.conditioning import Past
from prefixlab.workbook.checks.difference import difference, same

NAN = float("nan")
WIDE = torch.zeros(2, 9)
ODD = WIDE.index_put((torch.tensor(1), torch.tensor(7)), torch.tensor(0.5))
TEXT = "Review: a fine film, and everybody laughed.\nSentiment: positive. " * 2


@pytest.mark.parametrize(
    ("expected", "given", "said"),
    [
        (
            torch.ones(7, 4),
            torch.ones(7),
            "expected a tensor of shape [7, 4], you return one of shape [7]",
        ),
        (
            torch.tensor([[0.5, 1.0], [2.0, 3.0]]),
            torch.tensor([[0.5, 1.0], [2.0, 3.5]]),
            "row 1 should be [2.00, 3.00], yours is [2.00, 3.50]",
        ),
        (
            torch.ones(3, 2, 8),
            torch.zeros(3, 2, 8),
            "row [0, 0] should be [1.00, 1.00, 1.00, 1.00, 1.00, …], "
            "yours is [0.00, 0.00, 0.00, 0.00, 0.00, …] (6 of 6 rows differ)",
        ),
        (WIDE, ODD, "entry [1, 7] should be 0.00, yours is 0.50"),
        (WIDE[1], ODD[1], "entry 7 should be 0.00, yours is 0.50"),
        (
            torch.tensor([1, 2]),
            torch.tensor([1, 3]),
            "expected [1, 2], you return [1, 3]",
        ),
        (
            torch.tensor([True, False]),
            torch.tensor([True, True]),
            "expected [True, False], you return [True, True]",
        ),
        (
            torch.tensor([0.5001, 1.0]),
            torch.tensor([0.5002, 1.0]),
            "expected [0.5001, 1.0000], you return [0.5002, 1.0000]",
        ),
        (torch.tensor([0.5]), torch.tensor([NAN]), "expected [0.50], you return [nan]"),
        (torch.tensor(0.5), torch.tensor(2.0), "expected 0.50, you return 2.00"),
        (
            torch.ones(2),
            torch.ones(2, dtype=torch.float64),
            "expected a tensor of torch.float32, you return one of torch.float64 (the values are "
            "right)",
        ),
        (
            torch.ones(2),
            torch.ones(2, device="meta"),
            "expected a tensor on cpu, you return one on meta",
        ),
        (
            0.5,
            torch.tensor(0.5),
            "expected a number (0.50), you return a tensor of shape [] (`.item()` makes a number "
            "of it)",
        ),
        (torch.ones(2), [1.0, 1.0], "expected a tensor of shape [2], you return a list of 2 numb"),
        ([1, 2, 3], "abc", "expected a list of 3 numbers, you return a str ('abc')"),
        ([1, 2, 3], [1, 2], "expected a list of 3 numbers, you return a list of 2 numbers"),
        (["a", "b"], ["a", "c"], "entry 1 should be 'b', yours is 'c'"),
        (
            (torch.ones(2, 2), torch.ones(2, 2)),
            (torch.ones(2, 2), torch.tensor([[1.0, 1.0], [1.0, 4.0]])),
            "entry 1, row 1 should be [1.00, 1.00], yours is [1.00, 4.00]",
        ),
        ([[1, 2], [3]], [[1, 2], 3], "entry 1 should be a list of 1 number, yours is a number (3)"),
        ({"a": 1}, {}, "the key 'a' should be a number (1), yours is missing"),
        ({"a": 1}, {"a": 1, "b": 2}, "the key 'b' should be left out, yours is a number (2)"),
        ({"a": 1}, {"a": 2}, "the key 'a' should be 1, yours is 2"),
        ({"a", "b"}, {"a"}, "expected a set with 'b' in it, you return one without it"),
        ({"a"}, {"a", "b"}, "expected a set without 'b', you return one with it"),
        ("a fine film", "a fine  film", "expected 'a fine film', you return 'a fine  film'"),
        (0.00012, 0.0, "expected 0.00012, you return 0.00"),
        (1, None, "expected a number (1), you return nothing (None)"),
        (True, False, "expected True, you return False"),
        (len, max, "expected <built-in function len>, you return <built-in function max>"),
        (
            Past(torch.ones(1, 1, 1, 2, 2), torch.ones(1, 1, 1, 2, 2)),
            Past(torch.ones(1, 1, 1, 2, 2), torch.ones(1, 1, 1, 1, 2)),
            "the key 'values' should be a tensor of shape [1, 1, 1, 2, 2], yours is one of shape "
            "[1, 1, 1, 1, 2]",
        ),
    ],
)
def test_the_first_difference_is_said(expected: Any, given: Any, said: str) -> None:
    assert str(difference(expected, given)).startswith(said)
    assert difference(expected, expected) is None


def test_of_a_long_text_the_place_is_shown_where_it_differs() -> None:
    said = str(difference(TEXT, TEXT[:100] + "!" + TEXT[101:]))
    assert len(said) < 200
    assert "everybody laughed" in said
    assert "everybody !aughed" in said


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (torch.ones(2, 3), torch.ones(2, 3) + 1e-7, True),
        (torch.ones(2, 3), torch.ones(3, 2), False),
        (torch.ones(2, dtype=torch.bool), torch.ones(2), False),
        (torch.tensor([float("-inf"), 1.0]), torch.tensor([float("-inf"), 1.0]), True),
        (1 / 3, 0.33333, True),
        (1, 1.5, False),
        (115_200, 115_200.0, True),
        (115_200, 115_201, False),
        ([1, 2], (1, 2), True),
        ("1", 1, False),
        (torch.nn.Linear(2, 2), torch.nn.Linear(2, 2), False),
    ],
)
def test_sameness_is_within_a_tolerance(one: Any, other: Any, equal: bool) -> None:
    assert same(one, other) is equal
