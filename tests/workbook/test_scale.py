"""Causal models from scratch: what they read, what they learn of it, what they never read."""

from dataclasses import replace

import pytest
import torch

from prefixlab import Backbone, Task, tasks
from prefixlab.training.loop import Recipe
from prefixlab.workbook import scale
from prefixlab.workbook.from_scratch import UNKNOWN, bare, encoded, film_or_product, fit
from prefixlab.workbook.protocol import TEST, TRAIN, VALIDATION, WORDS
from prefixlab.workbook.scale import loss_on, make_model, make_tokenizer, whole

TEXTS = ["It was a warm and funny film", "It was a dull film", "the jokes are stale, the cast is"]
RECIPE = Recipe(steps=40, batch_size=8, learning_rate=0.1, optimizer="adafactor")


@pytest.fixture
def lm() -> Backbone:
    """A random model with a tokenizer of a few sentences."""
    return make_model(make_tokenizer(TEXTS * 4), width=16, seed=0)


def test_a_text_begins_with_the_end_token_and_ends_with_it(lm):
    (text,) = encoded(lm.tokenizer, TEXTS[:1])
    (row,) = whole(lm, [text])
    end = lm.tokenizer.eos_token_id
    assert [*row.prompt, *row.answers[0]] == [*lm.encode(TEXTS[0]), end]
    assert lm.encode(TEXTS[0])[0] == end


def test_the_tokenizer_reads_lower_case_and_gives_a_text_back(lm):
    (text,) = encoded(lm.tokenizer, TEXTS[:1])
    assert lm.tokenizer.decode(text) == TEXTS[0].lower()
    assert lm.tokenizer.unk_token_id not in text
    assert lm.tokenizer.tokenize("ß") == ["▁", UNKNOWN]


def test_the_loss_is_what_transformers_says(lm):
    texts = encoded(lm.tokenizer, TEXTS)
    end = lm.tokenizer.eos_token_id
    lengths = [len(text) + 1 for text in texts]
    with torch.no_grad():
        own = [
            lm.model(input_ids=(ids := torch.tensor([[end, *text, end]])), labels=ids).loss.item()
            for text in texts
        ]
    mean = sum(loss * length for loss, length in zip(own, lengths, strict=True)) / sum(lengths)
    assert loss_on(lm, whole(lm, texts)) == pytest.approx(mean, abs=1e-4)


def test_training_teaches_to_go_on_with_a_text_and_freezes_again(lm):
    rows = whole(lm, encoded(lm.tokenizer, TEXTS * 8))
    before = loss_on(lm, rows)
    assert len(list(fit(lm, lambda _: rows, RECIPE))) == RECIPE.steps
    assert loss_on(lm, rows) < before - 1
    assert not any(weight.requires_grad for weight in lm.model.parameters())


def test_a_size_is_watched_on_what_it_does_not_read(lm, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scale, "PRETRAINING", RECIPE)
    monkeypatch.setattr(scale, "LOOKED", 20)
    read, unseen = encoded(lm.tokenizer, TEXTS[:2]), encoded(lm.tokenizer, TEXTS[2:])
    found = scale.train_size(lm, read, unseen)
    assert len(found["held_out_losses"]) == 2
    assert found["held_out_losses"][-1] == pytest.approx(loss_on(lm, whole(lm, unseen)), abs=1e-4)
    assert found["parameters"] == lm.geometry.parameters


def test_sizes_differ_in_their_width_alone():
    tokenizer = make_tokenizer(TEXTS * 4)
    one, other = (make_model(tokenizer, width, 0).model.config.to_dict() for width in (24, 48))
    differ = {name for name in one if one[name] != other[name]}
    assert differ == {"hidden_size", "intermediate_size", "head_dim"}


def test_what_is_tested_on_is_not_trained_on(task: Task, monkeypatch: pytest.MonkeyPatch):
    tested = [*task.validation["x"], *task.test["x"]]
    dressed = [f"{text.upper()}!" for text in tested]
    monkeypatch.setattr(tasks, "load", lambda *_, **__: task)
    monkeypatch.setattr(
        tasks, "rated_sentences", lambda *_, **__: [(text, 1) for text in [*dressed, "a new one"]]
    )
    assert scale.sentences() == (["a new one"], tested)


@pytest.mark.real
def test_the_downstream_task_tests_on_films_that_were_never_read():
    task, other = scale.downstream(), scale.downstream(subset=3)
    for split, size in ((task.train, TRAIN), (task.validation, VALIDATION), (task.test, TEST)):
        assert sum(split["y"]) * 2 == len(split) == len(set(split["x"])) == size
    held_out = {*scale.sentences()[1]}
    for split in (task.validation, task.test):
        films = {x for x, y in zip(split["x"], split["y"], strict=True) if not y}
        assert films <= held_out
    assert not held_out & {*task.train["x"], *other.train["x"]}
    assert not {*task.train["x"]} & {*task.validation["x"], *task.test["x"]}
    # A subset is other sentences to train on, and the same to test on.
    assert other.test["x"][:] == task.test["x"][:]
    assert len({*other.train["x"]} & {*task.train["x"]}) < TRAIN / 2


@pytest.mark.real
@pytest.mark.parametrize("subset", [0, 4])
def test_no_sentence_that_the_protocol_tests_on_was_trained_on(subset: int):
    films = tasks.load(
        "movie_reviews", words=WORDS, validation=VALIDATION, test=TEST, subset=subset
    )
    tested = {*map(bare, films.validation["x"]), *map(bare, films.test["x"])}
    texts, held_out = scale.sentences()
    assert {*map(bare, held_out)} == tested
    assert not tested & {*map(bare, texts)}


def test_a_topic_has_as_many_sentences_as_the_one_that_has_fewer(task: Task):
    fewer = replace(task, test=task.test.select(range(3)))
    mixed = film_or_product(task, fewer)
    assert sorted(mixed.test["y"]) == [0, 0, 0, 1, 1, 1]
    assert sorted(mixed.test["x"]) == sorted([*fewer.test["x"], *task.test["x"][:3]])
    assert sum(mixed.train["y"]) * 2 == len(mixed.train) == 2 * len(task.train)


def test_an_unstored_width_is_named():
    with pytest.raises(ValueError, match=r"width=7 .* 24, 48, 96, 192"):
        scale.load(7)
