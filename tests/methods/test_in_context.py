"""In-context learning: which demonstrations stand in front, in which order, with which labels."""

from collections import Counter
from itertools import chain, permutations
from math import factorial

import pytest

from prefixlab import InContextLearning
from prefixlab.methods.in_context import OUTSIDE_WORDS, permutation


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
