"""Span corruption: nothing is lost, sentinels stand in order, a seed fixes every gap."""

import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from prefixlab import EncoderDecoder, Task, load, tasks
from prefixlab.data.template import tokens_of
from prefixlab.training.loop import Recipe
from prefixlab.workbook import span_corruption
from prefixlab.workbook.span_corruption import (
    SENTINELS,
    SpanCorruption,
    continuation,
    habits,
    learn,
    make_model,
    make_tokenizer,
    parts,
)

MARKS = tuple(range(900, 916))
corrupt = SpanCorruption(MARKS)
LENGTHS = [*range(2, 65)] * 5
TEXTS = ["it was a warm and funny film", "it was a dull film", "the jokes are stale, the cast is"]


@pytest.fixture(scope="module")
def small() -> tuple[EncoderDecoder, list[list[int]], SpanCorruption]:
    """A random T5 with a tokenizer of a few sentences, these sentences, and its objective."""
    tokenizer = make_tokenizer(TEXTS * 4)
    marks = tuple(tokens_of(tokenizer, mark, control=True)[0] for mark in SENTINELS)
    texts = [tokens_of(tokenizer, text) for text in TEXTS]
    return make_model(tokenizer, seed=0), texts * 8, SpanCorruption(marks)


def filled(given: list[int], target: list[int]) -> list[int]:
    """The text back: every sentinel of the input replaced by what follows it in the target."""
    spans: dict[int, list[int]] = {}
    for token in target:
        if token in MARKS:
            spans[token] = []
        else:
            spans[list(spans)[-1]].append(token)
    return [token for at in given for token in (spans[at] if at in MARKS else [at])]


@pytest.mark.parametrize("length", LENGTHS[:63])
def test_input_and_target_hold_every_token_once(length):
    text = list(range(length))
    given, target = corrupt(text, random.Random(length))
    assert sorted(token for token in given + target if token not in MARKS) == text
    assert filled(given, target) == text


@pytest.mark.parametrize("length", LENGTHS[:63])
def test_sentinels_stand_in_order_and_one_ends_the_target(length):
    given, target = corrupt(list(range(length)), random.Random(length))
    in_input = [token for token in given if token in MARKS]
    in_target = [token for token in target if token in MARKS]
    assert in_input == list(MARKS[: len(in_input)])
    assert in_target == list(MARKS[: len(in_input) + 1])
    assert target[0] == MARKS[0]
    assert target[-1] == in_target[-1]
    # No span is empty, and no two touch.
    assert not any(a in MARKS and b in MARKS for a, b in pairwise(given))
    assert not any(a in MARKS and b in MARKS for a, b in pairwise(target))


def test_about_15_percent_are_taken_out_in_spans_of_about_three():
    source = random.Random(0)
    pairs = [corrupt(list(range(60)), source) for _ in range(200)]
    taken = sum(token not in MARKS for _, target in pairs for token in target)
    spans = sum(token in MARKS for given, _ in pairs for token in given)
    assert taken == 0.15 * 60 * 200
    assert taken == 3 * spans


def test_every_place_loses_its_token_about_equally_often():
    source = random.Random(0)
    lost: Counter[int] = Counter()
    for _ in range(4000):
        lost.update(token for token in corrupt(list(range(20)), source)[1] if token < 20)
    middle = sum(lost[at] for at in range(5, 15)) / 10
    assert all(0.2 * middle < lost[at] < 2 * middle for at in range(20))


def test_parts_add_up_and_leave_none_out():
    source = random.Random(0)
    drawn = {tuple(parts(5, 3, source)) for _ in range(200)}
    assert drawn == {(1, 1, 3), (1, 3, 1), (3, 1, 1), (1, 2, 2), (2, 1, 2), (2, 2, 1)}


@pytest.mark.parametrize("objective", [corrupt, continuation])
def test_a_seed_fixes_every_choice(objective):
    def drawn(seed: int) -> list[tuple[list[int], list[int]]]:
        source = random.Random(seed)
        return [objective(list(range(length)), source) for length in LENGTHS]

    assert drawn(3) == drawn(3)
    assert drawn(3) != drawn(4)


def test_a_continuation_goes_on_where_its_input_ends():
    source = random.Random(0)
    for length in LENGTHS:
        given, target = continuation(list(range(length)), source)
        assert given + target == list(range(length))
        assert given
        assert target


@pytest.mark.parametrize("objective", [corrupt, continuation])
def test_a_text_of_one_token_cannot_be_divided(objective):
    with pytest.raises(ValueError, match="1 token"):
        objective([5], random.Random(0))


def test_more_spans_than_sentinels_are_refused():
    with pytest.raises(ValueError, match=r"400 tokens has 20 spans.*16 sentinels.*cut"):
        corrupt(list(range(400)), random.Random(0))


def test_sentinels_are_single_tokens_and_texts_end_with_the_end_token(small):
    lm, _, _ = small
    assert [len(tokens_of(lm.tokenizer, mark, control=True)) for mark in SENTINELS] == [1] * len(
        SENTINELS
    )
    assert lm.encode("a film")[-1] == lm.tokenizer.eos_token_id
    assert lm.tokenizer.unk_token_id not in lm.encode(TEXTS[0])


@pytest.mark.parametrize("kind", ["fill", "continue"])
def test_training_teaches_the_objective_and_freezes_again(small, kind):
    random_lm, texts, fill = small
    lm = make_model(random_lm.tokenizer, seed=0)
    before = habits(lm, texts, fill)
    recipe = Recipe(steps=60, batch_size=8, learning_rate=0.01)
    losses = list(learn(lm, texts, fill if kind == "fill" else continuation, recipe))
    after = habits(lm, texts, fill)
    assert len(losses) == 60
    assert after[kind] < before[kind] - 1
    # What it starts with is a matter of habit: a sentinel, or natural text.
    assert (after["sentinel"] > 0.9) == (kind == "fill")
    assert not any(weight.requires_grad for weight in lm.model.parameters())


def test_training_is_fixed_by_its_seed(small):
    random_lm, texts, fill = small
    recipe = Recipe(steps=3, batch_size=8, learning_rate=0.01)
    runs = [list(learn(make_model(random_lm.tokenizer, 0), texts, fill, recipe)) for _ in range(2)]
    assert runs[0] == runs[1]


def test_a_stored_model_comes_back_in_half_the_bytes(small, tmp_path: Path):
    lm, *_ = small
    span_corruption.store(lm, tmp_path / "small")
    opened = load(str(tmp_path / "small"), dtype="float32")
    assert opened.encode("a dull film") == lm.encode("a dull film")
    for name, weight in lm.model.state_dict().items():
        assert torch.equal(opened.model.state_dict()[name], weight.bfloat16().float())
    weights = tmp_path / "small" / "model.safetensors"
    assert weights.stat().st_size < 2.2 * lm.geometry.parameters


def test_what_is_tested_on_is_not_trained_on(task: Task, monkeypatch: pytest.MonkeyPatch):
    tested = [*task.validation["x"], *task.test["x"]]
    dressed = [f"{text.upper()}!" for text in tested]
    monkeypatch.setattr(tasks, "load", lambda *_, **__: task)
    monkeypatch.setattr(
        tasks, "rated_sentences", lambda *_, **__: [(text, 1) for text in [*dressed, "a new one"]]
    )
    texts, held_out = span_corruption.sentences()
    assert texts == ["a new one"]
    assert held_out == tested


def test_an_unstored_number_of_steps_is_named():
    with pytest.raises(ValueError, match=r"adapted=7 .* 0, 100, 400, 1200"):
        span_corruption.load(7)


@pytest.mark.real
def test_the_downstream_task_has_as_many_sentences_of_each_topic():
    task = span_corruption.downstream(train=64, test=32)
    for split in (task.train, task.validation, task.test):
        assert sum(split["y"]) * 2 == len(split) == len(set(split["x"]))
    held_out = {*task.validation["x"], *task.test["x"]}
    assert not held_out & set(task.train["x"])
    never_read = span_corruption.sentences()[1]
    films = {x for x, y in zip(task.test["x"], task.test["y"], strict=True) if not y}
    assert films <= {*never_read}
