"""A training loop is judged by what it does: each mistake by its name, however it is written."""

from typing import Any

import pytest
import torch
from cells import run_cell
from torch.nn.functional import cross_entropy

import prefixlab as pl
from prefixlab.workbook.checks.training_loop import train_by_hand, training_loop
from prefixlab.workbook.checks.writing_loop import writing_loop

# As a learner may write it: one example after the other, and gradients that add up.
CHOOSING = """
def answer(answer_scores, prompt, examples, steps, rate):
    optimizer = torch.optim.AdamW([prompt], lr=rate)
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        total = 0.0
        for text, label in examples:
            scores = answer_scores(prompt, text)
            loss = -scores.log_softmax(0)[label] / len(examples)
            loss.backward()
            total += loss.item()
        optimizer.step()
        losses.append(total)
    return losses
"""
WRITING = """
def answer(token_scores, prompt, examples, steps, rate):
    optimizer = torch.optim.AdamW([prompt], lr=rate)
    losses = []
    for step in range(steps):
        terms = []
        for x, y in examples:
            scores = token_scores(prompt, torch.tensor(x + y)).log_softmax(1)
            for i, token in enumerate(y):
                terms.append(-scores[len(x) + i - 1, token])
        loss = sum(terms) / len(terms)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
"""
OPTIMIZER = "optimizer = torch.optim.AdamW([prompt], lr=rate)"
IN_CHOOSING = [  # instead of this, that: the mistake
    ("optimizer.zero_grad()", "pass", "no zero_grad"),
    ("optimizer.step()", "pass", "never moves"),
    ("optimizer.step()", "optimizer.zero_grad(); optimizer.step()", "never moves"),
    ("-scores", "scores", "gradient ascent"),
    ("[prompt]", "[prompt, *answer_scores.parameters()]", "the model trained too"),
    ("[prompt]", "answer_scores.parameters()", "the model trained instead"),
    ("optimizer.zero_grad()", OPTIMIZER, "optimizer made anew"),
    ("optimizer.zero_grad()", f"{OPTIMIZER}; optimizer.zero_grad()", "optimizer made anew"),
    (", lr=rate", "", "no rate"),
    ("AdamW", "SGD", "plain gradient descent"),
    ("AdamW", "Adam", "Adam"),
    (" / len(examples)", "", "summed losses"),
    ("scores.log_softmax", "scores.softmax(0).log_softmax", "softmax twice"),
    (
        OPTIMIZER,
        f"prompt = prompt.detach().clone().requires_grad_(); {OPTIMIZER}",
        "a copy trained",
    ),
    ("in examples:", "in [examples[step % len(examples)]]:", "wrong"),
]
IN_WRITING = [
    ("optimizer.zero_grad()", "pass", "no zero_grad"),
    (
        "loss.backward()\n        optimizer.step()",
        "optimizer.step()\n        loss.backward()",
        "never",
    ),
    (
        "        optimizer.zero_grad()\n        loss.backward()\n        optimizer.step()",
        "        optimizer.step()\n        optimizer.zero_grad()\n        loss.backward()",
        "step before backward",
    ),
    ("loss.backward()", "(-loss).backward()", "gradient ascent"),
    ("enumerate(y)", "list(enumerate(y))[1:]", "one token too few"),
    ("len(x) + i - 1", "len(x) + i", "its own position"),
    (
        "for i, token in enumerate(y):",
        "for i, token in enumerate((x + y)[1:], 1 - len(x)):",
        "loss on all positions",
    ),
    ("for step in range(steps):", "for x, y in examples * steps:", "wrong"),
]


@pytest.mark.parametrize(
    ("exercise", "source"), [(training_loop, CHOOSING), (writing_loop, WRITING)]
)
def test_a_loop_that_is_written_otherwise_is_right(exercise: Any, source: str) -> None:
    verdict = exercise.verdict(run_cell(source)["answer"])
    assert verdict.kind == "right", verdict.message


@pytest.mark.parametrize(
    ("exercise", "source", "old", "new", "name"),
    [(training_loop, CHOOSING, *case) for case in IN_CHOOSING]
    + [(writing_loop, WRITING, *case) for case in IN_WRITING],
)
def test_a_mistake_is_told_by_its_name(
    exercise: Any, source: str, old: str, new: str, name: str
) -> None:
    assert source.count(old) == 1
    verdict = exercise.verdict(run_cell(source.replace(old, new))["answer"])
    assert (verdict.name or verdict.kind).startswith(name), verdict.message


@pytest.mark.parametrize("exercise", [training_loop, writing_loop])
def test_no_two_mistakes_behave_alike(exercise: Any) -> None:
    assert exercise.verdict(exercise.right).kind == "right"
    for mistake in exercise.mistakes:
        assert exercise.verdict(mistake.answer).name == mistake.name
    assert len({mistake.name for mistake in exercise.mistakes}) >= 14


def test_what_is_unforeseen_is_said_in_numbers() -> None:
    for old, new, said in (
        ("return losses", "return losses[-1]", "expected a list of 6 numbers, you return a number"),
        ("append(total)", "append(loss)", "entry 0 should be"),
        ("return losses", "", "you return nothing: is there a `return` at the end?"),
        ("range(steps)", "range(steps + 1)", "a list of 6 numbers, you return a list of 7 numbers"),
        ("[label]", "[step]", "your code stops with IndexError: index 2 is out of bounds"),
    ):
        verdict = training_loop.verdict(run_cell(CHOOSING.replace(old, new))["answer"])
        assert said in verdict.message
        assert len(verdict.message) < 400


def test_the_package_trains_alike(gpt2: pl.Backbone, task: pl.Task) -> None:
    """The same losses, from the same prompt: the lesson's own loop and `train`."""
    method = pl.PromptTuning(gpt2, task, prompt_length=3, seed=0)
    prompt = torch.nn.Parameter(method.prompt.values.detach().clone())
    answers = [gpt2.tokenizer(f" {word}")["input_ids"][0] for word in task.verbalizer.words]

    def answer_scores(prompt: torch.Tensor, text: str) -> torch.Tensor:
        ids = torch.tensor([gpt2.tokenizer(f"Review: {text}\nSentiment:")["input_ids"]])
        embedded = gpt2.model.get_input_embeddings()(ids)
        both = torch.cat([prompt[None], embedded], dim=1)
        return gpt2.model(inputs_embeds=both).logits[0, -1, answers]

    examples = list(zip(task.train["x"], task.train["y"], strict=True))
    losses = train_by_hand(answer_scores, prompt, examples, steps=4, rate=0.05)
    same = {"learning_rate": 0.05, "decay": "constant", "weight_decay": 0.01, "clip": 0}
    run = pl.train(gpt2, method, task, steps=4, batch_size=len(examples), **same)
    assert losses == pytest.approx([step.loss for step in run], abs=1e-4)
    torch.testing.assert_close(prompt, method.prompt.values, atol=1e-4, rtol=0)
    assert losses[-1] < losses[0]


def test_the_loss_is_that_of_cross_entropy() -> None:
    model, prompt, examples, *_ = training_loop.probes[0]
    first = train_by_hand(model, torch.nn.Parameter(prompt.detach().clone()), examples, 1, 0.1)
    scores = torch.stack([model(prompt, text) for text, _ in examples])
    assert first == [cross_entropy(scores, torch.tensor([y for _, y in examples])).item()]
