"""Whatever the texts, a batch is its rows one by one, and a past is text before the text."""

from copy import deepcopy

import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st
from reference import close
from tiny import byte_pairs, random_model, special
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from prefixlab import Backbone, Conditioning
from prefixlab.data.template import tokens_of

SIZES = {
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "hidden_size": 16,
    "intermediate_size": 24,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
}
tokens = st.lists(st.integers(1, 380), min_size=1, max_size=12)
quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module", params=["head_dim", "window", "gpt2", "bfloat16"])
def lm(request: pytest.FixtureRequest) -> Backbone:
    """With an explicit head_dim, with a sliding window, with learned positions, in bfloat16."""
    tokenizer = byte_pairs()
    if request.param == "gpt2":
        gpt2: Backbone = request.getfixturevalue("gpt2")
        return gpt2
    if request.param == "bfloat16":
        llama = random_model(LlamaForCausalLM, LlamaConfig(**special(tokenizer), **SIZES))
        return Backbone("half", deepcopy(llama).bfloat16(), tokenizer)
    config, architecture = {
        "head_dim": (Qwen3Config(**special(tokenizer), **SIZES, head_dim=10), Qwen3ForCausalLM),
        "window": (
            MistralConfig(**special(tokenizer), **SIZES, sliding_window=5),
            MistralForCausalLM,
        ),
    }[request.param]
    return Backbone(request.param, random_model(architecture, config), tokenizer)


@torch.no_grad()
def alone(lm: Backbone, ids: list[int]) -> torch.Tensor:
    """Logits after a text that is read by itself, [vocabulary]."""
    return lm.logits(torch.tensor([ids]))[0, -1]


def rounding(lm: Backbone) -> float:
    return 0.05 if lm.dtype == torch.bfloat16 else 1e-4


@quick
@given(texts=st.lists(tokens, min_size=1, max_size=4))
@torch.no_grad()
def test_a_batch_is_its_rows_one_by_one(lm, texts):
    logits, _ = lm.prefill(*lm.pad(texts))
    close(logits, torch.stack([alone(lm, ids) for ids in texts]), rounding(lm))


@quick
@given(before=tokens, texts=st.lists(tokens, min_size=1, max_size=3), new=st.integers(1, 380))
@torch.no_grad()
def test_a_past_is_text_before_the_text_in_every_row(lm, before, texts, new):
    past = Conditioning(past=lm.read_past(before))
    logits, cache = lm.prefill(*lm.pad(texts), past)
    close(logits, torch.stack([alone(lm, before + ids) for ids in texts]), rounding(lm))
    further = lm.decode(cache, torch.full((len(texts),), new))
    expected = torch.stack([alone(lm, [*before, *ids, new]) for ids in texts])
    close(further, expected, rounding(lm))


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=30))
def test_any_text_is_told_back_and_holds_no_control_token(gpt2, text):
    tokenizer = gpt2.tokenizer
    ids = tokens_of(tokenizer, f"{text}<end>{text}")
    assert not set(tokenizer.all_special_ids) & set(ids)
    assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == f"{text}<end>{text}"
