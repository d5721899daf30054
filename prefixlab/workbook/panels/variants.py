"""A panel that compares recorded variants of prefix tuning, seed by seed."""

from html import escape
from typing import Any

import ipywidgets as widgets
import pandas as pd

from prefixlab.methods import METHODS
from prefixlab.models.backbone import Backbone
from prefixlab.models.geometry import KNOWN
from prefixlab.workbook import figures
from prefixlab.workbook.panels.base import WIDE, Panel, columns, plot
from prefixlab.workbook.panels.prediction import Prediction
from prefixlab.workbook.panels.records import runs_of
from prefixlab.workbook.panels.tables import table
from prefixlab.workbook.significance import Difference, paired

TRAIN = 256  # sentences, in all runs that are compared
NAMES = {
    "gated_prefix": "gated prefix",
    "adaptive_prefix": "adaptive prefix",
    "convolution": "convolution",
    "prompt": "prefix + prompt",
    "bias": "prefix + biases",
    "bias_only": "biases alone",
}
MEASURES = {"accuracy": ("accuracy", 100, "points"), "loss": ("loss", 1, "nats")}


def compared(backbone: str) -> pd.DataFrame:
    """The recorded runs of the variants and of what they vary, with a `name` and their `numbers`.

    The plain prefix and the plain prompt have their usual start and length 10. All ran on one
    backbone: the one that the variants were recorded on. `numbers` is how many a run stores, NaN
    on a backbone of unknown sizes. Without records it is empty.
    """
    variants = runs_of("variants", backbone)
    shown = backbone if variants.empty else variants.backbone.iloc[0]  # not that of every grid
    prefix, prompt, baselines = (
        runs[runs.backbone == shown] if len(runs := runs_of(grid, shown)) else runs
        for grid in ("prefix_tuning", "prompt_tuning", "baselines")
    )
    if any(runs.empty for runs in (prefix, prompt, variants)):
        return pd.DataFrame()
    if not baselines.empty:
        variants = pd.concat([variants, baselines[baselines.method == "bias_only"]])
    prefix = prefix[
        (prefix.init == "task_words")
        & (prefix.prefix_length == 10)
        & (prefix.reparameterization == "none")
    ]
    prompt = prompt[(prompt.init == "labels") & (prompt.prompt_length == 10)]
    beside = variants.beside.fillna(variants.method)  # which of the combinations, or the method
    everything = pd.concat(
        [
            prefix.assign(name="prefix"),
            prompt.assign(name="prompt"),
            variants.assign(name=beside.map(NAMES)),
        ]
    )
    found = everything[everything.train == TRAIN].reset_index(drop=True)
    found["numbers"] = found.apply(stored, axis=1)
    return found


def stored(run: pd.Series) -> float:
    """How many numbers a recorded run stores, from its method and its knobs."""
    declared: dict[str, Any] = {
        field.name: type(field.default) for field in METHODS[run.method].Knobs.declared()
    }
    knobs = {
        name: kind(run[name])  # a column with gaps holds no integers
        for name, kind in declared.items()
        if name in run and pd.notna(run[name])
    }
    known = KNOWN.get(run.backbone)
    return METHODS[run.method].cost(known, **knobs).stored if known else float("nan")


class VariantsPanel(Panel):
    """Differences from a baseline, a dot a seed; how many seeds are looked at is yours to say.

    Parameters
    ----------
    lm
        The backbone; runs recorded on it are shown, or on another one where there are none.
    """

    def __init__(self, lm: Backbone):
        super().__init__()
        runs = compared(lm.name)
        if runs.empty:
            self.say("Nothing is recorded: python -m prefixlab.workbook.experiments variants")
            self.children = [self.status]
            return
        self.view, self.words = plot(), widgets.HTML()
        self.backbone = str(runs.backbone.iloc[0])
        self.found = {  # by measure: a row for each seed, a column for each name
            measure: runs.pivot(index="seed", columns="name", values=measure)
            for measure in MEASURES
        }
        names = list(dict.fromkeys(runs.name))
        most = int(runs.seed.max()) + 1
        self.against = widgets.Dropdown(options=names, description="baseline", **WIDE)
        self.measure = widgets.Dropdown(options=list(MEASURES), description="measure", **WIDE)
        self.seeds = widgets.IntSlider(
            value=1, min=1, max=max(2, most), description="seeds", tooltip="0 to this many", **WIDE
        )
        self.controls = {"against": self.against, "measure": self.measure, "seeds": self.seeds}
        for control in self.controls.values():
            control.observe(lambda _: self.draw(), "value")
        self.children = self.asked(
            [columns(self.controls.values()), self.status, self.view, self.words]
        )
        self.draw()

    def asked(self, hides: list[widgets.Widget]) -> list[widgets.Widget]:
        """A question in front, where both of its sides are recorded."""
        both = self.pairs("gated prefix", "prefix", "accuracy", self.seeds.max)
        if both.empty:
            return hides
        found = paired(both.ours.tolist(), both.theirs.tolist())
        return [
            Prediction(
                "A gate that starts at zero lets the prefix in as it is needed. Against the plain "
                f"prefix, over {found.pairs} seeds: how does the mean accuracy change?",
                lambda: 100 * found.mean,
                f"Of {found.pairs} seeds {found.agreeing} are on the side of the mean; heads or "
                f"tails would agree as well in {found.chance:.0%} of all cases.",
                hides,
                most=20,
            )
        ]

    def plots(self) -> list[widgets.Image]:
        return [self.view] if self.controls else []

    def pairs(self, name: str, against: str, measure: str, seeds: int) -> pd.DataFrame:
        """The results of both, a row for each of the first seeds that both were run with."""
        columns = [self.found[measure].get(one) for one in (name, against)]
        if any(column is None for column in columns):
            return pd.DataFrame({"ours": [], "theirs": []})
        both = pd.concat(columns, axis=1, keys=["ours", "theirs"]).dropna()
        return both[both.index < seeds]

    def draw(self) -> None:
        """Draw the differences from the baseline, and say how sure each is."""
        with self.reporting():
            against, measure, seeds = self.against.value, self.measure.value, self.seeds.value
            label, scale, unit = MEASURES[measure]
            dots: dict[str, list[float]] = {}
            rows: list[list[str]] = []
            for name in self.against.options:
                both = self.pairs(name, against, measure, seeds)
                if name != against and not both.empty:
                    dots[name] = (scale * (both.ours - both.theirs)).tolist()
                    found = paired(both.ours.tolist(), both.theirs.tolist())
                    rows.append([escape(name), *verdict(found, scale, unit)])
            self.view.value = figures.png(
                figures.spread(
                    dots,
                    xlabel=f"{label} minus that of {against}, in {unit}",
                    chance=0,
                    dot="one seed",
                    title=f"Recorded on {self.backbone}, {TRAIN} training sentences",
                )
            )
            self.words.value = table(rows)
            self.status.value = ""


def verdict(found: Difference, scale: float, unit: str) -> list[str]:
    """The mean, its standard error and the sign test, in words."""
    size = f"<b>{scale * found.mean:+.3g} {unit}</b>"
    if found.error is None:
        return [size, "one seed: no spread, so nothing is known of its error"]
    ties = f", {found.ties} the same" if found.ties else ""
    return [
        f"{size} ± {scale * found.error:.2g}",
        f"{found.agreeing} of {found.pairs} seeds agree{ties}; pure luck: {found.chance:.0%}",
    ]
