"""Arguments: what a public function is given, checked before any work is done.

Knobs are checked by their declarations (see `knobs`); these are for the arguments that are no
knobs, with the same kind of sentence: the name, the value, what is allowed, and the remedy.
"""

from collections.abc import Collection, Iterable
from math import inf, isfinite, nan
from numbers import Integral, Real
from typing import Any

LARGEST_SEED = 2**32 - 1


def whole_number(name: str, value: Any, low: int, high: int | None = None) -> int:
    """`value` as an int, if it is a whole number from `low` to `high`; numpy's are too.

    Raises
    ------
    ValueError
        Anything else: a bool, a float such as 2.0, a number out of range.
    """
    span = f"of at least {low}" if high is None else f"from {low} to {high}"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ValueError(f"{name}={shortened(value)} is no whole number; choose one {span}.")
    number = int(value)
    if number < low or (high is not None and number > high):
        raise ValueError(
            f"{name}={shortened(value)} is out of range; choose a whole number {span}."
        )
    return number


def seed(value: Any) -> int:
    """`value`, if it can be a seed: a whole number from 0 to 2**32 - 1."""
    return whole_number("seed", value, 0, LARGEST_SEED)


def one_of(name: str, value: Any, choices: Collection[str]) -> str:
    """`value`, if it is one of the choices; anything else is a ValueError."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(
            f"{name}={shortened(value)} is unknown; choose one of {', '.join(choices)}."
        )
    return value


def instance(name: str, value: Any, kind: type, called: str, remedy: str) -> None:
    """Raise a ValueError where `value` is not of that kind."""
    if not isinstance(value, kind):
        raise ValueError(f"{name} is of type {type(value).__name__}, not {called}; {remedy}.")


def knobs_of(name: str, value: Any, kind: type) -> dict[str, Any]:
    """The knobs of `value`, if it is of that kind; of None there are none."""
    if value is None:
        return {}
    if not isinstance(value, kind):
        raise ValueError(
            f"{name}={shortened(value)} is no {kind.__name__}; make one with "
            f"prefixlab.{kind.__name__}(), or give its knobs by name."
        )
    return dict(vars(value))


def examples(value: Any) -> Any:
    """`value`, if it is a Dataset of examples with the columns x and y."""
    columns = getattr(value, "column_names", None)
    if not isinstance(columns, list) or not {"x", "y"} <= set(columns):
        raise ValueError(
            f"examples is of type {type(value).__name__} ({shortened(value)}), not a Dataset with "
            "columns x and y; take task.test, or make one with tasks.dataset([(text, label), …])."
        )
    return value


def texts(name: str, value: Any) -> list[str]:
    """`value` as a list of texts.

    Raises
    ------
    ValueError
        One text where a list of them is meant (its letters would be the texts), something in the
        list that is no text, or a text with half a character in it (a lone surrogate).
    """
    if isinstance(value, str):
        raise ValueError(
            f"{name}={shortened(value)} is one text, and its letters would be taken for texts; "
            f"put it into a list: [{shortened(value)}]."
        )
    if not isinstance(value, Iterable):
        raise ValueError(f"{name}={shortened(value)} is no list of texts; give a list of str.")
    found = list(value)
    for number, one in enumerate(found):
        text(f"{name}[{number}]", one)
    return found


def text(name: str, value: Any) -> str:
    """`value`, if it is a text that can be encoded; anything else is a ValueError."""
    if not isinstance(value, str):
        raise ValueError(
            f"{name} is of type {type(value).__name__} ({shortened(value)}), not a text; give a "
            "str."
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{name} has half a character (a lone surrogate, U+{ord(value[error.start]):04X}) at "
            f"place {error.start}; read the text as UTF-8, or remove it."
        ) from None
    return value


def number(name: str, value: Any, low: float = -inf, high: float = inf) -> float:
    """`value` as a float, if it is a finite number from `low` to `high`.

    Raises
    ------
    ValueError
        Anything else: NaN, an infinity, a text, a bool, a number out of range.
    """
    sides = [f"at least {low:g}" if low > -inf else "", f"at most {high:g}" if high < inf else ""]
    span = " and ".join(filter(None, sides)) or "that is finite"
    try:
        found = float(value) if isinstance(value, Real) and not isinstance(value, bool) else nan
    except OverflowError:  # a whole number of hundreds of digits
        found = inf
    if not isfinite(found):
        raise ValueError(f"{name}={shortened(value)} is no finite number; give one {span}.")
    if not low <= found <= high:
        raise ValueError(f"{name}={shortened(value)} is out of range; give a number {span}.")
    return found


def shortened(value: Any, longest: int = 40) -> str:
    """`repr(value)`, cut where it would fill the sentence it stands in."""
    try:
        shown = " ".join(repr(value).split())
    except ValueError:  # Python writes no number of more than 4300 digits
        shown = "a number of thousands of digits"
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"
