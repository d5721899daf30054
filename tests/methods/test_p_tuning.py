"""P-tuning: its prompt encoders, and where a plain start lies."""

import torch
from reference import close

from prefixlab import PTuning


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
