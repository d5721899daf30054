"""The first difference between what was expected and what came, in shapes and numbers."""

import math
from collections.abc import Callable, Set
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor, nn

from prefixlab.workbook.checks.shown import MOST, kind, number, quoted, row
from prefixlab.workbook.language import gettext


@dataclass(frozen=True)
class Difference:
    """What should be at a place, and what is there instead; no place means all of the value."""

    expected: str
    given: str
    place: str = ""
    note: str = ""

    def __str__(self) -> str:
        if self.place:
            said = gettext("{place} should be {expected}, yours is {given}{note}")
        else:
            said = gettext("expected {expected}, you return {given}{note}")
        return said.format(
            place=self.place, expected=self.expected, given=self.given, note=self.note
        )

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
        item = gettext(" (`.item()` makes a number of it)")
        note = item if numbers and given.numel() == 1 else ""
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
        return Difference(
            kind(expected), gettext("one of shape {shape}").format(shape=[*given.shape])
        )
    if expected.device != given.device:
        return Difference(
            gettext("a tensor on {device}").format(device=expected.device),
            gettext("one on {device}").format(device=given.device),
        )
    one, other = expected.detach().cpu(), given.detach().cpu()
    close = torch.isclose(one.double(), other.double(), rtol=1e-5, atol=1e-5)
    if not close.all():
        return of_rows(one, other, close)
    if expected.dtype != given.dtype:
        return Difference(
            gettext("a tensor of {dtype}").format(dtype=expected.dtype),
            gettext("one of {dtype}").format(dtype=given.dtype),
            note=gettext(" (the values are right)"),
        )
    return None


def of_rows(expected: Tensor, given: Tensor, close: Tensor) -> Difference:
    """The first row that differs, or the first entry where a row is too long to be shown."""
    if not close.dim():
        return Difference(*told_apart(number, expected.item(), given.item()))
    *at, column = (~close).nonzero()[0].tolist()
    if column >= MOST:
        place = gettext("entry {at}").format(at=[*at, column] if at else column)
        entry = (*at, column)
        return Difference(*told_apart(number, expected[entry].item(), given[entry].item()), place)
    words = told_apart(row, expected[tuple(at)].tolist(), given[tuple(at)].tolist())
    if not at:
        return Difference(*words)
    wrong = (~close).any(-1)
    several = gettext(" ({count} of {all} rows differ)")
    note = several.format(count=wrong.sum(), all=wrong.numel()) if wrong.sum() > 1 else ""
    place = gettext("row {at}").format(at=at[0] if len(at) == 1 else at)
    return Difference(*words, place, note)


def of_lists(expected: Any, given: Any) -> Difference | None:
    if len(expected) != len(given):
        return Difference(kind(expected), kind(given))
    for place, (one, other) in enumerate(zip(expected, given, strict=True)):
        if found := difference(one, other):
            return found.at(gettext("entry {at}").format(at=place))
    return None


def of_dicts(expected: dict[Any, Any], given: dict[Any, Any]) -> Difference | None:
    for key in expected:
        if key not in given:
            return Difference(kind(expected[key]), gettext("missing"), at_key(key))
        if found := difference(expected[key], given[key]):
            return found.at(at_key(key))
    for key in given:
        if key not in expected:
            return Difference(gettext("left out"), kind(given[key]), at_key(key))
    return None


def at_key(key: Any) -> str:
    return gettext("the key {key!r}").format(key=key)


def of_sets(expected: Set[Any], given: Set[Any]) -> Difference | None:
    for missing in expected - given:
        with_it = gettext("a set with {value!r} in it").format(value=missing)
        return Difference(with_it, gettext("one without it"))
    for excess in given - expected:
        without = gettext("a set without {value!r}").format(value=excess)
        return Difference(without, gettext("one with it"))
    return None


def parts_of(value: Any) -> dict[str, Any]:
    return {part.name: getattr(value, part.name) for part in fields(value)}
