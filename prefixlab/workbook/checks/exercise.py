"""An exercise, and what it says to an answer."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from prefixlab.workbook.checks.difference import difference, same
from prefixlab.workbook.checks.learners_code import call_of, dots_left, parameters, stop_of
from prefixlab.workbook.checks.shown import kind
from prefixlab.workbook.language import gettext, gettext_noop

OPEN = gettext_noop("○ Not answered yet: replace the dots, then run this cell again.")


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
class Attempt:
    """What a call returned, and its arguments as they were after it."""

    returned: Any
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Exercise:
    """An exercise: call it with an answer, a function or a plain value, and it prints a verdict.

    `probes` are the argument tuples that a function is tried on; a plain value has none. What a
    function does to its arguments counts too: all that `right` leaves as it is has to stay so, and
    what `right` changes, such as a prompt that it trains, has to come out the same.
    """

    right: Callable[..., Any]
    mistakes: tuple[Mistake, ...]
    praise: str
    probes: tuple[tuple[Any, ...], ...] = ((),)

    def __call__(self, answer: Any) -> None:
        print(self.verdict(answer).message)

    def use(self, answer: Any) -> Any:
        """Print the verdict; what the lesson goes on with: the answer if it is right, or `right`.

        A function comes back as it was given: what goes wrong in it later is its own error.
        """
        verdict = self.verdict(answer)
        if verdict.kind == "right":
            print(
                gettext("{verdict} The lesson goes on with yours.").format(verdict=verdict.message)
            )
            return answer
        until = gettext("{verdict} Until yours passes, the lesson goes on with the reference.")
        print(until.format(verdict=verdict.message))
        return self.right if callable(answer) or self.asks_for_a_function else self.right()

    @property
    def asks_for_a_function(self) -> bool:
        return self.probes != ((),)

    def verdict(self, answer: Any) -> Verdict:
        """What is to be said to an answer."""
        if answer is None or answer is ...:
            return Verdict("open", gettext(OPEN))
        if self.asks_for_a_function and not callable(answer):
            said = gettext("✗ Not yet: expected a function, you give {given}.")
            return Verdict("wrong", said.format(given=kind(answer)))
        given = answer if callable(answer) else lambda: answer
        found = []
        for probe in self.probes:
            try:
                found.append(attempt(given, probe))
            except Exception as error:
                if dots_left(given) or "ellipsis" in str(error):
                    return Verdict("open", gettext(OPEN))
                said = gettext("✗ {where}your code stops with {stop}.")
                where, stop = call_of(given, probe), stop_of(given, error)
                return Verdict("error", said.format(where=where, stop=stop))
        if self.agrees(found, self.right):
            said = gettext("✓ Right. {praise}").format(praise=gettext(self.praise))
            return Verdict("right", said)
        silent = all(one.returned is None or one.returned is ... for one in found)
        dots = dots_left(given)
        if silent if dots is None else dots:
            return Verdict("open", gettext(OPEN))
        for mistake in self.mistakes:
            if self.agrees(found, mistake.answer):
                said = gettext("✗ Not yet: {hint}").format(hint=gettext(mistake.hint))
                return Verdict("mistake", said, mistake.name)
        said = gettext("✗ Not yet: {difference}.")
        return Verdict("wrong", said.format(difference=self.first_difference(given, found)))

    def agrees(self, found: list[Attempt], other: Callable[..., Any]) -> bool:
        pairs = zip(found, self.probes, strict=True)
        return all(same(attempt(other, probe), one) for one, probe in pairs)

    def first_difference(self, answer: Callable[..., Any], found: list[Attempt]) -> str:
        """In words, for the first probe that shows one."""
        for one, probe in zip(found, self.probes, strict=True):
            wanted = attempt(self.right, probe)
            if same(wanted, one):
                continue
            where = call_of(answer, probe)
            if one.returned is None and wanted.returned is not None:
                everywhere = all(other.returned is None for other in found)
                said = gettext(
                    "{where}you return nothing: is there a `return` at the end?"
                    if everywhere
                    else "{where}you return nothing: is there a `return` in every branch?"
                )
                return said.format(where=where)
            if told := difference(wanted.returned, one.returned):
                return f"{where}{told}"
            names = parameters(answer, len(probe))
            return where + argument_that_differs(names, probe, wanted.arguments, one.arguments)
        raise AssertionError("The attempts agree.")


def argument_that_differs(
    names: list[str], before: tuple[Any, ...], wanted: tuple[Any, ...], found: tuple[Any, ...]
) -> str:
    """What a call should have left as it was, or should have changed in another way."""
    for name, old, right, now in zip(names, before, wanted, found, strict=True):
        if told := difference(right, now):
            said = gettext("what you return is right, but after the call {told}")
            if same(old, right):
                said = gettext(
                    "what you return is right, but your code changes what it was given: "
                    "after the call {told}. Work on a copy"
                )
            return said.format(told=told.at(f"`{name}`"))
    raise AssertionError("The arguments agree.")


def attempt(answer: Callable[..., Any], probe: tuple[Any, ...]) -> Attempt:
    """Try an answer on a copy of a probe, which it may change."""
    arguments = deepcopy(probe)
    return Attempt(answer(*arguments), arguments)
