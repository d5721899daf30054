"""Names, choices and help of knobs, in every panel that shows some."""

import re
from collections.abc import Iterator
from dataclasses import Field
from html import unescape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pytest

from prefixlab import Backbone, Task
from prefixlab.evaluation.generation import Decoding
from prefixlab.methods import METHODS
from prefixlab.training.loop import Recipe
from prefixlab.workbook import panels
from prefixlab.workbook.language import gettext
from prefixlab.workbook.panels.base import Panel
from prefixlab.workbook.panels.knobs import CHOICES, HELP, NAMES
from prefixlab.workbook.panels.training import TrainingPanel

LABS = ("PromptTuningPanel", "PrefixTuningPanel", "PTuningPanel", "PTuningV2Panel")
ANATOMIES = tuple(f"AnatomyPanel {method}" for method in METHODS)
FITS = 18  # letters of a name
LINES = 66  # letters of help in two lines beside the package's name
NO_KNOBS = {"train", "kinds", "table", "run", "seed", "calibrate", "method", "backbone"}


@pytest.fixture(params=["", "zh_CN"], ids=["English", "Chinese"])
def language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFIXLAB_LANGUAGE", request.param)


@pytest.fixture(params=[*LABS, *ANATOMIES, "InContextPanel", "TextPanel"])
def panel(
    request: pytest.FixtureRequest, gpt2: Backbone, task: Task, lesson: Task, folder: Path
) -> Iterator[Panel]:
    kind, _, method = request.param.partition(" ")
    made = getattr(panels, kind)
    if kind in LABS:
        panel = made(gpt2, lesson, steps=1)
    elif kind == "AnatomyPanel":
        panel = made(method)
    else:
        panel = made(gpt2, task) if kind == "InContextPanel" else made(gpt2, {})
    yield panel
    panel.close()


def knobs(panel: Any) -> dict[str, Any]:
    """The controls of a panel that are knobs of the package."""
    return {name: widget for name, widget in panel.controls.items() if name not in NO_KNOBS}


def declarations(panel: Any) -> dict[str, Field]:
    """By their names, the declarations of all knobs that the panel may show."""
    method = getattr(panel, "method", "in_context")
    method = getattr(method, "value", method)
    all_of = (METHODS[method].Knobs.declared(), Decoding.declared(), Recipe.declared())
    return {one.name: one for declared in reversed(all_of) for one in declared}


def lines(widget: Any) -> Iterator[tuple[Any, widgets.HTML, widgets.VBox]]:
    """Every control within a widget that has a line under it, the line, and the box of both."""
    for child in getattr(widget, "children", ()):
        pair = getattr(child, "children", ())
        if len(pair) == 2 and isinstance(pair[1], widgets.HTML) and "<code" in pair[1].value:
            yield (*pair, child)
        else:
            yield from lines(child)


def words(line: widgets.HTML) -> tuple[str, str]:
    """The package's name in a line, and the help after it."""
    found = re.search("<code[^>]*>(.*)</code><span>(.*)</span>", line.value)
    assert found
    name, said = map(unescape, found.groups())
    return name, said


@pytest.mark.usefixtures("language")  # which is there before the panel is
def test_no_two_controls_of_a_panel_have_one_name(panel: Panel) -> None:
    names = [widget.description for widget in panel.controls.values()]
    assert len(set(names)) == len(names)
    assert all(0 < len(name) <= FITS and "_" not in name for name in names)


def test_every_knob_has_a_line_that_begins_with_the_package_s_name(panel: Panel) -> None:
    told = {control: words(line) for control, line, _ in lines(panel)}
    for name, widget in knobs(panel).items():
        assert told[widget][0] == name
    for name in NO_KNOBS & panel.controls.keys() - {"method", "backbone"}:
        assert told[panel.controls[name]][0] == ""
    assert all(0 < len(said) <= LINES for _, said in told.values())


def test_every_choice_has_a_plain_name_and_stays_the_package_s_value(panel: Panel) -> None:
    declared = declarations(panel)
    for name, widget in knobs(panel).items():
        if isinstance(widget, widgets.Dropdown):
            named, values = zip(*widget.options, strict=True)
            assert values == declared[name].metadata["choices"]
            assert named == tuple(CHOICES[name, value] for value in values)
            assert len(set(named)) == len(named)
            for value in values:
                widget.value = value
                assert panel.controls[name].value == value


@pytest.mark.parametrize("panel", ["PrefixTuningPanel"], indirect=True)
def test_a_hidden_control_hides_its_line(panel: Panel) -> None:
    (box,) = (box for control, _, box in lines(panel) if control is panel.controls["mlp_hidden"])
    for value, display in (("none", "none"), ("mlp", ""), ("none", "none")):
        panel.controls["reparameterization"].value = value
        assert box.layout.display == display


@pytest.mark.parametrize("panel", LABS, indirect=True)
def test_the_table_of_runs_and_the_axis_have_the_names_of_the_controls(
    panel: TrainingPanel,
) -> None:
    of_run = panel.in_words(panel.run_as_set())
    for widget in panel.controls.values():
        stands_at = getattr(widget, "label", widget.value)
        stands_at = f"{stands_at:g}" if isinstance(stands_at, float) else str(stands_at)
        assert of_run[widget.description] == stands_at
    names = {widget.description for widget in panel.controls.values()}
    assert {label for label, _ in panel.recorded_runs.axis.options} <= names


def test_names_choices_and_help_are_said_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFIXLAB_LANGUAGE", "zh_CN")
    said = (*NAMES.values(), *CHOICES.values(), *HELP.values())
    assert {text for text in said if gettext(text) == text} == {"MLP", "LSTM"}
