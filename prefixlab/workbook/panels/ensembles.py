"""A panel for ensembles: how many recorded prompts judge together, and on which sentences."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import ipywidgets as widgets
import torch
from torch import Tensor

from prefixlab.models.backbone import Backbone
from prefixlab.workbook import figures
from prefixlab.workbook.evidence import (
    FAMILIES,
    MEAN,
    TOGETHER,
    VOTE,
    Records,
    Runs,
    two_answers,
)
from prefixlab.workbook.grids import TESTED
from prefixlab.workbook.language import gettext, gettext_noop
from prefixlab.workbook.page import Curve
from prefixlab.workbook.panels.base import WIDE, Panel, columns
from prefixlab.workbook.panels.tables import facts
from prefixlab.workbook.records import preferred, rows_of

FAMILY, UNTRAINED = "prompt tuning, labels", "no training"
WAYS = {gettext_noop("majority vote"): VOTE, gettext_noop("mean probability"): MEAN}


class EnsemblePanel(Panel):
    """The accuracy of every ensemble that the recorded prompts can form, by how many are in it.

    Parameters
    ----------
    lm
        The backbone; runs recorded on it are shown, or on another one where there are none.
    """

    def __init__(self, lm: Backbone):
        super().__init__()
        self.records = Records(preferred(rows_of("prompt_tuning"), lm.name))
        settings = {
            setting_of(each): each
            for each in ({}, *FAMILIES[FAMILY].settings)
            if len(self.records.of(Runs(FAMILY, each))) > 1
        }
        if not settings:
            self.say(
                gettext("Nothing is recorded: python -m prefixlab.workbook.recording prompt_tuning")
            )
            self.children = [self.status]
            return
        self.controls = {
            "domain": widgets.Dropdown(
                options=[(gettext(name), domain) for name, domain in TESTED.items()],
                description=gettext("tested on"),
                **WIDE,
            ),
            "setting": widgets.Dropdown(
                options=settings, description=gettext("trained with"), **WIDE
            ),
        }
        self.curve, self.words = Curve(**self.counted()), widgets.HTML()
        self.curve.value = max(self.curve.places)
        self.tell()
        for control in self.controls.values():
            control.observe(self.show, "value")
        self.children = [columns(self.controls.values()), self.curve, self.words, self.status]

    def picture(self) -> bytes:
        return figures.png(self.curve.picture())

    @property
    def runs(self) -> Runs:
        """The runs that the controls ask for."""
        domain, setting = (control.value for control in self.controls.values())
        return Runs(FAMILY, setting, on=domain)

    def members(self, runs: Runs) -> tuple[Tensor, Tensor]:
        """Scores of the two answers, [runs, sentences, 2], and which is right, [sentences]."""
        rows = [self.records.tested(runs, row) for row in self.records.of(runs).values()]
        right = torch.as_tensor(self.records.labels(rows[0]))
        return two_answers([row["margins"] for row in rows]), right

    def counted(self) -> dict[str, Any]:
        """What the curve shows: by its way and its size, the accuracy of each ensemble."""
        runs = self.runs
        scored, right = self.members(runs)
        lines: dict[str, dict[int, list[float]]] = {name: {} for name in WAYS}
        for size in range(1, len(scored) + 1):
            teams = [scored[list(team)] for team in combinations(range(len(scored)), size)]
            for name, how in WAYS.items():
                chosen = [TOGETHER[how](team) > 0 for team in teams]  # [sentences] each
                lines[name][size] = [share(answers == right) for answers in chosen]
        where = {name: control.label for name, control in self.controls.items()}
        untrained = Runs(UNTRAINED, on=runs.on)
        found = self.records.of(untrained).values()
        words = [self.records.tested(untrained, row)["accuracy"] for row in found]
        return {
            "lines": lines,
            "xlabel": gettext("prompts together ({setting}, tested on {domain})").format(**where),
            "ylabel": gettext_noop("accuracy"),
            "references": {gettext_noop("the words alone"): words[0]} if words else {},
            "each": gettext_noop("ensembles"),
        }

    def show(self, change: object) -> None:
        """Draw and describe the ensembles as the controls stand now."""
        stood, shown = self.curve.value, self.counted()
        self.curve.xlabel, self.curve.references = shown["xlabel"], shown["references"]
        self.curve.lines = shown["lines"]  # has the page draw
        self.curve.value = min(stood, max(self.curve.places))
        self.tell()

    def tell(self) -> None:
        """What the prompts come to alone and together, and how many mistakes they share."""
        runs = self.runs
        scored, right = self.members(runs)
        wrong = (scored.argmax(-1) != right).double()  # [runs, sentences]
        alone = 1 - wrong.mean(1)  # [runs]
        some, most = (int((wrong.mean(0) > part).sum()) for part in (0, 0.5))
        ahead = {
            gettext("{way}, ahead of one").format(way=gettext(name)): gettext(
                "{effect:+.1f} points in the mean ({low:+.1f} to {high:+.1f}), in pairs"
            ).format(effect=found.effect, low=found.low, high=found.high)
            for name, how in WAYS.items()
            if (found := self.records.weigh(replace(runs, together=how) - runs, "accuracy"))
        }
        self.words.value = facts(
            {
                gettext("one alone"): gettext(
                    "{mean:.3f} in the mean, {low:.3f} to {high:.3f}"
                ).format(mean=alone.mean(), low=alone.min(), high=alone.max()),
                **ahead,
                gettext("mistakes"): gettext(
                    "{some} of {count} sentences are wrong for some prompt, {most} for most of "
                    "them: a vote of all is wrong there"
                ).format(some=some, count=len(right), most=most),
                gettext("recorded on"): self.records.backbone,
            }
        )


def setting_of(setting: Mapping[str, Any]) -> str:
    """A setting of the family in words."""
    length = setting.get("prompt_length", FAMILIES[FAMILY].knobs["prompt_length"])
    sentences = setting.get("train", FAMILIES[FAMILY].train)
    return gettext(
        "{length} token, {sentences} sentences"
        if length == 1
        else "{length} tokens, {sentences} sentences"
    ).format(length=length, sentences=sentences)


def share(right: Tensor) -> float:
    return right.double().mean().item()
