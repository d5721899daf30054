"""What holds for every panel: it leaves no widget behind, and answers any text in words."""

import asyncio
import gc
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pytest
from ipywidgets.widgets.widget import _instances

from prefixlab import Backbone, Task
from prefixlab.workbook import figures, panels
from prefixlab.workbook.page import Announcement, Curve
from prefixlab.workbook.panels.base import Panel, boxes
from prefixlab.workbook.panels.prediction import Prediction
from prefixlab.workbook.panels.results import Result, tried
from prefixlab.workbook.panels.training import TrainingPanel

ROUNDS = 20
HALF = "film \ud83d good"  # half of an emoji
CHINESE = re.compile("[\u4e00-\u9fff]")
WORD, SENTENCE = re.compile("[a-z]{2}"), re.compile(r"([A-Za-z]+ ){3}[A-Za-z]+")
LABS = {name: made for name, made in vars(panels).items() if name.endswith("TuningPanel")}
LABS["PTuningV2Panel"] = panels.PTuningV2Panel
KINDS = {name: made for name, made in vars(panels).items() if name.endswith("Panel")}


@pytest.fixture
def make(
    gpt2: Backbone,
    task: Task,
    lesson: Task,
    recorded: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, Callable[[], Panel]]:
    """By the name of a kind of panel, what makes one."""
    dot = figures.png(figures.new()[0])  # what is drawn is not what is tested
    monkeypatch.setattr(figures, "png", lambda figure: dot)
    made: dict[str, Callable[[], Panel]] = {
        name: lambda lab=lab: lab(gpt2, lesson, steps=1) for name, lab in LABS.items()
    }
    return made | {
        "AnatomyPanel": panels.AnatomyPanel,
        "ComparisonPanel": lambda: panels.ComparisonPanel(gpt2),
        "EnsemblePanel": lambda: panels.EnsemblePanel(gpt2),
        "InContextPanel": lambda: panels.InContextPanel(gpt2, task),
        "PastPanel": lambda: panels.PastPanel(gpt2),
        "PromptPanel": lambda: panels.PromptPanel(gpt2, lesson),
        "TextPanel": lambda: panels.TextPanel(gpt2, {}),
        "VariantsPanel": lambda: panels.VariantsPanel(gpt2),
    }


@pytest.fixture(params=KINDS)
def making(request: pytest.FixtureRequest, make: dict[str, Callable[[], Panel]]) -> Any:
    return make[request.param]  # a new kind of panel is to be added above


def turn(panel: Panel, round: int) -> None:
    """Turn every knob of the panel to another value."""
    for knob in list(panel.controls.values()):
        if isinstance(knob, widgets.Dropdown | widgets.SelectionSlider | widgets.ToggleButtons):
            knob.index = round % len(knob.options)
        elif isinstance(knob, widgets.Checkbox):
            knob.value = not knob.value
        elif isinstance(knob, widgets.IntSlider):
            knob.value = knob.min + round % min(4, knob.max - knob.min + 1)
        elif isinstance(knob, widgets.Text):
            knob.value = ("{x} it is {y}", "{soft:2}{x} and so it is {y}")[round % 2]


def test_rounds_add_no_widget_and_closing_leaves_none(making: Callable[[], Panel]) -> None:
    before = set(_instances)
    panel, counts = making(), []
    for round in range(ROUNDS):
        turn(panel, round)
        counts.append(len(_instances))
    assert max(counts[6:]) <= max(counts[:6])
    panel.picture()
    panel.close()
    assert set(_instances) == before
    panel.close()
    panel.__del__()  # as Python does when nobody holds the panel any more


@pytest.mark.parametrize("kind", [*LABS, "InContextPanel", "PromptPanel", "TextPanel"])
def test_running_leaves_nothing(kind: str, make: dict[str, Callable[[], Panel]]) -> None:
    async def press(panel: Any) -> None:
        (panel.train_button if kind in LABS else panel.button).click()
        await panel.running

    panel = make[kind]()
    asyncio.run(press(panel))
    count = len(_instances)
    asyncio.run(press(panel))
    assert len(_instances) == count
    panel.close()


def test_results_that_come_and_go_leave_nothing(make: dict[str, Callable[[], Panel]]) -> None:
    panel, before = make["ComparisonPanel"](), tried.results
    result = Result("bias_only", {}, 0.5, 0.5, 10, 40, 1.0, "yours")
    try:
        counts = []
        for round in range(ROUNDS // 2):
            tried.results = (result,) * (round % 5)
            panel.chosen.value = 0
            counts.append(len(_instances))
        assert max(counts[5:]) <= max(counts[:5])
    finally:
        tried.results = before
        panel.close()


def test_half_a_character_is_answered_in_words_in_every_box(making: Callable[[], Panel]) -> None:
    panel = making()
    if isinstance(panel, TrainingPanel):
        asyncio.run(panel.train())  # there is something to look into
    for box in boxes(panel):
        if box.layout.display == "none":
            continue
        before = box.value
        box.value = HALF
        told = unescape(panel.status.value)
        assert f"The box '{box.description}' has half a character" in told
        assert HALF[5] not in panel.status.value
        assert panel.picture().startswith(b"\x89PNG")
        if isinstance(panel, TrainingPanel):
            asyncio.run(panel.train())
        elif isinstance(panel, panels.PromptPanel):
            asyncio.run(panel.score())
        assert "has half a character" in panel.status.value
        box.value = before
        assert "half" not in panel.status.value
    panel.close()


@pytest.mark.parametrize("kind", ["PromptPanel", "InContextPanel"])
def test_a_refused_panel_leaves_nothing_and_complains_of_nothing_else(
    kind: str, gpt2: Backbone, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignored: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", ignored.append)
    before = set(_instances)
    free = replace(task, verbalizer=None)
    with pytest.raises(ValueError, match=r"\.$"):
        KINDS[kind](gpt2, free)
    gc.collect()
    assert not ignored
    assert set(_instances) == before


def test_a_double_click_is_one_click(make: dict[str, Callable[[], Panel]]) -> None:
    panel = make["PrefixTuningPanel"]()

    async def press() -> None:
        panel.start(panel.train)
        panel.start(panel.train)
        await panel.running

    asyncio.run(press())
    assert len(panel.runs) == 1
    panel.close()


def parts(widget: Any) -> Iterator[Any]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from parts(child)


def said(part: Any) -> Iterator[str]:
    """What a widget says, piece by piece: of HTML what stands between tags, without names of code.

    Not what there is to choose from: many of these are names.
    """
    yield from (getattr(part, name, None) or "" for name in ("description", "tooltip"))
    if isinstance(part, Curve):
        yield from (part.drawing["xlabel"], part.drawing["ylabel"])
        yield from (name for name, _ in part.drawing["references"])
        yield from (line["shown"] for line in part.drawing["lines"])
    elif isinstance(part, widgets.HTML | Announcement):
        html = re.sub(r"<(style|code)\b.*?</\1>", "", part.value, flags=re.DOTALL)
        yield from (re.sub(r"\w*_\w*", "", unescape(piece)) for piece in re.split("<.*?>", html))


def is_english(piece: str) -> bool:
    """Whether it has a word and no Chinese, or so many words that they are a sentence."""
    return bool(SENTENCE.search(piece) or (WORD.search(piece) and not CHINESE.search(piece)))


def test_in_chinese_no_panel_speaks_english(
    making: Callable[[], Panel], gpt2: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFIXLAB_LANGUAGE", "zh_CN")
    monkeypatch.setattr(tried, "results", ())  # called by their knobs, which are many words
    panel = making()
    for part in parts(panel):
        if isinstance(part, Curve):
            part.value = part.places[-1]
        elif isinstance(part, Prediction):
            part.way.value = "higher"
            part.reveal()
    data = gpt2.name
    if isinstance(panel, panels.TextPanel):
        data += f" {panel.table} {panel.texts}"
    english = [piece for part in parts(panel) for piece in said(part) if is_english(piece)]
    left = [piece for piece in english if piece.strip(" ,:") not in data]
    assert not left, left
    panel.close()
