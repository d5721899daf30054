"""The panel of lesson 08: every variant of the tiny T5 says what it would begin with."""

import pandas as pd
import pytest

from prefixlab.workbook import span_corruption
from prefixlab.workbook.panels import AdaptationPanel
from prefixlab.workbook.span_corruption import ADAPTED, SENTINELS

NAMES = [lm.name for lm in span_corruption.variants()]


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    rows = [
        {"method": "prompt_tuning", "backbone": name, "seed": seed, "loss": 9.0 - at + seed / 10}
        for at, name in enumerate(NAMES)
        for seed in (0, 1)
    ]
    return pd.DataFrame([*rows, {"method": "discrete_prompt", "backbone": NAMES[0], "loss": 99.0}])


@pytest.fixture
def panel(runs: pd.DataFrame) -> AdaptationPanel:
    return AdaptationPanel(runs)


def test_the_slider_shows_the_sentinel_go(panel: AdaptationPanel) -> None:
    assert SENTINELS[0].strip("<>") in panel.view.value
    before = panel.image.value
    panel.controls["model"].value = NAMES[-1]
    assert SENTINELS[0].strip("<>") not in panel.view.value
    assert panel.image.value != before


def test_a_text_of_ones_own_is_answered_and_stays_text(panel: AdaptationPanel) -> None:
    before = panel.view.value
    panel.controls["text"].value = "the <script>battery"
    assert panel.view.value != before
    assert "<script>" not in panel.view.value


def test_runs_with_a_trained_prompt_are_drawn_with_their_mean(panel: AdaptationPanel) -> None:
    assert panel.loss == {name: pytest.approx(9.05 - at) for at, name in enumerate(NAMES)}
    axis = panel.picture_of(NAMES[1]).axes[0]
    assert [round(bar.get_width(), 2) for bar in axis.patches] == [9.05, 8.05, 7.05, 6.05, 5.05]
    assert "2 seeds" in axis.get_xlabel()
    assert len(axis.get_yticklabels()) == 2 + len(ADAPTED)


def test_it_has_a_picture_for_where_no_kernel_runs(panel: AdaptationPanel) -> None:
    assert panel.picture().startswith(b"\x89PNG")
