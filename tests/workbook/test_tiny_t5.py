"""The stored tiny T5 and its LM adaptations are what their record says."""

import json
from itertools import pairwise

import pytest

from prefixlab import EncoderDecoder
from prefixlab.data.template import tokens_of
from prefixlab.workbook import span_corruption
from prefixlab.workbook.span_corruption import ADAPTED, FOLDER, SENTINELS, variants

RECORD = json.loads((FOLDER / "training.json").read_text())


@pytest.fixture(scope="module", params=(0, *ADAPTED))
def adapted(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture(scope="module")
def lm(adapted: int) -> EncoderDecoder:
    return span_corruption.load(adapted)


def test_it_has_the_size_that_was_recorded(lm):
    assert lm.geometry.parameters == RECORD["parameters"]


def test_labels_and_sentinels_are_single_tokens(lm):
    for text in ("film", "product", *SENTINELS):
        assert len(tokens_of(lm.tokenizer, text, control=True)) == 1


def test_only_without_lm_adaptation_it_begins_with_a_sentinel(lm, adapted):
    """Tokens, not probabilities, which would differ from machine to machine."""
    begins = [lm.next_tokens(text, k=1)[0] for text in ("the film is", "the battery", "we hope")]
    assert all((token in SENTINELS) == (adapted == 0) for token, _ in begins)
    recorded = RECORD["habits"][str(adapted)]["sentinel"]
    assert recorded > 0.9 if adapted == 0 else recorded < 0.1


def test_what_is_unlearned_is_recorded():
    habits = [RECORD["habits"][str(adapted)] for adapted in (0, *ADAPTED)]
    for one, longer in pairwise(habits):
        assert longer["fill"] > one["fill"], "it fills gaps ever worse"
        assert longer["continue"] < one["continue"], "and goes on with text ever better"


def test_a_variant_may_begin_its_targets_with_a_sentinel():
    plain, sentinel, *others = variants()
    assert sentinel.start == [
        *plain.start,
        tokens_of(plain.tokenizer, SENTINELS[0], control=True)[0],
    ]
    assert [lm.start for lm in others] == [plain.start] * len(ADAPTED)
    assert len({lm.name for lm in variants()}) == 2 + len(ADAPTED)


def test_all_of_it_is_a_few_megabytes():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 8e6
