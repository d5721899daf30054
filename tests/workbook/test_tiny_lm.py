"""The stored causal models of four sizes are what their record says."""

import json
from itertools import pairwise

import pytest

from prefixlab import Backbone, Recipe
from prefixlab.workbook import scale
from prefixlab.workbook.from_scratch import encoded
from prefixlab.workbook.scale import FOLDER, LAYERS, WIDTHS, loss_on, whole

RECORD = json.loads((FOLDER / "training.json").read_text())
SIZES = [RECORD["sizes"][str(width)] for width in WIDTHS]


@pytest.fixture(scope="module", params=WIDTHS)
def width(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture(scope="module")
def lm(width: int) -> Backbone:
    return scale.load(width)


def test_it_has_the_size_that_was_recorded(lm, width):
    assert lm.name == f"tiny-lm, width {width}"
    assert (lm.geometry.hidden, lm.geometry.layers) == (width, LAYERS)
    assert lm.geometry.parameters == RECORD["sizes"][str(width)]["parameters"]


def test_it_was_trained_by_the_recipe_of_the_code():
    # A knob that came later was at its default.
    assert Recipe.of("train", RECORD["pretraining"]) == scale.PRETRAINING
    assert list(RECORD["sizes"]) == [str(width) for width in WIDTHS]


def test_a_larger_model_knows_more_of_sentences_that_none_has_read():
    for smaller, larger in pairwise(size["held_out_losses"][-1] for size in SIZES):
        assert larger < smaller


def test_no_size_was_trained_longer_than_was_good_for_it():
    for size in SIZES:
        for before, after in pairwise(size["held_out_losses"]):
            assert after < before


@pytest.mark.real
def test_its_loss_on_held_out_sentences_is_the_recorded_one(lm, width):
    texts = encoded(lm.tokenizer, scale.sentences()[1])
    assert len(texts) == RECORD["held_out"]
    recorded = RECORD["sizes"][str(width)]["held_out_losses"][-1]
    # The stored weights are rounded to bfloat16.
    assert loss_on(lm, whole(lm, texts)) == pytest.approx(recorded, abs=0.01)


def test_all_of_it_is_a_few_megabytes():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 12e6
