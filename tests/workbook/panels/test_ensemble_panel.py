"""The ensemble panel: what it shows is counted from the margins of recorded prompts."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from made_records import LABELS, complete, write

from prefixlab import Backbone
from prefixlab.workbook.evidence import FAMILIES
from prefixlab.workbook.panels import EnsemblePanel
from prefixlab.workbook.panels.ensembles import FAMILY, UNTRAINED
from prefixlab.workbook.protocol import ELSEWHERE, Run

EVERY = {"": 7, "tweets": 5}  # a seed is wrong about two of seven, or of five sentences


def came_to(sentences: int, seed: int, every: int) -> Run:
    """What a seed comes to: two of four seeds are wrong about a sentence, but not sure of it."""
    wrong = np.isin(np.arange(sentences) % every, (seed, seed + 1))
    ahead = np.where(wrong, -0.5 - 0.1 * seed, 2.0)
    margins = np.where(LABELS[:sentences] == 1, ahead, -ahead)
    return {
        "margins": margins.tolist(),
        "content_free": 0.0,
        "accuracy": float(np.mean(~wrong)),
        "loss": float(np.mean(np.logaddexp(0, -ahead))),
    }


def measured(run: Run) -> Run:
    usual = run["knobs"] == dict(FAMILIES[FAMILY].knobs) and run["train"] == 256
    seed = run["seed"] if usual else 0
    return came_to(run["test"], seed, EVERY[""]) | {
        "elsewhere": {on: came_to(ELSEWHERE, seed, EVERY.get(on, 5)) for on in run["also"]}
    }


@pytest.fixture
def made(folder: Path) -> Path:
    rows = [
        row
        for name in (FAMILY, UNTRAINED)
        for row in complete(FAMILIES[name], FAMILIES[name].middle or 0.0, measured, "made")
        if row["seed"] < 4
    ]
    write(folder, "prompt_tuning", rows)
    return folder


@pytest.fixture
def panel(made: Path, gpt2: Backbone) -> EnsemblePanel:
    return EnsemblePanel(gpt2)


def accuracies(domain: str, sentences: int, size: int, how: str) -> list[float]:
    """Those of all ensembles of so many of four seeds, by hand."""
    found = [came_to(sentences, seed, EVERY[domain])["margins"] for seed in range(4)]
    accuracies = []
    for team in combinations(np.array(found), size):
        p = np.mean(1 / (1 + np.exp(-np.array(team))), axis=0)
        votes = np.mean(np.array(team) > 0, axis=0)
        vote = np.where(votes == 0.5, p > 0.5, votes > 0.5)  # of equals, the more probable
        chosen = vote if how == "majority vote" else p > 0.5
        accuracies.append(float(np.mean(chosen == LABELS[:sentences])))
    return accuracies


@pytest.mark.parametrize("how", ["majority vote", "mean probability"])
def test_every_ensemble_of_a_size_is_counted(panel: EnsemblePanel, how: str) -> None:
    for domain, name, sentences in (("", "film reviews", 400), ("tweets", "tweets", ELSEWHERE)):
        panel.controls["domain"].value = domain
        assert f"tested on {name}" in panel.curve.drawing["xlabel"]
        for size in (1, 2, 3, 4):
            by_hand = accuracies(domain, sentences, size, how)
            assert panel.curve.lines[how][size] == pytest.approx(by_hand)


def test_it_says_what_they_are_alone_and_together_and_what_they_share(
    panel: EnsemblePanel,
) -> None:
    alone = accuracies("", 400, 1, "majority vote")
    (together,) = accuracies("", 400, 4, "majority vote")
    ahead = 100 * (together - np.mean(alone))
    assert f"{np.mean(alone):.3f} in the mean" in panel.words.value
    assert "majority vote, ahead of one</b></td>" in panel.words.value
    assert f"{ahead:+.1f} points in the mean" in panel.words.value
    wrong = sum(place % 7 < 5 for place in range(400))
    assert f"{wrong} of 400 sentences are wrong for some prompt, 0 for most" in panel.words.value
    assert "made" in panel.words.value


def test_other_settings_are_other_prompts(panel: EnsemblePanel) -> None:
    panel.curve.value = 2
    panel.controls["setting"].label = "1 token, 256 sentences"
    assert panel.curve.value == 2
    assert "1 token" in panel.curve.drawing["xlabel"]
    # There all three seeds are wrong about the same sentences.
    assert set(panel.curve.lines["majority vote"]) == {1, 2, 3}
    assert (
        len({rate for rates in panel.curve.lines["majority vote"].values() for rate in rates}) == 1
    )
    assert "+0.0 points" in panel.words.value


def test_in_chinese_what_is_chosen_keeps_its_english_name(
    made: Path, gpt2: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFIXLAB_LANGUAGE", "zh_CN")
    panel = EnsemblePanel(gpt2)
    panel.controls["domain"].value = "tweets"
    where = [control.label for control in panel.controls.values()]
    assert where == ["推文", "10 个词元，256 个句子"]
    assert all(name in panel.curve.drawing["xlabel"] for name in where)
    assert set(panel.curve.lines) == {"majority vote", "mean probability"}


def test_without_records_it_says_how_to_make_them(folder: Path, gpt2: Backbone) -> None:
    panel = EnsemblePanel(gpt2)
    assert "python -m prefixlab.workbook.recording prompt_tuning" in panel.status.value
