"""Models in bfloat16, as the recorded runs are, and models with heads of a width of their own."""

from dataclasses import replace

import pytest
import torch
from reference import close, logits_with_prefix_in, moved, plain
from torch.nn import functional as F

from prefixlab import METHODS, Conditioning, Verbalizer, create, train
from prefixlab.evaluation.choices import scores
from prefixlab.methods.reparameterization import Flat

EVERY = [(name, {}) for name in METHODS if name not in ("discrete_prompt", "in_context")]
EVERY += [("combined", {"beside": "bias"}), ("fine_tuning", {"top": 1})]
TOKENS = torch.tensor([[8, 9, 10, 11, 12, 13, 14], [20, 21, 22, 23, 24, 25, 26]])
HALF = 2e-2  # bfloat16 has 8 bits: numbers are off by up to 0.4%, and what is made of them by more


def test_in_half_precision_the_logits_are_those_of_transformers(half):
    assert half.dtype == torch.bfloat16
    with plain(half, "sdpa") as model, torch.no_grad():
        close(half.logits(TOKENS), model(TOKENS).logits.float(), HALF)


def test_in_half_precision_a_prefix_is_that_of_transformers(half, task):
    past = create("prefix_tuning", half, task, prefix_length=4, init="matched").conditioning().past
    with torch.no_grad():
        ours = half.logits(TOKENS, Conditioning(past=past))
    rounded = replace(past, keys=past.keys.bfloat16(), values=past.values.bfloat16())
    close(ours, logits_with_prefix_in((0, 1, 2), half, TOKENS, rounded).float(), HALF)


@pytest.mark.parametrize("answers", [("negative", "positive"), ("awful, really", "great")])
@pytest.mark.parametrize("name", ["prefix_tuning", "prompt_tuning", "p_tuning_v2", "infix"])
def test_in_half_precision_a_batch_scores_as_its_examples(half, task, name, answers):
    asked = replace(task, verbalizer=Verbalizer(answers))
    method = moved(create(name, half, asked))
    alone = scores(half, method, asked, asked.test, batch_size=1)
    assert alone.dtype == torch.float32
    close(scores(half, method, asked, asked.test, batch_size=5), alone, HALF)


@pytest.mark.parametrize(("name", "knobs"), EVERY)
def test_what_is_trained_is_kept_in_float32(half, task, name, knobs):
    """A step of 1e-5 is lost on most bfloat16 numbers: the next one is 0.4% away."""
    method = create(name, half, task, **knobs)
    assert {parameter.dtype for parameter in method.parameters()} == {torch.float32}
    before = [parameter.detach().clone() for parameter in moved(method).parameters()]
    for _ in train(half, method, task, steps=1, batch_size=8, learning_rate=1e-5):
        pass
    assert {parameter.dtype for parameter in method.parameters()} == {torch.float32}
    pairs = list(zip(before, method.parameters(), strict=True))
    changed = sum(int((old != new).sum()) for old, new in pairs)
    seen = sum(int((old.bfloat16() != new.bfloat16()).sum()) for old, new in pairs)
    assert changed > 2 * seen


def test_what_starts_from_a_model_in_half_precision_is_trained_in_float32():
    assert Flat(torch.ones(2, 3, dtype=torch.bfloat16)).values.dtype == torch.float32


def test_a_head_reads_in_float32(half, task):
    """Rounded to bfloat16, scores that differ by less than 0.4% are ties."""
    method = moved(create("linear_probe", half, task))
    given, rows = method.conditioning(), method.rows(half, task.test, task)
    found = scores(half, method, task, task.test, batch_size=1)
    for row, scored in zip(rows, found, strict=True):
        with torch.no_grad():
            last = half.hidden_states(torch.tensor([row.prompt]), given=given)[0, -1].float()
            exact = F.linear(last.double(), given.head[:, :-1].double())
        close(scored.double(), exact + given.head[:, -1].double(), 1e-6)


def test_an_adapter_rounds_once(half, task):
    method = moved(create("adapters", half, task, bottleneck=4))
    one = method.adapters[0]
    hidden = torch.randn(5, 32, generator=torch.Generator().manual_seed(0)).bfloat16()
    exact = hidden.double() + F.linear(
        F.linear(hidden.double(), one.down.weight.double(), one.down.bias.double()).relu(),
        one.up.weight.double(),
        one.up.bias.double(),
    )
    assert torch.equal(one(hidden), exact.to(torch.bfloat16))


def test_heads_have_the_width_that_the_configuration_says(wide, task):
    size = wide.geometry
    assert (size.head_dim, size.kv_width, size.hidden // size.heads) == (12, 24, 8)
    method = create("prefix_tuning", wide, task, prefix_length=4)
    assert method.conditioning().past.keys.shape == (3, 1, 2, 4, 12)
    assert METHODS["prefix_tuning"].cost(size, prefix_length=4).stored == method.parameters_now()


def test_with_wide_heads_the_logits_are_those_of_transformers(wide, task):
    with plain(wide, "sdpa") as model, torch.no_grad():
        close(wide.logits(TOKENS), model(TOKENS).logits)
    past = create("prefix_tuning", wide, task, prefix_length=4, init="matched").conditioning().past
    with torch.no_grad():
        ours = wide.logits(TOKENS, Conditioning(past=past))
    close(ours, logits_with_prefix_in((0, 1, 2), wide, TOKENS, past))


@pytest.mark.parametrize("name", ["prefix_tuning", "p_tuning_v2", "infix", "gated_prefix"])
def test_with_wide_heads_a_batch_scores_as_its_examples(wide, task, name):
    method = moved(create(name, wide, task))
    alone = scores(wide, method, task, task.test, batch_size=1)
    close(scores(wide, method, task, task.test, batch_size=5), alone)
    losses = [step.loss for step in train(wide, method, task, steps=6, learning_rate=0.02)]
    assert losses[-1] < losses[0]
