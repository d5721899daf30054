"""The methods that change what the model computes: against models that were changed by hand."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from reference import close, moved, plain
from torch import nn

from prefixlab import Edit, Verbalizer, create, train
from prefixlab.evaluation.choices import scores

CHANGING = [
    ("linear_probe", {}),
    ("warp", {"prompt_length": 3}),
    ("bias_only", {}),
    ("lora", {"rank": 2}),
    ("adapters", {"bottleneck": 4}),
    ("fine_tuning", {}),
    ("fine_tuning", {"top": 2}),
    ("p_tuning_v2", {"prefix_length": 4}),
    ("infix", {"prefix_length": 4}),
    ("gated_prefix", {"prefix_length": 4}),
    ("adaptive_prefix", {"prefix_length": 4}),
    ("convolution", {"width": 3}),
    ("combined", {}),
    ("combined", {"beside": "bias"}),
]


@pytest.fixture
def tokens(lm):
    """Two texts of the same length, [2, 7]."""
    source = torch.Generator().manual_seed(0)
    return torch.randint(5, lm.geometry.vocabulary, (2, 7), generator=source)


def changed_by_hand(lm, change):
    """The logits of a copy of the model, computed by transformers alone, after `change`."""
    with plain(lm, "sdpa") as model:
        copy = deepcopy(model)
    change(copy)
    return lambda tokens: copy(tokens).logits


def test_a_trained_bias_is_a_bias(tiny, task):
    method = moved(create("bias_only", tiny, task))
    tokens = torch.arange(5, 19).view(2, 7)

    def add_biases(model):
        parts = method.bias().detach().split(list(tiny.geometry.linear_maps.values()))
        for name, part in zip(tiny.geometry.linear_maps, parts, strict=True):
            linear = model.get_submodule(name)
            before = 0 if linear.bias is None else linear.bias.detach()
            linear.bias = nn.Parameter(before + part)

    close(tiny.logits(tokens, method.conditioning()), changed_by_hand(tiny, add_biases)(tokens))


def test_an_adapter_stands_after_each_sublayer_before_it_is_added(tiny, task):
    method = moved(create("adapters", tiny, task, bottleneck=4))
    tokens = torch.arange(5, 19).view(2, 7)
    kind = {"gpt2": ("attn.c_proj", "mlp.c_proj"), "llama": ("self_attn.o_proj", "mlp.down_proj")}
    ends = kind[tiny.model.config.model_type]
    assert len(method.sublayers) == 2 * tiny.geometry.layers
    assert all(name.endswith(ends[i % 2]) for i, name in enumerate(method.sublayers))

    def put_behind(model):
        for name, adapter in zip(method.sublayers, method.adapters, strict=True):
            parent, _, last = name.rpartition(".")
            linear = model.get_submodule(name)
            setattr(model.get_submodule(parent), last, nn.Sequential(linear, adapter))

    close(tiny.logits(tokens, method.conditioning()), changed_by_hand(tiny, put_behind)(tokens))


@pytest.mark.parametrize("top", [0, 2])
def test_fine_tuning_is_that_of_a_model_that_is_no_longer_frozen(tiny, task, top):
    method = moved(create("fine_tuning", tiny, task, top=top), by=0.02)
    tokens = torch.arange(5, 19).view(2, 7)
    copies = []

    def load(model):
        state = dict(zip(method.names, (w.detach() for w in method.weights), strict=True))
        model.load_state_dict(state, strict=False)
        model.tie_weights()
        copies.append(model.requires_grad_(True))

    ours, theirs = tiny.logits(tokens, method.conditioning()), changed_by_hand(tiny, load)(tokens)
    close(ours, theirs)
    ours.square().sum().backward()
    theirs.square().sum().backward()
    named = dict(copies[0].named_parameters())
    for name, weight in zip(method.names, method.weights, strict=True):
        close(weight.grad, named[name].grad, tolerance=1e-3)
    assert top or set(method.names) == set(named)
    layers = {name.split(".")[2] for name in method.names if name.split(".")[1] in ("h", "layers")}
    assert layers == ({"0", "1", "2"} if not top else {"1", "2"})


@pytest.mark.parametrize("name", ["bias_only", "adapters", "fine_tuning"])
def test_before_the_first_step_the_model_is_as_it_was(tiny, task, name):
    words = create("discrete_prompt", tiny, task)
    close(
        scores(tiny, create(name, tiny, task), task, task.test),
        scores(tiny, words, task, task.test),
    )


def test_warp_starts_as_prompt_tuning_with_the_words_of_the_answers(tiny, task):
    knobs = {"prompt_length": 4, "init": "vocabulary"}
    ours = scores(tiny, create("warp", tiny, task, **knobs), task, task.test)
    theirs = scores(tiny, create("prompt_tuning", tiny, task, **knobs), task, task.test)
    close(ours, theirs)


def test_a_probe_is_a_linear_map_of_the_last_activation(tiny, task):
    method = moved(create("linear_probe", tiny, task))
    rows = method.rows(tiny, task.test, task)
    found = scores(tiny, method, task, task.test)
    rows_of_head = method.head.values.detach()
    for row, scored in zip(rows, found, strict=True):
        with plain(tiny, "sdpa") as model, torch.no_grad():
            last = model.base_model(torch.tensor([row.prompt])).last_hidden_state[0, -1]
        close(scored, rows_of_head[:, :-1] @ last + rows_of_head[:, -1])


@pytest.mark.parametrize(("name", "knobs"), CHANGING)
def test_a_step_changes_the_method_s_parameters_and_nothing_of_the_model(tiny, task, name, knobs):
    method = create(name, tiny, task, **knobs)
    model = {key: value.clone() for key, value in tiny.model.state_dict().items()}
    before = [parameter.detach().clone() for parameter in method.parameters()]
    assert before
    # Two steps: the first moves an adapter's W_up, the second what stands before it.
    for _ in train(tiny, method, task, steps=2, batch_size=8, learning_rate=0.01):
        pass
    pairs = zip(before, method.parameters(), strict=True)
    assert not any(torch.equal(old, new) for old, new in pairs)
    assert all(torch.equal(model[key], value) for key, value in tiny.model.state_dict().items())
    assert all(parameter.grad is None for parameter in tiny.model.parameters())


@pytest.mark.parametrize(("name", "knobs"), CHANGING)
def test_the_model_is_left_as_it_was_after_a_pass_and_after_an_error(tiny, task, name, knobs):
    tokens = torch.arange(5, 19).view(2, 7)
    before = tiny.logits(tokens)
    method = moved(create(name, tiny, task, **knobs))
    scores(tiny, method, task, task.test)
    assert torch.equal(tiny.logits(tokens), before)

    def fail(_, output):
        raise RuntimeError("in the middle of a pass")

    failing = Edit(outputs={next(iter(tiny.geometry.linear_maps)): fail})
    given = method.conditioning()
    given = replace(given, edits=[*given.edits, failing])
    with pytest.raises(RuntimeError, match="in the middle"):
        tiny.logits(tokens, given)
    assert torch.equal(tiny.logits(tokens), before)


def test_a_head_refuses_labels_it_has_not_seen(gpt2, task):
    method = create("linear_probe", gpt2, task)
    three = replace(task, verbalizer=Verbalizer((*task.verbalizer.words, "middling")))
    with pytest.raises(ValueError, match="for negative, positive, and films asks for middling"):
        scores(gpt2, method, three, three.test)


@pytest.mark.parametrize("name", ["linear_probe", "warp", "p_tuning_v2"])
def test_a_head_needs_labels(gpt2, task, name):
    with pytest.raises(ValueError, match=f"{name} chooses among labels, and films asks for free"):
        create(name, gpt2, replace(task, verbalizer=None))


def test_more_top_layers_than_there_are(gpt2, task):
    with pytest.raises(ValueError, match="top=4 is more than the 3 layers of tiny-gpt2"):
        create("fine_tuning", gpt2, task, top=4)
