"""What a row says of a method's answers."""

import pytest

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
