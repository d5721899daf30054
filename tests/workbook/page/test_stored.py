"""Where no kernel is: one picture, and what it says; nothing of it is in two forms."""

import re

import nbformat
import pytest
from IPython.core.formatters import DisplayFormatter
from nbconvert import HTMLExporter

from prefixlab import create
from prefixlab.workbook.page import Curve, Microscope

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(params=["curve", "microscope"])
def widget(request, gpt2, task):
    if request.param == "curve":
        return Curve({"": {1: [0.5, 0.6], 5: [0.8, 0.9]}}, xlabel="length", ylabel="accuracy")
    return Microscope(gpt2, task, create("prefix_tuning", gpt2, task, prefix_length=2), "dull")


def test_what_is_stored_is_the_widget_a_picture_and_a_sentence(widget) -> None:
    data, _ = DisplayFormatter().format(widget)
    assert set(data) == {VIEW, "image/png", "text/plain"}
    assert data["text/plain"] == f"{type(widget).__name__}: {widget.says()}"
    assert data["image/png"].startswith(b"\x89PNG")


def test_a_page_made_of_a_stored_lesson_shows_the_picture_once(widget) -> None:
    shown, _ = widget._repr_mimebundle_()
    output = nbformat.v4.new_output("execute_result", shown | {"image/png": "iVBORw0="})
    cell = nbformat.v4.new_code_cell("widget", outputs=[output], execution_count=1)
    page, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    (outputs,) = re.findall(r'<div class="jp-Cell-outputWrapper">.*?</main>', page, re.DOTALL)
    assert outputs.count("<img") == 1
    assert "data:image/png" in outputs
    assert VIEW not in outputs
    assert widget.says() not in outputs  # the picture says it
