"""A variant of one's own: any is taken whose new part, switched off, leaves a plain prefix."""

import pytest
import torch
from torch import Tensor

from prefixlab.workbook.checks.lesson_11 import variant
from prefixlab.workbook.checks.null_check import Pair, Variant, null_check

KEYS, VALUES = torch.randn(2, 3, 2, 4, 5, generator=torch.Generator().manual_seed(3))
NEW = torch.ones(3, 4)


def louder_keys(keys: Tensor, values: Tensor, new: Tensor) -> Pair:
    return keys * new.exp()[:, None, :, None], values


def lifted(keys: Tensor, values: Tensor, new: Tensor) -> Pair:
    return keys, values + new[:, None, :, None]


@pytest.mark.parametrize("other", [louder_keys, lifted])
def test_another_variant_than_the_one_asked_for_is_right(other: Variant) -> None:
    found = variant.verdict(other)
    assert found.kind == "right", found.message
    assert "another variant" in found.message
    assert variant.use(other) is other


def test_what_is_no_function_is_told_so() -> None:
    assert "expected a function" in variant.verdict((KEYS, VALUES)).message


def test_the_null_check_asks_for_both_sides() -> None:
    assert null_check(lifted, KEYS, VALUES, NEW) == (True, True)
    assert null_check(lifted, KEYS, VALUES, 0 * NEW) == (True, False)
    assert null_check(lambda k, v, new: (k, 2 * v), KEYS, VALUES, NEW) == (False, True)
