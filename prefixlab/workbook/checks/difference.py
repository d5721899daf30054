"""The first difference between what was expected and what came, in shapes and numbers."""

import math
from collections.abc import Callable, Set
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor, nn

from prefixlab.workbook.checks.shown import MOST, kind, number, quoted, row


@dataclass(frozen=True)
class Difference:
    """What should be at a place, and what is there instead; no place means all of the value."""

    expected: str
    given: str
    place: str = ""
    note: str = ""

    def __str__(self) -> str:
        if self.place:
            return f"{self.place} should be {self.expected}, yours is {self.given}{self.note}"
        return f"expected {self.expected}, you return {self.given}{self.note}"

    def at(self, place: str) -> "Difference":
        """The same within a larger value."""
        return replace(self, place=f"{place}, {self.place}" if self.place else place)


def same(one: Any, other: Any) -> bool:
    """Equal, within a tolerance where numbers are not whole."""
    return difference(one, other) is None


def difference(expected: Any, given: Any) -> Difference | None:
    """The first difference; None where the two are equal, within a tolerance for numbers."""
    if isinstance(expected, Tensor) and isinstance(given, Tensor):
        return of_tensors(expected, given)
    if isinstance(expected, float | int) and isinstance(given, float | int):
        tolerance = 1e-9 if isinstance(expected, int) else 1e-4
        close = math.isclose(expected, given, rel_tol=tolerance, abs_tol=1e-9)
        return None if close else Difference(*told_apart(number, expected, given))
    if isinstance(expected, list | tuple) and isinstance(given, list | tuple):
        return of_lists(expected, given)
    if isinstance(expected, dict) and isinstance(given, dict):
        return of_dicts(expected, given)
    if isinstance(expected, Set) and isinstance(given, Set):
        return of_sets(expected, given)
    if isinstance(expected, str) and isinstance(given, str):
        if expected == given:
            return None
        pairs = enumerate(zip_longest(expected, given))
        place = next(place for place, (one, other) in pairs if one != other)
        return Difference(quoted(expected, place), quoted(given, place))
    if type(expected) is not type(given):
        numbers = isinstance(expected, float | int) and isinstance(given, Tensor)
        note = " (`.item()` makes a number of it)" if numbers and given.numel() == 1 else ""
        return Difference(kind(expected), kind(given), note=note)
    if isinstance(expected, nn.Module):
        return of_dicts(expected.state_dict(), given.state_dict())
    if is_dataclass(expected):
        return of_dicts(parts_of(expected), parts_of(given))
    return None if expected == given else Difference(repr(expected), repr(given))


def told_apart(show: Callable[[Any, int], str], expected: Any, given: Any) -> tuple[str, str]:
    """Both values, with as many digits as it takes to see that they differ."""
    for digits in (2, 4, 6):
        words = show(expected, digits), show(given, digits)
        if words[0] != words[1]:
            return words
    return show(expected, 9), show(given, 9)


def of_tensors(expected: Tensor, given: Tensor) -> Difference | None:
    if expected.shape != given.shape:
        return Difference(kind(expected), f"one of shape {list(given.shape)}")
    if expected.device != given.device:
        return Difference(f"a tensor on {expected.device}", f"one on {given.device}")
    one, other = expected.detach().cpu(), given.detach().cpu()
    close = torch.isclose(one.double(), other.double(), rtol=1e-5, atol=1e-5)
    if not close.all():
        return of_rows(one, other, close)
    if expected.dtype != given.dtype:
        note = " (the values are right)"
        return Difference(f"a tensor of {expected.dtype}", f"one of {given.dtype}", note=note)
    return None


def of_rows(expected: Tensor, given: Tensor, close: Tensor) -> Difference:
    """The first row that differs, or the first entry where a row is too long to be shown."""
    if not close.dim():
        return Difference(*told_apart(number, expected.item(), given.item()))
    *at, column = (~close).nonzero()[0].tolist()
    if column >= MOST:
        place = f"entry {[*at, column] if at else column}"
        entry = (*at, column)
        return Difference(*told_apart(number, expected[entry].item(), given[entry].item()), place)
    words = told_apart(row, expected[tuple(at)].tolist(), given[tuple(at)].tolist())
    if not at:
        return Difference(*words)
    wrong = (~close).any(-1)
    note = f" ({wrong.sum()} of {wrong.numel()} rows differ)" if wrong.sum() > 1 else ""
    return Difference(*words, f"row {at[0] if len(at) == 1 else at}", note)


def of_lists(expected: Any, given: Any) -> Difference | None:
    if len(expected) != len(given):
        return Difference(kind(expected), kind(given))
    for place, (one, other) in enumerate(zip(expected, given, strict=True)):
        if found := difference(one, other):
            return found.at(f"entry {place}")
    return None


def of_dicts(expected: dict[Any, Any], given: dict[Any, Any]) -> Difference | None:
    for key in expected:
        if key not in given:
            return Difference(kind(expected[key]), "missing", f"the key {key!r}")
        if found := difference(expected[key], given[key]):
            return found.at(f"the key {key!r}")
    for key in given:
        if key not in expected:
            return Difference("left out", kind(given[key]), f"the key {key!r}")
    return None


def of_sets(expected: Set[Any], given: Set[Any]) -> Difference | None:
    for missing in expected - given:
        return Difference(f"a set with {missing!r} in it", "one without it")
    for excess in given - expected:
        return Difference(f"a set without {excess!r}", "one with it")
    return None


def parts_of(value: Any) -> dict[str, Any]:
    return {part.name: getattr(value, part.name) for part in fields(value)}
