"""Statistics, against counting by hand and against fractions that are exact."""

import math
import re
from fractions import Fraction
from itertools import product

import pytest
import torch
from hypothesis import given, settings, strategies as st

from prefixlab import METHODS
from prefixlab.data.examples import dataset
from prefixlab.evaluation.choices import expected_calibration_error, judge, wilson
from prefixlab.models.geometry import KNOWN
from prefixlab.workbook.significance import paired, power, seeds_needed

results = st.integers(-3, 3).map(float)


@settings(max_examples=60)
@given(st.lists(results, min_size=1, max_size=9))
def test_the_sign_test_is_the_share_of_all_throws_of_coins(apart):
    found = paired(apart, [0.0] * len(apart))
    sides = [value for value in apart if value]
    agreeing = sum(value * sum(apart) > 0 for value in apart)
    assert (found.agreeing, found.ties) == (agreeing, len(apart) - len(sides))
    throws = [sum(throw) for throw in product((0, 1), repeat=len(sides))]
    as_well = sum(heads >= agreeing for heads in throws)
    assert found.chance == pytest.approx(min(1, 2 * as_well / len(throws)))


@settings(max_examples=60)
@given(st.lists(st.tuples(results, results), min_size=2, max_size=9))
def test_turning_the_sides_around_turns_the_sign_around_and_nothing_else(pairs):
    ours, theirs = (list(side) for side in zip(*pairs, strict=True))
    there, back = paired(ours, theirs), paired(theirs, ours)
    assert (there.mean, there.error, there.ties) == (-back.mean, back.error, back.ties)
    assert (there.agreeing, there.chance) == (back.agreeing, back.chance)


@settings(max_examples=60)
@given(st.integers(1, 500), st.data())
def test_wilson_s_ends_are_where_the_score_test_says_no(total, data):
    """Both ends p solve (right / n - p)² = z² p (1 - p) / n; exact, in fractions."""
    right = data.draw(st.integers(0, total))
    low, high = wilson(right, total)
    assert 0 <= low <= right / total <= high <= 1
    mirrored = wilson(total - right, total)
    assert (low, high) == pytest.approx((1 - mirrored[1], 1 - mirrored[0]))
    for end in (Fraction(low), Fraction(high)):
        if 0 < end < 1:
            gap = (Fraction(right, total) - end) ** 2
            assert float(gap) == pytest.approx(
                float(Fraction(196, 100) ** 2 * end * (1 - end) / total), rel=1e-6, abs=1e-12
            )


@settings(max_examples=30)
@given(st.floats(0.15, 8))
def test_one_seed_fewer_would_not_do(size):
    pairs = seeds_needed(size, 1.0)
    assert power(pairs, size) >= 0.8
    assert pairs == 2 or power(pairs - 1, size) < 0.8


scores = st.lists(st.lists(st.floats(-1e4, 1e4), min_size=3, max_size=3), min_size=1, max_size=8)


@settings(max_examples=50)
@given(scores, st.data())
def test_judging_is_counting(rows, data):
    labels = [data.draw(st.integers(0, 2)) for _ in rows]
    scored = torch.tensor(rows)
    found = judge(scored, dataset([("", label) for label in labels]))
    best = [values.index(max(values)) for values in scored.tolist()]
    right = [one == label for one, label in zip(best, labels, strict=True)]
    assert found.accuracy == pytest.approx(sum(right) / len(right))
    losses = [
        math.log(sum(math.exp(one - max(values)) for one in values)) + max(values) - values[label]
        for values, label in zip(scored.double().tolist(), labels, strict=True)
    ]
    assert found.loss == pytest.approx(sum(losses) / len(losses), rel=1e-4, abs=1e-4)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 64), st.booleans()), min_size=1, max_size=12))
def test_the_calibration_error_is_that_of_ten_boxes(answers):
    sure = [0.5 + number / 128 for number, _ in answers]  # exact in binary
    error = expected_calibration_error(
        torch.tensor([[p, 1 - p] for p in sure]), torch.tensor([yes for _, yes in answers])
    )
    boxes = {}
    for p, (_, yes) in zip(sure, answers, strict=True):
        boxes.setdefault(min(9, int(10 * p)), []).append((p, yes))
    by_hand = sum(abs(sum(p - yes for p, yes in box)) for box in boxes.values()) / len(sure)
    assert error == pytest.approx(by_hand, abs=1e-6)


GEOMETRIES = st.sampled_from(list(KNOWN.values()))
layers = st.sampled_from(["all", "first:2", "last:4", "0", "1-3,5"])
lengths = st.integers(1, 200)
OF_PREFIX = {
    "prefix_length": lengths,
    "layers": layers,
    "reparameterization": st.sampled_from(["none", "mlp"]),
    "mlp_hidden": lengths,
}
KNOBS = {
    "discrete_prompt": {},
    "in_context": {},
    "cartridge": {"prefix_length": lengths, "frozen": st.just(0)},
    "prompt_tuning": {"prompt_length": lengths},
    "prefix_tuning": OF_PREFIX,
    "p_tuning": {
        "template": st.tuples(lengths, lengths).map(
            lambda n: f"{{soft:{n[0]}}}{{x}}{{soft:{n[1]}}}{{y}}"
        ),
        "encoder": st.sampled_from(["none", "mlp", "lstm"]),
    },
    "p_tuning_v2": OF_PREFIX | {"classifier": st.sampled_from(["head", "verbalizer"])},
    "infix": {"prefix_length": lengths},
    "warp": {"prompt_length": lengths},
    "linear_probe": {},
    "bias_only": {},
    "adapters": {"bottleneck": lengths},
    "lora": {"rank": lengths},
    "fine_tuning": {"top": st.integers(0, 6)},
    "gated_prefix": OF_PREFIX | {"gate": st.sampled_from(["head", "layer"])},
    "adaptive_prefix": OF_PREFIX,
    "convolution": {"width": lengths},
    "combined": {
        "beside": st.sampled_from(["prompt", "bias"]),
        "prefix_length": lengths,
        "prompt_length": lengths,
    },
}


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=15)
@given(size=GEOMETRIES, data=st.data())
def test_the_formula_of_a_cost_counts_what_is_stored(name, size, data):
    knobs = data.draw(st.fixed_dictionaries(KNOBS[name]))
    cost = METHODS[name].cost(size, **knobs)
    symbols = size.symbols | knobs | {"labels": 2, "m": knobs.get("prompt_length")}
    if name == "p_tuning":
        symbols["slots"] = sum(map(int, re.findall(r"soft:(\d+)", knobs["template"])))
    assert eval(cost.formula, {"__builtins__": {}}, symbols) == cost.stored


def test_chosen_layers_are_counted_in_the_formula():
    cost = METHODS["prefix_tuning"].cost(KNOWN["gpt2"], prefix_length=10, layers="last:4")
    assert cost.formula == "prefix_length * 4 * 2 * kv_heads * head_dim"
    assert cost.stored == 61_440
