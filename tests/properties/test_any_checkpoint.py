"""Checkpoints: any knobs come back, and no file whatever does more than be refused."""

import json
import struct
from dataclasses import replace
from itertools import islice

import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st
from reference import same
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from prefixlab import (
    METHODS,
    Template,
    Verbalizer,
    create,
    load_method,
    resume,
    save,
    train,
)
from prefixlab.evaluation.choices import scores
from prefixlab.training.checkpoints import CheckpointError
from prefixlab.training.loop import snapshot

SMALL = {
    "rank",
    "prefix_length",
    "prompt_length",
    "mlp_hidden",
    "bottleneck",
    "width",
}
FIXED = {
    "maps": ["all"],
    "layers": ["all", "0", "1-2", "last:1"],
    "order": [0],
    "top": [0, 1, 2],
    "frozen": [0],
    "demonstrations": [1, 2],
}
WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
FEW = st.text(st.characters(codec="utf-8"), min_size=1, max_size=4)  # demonstrations repeat them


def quick(cases):
    return settings(
        max_examples=cases,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@st.composite
def chosen(draw):
    """A method and knobs that it can have on a tiny model."""
    name = draw(st.sampled_from(sorted(METHODS)))
    knobs = {}
    for declared in METHODS[name].Knobs.declared():
        about = declared.metadata
        if declared.name in SMALL:
            values = st.integers(max(1, about["low"]), 3)
        elif about["choices"]:
            values = st.sampled_from(about["choices"])
        elif declared.name in FIXED:
            values = st.sampled_from(FIXED[declared.name])
        elif isinstance(declared.default, bool):
            values = st.booleans()
        elif declared.name in ("words", "text"):
            values = st.one_of(st.just(""), WORDS.map(lambda word: f"a warm film{word}"))
        elif declared.name == "template":
            slots = "{soft:2}" if name == "p_tuning" else ""
            values = FEW.map(
                lambda word, slots=slots: (
                    slots + word.replace("{", "{{").replace("}", "}}") + " {x}: {y}"
                )
            )
        else:
            values = st.floats(max(0.0, about["low"]), 0.9)
        knobs[declared.name] = draw(values)
    return name, knobs, draw(st.integers(0, 2**32 - 1))


@quick(60)
@given(chosen(), st.booleans())
def test_any_method_comes_back(gpt2, task, tmp_path, what, dropped):
    name, knobs, seed = what
    method = create(name, gpt2, task, seed=seed, **knobs)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter += 0.1
    if dropped:
        method.drop_reparameterization()
    again = load_method(save(method, tmp_path / "mine"), gpt2)
    assert (again.describe(), again.asked) == (method.describe(), method.asked)
    assert same(snapshot(again), snapshot(method))
    few = task.test.select([0, 4])
    assert torch.equal(scores(gpt2, again, task, few), scores(gpt2, method, task, few))


@quick(100)
@given(
    st.sampled_from(["linear_probe", "prompt_tuning"]),
    st.lists(st.sampled_from("abcdefghij"), min_size=2, max_size=5, unique=True),
    st.data(),
)
def test_any_order_and_choice_of_its_answers_is_found_by_word(gpt2, task, name, words, data):
    task = replace(task, template=Template("{x}{y}"))  # each letter is a token
    method = create(name, gpt2, replace(task, verbalizer=Verbalizer(tuple(words))))
    with torch.no_grad():
        for parameter in method.parameters():
            parameter += torch.linspace(-1, 1, parameter.numel()).view(parameter.shape)
    asked = data.draw(st.lists(st.sampled_from(words), min_size=2, unique=True))
    few = task.test.select([0, 4])
    own = scores(gpt2, method, replace(task, verbalizer=Verbalizer(tuple(words))), few)
    found = scores(gpt2, method, replace(task, verbalizer=Verbalizer(tuple(asked))), few)
    torch.testing.assert_close(found, own[:, [words.index(word) for word in asked]])


@pytest.fixture(scope="module")
def run(gpt2, task, tmp_path_factory):
    """A file with a run in it, and its bytes."""
    method = create("prompt_tuning", gpt2, task, prompt_length=2)
    going = train(gpt2, method, task, steps=3, batch_size=4, validate_every=1, patience=2)
    list(islice(going, 2))
    path = save(method, tmp_path_factory.mktemp("run") / "half", going)
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["prefixlab"])
    return path.read_bytes(), about, load_file(path)


def refused_or_right(path, lm, task):
    """Whatever the file holds: it loads, or is refused in a sentence."""
    for way in (lambda: load_method(path, lm), lambda: resume(path, lm, task)):
        said = ""
        try:
            way()
        except CheckpointError as error:
            said = str(error)
        assert not said or (said.endswith(".") and "\n" not in said)


@quick(240)
@given(st.data())
def test_damaged_bytes_are_refused(gpt2, task, tmp_path, run, data):
    whole = bytearray(run[0])
    start = 8 + struct.unpack("<Q", whole[:8])[0]
    damage = data.draw(st.sampled_from(["cut", "header", "length", "anywhere"]))
    if damage == "cut":
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    else:
        low, high = {"header": (8, start), "length": (0, 8)}.get(damage, (0, len(whole)))
        for _ in range(data.draw(st.integers(1, 3))):
            whole[data.draw(st.integers(low, high - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(whole)
    refused_or_right(path, gpt2, task)


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.text(max_size=5),
        st.sampled_from(["prompt_tuning", "in_context", "{soft:3}{x}{y}", "adamw"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=4,
)


@quick(120)
@given(st.data())
def test_a_header_of_anything_is_refused(gpt2, task, tmp_path, run, data):
    about = json.loads(json.dumps(run[1]))
    place = about
    while True:
        entry = data.draw(st.sampled_from(sorted(place)))
        if not (isinstance(place[entry], dict) and place[entry] and data.draw(st.booleans())):
            break
        place = place[entry]
    place[entry] = data.draw(JSON)
    path = tmp_path / "other.safetensors"
    save_file(run[2], path, metadata={"prefixlab": json.dumps(about)})
    refused_or_right(path, gpt2, task)
