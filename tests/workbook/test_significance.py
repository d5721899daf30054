"""How sure a difference is, against numbers from textbooks and against simulated luck."""

import pytest
import torch
from scipy.stats import ttest_rel

from prefixlab.workbook.significance import (
    examples_needed,
    paired,
    power,
    seeds_needed,
    standard_error,
)


def test_pairs_are_subtracted_before_anything_else():
    """What varies from pair to pair, but is the same in both, adds no error."""
    found = paired([0.91, 0.82, 0.73], [0.90, 0.80, 0.70])
    assert found.mean == pytest.approx(0.02)
    assert found.error == pytest.approx(0.01 / 3**0.5)
    assert (found.pairs, found.agreeing) == (3, 3)


def test_one_pair_has_no_error_and_proves_nothing():
    found = paired([0.9], [0.8])
    assert found.error is found.interval is None
    assert found.chance == found.p_value == 1


@pytest.mark.parametrize(
    ("pairs", "agreeing", "chance"), [(3, 3, 0.25), (5, 5, 1 / 16), (6, 6, 1 / 32), (4, 3, 0.625)]
)
def test_heads_or_tails_agree_by_chance(pairs, agreeing, chance):
    ours = [2.0] * agreeing + [0.5] * (pairs - agreeing)
    found = paired(ours, [1.0] * pairs)
    assert found.agreeing == agreeing
    assert found.chance == pytest.approx(chance)


def test_no_difference_is_no_evidence():
    found = paired([0.5, 0.5], [0.5, 0.5])
    assert found.chance == found.p_value == 1
    assert found.interval == (0, 0)


def test_pairs_that_all_differ_alike_have_no_luck_in_them():
    found = paired([2.0, 3.0, 4.0], [1.0, 2.0, 3.0])
    assert (found.interval, found.p_value) == ((1, 1), 0)


@pytest.mark.parametrize(("pairs", "t"), [(2, 12.706), (3, 4.303), (10, 2.262), (121, 1.980)])
def test_the_interval_is_as_wide_as_student_s_table_says(pairs, t):
    found = paired([1.0 + (-1) ** place for place in range(pairs)], [0.5] * pairs)
    assert sum(found.interval) / 2 == pytest.approx(found.mean)
    assert found.interval[1] - found.mean == pytest.approx(t * found.error, rel=2e-4)


def test_the_t_test_is_that_of_scipy():
    source = torch.Generator().manual_seed(0)
    ours, theirs = torch.rand(2, 7, generator=source, dtype=torch.float64).tolist()
    found, right = paired(ours, theirs), ttest_rel(ours, theirs)
    assert found.p_value == pytest.approx(right.pvalue)
    assert found.interval == pytest.approx(tuple(right.confidence_interval()))


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([0.5], [0.5, 0.6])])
def test_pairs_have_two_sides(ours, theirs):
    with pytest.raises(ValueError, match="pairs need as many on each side"):
        paired(ours, theirs)


def test_the_standard_error_is_the_spread_of_many_small_tests():
    source = torch.Generator().manual_seed(0)
    tests = (torch.rand(4000, 200, generator=source) < 0.9).float().mean(1)
    assert standard_error(0.9, 200) == pytest.approx(0.0212, abs=1e-4)
    assert tests.std().item() == pytest.approx(standard_error(0.9, 200), rel=0.05)


def test_ties_are_no_evidence_for_either_side():
    """40 of 300 differ: 30 of 40 heads or more, or as many tails. With ties it would be 1."""
    found = paired([1.0] * 30 + [0.0] * 270, [0.0] * 30 + [1.0] * 10 + [0.0] * 260)
    assert (found.pairs, found.agreeing, found.ties) == (300, 30, 260)
    assert found.chance == pytest.approx(0.002221, abs=1e-6)
    assert found.mean == pytest.approx(20 / 300)  # of all pairs


@pytest.mark.parametrize(("size", "pairs"), [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10), (2.0, 5)])
def test_seeds_are_as_many_as_the_tables_of_the_t_test_say(size, pairs):
    """Cohen's small, medium and large effect, paired and two-sided at 5%, with a power of 80%."""
    assert seeds_needed(size, 1.0) == pairs
    assert seeds_needed(size / 50, 1 / 50) == pairs  # whatever the unit
    assert power(pairs - 1, size) < 0.8 <= power(pairs, size)


@pytest.mark.parametrize("pairs", [2, 3, 10, 121])
def test_what_is_not_there_is_found_once_in_twenty(pairs):
    assert power(pairs, 0.0) == pytest.approx(0.05)


@pytest.mark.parametrize("pairs", [2, 5, 20, 10**5])
def test_what_cannot_be_missed_is_always_found(pairs):
    assert power(pairs, 1e4) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("between", [0.004, 0.02, 0.05])
def test_with_as_many_seeds_as_are_needed_four_tests_of_five_find_it(between):
    pairs, source = seeds_needed(0.02, between), torch.Generator().manual_seed(0)
    apart = 0.02 + between * torch.randn(10_000, pairs, generator=source)
    t = apart.mean(1) / (apart.std(1) / pairs**0.5)
    limits = {3: 4.303, 10: 2.262, 52: 2.008}  # Student's table, for a freedom of one less
    found = (t.abs() > limits[pairs]).float().mean().item()
    assert 0.78 < found < (0.82 if pairs > 3 else 1.0)  # two seeds are too few, and three many


def test_with_as_many_examples_as_are_needed_four_tests_of_five_find_it():
    examples, source = examples_needed(0.06, 0.87), torch.Generator().manual_seed(0)
    assert examples == 494
    better, worse = (
        (torch.rand(4000, examples, generator=source) < share).float().mean(1)
        for share in (0.90, 0.84)
    )
    errors = (better * (1 - better) / examples + worse * (1 - worse) / examples).sqrt()
    assert ((better - worse).abs() > 1.96 * errors).float().mean().item() == pytest.approx(
        0.8, abs=0.02
    )


def test_never_fewer_than_two_seeds():
    assert seeds_needed(0.02, 0.0) == seeds_needed(0.02, 1e-9) == 2  # one has no spread
