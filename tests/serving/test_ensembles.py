"""Ensembles: their members answer as by themselves, and the combination is the counted one."""

import pytest
import torch
from reference import close

from prefixlab import create, predict
from prefixlab.evaluation.choices import scores
from prefixlab.serving.ensembles import majority_vote, mean_probability, member_scores


@pytest.fixture
def members(tiny, task):
    """Prompts of different lengths and starts, and a prefix among them."""
    return [
        create("prompt_tuning", tiny, task, seed=0, prompt_length=2),
        create("prompt_tuning", tiny, task, seed=1, prompt_length=5, init="uniform"),
        create("prefix_tuning", tiny, task, seed=2, prefix_length=3, init="matched"),
    ]


def test_an_ensemble_equals_its_members(tiny, task, members):
    scored = member_scores(tiny, members, task, task.test, batch_size=5)
    alone = [scores(tiny, member, task, task.test) for member in members]
    close(scored, torch.stack(alone))
    texts = task.test["x"]
    by_hand = sum(predict(tiny, member, task, texts) for member in members) / len(members)
    close(mean_probability(scored), by_hand)


def test_an_ensemble_of_one_is_that_one(tiny, task, members):
    scored = member_scores(tiny, members[:1], task, task.test)
    close(mean_probability(scored), scored[0].softmax(-1))
    assert majority_vote(scored).equal(scored[0].argmax(-1))


def test_an_ensemble_is_one_batch(gpt2, task, monkeypatch):
    batches = []
    honest = gpt2.hidden_states
    monkeypatch.setattr(gpt2, "hidden_states", lambda *a: batches.append(len(a[0])) or honest(*a))
    prompts = [create("prompt_tuning", gpt2, task, seed=seed) for seed in range(5)]
    member_scores(gpt2, prompts, task, task.test, batch_size=100)
    assert batches == [5 * len(task.test)]


def test_most_votes_win_and_the_sure_one_decides_a_tie():
    """By hand: members by examples by two answers, as probabilities of the second."""
    second = torch.tensor([[0.6, 0.4, 0.9, 0.6], [0.6, 0.4, 0.4, 0.2], [0.1, 0.9, 0.3, 0.5]])
    scored = torch.stack([1 - second, second], -1).log()
    assert majority_vote(scored).tolist() == [1, 0, 0, 0]
    assert mean_probability(scored)[:, 1].tolist() == pytest.approx(
        [13 / 30, 17 / 30, 8 / 15, 13 / 30]
    )
    assert majority_vote(scored[:2]).tolist() == [1, 0, 1, 0]  # one vote each in the last two
