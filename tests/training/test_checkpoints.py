"""Checkpoints: what is saved comes back, and goes on as if it had never stopped."""

import json
import os
import struct
from copy import deepcopy
from dataclasses import replace
from itertools import islice

import pytest
import torch
from reference import same
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import prefixlab
from prefixlab import (
    Backbone,
    TrainingDiverged,
    Verbalizer,
    create,
    load_method,
    resume,
    save,
    train,
)
from prefixlab.data.examples import dataset
from prefixlab.evaluation.choices import scores
from prefixlab.training.checkpoints import LARGEST_HEADER, CheckpointError
from prefixlab.training.loop import Step, snapshot

MLP = {"reparameterization": "mlp", "init": "uniform", "prefix_length": 4, "mlp_hidden": 16}
SMALL_MLP = MLP | {"prefix_length": 30, "mlp_hidden": 1}  # fewer parameters than it computes
METHODS = [
    ("discrete_prompt", {"template": "{x} it was {y}"}),
    ("in_context", {"demonstrations": 2, "order": 1}),
    ("prompt_tuning", {"init": "vocabulary"}),
    ("prefix_tuning", {"layers": "0,2", "init": "matched"}),
    ("prefix_tuning", MLP),
    ("prefix_tuning", SMALL_MLP),
    ("cartridge", {"prefix_length": 6, "frozen": 2}),
    ("p_tuning", {"encoder": "lstm"}),
    ("p_tuning", {"encoder": "none"}),
    ("p_tuning_v2", {"prefix_length": 4}),
    ("infix", {"prefix_length": 4}),
    ("warp", {"prompt_length": 3}),
    ("linear_probe", {}),
    ("bias_only", {}),
    ("lora", {"rank": 2}),
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
    assert again.asked == method.asked
    assert all(value.requires_grad for value in again.parameters())
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
        (OSError(28, "No space left on device"), prefixlab.training.checkpoints, "save_file"),
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
        CheckpointError, match="made for tiny-gpt2, not for tiny-llama: the weights differ"
    ):
        load_method(path, llama)
    twin = Backbone("elsewhere", gpt2.model, gpt2.tokenizer)
    assert load_method(path, twin)
    namesake = Backbone("tiny-gpt2", deepcopy(gpt2.model), gpt2.tokenizer)
    next(namesake.model.parameters()).data += 0.01
    with pytest.raises(CheckpointError, match="made for tiny-gpt2, not for tiny-gpt2: the weights"):
        load_method(path, namesake)


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
    with pytest.raises(CheckpointError, match="does not fit prompt_tuning with its knobs"):
        load_method(save(method, tmp_path / "mine"), gpt2)


def test_a_method_without_its_training_cannot_be_resumed(gpt2, task, method, tmp_path):
    path = save(method, tmp_path / "mine")
    with pytest.raises(CheckpointError, match=r"no training run; save it with save\(method, path,"):
        resume(path, gpt2, task)


@every_method
def test_nothing_is_computed_to_be_overwritten(gpt2, task, name, knobs, tmp_path, monkeypatch):
    """But demonstrations, which are text: the keys and values they leave are read again."""
    method = create(name, gpt2, task, **knobs)
    path = save(method, tmp_path / "mine")
    read = []
    monkeypatch.setattr(gpt2, "read_past", lambda ids: read.append(ids) or method.past)
    load_method(path, gpt2)
    assert len(read) == (name == "in_context")


def swapped(task):
    """The same examples, with their answers in the other order."""
    turned = {
        split: dataset([(row["x"], 1 - row["y"]) for row in getattr(task, split)])
        for split in ("train", "validation", "test")
    }
    return replace(task, verbalizer=Verbalizer(task.verbalizer.words[::-1]), **turned)


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("prompt_tuning", {}),
        ("in_context", {"demonstrations": 2}),
        ("linear_probe", {}),
        ("warp", {"prompt_length": 3}),
        ("p_tuning_v2", {"prefix_length": 3}),
    ],
)
def test_answers_are_found_by_their_words(gpt2, task, name, knobs, tmp_path):
    method = moved(create(name, gpt2, task, **knobs))
    if head := getattr(method, "head", None):
        with torch.no_grad():
            head.values[1] += 0.5
    again = load_method(save(method, tmp_path / "mine"), gpt2)
    there = swapped(task)
    ours, theirs = scores(gpt2, method, task, task.test), scores(gpt2, again, there, there.test)
    assert torch.equal(ours, theirs.flip(1))
    assert not torch.equal(ours, theirs)


def test_a_head_answers_with_some_of_its_words(gpt2, task):
    words = ("negative", "positive", "mixed")
    method = create("linear_probe", gpt2, replace(task, verbalizer=Verbalizer(words)))
    with torch.no_grad():
        method.head.values[:, -1] = torch.tensor([1.0, 2.0, 3.0])
    two = replace(task, verbalizer=Verbalizer(("mixed", "negative")))
    assert (scores(gpt2, method, two, two.test) == torch.tensor([3.0, 1.0])).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda task: replace(task, name="books"), "was trained on films, not on books"),
        (lambda task: replace(task, train=task.test), "trained on other examples of films"),
        (lambda task: replace(task, validation=task.test), "trained on other examples of films"),
        (swapped, "trained on other examples of films"),
    ],
)
def test_a_run_goes_on_with_its_own_examples_alone(gpt2, task, method, tmp_path, change, words):
    run = train(gpt2, method, task, steps=3, validate_every=1)
    run.advance()
    path = save(method, tmp_path / "half", run)
    assert resume(path, gpt2, replace(task, test=task.validation)).step == 1
    with pytest.raises(CheckpointError, match=words):
        resume(path, gpt2, change(task))


def test_resuming_leaves_other_sources_of_randomness_alone(gpt2, task, method, tmp_path):
    run = train(gpt2, method, task, steps=3)
    run.advance()
    path = save(method, tmp_path / "half", run)
    torch.manual_seed(99)
    before = torch.get_rng_state()
    resume(path, gpt2, task).advance()
    assert torch.equal(torch.get_rng_state(), before)


def test_others_may_read_it_as_far_as_the_umask_allows(method, tmp_path):
    mask = os.umask(0o022)
    try:
        assert save(method, tmp_path / "mine").stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(mask)


def rewritten(path, change):
    """The file with another header, and other tensors, than it was saved with."""
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["prefixlab"])
    tensors = load_file(path)
    header = change(about, tensors)
    header = header if isinstance(header, str) else json.dumps(about)
    save_file(tensors, path, metadata={"prefixlab": header})


def entry(*path):
    """A change that sets an entry of the header to the last of `path`."""

    def change(about, tensors):
        *names, last, value = path
        for name in names:
            about = about[name]
        about[last] = value

    return change


def without(*path):
    def change(about, tensors):
        *names, last = path
        for name in names:
            about = about[name]
        del about[last]

    return change


def tensor(name, value):
    def change(about, tensors):
        tensors[name] = value(tensors[name]) if callable(value) else value

    return change


def nan(value):
    value = value.clone()
    value.view(-1)[0] = float("nan")
    return value


RUN = "training.optimizer.0.exp_avg"
DAMAGE = {
    "a list for a header": (lambda *_: "[]", "is not a checkpoint of prefixlab"),
    "null for a header": (lambda *_: "null", "is not a checkpoint of prefixlab"),
    "no JSON": (lambda *_: "{", "its header is no JSON"),
    "a number of many digits": (lambda *_: "9" * 5000, "its header is no JSON"),
    "nested lists": (lambda *_: "[" * 100_000 + "]" * 100_000, "its header is no JSON"),
    "the format before": (entry("format", "prefixlab-1"), "format prefixlab-1.*train again"),
    "a format of a kind": (entry("format", ["prefixlab-2"]), "is not a checkpoint"),
    "knobs that are text": (entry("knobs", "prompt_length"), "its knobs is no dict"),
    "a knob too many": (entry("knobs", "depth", 3), "no knob 'depth'"),
    "a knob out of range": (entry("knobs", "prompt_length", 10**9), "prompt_length=10+ is out of"),
    "a knob that does not fit": (entry("knobs", "prompt_length", 4), r"F32 of \[4, 32\]"),
    "no method of that name": (entry("method", "soft_prompt"), "no method 'soft_prompt'"),
    "a seed below zero": (entry("seed", -1), "seed=-1"),
    "no seed": (without("seed"), "its seed is no int"),
    "a template without x": (entry("template", "{y}"), "0 times {x}"),
    "a template without slots": (entry("template", "{x} {y}"), "not as many soft slots"),
    "a template of many slots": (entry("template", "{soft:900}{x} {y}"), "soft slots"),
    "answers that are numbers": (entry("answers", [1, 2]), "is damaged"),
    "one answer": (entry("answers", ["good"]), "at least two answers"),
    "no answers": (entry("answers", None), "its answers is no list"),
    "texts that are numbers": (entry("texts", [1]), r"texts\[0\]"),
    "a step below zero": (entry("training", "step", -7), "step -7 of 3 cannot be"),
    "a step beyond the last": (entry("training", "step", 4), "step 4 of 3 cannot be"),
    "a step that is true": (entry("training", "step", True), "its step is no int"),
    "a best loss of NaN": (entry("training", "best_loss", float("nan")), "best loss is no number"),
    "a recipe of no steps": (entry("training", "recipe", "steps", 0), "steps=0"),
    "a recipe that is a list": (entry("training", "recipe", []), "its recipe is no dict"),
    "training that is text": (entry("training", "on"), "its step is no int"),
    "another optimizer": (entry("training", "recipe", "optimizer", "adafactor"), "not belong"),
    "no parameters": (lambda about, tensors: tensors.pop("method.prompt.values"), "it lacks pro"),
    "parameters too many": (tensor("method.more", torch.zeros(3)), "it has a more"),
    "parameters in halves": (tensor("method.prompt.values", torch.Tensor.half), "is F16 of"),
    "parameters of NaN": (tensor("method.prompt.values", nan), "prompt.values is not finite"),
    "parameters of infinity": (
        tensor("method.prompt.values", lambda value: value / 0),
        "prompt.values is not finite",
    ),
    "no moments": (lambda about, tensors: tensors.pop(RUN), "it lacks optimizer.0.exp_avg"),
    "moments cut": (tensor(RUN, lambda value: value[:2].clone()), r"F32 of \[2, 32\]"),
    "moments of NaN": (tensor(RUN, nan), "exp_avg is not finite"),
    "moments of another parameter": (tensor("training.optimizer.7.step", torch.ones(())), "has a"),
}


@pytest.mark.parametrize(("change", "words"), DAMAGE.values(), ids=DAMAGE)
def test_what_a_file_says_is_checked(gpt2, task, tmp_path, change, words):
    method = create("prompt_tuning", gpt2, task, prompt_length=3)
    run = train(gpt2, method, task, steps=3, validate_every=1, patience=2)
    run.advance()
    path = save(method, tmp_path / "mine", run)
    rewritten(path, change)
    with pytest.raises(CheckpointError, match=words) as caught:
        resume(path, gpt2, task)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_a_header_of_gigabytes_is_not_read(gpt2, method, tmp_path):
    path = save(method, tmp_path / "mine")
    path.write_bytes(struct.pack("<Q", LARGEST_HEADER + 1) + path.read_bytes()[8:])
    with pytest.raises(CheckpointError, match="header would have 16777217 bytes"):
        load_method(path, gpt2)


def test_all_of_the_best_parameters_or_none_are_in_a_file(gpt2, task, tmp_path):
    method = create("combined", gpt2, task, prefix_length=2, prompt_length=2)
    run = train(gpt2, method, task, steps=3, validate_every=1, patience=2)
    run.advance()
    path = save(method, tmp_path / "mine", run)
    rewritten(path, lambda about, tensors: tensors.pop("training.best.parts.0.prefix.values"))
    with pytest.raises(CheckpointError, match=r"it lacks best\.parts\.0\.prefix\.values"):
        resume(path, gpt2, task)
