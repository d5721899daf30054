"""Mixed batches: every row computes what it computes alone, whatever stands beside it."""

from dataclasses import replace
from itertools import combinations

import pytest
import torch
from reference import close, moved, plain

from prefixlab import (
    Template,
    Verbalizer,
    create,
    mixed_scores,
    predict,
    serve,
)
from prefixlab.data.examples import dataset
from prefixlab.evaluation.choices import scores

LONG = Verbalizer(("again, really", "the best", "my life"))
# What a row can have of its own; each is a method, its knobs, and what is other in its task.
KINDS = {
    "words": ("discrete_prompt", {"template": "{x} It was {y}"}, {}),
    "longer answers": ("discrete_prompt", {}, {"verbalizer": LONG}),
    "demonstrations": ("in_context", {"demonstrations": 3}, {}),
    "prompt": ("prompt_tuning", {"prompt_length": 5, "init": "vocabulary"}, {}),
    "short prompt": ("prompt_tuning", {"prompt_length": 2, "init": "uniform"}, {}),
    "slots": ("p_tuning", {"template": "{soft:2}{x}{soft:1} so {y}", "encoder": "none"}, {}),
    "prefix": ("prefix_tuning", {"prefix_length": 6, "init": "matched"}, {"verbalizer": LONG}),
    "short prefix": ("prefix_tuning", {"prefix_length": 2}, {}),
    "upper prefix": ("prefix_tuning", {"prefix_length": 4, "layers": "1-2"}, {}),
    "lower prefix": ("prefix_tuning", {"prefix_length": 3, "layers": "0"}, {}),
    "prefix and head": ("p_tuning_v2", {"prefix_length": 5}, {}),
    "prompt and head": ("warp", {"prompt_length": 3}, {"verbalizer": LONG}),
    "head": ("linear_probe", {}, {}),
    "infix": ("infix", {"prefix_length": 3}, {}),
    "other infix": ("infix", {"prefix_length": 2, "init": "matched"}, {}),
    "free text": ("prefix_tuning", {"prefix_length": 3}, {"verbalizer": None}),
}


def requests_of(lm, task, names):
    """A request for each kind, each with other examples in another order."""
    made = []
    for seed, (name, knobs, other) in enumerate(KINDS[name] for name in names):
        own = replace(task, **other)
        examples = task.test.shuffle(seed=seed).select(range(3 + seed % 4))
        if own.verbalizer is None:
            examples = dataset([(x, f"it is {x}") for x in examples["x"]])
            own = replace(own, train=examples)
        made.append((moved(create(name, lm, own, seed=seed, **knobs)), own, examples))
    return made


def alone(lm, requests):
    return [scores(lm, method, task, examples) for method, task, examples in requests]


@pytest.mark.parametrize("batch_size", [4, 100])
def test_a_batch_of_everything_scores_as_each_by_itself(lm, task, batch_size):
    requests = requests_of(lm, task, KINDS)
    together = mixed_scores(lm, requests, batch_size=batch_size)
    for ours, expected in zip(together, alone(lm, requests), strict=True):
        close(ours, expected)


def test_any_two_share_a_batch(tiny, task):
    requests = requests_of(tiny, task, KINDS)
    known = list(zip(KINDS, requests, alone(tiny, requests), strict=True))
    for pair in combinations(known, 2):
        together = mixed_scores(tiny, [request for _, request, _ in pair])
        for ours, (name, _, expected) in zip(together, pair, strict=True):
            assert torch.allclose(ours, expected, rtol=1e-3, atol=1e-4), (
                name,
                [k for k, *_ in pair],
            )


def test_a_batch_is_one_pass_of_the_model(gpt2, task, monkeypatch):
    passes = []
    honest = gpt2.hidden_states
    monkeypatch.setattr(gpt2, "hidden_states", lambda *a: passes.append(len(a[0])) or honest(*a))
    mixed_scores(gpt2, requests_of(gpt2, task, ["words", "prompt", "upper prefix"]), batch_size=12)
    assert passes == [3 + 4 + 5]


def test_two_words_of_past_in_two_rows_are_those_words_in_the_text(gpt2, task):
    """Against transformers alone: prefixes made of real words of different lengths."""
    texts = ["so it was", "a warm and funny film\n"]
    requests = [
        (
            create("prefix_tuning", gpt2, task, prefix_length=len(gpt2.encode(text)), words=text),
            task,
            task.test,
        )
        for text in texts
    ]
    answers = [ids[0] for ids in task.verbalizer.encode(gpt2.tokenizer, " ")]
    for text, ours in zip(texts, mixed_scores(gpt2, requests), strict=True):
        for x, scored in zip(task.test["x"], ours, strict=True):
            query = gpt2.encode(f"Review: {x}\nSentiment:")
            with plain(gpt2, "sdpa") as model, torch.no_grad():
                whole = model(torch.tensor([gpt2.encode(text) + query])).logits
            close(scored, whole[0, -1, answers])


def test_a_long_past_and_a_long_text_need_room_only_in_the_same_row(gpt2, task):
    prefix = create("prefix_tuning", gpt2, task, prefix_length=100)
    words = create("discrete_prompt", gpt2, task)
    short, long = dataset([("dull", 0)]), dataset([("and " * 60, 1)])
    requests = [(prefix, task, short), (words, task, long)]
    for ours, expected in zip(mixed_scores(gpt2, requests), alone(gpt2, requests), strict=True):
        close(ours, expected)
    with pytest.raises(ValueError, match=r"100 positions of prefix and .* of text are more"):
        mixed_scores(gpt2, [(prefix, task, long)])


def test_requests_are_answered_in_their_order_by_the_prompt_of_their_task(tiny, task):
    tweets = replace(
        task,
        name="tweets",
        template=Template("Tweet: {x}\n{y}"),
        verbalizer=Verbalizer(("no", "y")),
    )
    prompts = {
        "films": (create("prompt_tuning", tiny, task), task),
        "tweets": (create("prefix_tuning", tiny, tweets), tweets),
    }
    requests = [
        ("tweets", "dull"),
        ("films", "great"),
        ("films", "dull"),
        ("tweets", "what a cast"),
    ]
    answers = serve(tiny, prompts, requests, batch_size=3)
    for (name, text), answer in zip(requests, answers, strict=True):
        method, asked = prompts[name]
        assert tuple(answer) == asked.verbalizer.words
        close(torch.tensor(list(answer.values())), predict(tiny, method, asked, [text])[0])


def test_nothing_asked_is_nothing_answered(gpt2, task):
    method = create("discrete_prompt", gpt2, task)
    assert serve(gpt2, {"films": (method, task)}, []) == []
    empty, asked = mixed_scores(
        gpt2, [(method, task, task.test.select([])), (method, task, task.test)]
    )
    assert len(empty) == 0
    close(asked, scores(gpt2, method, task, task.test))


def test_an_encoder_s_rows_are_read_at_their_own_first_token(bert, task):
    names = ["head", "prefix and head"]
    requests = requests_of(bert, task, names)
    together = mixed_scores(bert, requests, batch_size=100)
    for ours, expected in zip(together, alone(bert, requests), strict=True):
        close(ours, expected)


def test_a_head_that_answers_in_another_order_shares_a_batch(gpt2, task):
    method = create("linear_probe", gpt2, task)
    with torch.no_grad():
        method.head.values[1, -1] = 1.0
    turned = replace(task, verbalizer=Verbalizer(task.verbalizer.words[::-1]))
    both = {"one": (method, task), "other": (method, turned)}
    one, other = serve(gpt2, both, [("one", "dull"), ("other", "dull")])
    assert one == pytest.approx(other)
    assert list(other) == ["positive", "negative"]
