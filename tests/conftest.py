"""Backbones small enough for a unit test, the real one, and a task of eight sentences."""

import os
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from itertools import count
from threading import RLock
from typing import Any

# GNU OpenMP's threads wait for each other in a busy loop of many milliseconds, which on a busy
# machine keeps the one that is waited for from running. torch reads this when it is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import hypothesis
import pytest
import torch
from tiny import SENTENCES, byte_pairs, random_model, special, word_pieces
from tqdm import tqdm
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

import prefixlab
from prefixlab import (
    Backbone,
    Encoder,
    EncoderDecoder,
    Evaluation,
    Task,
    Template,
    Verbalizer,
)
from prefixlab.data.examples import dataset
from prefixlab.training import loop as training

# The same cases in every run, on a machine of any speed, and nothing kept between two runs.
hypothesis.settings.register_profile("prefixlab", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("prefixlab")

# All forked processes share a lock of tqdm: one that is killed while it holds the lock would leave
# the others waiting for ever. Each has one of its own.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: tqdm.set_lock(RLock()))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """The seed of the random order, where somebody will want the same order again."""
    if terminalreporter.stats.keys() & {"failed", "error"} and config.pluginmanager.hasplugin(
        "randomly"
    ):
        seed = config.getoption("randomly_seed")
        terminalreporter.write_line(f"in this order again: --randomly-seed={seed}")


@pytest.fixture(scope="session")
def gpt2() -> Backbone:
    tokenizer = byte_pairs()
    config = GPT2Config(
        **special(tokenizer),
        n_layer=3,
        n_head=4,
        n_embd=32,
        n_positions=128,
        initializer_range=0.2,
    )
    return Backbone("tiny-gpt2", random_model(GPT2LMHeadModel, config), tokenizer)


@pytest.fixture(scope="session")
def llama() -> Backbone:
    """Grouped-query attention, rotary positions, and a start token before every text."""
    tokenizer = byte_pairs(start="<start>")
    config = LlamaConfig(
        **special(tokenizer),
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        hidden_size=32,
        intermediate_size=64,
        max_position_embeddings=128,
        initializer_range=0.2,
    )
    return Backbone("tiny-llama", random_model(LlamaForCausalLM, config), tokenizer)


@pytest.fixture(scope="session")
def wide() -> Backbone:
    """Heads that are wider than hidden / heads, as Qwen3 and Gemma have them."""
    tokenizer = byte_pairs()
    config = LlamaConfig(
        **special(tokenizer),
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=12,
        hidden_size=32,
        intermediate_size=64,
        max_position_embeddings=128,
        initializer_range=0.2,
    )
    return Backbone("tiny-wide", random_model(LlamaForCausalLM, config), tokenizer)


@pytest.fixture(scope="session", params=["gpt2", "llama"])
def half(request: pytest.FixtureRequest) -> Backbone:
    """Each of the two architectures in bfloat16, as the recorded runs are."""
    whole = request.getfixturevalue(request.param)
    return Backbone(f"{whole.name}-half", deepcopy(whole.model).bfloat16(), whole.tokenizer)


@pytest.fixture(scope="session")
def bert() -> Encoder:
    tokenizer = word_pieces()
    config = BertConfig(
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        num_hidden_layers=3,
        num_attention_heads=4,
        hidden_size=32,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    return Encoder("tiny-bert", random_model(BertModel, config), tokenizer)


@pytest.fixture(scope="session")
def t5() -> EncoderDecoder:
    """Relative positions, unequal numbers of layers, and an end token behind every text."""
    tokenizer = byte_pairs(ends=True)
    config = T5Config(
        **special(tokenizer),
        decoder_start_token_id=tokenizer.eos_token_id,
        num_layers=3,
        num_decoder_layers=2,
        num_heads=4,
        d_kv=6,
        d_model=32,
        d_ff=64,
        initializer_factor=1.5,
    )
    return EncoderDecoder("tiny-t5", random_model(T5ForConditionalGeneration, config), tokenizer)


@pytest.fixture(scope="session")
def bart() -> EncoderDecoder:
    """Learned positions, and a start and an end token around every text."""
    tokenizer = byte_pairs(start="<start>", ends=True)
    config = BartConfig(
        **special(tokenizer),
        decoder_start_token_id=tokenizer.eos_token_id,
        encoder_layers=2,
        decoder_layers=3,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        d_model=32,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=64,
        init_std=0.2,
    )
    model = random_model(BartForConditionalGeneration, config)
    return EncoderDecoder("tiny-bart", model, tokenizer)


@pytest.fixture(scope="session")
def smollm2() -> Backbone:
    return prefixlab.load("smollm2", dtype="float32")


@pytest.fixture(params=["gpt2", "llama"])
def tiny(request: pytest.FixtureRequest) -> Backbone:
    """Each of the two architectures."""
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["t5", "bart"])
def seq2seq(request: pytest.FixtureRequest) -> EncoderDecoder:
    """Each of the two encoder-decoders."""
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["gpt2", "llama", pytest.param("smollm2", marks=pytest.mark.real)])
def lm(request: pytest.FixtureRequest) -> Backbone:
    """Each of the two architectures, and the real backbone."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def task() -> Task:
    return Task(
        name="films",
        train=dataset(SENTENCES * 2),
        validation=dataset(SENTENCES[2:6]),
        test=dataset(SENTENCES),
        template=Template("Review: {x}\nSentiment: {y}"),
        verbalizer=Verbalizer(("negative", "positive")),
        task_words="Is the review negative or positive?",
    )


@pytest.fixture
def validation_losses(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[float]], None]:
    """Decide what the validations of the coming runs find, one loss after another."""

    def script(losses: list[float]) -> None:
        honest, left = training.evaluate, iter(losses)

        def evaluate(*given: Any, **knobs: Any) -> Evaluation:
            return replace(honest(*given, **knobs), loss=next(left))

        monkeypatch.setattr(training, "evaluate", evaluate)

    return script


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the scores of one call of a backbone, counted from 1, be no numbers."""

    def at(lm: Backbone, call: int) -> None:
        honest, calls = lm.answer_scores, count(1)

        def scores(*given: Any) -> torch.Tensor:
            return honest(*given) * (float("nan") if next(calls) == call else 1)

        monkeypatch.setattr(lm, "answer_scores", scores)

    return at
