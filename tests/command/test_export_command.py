"""`prefixlab export`: a saved method becomes an adapter of PEFT."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from click.testing import Result

import prefixlab as pl

Call = Callable[..., Result]


def test_an_adapter_steers_as_the_saved_method(call: Call, model: str, task: pl.Task) -> None:
    lm = pl.load(model, dtype="float32")
    method = pl.PromptTuning(lm, task, prompt_length=3, seed=1)
    pl.save(method, "moods")
    done = call("export moods --out adapter --json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"folder": "adapter"})
    loaded = pl.from_peft("adapter", lm, task)
    assert torch.equal(loaded.prompt.values, method.prompt.values)


def test_what_peft_cannot_say_is_refused_and_nothing_is_written(
    call: Call, model: str, task: pl.Task
) -> None:
    lm = pl.load(model, dtype="float32")
    pl.save(pl.PrefixTuning(lm, task, prefix_length=2, layers="last:1"), "upper")
    refused = call("export upper --out adapter")
    assert refused.exit_code == 1
    assert "layers" in refused.stderr
    assert not Path("adapter").exists()
