"""LoRA against PEFT's, merged against unmerged, and on every kind of model."""

from contextlib import contextmanager
from copy import deepcopy

import pytest
import torch
from peft import LoraConfig, get_peft_model
from reference import close, moved, plain

from prefixlab import create, evaluate, train
from prefixlab.evaluation.choices import scores

TOKENS = torch.arange(5, 19).view(2, 7)
MAPS = {"gpt2": "c_attn,mlp.c_proj", "llama": "q_proj,v_proj"}


@contextmanager
def of_peft(lm, method):
    """PEFT's model, with the same tensors."""
    config = LoraConfig(
        r=method.knobs.rank,
        lora_alpha=method.knobs.alpha,
        target_modules=list(method.widths),
        fan_in_fan_out=lm.model.config.model_type == "gpt2",
    )
    with plain(lm, "sdpa") as model:
        wrapped = get_peft_model(deepcopy(model), config).eval()
    for name, change in zip(method.widths, method.changes, strict=True):
        there = wrapped.base_model.model.get_submodule(name)
        there.lora_A["default"].weight.data = change.down.weight.detach().clone()
        there.lora_B["default"].weight.data = change.up.weight.detach().clone()
    yield wrapped


@pytest.mark.parametrize("maps", ["all", "some"])
def test_lora_is_that_of_peft(tiny, task, maps):
    chosen = maps if maps == "all" else MAPS[tiny.model.config.model_type]
    method = moved(create("lora", tiny, task, rank=3, alpha=6.0, maps=chosen))
    with of_peft(tiny, method) as model:
        ours, theirs = tiny.logits(TOKENS, method.conditioning()), model(TOKENS).logits
        close(ours, theirs)
        assert not torch.allclose(ours, tiny.logits(TOKENS), atol=1e-2)
        ours.square().sum().backward()
        theirs.square().sum().backward()
        for name, change in zip(method.widths, method.changes, strict=True):
            there = model.base_model.model.get_submodule(name)
            close(change.down.weight.grad, there.lora_A["default"].weight.grad)
            close(change.up.weight.grad, there.lora_B["default"].weight.grad)


@torch.no_grad()
def test_merged_into_the_weights_it_gives_the_same_logits(tiny, task):
    method = moved(create("lora", tiny, task, rank=3))
    assert list(method.merged(tiny).weights) == [f"{name}.weight" for name in method.widths]
    close(
        tiny.logits(TOKENS, method.merged(tiny)), tiny.logits(TOKENS, method.conditioning()), 1e-5
    )


@torch.no_grad()
def test_it_changes_the_maps_of_an_encoder_decoder_too(seq2seq, task):
    method = create("lora", seq2seq, task, rank=2)
    before = scores(seq2seq, create("discrete_prompt", seq2seq, task), task, task.test)
    close(scores(seq2seq, method, task, task.test), before)
    batch = seq2seq.collate(moved(method).rows(seq2seq, task.test, task))
    beside, merged = (
        seq2seq.answer_scores(batch, given)
        for given in (method.conditioning(), method.merged(seq2seq))
    )
    close(merged, beside)
    assert not torch.allclose(beside, before, atol=1e-2)


def test_it_starts_as_the_model_itself_and_learns(tiny, task):
    method = create("lora", tiny, task, rank=2)
    close(tiny.logits(TOKENS, method.conditioning()), tiny.logits(TOKENS), tolerance=1e-6)
    before = evaluate(tiny, method, task, split="train").loss
    for _ in train(tiny, method, task, steps=25, batch_size=16, learning_rate=0.01):
        pass
    assert evaluate(tiny, method, task, split="train").loss < before


def test_alpha_says_how_much_the_change_counts(gpt2, task):
    once, twice = (moved(create("lora", gpt2, task, rank=2, alpha=a)) for a in (2.0, 4.0))
    (name, *_), given = once.widths, torch.randn(1, 5, 32)
    (one,), (two,) = (each.conditioning().edits for each in (once, twice))
    nothing = torch.zeros(1, 5, once.widths[name])
    close(two.outputs[name](given, nothing), 2 * one.outputs[name](given, nothing))


@pytest.mark.parametrize(
    ("maps", "wrong"),
    [("q_proj", "'q_proj'"), ("c_attn,,", "''"), ("proj", "'proj'"), ("all,c", "'all'")],
)
def test_maps_that_the_model_does_not_have(gpt2, task, maps, wrong):
    said = rf"maps={maps!r} names no linear map of tiny-gpt2 with {wrong}; .* c_attn, c_fc, c_proj"
    with pytest.raises(ValueError, match=said):
        create("lora", gpt2, task, maps=maps)


def test_another_model_is_not_merged_into(gpt2, llama, task):
    with pytest.raises(ValueError, match="This lora was made for tiny-gpt2, not for tiny-llama"):
        create("lora", gpt2, task).merged(llama)
