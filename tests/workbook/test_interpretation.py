"""What training moved, which words persist, and what each part is worth."""

from dataclasses import replace

import pytest
import torch
from reference import close, logits_with_prefix_in

from prefixlab import Conditioning, create
from prefixlab.evaluation.choices import scores
from prefixlab.methods.adaptive_prefix import Counts
from prefixlab.workbook.interpretation import Ablated, moved, persisting, worth

TOKENS = torch.tensor([[8, 9, 10, 11]])


def test_a_virtual_token_has_moved_as_far_as_it_is_from_its_start(tiny, task):
    method = create("prompt_tuning", tiny, task, prompt_length=4, init="vocabulary", seed=3)
    assert moved(tiny, method, task).tolist() == [0, 0, 0, 0]
    with torch.no_grad():
        method.prompt.values[1] *= 1.5
        method.prompt.values[2] = 0
    close(moved(tiny, method, task), torch.tensor([0, 0.5, 1, 0]))


def test_a_prefix_has_moved_by_layer_and_position(tiny, task):
    method = create("prefix_tuning", tiny, task, prefix_length=3, layers="0,2")
    before = method.unflatten(method.prefix())
    change = replace(before, keys=before.keys.clone(), values=before.values.clone())
    change.keys[1, :, :, 2] *= 3
    change.values[1, :, :, 2] *= 3
    with torch.no_grad():
        method.prefix.values[:] = torch.cat(
            [
                torch.stack([change.keys[at], change.values[at]])[:, 0]
                .permute(2, 0, 1, 3)
                .flatten(1)
                for at in (0, 1)
            ],
            dim=1,
        )
    close(moved(tiny, method, task), torch.tensor([[0.0, 0, 0], [0, 0, 2]]))


@pytest.mark.parametrize("name", ["infix", "gated_prefix", "adaptive_prefix", "combined"])
def test_what_is_trained_in_every_layer_has_moved_by_layer_and_position(tiny, task, name):
    method = create(name, tiny, task, prefix_length=3, seed=1)
    assert moved(tiny, method, task).tolist() == [[0, 0, 0]] * 3
    prefix = method.parts[0].prefix if name == "combined" else method.prefix
    with torch.no_grad():
        prefix.values[1] *= 1.5
    close(moved(tiny, method, task), torch.tensor([[0, 0.5, 0]] * 3))


@pytest.mark.parametrize("encoder", ["none", "mlp", "lstm"])
def test_slots_in_a_template_and_a_prompt_with_a_head_have_moved(tiny, task, encoder):
    for method in (
        create("p_tuning", tiny, task, encoder=encoder, template="{x}{soft:2}{y}"),
        create("warp", tiny, task, prompt_length=2, init="vocabulary"),
    ):
        assert moved(tiny, method, task).tolist() == [0, 0]
        with torch.no_grad():
            for parameter in method.parameters():
                parameter *= 1.5
        assert (moved(tiny, method, task) > 0.1).all()


def test_from_a_start_of_zeros_anything_is_infinitely_far(gpt2, task, monkeypatch):
    monkeypatch.setattr(
        type(create("prompt_tuning", gpt2, task)), "initial", lambda *_: torch.zeros(2, 32)
    )
    method = create("prompt_tuning", gpt2, task, prompt_length=2)
    with torch.no_grad():
        method.prompt.values[1] = 1
    assert moved(gpt2, method, task).tolist() == [0, float("inf")]


def test_only_what_has_virtual_tokens_has_moved(tiny, task):
    with pytest.raises(ValueError, match="bias_only has no virtual tokens to look at"):
        moved(tiny, create("bias_only", tiny, task), task)


def test_the_words_of_the_answers_persist_until_they_are_moved_away(tiny, task):
    method = create("prompt_tuning", tiny, task, prompt_length=4, init="labels")
    answers = task.verbalizer.encode(tiny.tokenizer, " ")
    assert [len(answer) for answer in answers] == [1, 1]
    found = persisting(tiny, method, task, k=1)
    assert list(found) == ["negative", "positive"]
    assert (0 in found["negative"], 1 in found["positive"]) == (True, True)
    with torch.no_grad():
        method.prompt.values[1] *= -1
    assert 1 not in persisting(tiny, method, task, k=1)["positive"]
    with pytest.raises(ValueError, match="prefix_tuning on films has no virtual tokens at the in"):
        persisting(tiny, create("prefix_tuning", tiny, task), task)
    with pytest.raises(ValueError, match="infix on films has no virtual tokens at the input"):
        persisting(tiny, create("infix", tiny, task), task)


def test_without_a_layer_the_others_have_their_prefix(tiny, task):
    method = create("prefix_tuning", tiny, task, prefix_length=3)
    with torch.no_grad():
        ours = tiny.logits(TOKENS, Ablated(method, layer=1).conditioning())
    close(ours, logits_with_prefix_in((0, 2), tiny, TOKENS, method.conditioning().past))


def test_without_a_position_the_rest_of_the_prefix_stands_where_it_stood(llama, task):
    """The model sees the distance to what is left, and so it must not shrink."""
    method = create("prefix_tuning", llama, task, prefix_length=3)
    past = method.conditioning().past
    last = replace(past, keys=past.keys[..., 1:, :], values=past.values[..., 1:, :])
    ours = llama.logits(TOKENS, Ablated(method, token=0).conditioning())
    # Two positions that are left, and a third behind them that the mask hides.
    padded = replace(
        last,
        keys=torch.cat([last.keys, last.keys[..., :1, :]], -2),
        values=torch.cat([last.values, last.values[..., :1, :]], -2),
    )
    hidden = [Counts(counts=dict.fromkeys(range(3), torch.tensor([1.0, 1, 0])))]
    close(ours, llama.logits(TOKENS, Conditioning(past=padded, edits=hidden)))
    assert not torch.allclose(ours, llama.logits(TOKENS, method.conditioning()), atol=1e-3)


def test_without_a_virtual_token_the_prompt_is_one_shorter(tiny, task):
    method = create("prompt_tuning", tiny, task, prompt_length=3, init="vocabulary")
    shorter = create("prompt_tuning", tiny, task, prompt_length=2)
    with torch.no_grad():
        shorter.prompt.values[:] = method.prompt.values[[0, 2]]
    ours = scores(tiny, Ablated(method, token=1), task, task.test)
    close(ours, scores(tiny, shorter, task, task.test))


@pytest.mark.parametrize("name", ["gated_prefix", "adaptive_prefix", "combined"])
def test_a_variant_without_all_but_nothing_is_worth_what_it_adds(tiny, task, name):
    """A layer that is shut, or counts for nothing, is worth nothing; any other something."""
    method = create(name, tiny, task, prefix_length=2)
    with torch.no_grad():
        if name == "gated_prefix":
            method.gate.values[:] = torch.tensor([[0.0], [0.1], [0.1]])
        if name == "adaptive_prefix":
            method.of_layer.values[0] = -1
    layers, tokens = worth(tiny, method, task, task.test)
    assert list(layers) == [0, 1, 2]
    assert list(tokens) == [0, 1]
    assert (abs(layers[0]) < 1e-6) == (name != "combined")
    assert all(abs(layers[layer]) > 1e-5 for layer in (1, 2))
    assert all(abs(cost) > 1e-5 for cost in tokens.values())


def test_what_is_not_there_cannot_be_taken_away(tiny, task):
    prefix = create("prefix_tuning", tiny, task, prefix_length=2, layers="0,2")
    with pytest.raises(ValueError, match=r"prefix_tuning has nothing in layer 1, only in \[0, 2\]"):
        Ablated(prefix, layer=1)
    with pytest.raises(ValueError, match=r"prefix_tuning has no virtual token 2, only \[0, 1\]"):
        Ablated(prefix, token=2)
    with pytest.raises(ValueError, match="nothing in layer 0"):
        Ablated(create("prompt_tuning", tiny, task), layer=0)
