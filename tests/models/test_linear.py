"""The linear maps of the frozen model, by the quicker of torch's two libraries."""

import pytest
import torch
from reference import close
from torch import nn
from torch.nn import functional as F

from prefixlab.evaluation.choices import loss_of
from prefixlab.methods import create
from prefixlab.models import linear
from prefixlab.models.linear import Product, Quick, QuickTransposed, linear_map


def numbers(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("transposed", [True, False])
@pytest.mark.parametrize("shape", [(2, 5), (3, 2, 5), (0, 5)])
def test_onednn_computes_what_torch_computes(shape, transposed, bias, monkeypatch):
    monkeypatch.setattr(linear, "prefers_onednn", lambda: True)
    weight = numbers(5, 7).T if transposed else numbers(7, 5)
    given = [numbers(*shape), weight, numbers(7) if bias else None]
    gradients = []
    for product in (linear_map, F.linear):
        leaves = [None if one is None else one.clone().requires_grad_() for one in given]
        found = product(*leaves)
        found.backward(numbers(*found.shape))
        gradients.append([found, *(leaf.grad for leaf in leaves if leaf is not None)])
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_what_is_frozen_is_not_kept_for_its_gradient():
    x, weight = numbers(2, 5).requires_grad_(), numbers(7, 5)
    product = Product.apply(x, weight, None)
    assert [kept is None for kept in product.grad_fn.saved_tensors] == [True, False]
    product.sum().backward()
    assert weight.grad is None


def test_the_maps_of_a_model_are_computed_so(tiny, half, bert, t5, bart):
    for lm in (tiny, half, bert, t5, bart):
        maps = {type(part) for part in lm.model.modules() if hasattr(part, "weight")}
        assert maps & {Quick, QuickTransposed}
        assert nn.Linear not in maps


def test_a_model_in_another_precision_is_left_to_torch(monkeypatch):
    monkeypatch.setattr(linear, "prefers_onednn", lambda: True)
    monkeypatch.setattr(linear, "Product", None)
    x, weight = numbers(2, 5).bfloat16(), numbers(7, 5).bfloat16()
    assert torch.equal(linear_map(x, weight), F.linear(x, weight))


@pytest.mark.parametrize("name", ["prefix_tuning", "fine_tuning", "bias_only", "lora"])
def test_a_step_is_the_same_by_both(tiny, task, name, monkeypatch):
    steps = []
    for onednn in (True, False):
        monkeypatch.setattr(linear, "prefers_onednn", lambda onednn=onednn: onednn)
        method = create(name, tiny, task)
        batch = tiny.collate(method.rows(tiny, task.test, task))
        loss = loss_of(tiny.answer_scores(batch, method.conditioning()), batch)
        loss.backward()
        gradient = torch.cat([each.grad.flatten() for each in method.parameters()])
        steps.append((loss.item(), gradient))
    (ours, gradient), (theirs, expected) = steps
    assert ours == pytest.approx(theirs, abs=1e-4)
    close(gradient, expected)
