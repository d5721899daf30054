"""Knobs: every setting of a method, declared once.

A method's knobs are a frozen dataclass whose fields are made by `knob`. From that one
declaration come the default, the check of a learner's value, the sentence that explains an
error, the range of a slider and the line in the docstring. Every knob is a number, a string or
a boolean, so it can be written into a checkpoint or a record as it is.
"""

import sys
from collections.abc import Iterator
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from numbers import Integral, Real
from typing import Any, Self

from prefixlab.arguments import shortened, text

KINDS: dict[type, type] = {int: Integral, float: Real}  # numpy's numbers are numbers too


def knob(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    unit: str = "",
    sizes: bool = True,
) -> Any:
    """Declare one knob: its default, its help, and its range (`low` to `high`) or its choices.

    `sizes` says that it changes how many numbers are trained, or where they stand.
    """
    about = {"help": help, "low": low, "high": high, "choices": choices, "unit": unit}
    about["sizes"] = sizes
    return field(default=default, metadata=about)


@dataclass(frozen=True)
class Knobs:
    """The base of every method's knobs: checks each value against its declaration.

    Raises
    ------
    ValueError
        A value of the wrong type, outside its range, or not among its choices.
    """

    def __post_init__(self) -> None:
        for declared in self.declared():
            object.__setattr__(self, declared.name, check(declared, getattr(self, declared.name)))

    @classmethod
    def declared(cls) -> Iterator[Field]:
        """The declarations, in the order in which panels show them."""
        yield from fields(cls)

    @classmethod
    def of(cls, method: str, given: dict[str, Any]) -> Self:
        """The knobs of `method` with the `given` values; an unknown name is an error."""
        names = [declared.name for declared in cls.declared()]
        for name in given:
            if name not in names:
                raise ValueError(
                    f"{method} has no knob {shortened(name)}; its knobs are {', '.join(names)}."
                )
        return cls(**given)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def check(declared: Field, value: Any) -> Any:
    """The value as a plain one of Python, or a ValueError with the knob, its range and the remedy.

    A whole number may stand for a float. What is not finite is no number.
    """
    name, about = declared.name, declared.metadata
    expected = type(declared.default) if declared.default is not MISSING else object
    kind = KINDS.get(expected, expected)
    if not isinstance(value, kind) or isinstance(value, bool) != (expected is bool):
        raise ValueError(
            f"{name} must be of type {expected.__name__}, not {type(value).__name__} "
            f"({shortened(value)}); its default is {declared.default!r}."
        )
    if isinstance(value, str):
        value = str(text(name, value))
    if about["choices"] and value not in about["choices"]:
        raise ValueError(
            f"{name}={shortened(value)} is unknown; choose one of {', '.join(about['choices'])}."
        )
    if isinstance(value, Real) and not isinstance(value, bool):
        value = int(value) if isinstance(value, Integral) else float(value)
        low, high = about["low"], about["high"]
        inside = (low is None or value >= low) and (high is None or value <= high)
        if not (inside and abs(value) <= sys.float_info.max):  # NaN is not, either
            span = "that is finite" if low is None else f"of at least {low}"
            span = span if high is None else f"from {low} to {high}"
            raise ValueError(f"{name}={shortened(value)} is out of range; choose a value {span}.")
    return value
