"""Checkpoints: what is saved comes back, and goes on as if it had never stopped."""

import os
from itertools import islice

import pytest
import torch
from reference import same
from safetensors.torch import load_file, save_file

import prefixlab
from prefixlab import Backbone, TrainingDiverged, create, load_method, resume, save, train
from prefixlab.checkpoints import CheckpointError
from prefixlab.evaluation import scores
from prefixlab.training import Step, snapshot

MLP = {"reparameterization": "mlp", "init": "uniform", "prefix_length": 4, "mlp_hidden": 16}
SMALL_MLP = MLP | {"prefix_length": 30, "mlp_hidden": 1}  # fewer parameters than it computes
METHODS = [
    ("discrete_prompt", {"template": "{x} it was {y}"}),
    ("in_context", {"demonstrations": 2, "order": 1}),
    ("prompt_tuning", {"init": "vocabulary"}),
    ("prefix_tuning", {"layers": "0,2", "init": "matched"}),
    ("prefix_tuning", MLP),
    ("prefix_tuning", SMALL_MLP),
    ("p_tuning", {"encoder": "lstm"}),
    ("p_tuning", {"encoder": "none"}),
    ("p_tuning_v2", {"prefix_length": 4}),
    ("infix", {"prefix_length": 4}),
    ("warp", {"prompt_length": 3}),
    ("linear_probe", {}),
    ("bias_only", {}),
    ("adapters", {"bottleneck": 4}),
    ("fine_tuning", {"top": 1}),
    ("gated_prefix", {"gate": "layer"}),
    ("adaptive_prefix", MLP),
    ("convolution", {"width": 3}),
    ("combined", {"beside": "bias"}),
]
every_method = pytest.mark.parametrize(("name", "knobs"), METHODS)


@pytest.fixture
def method(gpt2, task):
    return create("prompt_tuning", gpt2, task, prompt_length=3)


def moved(method):
    """Away from where its seed puts it."""
    with torch.no_grad():
        for parameter in method.parameters():
            parameter += 0.1
    return method


def told(steps: list[Step]) -> list[tuple[float, float, float | None]]:
    """What must not change by stopping and resuming: all of a step but its seconds."""
    return [
        (step.loss, step.learning_rate, step.validation and step.validation.loss) for step in steps
    ]


@every_method
@pytest.mark.parametrize("dropped", [False, True])
def test_a_method_comes_back_as_it_was(tiny, task, name, knobs, dropped, tmp_path):
    method = moved(create(name, tiny, task, seed=3, **knobs))
    if dropped:
        method.drop_reparameterization()
    again = load_method(save(method, tmp_path / "mine"), tiny)
    assert again.describe() == method.describe()
    assert same(snapshot(again), snapshot(method))
    ours, theirs = (scores(tiny, each, task, task.test) for each in (again, method))
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("name", "knobs", "recipe"),
    [
        ("prefix_tuning", {"prefix_length": 4}, {"warmup": 4, "weight_decay": 0.1}),
        ("prefix_tuning", MLP, {"optimizer": "adafactor", "warmup": 2}),
        ("prefix_tuning", MLP | {"layers": "1"}, {"validate_every": 2, "clip": 0.1}),
        ("prompt_tuning", {"init": "uniform"}, {"optimizer": "adafactor", "decay": "constant"}),
        ("p_tuning", {"encoder": "mlp"}, {"validate_every": 1, "patience": 2}),
        ("p_tuning", {"encoder": "lstm"}, {"warmup": 5, "seed": 3}),
        ("p_tuning", {"encoder": "lstm"}, {"optimizer": "adafactor", "validate_every": 3}),
    ],
)
def test_resumed_equals_uninterrupted(tiny, task, name, knobs, recipe, tmp_path):
    def fresh():
        method = create(name, tiny, task, **knobs)
        return train(tiny, method, task, **{"steps": 7, "batch_size": 6} | recipe)

    straight = fresh()
    expected = told(list(straight))

    interrupted = fresh()
    first = told(list(islice(interrupted, 3)))
    path = save(interrupted.method, tmp_path / "half", interrupted)
    torch.manual_seed(99)  # as in another process
    resumed = resume(path, tiny, task)

    assert first + told(list(resumed)) == expected
    assert same(snapshot(resumed.method), snapshot(straight.method))
    assert resumed.best_loss == straight.best_loss


@pytest.mark.parametrize("at", [1, 3, 4])
def test_early_stopping_goes_on_waiting_where_it_was(
    gpt2, task, method, at, tmp_path, validation_losses
):
    validation_losses([1.0, 0.5, 0.6, 0.7, 0.8, 0.1])
    run = train(gpt2, method, task, steps=20, validate_every=1, patience=3)
    states = [snapshot(run.method) for _ in islice(run, at)]
    resumed = resume(save(method, tmp_path / "half", run), gpt2, task)
    states += [snapshot(resumed.method) for _ in resumed]
    assert len(states) == 5
    assert same(snapshot(resumed.method), states[1])


def test_a_loss_that_diverges_just_after_resuming_keeps_what_was_saved(
    gpt2, task, method, tmp_path, poison
):
    run = train(gpt2, method, task, steps=6)
    run.advance()
    resumed = resume(save(method, tmp_path / "half", run), gpt2, task)
    poison(gpt2, call=1)
    with pytest.raises(TrainingDiverged, match="not finite at step 2"):
        resumed.advance()
    assert same(snapshot(resumed.method), snapshot(method))


@pytest.mark.parametrize(
    ("failure", "module", "function"),
    [
        (OSError(28, "No space left on device"), prefixlab.checkpoints, "save_file"),
        (OSError(5, "Input/output error"), os, "replace"),
    ],
)
def test_a_write_that_fails_leaves_the_old_file(
    gpt2, task, method, tmp_path, monkeypatch, failure, module, function
):
    path = save(method, tmp_path / "mine")
    before = path.read_bytes()

    def fail(*_, **__):
        raise failure

    monkeypatch.setattr(module, function, fail)
    with pytest.raises(
        CheckpointError, match=r"mine\.safetensors could not be written .*untouched"
    ):
        save(moved(method), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["mine.safetensors"]


def test_a_folder_is_made_and_the_ending_is_added_once(method, tmp_path):
    path = save(method, tmp_path / "runs" / "v1.0")
    assert path == tmp_path / "runs" / "v1.0.safetensors"
    assert save(method, path) == path


def test_a_checkpoint_of_another_backbone_is_refused(gpt2, llama, task, method, tmp_path):
    path = save(method, tmp_path / "mine")
    with pytest.raises(
        CheckpointError, match=r"for tiny-gpt2 \(3 layers of 32\), not for tiny-llama .*load tiny-g"
    ):
        load_method(path, llama)
    twin = Backbone("tiny-gpt2", gpt2.model, gpt2.tokenizer)
    assert load_method(path, twin)


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def scramble(path):
    path.write_bytes(b"\x00" * 8 + b"no tensors at all")


def strip(path):
    save_file(load_file(path), path)


def rename(path):
    path.rename(path.with_name("elsewhere"))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut, "cannot be read as a checkpoint"),
        (scramble, "cannot be read as a checkpoint"),
        (rename, "cannot be read as a checkpoint"),
        (strip, "is not a checkpoint of prefixlab"),
    ],
)
def test_a_damaged_or_foreign_file_is_refused(gpt2, task, method, tmp_path, damage, words):
    path = save(method, tmp_path / "mine")
    damage(path)
    with pytest.raises(CheckpointError, match=f"mine.safetensors {words}"):
        load_method(path, gpt2)


def test_parameters_that_do_not_fit_are_refused(gpt2, task, method, tmp_path):
    method.prompt.values = torch.nn.Parameter(torch.zeros(5, 32))
    with pytest.raises(CheckpointError, match="do not fit prompt_tuning with its knobs"):
        load_method(save(method, tmp_path / "mine"), gpt2)


def test_a_method_without_its_training_cannot_be_resumed(gpt2, task, method, tmp_path):
    path = save(method, tmp_path / "mine")
    with pytest.raises(CheckpointError, match=r"no training run; save it with save\(method, path,"):
        resume(path, gpt2, task)
