"""Curve: a slider over recorded values, drawn in the page."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from math import floor, log10
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from traitlets import Any as AnyTrait, Dict, List, Unicode, observe, validate

from prefixlab import arguments
from prefixlab.workbook import figures
from prefixlab.workbook.language import gettext, gettext_noop
from prefixlab.workbook.page import pictures
from prefixlab.workbook.page.base import InPage, module

Place = Any  # a word or a number
Lines = dict[str, dict[Place, list[float]]]


class Star(NamedTuple):
    """A value of the learner's own, in its colour: where it stands, and what it came to."""

    place: Place
    value: float
    colour: str


class Curve(InPage):
    """Means and ranges along an axis, and a slider under it that says what stands where it is.

    Whoever sets one of the attributes has the page follow.

    Attributes
    ----------
    value
        The place that the slider stands at, one of those that something was measured at.
    line
        The name of the line that it tells about; the others are faded.
    asked
        A number on the axis at which nothing was measured, or None: a line marks it.
    lines, guess, stars
        As the parameters.

    Parameters
    ----------
    lines
        By its name each line: by the place on the horizontal axis what was measured there, one
        number or a number for each seed. Places are numbers, or words; a line may lack some.
    xlabel, ylabel
        What the axes show; what stands there in brackets is left out of the sentence.
    log
        Whether the horizontal axis is logarithmic.
    references
        Values to compare with, by their names: `{"ln 2, a coin flip": 0.693}`.
    chosen
        By the line, the place that was chosen there: a diamond.
    guess
        What the learner expected, as a place and the value there.
    stars
        What the learner measured; a place may be a number between those of the lines.
    value, line
        Where it begins, in place of the first.
    each
        What there may be several numbers of at a place.

    Raises
    ------
    ValueError
        Nothing measured, or what is no number; places of two kinds, or without a logarithm; a
        place or a line that is not there.
    """

    script = "curve.js"
    _esm = module(script)
    drawing = Dict().tag(sync=True)
    value = AnyTrait().tag(sync=True)
    line = Unicode().tag(sync=True)
    asked = AnyTrait().tag(sync=True)
    lines = Dict()
    guess = AnyTrait()
    stars: Any = List()

    def __init__(
        self,
        lines: Mapping[str, Mapping[Place, Any]],
        *,
        xlabel: str,
        ylabel: str,
        log: bool = False,
        references: Mapping[str, float] | None = None,
        chosen: Mapping[str, Place] | None = None,
        guess: tuple[Place, float] | None = None,
        stars: Sequence[Star] = (),
        value: Place = None,
        line: str | None = None,
        each: str = gettext_noop("seeds"),
    ):
        self.xlabel, self.ylabel, self.logarithmic, self.each = xlabel, ylabel, log, each
        self.references = {
            name: arguments.number(name, level) for name, level in (references or {}).items()
        }
        self.chosen: dict[str, Place] = {}
        self.lines = dict(lines)
        for name, place in (chosen or {}).items():
            self.chosen[arguments.one_of("chosen", name, tuple(self.lines))] = self._there(place)
        if self.chosen:  # else all is drawn that is known by now
            self._draw()
        self.guess, self.stars = guess, list(stars)
        self.line = self.line if line is None else line
        self.value = self.value if value is None else value
        super().__init__()  # it opens the widget: what is refused above leaves none

    @classmethod
    def of(cls, runs: pd.DataFrame, *, x: str, y: str, by: str = "", **look: Any) -> "Curve":
        """The curve of recorded runs, a row a run.

        Parameters
        ----------
        x, y, by
            The columns with the place, with what was measured, and with the name of the line;
            without the last all runs are of one line.
        **look
            As for `Curve`; labels that are not given are the names of the columns.
        """
        groups = runs.groupby(by, sort=False) if by else [("", runs)]
        lines = {
            str(name): group.groupby(x, sort=False)[y].apply(list).to_dict()
            for name, group in groups
        }
        return cls(lines, **{"xlabel": x.replace("_", " "), "ylabel": y.replace("_", " ")} | look)

    @property
    def places(self) -> list[Place]:
        """All places that something was measured at: numbers in their order, words as they come."""
        found = list(dict.fromkeys(place for line in self.lines.values() for place in line))
        return found if isinstance(found[0], str) else sorted(found)

    def says(self) -> str:
        return self.sentence(self.line, self.value)

    def sentence(self, line: str, place: Place) -> str:
        """What was measured at a place of a line: "length 5: accuracy 0.89 (…, 3 seeds)"."""
        where = f"{without_brackets(gettext(self.xlabel))} {written(place)}"
        if len(self.lines) > 1:
            where = f"{gettext(line)}, {where}"
        if place not in (measured := self.lines[line]):
            return gettext("{where}: nothing recorded").format(where=where)
        values = measured[place]
        measure = without_brackets(gettext(self.ylabel))
        said = gettext("{where}: {measure} {value}").format(
            where=where, measure=measure, value=self.rounded(np.mean(values))
        )
        if len(values) == 1:
            return said
        low, high = self.rounded(min(values)), self.rounded(max(values))
        span = gettext("{said} ({low} to {high}, {count} {each})")
        return span.format(
            said=said, low=low, high=high, count=len(values), each=gettext(self.each)
        )

    @property
    def heights(self) -> tuple[float, float]:
        """The lowest and the highest value that is drawn."""
        lines = self.lines.values()
        drawn = [value for line in lines for values in line.values() for value in values]
        drawn += [*self.references.values(), *(self.guess or ())[1:]]
        drawn += [star.value for star in self.stars]
        low, high = min(drawn), max(drawn)
        return (low, high) if low < high else (low - 0.5, high + 0.5)

    def rounded(self, value: Any) -> str:
        """A value with as many digits as its axis can show: in hundredths on 0.16 to 1.6."""
        low, high = self.heights
        return f"{value:.{max(0, 1 - floor(log10(high - low) - 0.2))}f}"

    @validate("lines")
    def _read(self, proposal: Any) -> Lines:
        lines = read(proposal.value)
        places = [place for line in lines.values() for place in line]
        if not places or not all(values for line in lines.values() for values in line.values()):
            raise ValueError("A curve needs a value at each of its places; leave out the others.")
        words = [place for place in places if isinstance(place, str)]
        numbers = [place for place in places if not isinstance(place, str)]
        if words and numbers:
            raise ValueError(
                f"The places of a curve are all words or all numbers, not {words[0]!r} and "
                f"{numbers[0]:g}; draw two curves."
            )
        for place in places:
            self._possible(place)
        return lines

    def _possible(self, place: Place) -> Place:
        """A place that the axis can have."""
        if self.logarithmic and (isinstance(place, str) or place <= 0):
            raise ValueError(f"A logarithmic axis has no place for {place!r}; leave out log=True.")
        return place

    @validate("guess")
    def _expected(self, proposal: Any) -> tuple[Place, float] | None:
        if proposal.value is None:
            return None
        place, value = proposal.value
        self._there(place)
        return place, arguments.number("guess", value)

    @validate("value")
    def _placed(self, proposal: Any) -> Place:
        return self._there(proposal.value)

    def _there(self, value: Place) -> Place:
        """A place as it was recorded: the page makes no difference between 5 and 5.0."""
        if value not in self.places:
            known = ", ".join(map(written, self.places))
            raise ValueError(f"Nothing was recorded at {value!r}; choose one of {known}.")
        return next(place for place in self.places if place == value)

    @validate("line")
    def _named(self, proposal: Any) -> str:
        return str(arguments.one_of("line", proposal.value, tuple(self.lines)))

    @validate("asked")
    def _off(self, proposal: Any) -> float | None:
        return None if proposal.value is None else self._on_the_axis(proposal.value)

    @validate("stars")
    def _known(self, proposal: Any) -> list[Star]:
        return [
            Star(self._on_the_axis(place), arguments.number("star", value), colour)
            for place, value, colour in proposal.value
        ]

    def _on_the_axis(self, place: Place) -> Place:
        """A place of the axis: any number where they are numbers, else a word that is there."""
        if isinstance(self.places[0], str):
            return self._there(place)
        return self._possible(arguments.number("place", place))

    @observe("lines", "guess", "stars")
    def _draw(self, change: Any = None) -> None:
        """Hand over what the page draws."""
        places = self.places
        if self.line not in self.lines:
            self.line = next(iter(self.lines))
        if self.value not in places:
            self.value = places[0]
        round_steps = MaxNLocator(5, steps=[1, 2, 5, 10])
        ticks = [float(tick) for tick in round_steps.tick_values(*self.heights)]
        self.drawing = {
            "places": places,
            "written": [written(place) for place in places],
            "words": isinstance(places[0], str),
            "log": self.logarithmic,
            "xlabel": gettext(self.xlabel),
            "ylabel": gettext(self.ylabel),
            "ticks": ticks,
            "references": [[gettext(name), level] for name, level in self.references.items()],
            "guess": self.guess and [*self.guess, self.rounded(self.guess[1])],
            "stars": [[*star, self.rounded(star.value)] for star in self.stars],
            "lines": [
                {
                    "name": name,
                    "shown": gettext(name),
                    "colour": colour,
                    "dashed": count >= len(figures.COLOURS),
                    "points": [
                        self._point(line[place]) if place in line else None for place in places
                    ],
                    "says": [self.sentence(name, place) for place in places],
                    "chosen": places.index(self.chosen[name]) if name in self.chosen else None,
                }
                for count, ((name, line), colour) in enumerate(
                    zip(self.lines.items(), cycle(figures.COLOURS), strict=False)
                )
            ],
        }

    def _point(self, values: list[float]) -> dict[str, Any]:
        mean = float(np.mean(values))
        return {"mean": mean, "low": min(values), "high": max(values), "as": self.rounded(mean)}

    def picture(self) -> Figure:
        return pictures.curve(self.drawing, self.value, self.line, self.says(), self.asked)


def read(lines: Mapping[str, Mapping[Place, Any]]) -> Lines:
    """Lines in Python's own numbers, several at every place; a ValueError where one is none."""
    return {
        str(name): {
            place.item() if hasattr(place, "item") else place: [
                arguments.number(f"{name} at {place}".strip(), value)
                for value in (values if isinstance(values, Iterable) else [values])
            ]
            for place, values in line.items()
        }
        for name, line in lines.items()
    }


def written(place: Place) -> str:
    """A place as it stands on the axis."""
    return gettext(place) if isinstance(place, str) else f"{place:g}"


def without_brackets(label: str) -> str:
    return label.partition(" (")[0]
