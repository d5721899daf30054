"""Attention by its equation, where there are few queries, and by the fused kernel of torch."""

import pytest
import torch
from reference import close

from prefixlab import create
from prefixlab.data.batching import collate
from prefixlab.evaluation.choices import loss_of
from prefixlab.models import attention


def step(lm, task):
    """Loss, and the gradient of a prefix, of a step on texts of many lengths."""
    method = create("prefix_tuning", lm, task, prefix_length=3)
    batch = collate(method.rows(lm, task.test, task), lm.padding)
    loss = loss_of(lm.answer_scores(batch, method.conditioning()), batch)
    loss.backward()
    return loss.item(), method.prefix.values.grad


def test_few_queries_and_many_are_attended_alike(tiny, task, monkeypatch):
    loss, gradient = step(tiny, task)
    monkeypatch.setattr(attention, "FEW", 0)
    fused_loss, fused_gradient = step(tiny, task)
    assert loss == pytest.approx(fused_loss, abs=1e-4)
    close(gradient, fused_gradient)


def test_few_queries_need_no_kernel_and_many_do(gpt2, task, monkeypatch):
    class Asked(Exception):
        pass

    def kernel(*given, **options):
        raise Asked

    monkeypatch.setattr(attention, "sdpa_attention_forward", kernel)
    tokens = torch.arange(attention.FEW + 1)[None]
    with torch.no_grad():
        gpt2.logits(tokens[:, :-1])
        with pytest.raises(Asked):
            gpt2.logits(tokens)


def test_scores_of_bfloat16_are_computed_in_float32():
    """Two scores are often closer than two neighbouring numbers of bfloat16."""
    query = torch.randn(1, 4, 5, 8, generator=torch.Generator().manual_seed(0)).bfloat16()
    key = torch.randn(1, 2, 5, 8, generator=torch.Generator().manual_seed(1)).bfloat16()
    mask = torch.ones(1, 1, 5, 5, dtype=torch.bool)
    at = attention.Attention(0, query, key, key, mask, 0, None)
    exact = query.double() @ key.double().repeat_interleave(2, dim=1).transpose(-1, -2) / 8**0.5
    close(at.scores.double(), exact, tolerance=1e-6)
