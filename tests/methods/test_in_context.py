"""In-context learning: which demonstrations stand in front, in which order, with which labels."""

from collections import Counter
from dataclasses import replace
from itertools import chain, permutations
from math import factorial

import pytest

from prefixlab import InContextLearning, Verbalizer, create, load_method, save
from prefixlab.data.examples import dataset
from prefixlab.methods.in_context import (
    OUTSIDE_WORDS,
    InContextKnobs,
    demonstrations_of,
    permutation,
)


def answers(lm, task, **knobs):
    return [text.rsplit(" ", 1)[1] for text in InContextLearning(lm, task, **knobs).texts]


@pytest.mark.parametrize(("k", "counts"), [(4, [2, 2]), (5, [3, 2]), (6, [3, 3])])
def test_balanced_demonstrations_hold_every_class_alike(gpt2, task, k, counts):
    given = answers(gpt2, task, demonstrations=k)
    assert sorted(Counter(given).values(), reverse=True) == counts


def test_demonstrations_are_training_examples_with_their_answers(gpt2, task):
    words = task.verbalizer.words
    examples = {
        f"Review: {x}\nSentiment: {words[y]}"
        for x, y in zip(task.train["x"], task.train["y"], strict=True)
    }
    for balanced in (True, False):
        method = InContextLearning(gpt2, task, demonstrations=5, balanced=balanced)
        assert len(method.texts) == 5
        assert set(method.texts) <= examples


def test_an_order_permutes_the_same_demonstrations(gpt2, task):
    first = InContextLearning(gpt2, task, demonstrations=3).texts
    last = InContextLearning(gpt2, task, demonstrations=3, order=5).texts
    assert last == first[::-1]


def test_orders_count_lexicographically():
    assert [permutation("abcd", n) for n in range(24)] == [list(p) for p in permutations("abcd")]
    assert permutation(range(64), factorial(64) - 1) == list(range(63, -1, -1))


def test_outside_labels_are_fixed_words_that_are_no_answers(gpt2, task):
    true = answers(gpt2, task, demonstrations=4)
    outside = answers(gpt2, task, demonstrations=4, labels="outside")
    renamed = dict(zip(task.verbalizer.words, OUTSIDE_WORDS, strict=False))
    assert outside == [renamed[word] for word in true]


def test_random_labels_leave_the_texts_as_they_are(gpt2, task):
    def texts(**knobs):
        method = InContextLearning(gpt2, task, demonstrations=6, **knobs)
        return [text.rsplit(" ", 1)[0] for text in method.texts]

    assert texts(labels="random") == texts()
    drawn = [answers(gpt2, task, demonstrations=6, labels="random", seed=s) for s in range(4)]
    true = [answers(gpt2, task, demonstrations=6, seed=s) for s in range(4)]
    assert drawn != true
    assert set(chain(*drawn)) == set(task.verbalizer.words)


def test_no_demonstration_is_no_prefix(gpt2, task):
    method = InContextLearning(gpt2, task, demonstrations=0)
    assert method.conditioning().past is None


@pytest.fixture
def many(task):
    """A task of forty classes, five examples of each."""
    words = tuple(f"word {number}" for number in range(40))
    examples = dataset([(f"text {number}", number % 40) for number in range(200)])
    return replace(task, train=examples, verbalizer=Verbalizer(words))


def drawn(task, seed=0, **knobs):
    return demonstrations_of(task, InContextKnobs(**knobs), seed)


def test_fewer_demonstrations_than_classes_show_classes_that_are_drawn(many):
    shown = [{y for _, y in drawn(many, seed, demonstrations=5)} for seed in range(20)]
    assert all(len(classes) == 5 for classes in shown)
    assert len(set().union(*shown)) > 25  # of forty; five would be the same five each time
    assert drawn(many, 3, demonstrations=5) == drawn(many, 3, demonstrations=5)


def test_one_demonstration_is_now_of_one_class_now_of_the_other(task):
    ones = [drawn(task, seed, demonstrations=1)[0][1] for seed in range(20)]
    assert set(ones) == set(task.verbalizer.words)


def test_every_class_is_shown_where_there_is_room(many):
    for seed in range(5):
        assert len({y for _, y in drawn(many, seed, demonstrations=40)}) == 40


def test_an_answer_that_is_not_shown_is_said(gpt2, task):
    both = InContextLearning(gpt2, task, demonstrations=2)
    assert both.unseen == []
    assert "none of them" not in str(both)
    one = InContextLearning(gpt2, task, demonstrations=1)
    assert [answers(gpt2, task, demonstrations=1)[0], *one.unseen] in (
        ["negative", "positive"],
        ["positive", "negative"],
    )
    assert f"1 demonstrations, none of them labelled {one.unseen[0]}" in str(one)
    unbalanced = [
        InContextLearning(gpt2, task, demonstrations=2, balanced=False, seed=seed)
        for seed in range(6)
    ]
    for method in unbalanced:
        said = {text.rsplit(" ", 1)[1] for text in method.texts}
        assert set(method.unseen) == set(task.verbalizer.words) - said
    assert any(method.unseen for method in unbalanced)


def test_outside_words_are_one_for_each_class_and_no_answers(task, many):
    words = ("Apple", "river", *(f"word {number}" for number in range(20)))
    fruit = replace(
        many, train=many.train.filter(lambda row: row["y"] < 22), verbalizer=Verbalizer(words)
    )
    outside = {y for _, y in drawn(fruit, demonstrations=22, labels="outside")}
    assert len(outside) == 22
    assert not outside & {"apple", "river"}
    assert len(set(OUTSIDE_WORDS)) == len(OUTSIDE_WORDS)
    with pytest.raises(ValueError, match="a word for each of 32 classes, and there are 40"):
        drawn(many, demonstrations=2, labels="outside")


def test_what_was_loaded_can_be_shown(gpt2, task, tmp_path):
    method = create("in_context", gpt2, task, demonstrations=2)
    loaded = load_method(save(method, tmp_path / "mine"), gpt2)
    assert "2 demonstrations" in str(loaded)
    assert loaded.texts == method.texts
