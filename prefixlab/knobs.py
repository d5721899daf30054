"""Knobs: every setting of a method, declared once.

A method's knobs are a frozen dataclass whose fields are made by `knob`. From that one
declaration come the default, the check of a learner's value, the sentence that explains an
error, the range of a slider and the line in the docstring. Every knob is a number, a string or
a boolean, so it can be written into a checkpoint or a record as it is.
"""

from collections.abc import Iterator
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from typing import Any, Self


def knob(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    unit: str = "",
) -> Any:
    """Declare one knob: its default, its help, and its range (`low` to `high`) or its choices."""
    about = {"help": help, "low": low, "high": high, "choices": choices, "unit": unit}
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
            check(declared, getattr(self, declared.name))

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
                    f"{method} has no knob {name!r}; its knobs are {', '.join(names)}."
                )
        return cls(**given)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def check(declared: Field, value: Any) -> None:
    """Raise a ValueError that names the knob, its range and the remedy, or return."""
    name, about = declared.name, declared.metadata
    expected = type(declared.default) if declared.default is not MISSING else object
    whole_for_float = expected is float and isinstance(value, int) and not isinstance(value, bool)
    if not (type(value) is expected or whole_for_float):
        raise ValueError(
            f"{name} must be of type {expected.__name__}, not {type(value).__name__} ({value!r}); "
            f"its default is {declared.default!r}."
        )
    if about["choices"] and value not in about["choices"]:
        raise ValueError(
            f"{name}={value!r} is unknown; choose one of {', '.join(about['choices'])}."
        )
    low, high = about["low"], about["high"]
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        span = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name}={value!r} is out of range; choose a value {span}.")
