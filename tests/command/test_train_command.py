"""`prefixlab train`: from a file to a saved method, interrupted or not, and what is refused."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result

import prefixlab as pl
from prefixlab.command.train import stopping
from prefixlab.training.loop import Training

Call = Callable[..., Result]
PROMPT = "train prompt_tuning --out my-prompt --prompt-length 3 --steps 5 --batch-size 4"


def test_one_command_takes_a_file_to_a_saved_prompt(call: Call, mine: str, model: str) -> None:
    done = call(PROMPT, mine, "--seed 2 --warmup 1 --knob-text good --json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)  # and there is nothing beside it
    assert "Backbone tiny" in done.stderr
    assert done.stderr.endswith("Training\nTesting\n")  # of the bars, where there is no terminal
    assert found["path"] == "my-prompt.safetensors"
    assert (found["steps"], found["seed"], found["recipe"]["warmup"]) == (5, 2, 1)
    lm = pl.load(model)
    method = pl.load_method("my-prompt", lm)
    assert method.describe() == {name: found[name] for name in ("method", "knobs", "seed")}
    assert (method.knobs.prompt_length, method.knobs.text) == (3, "good")
    assert method.asked.answers == ("happy", "sad")
    task = pl.Task.from_csv("mine.csv", text="review", label="mood")
    told = pl.evaluate(lm, method, task)
    assert found["test"]["accuracy"] == told.accuracy
    assert found["test"]["loss"] == pytest.approx(told.loss)
    again = call("evaluate my-prompt", mine)
    assert (again.exit_code, again.stdout) == (0, f"{told}\n")


def interrupt(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Let Ctrl-C come in the middle of a step."""
    honest = Training.advance

    def advance(training: Training) -> pl.Step:
        if training.step + 1 == at:
            signal.raise_signal(signal.SIGINT)
        return honest(training)

    monkeypatch.setattr(Training, "advance", advance)


def test_what_was_trained_is_kept_and_the_same_command_goes_on(
    call: Call, mine: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = "train prefix_tuning --prefix-length 3 --steps 5 --batch-size 4 --out"
    assert call(whole, "whole", mine).exit_code == 0
    with monkeypatch.context() as patched:
        interrupt(patched, at=3)
        stopped = call(whole, "parts", mine)
    assert (stopped.exit_code, stopped.stdout) == (130, "")
    assert stopped.stderr.endswith(
        "Interrupted after step 3 of 5: what was trained is kept in parts.safetensors; the same "
        "command goes on from there.\n"
    )
    other = call(whole, "parts", mine, "--learning-rate 0.5")
    assert (other.exit_code, other.stderr.splitlines()[-1]) == (
        1,
        "parts.safetensors holds a prefix_tuning that was begun with other knobs; give those to "
        "go on, name another --out, or remove it.",
    )
    on = call(whole, "parts", mine)
    assert on.exit_code == 0
    assert "parts.safetensors goes on after step 3 of 5." in on.stderr
    lm = pl.load(model)
    parts, never = (pl.load_method(name, lm).state_dict() for name in ("parts", "whole"))
    assert all(torch.equal(parts[name], value) for name, value in never.items())


def test_what_a_run_was_before_it_diverged_is_kept(
    call: Call, mine: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Training.advance

    def advance(training: Training) -> pl.Step:
        return honest(training) if training.step < 2 else training.restore_last_good(float("nan"))

    monkeypatch.setattr(Training, "advance", advance)
    done = call(PROMPT, mine)
    assert (done.exit_code, done.stdout) == (1, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("The loss or its gradient is not finite at step 3 ")
    assert last.endswith(" What is kept is in my-prompt.safetensors.")
    assert pl.load_method("my-prompt", pl.load(model)).knobs.prompt_length == 3


def test_the_second_ctrl_c_interrupts_at_once() -> None:
    # Tests that a shell runs in the background ignore Ctrl-C, and Python with them.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), stopping() as asked:  # noqa: PT012
            signal.raise_signal(signal.SIGINT)
            assert asked.is_set()
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("--csv none.csv --text review --label mood", "'none.csv' cannot be read as CSV (No suc"),
        ("--csv mine.csv --text sentence --label mood", "mine has no column 'sentence'; its colu"),
        ("--task films", "task='films' is unknown; choose one of movie_reviews, "),
        ("--csv mine.csv --text review --label mood --clip nan", "clip=nan is out of range; "),
        ("--csv mine.csv --text review --label mood --out full", "full.safetensors holds a traine"),
        (
            "--csv mine.csv --text review --label mood --out mine.csv/x",
            "The folder mine.csv cannot",
        ),
        ("--csv mine.csv --text review --label mood --backbone nix", "Unknown backbone 'nix'; "),
    ],
)
def test_a_value_that_cannot_be_is_one_sentence_and_nothing_is_trained(
    given: str, words: str, call: Call, mine: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lm = pl.load(model)
    task = pl.Task.from_csv("mine.csv", text="review", label="mood")
    pl.save(pl.PromptTuning(lm, task), "full")
    monkeypatch.setattr(Training, "advance", lambda _: pytest.fail("a step was taken"))
    done = call("train prompt_tuning --out new", given)
    *chatter, last = done.stderr.splitlines()
    assert (done.exit_code, done.stdout) == (1, "")
    assert last.startswith(words)
    assert last.endswith(".")
    assert all("Traceback" not in line for line in chatter)
    assert not Path("new.safetensors").exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("prompt_tuning --task tweets", "Missing option '--out'."),
        ("prompt_tuning --out new", "Give either --csv, --text and --label together, or --task."),
        ("prompt_tuning --out new --csv mine.csv --text review", "Give either --csv, --text and"),
        ("prompt_tuning --out new --task tweets --label mood", "Give either --csv, --text and"),
        ("prompt_tuning --out new --task tweets --prompt-length 0", "0 is not in the range 1<=x<="),
        ("prompt_tuning --out new --task tweets --init words", "'words' is not one of 'uniform', "),
        ("prompt_tuning --out new --task tweets --depth 3", "No such option '--depth'"),
        ("prompt_tunin --out new --task tweets", "No such command 'prompt_tunin'"),
        ("in_context --out new --task tweets", "No such command 'in_context'"),
    ],
)
def test_what_is_not_called_so_has_the_status_2(given: str, words: str, call: Call) -> None:
    done = call(f"train {given}")
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr


@pytest.mark.parametrize("kind", pl.METHODS.values(), ids=lambda kind: kind.name)
def test_help_has_an_option_for_every_knob(kind: type[pl.Method], call: Call) -> None:
    done = call(f"train {kind.name} --help")
    if not kind.learning_rate:  # there is nothing to train
        assert done.exit_code == 2
        return
    told = " ".join(done.stdout.split())
    for declared in (*kind.Knobs.declared(), *pl.Recipe.declared()):
        flag, help = f"-{declared.name.replace('_', '-')} ", declared.metadata["help"]
        assert flag in told
        assert f"{help[:1].upper()}{help[1:]}." in told
        if isinstance(default := declared.default, int | float) and not isinstance(default, bool):
            assert f"[default: {default}" in told


def test_every_value_of_a_knob_reaches_the_method(call: Call, mine: str) -> None:
    given: dict[str, Any] = {"prefix_length": 4, "layers": "first:2", "dropout": 0.5}
    words = (f"--{name.replace('_', '-')} {value}" for name, value in given.items())
    done = call("train p_tuning_v2 --out v2 --steps 1 --json", mine, *words)
    assert json.loads(done.stdout)["knobs"].items() >= given.items()
