"""What the microscope hands to the page, and what it asks the model later on."""

import re

import numpy as np
import pytest
import torch
from ipywidgets.widgets.widget import _instances
from reference import close

from prefixlab import create, predict
from prefixlab.workbook.interpretation import Ablated
from prefixlab.workbook.page import Microscope

SENTENCE = "a warm and\nfunny film"
KNOBS = {"prefix_length": 3, "layers": "1-2", "init": "matched", "seed": 1}


@pytest.fixture
def prefix(gpt2, task):
    """A prefix that is no longer as it was at the start."""
    method = create("prefix_tuning", gpt2, task, **KNOBS)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.add_(0.3)
    return method


@pytest.fixture
def scope(gpt2, task, prefix):
    made = Microscope(gpt2, task, prefix, SENTENCE)
    yield made
    made.close()


def test_columns_are_the_prefix_then_the_text(scope) -> None:
    columns = scope.drawing["columns"]
    assert [column["text"] for column in columns[:3]] == ["P0", "P1", "P2"]
    assert [column["removable"] for column in columns[:4]] == [0, 1, 2, None]
    assert not any(column["virtual"] for column in columns[3:])
    texts = [column["text"] for column in columns[3:]]
    assert "".join(texts) == "Review:awarmand↵funnyfilm↵Sentiment:"
    assert scope.drawing["removable"] == [1, 2]


def test_attention_before_and_after_is_handed_over_whole(scope) -> None:
    size = scope.drawing["size"]
    shape = size["layers"], size["heads"], len(scope.drawing["columns"])
    assert (size["layers"], size["heads"]) == (3, 4)
    before, after = (
        np.frombuffer(part, np.float32).reshape(shape) for part in (scope.before, scope.after)
    )
    assert np.allclose(before.sum(-1), 1, atol=1e-5)
    assert np.allclose(after.sum(-1), 1, atol=1e-5)
    assert not np.allclose(before[1], after[1], atol=1e-3)
    assert (after[0, :, :3] == 0).all()  # no prefix in layer 0


def test_one_part_less_is_known_from_the_start(scope, gpt2, task, prefix) -> None:
    asked = {
        "|": prefix,
        "0|": Ablated(prefix, token=0),
        "2|": Ablated(prefix, token=2),
        "|1": Ablated(prefix, layer=1),
    }
    assert set(scope.known) == {"|", "0|", "1|", "2|", "|1", "|2"}
    answer = task.verbalizer.words.index(scope.answer)
    for key, method in asked.items():
        expected = predict(gpt2, method, task, [SENTENCE])[0, answer]
        close(torch.tensor(scope.known[key]), expected)
    start = create("prefix_tuning", gpt2, task, **KNOBS)
    close(torch.tensor(scope.first), predict(gpt2, start, task, [SENTENCE])[0, answer])


def test_several_parts_less_are_asked_of_the_model_once(scope, gpt2, task, prefix, monkeypatch):
    scope.set_state({"away": {"positions": [0, 2], "layers": [1]}})  # as the page does
    both = Ablated(Ablated(Ablated(prefix, layer=1), token=0), token=2)
    answer = task.verbalizer.words.index(scope.answer)
    close(torch.tensor(scope.known["0,2|1"]), predict(gpt2, both, task, [SENTENCE])[0, answer])
    assert re.search(r"now, 0\.\d\d without P0, P2, layer 1$", scope.says())
    monkeypatch.setattr(scope.asked, "answers", None)  # to ask again would fail
    scope.away = {"positions": [], "layers": []}
    scope.away = {"positions": [0, 2], "layers": [1]}


def test_what_goes_wrong_meanwhile_is_shown_in_the_page(scope, monkeypatch) -> None:
    def fail(cases):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(scope.asked, "answers", fail)
    with pytest.raises(RuntimeError):
        scope.away = {"positions": [0, 1], "layers": []}
    assert scope.trouble == "RuntimeError: out of memory"
    assert scope.says().endswith("not known yet without P0, P1")


def test_of_a_prompt_its_slots_can_be_taken_away(gpt2, task) -> None:
    prompt = create("prompt_tuning", gpt2, task, prompt_length=2)
    scope = Microscope(gpt2, task, prompt, SENTENCE)
    assert [column["removable"] for column in scope.drawing["columns"][:3]] == [0, 1, None]
    assert scope.drawing["removable"] == []
    assert set(scope.known) == {"|", "0|", "1|"}


def test_the_picture_shows_attention_after_training_and_says_the_rest(scope) -> None:
    axis, bar = scope.picture().axes
    assert axis.get_title() == scope.says()
    assert [label.get_text() for label in axis.get_xticklabels()][:4] == [
        "P0",
        "P1",
        "P2",
        "Review",
    ]
    drawn = axis.images[0].get_array() ** 2
    assert np.allclose(drawn, scope.attention[1].mean(1), atol=1e-6)
    assert "attention" in bar.get_ylabel()


def test_a_sentence_is_a_text(gpt2, task, prefix) -> None:
    before = set(_instances)
    with pytest.raises(ValueError, match="sentence is of type int"):
        Microscope(gpt2, task, prefix, 3)
    assert set(_instances) == before
