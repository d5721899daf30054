"""Panels, pages and checks in the language chosen; what they are in code stays English."""

import pytest

from prefixlab import Backbone
from prefixlab.workbook.checks import lesson_00, lesson_02
from prefixlab.workbook.language import gettext
from prefixlab.workbook.page import Curve
from prefixlab.workbook.panels import Choice, PastPanel
from prefixlab.workbook.panels.prediction import Prediction

ANSWERS = {
    "It stays low, and jumps at one point": "A memory is one text or the other; there is nothing "
    "in between.",
    "It is wild in between": "",
    "My own answer": "An idea of mine.",
}


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFIXLAB_LANGUAGE", "zh_CN")


def test_without_a_language_all_is_as_it_stands_in_the_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PREFIXLAB_LANGUAGE", raising=False)
    assert gettext("Train") == "Train"
    assert Curve({"a": {1: 1.0}}, xlabel="step", ylabel="loss (nats)")._words == {}


def test_a_language_without_a_catalogue_is_named_with_those_that_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PREFIXLAB_LANGUAGE", "xx")
    with pytest.raises(ValueError, match="is 'xx', and there is zh_CN besides English; set one of"):
        gettext("Train")


@pytest.mark.usefixtures("chinese")
def test_a_question_is_asked_and_answered_in_chinese() -> None:
    choice = Choice("Who knows?", ANSWERS)
    labels, values = zip(*choice.options.options, strict=True)
    assert labels == ("一直很低，然后在某一点突然跳上去", "中间忽高忽低，没有规律", "My own answer")
    assert values == tuple(ANSWERS)
    choice.options.value = values[0]
    choice.commit()
    assert choice.guess
    assert choice.guess.answer == values[0]  # by which it is kept, whatever the language
    assert "你的猜测：" in choice.kept.value
    page = choice.answer(1, "Because.")._repr_html_()
    for words in ("你的猜测：不对", labels[0], "一份记忆不是这段文本就是那段文本", "中间忽高忽低"):
        assert words in page
    assert "**先猜一猜。** Who knows?" in choice.stored()["text/markdown"]
    choice.close()


@pytest.mark.usefixtures("chinese")
def test_a_check_tells_in_chinese_what_is_wrong() -> None:
    def told(exercise: object, answer: object) -> str:
        return exercise.verdict(answer).message  # type: ignore[attr-defined]

    assert told(lesson_00.numbers_in_past, ...).startswith("○ 还没有作答")
    right = lesson_00.numbers_in_past.right
    assert told(lesson_00.numbers_in_past, right).startswith("✓ 正确。对 GPT-2 medium")
    half = told(lesson_00.numbers_in_past, lambda p, n, h, d: p * n * h * d)
    assert half == "✗ 还不对：你只数了键或者值；一个位置会留下一个键和一个值。"
    odd = told(lesson_00.numbers_in_past, lambda p, n, h, d: [1, 2, 3])
    assert odd.startswith("✗ 还不对：当 p = 5, n = 24, h = 16, d = 64 时：应为：数（")
    assert "你返回的是：含 3 个数的 list" in odd
    assert told(lesson_02.prompt, 3) == "✗ 还不对：应为一个函数，你给出的是：数（3）。"


@pytest.mark.usefixtures("chinese")
def test_a_curve_is_drawn_with_chinese_words_and_kept_by_its_english_names() -> None:
    curve = Curve(
        {"words": {"a": [0.1, 0.2]}, "no prefix": {"a": 1.0}},
        **{"xlabel": "learning rate", "ylabel": "loss (nats)"},
        references={"a coin flip": 0.5},
        line="no prefix",
    )
    drawing = curve.drawing
    assert (drawing["xlabel"], drawing["ylabel"]) == ("学习率", "损失 (奈特)")
    assert drawing["references"] == [["抛硬币", 0.5]]
    named = [(line["name"], line["shown"]) for line in drawing["lines"]]
    assert named[1] == ("no prefix", "没有前缀")
    assert curve.line == "no prefix"
    assert curve.sentence("words", "a").endswith("学习率 a：损失 0.15（0.10 到 0.20，2 个种子）")
    assert curve._words["your guess {written}"] == "你的猜测 {written}"
    assert "Train" not in curve._words  # which its module does not say
    assert "_words" not in curve.state()
    curve.close()


@pytest.mark.usefixtures("chinese")
def test_a_panel_has_chinese_controls_and_answers(gpt2: Backbone) -> None:
    panel = PastPanel(gpt2)
    assert panel.controls["past"].description == "历史"
    panel.controls["layers"].value = "lower half of the layers"
    assert "前面放上历史" in panel.answer.value
    panel.controls["text"].value = " "
    assert panel.status.value == "<b>这样不行：</b> &#x27;文本&#x27; 框是空的；请至少写一个词。"
    panel.close()


@pytest.mark.usefixtures("chinese")
def test_a_prediction_is_compared_in_chinese() -> None:
    asked = Prediction("More?", lambda: 10.0, "Because.", [])
    asked.way.value, asked.amount.value = "higher", 10
    asked.reveal()
    assert "预测：" in asked.verdict.value
    assert "非常接近。" in asked.verdict.value
