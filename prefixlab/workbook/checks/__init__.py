"""Self-checks of the exercises: they say what is wrong in words, not only that it is.

An exercise knows its right answer, the inputs it tries an answer on, and the mistakes that
learners make. An answer that behaves like one of the mistakes is told which.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, allclose


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that is known: what it computes, and what to tell who gave it."""

    name: str
    answer: Callable[..., Any]
    hint: str


@dataclass(frozen=True)
class Verdict:
    """`kind` is "open", "right", "mistake" (a known one, by `name`), "wrong" or "error"."""

    kind: str
    message: str
    name: str = ""


@dataclass(frozen=True)
class Exercise:
    """An exercise: call it with an answer, a function or a plain value, and it prints a verdict.

    `probes` are the argument tuples that a function is tried on; a plain value has none.
    """

    right: Callable[..., Any]
    mistakes: tuple[Mistake, ...]
    praise: str
    probes: tuple[tuple[Any, ...], ...] = ((),)

    def __call__(self, answer: Any) -> None:
        print(self.verdict(answer).message)

    def verdict(self, answer: Any) -> Verdict:
        given = answer if callable(answer) else lambda: answer
        try:
            results = [given(*probe) for probe in self.probes]
        except Exception as error:
            return Verdict("error", f"✗ Your code stops with {type(error).__name__}: {error}")
        if all(result is None or result is ... for result in results):
            return Verdict(
                "open", "○ Not answered yet: replace the dots, then run this cell again."
            )
        if self.agrees(results, self.right):
            return Verdict("right", f"✓ Right. {self.praise}")
        for mistake in self.mistakes:
            if self.agrees(results, mistake.answer):
                return Verdict("mistake", f"✗ Not yet: {mistake.hint}", mistake.name)
        return Verdict("wrong", f"✗ Not yet: {self.first_difference(results)}")

    def agrees(self, results: list[Any], other: Callable[..., Any]) -> bool:
        return all(
            same(result, other(*probe)) for result, probe in zip(results, self.probes, strict=True)
        )

    def first_difference(self, results: list[Any]) -> str:
        for result, probe in zip(results, self.probes, strict=True):
            if not same(result, self.right(*probe)):
                return f"for {show(probe)} you get {show(result)}." if probe else f"{show(result)}."
        return "the answer differs."


def same(one: Any, other: Any) -> bool:
    """Equal, within a tolerance where numbers are not whole."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and allclose(one.float(), other.float(), atol=1e-5)
    if isinstance(one, float | int) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-9)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def show(value: Any) -> str:
    """A value in a few words: tensors by their shape."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {list(value.shape)}"
    if isinstance(value, tuple):
        return ", ".join(map(show, value))
    return repr(value)
