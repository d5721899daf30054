"""What the page is handed, what is said of it, and what is refused."""

import math

import numpy as np
import pandas as pd
import pytest
from ipywidgets.widgets.widget import _instances

from prefixlab.workbook.page import Curve, Star

SEEDS = {
    "words": {1: [0.8, 0.9], 5: [0.87, 0.91, 0.89], 10: 0.9},
    "noise": {5: [0.5], 20: [0.7, 0.6]},
}
AXES = {"xlabel": "length (positions)", "ylabel": "accuracy"}


def test_it_says_mean_range_and_how_many_seeds() -> None:
    curve = Curve(SEEDS, **AXES)
    assert curve.says() == "words, length 1: accuracy 0.85 (0.80 to 0.90, 2 seeds)"
    curve.value = 5.0
    assert curve.says() == "words, length 5: accuracy 0.89 (0.87 to 0.91, 3 seeds)"
    curve.line = "noise"
    assert curve.says() == "noise, length 5: accuracy 0.50"
    curve.value = 1
    assert curve.says() == "noise, length 1: nothing recorded"


def test_of_one_line_its_name_is_not_said() -> None:
    assert Curve({"": {0.5: 0.56}}, xlabel="t", ylabel="P").says() == "t 0.5: P 0.56"


def test_the_page_is_handed_every_point_with_its_sentence() -> None:
    drawing = Curve(SEEDS, **AXES, references={"a coin flip": 0.5}).drawing
    assert drawing["places"] == [1, 5, 10, 20]
    words, noise = drawing["lines"]
    assert words["points"][0] == {
        "mean": pytest.approx(0.85),
        "low": 0.8,
        "high": 0.9,
        "as": "0.85",
    }
    assert words["points"][3] is None
    assert noise["says"][3] == "noise, length 20: accuracy 0.65 (0.60 to 0.70, 2 seeds)"
    assert words["colour"] != noise["colour"]
    assert drawing["ticks"][0] <= 0.5
    assert drawing["ticks"][-1] >= 0.91


def test_numbers_are_in_order_and_words_as_they_come() -> None:
    assert Curve({"": {10: 1, 5: 2}}, xlabel="x", ylabel="y").places == [5, 10]
    assert Curve({"": {"b": 1, "a": 2}}, xlabel="x", ylabel="y").places == ["b", "a"]


@pytest.mark.parametrize(
    ("values", "shown"),
    [((0, 1), "0.00"), ((0.231, 0.276), "0.231"), ((2, 9), "2.0"), ((100, 900), "100")],
)
def test_as_many_digits_as_the_axis_can_show(values, shown) -> None:
    line = dict(enumerate(values))
    assert Curve({"": line}, xlabel="x", ylabel="y").says() == f"x 0: y {shown}"


def test_recorded_runs_are_grouped_by_line_and_place() -> None:
    runs = pd.DataFrame(
        {
            "init": ["words", "words", "noise", "words"],
            "prefix_length": np.array([5, 5, 10, 10]),
            "accuracy": [0.8, 0.9, 0.5, 0.95],
        }
    )
    curve = Curve.of(runs, x="prefix_length", y="accuracy", by="init")
    assert curve.lines == {"words": {5: [0.8, 0.9], 10: [0.95]}, "noise": {10: [0.5]}}
    assert curve.says() == "words, prefix length 5: accuracy 0.85 (0.80 to 0.90, 2 seeds)"
    assert Curve.of(runs, x="init", y="accuracy", xlabel="start").places == ["words", "noise"]


def test_a_guess_and_a_new_line_are_drawn_when_they_are_set() -> None:
    curve = Curve(SEEDS, **AXES)
    assert curve.drawing["guess"] is None
    curve.guess = (5, 0.2)
    assert curve.drawing["guess"] == [5, 0.2, "0.20"]
    assert curve.drawing["ticks"][0] <= 0.2
    curve.lines = curve.lines | {"yours": {5: 0.95}}
    assert [line["name"] for line in curve.drawing["lines"]] == ["words", "noise", "yours"]
    curve.line = "yours"
    curve.lines = SEEDS
    assert curve.line == "words"


def test_stars_are_drawn_wherever_the_axis_goes_and_the_ticks_reach_them() -> None:
    curve = Curve(SEEDS, **AXES, stars=[Star(7, 0.2, "#123456")])
    assert curve.drawing["stars"] == [[7, 0.2, "#123456", "0.20"]]
    assert curve.drawing["ticks"][0] <= 0.2
    (axis,) = curve.picture().axes
    (star,) = (line for line in axis.lines if line.get_marker() == "*")
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (7, 0.2)
    curve.stars = []
    assert curve.drawing["stars"] == []
    with pytest.raises(ValueError, match="Nothing was recorded at 'c'; choose one of a"):
        Curve({"": {"a": 1}}, **AXES, stars=[Star("c", 1, "red")])


def test_what_was_chosen_on_a_line_has_a_diamond() -> None:
    curve = Curve(SEEDS, **AXES, chosen={"words": 5})
    assert [line["chosen"] for line in curve.drawing["lines"]] == [1, None]
    (axis,) = curve.picture().axes
    (diamond,) = (line for line in axis.lines if line.get_marker() == "D")
    assert diamond.get_xdata() == [5]
    assert diamond.get_ydata() == [pytest.approx(0.89)]


def test_a_number_where_nothing_was_measured_is_marked() -> None:
    curve = Curve(SEEDS, **AXES, log=True)
    drawn = len(curve.picture().axes[0].lines)
    curve.asked = 7
    axis = curve.picture().axes[0]
    assert len(axis.lines) == drawn + 1
    assert any(list(line.get_xdata()) == [7, 7] for line in axis.lines)
    for wrong, told in ((0, "no place for 0"), ("seven", "place='seven' is no finite number")):
        with pytest.raises(ValueError, match=told):
            curve.asked = wrong
    assert curve.asked == 7


def test_it_can_be_observed() -> None:
    curve, seen = Curve(SEEDS, **AXES), []
    curve.observe(lambda change: seen.append(change.new), "value")
    curve.set_state({"value": 10.0})  # as the page does
    assert seen == [10]
    assert isinstance(curve.value, int)  # JSON has one kind of number


@pytest.mark.parametrize("log", [False, True])
def test_the_picture_shows_every_line_and_what_is_chosen(log: bool) -> None:
    curve = Curve(SEEDS, **AXES, log=log, references={"no training": 0.6}, guess=(5, 0.7), value=5)
    figure = curve.picture()
    (axis,) = figure.axes
    assert axis.get_title() == curve.says()
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("length (positions)", "accuracy")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["words", "noise"]
    assert {text.get_text() for text in axis.texts} == {"0.89", "no training", "your guess 0.70"}


def test_the_names_of_values_that_nearly_meet_stand_at_either_end() -> None:
    nearly = {"no text": 0.6, "eight": 0.75, "a coin flip": 0.602}
    (axis,) = Curve(SEEDS, **AXES, references=nearly).picture().axes
    sides = {text.get_text(): text.get_ha() for text in axis.texts if text.get_text() in nearly}
    assert sides == {"no text": "left", "a coin flip": "right", "eight": "left"}


def test_words_are_drawn_side_by_side() -> None:
    lines = {"one": {"a": [1, 2], "b": [2, 3]}, "two": {"a": 1, "b": 2}}
    (axis,) = Curve(lines, xlabel="start", ylabel="y", value="b").picture().axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["a", "b"]
    one, _, two, *_ = (line.get_xdata() for line in axis.lines)  # between them what is chosen
    assert all(np.array(one) < two)


def test_closing_leaves_nothing() -> None:
    before = set(_instances)
    Curve(SEEDS, **AXES).close()
    assert set(_instances) == before


@pytest.mark.parametrize(
    ("lines", "look", "told"),
    [
        ({}, {}, "needs a value at each of its places"),
        ({"a": {}}, {}, "needs a value at each of its places"),
        ({"a": {1: []}}, {}, "needs a value at each of its places"),
        ({"a": {1: math.nan}}, {}, "a at 1=nan is no finite number"),
        ({"a": {1: "high"}}, {}, "a at 1='h' is no finite number"),
        ({"a": {1: 1, "two": 2}}, {}, "all words or all numbers, not 'two' and 1"),
        ({"a": {0: 1, 2: 2}}, {"log": True}, "no place for 0; leave out log=True"),
        ({"a": {"few": 1}}, {"log": True}, "no place for 'few'; leave out log=True"),
        ({"a": {1: 1}}, {"value": 2}, "Nothing was recorded at 2; choose one of 1"),
        ({"a": {1: 1}}, {"line": "b"}, "line='b' is unknown; choose one of a"),
        ({"a": {1: 1}}, {"guess": (3, 1)}, "Nothing was recorded at 3; choose one of 1"),
        ({"a": {1: 1}}, {"guess": (1, math.inf)}, "guess=inf is no finite number"),
        ({"a": {1: 1}}, {"chosen": {"b": 1}}, "chosen='b' is unknown; choose one of a"),
        ({"a": {1: 1}}, {"chosen": {"a": 3}}, "Nothing was recorded at 3; choose one of 1"),
        ({"a": {1: 1}}, {"references": {"best": None}}, "best=None is no finite number"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(lines, look, told) -> None:
    before = set(_instances)
    with pytest.raises(ValueError, match=told):
        Curve(lines, xlabel="x", ylabel="y", **look)
    assert set(_instances) == before
