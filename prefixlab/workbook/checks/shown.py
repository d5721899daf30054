"""Values in words: no more of them than a reader takes in."""

from collections.abc import Set
from textwrap import shorten
from typing import Any

from torch import Tensor, nn

from prefixlab.workbook.language import gettext, gettext_noop

MOST = 5  # entries of a row that are shown
LONGEST = 60  # characters of a text that are shown
PLURAL = {
    gettext_noop("entry"): gettext_noop("entries"),
    gettext_noop("number"): gettext_noop("numbers"),
    gettext_noop("tensor"): gettext_noop("tensors"),
    gettext_noop("str"): gettext_noop("strings"),
}


def number(value: Any, digits: int = 2) -> str:
    """A number with so many digits after the point; whole numbers and truth values as they are."""
    if isinstance(value, int):
        return str(value)
    if value == 0 or 10**-digits <= abs(value) < 1e6:
        return f"{value:.{digits}f}"
    return f"{value:.{digits + 1}g}"


def row(values: list[Any], digits: int = 2) -> str:
    """The first entries of a row."""
    words = [number(value, digits) for value in values[:MOST]]
    return f"[{', '.join(words + ['…'] * (len(values) > MOST))}]"


def quoted(text: str, place: int = 0) -> str:
    """A text in quotation marks, a long one as what stands around one of its characters."""
    if len(text) <= LONGEST:
        return repr(text)
    start = max(0, place - LONGEST // 2)
    part = text[start : start + LONGEST]
    return "…" * (start > 0) + repr(part) + "…" * (start + LONGEST < len(text))


def in_one_line(text: str, most: int = 160) -> str:
    """The first line of a text with something in it, cut to a length that can be read."""
    lines = [line for line in text.splitlines() if line.strip()] or [""]
    return shorten(lines[0], most, placeholder=" …")


def name_of(value: Any) -> str:
    """The kind of a value in one word: its Python type, or what a learner calls it."""
    if isinstance(value, Tensor):
        return "tensor"
    if isinstance(value, float | int) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


def kind(value: Any) -> str:
    """What a value is: "a list of 3 numbers", "a tensor of shape [7, 4]", "a str ('good')"."""
    if value is None:
        return gettext("nothing (None)")
    if isinstance(value, Tensor):
        return gettext("a tensor of shape {shape}").format(shape=[*value.shape])
    if isinstance(value, bool | float | int):
        said = gettext("a bool ({value})" if isinstance(value, bool) else "a number ({value})")
        return said.format(value=number(value))
    if isinstance(value, str):
        return gettext("a str ({value})").format(value=quoted(value))
    if isinstance(value, list | tuple | dict | Set):
        said = gettext("{a_list} of {entries}")
        return said.format(a_list=with_article(name_of(value)), entries=counted(value))
    if callable(value) and not isinstance(value, nn.Module):
        return gettext("a function")
    return with_article(name_of(value))


def counted(values: Any) -> str:
    """How many entries there are, and of which kind where they are all of one."""
    if isinstance(values, dict):
        said = gettext("1 key" if len(values) == 1 else "{count} keys")
        return said.format(count=len(values))
    one = {name_of(value) for value in values}
    word = one.pop() if len(one) == 1 else "entry"
    plural = PLURAL.get(word, f"{word}s")
    said = gettext("{count} {entries}")
    return said.format(count=len(values), entries=gettext(word if len(values) == 1 else plural))


def with_article(word: str) -> str:
    said = gettext("an {word}" if word[0] in "aeiouAEIOU" else "a {word}")
    return said.format(word=word)


def argument(name: str, value: Any) -> str:
    """An argument of a call, by its name: "n = 3", "keys of shape [5, 4]"."""
    if isinstance(value, Tensor):
        small = value.dim() == 1 and len(value) <= MOST
        of_shape = gettext("{name} of shape {shape}").format(name=name, shape=[*value.shape])
        return f"{name} = {row(value.tolist())}" if small else of_shape
    if isinstance(value, bool | float | int):
        return f"{name} = {value}"
    if isinstance(value, str):
        return f"{name} = {quoted(value)}"
    if isinstance(value, list | tuple | dict | Set):
        whole = repr(value)
        plain = len(whole) <= LONGEST // 2 and "tensor(" not in whole
        return f"{name} = {whole if plain else kind(value)}"
    known_as = getattr(value, "name", None)  # a model's sizes have the model's name
    return f"{name} = {known_as if isinstance(known_as, str) else kind(value)}"
