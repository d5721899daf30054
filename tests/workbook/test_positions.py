"""Where a method puts what it trains, as the anatomy panel draws it."""

import pytest

from prefixlab import METHODS, geometry
from prefixlab.workbook.positions import positions


def laid(name, **knobs):
    """Label, length, what it is at the input, and what it is in layers 0 and 2 of 12."""
    return [
        (p.label, p.length, p.at_input, p.layers.get(0), p.layers.get(2))
        for p in positions(METHODS[name].sketch(geometry("gpt2"), **knobs))
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
        (
            "cartridge",
            {"prefix_length": 5, "frozen": 2},
            [("first", 2, "none", "read", "read"), ("cartridge", 3, "none", "trained", "trained")],
        ),
        ("cartridge", {"frozen": 0}, [("cartridge", 16, "none", "trained", "trained")]),
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


def test_a_kernel_changes_every_word_at_the_input():
    assert laid("convolution") == [(*part[:2], "changed", None, None) for part in QUERY]


def test_what_is_trained_beside_a_prefix_is_shown_beside_it():
    prefix = ("prefix", 2, "none", "trained", "trained")
    prompt = ("virtual", 3, "trained", None, None)
    assert laid("combined", prefix_length=2, prompt_length=3) == [prefix, prompt, *PLAIN]
    assert laid("combined", prefix_length=2, beside="bias") == [prefix, *laid("bias_only")]


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
    found = positions(METHODS[name].sketch(geometry("gpt2")))
    answers = [i for i, part in enumerate(found) if "answer" in part.layers.values()]
    assert [(found[i].length, found[i + 1].label) for i in answers] == [(1, "y")]
    layers = found[answers[0]].layers
    assert [layer for layer, what in layers.items() if what == "answer"] == [11]
    assert {what for what in layers.values() if what != "answer"} <= {"changed"}


@pytest.mark.parametrize("name", ["prompt_tuning", "prefix_tuning", "p_tuning", "infix"])
def test_the_trained_cells_are_as_many_as_the_cost_says(name):
    size = geometry("gpt2")
    stored = 0
    for part in positions(METHODS[name].sketch(size)):
        stored += part.length * size.hidden * (part.at_input == "trained")
        stored += part.length * 2 * size.kv_width * list(part.layers.values()).count("trained")
    assert stored == METHODS[name].cost(size).stored


def test_impossible_knobs_have_no_positions(gpt2):
    with pytest.raises(ValueError, match="names no layers"):
        METHODS["prefix_tuning"].sketch(gpt2.geometry, layers="0-99")
    with pytest.raises(ValueError, match="no soft slot"):
        METHODS["p_tuning"].sketch(gpt2.geometry, template="{x}{y}")
    with pytest.raises(ValueError, match="use p_tuning"):
        METHODS["prompt_tuning"].sketch(gpt2.geometry, template="{soft:1}{x}{y}")


def test_the_answer_is_drawn_at_cls(bert):
    method, template = METHODS["p_tuning_v2"], "so {x} was {y}"
    laid = positions(method.sketch(bert.geometry, prefix_length=2, template=template))
    assert [(part.label, part.length) for part in laid] == [
        ("prefix", 2),
        ("[CLS]", 1),
        ("so", 1),
        ("x", 6),
        ("was", 1),
        ("[SEP]", 1),
    ]
    assert [part.layers.get(2) for part in laid] == ["trained", "answer", None, None, None, None]
