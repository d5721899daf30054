"""What all methods share: the registry, costs, seeds."""

import pytest
import torch

from prefixlab import METHODS, Method, create, geometry
from prefixlab.methods.reparameterization import LSTM, MLP, lstm_parameters, mlp_parameters

KNOBS = [
    ("discrete_prompt", {}),
    ("in_context", {}),
    ("prompt_tuning", {"prompt_length": 1}),
    ("prompt_tuning", {"prompt_length": 30, "init": "vocabulary"}),
    ("prefix_tuning", {"prefix_length": 1}),
    ("prefix_tuning", {"prefix_length": 30, "layers": "0,2", "init": "uniform"}),
    ("prefix_tuning", {"reparameterization": "mlp", "mlp_hidden": 3, "init": "uniform"}),
    ("prefix_tuning", {"reparameterization": "mlp", "layers": "1", "init": "uniform"}),
    ("p_tuning", {"encoder": "none"}),
    ("p_tuning", {"encoder": "mlp", "template": "{soft:1}{x}{soft:9}{y}"}),
    ("p_tuning", {"encoder": "lstm", "template": "{x}{soft:4}{y}"}),
    ("p_tuning_v2", {"prefix_length": 3}),
    ("p_tuning_v2", {"classifier": "verbalizer", "layers": "1-2"}),
    ("p_tuning_v2", {"reparameterization": "mlp", "mlp_hidden": 20}),
    ("infix", {"prefix_length": 4}),
    ("infix", {"reparameterization": "mlp", "mlp_hidden": 20}),
    ("warp", {"prompt_length": 3}),
    ("linear_probe", {}),
    ("bias_only", {}),
    ("adapters", {"bottleneck": 5}),
    ("fine_tuning", {}),
    ("fine_tuning", {"top": 2}),
    ("gated_prefix", {"prefix_length": 3}),
    ("gated_prefix", {"gate": "layer", "layers": "0,2"}),
    ("adaptive_prefix", {"prefix_length": 3}),
    ("adaptive_prefix", {"layers": "1", "reparameterization": "mlp", "mlp_hidden": 20}),
    ("convolution", {"width": 4}),
    ("combined", {"prefix_length": 2, "prompt_length": 3}),
    ("combined", {"beside": "bias"}),
]


def parameters(method: Method) -> list[torch.Tensor]:
    return list(method.state_dict().values())


def test_the_registry_names_the_methods():
    assert all(method.name == name for name, method in METHODS.items())
    assert set(METHODS) == {name for name, _ in KNOBS}


@pytest.mark.parametrize(("name", "knobs"), KNOBS)
def test_the_cost_is_the_count_of_parameters_before_and_after_dropping(tiny, task, name, knobs):
    method = create(name, tiny, task, **knobs)
    cost = METHODS[name].cost(tiny.geometry, **knobs)
    assert cost.trained == method.parameters_now()
    method.drop_reparameterization()
    assert cost.stored == method.parameters_now()
    assert cost.stored_bytes == 4 * cost.stored
    assert cost.share == cost.stored / tiny.geometry.parameters


def test_five_positions_of_prefix_on_gpt2_medium_are_the_paper_s_245760_numbers():
    cost = METHODS["prefix_tuning"].cost(geometry("gpt2-medium"), prefix_length=5)
    assert cost.stored == cost.trained == 245_760


def test_networks_have_as_many_parameters_as_the_formulas_say():
    for network, formula in (
        (MLP(3, 8, 5, 12), mlp_parameters(3, 8, 5, 12)),
        (LSTM(3, 8), lstm_parameters(3, 8)),
    ):
        assert sum(p.numel() for p in network.parameters()) == formula


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("prompt_tuning", {"init": "uniform"}),
        ("prompt_tuning", {"init": "vocabulary"}),
        ("prefix_tuning", {"init": "uniform"}),
        ("prefix_tuning", {"init": "matched"}),
        ("prefix_tuning", {"init": "uniform", "reparameterization": "mlp", "mlp_hidden": 8}),
        ("p_tuning", {"encoder": "none"}),
        ("p_tuning", {"encoder": "lstm"}),
        ("p_tuning_v2", {"init": "matched"}),
        ("adapters", {}),
    ],
)
def test_a_seed_fixes_every_random_choice_and_disturbs_none_outside(gpt2, task, name, knobs):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = parameters(create(name, gpt2, task, seed=5, **knobs))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again = parameters(create(name, gpt2, task, seed=5, **knobs))
    other = parameters(create(name, gpt2, task, seed=6, **knobs))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("name", METHODS)
def test_a_template_of_one_s_own_takes_the_place_of_the_task_s(gpt2, task, name):
    text = "{soft:1}{x} it was {y}" if name == "p_tuning" else "{x} it was {y}"
    method = create(name, gpt2, task, template=text)
    prompt = method.rows(gpt2, task.test.select([0]), task)[0].prompt
    words = [token for token in prompt if token >= 0]
    assert gpt2.tokenizer.decode(words[-6:]).endswith("it was")


def test_what_a_method_is_can_be_written_down_and_made_again(gpt2, task):
    method = create("prefix_tuning", gpt2, task, seed=3, prefix_length=4, init="matched")
    about = method.describe()
    same = create(about["method"], gpt2, task, seed=about["seed"], **about["knobs"])
    assert torch.equal(same.prefix(), method.prefix())


def laid(name, **knobs):
    """Label, length, what it is at the input, and what it is in layers 0 and 2 of 12."""
    return [
        (p.label, p.length, p.at_input, p.layers.get(0), p.layers.get(2))
        for p in METHODS[name].positions(geometry("gpt2"), **knobs)
        if p.length
    ]


QUERY = [("Review:", 1, "text"), ("x", 6, "text"), ("Sentiment:", 1, "text"), ("y", 1, "text")]
PLAIN = [(*part, None, None) for part in QUERY]


@pytest.mark.parametrize(
    ("name", "knobs", "front"),
    [
        ("discrete_prompt", {}, []),
        ("prompt_tuning", {"prompt_length": 3}, [("virtual", 3, "trained", None, None)]),
        (
            "in_context",
            {"demonstrations": 2},
            [("2 demonstrations", 2 * 9, "read", "read", "read")],
        ),
        ("in_context", {"demonstrations": 0}, []),
        ("prefix_tuning", {"prefix_length": 5}, [("prefix", 5, "none", "trained", "trained")]),
        ("prefix_tuning", {"layers": "2-3"}, [("prefix", 10, "none", "none", "trained")]),
    ],
)
def test_what_a_method_puts_in_front_and_in_which_layers(name, knobs, front):
    assert laid(name, **knobs) == front + PLAIN


def test_an_infix_stands_behind_x_in_every_layer():
    found = laid("infix", prefix_length=5)
    assert found == [*PLAIN[:2], ("infix", 5, "none", "trained", "trained"), *PLAIN[2:]]


def test_what_is_computed_with_trained_weights_is_shown_as_such():
    top = laid("fine_tuning", top=10)
    assert [part[2:] for part in top] == [("text", None, "changed")] * 4
    whole = laid("fine_tuning")
    assert [part[2:] for part in whole] == [("changed",) * 3] * 4
    for name in ("bias_only", "adapters"):
        assert [part[2:] for part in laid(name)] == [("text", "changed", "changed")] * 4


def test_soft_slots_stand_where_the_template_has_them():
    found = laid("p_tuning", template="{soft:2}{x} so {soft:3} {y}!")
    assert [part[:3] for part in found] == [
        ("virtual", 2, "trained"),
        ("x", 6, "text"),
        ("so", 1, "text"),
        ("virtual", 2, "trained"),
        ("virtual", 1, "trained"),
        ("y", 1, "text"),
        ("!", 1, "text"),
    ]


@pytest.mark.parametrize("name", METHODS)
def test_the_answer_is_read_in_the_last_layer_just_before_it(name):
    found = METHODS[name].positions(geometry("gpt2"))
    answers = [i for i, part in enumerate(found) if "answer" in part.layers.values()]
    assert [(found[i].length, found[i + 1].label) for i in answers] == [(1, "y")]
    layers = found[answers[0]].layers
    assert [layer for layer, what in layers.items() if what == "answer"] == [11]
    assert {what for what in layers.values() if what != "answer"} <= {"changed"}


@pytest.mark.parametrize("name", ["prompt_tuning", "prefix_tuning", "p_tuning", "infix"])
def test_the_trained_cells_are_as_many_as_the_cost_says(name):
    size = geometry("gpt2")
    stored = 0
    for part in METHODS[name].positions(size):
        stored += part.length * size.hidden * (part.at_input == "trained")
        stored += part.length * 2 * size.kv_width * list(part.layers.values()).count("trained")
    assert stored == METHODS[name].cost(size).stored


def test_impossible_knobs_have_no_positions(gpt2):
    with pytest.raises(ValueError, match="names no layers"):
        METHODS["prefix_tuning"].positions(gpt2.geometry, layers="0-99")
    with pytest.raises(ValueError, match="no soft slot"):
        METHODS["p_tuning"].positions(gpt2.geometry, template="{x}{y}")
    with pytest.raises(ValueError, match="use p_tuning"):
        METHODS["prompt_tuning"].positions(gpt2.geometry, template="{soft:1}{x}{y}")
