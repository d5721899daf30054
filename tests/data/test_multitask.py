"""Mixtures: every example is asked as in its own task, and one prefix learns them all."""

from dataclasses import replace

import pytest
from reference import close

from prefixlab import (
    Template,
    Verbalizer,
    create,
    evaluate,
    mixture,
    train,
)
from prefixlab.data.batching import encode
from prefixlab.data.examples import dataset
from prefixlab.evaluation.choices import scores


@pytest.fixture
def tweets(task):
    """The same sentences, turned round, with words of their own, one of them shared."""
    return replace(
        task,
        name="tweets",
        train=dataset([(x, 1 - y) for x, y in zip(task.train["x"], task.train["y"], strict=True)]),
        template=Template("Tweet: {x}\nMood: {y}"),
        verbalizer=Verbalizer(("positive", "bad")),
    )


def test_every_example_is_asked_and_answered_as_in_its_own_task(gpt2, task, tweets):
    both = mixture(task, tweets)
    assert both.name == "films + tweets"
    assert both.verbalizer.words == ("negative", "positive", "bad")
    for split in ("train", "validation", "test"):
        expected = [
            (row.prompt, row.answers[row.label])
            for part in (task, tweets)
            for row in encode(gpt2.tokenizer, part.template, getattr(part, split), part.verbalizer)
        ]
        rows = encode(gpt2.tokenizer, both.template, getattr(both, split), both.verbalizer)
        assert sorted((row.prompt, row.answers[row.label]) for row in rows) == sorted(expected)
    of_films = [x.startswith("Review") for x in both.train["x"]]
    assert of_films != sorted(of_films, reverse=True), "one task stands after the other"


@pytest.mark.parametrize("method", ["discrete_prompt", "prompt_tuning", "prefix_tuning"])
def test_a_mixture_of_one_task_is_that_task(tiny, task, method):
    one = mixture(task)
    ours, expected = (
        scores(tiny, create(method, tiny, asked), asked, asked.test) for asked in (one, task)
    )
    order = [list(one.test["x"]).index(f"Review: {x}\nSentiment:") for x in task.test["x"]]
    close(ours[order], expected)


def test_one_prefix_is_trained_on_all_tasks_by_the_same_loop(gpt2, task, tweets):
    prefix = create("prefix_tuning", gpt2, mixture(task, tweets), prefix_length=4)
    before = [evaluate(gpt2, prefix, mixture(part), split="train").loss for part in (task, tweets)]
    for _ in train(gpt2, prefix, mixture(task, tweets), steps=12, learning_rate=0.05):
        pass
    after = [evaluate(gpt2, prefix, mixture(part), split="train").loss for part in (task, tweets)]
    assert all(now < then for now, then in zip(after, before, strict=True))


def test_tasks_of_free_text_are_mixed_too(gpt2, task):
    tables = replace(task, verbalizer=None, train=dataset([("a", "it is a")]))
    assert mixture(tables, tables).train["y"] == ["it is a"] * 2


def test_what_one_task_tests_on_may_stand_in_another_in_other_words(task, tweets):
    assert mixture(task, tweets)
    again = replace(tweets, template=task.template)
    with pytest.raises(ValueError, match=r"films trains on 8 text\(s\) that tweets .* same seed"):
        mixture(task, again)
    other = replace(again, train=dataset([("new", 1)]), validation=again.train, test=again.train)
    with pytest.raises(ValueError, match="films trains on 8"):
        mixture(other, task)
