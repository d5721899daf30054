"""The anatomy panel: what it draws follows the knobs, and so do the words."""

import re

import pytest

from prefixlab import METHODS
from prefixlab.models.geometry import KNOWN
from prefixlab.workbook import figures
from prefixlab.workbook.panels import anatomy
from prefixlab.workbook.panels.anatomy import AnatomyPanel
from prefixlab.workbook.panels.prediction import Prediction
from prefixlab.workbook.positions import positions


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list:
    """What is handed to the figure, the newest last: labels and cells."""
    seen, honest = [], figures.grid_cells

    def spy(axis, labels, cells):
        seen.append((list(labels), list(cells)))
        return honest(axis, labels, cells)

    monkeypatch.setattr(figures, "grid_cells", spy)
    return seen


def test_a_method_has_all_controls_that_change_the_picture_or_the_cost_and_no_other() -> None:
    size = KNOWN["gpt2"]
    usual = {"mlp_hidden": {"reparameterization": "mlp"}}  # it counts only with the MLP
    other = {"template": "{x} {soft:2} it was {y}", "layers": "0", "maps": "c_attn"}
    for name, method in METHODS.items():
        for field in method.Knobs.declared():
            given = usual.get(field.name, {})
            before = positions(method.sketch(size, **given)), method.cost(size, **given)
            values = field.metadata["choices"] or (other.get(field.name),)
            if isinstance(field.default, int) and field.metadata["low"] is not None:
                values = (field.default + 1,)
            if field.name == "template" and name != "p_tuning":
                values = ("{x} it was {y}",)
            changes = any(
                (positions(method.sketch(size, **more)), method.cost(size, **more)) != before
                for more in ({**given, field.name: value} for value in values if value is not None)
            )
            assert changes == (field.name in anatomy.controls_of(name)), (name, field.name)


def test_a_slider_redraws_the_grid_and_the_words(drawn: list) -> None:
    panel = AnatomyPanel("prefix_tuning", "gpt2")
    before = panel.view.value
    slider = panel.controls["prefix_length"]
    assert slider.continuous_update
    slider.value = 5
    labels, cells = drawn[-1]
    assert labels.count("prefix") == 5
    assert cells[0] == ["none"] + ["trained"] * 12
    assert panel.view.value != before
    assert f"{5 * 12 * 2 * 768:,}" in panel.words.value
    assert f"{5 * 12 * 2 * 768 * 4:,}" in panel.words.value


def test_the_controls_are_those_of_the_chosen_method_and_keep_their_values() -> None:
    panel = AnatomyPanel("prompt_tuning")
    panel.controls["prompt_length"].value = 3
    panel.method.value = "p_tuning"
    assert set(panel.controls) == {"method", "backbone", "template", "encoder"}
    shown = [name for name, box in panel.boxes.items() if box.layout.display != "none"]
    assert shown == ["p_tuning"]
    panel.method.value = "prompt_tuning"
    assert panel.controls["prompt_length"].value == 3


def test_another_backbone_has_its_own_layers_and_share(drawn: list) -> None:
    panel = AnatomyPanel("prefix_tuning", "gpt2")
    panel.backbone.value = "smollm2"
    assert len(drawn[-1][1][0]) == 31
    cost = METHODS["prefix_tuning"].cost(KNOWN["smollm2"])
    assert f"{100 * cost.share:.3g}%" in panel.words.value


@pytest.mark.parametrize(
    ("method", "knob", "value", "words"),
    [
        ("prefix_tuning", "layers", "<b>0-99</b>", "names no layers"),
        ("p_tuning", "template", "{x} it was {y}", "no soft slot"),
        ("prompt_tuning", "template", "{soft:2}{x}{y}", "use p_tuning"),
        ("discrete_prompt", "template", "it was {y}", "exactly once"),
    ],
)
def test_an_impossible_knob_is_named_in_words_until_it_is_mended(
    method: str, knob: str, value: str, words: str
) -> None:
    panel = AnatomyPanel(method)
    usual = panel.controls[knob].value
    panel.controls[knob].value = value
    assert words in panel.status.value
    assert "<b>0" not in panel.status.value
    panel.controls[knob].value = usual
    assert panel.status.value == ""


def test_what_answers_other_knobs_is_faded() -> None:
    panel = AnatomyPanel("prefix_tuning")
    for layers, stale in (("0-99", True), ("all", False)):
        panel.controls["layers"].value = layers
        for part in (panel.view, panel.words):
            assert ("prefixlab-stale" in part._dom_classes) == stale


def test_every_letter_of_the_formula_that_a_knob_sets_has_its_number() -> None:
    panel = AnatomyPanel("prompt_tuning")
    panel.controls["prompt_length"].value = 3
    assert "m * h" in panel.words.value
    assert "m = 3, h = 768" in panel.words.value


def test_the_mlp_has_a_width_where_there_is_one() -> None:
    panel = AnatomyPanel("prefix_tuning")
    width = panel.controls["mlp_hidden"]
    assert width.layout.display == "none"
    panel.controls["reparameterization"].value = "mlp"
    assert width.layout.display == ""


def test_the_prediction_has_no_sign_and_its_answer_is_computed() -> None:
    panel = AnatomyPanel()
    (prediction,) = panel.children
    assert isinstance(prediction, Prediction)
    assert anatomy.times_as_many() == 2 * 12
    assert prediction.way.layout.display == "none"
    assert prediction.hidden.layout.display == "none"
    prediction.amount.value = 0.5
    prediction.guess.click()
    assert re.search(r">0.5 times<.*>24 times<", prediction.verdict.value)
    assert "More than you thought. A virtual token" in prediction.verdict.value
    assert prediction.hidden.layout.display == ""


def test_the_picture_for_viewers_without_a_kernel_shows_the_grid() -> None:
    panel = AnatomyPanel()
    assert panel.plots() == [panel.view.value]
    assert panel.picture().startswith(b"\x89PNG")
