"""A cartridge: PEFT's, the text that it begins as, and what stays as it was."""

import pytest
import torch
from peft import CartridgeConfig, get_peft_model
from reference import close, moved, named_for_peft, plain

from prefixlab import Cartridge, DiscretePrompt, InContextLearning, load_method, save, train
from prefixlab.evaluation.choices import scores
from prefixlab.methods.in_context import SEPARATOR

DOCUMENT = "two hours of my life, and again, and again: what a cast!"


def flat(part: torch.Tensor) -> torch.Tensor:
    """Keys and values, [2, layers, 1, kv_heads, P, head_dim], as PEFT lays them out: [P, all]."""
    return part[:, :, 0].permute(3, 1, 0, 2, 4).flatten(1)


@pytest.mark.parametrize("frozen", [0, 1, 3])
def test_it_is_that_of_peft(lm, task, frozen):
    method = moved(Cartridge(lm, task, prefix_length=5, frozen=frozen))
    source = torch.Generator().manual_seed(0)
    tokens = torch.randint(5, lm.geometry.vocabulary, (2, 7), generator=source)
    config = CartridgeConfig(task_type="CAUSAL_LM", num_virtual_tokens=5, num_frozen_tokens=frozen)
    ours = lm.logits(tokens, method.conditioning())
    ours[:, -1].square().sum().backward()
    with plain(lm, "sdpa") as model:
        wrapped = get_peft_model(named_for_peft(model), config)
        theirs = wrapped.prompt_encoder["default"]
        theirs.load_prompt_embeddings(torch.cat([flat(method.first), flat(method.others)]))
        logits = wrapped.eval()(tokens).logits
        del model.forward  # the class's own is left
    close(ours, logits)
    logits[:, -1].square().sum().backward()
    close(flat(method.others.grad), theirs.trainable_embedding.grad)


def test_untrained_and_as_long_as_its_demonstrations_it_is_these(lm, task):
    read = InContextLearning(lm, task, demonstrations=3, seed=4)
    asked = {"demonstrations": 3, "prefix_length": len(read.tokens)}
    whole = Cartridge(lm, task, seed=4, **asked)
    close(scores(lm, whole, task, task.test), scores(lm, read, task, task.test))
    part = Cartridge(lm, task, seed=4, demonstrations=3, prefix_length=6)
    close(part.conditioning().past.keys, read.past.keys[..., :6, :])
    off = scores(lm, part, task, task.test) - scores(lm, read, task, task.test)
    assert off.abs().max() > 0.01


def test_untrained_and_as_long_as_its_text_it_is_that_text(lm, task):
    length = len(lm.encode(DOCUMENT))
    whole = Cartridge(lm, task, text=DOCUMENT, prefix_length=length)
    written = DiscretePrompt(lm, task, template=DOCUMENT + SEPARATOR + task.template.text)
    close(scores(lm, whole, task, task.test), scores(lm, written, task, task.test))


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_the_first_positions_stay_and_the_others_are_trained(tiny, task, optimizer):
    method = Cartridge(tiny, task, prefix_length=6, frozen=2)
    first, others = method.first.clone(), method.others.detach().clone()
    # A weight decay moves whatever the optimizer has, even without a gradient.
    how = {"optimizer": optimizer, "weight_decay": 0.5, "learning_rate": 0.1}
    train(tiny, method, task, steps=1, batch_size=4, **how).advance()
    assert torch.equal(method.first, first)
    assert (method.others != others).flatten(-2).any(-1).all()  # in every layer and head
    past = method.conditioning().past
    assert past.length == 6
    assert torch.equal(past.keys[..., :2, :], first[0])


def test_it_comes_back_without_its_text_being_read(tiny, task, tmp_path, monkeypatch):
    method = moved(Cartridge(tiny, task, prefix_length=6, frozen=2, demonstrations=2))
    before = scores(tiny, method, task, task.test)
    path = save(method, tmp_path / "mine")
    monkeypatch.setattr(tiny, "read_past", lambda _: pytest.fail("The text was read."))
    again = load_method(path, tiny)
    assert torch.equal(again.first, method.first)
    assert again.texts == method.texts
    assert torch.equal(scores(tiny, again, task, task.test), before)
