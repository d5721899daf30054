"""The playground of words, driven as a page would drive it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pytest
from made_records import write

from prefixlab import Backbone, Task, Template, Verbalizer, evaluation
from prefixlab.methods import create
from prefixlab.workbook.panels import PromptPanel, playground
from prefixlab.workbook.panels.playground import AFTER, BEFORE
from prefixlab.workbook.panels.prediction import Prediction
from prefixlab.workbook.panels.results import tried
from prefixlab.workbook.protocol import Family

WORDINGS = {
    "sentiment": ("Review: {x}\nSentiment: {y}", ("negative", "positive")),
    "it was": ("{x} It was:{y}", ("dull", "great")),
}
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def panel(gpt2: Backbone, task: Task) -> PromptPanel:
    return PromptPanel(gpt2, task, WORDINGS)


def inside(widget: Any, kind: type) -> list[Any]:
    """All widgets of a kind within one."""
    below = [found for child in getattr(widget, "children", ()) for found in inside(child, kind)]
    return [widget, *below] if isinstance(widget, kind) else below


def evaluated(lm: Backbone, task: Task, wording: str, count: int, calibrate: bool) -> float:
    template, words = WORDINGS[wording]
    asked = replace(
        task,
        template=Template(template),
        verbalizer=Verbalizer(words),
        test=task.test.select(range(count)),
    )
    method = create("discrete_prompt", lm, asked)
    return evaluation.evaluate(lm, method, asked, calibrate=calibrate).accuracy or 0.0


def test_it_answers_at_once_as_asked_and_calibrated(
    panel: PromptPanel, gpt2: Backbone, task: Task
) -> None:
    panel.controls["sentence"].value = "what a cast!"
    method = create("discrete_prompt", gpt2, task)
    for title, calibrate in (("as asked", False), ("calibrated", True)):
        expected = evaluation.predict(gpt2, method, task, ["what a cast!"], calibrate=calibrate)[0]
        shown = panel.answered[title]
        assert list(shown) == ["negative", "positive"]
        assert list(shown.values()) == pytest.approx(expected.tolist(), abs=1e-5)
    assert panel.answered["as asked"] != panel.answered["calibrated"]
    for _, probability in gpt2.next_tokens("Review: what a cast!\nSentiment:"):
        assert f"{probability:.3f}" in panel.view.value


def test_whoever_has_to_wait_is_told_for_how_long(
    panel: PromptPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    panel.status.observe(lambda change: said.append(change["new"]), "value")
    panel.controls["sentence"].value = "what a cast!"
    assert not any("Reading" in words for words in said)
    monkeypatch.setitem(vars(panel.lm), "tokens_per_second", 2.0)
    panel.controls["sentence"].value = "what a film!"
    tokens = len(panel.lm.encode("Review: what a film!\nSentiment:"))
    assert f"Reading {tokens} tokens takes about {tokens} s here." in said
    assert panel.status.value == ""
    assert panel.answered


def test_a_ready_wording_fills_both_boxes_and_asks_once(
    panel: PromptPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(panel, "answer", asked.append)
    panel.controls["wording"].value = "it was"
    assert panel.controls["template"].value == "{x} It was:{y}"
    assert panel.controls["answers"].value == "dull / great"
    assert len(asked) == 1


def test_a_line_break_is_typed_as_backslash_n(panel: PromptPanel) -> None:
    assert panel.controls["template"].value == r"Review: {x}\nSentiment: {y}"
    assert panel.question()[0].template.text == "Review: {x}\nSentiment: {y}"


def test_a_slash_in_an_answer_is_typed_after_a_backslash(gpt2: Backbone, task: Task) -> None:
    words = ("N/A", "yes／no", r"C:\new", "a\nb")
    asked = replace(task, verbalizer=Verbalizer(words))
    panel = PromptPanel(gpt2, asked, {"slashes": ("{x}: {y}", words)})
    assert panel.controls["answers"].value == r"N\/A / yes\／no / C:\\new / a\nb"
    assert panel.question()[1] == words
    assert tuple(panel.answered["as asked"]) == words
    panel.controls["answers"].value = "good/bad"
    assert panel.question()[1] == ("good", "bad")


def test_a_very_long_answer_leaves_numbers(panel: PromptPanel) -> None:
    """Its probability is below what float32 can hold; calibrated it is one all the same."""
    panel.controls["answers"].value = f"good / {'a film ' * 30}"
    for shown in panel.answered.values():
        assert sum(shown.values()) == pytest.approx(1)
    assert panel.answered["as asked"]["good"] == 1.0


def test_the_dropdowns_know_what_is_the_learners_own(panel: PromptPanel) -> None:
    panel.controls["template"].value = "{x} Is it good? {y}"
    assert panel.controls["wording"].label == "your own"
    panel.controls["example"].value = 1
    panel.controls["sentence"].value = "my own words"
    assert panel.controls["example"].label == "your own"


def test_the_true_label_is_shown_for_a_test_sentence_only(panel: PromptPanel) -> None:
    assert panel.truth.value == ""
    panel.controls["example"].value = 3
    assert panel.controls["sentence"].value == "great"
    assert "positive" in panel.truth.value
    panel.controls["example"].value = 1
    assert "negative" in panel.truth.value
    panel.controls["sentence"].value = "my own words"
    assert panel.truth.value == ""


def test_score_counts_as_evaluation_does(panel: PromptPanel, gpt2: Backbone, task: Task) -> None:
    before = len(tried.results)
    panel.controls["examples"].value = 7
    for wording in WORDINGS:
        panel.controls["wording"].value = wording
        asyncio.run(panel.score())
    for wording, (template, words) in WORDINGS.items():
        plain, calibrated = panel.board[template, words, 7]
        assert plain.accuracy == evaluated(gpt2, task, wording, 7, False)
        assert calibrated.accuracy == evaluated(gpt2, task, wording, 7, True)
        assert f"{plain.accuracy:.1%}" in panel.board_view.value
    assert len(tried.results) == before + 2
    assert tried.results[-1].knobs == {"template": "{x} It was:{y}"}
    assert tried.results[-1].accuracy == evaluated(gpt2, task, "it was", 7, False)
    assert not tried.results[-1].comparable  # a toy that is called movie_reviews
    assert not panel.button.disabled


def test_the_leaderboard_has_the_best_first(panel: PromptPanel) -> None:
    def result(accuracy: float) -> evaluation.Evaluation:
        return evaluation.Evaluation(8, 0.7, accuracy, (0.0, 1.0), 0.0)

    board = {
        ("a {x}{y}", ("no", "yes"), 8): (result(0.6), result(0.5)),
        ("b {x}{y}", ("no", "yes"), 8): (result(0.4), result(0.9)),
        ("c {x}{y}", ("no", "yes"), 8): (result(0.7), result(0.7)),
    }
    shown = playground.leaderboard(board)
    places = [shown.index(f"<code>{name} ") for name in "bca"]
    assert places == sorted(places)
    assert "<b>90.0%</b>" in shown
    assert "<b>40.0%</b>" not in shown


def test_stop_keeps_nothing_and_the_page_is_alive_before(
    panel: PromptPanel, press: Callable[..., None]
) -> None:
    before = len(tried.results)

    def ask_and_stop() -> None:
        assert "s left" in panel.clock.value
        panel.controls["sentence"].value = "answered in between"
        assert panel.answered
        panel.stop_button.click()

    press(panel, ask_and_stop)
    assert "Stopped" in panel.clock.value
    assert not panel.board
    assert not panel.board_view.value
    assert len(tried.results) == before
    assert panel.stop_button.disabled


@pytest.mark.parametrize(
    ("box", "value", "words"),
    [
        ("template", "It was {y}", "write {x} exactly once"),
        ("template", "", "write {x} exactly once"),
        ("template", "{soft:3}{x} {y}", "has no virtual tokens"),
        ("answers", "negative", "at least two answers"),
        ("answers", "negative / ", "is empty"),
        ("answers", "positive / positive", "stands for label 0 and for label 1"),
        ("sentence", "very " * 200, "more than the 128 positions"),
        ("sentence", " ", "The sentence is empty"),
    ],
)
def test_an_error_appears_in_words_and_goes_away(
    panel: PromptPanel, box: str, value: str, words: str
) -> None:
    good = panel.controls[box].value
    panel.controls[box].value = value
    assert "That does not work" in panel.status.value
    assert words in panel.status.value
    assert not panel.view.value
    panel.controls[box].value = good
    assert not panel.status.value
    assert "calibrated" in panel.view.value


def test_answers_that_are_not_one_for_each_label_are_not_scored(panel: PromptPanel) -> None:
    panel.controls["template"].value = "{x}:{y}"
    panel.controls["answers"].value = "bad / good / middling"
    assert len(panel.answered["as asked"]) == 3
    asyncio.run(panel.score())
    assert "3 answers for 2 labels" in panel.status.value
    assert not panel.board


def test_what_looks_like_html_stays_text(gpt2: Backbone, task: Task) -> None:
    names = Verbalizer(("<script> no</script>", "yes"))
    risky = replace(
        task, verbalizer=names, test=task.test.map(lambda row: {"x": SCRIPT + row["x"]})
    )
    panel = PromptPanel(gpt2, risky, {SCRIPT: (f"{SCRIPT} {{x}}:{{y}}", names.words)})
    panel.controls["example"].value = 1
    asyncio.run(panel.score())
    places = (panel.truth, panel.view, panel.board_view)
    assert all("&lt;script" in place.value for place in places)
    assert not any("<script" in each.value for each in inside(panel, widgets.HTML))
    panel.controls["answers"].value = "<script> / <script>"
    assert "&lt;script" in panel.status.value
    assert "<script" not in panel.status.value


def test_answers_may_be_chinese(panel: PromptPanel) -> None:
    panel.controls["template"].value = "{x}：{y}"
    panel.controls["answers"].value = "坏 ／ 正"
    assert list(panel.answered["as asked"]) == ["坏", "正"]
    assert "正" in panel.view.value


def test_the_question_is_answered_by_the_record(
    gpt2: Backbone, task: Task, lesson: Task, folder: Path
) -> None:
    assert not inside(PromptPanel(gpt2, lesson), Prediction)  # nothing is recorded

    found = {BEFORE: (0.8, 0.7), AFTER: (0.55, 0.75), "{x} So {y}": (0.1, 0.2)}
    rows = [
        Family(template, "discrete_prompt", {"template": template}, seeds=1).run(0, None)
        | {"backbone": gpt2.name, "accuracy": asked, "calibrated": calibrated}
        for template, (asked, calibrated) in found.items()
    ]
    slots = Family("slots", "p_tuning", {"template": BEFORE}, 0.01).run(0, 0.01)
    trained = {"backbone": gpt2.name, "accuracy": 0.9, "calibrated": 0.9}
    write(folder, "p_tuning", [*rows, slots | trained])
    (ask,) = inside(PromptPanel(gpt2, lesson), Prediction)
    assert ask.answer() == pytest.approx(-25)
    assert "+5.0 points" in ask.why
    assert "same 400 sentences" in ask.asked
    assert not inside(PromptPanel(gpt2, task), Prediction)  # whose sentences are others


def test_its_picture_shows_the_answers(panel: PromptPanel) -> None:
    assert len(panel.plots()) == 1
    assert panel.picture().startswith(b"\x89PNG")
    panel.controls["sentence"].value = ""
    assert panel.picture().startswith(b"\x89PNG")
