"""How sure a difference is, against numbers from textbooks and against simulated luck."""

import pytest
import torch

from prefixlab.claims import examples_needed, paired, seeds_needed, standard_error


def test_pairs_are_subtracted_before_anything_else():
    """What varies from pair to pair, but is the same in both, adds no error."""
    found = paired([0.91, 0.82, 0.73], [0.90, 0.80, 0.70])
    assert found.mean == pytest.approx(0.02)
    assert found.error == pytest.approx(0.01 / 3**0.5)
    assert (found.pairs, found.agreeing) == (3, 3)


def test_one_pair_has_no_error_and_proves_nothing():
    found = paired([0.9], [0.8])
    assert found.error is None
    assert found.chance == 1


@pytest.mark.parametrize(
    ("pairs", "agreeing", "chance"), [(3, 3, 0.25), (5, 5, 1 / 16), (6, 6, 1 / 32), (4, 3, 0.625)]
)
def test_heads_or_tails_agree_by_chance(pairs, agreeing, chance):
    ours = [2.0] * agreeing + [0.5] * (pairs - agreeing)
    found = paired(ours, [1.0] * pairs)
    assert found.agreeing == agreeing
    assert found.chance == pytest.approx(chance)


def test_no_difference_is_no_evidence():
    assert paired([0.5, 0.5], [0.5, 0.5]).chance == 1


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([0.5], [0.5, 0.6])])
def test_pairs_have_two_sides(ours, theirs):
    with pytest.raises(ValueError, match="pairs need as many on each side"):
        paired(ours, theirs)


def test_the_standard_error_is_the_spread_of_many_small_tests():
    source = torch.Generator().manual_seed(0)
    tests = (torch.rand(4000, 200, generator=source) < 0.9).float().mean(1)
    assert standard_error(0.9, 200) == pytest.approx(0.0212, abs=1e-4)
    assert tests.std().item() == pytest.approx(standard_error(0.9, 200), rel=0.05)


def test_with_as_many_as_are_needed_the_difference_is_two_standard_errors():
    examples = examples_needed(0.02, 0.9)
    assert examples == 1729
    assert 0.02 / (2**0.5 * standard_error(0.9, examples)) == pytest.approx(1.96, abs=0.01)
    assert seeds_needed(0.02, 0.02) == 4
    assert seeds_needed(0.02, 0.01) == 2  # never fewer: one has no spread
    assert seeds_needed(0.01, 0.02) == 16
