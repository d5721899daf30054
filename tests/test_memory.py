"""What a step of training keeps."""

import pytest
import torch

from prefixlab import create
from prefixlab.memory import step_memory


def kept(lm, task, name, **knobs):
    return step_memory(lm, create(name, lm, task, **knobs), task, batch_size=2)


def test_gradients_and_moments_are_twelve_bytes_a_number(tiny, task):
    method = create("prompt_tuning", tiny, task, prompt_length=5)
    found = step_memory(tiny, method, task, batch_size=2)
    assert (found.gradients, found.moments) == (4 * 5 * 32, 8 * 5 * 32)
    assert found.total == found.activations + 12 * 5 * 32


def test_a_tensor_saved_twice_is_kept_once_and_weights_are_none_of_it(gpt2, task, monkeypatch):
    """A model of one map and an exponential: all that is saved can be counted by hand."""
    method = create("linear_probe", gpt2, task)
    weight = next(iter(gpt2.model.parameters()))

    def scores(batch, given):
        start = given.answers[:, :4] * 1.0  # [2, 4], saves nothing
        bent = start.exp()  # saves its result, 2 * 4 * 4 bytes
        mapped = bent @ weight.detach()[:4, :2]  # saves what it multiplies: the same, and a weight
        return mapped.expand(len(batch.labels), 2, 2).sum(1)

    monkeypatch.setattr(gpt2, "answer_scores", scores)
    found = step_memory(gpt2, method, task, batch_size=2)
    of_the_loss = 2 * 2 * 4 + 2 * 8 + 4  # log-probabilities, labels, and the sum of weights
    assert found.activations == 2 * 4 * 4 + of_the_loss


def test_the_deeper_the_gradient_goes_the_more_is_kept(tiny, task):
    probe = kept(tiny, task, "linear_probe").activations
    last = kept(tiny, task, "p_tuning_v2", layers="last:1").activations
    first = kept(tiny, task, "p_tuning_v2", layers="first:1").activations
    assert 0 < probe < last < first


def test_measuring_changes_nothing(tiny, task):
    method = create("prefix_tuning", tiny, task)
    before = [parameter.detach().clone() for parameter in method.parameters()]
    first, second = (step_memory(tiny, method, task, batch_size=2) for _ in range(2))
    assert first == second
    assert all(map(torch.equal, before, method.parameters()))
    assert all(parameter.grad is None for parameter in method.parameters())
    assert method.chance is None


def test_nothing_to_train_is_told(gpt2, task):
    with pytest.raises(ValueError, match="discrete_prompt has nothing to train"):
        kept(gpt2, task, "discrete_prompt")
