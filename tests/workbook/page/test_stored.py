"""Where no kernel is: one picture, and what it says; nothing of it is in two forms."""

import re

import nbformat
import pytest
from IPython.core.formatters import DisplayFormatter
from nbconvert import HTMLExporter

from prefixlab import create
from prefixlab.workbook.page import Curve, Microscope, Runs, export

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(params=["curve", "microscope", "runs"])
def widget(request, gpt2, task):
    if request.param == "curve":
        return Curve({"": {1: [0.5, 0.6], 5: [0.8, 0.9]}}, xlabel="length", ylabel="accuracy")
    if request.param == "runs":
        return Runs(lambda number: None)
    return Microscope(gpt2, task, create("prefix_tuning", gpt2, task, prefix_length=2), "dull")


@pytest.fixture
def lesson(widget):
    """A lesson with the widget, as it is stored: without the state of widgets."""
    data, metadata = widget._repr_mimebundle_()
    data = data | {"image/png": "iVBORw0="}
    output = nbformat.v4.new_output("execute_result", data, metadata=metadata)
    cell = nbformat.v4.new_code_cell("widget", outputs=[output], execution_count=1)
    book = nbformat.v4.new_notebook(cells=[cell])
    nbformat.validate(book)
    return nbformat.reads(nbformat.writes(book), as_version=4)


def outputs(page: str) -> str:
    (found,) = re.findall(r'<div class="jp-Cell-outputWrapper">.*?</main>', page, re.DOTALL)
    return found


def test_what_is_stored_is_the_widget_a_picture_and_a_sentence(widget) -> None:
    data, _ = DisplayFormatter().format(widget)
    assert set(data) == {VIEW, "image/png", "text/plain"}
    assert data["text/plain"] == f"{type(widget).__name__}: {widget.says()}"
    assert data["image/png"].startswith(b"\x89PNG")


def test_a_page_made_of_a_stored_lesson_shows_the_picture_once(widget, lesson) -> None:
    page, _ = HTMLExporter().from_notebook_node(lesson)
    assert outputs(page).count("<img") == 1
    assert "data:image/png" in page
    assert VIEW not in outputs(page)
    assert widget.says() not in outputs(page)  # the picture says it


def test_a_page_made_with_live_has_the_widget_in_place_of_the_picture(widget, lesson) -> None:
    exporter = HTMLExporter(preprocessors=["prefixlab.workbook.page.export.live"])
    page, _ = exporter.from_notebook_node(lesson)
    assert "<img" not in outputs(page)
    assert outputs(page).count('<script type="module">') == 1
    assert f"// {type(widget).__name__}: " in outputs(page)  # its module


def test_no_text_ends_the_script() -> None:
    name = "</script><b>"
    curve = Curve({name: {1: 1}, "other": {1: 2}}, xlabel="x", ylabel="y")
    assert export.html(curve.script, curve.state()).count("</script>") == 1
