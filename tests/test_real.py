"""What the papers say happens, happens: on a real model, with real sentences, in minutes."""

from collections.abc import Callable
from typing import Any

import pytest

import prefixlab
from prefixlab import (
    Backbone,
    DiscretePrompt,
    Evaluation,
    Task,
    create,
    evaluate,
    tasks,
    train,
)

pytestmark = pytest.mark.real

WORDINGS = (
    "Review: {x}\nSentiment: {y}",
    "{x} It was {y}",
    "{x} Is this review positive or negative? {y}",
)


@pytest.fixture(scope="module")
def lm() -> Backbone:
    """In the precision in which the lessons run."""
    return prefixlab.load("smollm2")


@pytest.fixture(scope="module")
def reviews() -> Task:
    return tasks.load("movie_reviews", train=256, test=100)


@pytest.fixture(scope="module")
def zero_shot(lm, reviews) -> Evaluation:
    return evaluate(lm, DiscretePrompt(lm, reviews), reviews)


@pytest.fixture
def trained(lm) -> Callable[..., Evaluation]:
    def run(task: Task, name: str, *, steps: int, rate: float = 0, **knobs: Any) -> Evaluation:
        method = create(name, lm, task, **knobs)
        taken = train(lm, method, task, steps=steps, batch_size=8, learning_rate=rate)
        losses = [step.loss for step in taken]
        result = evaluate(lm, method, task)
        print(f"\n{name} {knobs}: training loss {losses[0]:.3f} to {losses[-1]:.3f}, {result}")
        return result

    return run


def test_the_wording_of_a_prompt_matters(lm):
    task = tasks.load("movie_reviews", test=200)
    accuracies = {
        wording: evaluate(lm, DiscretePrompt(lm, task, template=wording), task).accuracy
        for wording in WORDINGS
    }
    print(accuracies)
    assert max(accuracies.values()) - min(accuracies.values()) >= 0.15


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("prompt_tuning", {}),
        ("prefix_tuning", {}),
        # Three times less than the method's own, with which the LSTM is a matter of luck.
        ("p_tuning", {"template": "{soft:3}Review: {x}{soft:3}\nSentiment: {y}", "rate": 0.001}),
    ],
)
def test_a_short_training_beats_the_hand_written_prompt(reviews, zero_shot, trained, name, knobs):
    print(zero_shot)
    result = trained(reviews, name, steps=32, **knobs)
    assert result.loss < zero_shot.loss - 0.02
    assert result.accuracy > zero_shot.accuracy - 0.03  # two sentences of 100 are no difference


def test_with_few_examples_a_prefix_starts_better_from_real_words(trained):
    few = tasks.load("movie_reviews", train=32, test=100)
    words, uniform = (
        trained(few, "prefix_tuning", steps=20, init=init) for init in ("task_words", "uniform")
    )
    assert words.loss < uniform.loss - 0.1
    assert words.accuracy > uniform.accuracy
