"""What can be read off the learner's own function: its parameters, its dots, its lines."""

import ast
import inspect
import textwrap
import traceback
from collections.abc import Callable
from typing import Any

from prefixlab.workbook.checks.shown import argument, in_one_line
from prefixlab.workbook.language import gettext


def call_of(answer: Callable[..., Any], values: tuple[Any, ...]) -> str:
    """The arguments of a call, shortly, by the learner's own names: "for n = 3: ".

    A function or a model among them has nothing to show.
    """
    pairs = zip(parameters(answer, len(values)), values, strict=True)
    words = [argument(name, value) for name, value in pairs if not callable(value)]
    return gettext("for {arguments}: ").format(arguments=", ".join(words)) if words else ""


def parameters(answer: Callable[..., Any], count: int) -> list[str]:
    """The names of so many parameters, or their numbers where the names are not known."""
    try:
        names = list(inspect.signature(answer).parameters)
    except (TypeError, ValueError):  # some callables have no signature
        names = []
    return (
        names
        if len(names) == count
        else [gettext("argument {n}").format(n=n + 1) for n in range(count)]
    )


def dots_left(answer: Callable[..., Any]) -> bool | None:
    """Whether dots still stand where code belongs; None where the source cannot be read.

    The dots of `x[..., 0]` and of `tuple[int, ...]` are code.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(answer)))
    except (OSError, TypeError, SyntaxError):  # no source, no function, half of a statement
        return None
    within = {id(node) for index in ast.walk(tree) if isinstance(index, ast.Subscript)
              for node in ast.walk(index.slice)}  # fmt: skip
    return any(
        isinstance(node, ast.Constant) and node.value is ... and id(node) not in within
        for node in ast.walk(tree)
    )


def stop_of(answer: Callable[..., Any], error: Exception) -> str:
    """What stopped the code, and at which line of the cell with the learner's function."""
    words = f"{type(error).__name__}: {in_one_line(str(error))}".rstrip(": .")
    home = getattr(getattr(answer, "__code__", None), "co_filename", None)
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == home]
    if not own:
        return words
    line = f": `{in_one_line(own[-1].line, 100)}`" if own[-1].line else ""
    said = gettext("{error}, in line {number}{line}")
    return said.format(error=words, number=own[-1].lineno, line=line)
