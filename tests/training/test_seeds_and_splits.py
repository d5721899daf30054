"""Training asks the right split, and what it draws and how it decays is what the recipe says."""

from itertools import islice

import pytest
import torch
from reference import same

from prefixlab import create, evaluate, resume, save, train
from prefixlab.data.batching import training_order
from prefixlab.training.loop import snapshot

DROPS = {"prefix_length": 4, "dropout": 0.5}


def test_early_stopping_judges_by_the_validation_examples(gpt2, task):
    method = create("prompt_tuning", gpt2, task, prompt_length=3)
    for step in train(gpt2, method, task, steps=2, validate_every=1, patience=5):
        assert step.validation == evaluate(gpt2, method, task, split="validation")
        assert step.validation.loss != evaluate(gpt2, method, task, split="test").loss
        assert step.validation.examples == len(task.validation) != len(task.test)


def test_the_order_of_the_data_is_the_seed_s(gpt2, task):
    def order(seed):
        run = train(gpt2, create("prompt_tuning", gpt2, task), task, batch_size=4, seed=seed)
        seen = []
        for step in range(8):
            run.step = step
            seen.append(run.next_batch())
        return run.rows, seen

    rows, first = order(0)
    assert first == order(0)[1] != order(1)[1]
    assert first == training_order(rows, 4, 0, 0) + training_order(rows, 4, 1, 0)


def dropped(lm, task, seed, step=0):
    """Which numbers of the prefix a step leaves out."""
    method = create("p_tuning_v2", lm, task, **DROPS)
    run = train(lm, method, task, seed=seed)
    run.step = step
    given, whole = run.conditioning().past, method.conditioning().past
    assert (whole.keys != 0).all()
    return given.keys == 0


def test_dropout_is_drawn_anew_by_seed_and_by_step(gpt2, task):
    first = dropped(gpt2, task, seed=0)
    assert 0.2 < first.float().mean() < 0.8
    torch.manual_seed(99)  # whatever else draws numbers
    assert torch.equal(first, dropped(gpt2, task, seed=0))
    assert not torch.equal(first, dropped(gpt2, task, seed=1))
    assert not torch.equal(first, dropped(gpt2, task, seed=0, step=1))


def test_dropout_goes_on_as_if_training_had_never_stopped(gpt2, task, tmp_path):
    def fresh():
        method = create("p_tuning_v2", gpt2, task, **DROPS)
        return train(gpt2, method, task, steps=6, batch_size=6)

    straight, stopped = fresh(), fresh()
    expected = [step.loss for step in straight]
    losses = [step.loss for step in islice(stopped, 3)]
    path = save(stopped.method, tmp_path / "half", stopped)
    torch.manual_seed(99)  # as in another process
    resumed = resume(path, gpt2, task)
    assert losses + [step.loss for step in resumed] == expected
    assert same(snapshot(resumed.method), snapshot(straight.method))


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_weight_decay_pulls_towards_zero(gpt2, task, optimizer):
    """Decoupled (Loshchilov & Hutter 2019): the first step takes rate * decay of each number."""

    def after(decay):
        method = create("prompt_tuning", gpt2, task, init="uniform")
        start = method.prompt.values.detach().clone()
        recipe = {"optimizer": optimizer, "weight_decay": decay, "learning_rate": 0.1}
        train(gpt2, method, task, steps=1, decay="constant", **recipe).advance()
        return start, method.prompt.values.detach()

    (start, free), (_, pulled) = after(0.0), after(0.5)
    # Adafactor's step is in proportion to the numbers, which were pulled first.
    torch.testing.assert_close(free - pulled, 0.05 * start, rtol=0, atol=6e-3)
    assert ((free - pulled) - 0.05 * start).norm() < 0.2 * (0.05 * start).norm()
