"""`prefixlab generate` and `prefixlab evaluate`: what a saved method answers, chosen or written."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace

import pytest
from click.testing import Result

import prefixlab as pl
from prefixlab.command.sources import FEW

Call = Callable[..., Result]
TEXTS = ["a warm and funny film", "dull"]


@pytest.fixture
def lm(call: Call, model: str) -> pl.Backbone:
    return pl.load(model, dtype="float32")


def test_a_label_is_chosen_with_its_probability(call: Call, lm: pl.Backbone, task: pl.Task) -> None:
    method = pl.PromptTuning(lm, task)
    pl.save(method, "moods")
    expected = pl.predict(lm, method, task, TEXTS)
    done = call("generate moods --json", TEXTS)
    assert done.exit_code == 0
    for each, text, of in zip(json.loads(done.stdout), TEXTS, expected, strict=True):
        assert each["text"] == text
        assert each["answer"] == ("negative", "positive")[int(of.argmax())]
        assert each["probability"] == pytest.approx(of.max().item())
    first = json.loads(done.stdout)[0]
    line = f"{first['answer']} ({first['probability']:.3f})"
    assert call("generate moods", TEXTS).stdout.splitlines()[0] == line
    refused = call("generate moods --beams 2", TEXTS)
    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[-1] == (
        "moods chooses one of negative, positive, and writes nothing; leave out the knobs of the "
        "decoding."
    )


def test_a_text_is_written_as_the_decoding_says(call: Call, lm: pl.Backbone, task: pl.Task) -> None:
    written = replace(task.text_to_text(), name="written")
    method = pl.PrefixTuning(lm, written, prefix_length=3)
    pl.save(method, "texts")
    how = {"strategy": "sample", "temperature": 2.0, "seed": 3, "max_new_tokens": 5}
    words = (f"--{name.replace('_', '-')} {value}" for name, value in how.items())
    expected = pl.generate(lm, method, written, TEXTS, **how)
    assert expected != pl.generate(lm, method, written, TEXTS, max_new_tokens=5)
    done = call("generate texts --json", *words, TEXTS)
    assert json.loads(done.stdout) == [
        {"text": text, "answer": answer} for text, answer in zip(TEXTS, expected, strict=True)
    ]


def test_a_method_that_writes_is_tested_on_its_texts(
    call: Call, lm: pl.Backbone, task: pl.Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pl.tasks.load("restaurants", **FEW)  # more than there are would be refused
    written = replace(task.text_to_text(), name="restaurants")
    monkeypatch.setattr(pl.tasks, "load", lambda name, *, test: written)
    method = pl.PrefixTuning(lm, written, prefix_length=3)
    pl.save(method, "texts")
    asked = pl.tasks.references(written.test)
    expected = pl.judge_texts(pl.generate(lm, method, written, [*asked]), asked)
    done = call("evaluate texts --task restaurants --json")
    assert json.loads(done.stdout) == asdict(expected)


def test_a_method_that_is_not_there_is_told(call: Call) -> None:
    done = call("generate nothing", TEXTS)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("nothing.safetensors cannot be read as a check")
