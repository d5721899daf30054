"""The arguments of a call are described shortly."""

from typing import Any

import pytest
import torch

from prefixlab import geometry
from prefixlab.workbook.checks.shown import argument, kind


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3, "x = 3"),
        (torch.ones(5, 4), "x of shape [5, 4]"),
        (torch.ones(9), "x of shape [9]"),
        (torch.tensor([0.1, 0.25]), "x = [0.10, 0.25]"),
        ([("it drags", 0)], "x = [('it drags', 0)]"),
        ([("a fine film", 1), ("it drags", 0)], "x = a list of 2 tuples"),
        ([torch.ones(2)], "x = a list of 1 tensor"),
        (list(range(100)), "x = a list of 100 numbers"),
        ({"food": "Thai"}, "x = {'food': 'Thai'}"),
        (geometry("smollm2"), "x = smollm2"),
    ],
)
def test_an_argument_is_described_shortly(value: Any, said: str) -> None:
    assert argument("x", value) == said
    assert len(said) < 60


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "a list of 0 entries"),
        ([1, "a"], "a list of 2 entries"),
        ({"a": 1}, "a dict of 1 key"),
        ({"a"}, "a set of 1 str"),
        (OSError(), "an OSError"),
        (torch.nn.Linear(2, 2), "a Linear"),
        (len, "a function"),
    ],
)
def test_a_value_is_named_by_its_kind(value: Any, said: str) -> None:
    assert kind(value) == said
