"""Prompt tuning: where its virtual tokens start, and which words they lie near."""

from dataclasses import replace

import pytest
import torch
from reference import close

from prefixlab import PromptTuning, Verbalizer, nearest_tokens
from prefixlab.data.template import tokens_of
from prefixlab.methods.prompt_tuning import fit_length


def prompt(lm, task, **knobs):
    return PromptTuning(lm, task, **knobs).conditioning().virtual.detach()


def rows_of_embedding(lm, virtual):
    """The token whose embedding each row is, or -1."""
    same = (lm.embedding[None] == virtual[:, None]).all(-1)  # [rows, vocabulary]
    return [int(row.nonzero()[0]) if row.any() else -1 for row in same]


def test_uniform_rows_lie_between_minus_a_half_and_a_half(lm, task):
    start = prompt(lm, task, init="uniform", prompt_length=100)
    assert start.shape == (100, lm.geometry.hidden)
    assert start.min() >= -0.5
    assert start.max() < 0.5
    assert abs(start.mean()) < 0.05
    close(start.std(), torch.tensor(12**-0.5), tolerance=0.05)


def test_vocabulary_rows_are_different_common_tokens(lm, task):
    tokens = rows_of_embedding(lm, prompt(lm, task, init="vocabulary", prompt_length=50))
    assert len(set(tokens)) == 50
    assert all(0 <= token < min(5000, lm.geometry.vocabulary) for token in tokens)


@pytest.mark.parametrize("answers", [("negative", "positive"), ("awful, really", "great")])
def test_label_rows_are_the_mean_of_the_tokens_of_each_answer(lm, task, answers):
    asked = replace(task, verbalizer=Verbalizer(answers))
    start = prompt(lm, asked, init="labels", prompt_length=5)
    for row, word in zip(start, answers, strict=False):
        close(row, lm.embedding[tokens_of(lm.tokenizer, f" {word}")].mean(0))
    assert -1 not in rows_of_embedding(lm, start[2:])


def test_one_virtual_token_starts_from_the_first_label(gpt2, task):
    first = prompt(gpt2, task, init="labels", prompt_length=1)
    assert torch.equal(first, prompt(gpt2, task, init="labels", prompt_length=5)[:1])


def test_text_rows_are_its_words_repeated_to_the_length(gpt2, task):
    start = prompt(gpt2, task, init="text", text="a warm film", prompt_length=7)
    ids = tokens_of(gpt2.tokenizer, "a warm film")
    assert rows_of_embedding(gpt2, start) == fit_length(ids, 7)
    own = prompt(gpt2, task, init="text", prompt_length=2)
    assert rows_of_embedding(gpt2, own) == tokens_of(gpt2.tokenizer, task.task_words)[:2]


@pytest.mark.parametrize(
    ("length", "fitted"), [(2, [4, 5]), (3, [4, 5, 6]), (7, [4, 5, 6, 4, 5, 6, 4])]
)
def test_words_are_cut_or_repeated_to_a_length(length, fitted):
    assert fit_length([4, 5, 6], length) == fitted


def test_the_nearest_token_of_an_embedding_is_its_own(tiny):
    ids = tiny.tokenizer(" funny warm", add_special_tokens=False)["input_ids"]
    found = nearest_tokens(tiny, 3 * tiny.embedding[ids], k=4)
    assert [tokens[0][0] for tokens in found] == [tiny.tokenizer.decode([i]) for i in ids]
    for tokens in found:
        cosines = [cosine for _, cosine in tokens]
        assert cosines[0] == pytest.approx(1, abs=1e-5)
        assert cosines == sorted(cosines, reverse=True)
