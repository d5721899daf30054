"""A knob is declared once: its default, its check and its error come from that declaration."""

import re
from dataclasses import dataclass

import numpy
import pytest

from prefixlab.methods import METHODS
from prefixlab.methods.knobs import Knobs, knob
from prefixlab.training.loop import Recipe


@dataclass(frozen=True)
class Oven(Knobs):
    degrees: int = knob(180, "how hot", low=50, high=250, unit="°C")
    minutes: float = knob(30.0, "how long", low=0)
    heat: str = knob("top", "from where", choices=("top", "bottom"))
    fan: bool = knob(False, "whether air moves")


def test_defaults_hold_where_nothing_is_given():
    assert Oven.of("oven", {"degrees": 200}) == Oven(200, 30.0, "top", False)
    assert Oven().as_dict() == {"degrees": 180, "minutes": 30.0, "heat": "top", "fan": False}


def test_numpy_s_numbers_are_kept_as_python_s():
    oven = Oven.of("oven", {"degrees": numpy.int64(99), "minutes": numpy.float32(2.5)})
    assert oven == Oven(99, 2.5)
    assert [type(value) for value in oven.as_dict().values()] == [int, float, str, bool]
    assert type(Oven(heat=numpy.str_("bottom")).heat) is str
    assert Oven(minutes=3).as_dict()["minutes"] == 3  # a whole number of minutes


@pytest.mark.parametrize("edge", [{"degrees": 50}, {"degrees": 250}, {"minutes": 0}])
def test_the_edges_of_a_range_are_inside_it(edge):
    Oven.of("oven", edge)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"degrees": 49}, ["degrees=49", "from 50 to 250"]),
        ({"degrees": 251}, ["degrees=251", "from 50 to 250"]),
        ({"degrees": 180.0}, ["degrees", "type int", "float", "180.0", "default is 180"]),
        ({"degrees": True}, ["degrees", "type int", "bool"]),
        ({"fan": 1}, ["fan", "type bool", "int"]),
        ({"minutes": -1.0}, ["minutes=-1.0", "of at least 0"]),
        ({"minutes": float("nan")}, ["minutes=nan", "of at least 0"]),
        ({"minutes": float("inf")}, ["minutes=inf", "of at least 0"]),
        ({"minutes": 10**400}, ["minutes=1000", "of at least 0"]),
        ({"degrees": 10**5000}, ["degrees=a number of thousands of digits", "from 50 to 250"]),
        ({"degrees": numpy.bool_(True)}, ["degrees", "type int", "bool"]),
        ({"degrees": None}, ["degrees", "type int", "NoneType"]),
        ({"heat": ["top"]}, ["heat", "type str", "list"]),
        ({"minutes": "long"}, ["minutes", "type float", "'long'"]),
        ({"heat": "side"}, ["heat='side'", "top, bottom"]),
        ({"degree": 200}, ["oven", "'degree'", "degrees, minutes, heat, fan"]),
    ],
)
def test_a_wrong_value_is_told_with_its_range_and_its_remedy(given, words):
    with pytest.raises(ValueError, match=".*".join(map(re.escape, words))):
        Oven.of("oven", given)


@pytest.mark.parametrize("owner", [Recipe, *(method.Knobs for method in METHODS.values())])
def test_every_knob_has_a_default_inside_its_range_and_a_help(owner):
    owner()
    assert all(declared.metadata["help"] for declared in owner.declared())
