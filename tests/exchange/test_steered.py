"""A steered model: as any model of transformers, and the same numbers as here."""

from copy import deepcopy

import pytest
import torch
from reference import close, moved, same
from tiny import byte_pairs, random_model, special
from transformers import FalconConfig, FalconForCausalLM, pipeline

from prefixlab import METHODS, Backbone, PTuningV2, Task, create, generate, steer
from prefixlab.evaluation.choices import scores

TEXTS = ("a warm and funny film", "dull", "what a cast!")
KNOBS = {
    "p_tuning": {"template": "{soft:3}{x}\nSentiment: {y}"},
    "p_tuning_v2": {"classifier": "verbalizer"},
    "cartridge": {"prefix_length": 4},
    "fine_tuning": {"top": 1},
}
HEADS, ELSEWHERE = ("linear_probe", "warp"), ("infix",)
STEERED = [name for name in METHODS if name not in (*HEADS, *ELSEWHERE)]
every_method = pytest.mark.parametrize("name", STEERED)


def made(name: str, lm: Backbone, task: Task):
    method = create(name, lm, task, **KNOBS.get(name, {}))
    return moved(method), steer(lm, method)


def batch(lm, side="left", texts=TEXTS):
    lm.tokenizer.padding_side = side
    return dict(lm.tokenizer(list(texts), padding=True, return_tensors="pt"))


@torch.no_grad()
@every_method
def test_it_scores_the_next_token_as_evaluation_does(tiny, task, name):
    """The texts of the template, as the tokenizer makes them, with its start token."""
    method, model = made(name, tiny, task)
    found = scores(tiny, method, task, task.test)
    answers = [ids[0] for ids in task.verbalizer.encode(tiny.tokenizer, " ")]
    rows = method.rows(tiny, task.test, task)
    given = [[token for token in row.prompt if token >= 0] for row in rows]
    tokens, mask = tiny.pad(given)
    assert not mask.all()
    logits = model(tokens, mask.long()).logits
    assert logits.shape == (*tokens.shape, tiny.geometry.vocabulary)
    close(logits[:, -1, answers], found)


@torch.no_grad()
@every_method
def test_padding_on_either_side_changes_nothing(tiny, task, name):
    _, model = made(name, tiny, task)
    alone = [model(**batch(tiny, texts=[text])).logits[0] for text in TEXTS]
    for side in ("left", "right"):
        given = batch(tiny, side)
        together = model(**given).logits
        for logits, mask, expected in zip(together, given["attention_mask"], alone, strict=True):
            close(logits[mask.bool()], expected)


@pytest.mark.parametrize("name", ["prompt_tuning", "prefix_tuning", "lora"])
def test_the_loss_is_of_each_token_from_those_before_it(tiny, task, name):
    method, model = made(name, tiny, task)
    given = batch(tiny)
    labels = given["input_ids"].masked_fill(given["attention_mask"] == 0, -100)
    labels[0, -1] = -100
    out = model(**given, labels=labels)
    each = out.logits[:, :-1].log_softmax(-1)
    terms = [
        -each[row, at - 1, labels[row, at]]
        for row in range(3)
        for at in range(1, labels.shape[1])
        if labels[row, at] >= 0
    ]
    close(out.loss, torch.stack(terms).mean(), 1e-6)
    out.loss.backward()
    assert all(weight.grad.any() for weight in method.parameters())
    assert not any(weight.requires_grad for weight in tiny.model.parameters())
    assert [*model.parameters()] == [*method.parameters()]
    assert same(model.state_dict(), {f"method.{n}": v for n, v in method.state_dict().items()})


@every_method
def test_it_writes_what_is_written_here(tiny, task, name):
    """Greedily; and every strategy the same as without a cache, whose rows beam search reorders."""
    method, model = made(name, tiny, task)
    model.generation_config.eos_token_id = None
    ids = [token for token in method.rows(tiny, task.test, task)[0].prompt if token >= 0]
    end = tiny.tokenizer.eos_token_id
    written = model.generate(torch.tensor([ids]), max_new_tokens=6, do_sample=False)[0, len(ids) :]
    until = next((at for at, token in enumerate(written) if token == end), 6)
    text = tiny.tokenizer.decode(written[:until], skip_special_tokens=True).strip()
    if name not in ("in_context", "cartridge"):  # which end where the next example would begin
        assert generate(tiny, method, task, task.test["x"][:1], max_new_tokens=6) == [text]
    for how in ({"do_sample": False}, {"num_beams": 3, "do_sample": False}):
        kept, new = (
            model.generate(**batch(tiny), max_new_tokens=6, use_cache=use_cache, **how)
            for use_cache in (True, False)
        )
        assert kept.tolist() == new.tolist()


@torch.no_grad()
def test_a_text_goes_on_from_its_cache(tiny, task):
    """As in a conversation: more than one token is new."""
    for name in ("prompt_tuning", "prefix_tuning", "convolution"):
        _, model = made(name, tiny, task)
        given = batch(tiny, texts=TEXTS[:1])["input_ids"]
        written = model.generate(
            given[:, :3], max_new_tokens=1, do_sample=False, return_dict_in_generate=True
        )
        more = model.generate(given, cache=written.cache, max_new_tokens=4, do_sample=False)
        afresh = model.generate(given, max_new_tokens=4, do_sample=False)
        assert more.tolist() == afresh.tolist()


def test_where_layers_compute_attention_their_own_way_it_writes_too(task):
    tokenizer = byte_pairs()
    config = FalconConfig(
        **special(tokenizer),
        num_hidden_layers=2,
        num_attention_heads=4,
        hidden_size=32,
        alibi=False,
        initializer_range=0.2,
    )
    lm = Backbone("tiny-falcon", random_model(FalconForCausalLM, config), tokenizer)
    assert not lm.is_open
    _, model = made("prefix_tuning", lm, task)
    kept, new = (
        model.generate(**batch(lm), max_new_tokens=6, use_cache=use_cache, do_sample=False)
        for use_cache in (True, False)
    )
    assert kept.tolist() == new.tolist()


def test_dropout_and_penalty_are_for_training(tiny, task):
    dropped = moved(PTuningV2(tiny, task, classifier="verbalizer", dropout=0.5))
    model, given = steer(tiny, dropped), batch(tiny, texts=TEXTS[:1])
    with torch.no_grad():
        quiet = model(**given).logits
        assert torch.equal(model(**given).logits, quiet)
        model.train()
        assert not torch.allclose(model(**given).logits, quiet, atol=1e-2)
        assert not torch.equal(model(**given).logits, model(**given).logits)  # drawn anew
        pulled = create("adaptive_prefix", tiny, task, penalty=2.0)
        model, labels = steer(tiny, pulled), given["input_ids"]
        before = model(**given, labels=labels).loss
        close(model.train()(**given, labels=labels).loss, before + 2.0)


def test_a_pipeline_knows_it_and_says_nothing(gpt2, task, capsys, caplog):
    own = Backbone(gpt2.name, deepcopy(gpt2.model), gpt2.tokenizer)  # goes to a GPU if there is one
    _, model = made("prefix_tuning", own, task)
    write = pipeline("text-generation", model=model, tokenizer=gpt2.tokenizer)
    asked = ["a warm and", "dull"]
    texts = write(asked, max_new_tokens=4, do_sample=False, return_full_text=False, batch_size=2)
    for text, (found,) in zip(asked, texts, strict=True):
        ids = gpt2.tokenizer(text, return_tensors="pt")["input_ids"].to(own.device)
        one = model.generate(ids, max_new_tokens=4, do_sample=False)[0, ids.shape[1] :]
        assert found["generated_text"] == gpt2.tokenizer.decode(one, skip_special_tokens=True)
    assert not caplog.records
    assert "not supported" not in capsys.readouterr().err


def test_whoever_moves_the_method_moves_the_model_with_it(half, task):
    method, model = made("prefix_tuning", half, task)
    weight = half.model.get_input_embeddings().weight
    model.to(torch.float64)
    assert weight.dtype == method.prefix.values.dtype == model.dtype == torch.float64
    model.to(torch.bfloat16)
