"""The choice of a way: needs rule out, measurements decide, and bytes where these do not."""

from dataclasses import replace

import pytest

from prefixlab.workbook.choosing import Needs, Way, choose, obstacles

WORDS = Way("words", 0, False, 0, 0, True, 0.80)
PROMPT = Way("prompt", 32, True, 10, 2_000, True, 0.88)
WEIGHTS = Way("weights", 32, True, 0, 900_000, False, 0.90)
NEEDS = Needs(200, True, 50, 1_000_000, False)


@pytest.mark.parametrize(
    ("less", "reason"),
    [
        ({"examples": 31}, "needs 32 examples"),
        ({"inside": False}, "needs the weights"),
        ({"positions": 9}, "takes 10 positions"),
        ({"stored": 1_999}, "stores 2,000 bytes"),
    ],
)
def test_a_need_rules_a_way_out_and_says_so(less, reason) -> None:
    assert obstacles(PROMPT, NEEDS) == []
    assert obstacles(PROMPT, replace(NEEDS, **less)) == [reason]
    assert obstacles(WORDS, replace(NEEDS, **less)) == []


def test_what_cannot_share_a_batch_is_out_only_where_it_has_to() -> None:
    assert obstacles(WEIGHTS, NEEDS) == []
    assert obstacles(WEIGHTS, replace(NEEDS, together=True)) == ["cannot share a batch"]


def test_of_those_that_are_near_the_best_the_smallest_is_taken() -> None:
    assert choose([WORDS, WEIGHTS, PROMPT], NEEDS) == "prompt"
    better = replace(WEIGHTS, accuracy=0.92)
    assert choose([WORDS, better, PROMPT], NEEDS) == "weights"
    assert choose([WORDS, better, PROMPT], replace(NEEDS, stored=100_000)) == "prompt"
    assert choose([WORDS, better, PROMPT], replace(NEEDS, inside=False)) == "words"


def test_where_no_way_is_left_it_says_what_was_asked_for() -> None:
    needs = replace(NEEDS, inside=False, examples=3)
    with pytest.raises(ValueError, match="No way is left with 3 examples, text in and text out"):
        choose([PROMPT], needs)
