"""The panel of borrowed pasts answers as the model does, and refuses what cannot be read."""

from typing import Any

import pytest

from prefixlab import Backbone, Conditioning, Past
from prefixlab.workbook.panels import PastPanel


@pytest.fixture
def panel(gpt2: Backbone) -> Any:
    made = PastPanel(gpt2)
    yield made
    made.close()


def shown(panel: Any, title: str) -> str:
    """The table below a title."""
    return panel.answer.value.split(title)[1].split("</table>")[0]


@pytest.mark.parametrize(
    ("part", "chosen"), [("all", (0, 1, 2)), ("lower", (0,)), ("upper", (1, 2))]
)
def test_the_past_stands_in_the_layers_that_are_chosen(
    panel: Any, gpt2: Backbone, part: str, chosen: tuple[int, ...]
) -> None:
    layers = panel.controls["layers"]
    layers.value = next(name for _, name in layers.options if part in name)
    panel.controls["past"].value, panel.controls["text"].value = "it was bad", " a film"
    whole = gpt2.read_past("it was bad")
    past = Past(whole.keys[list(chosen)], whole.values[list(chosen)], chosen)
    for title, given in (
        ("text alone", Conditioning()),
        ("with the past in front", Conditioning(past=past)),
    ):
        for _, probability in gpt2.next_tokens(" a film", 5, given):
            assert f"{probability:.3f}" in shown(panel, title)


def test_an_empty_box_is_named_and_leaves_no_old_answer(panel: Any) -> None:
    assert "text alone" in panel.answer.value
    panel.controls["text"].value = "  "
    assert "The box &#x27;text&#x27; is empty" in panel.status.value
    assert panel.answer.value == ""
    panel.controls["text"].value = " a film"
    assert panel.status.value == ""
    assert "text alone" in panel.answer.value


def test_a_text_is_shown_as_text(panel: Any) -> None:
    panel.controls["past"].value = "<script>alert(1)</script>"
    assert "<script>" not in panel.answer.value + panel.status.value
