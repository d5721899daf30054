"""A panel that compares recorded variants of prefix tuning, seed by seed."""

from collections.abc import Sequence
from html import escape

import ipywidgets as widgets
import pandas as pd

from prefixlab.models.backbone import Backbone
from prefixlab.workbook import figures
from prefixlab.workbook.evidence import Records, Runs
from prefixlab.workbook.language import gettext, gettext_noop
from prefixlab.workbook.page import Curve
from prefixlab.workbook.panels.base import WIDE, Panel, columns
from prefixlab.workbook.panels.prediction import Prediction
from prefixlab.workbook.panels.tables import table
from prefixlab.workbook.records import preferred, rows_of
from prefixlab.workbook.significance import Difference, paired

GRIDS = ("variants", "prefix_tuning", "prompt_tuning", "baselines")
NAMES = {  # of the families that are compared
    "prefix tuning, task_words": gettext_noop("prefix"),
    "prompt tuning, labels": gettext_noop("prompt"),
    "gated prefix": gettext_noop("gated prefix"),
    "adaptive prefix": gettext_noop("adaptive prefix"),
    "convolution": gettext_noop("convolution"),
    "prefix and prompt": gettext_noop("prefix + prompt"),
    "prefix and biases": gettext_noop("prefix + biases"),
    "biases": gettext_noop("biases alone"),
}
# What is measured, times what makes it better when higher, and its unit.
MEASURES = {
    gettext_noop("accuracy"): (100, gettext_noop("points")),
    gettext_noop("loss"): (-1, gettext_noop("nats")),
}


def compared(backbone: str) -> pd.DataFrame:
    """The recorded runs of the variants and of what they vary, a row a run, each with a `name`.

    Of every family those at the rate that was chosen for it, one for each seed. All ran on one
    backbone: the one given, or else the one that most variants were recorded on. Without records of
    variants it is empty.

    Raises
    ------
    ValueError
        A damaged record.
    """
    variants = preferred(rows_of("variants"), backbone)
    if not variants:
        return pd.DataFrame()
    shown = variants[0]["backbone"]
    records = Records(row for grid in GRIDS for row in rows_of(grid, shown))
    return pd.DataFrame(
        {"name": name} | row
        for family, name in NAMES.items()
        for row in records.of(Runs(family)).values()
    )


class VariantsPanel(Panel):
    """Differences from a baseline, by how many seeds are looked at, which is yours to say.

    Parameters
    ----------
    lm
        The backbone; runs recorded on it are shown, or on another one where there are none.
    """

    def __init__(self, lm: Backbone):
        super().__init__()
        runs = compared(lm.name)
        if runs.empty or runs.name.nunique() == 1:
            self.say(
                gettext(
                    "Nothing to compare is recorded: "
                    "python -m prefixlab.workbook.recording variants"
                )
            )
            self.children = [self.status]
            return
        self.words = widgets.HTML()
        self.backbone = str(runs.backbone.iloc[0])
        self.found = {  # by measure: a row for each seed, a column for each name; higher is better
            measure: scale * runs.pivot(index="seed", columns="name", values=measure)
            for measure, (scale, _) in MEASURES.items()
        }
        self.names = list(dict.fromkeys(runs.name))
        self.against = widgets.Dropdown(
            options=[(gettext(name), name) for name in self.names],
            description=gettext("baseline"),
            **WIDE,
        )
        self.measure = widgets.Dropdown(
            options=[(gettext(name), name) for name in MEASURES],
            description=gettext("measure"),
            **WIDE,
        )
        self.controls = {"against": self.against, "measure": self.measure}
        self.curve = Curve(
            self.lines(),
            xlabel=gettext_noop("seeds looked at"),
            ylabel=self.label(),
            references={gettext_noop("no difference"): 0},
        )
        for control in self.controls.values():
            control.observe(lambda _: self.draw(), "value")
        self.curve.observe(lambda _: self.tell(), "value")
        self.children = self.asked(
            [columns(self.controls.values()), self.status, self.curve, self.words]
        )
        self.draw()

    def asked(self, hides: list[widgets.Widget]) -> list[widgets.Widget]:
        """A question in front, where both of its sides are recorded."""
        apart = self.ahead("gated prefix", "prefix", "accuracy")
        if not apart:
            return hides
        found = paired(apart, [0.0] * len(apart))
        return [
            Prediction(
                gettext(
                    "A gate that starts at zero is to let the prefix in as it is needed. Against "
                    "the plain prefix, over {seeds} seeds: how does the mean accuracy change?"
                ).format(seeds=found.pairs),
                lambda: found.mean,
                gettext(
                    "Of {seeds} seeds {agreeing} are on the side of the mean; heads or tails would "
                    "agree as well in {chance:.0%} of all cases."
                ).format(seeds=found.pairs, agreeing=found.agreeing, chance=found.chance),
                hides,
                most=20,
            )
        ]

    def plots(self) -> list[bytes]:
        return [figures.png(self.curve.picture())] if self.controls else []

    def ahead(self, name: str, against: str, measure: str) -> list[float]:
        """How far one is ahead of another, for each seed that both were run with."""
        sides = [self.found[measure].get(one) for one in (name, against)]
        if any(side is None for side in sides):
            return []
        both = pd.concat(sides, axis=1, keys=["ours", "theirs"]).dropna()
        return list((both.ours - both.theirs).round(6))

    def lines(self) -> dict[str, dict[int, list[float]]]:
        """By the name of each, and by how many seeds are looked at, how far it is ahead."""
        against = self.against.value
        apart = {
            name: self.ahead(name, against, self.measure.value)
            for name in self.names
            if name != against
        }
        return {
            name: {count: all_of[:count] for count in range(1, len(all_of) + 1)}
            for name, all_of in apart.items()
            if all_of
        }

    def label(self) -> str:
        _, unit = MEASURES[self.measure.value]
        lead = gettext("mean lead over {name} ({unit})")
        return lead.format(name=gettext(self.against.value), unit=gettext(unit))

    def draw(self) -> None:
        """Draw how far each is ahead of the baseline, by the number of seeds, and say it."""
        with self.reporting():
            self.curve.ylabel = self.label()
            self.curve.lines = self.lines()
            self.tell()

    def tell(self) -> None:
        """What so many seeds decide."""
        (_, unit), seeds = MEASURES[self.measure.value], self.curve.value
        dots = {name: line[min(seeds, max(line))] for name, line in self.curve.lines.items()}
        rows = table(
            [escape(gettext(name)), *told(each, gettext(unit))] for name, each in dots.items()
        )
        where = gettext("Recorded on {backbone}, each at the rate chosen for it.")
        self.words.value = f"<div>{escape(where.format(backbone=self.backbone))}</div>{rows}"


def told(apart: Sequence[float], unit: str) -> list[str]:
    """The mean, its interval over seeds (Student's t), what follows, and how many seeds agree."""
    found = paired(apart, [0.0] * len(apart))
    size = f"<b>{found.mean:+.3g} {unit}</b>"
    if found.interval is None:
        alone = gettext("one seed: no spread, so nothing is known of its error")
        return [size, alone, "", ""]
    low, high = found.interval
    agree = gettext(
        "{agreeing} of {seeds} seeds agree, {ties} the same"
        if found.ties
        else "{agreeing} of {seeds} seeds agree"
    )
    return [
        size,
        gettext("95% interval {low:+.3g} to {high:+.3g}").format(low=low, high=high),
        verdict(found),
        agree.format(agreeing=found.agreeing, seeds=found.pairs, ties=found.ties),
    ]


def verdict(found: Difference) -> str:
    """Whether the whole interval lies on one side."""
    low, high = found.interval or (0.0, 0.0)
    if low <= 0 <= high:
        return gettext("not decided")
    return gettext("ahead" if low > 0 else "behind")
