"""What a step of training keeps."""

import pytest
import torch
from reference import close

from prefixlab import Training, create
from prefixlab.training import loop as training
from prefixlab.workbook.memory import step_memory


def kept(lm, task, name, **knobs):
    return step_memory(lm, create(name, lm, task, **knobs), task, batch_size=2)


def test_gradients_and_moments_are_twelve_bytes_a_number(tiny, task):
    method = create("prompt_tuning", tiny, task, prompt_length=5)
    found = step_memory(tiny, method, task, batch_size=2)
    assert (found.gradients, found.moments) == (4 * 5 * 32, 8 * 5 * 32)
    assert found.parameters == 4 * 5 * 32
    assert found.total == found.activations + 16 * 5 * 32
    assert found.copies == 0  # the model computes in float32 too


def test_a_tensor_saved_twice_is_kept_once_and_weights_are_none_of_it(gpt2, task, monkeypatch):
    """A model of one map and an exponential: all that is saved can be counted by hand."""
    method = create("linear_probe", gpt2, task)
    weight = next(iter(gpt2.model.parameters()))

    def scores(batch, given):
        start = given.head[:, :4] * 1.0  # [2, 4], saves nothing
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


def test_in_half_precision_the_copies_of_weights_are_told_from_activations(half, task):
    """Fine-tuning trains float32 numbers, and every step computes with bfloat16 copies of them."""
    method = create("fine_tuning", half, task, top=2)
    found = step_memory(half, method, task, batch_size=2)
    # All matrices are needed again; of norms and biases it depends on the architecture.
    matrices = sum(weight.numel() for weight in method.weights if weight.dim() == 2)
    assert 2 * matrices <= found.copies <= 2 * method.parameters_now()
    assert found.parameters == found.gradients == 4 * method.parameters_now()
    assert found.moments == 8 * method.parameters_now()


def test_in_half_precision_activations_of_fine_tuning_are_fewer_bytes(half, task, request):
    """Half of them, but for what norms and the loss compute in float32 all the same."""
    whole = kept(request.getfixturevalue(half.name.split("-")[1]), task, "fine_tuning")
    halved = kept(half, task, "fine_tuning")
    assert whole.copies == 0 < halved.copies
    assert 0.5 <= halved.activations / whole.activations < 0.9


def test_dropout_is_part_of_a_step(gpt2, task, monkeypatch):
    """What it dropped is kept for the backward pass."""
    knobs = {"prefix_length": 5, "dropout": 0.5}
    found = kept(gpt2, task, "p_tuning_v2", **knobs)
    monkeypatch.setattr(Training, "conditioning", lambda run: run.method.conditioning())
    assert found.activations > kept(gpt2, task, "p_tuning_v2", **knobs).activations


def test_measuring_changes_nothing(tiny, task):
    method = create("p_tuning_v2", tiny, task, dropout=0.5)
    before = [parameter.detach().clone() for parameter in method.parameters()]
    first, second = (step_memory(tiny, method, task, batch_size=2) for _ in range(2))
    assert first == second
    assert all(map(torch.equal, before, method.parameters()))
    assert all(parameter.grad is None for parameter in method.parameters())
    close(method.conditioning().past.keys, method.conditioning().past.keys)  # dropout is over


def test_nothing_to_train_is_told(gpt2, task):
    with pytest.raises(ValueError, match="discrete_prompt has nothing to train"):
        kept(gpt2, task, "discrete_prompt")


def test_a_batch_in_several_passes_keeps_what_the_largest_of_them_does(gpt2, task, monkeypatch):
    method = create("prompt_tuning", gpt2, task)
    whole = step_memory(gpt2, method, task).activations
    monkeypatch.setattr(training, "POSITIONS", 100)
    assert step_memory(gpt2, method, task).activations < whole * 0.7
