"""The experiments: each is what it varies where its new part does nothing, and the new part does
what its equation says."""

from dataclasses import replace

import pytest
import torch
from reference import close, logits_with_prefix_in

from prefixlab import (
    Conditioning,
    Past,
    Verbalizer,
    attention_mass,
    create,
    evaluate,
    train,
)
from prefixlab.data.batching import pad
from prefixlab.evaluation.choices import scores
from prefixlab.methods.adaptive_prefix import Counts
from prefixlab.methods.convolution import Convolved
from prefixlab.models.attention import Attention

VARIANTS = [
    ("gated_prefix", {"prefix_length": 4}),
    ("adaptive_prefix", {"prefix_length": 4}),
    ("convolution", {"width": 3}),
    ("combined", {"prefix_length": 2, "prompt_length": 3}),
    ("combined", {"beside": "bias"}),
]


def disturbed(method):
    """The method as if trained: every parameter is a little off its start."""
    source = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=source)
    return method


def scored(lm, task, name, **knobs):
    return scores(lm, create(name, lm, task, **knobs), task, task.test)


@pytest.mark.parametrize("gate", ["head", "layer"])
def test_a_gated_prefix_starts_as_no_prefix_at_all(lm, task, gate):
    """In GPT-2 too, whose position embeddings would notice if the text stood further on."""
    close(
        scored(lm, task, "gated_prefix", gate=gate),
        scored(lm, task, "discrete_prompt"),
        tolerance=1e-6,
    )


def test_only_the_gate_learns_as_long_as_it_is_shut(tiny, task):
    method = create("gated_prefix", tiny, task, prefix_length=3)
    for _ in train(tiny, method, task, steps=1, batch_size=4, learning_rate=0.01):
        pass
    assert method.gate.values.abs().min() > 0
    assert method.prefix.values.grad.abs().max() == 0


def test_an_open_gate_lets_in_what_the_prefix_says_to_each_head(tiny, task):
    method = create("gated_prefix", tiny, task, prefix_length=3, layers="1", gate="head")
    before = scores(tiny, method, task, task.test)
    with torch.no_grad():
        method.gate.values[0, 2] = 0.05
    assert method.gates().tolist() == [[0, 0, 0.5, 0]]
    assert method.outcome() == {"mean_gate": 0.125}
    assert not torch.allclose(scores(tiny, method, task, task.test), before, atol=1e-4)


def test_what_a_head_pays_to_a_gated_prefix_is_its_gate(tiny, task):
    method = create("gated_prefix", tiny, task, prefix_length=3, gate="layer")
    with torch.no_grad():
        method.gate.values[:] = torch.tensor([[0.0], [0.05], [0.1]])
    expected = torch.tensor([0, 0.5, 1]).expand(tiny.geometry.heads, -1).T
    close(attention_mass(tiny, method, "dull"), expected)


def test_a_prefix_whose_positions_count_once_is_prefix_tuning(lm, task):
    ours = scored(lm, task, "adaptive_prefix", prefix_length=4)
    close(ours, scored(lm, task, "prefix_tuning", prefix_length=4))


def test_a_position_counts_as_often_as_it_is_told(gpt2):
    """By hand: c_i e^(s_i) over their sum; with a mask, and nothing left of the second position."""
    source = torch.Generator().manual_seed(0)
    query = torch.randn(1, 4, 3, 8, generator=source)
    key, value = (torch.randn(1, 4, 5, 8, generator=source) for _ in range(2))
    seen = torch.cat([torch.ones(3, 2), torch.ones(3, 3).tril()], 1).bool()
    counts = torch.tensor([2.5, 0.0])
    module = gpt2.model.transformer.h[1].attn
    at = Attention(1, query, key, value, seen[None, None], prefix=2, tokens=None, scaling=8**-0.5)
    at = Counts(counts={1: counts}).attention(at)
    ours = at.output(module)
    weights = (query @ key.transpose(-1, -2) / 8**0.5).exp() * seen
    weights = weights * torch.cat([counts, torch.ones(3)])
    weights = weights / weights.sum(-1, keepdim=True)
    close(at.weights, weights)
    close(ours, (weights @ value).transpose(1, 2))


def test_a_layer_that_counts_for_nothing_has_no_prefix(tiny, task):
    past = create("prefix_tuning", tiny, task, prefix_length=3).conditioning().past
    tokens = torch.tensor([[8, 9, 10, 11]])
    counts = torch.ones(3, 3)
    counts[1] = 0
    with torch.no_grad():
        edits = [Counts(counts=dict(enumerate(counts)))]
        ours = tiny.logits(tokens, Conditioning(past=past, edits=edits))
    close(ours, logits_with_prefix_in((0, 2), tiny, tokens, past))


def test_a_position_that_counts_twice_is_two_of_it(llama):
    """Both pasts are as long, so that the text stands at the same positions."""
    past = llama.read_past([5, 6, 7]).float()
    again = [0, 1, 1]
    double = Past(past.keys[..., again, :], past.values[..., again, :])
    once = [Counts(counts=dict.fromkeys(range(3), torch.tensor([1.0, 2.0, 0.0])))]
    tokens = torch.tensor([[8, 9, 10, 11]])
    ours = llama.logits(tokens, Conditioning(past=past, edits=once))
    close(ours, llama.logits(tokens, Conditioning(past=double)))


def test_a_penalty_shortens_the_prefix_and_is_no_part_of_the_loss_that_is_shown(tiny, task):
    recipe = {"steps": 12, "batch_size": 8, "learning_rate": 0.05, "decay": "constant"}
    lengths = {}
    for penalty in (0.0, 100.0):
        method = create("adaptive_prefix", tiny, task, prefix_length=4, penalty=penalty)
        assert method.penalty().item() == pytest.approx(penalty)  # all count once
        assert method.lengths() == [4, 4, 4]
        first, *_ = train(tiny, method, task, **recipe)
        lengths[penalty] = sum(method.lengths())
        plain = create("prefix_tuning", tiny, task, prefix_length=4)
        expected = next(iter(train(tiny, plain, task, **recipe)))
        assert first.loss == pytest.approx(expected.loss, abs=1e-4)
    assert lengths[100.0] == 0
    assert lengths[0.0] > 0


def test_a_prefix_of_which_nothing_is_left_still_has_a_loss(tiny, task):
    method = create("adaptive_prefix", tiny, task, prefix_length=2)
    with torch.no_grad():
        method.of_layer.values -= 1
    assert method.lengths() == [0, 0, 0]
    assert method.outcome() == {"mean_length": 0}
    for step in train(tiny, method, task, steps=2, batch_size=4):
        assert step.loss == step.loss  # a number
    assert all(parameter.isfinite().all() for parameter in method.parameters())


def test_the_kernel_that_a_convolution_starts_with_changes_nothing(lm, task):
    ours, plain = scored(lm, task, "convolution"), scored(lm, task, "discrete_prompt")
    close(ours, plain, tolerance=1e-5)


def test_a_convolution_blends_each_word_with_those_before_it(tiny, task):
    """Against a loop over positions whose result is given as embeddings."""
    method = disturbed(create("convolution", tiny, task, width=3))
    kernel, tokens = method.kernel().detach(), torch.tensor([[8, 9, 10, 11, 12]])
    embedded = tiny.embedding[tokens[0]]
    by_hand = torch.stack(
        [
            sum(kernel[j] * embedded[i - j] for j in range(3) if i - j >= 0)
            for i in range(len(embedded))
        ]
    )
    slots = -1 - torch.arange(5)[None]
    with torch.no_grad():
        theirs = tiny.logits(slots, Conditioning(virtual=by_hand))
        close(tiny.logits(tokens, method.conditioning()), theirs)


def test_padding_adds_nothing_to_a_convolution_and_reading_on_is_reading_anew(tiny, task):
    given = disturbed(create("convolution", tiny, task, width=4)).conditioning()
    rows = [[8, 9, 10, 11, 12, 13], [8, 9], [7]]
    tokens, seen = pad(rows, 0)
    with torch.no_grad():
        together, cache = tiny.prefill(tokens, seen, given)
        further = tiny.decode(cache, torch.tensor([20, 21, 22]))
        for number, row in enumerate(rows):
            close(together[number], tiny.logits(torch.tensor([row]), given)[0, -1])
            longer = torch.tensor([[*row, 20 + number]])
            close(further[number], tiny.logits(longer, given)[0, -1])


def test_a_convolution_takes_soft_slots_as_words(tiny, task):
    given = disturbed(create("convolution", tiny, task, width=2)).conditioning()
    virtual = tiny.embedding[[8, 9]]
    soft = tiny.logits(torch.tensor([[-1, -2, 10]]), replace(given, virtual=virtual))
    close(soft, tiny.logits(torch.tensor([[8, 9, 10]]), given))


def test_a_prefix_beside_a_prompt_is_both(tiny, task):
    method = disturbed(create("combined", tiny, task, prefix_length=2, prompt_length=3))
    prefix, prompt = method.parts
    row = method.rows(tiny, task.test, task)[0]
    given = Conditioning(virtual=prompt.prompt(), past=prefix.conditioning().past)
    answers = task.verbalizer.encode(tiny.tokenizer, lead=" ")
    with torch.no_grad():
        theirs = tiny.logits(torch.tensor([row.prompt]), given)[0, -1]
        ours = scores(tiny, method, task, task.test)[0]
    close(ours, theirs[[ids[0] for ids in answers]])
    soft = [token for token in row.prompt if token < 0]
    assert soft == [-1, -2, -3]


def test_a_prefix_beside_biases_starts_as_that_prefix(tiny, task):
    ours = scored(tiny, task, "combined", beside="bias", prefix_length=4)
    close(ours, scored(tiny, task, "prefix_tuning", prefix_length=4))
    method = create("combined", tiny, task, beside="bias", prefix_length=4)
    with torch.no_grad():
        method.parts[1].bias.values += 0.1
    assert not torch.allclose(scores(tiny, method, task, task.test), ours, atol=1e-3)


@pytest.mark.parametrize(("name", "knobs"), VARIANTS)
@pytest.mark.parametrize("answers", [("negative", "positive"), ("awful, really", "great")])
def test_a_trained_variant_scores_a_batch_as_its_examples_one_by_one(
    tiny, task, name, knobs, answers
):
    asked = replace(task, verbalizer=Verbalizer(answers))
    method = disturbed(create(name, tiny, asked, **knobs))
    alone = scores(tiny, method, asked, asked.test, batch_size=1)
    close(scores(tiny, method, asked, asked.test, batch_size=5), alone)


@pytest.mark.parametrize(("name", "knobs"), VARIANTS)
def test_a_variant_learns(tiny, task, name, knobs):
    method = create(name, tiny, task, **knobs)
    before = evaluate(tiny, method, task, split="train").loss
    for _ in train(tiny, method, task, steps=25, batch_size=16, learning_rate=0.01):
        pass
    assert evaluate(tiny, method, task, split="train").loss < before


def test_a_wide_kernel_on_a_short_text(tiny, task):
    method = disturbed(create("convolution", tiny, task, width=9))
    given = method.conditioning()
    short = Conditioning(edits=[Convolved(kernel=method.kernel()[:2])])
    tokens = torch.tensor([[8, 9]])
    close(tiny.logits(tokens, given), tiny.logits(tokens, short))
