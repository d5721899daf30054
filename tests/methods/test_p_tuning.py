"""P-tuning: its prompt encoders, and where a plain start lies."""

import pytest
import torch
from reference import close

from prefixlab import PTuning, create


def test_without_an_encoder_slots_lie_as_far_out_as_words(lm, task):
    method = PTuning(lm, task, template="{soft:64}{x} {y}", encoder="none")
    close(method.slots().std(), lm.embedding.std(), tolerance=0.1)


def test_with_an_lstm_neighbouring_slots_depend_on_each_other(tiny, task):
    method = PTuning(tiny, task, encoder="lstm")
    slots = method.conditioning().virtual
    (slope,) = torch.autograd.grad(slots[0].sum(), method.slots.small.weight)
    assert slope[-1].abs().sum() > 0


def test_with_an_mlp_every_slot_depends_on_its_own_row_alone(tiny, task):
    method = PTuning(tiny, task, encoder="mlp")
    (slope,) = torch.autograd.grad(method.slots()[0].sum(), method.slots.small.weight)
    assert slope[0].abs().sum() > 0
    assert slope[1:].abs().sum() == 0


def test_the_lstm_is_half_as_wide_in_each_direction(tiny, task):
    lstm = PTuning(tiny, task).slots.lstm
    assert (lstm.hidden_size, lstm.num_layers, lstm.bidirectional) == (16, 2, True)


def test_encoders_that_start_at_numbers_start_at_the_same(tiny, task):
    template = "{soft:2}{x}{soft:3} so it was {y}"
    found = [
        create("p_tuning", tiny, task, encoder=encoder, init="normal", template=template, seed=5)
        for encoder in ("none", "mlp", "lstm")
    ]
    for method in found:
        close(method.conditioning().virtual, found[0].conditioning().virtual)
    assert found[0].conditioning().virtual.std().item() == pytest.approx(
        tiny.embedding.std().item(), rel=0.3
    )
    usual = create("p_tuning", tiny, task, encoder="mlp", template=template, seed=5)
    assert not torch.allclose(usual.slots(), found[1].slots(), atol=1e-2)
