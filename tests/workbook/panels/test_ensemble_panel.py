"""The ensemble panel: what it says is counted from the scores it was given."""

from itertools import combinations

import pytest
import torch

from prefixlab.serving.ensembles import majority_vote, mean_probability
from prefixlab.workbook.panels import EnsemblePanel

SOURCE = torch.Generator().manual_seed(0)
SCORED = {name: torch.randn(4, 30, 2, generator=SOURCE) for name in ("movie_reviews", "tweets")}
LABELS = {name: torch.arange(30) % 2 for name in SCORED}


@pytest.fixture
def panel() -> EnsemblePanel:
    return EnsemblePanel(SCORED, LABELS, "made <up>")


def test_every_ensemble_of_a_size_is_counted(panel: EnsemblePanel) -> None:
    panel.controls["domain"].value = "tweets"
    panel.controls["way"].value = "mean probability"
    panel.controls["prompts"].value = 3
    by_hand = [
        (mean_probability(SCORED["tweets"][list(chosen)]).argmax(-1) == LABELS["tweets"])
        .float()
        .mean()
        for chosen in combinations(range(4), 3)
    ]
    assert "4 times 3 of 4 prompts" in panel.words.value
    assert f"accuracy {sum(by_hand) / 4:.3f} on average" in panel.words.value
    assert f"{min(by_hand):.3f} to {max(by_hand):.3f}" in panel.words.value
    assert "30 tweets; made &lt;up&gt;" in panel.words.value


def test_the_question_is_answered_by_the_vote_of_all(panel: EnsemblePanel) -> None:
    scored, right = SCORED["movie_reviews"], LABELS["movie_reviews"]
    vote = (majority_vote(scored) == right).float().mean()
    alone = (scored.argmax(-1) == right).float().mean()
    (question,) = panel.children
    assert question.answer() == pytest.approx(100 * (vote - alone).item(), abs=1e-3)


def test_a_slider_draws_another_picture_and_comes_back_to_the_same(panel: EnsemblePanel) -> None:
    first = panel.plot.value
    panel.controls["prompts"].value = 4
    assert panel.plot.value != first
    panel.controls["prompts"].value = 1
    assert panel.plot.value == first


def test_one_prompt_is_no_ensemble() -> None:
    with pytest.raises(ValueError, match="at least two prompts, not 1"):
        EnsemblePanel({"tweets": SCORED["tweets"][:1]}, LABELS, "")
