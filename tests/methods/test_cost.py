"""The cost of a method: its formula says what its own parameters are, on every kind of model."""

from time import perf_counter

import pytest

from prefixlab import METHODS, create, geometry

KNOBS = [
    ("discrete_prompt", {}),
    ("in_context", {}),
    ("prompt_tuning", {"prompt_length": 1}),
    ("prompt_tuning", {"prompt_length": 30, "init": "vocabulary"}),
    ("prefix_tuning", {"prefix_length": 1}),
    ("prefix_tuning", {"prefix_length": 30, "layers": "0,2", "init": "uniform"}),
    ("prefix_tuning", {"reparameterization": "mlp", "mlp_hidden": 3, "init": "uniform"}),
    ("prefix_tuning", {"reparameterization": "mlp", "layers": "1", "init": "uniform"}),
    ("cartridge", {"prefix_length": 3}),
    ("cartridge", {"prefix_length": 4, "frozen": 2}),
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
    ("lora", {"rank": 3}),
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
# What an encoder and an encoder-decoder can be steered with.
TAKEN = {
    "bert": {"p_tuning_v2", "linear_probe", "fine_tuning"},
    "t5": set(METHODS) - {"in_context", "cartridge", "infix"},
}
CASES = [
    (model, name, knobs)
    for model in ("gpt2", "llama", "wide", "bert", "t5", "bart")
    for name, knobs in KNOBS
    if name in TAKEN.get("t5" if model == "bart" else model, METHODS)
    and not (model in ("t5", "bart") and knobs.get("top"))
]


def test_every_method_is_counted():
    assert set(METHODS) == {name for name, _ in KNOBS}


@pytest.mark.parametrize(("model", "name", "knobs"), CASES)
def test_the_cost_is_the_count_of_parameters_before_and_after_dropping(
    request, task, model, name, knobs
):
    lm = request.getfixturevalue(model)
    method = create(name, lm, task, **knobs)
    cost = METHODS[name].cost(lm.geometry, **knobs)
    assert cost.trained == method.parameters_now()
    method.drop_reparameterization()
    assert cost.stored == sum(value.numel() for value in method.state_dict().values())
    assert cost.stored_bytes == 4 * cost.stored
    assert cost.share == cost.stored / lm.geometry.parameters
    symbols = lm.geometry.symbols | method.knobs.as_dict()
    symbols |= {
        "m": getattr(method.knobs, "prompt_length", None),
        "slots": method.template.virtual_tokens,
        "labels": len(task.verbalizer.words),
    }
    assert eval(cost.formula, {"__builtins__": {}}, symbols) == cost.stored


def test_five_positions_of_prefix_on_gpt2_medium_are_the_paper_s_245760_numbers():
    cost = METHODS["prefix_tuning"].cost(geometry("gpt2-medium"), prefix_length=5)
    assert cost.stored == cost.trained == 245_760


def test_a_cost_answers_while_a_slider_moves():
    """No method is given its memory, and no network of one is run position by position."""
    template = "{soft:500}{x}{soft:500}{y}"
    for size in (geometry("gpt2"), geometry("smollm2")):
        METHODS["fine_tuning"].cost(size)  # with the skeleton
        start = perf_counter()
        METHODS["p_tuning"].cost(size, template=template, encoder="lstm")
        METHODS["adapters"].cost(size)
        METHODS["fine_tuning"].cost(size)
        assert perf_counter() - start < 0.5  # on a busy machine; 0.02 on an idle one
