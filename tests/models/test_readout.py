"""The read-out: logits in float32 from the last activation on, whatever the model computes in."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from reference import close, plain

from prefixlab import Backbone, Conditioning, Template, Verbalizer, create
from prefixlab.evaluation.choices import scores
from prefixlab.models.backbone import NOTHING
from prefixlab.models.readout import linear, read_out


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def half(request) -> Backbone:
    """In bfloat16, where neighbouring logits would tie."""
    whole: Backbone = request.getfixturevalue(request.param)
    return Backbone("half", deepcopy(whole.model).bfloat16(), whole.tokenizer)


def exact(lm: Backbone, hidden: torch.Tensor) -> torch.Tensor:
    return hidden.double() @ lm.output_layer.weight.double().T


@torch.no_grad()
def test_scores_are_those_of_the_same_activations_in_double_precision(half, task):
    rows = create("discrete_prompt", half, task).rows(half, task.test, task)
    batch = half.collate(rows)
    last = half.states(batch, NOTHING)[batch.read_rows, batch.read_columns]
    expected = exact(half, last)[:, batch.candidates]
    found = half.answer_scores(batch)
    assert found.dtype == torch.float32
    close(found.double(), expected, tolerance=1e-6)
    assert (found.bfloat16() != found).any()  # they are no bfloat16 numbers


@torch.no_grad()
def test_so_are_long_answers_and_next_tokens_and_trained_rows(half, task):
    texts = [half.encode(text) for text in task.test["x"][:3]]
    tokens, mask = half.pad(texts)
    last = half.hidden_states(tokens, mask)[:, -1]
    logits, cache = half.prefill(tokens, mask)
    close(logits.double(), exact(half, last), tolerance=1e-6)
    close(half.logits(tokens)[:1].double(), exact(half, half.hidden_states(tokens)[:1]), 1e-6)
    known = cache.kept.get_seq_length()
    further = half.decode(cache, torch.tensor([5, 6, 7]))
    assert further.dtype == torch.float32
    assert cache.kept.get_seq_length() == known + 1
    rows = create("linear_probe", half, task).rows(half, task.test, task)
    batch = half.collate(rows)
    answers = torch.randn(2, half.geometry.hidden + 1, generator=torch.Generator().manual_seed(0))
    at = half.states(batch, NOTHING)[batch.read_rows, batch.read_columns].double()
    scores = half.answer_scores(batch, Conditioning(head=answers)).double()
    close(scores, at @ answers[:, :-1].double().T + answers[:, -1].double(), 1e-6)


def test_the_gradient_of_a_frozen_bfloat16_layer_is_that_of_float32():
    source = torch.Generator().manual_seed(0)
    weight = torch.randn(3000, 16, generator=source).bfloat16()  # more than one piece of rows
    hidden = torch.randn(5, 16, generator=source, requires_grad=True)
    bias = torch.randn(3000, generator=source)
    ours = torch.autograd.grad(linear(hidden, weight, bias).log_softmax(-1)[:, 7].sum(), hidden)
    plainly = (hidden @ weight.float().T + bias).log_softmax(-1)[:, 7].sum()
    close(ours[0], torch.autograd.grad(plainly, hidden)[0], tolerance=1e-5)


def test_reading_out_leaves_the_model_as_it_was(tiny):
    before = dict(tiny.model.named_modules())
    hidden = torch.randn(2, 3, tiny.geometry.hidden, generator=torch.Generator().manual_seed(0))
    rows = tiny.output_layer.weight[:4]
    assert read_out(tiny.model, hidden, rows, None).shape == (2, 3, 4)
    assert dict(tiny.model.named_modules()) == before


def test_fine_tuned_words_score_in_float32(half, task):
    """The trained copy of W is not rounded before it scores."""
    method = create("fine_tuning", half, task)
    with torch.no_grad():
        for weight in method.weights:
            weight += 1e-4
    given = method.conditioning()
    tokens = torch.tensor([half.encode("dull")])
    hidden = half.hidden_states(tokens, None, given)[0, -1]
    name = "lm_head.weight" if "lm_head.weight" in given.weights else "transformer.wte.weight"
    expected = given.weights[name].double() @ hidden.double()
    logits, _ = half.prefill(tokens, torch.ones_like(tokens, dtype=torch.bool), given)
    close(logits[0].double(), expected, tolerance=1e-6)


@torch.no_grad()
def test_many_long_answers_are_not_scored_all_at_once(gpt2, task, monkeypatch):
    asked = []
    honest = gpt2.answer_scores
    monkeypatch.setattr(
        gpt2, "answer_scores", lambda batch, given: asked.append(batch) or honest(batch, given)
    )
    words = Verbalizer(tuple(f"{letter}!?" for letter in "abcdefghijklmnopqrst"))
    many = replace(task, verbalizer=words, test=task.train, template=Template("Review: {x}\n{y}"))
    method = create("discrete_prompt", gpt2, many)
    together = scores(gpt2, method, many, many.test, batch_size=16)
    assert 20 < max(len(batch.tokens) for batch in asked) <= 128
    close(scores(gpt2, method, many, many.test, batch_size=1), together)


def test_bart_s_bias_on_the_logits_counts(bart):
    bias = bart.model.final_logits_bias
    bias.normal_(generator=torch.Generator().manual_seed(0))
    try:
        tokens, mask = bart.pad([bart.encode("a warm and funny film")])
        with torch.no_grad():
            ours, _ = bart.prefill(tokens, mask)
            with plain(bart) as model:
                start = torch.tensor([bart.start])
                close(ours, model(tokens, decoder_input_ids=start).logits[:, -1])
    finally:
        bias.zero_()
