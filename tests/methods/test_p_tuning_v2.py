"""P-tuning v2 against PEFT, its dropout, and the infix against words in the same place."""

from math import log

import pytest
import torch
from peft import PrefixTuningConfig, TaskType, get_peft_model
from reference import close, moved, named_for_peft, plain
from transformers import AutoModelForSequenceClassification

from prefixlab import Conditioning, Past, create, train
from prefixlab.evaluation.choices import scores
from prefixlab.methods.gated_prefix import Gate
from prefixlab.methods.infix import Slots
from prefixlab.models.attention import Attention


def test_a_prefix_with_a_head_is_that_of_peft(tiny, task):
    """PEFT's has no bias, and reads the last token that is not padding: here the rows have none."""
    method = moved(create("p_tuning_v2", tiny, task, prefix_length=5, init="matched"))
    with torch.no_grad():
        method.head.values[:, -1] = 0
    rows = method.rows(tiny, task.test, task)
    found = scores(tiny, method, task, task.test)
    with plain(tiny, "sdpa") as model:
        model.config.num_labels = 2
        theirs = AutoModelForSequenceClassification.from_config(model.config)
        theirs.base_model.load_state_dict(model.base_model.state_dict())
    config = PrefixTuningConfig(task_type=TaskType.SEQ_CLS, num_virtual_tokens=5)
    wrapped = get_peft_model(named_for_peft(theirs), config).eval()
    wrapped.prompt_encoder["default"].embedding.weight.data = method.prefix.values.detach().clone()
    wrapped.base_model.score.modules_to_save["default"].weight.data = method.head.values.detach()[
        :, :-1
    ].clone()
    for row, scored in zip(rows, found, strict=True):
        tokens = torch.tensor([row.prompt])
        with torch.no_grad():
            logits = wrapped(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits
        close(scored, logits[0])


def test_before_the_first_step_a_head_prefers_no_label(gpt2, task):
    method = create("p_tuning_v2", gpt2, task, prefix_length=5)
    assert not scores(gpt2, method, task, task.test).any()
    training = train(gpt2, method, task, steps=2, batch_size=4)
    assert training.advance().loss == pytest.approx(log(2))
    before = method.prefix.values.detach().clone()
    training.advance()
    assert not torch.equal(method.prefix.values, before)


def test_dropout_is_for_the_steps_of_training_alone(gpt2, task):
    method = create("p_tuning_v2", gpt2, task, prefix_length=5, init="matched", dropout=0.5)
    prefix = method.conditioning().past
    assert torch.equal(method.conditioning().past.keys, prefix.keys)
    training = train(gpt2, method, task, steps=4, batch_size=4)
    seen = training.conditioning().past
    share = (torch.cat([seen.keys, seen.values]) == 0).float().mean()
    assert 0.4 < share < 0.6
    kept = seen.keys != 0
    close(seen.keys[kept], 2 * prefix.keys[kept])  # so that the mean stays what it was
    again = training.conditioning().past  # the same step drops the same
    assert torch.equal(again.keys, seen.keys)
    training.advance()
    assert not torch.equal(training.conditioning().past.keys == 0, seen.keys == 0)
    assert not (method.conditioning().past.keys == 0).any()


def test_dropout_disturbs_no_other_source_of_randomness(gpt2, task):
    method = create("p_tuning_v2", gpt2, task, prefix_length=2, dropout=0.5)
    before = torch.get_rng_state()
    train(gpt2, method, task, steps=2, batch_size=4).advance()
    assert torch.equal(torch.get_rng_state(), before)


def test_an_infix_of_words_is_those_words_between_the_others(tiny, task):
    """Its keys and values are taken from where the words stand in the text."""
    x, words, rest = [5, 6, 7], [8, 9], [10, 11, 12]
    read = tiny.read_past([*x, *words]).float()
    deep = Past(read.keys[..., 3:, :], read.values[..., 3:, :])
    slots = Slots(given=deep.by_layer())
    given = Conditioning(virtual=torch.zeros(2, tiny.geometry.hidden), edits=[slots])
    ours = tiny.logits(torch.tensor([[*x, -1, -2, *rest]]), given)
    with plain(tiny, "sdpa") as model, torch.no_grad():
        theirs = model(torch.tensor([[*x, *words, *rest]])).logits
    close(ours[:, :3], theirs[:, :3])
    close(ours[:, 5:], theirs[:, 5:])


def test_an_infix_changes_what_follows_it_and_nothing_before(tiny, task):
    method = create("infix", tiny, task, prefix_length=2)
    other = create("infix", tiny, task, prefix_length=2, init="matched")
    tokens = torch.tensor([[5, 6, 7, -1, -2, 10, 11]])
    one, two = (tiny.logits(tokens, each.conditioning()) for each in (method, other))
    assert torch.equal(one[:, :3], two[:, :3])
    assert not torch.allclose(one[:, 5:], two[:, 5:], atol=1e-3)


def test_its_soft_slots_stand_right_behind_x(gpt2, task):
    method = create("infix", gpt2, task, prefix_length=3, template="{{{x}}} was {y}")
    assert method.template.text == "{{{x}{soft:3}}} was {y}"


@pytest.mark.parametrize("gate", [0.0, 0.7])
def test_a_gate_multiplies_what_comes_from_the_prefix(gpt2, gate):
    """By hand: two softmaxes, one over the text and one over the prefix."""
    source = torch.Generator().manual_seed(0)
    query = torch.randn(1, 4, 3, 8, generator=source)
    key, value = (torch.randn(1, 4, 5, 8, generator=source) for _ in range(2))
    seen = torch.cat([torch.ones(3, 2), torch.ones(3, 3).tril()], 1).bool()
    module = gpt2.model.transformer.h[1].attn
    at = Attention(1, query, key, value, seen[None, None], prefix=2, tokens=None, scaling=8**-0.5)
    ours = Gate(gates={1: torch.full((4,), gate)}).attention(at).output(module)
    logits = (query @ key.transpose(-1, -2) / 8**0.5).masked_fill(~seen, float("-inf"))
    text = logits[..., 2:].softmax(-1) @ value[:, :, 2:]
    prefix = logits[..., :2].softmax(-1) @ value[:, :, :2]
    close(ours, (text + gate * prefix).transpose(1, 2))


def test_a_gate_of_zero_leaves_the_model_as_it_was(llama):
    """With rotary positions, where moving a text by the length of a prefix changes nothing."""
    past = llama.read_past([5, 6, 7]).float()
    tokens = torch.tensor([[8, 9, 10, 11]])
    shut = Gate(gates=dict(enumerate(torch.zeros(3, 4))))
    close(llama.logits(tokens, Conditioning(past=past, edits=[shut])), llama.logits(tokens))


def test_rows_may_have_pasts_of_different_lengths(tiny):
    past = tiny.read_past([5, 6, 7])
    tokens = torch.tensor([[8, 9, 10], [8, 9, 10]])
    mask = torch.tensor([[True, True, True], [False, True, True]])
    both = tiny.logits(tokens, Conditioning(past=Past(past.keys, past.values, mask=mask)))
    close(both[:1], tiny.logits(tokens[:1], Conditioning(past=past)))
    short = Past(past.keys[..., 1:, :], past.values[..., 1:, :])
    close(both[1:], tiny.logits(tokens[1:], Conditioning(past=short)))
