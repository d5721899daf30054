"""The slot editor, pressed as a page would press it."""

import ipywidgets as widgets
import pytest

from prefixlab import Template
from prefixlab.workbook.panels.base import shown, typed
from prefixlab.workbook.panels.slots import SlotEditor


def pressed(template: str, gap: int) -> str:
    """What the template is after one press of a gap, counted from the left."""
    box = widgets.Text(value=shown(template))
    editor = SlotEditor(box)
    editor.gaps[gap].click()
    return typed(box.value)


@pytest.mark.parametrize(
    ("template", "gap", "after"),
    [
        ("{x}\n{soft:3}Sentiment: {y}", 0, "{soft:1}{x}\n{soft:3}Sentiment: {y}"),
        ("{x}\n{soft:3}Sentiment: {y}", 1, "{x}\n{soft:4}Sentiment: {y}"),
        ("{x}\n{soft:4}Sentiment: {y}", 1, "{x}\nSentiment: {y}"),
        ("{x}{soft:1} {soft:1} It was {y}", 1, "{x}{soft:3}  It was {y}"),
        ("{{note}} {x}  {y} ", 1, "{{note}}{soft:1} {x}  {y} "),
        ("C:\\new {x} {y}", 2, "C:\\new {x}{soft:1} {y}"),
        ("a\\\\nb\\{x} {y}", 0, "{soft:1}a\\\\nb\\{x} {y}"),
        ("{soft:12}{x}{y}", 0, "{soft:3}{x}{y}"),
    ],
)
def test_a_press_changes_one_gap_and_nothing_else(template, gap, after):
    Template(template)
    assert pressed(template, gap) == after


def test_a_gap_tells_its_slots_and_the_word_behind_it():
    editor = SlotEditor(widgets.Text(value=r"{soft:2}{x} \n {soft:1}It was\n{y}"))
    assert [gap.description for gap in editor.gaps] == ["2 soft", "1 soft", "+", "+"]
    assert [word.strip() for word in editor.words] == ["{x}", "It", "was", r"\n{y}"]


def test_slots_of_a_template_that_is_refused_are_no_reason_to_fail():
    box = widgets.Text()
    editor = SlotEditor(box)
    for value in ("{", "}{", "{soft:0}", "{soft:99999}", " ", "{x:3} {soft:", "\\"):
        box.value = value
        for gap in list(editor.gaps):
            gap.click()
