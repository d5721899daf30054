"""Runs: training runs as curves, and as the rows of a table, drawn in the page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from traitlets import Dict, List

from prefixlab.evaluation.choices import Evaluation
from prefixlab.workbook import figures
from prefixlab.workbook.language import gettext, gettext_noop
from prefixlab.workbook.page import pictures
from prefixlab.workbook.page.base import InPage, module

ACCURACY = gettext_noop("accuracy (95% interval)")
DIFFERENCE = gettext_noop("to the recorded mean")
UNLISTED = gettext_noop("A knob without a column is in every run as it was at first.")


@dataclass(frozen=True)
class Tracked:
    """What is shown of a run.

    Parameters
    ----------
    number
        What it is called; the others have other numbers.
    look
        Which of the palette's colours it has, counted from 0; beyond them its lines are dashed.
    knobs
        By the name of each knob its value, in words.
    losses
        Of each step so far, in nats.
    validations
        By the step, 0 for before training, what was found on validation sentences.
    kept
        The step that was kept, if any is.
    outcome
        Its accuracy in words, or how far it is.
    difference
        By how much that is above the recorded mean, in words.
    """

    number: int
    look: int
    knobs: Mapping[str, str]
    losses: Sequence[float]
    validations: Mapping[int, Evaluation]
    kept: int | None
    outcome: str
    difference: str


def colour_of(look: int) -> str:
    """The colour of a look, counted from 0."""
    return figures.COLOURS[look % len(figures.COLOURS)]


class Runs(InPage):
    """Losses and held-out accuracies of runs by the step, and a table with a row a run.

    The page hides a run and shows it again; the kernel is asked to delete one.

    Attributes
    ----------
    hidden
        The numbers of the runs that are not drawn.

    Parameters
    ----------
    delete
        Called with the number of a run that is to be deleted.
    """

    script = "runs.js"
    _esm = module(script)
    drawing = Dict().tag(sync=True)
    hidden: Any = List().tag(sync=True)

    def __init__(self, delete: Callable[[int], None]):
        super().__init__()
        self.draw([], at_first={}, steps=1, levels={}, recorded=[])
        self.on_msg(lambda widget, message, buffers: delete(message["delete"]))

    def draw(
        self,
        runs: Sequence[Tracked],
        *,
        at_first: Mapping[str, str],
        steps: int,
        levels: Mapping[str, Mapping[str, float]],
        recorded: Sequence[Sequence[float]],
    ) -> None:
        """Hand over what the page draws.

        Parameters
        ----------
        runs
            The newest one last.
        at_first
            The knobs as they were at first: those that no run has changed get no column.
        steps
            Where the horizontal axes end.
        levels
            For "loss" and for "accuracy", values to compare with, by their names.
        recorded
            The losses of recorded runs with the knobs of the newest one.
        """
        numbers = [run.number for run in runs]
        self.hidden = [number for number in self.hidden if number in numbers]
        columns = [
            name
            for name, value in at_first.items()
            if any(run.knobs[name] != value for run in runs)
        ]
        self.drawing = {
            "heads": [gettext("run"), *columns, gettext(ACCURACY), gettext(DIFFERENCE)],
            "note": gettext(UNLISTED) if len(columns) < len(at_first) else "",
            "steps": steps,
            "levels": {name: list(found.items()) for name, found in levels.items()},
            "recorded": [figures.smoothed(losses) for losses in recorded],
            "runs": [
                {
                    "number": run.number,
                    "colour": colour_of(run.look),
                    "dashed": run.look >= len(figures.COLOURS),
                    "losses": list(run.losses),
                    "smoothed": figures.smoothed(run.losses),
                    "validations": [
                        [step, found.accuracy, *(found.interval or ())]
                        for step, found in run.validations.items()
                    ],
                    "kept": run.kept,
                    "cells": [
                        *(run.knobs[name] for name in columns),
                        run.outcome,
                        run.difference,
                    ],
                }
                for run in runs
            ],
            "says": "; ".join(map(self.outcome, runs)) or gettext("no run yet"),
        }

    def outcome(self, run: Tracked) -> str:
        said = gettext("run {number}: {outcome}")
        return said.format(number=run.number, outcome=run.outcome)

    def says(self) -> str:
        return str(self.drawing["says"])

    def picture(self) -> Figure:
        return pictures.runs(self.drawing, self.hidden)
