"""What a row says of a method's answers."""

import math

import pytest
import torch

from prefixlab import Backbone, Task, create
from prefixlab.workbook import tested


def test_an_answer_counts_as_right_or_at_least_as_a_label(
    gpt2: Backbone, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = task.text_to_text()
    other = {"negative": "positive", "positive": "negative"}
    answers = asked.test["y"]
    texts = [answers[0], other[answers[1]], "", f"{answers[3]} film", *answers[4:]]
    monkeypatch.setattr(tested, "generate", lambda *_, **__: texts)
    found = tested.tested(gpt2, create("discrete_prompt", gpt2, asked), asked)
    assert (found["accuracy"], found["legal"]) == (5 / 8, 6 / 8)
    assert found["scores"]["accuracy"][:4] == [100, 0, 0, 0]
    assert found["scores"]["legal"][:4] == [100, 100, 0, 0]


def test_a_margin_that_is_nearly_or_just_nothing_still_says_which_answer_was_chosen(
    gpt2: Backbone, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    second_ahead = [0.003, -0.003, 0.0, 1.25] * 2
    given = torch.tensor([[0.0, ahead] for ahead in second_ahead])
    monkeypatch.setattr(tested, "scores", lambda *_: given)
    found = tested.tested(gpt2, create("discrete_prompt", gpt2, task), task)
    chosen = [math.copysign(1, margin) > 0 for margin in found["margins"]]
    assert chosen == [True, False, False, True] * 2
    assert [int(one) for one in chosen] == given.argmax(1).tolist()
    right = [one == y for one, y in zip(chosen, task.test["y"], strict=True)]
    assert found["accuracy"] == sum(right) / len(right)
