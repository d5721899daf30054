"""Prefix tuning: where its keys and values start, in which layers, and by which network."""

import re
from dataclasses import replace

import pytest
import torch
from reference import close

from prefixlab import PrefixTuning, geometry
from prefixlab.data.template import tokens_of
from prefixlab.methods.prefix_tuning import UNRELATED_WORDS, parse_layers, rms
from prefixlab.methods.prompt_tuning import fit_length
from prefixlab.methods.reparameterization import MLP


def past(lm, task, **knobs):
    return PrefixTuning(lm, task, **{"prefix_length": 6} | knobs).conditioning().past


def activations(lm, text):
    return lm.read_past(tokens_of(lm.tokenizer, text)[:6])


@pytest.mark.parametrize(
    ("knobs", "text"),
    [
        ({}, "Is the review negative or positive?"),
        ({"words": "a warm and funny film indeed"}, "a warm and funny film indeed"),
        ({"init": "unrelated_words"}, UNRELATED_WORDS),
        ({"init": "examples"}, "Review: a warm and funny film\nSentiment: positive\n\nReview"),
    ],
)
def test_words_start_as_the_activations_that_the_model_computes(gpt2, task, knobs, text):
    start, real = past(gpt2, task, **knobs), activations(gpt2, text)
    assert torch.equal(start.keys, real.keys)
    assert torch.equal(start.values, real.values)


def test_uniform_keys_and_values_lie_between_zero_and_one(tiny, task):
    start = past(tiny, task, init="uniform")
    for part in (start.keys, start.values):
        assert part.min() >= 0
        assert part.max() < 1
        close(part.mean(), torch.tensor(0.5), tolerance=0.1)


def test_matched_keys_and_values_have_the_size_of_real_ones(lm, task):
    start = past(lm, task, init="matched", prefix_length=40)
    real = lm.read_past(fit_length(tokens_of(lm.tokenizer, task.task_words), 40))
    close(rms(start.keys), rms(real.keys), tolerance=0.06)
    close(rms(start.values), rms(real.values), tolerance=0.06)
    assert not torch.allclose(start.keys, real.keys, rtol=0.5)


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("all", (0, 1, 2, 3, 4, 5)),
        ("0-2,5", (0, 1, 2, 5)),
        ("4", (4,)),
        ("3,0-1,1", (0, 1, 3)),
        ("first:2", (0, 1)),
        ("last:2", (4, 5)),
        ("last:6", (0, 1, 2, 3, 4, 5)),
        (" 0-2, 5 ", (0, 1, 2, 5)),
        ("first:1,last:1", (0, 5)),
    ],
)
def test_layers_are_numbers_and_ranges(text, chosen):
    six = replace(geometry("gpt2"), layers=6)
    assert parse_layers(text, six) == chosen


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 12, 61])
@pytest.mark.parametrize(
    "text",
    [
        *("0-1-2", "0,5-2", "0-99999999999", "0-" + "9" * 5000, "first:99", "last:0", "first:-1"),
        *("-1", "0,,0", "", " ", "first", "0.5", "0--1", "¹", "all,999", "last:" + "9" * 5000),
    ],
)
def test_layers_that_are_refused_are_answered_with_some_that_are_not(text, layers):
    few = replace(geometry("gpt2"), layers=layers)
    with pytest.raises(ValueError, match="names no layers of this model with") as caught:
        parse_layers(text, few)
    remedy = str(caught.value).split("; write ")[1].removesuffix(".")
    named, last, numbers = re.fullmatch(
        r"(.+), or numbers and ranges from 0 to (\d+), such as (.+)", remedy
    ).groups()
    for recommended in [*named.split(", "), last, numbers]:
        assert parse_layers(recommended, few)
    with pytest.raises(ValueError, match="names no layers"):
        parse_layers(str(int(last) + 1), few)


def test_a_prefix_in_some_layers_starts_as_that_of_all_layers_does_there(tiny, task):
    some, every = past(tiny, task, layers="0,2"), past(tiny, task)
    assert some.layers == (0, 2)
    assert torch.equal(some.keys, every.keys[[0, 2]])
    assert torch.equal(some.values, every.values[[0, 2]])


def test_a_matrix_of_parameters_is_the_past_it_was_made_from(llama, task):
    method = PrefixTuning(llama, task, prefix_length=6, init="matched")
    whole = method.conditioning().past
    assert torch.equal(method.flatten(whole), method.prefix())
    assert whole.keys.shape == (3, 1, 2, 6, 8)  # layers, batch, kv_heads, prefix, head_dim


def test_an_mlp_starts_close_to_the_words_it_was_fitted_to(tiny, task):
    fitted = past(tiny, task, reparameterization="mlp", mlp_hidden=128)
    real = past(tiny, task)
    close(fitted.keys, real.keys, tolerance=0.05)
    close(fitted.values, real.values, tolerance=0.05)


def test_an_mlp_from_a_uniform_start_is_not_fitted(tiny, task):
    method = PrefixTuning(tiny, task, init="uniform", reparameterization="mlp", mlp_hidden=8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        untouched = MLP(10, 32, 8, method.prefix().shape[1])
    assert torch.equal(method.prefix(), untouched())
