"""A panel to read what was written: a table, and the texts that say it, or something else.

Behind the sliders lie the texts of recorded runs, written greedily and by beam search. Write lets
the learner's own methods put the same table into words, by either, or by sampling.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import ipywidgets as widgets

from prefixlab.data import tasks
from prefixlab.data.restaurants import from_mr
from prefixlab.evaluation.generation import Decoding, generate
from prefixlab.evaluation.text_metrics import FAULTS, Slot, slots
from prefixlab.methods import Method
from prefixlab.models.backbone import Backbone
from prefixlab.workbook.evidence import Records, Runs
from prefixlab.workbook.figures import BLUE, ORANGE
from prefixlab.workbook.grids import SHORT, families
from prefixlab.workbook.language import gettext, gettext_noop
from prefixlab.workbook.panels.base import WIDE, columns
from prefixlab.workbook.panels.knobs import choice_of, control, hide_idle, with_help
from prefixlab.workbook.panels.live import LivePanel
from prefixlab.workbook.panels.tables import table as html_table
from prefixlab.workbook.protocol import Run
from prefixlab.workbook.records import preferred, rows_of

GRID = "table_to_text"
KINDS = {gettext_noop("seen"): "restaurants", gettext_noop("unseen"): "restaurants_unseen"}
TRAINED = {
    "tables, top two layers": gettext_noop("top two layers"),
    "tables, all weights": gettext_noop("all weights"),
    "tables, no training": gettext_noop("no training"),
}
DECODING = ("strategy", "beams", "temperature", "top_p")
RIGHT = f"border-bottom: 3px solid {BLUE}"
WRONG = f"border-bottom: 3px double {ORANGE}; color: {ORANGE}; font-weight: bold"


class TextPanel(LivePanel):
    """Tables of the `restaurants` that no run was trained on, and what was made of them.

    Parameters
    ----------
    lm
        The backbone; texts recorded on it are shown, or on another one where there are none.
    methods
        What writes when Write is pressed, by the names it is shown with.
    """

    def __init__(self, lm: Backbone, methods: Mapping[str, Method]):
        self.methods = methods
        self.test = int(SHORT["test"])
        self.recorded = by_setting(preferred(rows_of(GRID), lm.name))
        tested = {
            kind: tasks.load(name, train=1, validation=1, test=self.test)
            for kind, name in KINDS.items()
        }
        self.references = {kind: tasks.references(task.test) for kind, task in tested.items()}
        super().__init__(
            lm,
            tested["seen"],
            self.write,
            gettext("Write"),
            gettext("Your methods put this table into words"),
        )
        self.yours: dict[str, dict[str, str]] = {}  # by table and by method
        self.presses = 0
        self.controls = self.make_controls()
        self.words = widgets.HTML(layout={"min_height": "330px"})
        for widget in self.controls.values():
            widget.observe(lambda _: self.draw(), "value")
        self.draw()
        knobs = [
            with_help(widget, name if name in DECODING else "")
            for name, widget in self.controls.items()
        ]
        self.children = [columns(knobs), self.bar, self.status, self.words]

    def make_controls(self) -> dict[str, Any]:
        names = list(dict.fromkeys(name for name, _ in self.recorded)) or [gettext("none")]
        sizes = sorted({train for _, train in self.recorded}) or [0]
        declared = {one.name: one for one in Decoding.declared()}
        controls = {
            "kinds": widgets.Dropdown(
                options=[(gettext(kind), kind) for kind in KINDS],
                description=gettext("kinds of places"),
                tooltip=gettext("whether food or venue of the table occur in the training tables"),
                **WIDE,
            ),
            "table": widgets.IntSlider(
                value=1,
                min=1,
                max=self.test,
                description=gettext("table"),
                tooltip=gettext("which one"),
                **WIDE,
            ),
            "run": widgets.Dropdown(
                options=names,
                description=gettext("recorded run"),
                tooltip=gettext("what was trained"),
                **WIDE,
            ),
            "train": widgets.SelectionSlider(
                options=sizes,
                value=200 if 200 in sizes else sizes[-1],
                description=gettext("training tables"),
                tooltip=gettext("how many pairs of a table and its text it was trained on"),
                **WIDE,
            ),
            **{name: control(declared[name]) for name in DECODING},
        }
        controls["beams"].max = 8  # in good time
        return controls

    def draw(self) -> None:
        """The table, and every text there is for it, with its slots marked."""
        hide_idle(self.controls)
        table = self.table
        texts = {gettext("a reference"): self.references[self.controls["kinds"].value][table][0]}
        name, train = self.controls["run"].value, self.controls["train"].value
        # Nothing was recorded that was drawn by chance.
        strategy = "beam" if self.controls["strategy"].value == "beam" else "greedy"
        said = self.about_records(name)
        if runs := self.recorded.get((name, train)):
            judged = [self.tested(run)[strategy] for run in runs]
            writer = gettext("recorded: {name} ({strategy})").format(
                name=name, strategy=gettext(choice_of("strategy", strategy))
            )
            texts[writer] = self.text_of(judged[0])
            said = gettext("{scores}; all {count} tables, recorded on {backbone}.").format(
                scores=scores(judged), count=self.test, backbone=runs[0]["backbone"]
            )
        texts |= self.yours.get(table, {})
        self.texts = texts
        rows = [
            [
                f'<div style="min-width: 150px"><b>{escape(writer)}</b></div>',
                # A model may write a word that is longer than a line.
                f'<div style="overflow-wrap: anywhere">{marked(text, slots([text], [table])[0])}'
                "</div>",
            ]
            for writer, text in texts.items()
        ]
        given = ", ".join(f"{slot}: <b>{escape(v)}</b>" for slot, v in from_mr(table).items())
        key = (
            f'<span style="{RIGHT}">{escape(gettext("as in the table"))}</span>, '
            f'<span style="{WRONG}">{escape(gettext("not in the table"))} ✗</span>'
        )
        self.words.value = (
            f'<div style="max-width: 820px; line-height: 1.7">{given}</div>'
            f'<div style="max-width: 820px">{html_table(rows)}</div>'
            f"<div>{escape(said)} {key}</div>"
        )

    @property
    def table(self) -> str:
        """The table that the slider stands at, on one line."""
        tables = self.references[self.controls["kinds"].value]
        return list(tables)[self.controls["table"].value - 1]

    def tested(self, run: Run) -> Run:
        """What a row says of its texts about such kinds of places."""
        kind = self.controls["kinds"].value
        return run if kind == "seen" else run["elsewhere"][KINDS[kind]]

    def text_of(self, judged: Run) -> str:
        return str(judged["texts"][self.controls["table"].value - 1])

    def about_records(self, name: str) -> str:
        sizes = ", ".join(str(train) for known, train in sorted(self.recorded) if known == name)
        if not sizes:
            return gettext("Nothing is recorded.")
        return gettext("Recorded with {sizes} training tables only.").format(sizes=sizes)

    async def write(self) -> None:
        """What the Write button does: every method writes a text for this table."""
        with self.working():
            self.presses += 1
            table, written = self.table, self.yours.setdefault(self.table, {})
            how: dict[str, Any] = {name: self.controls[name].value for name in DECODING}
            how = Decoding.of(
                "generate", how | {"max_new_tokens": 80, "seed": self.presses}
            ).as_dict()
            self.progress.max = len(self.methods)

            def texts() -> Iterator[tuple[str, str]]:
                for name, method in self.methods.items():
                    yield name, generate(self.lm, method, self.task, [table], **how)[0]

            async for name, text in self.patiently(texts()):
                written[f"{name} ({gettext(choice_of('strategy', how['strategy']))})"] = text
                self.progress.value += 1
                self.draw()

    def described(self) -> list[str]:
        texts = (
            f"{writer}: {text}" for writer, text in {"table": self.table, **self.texts}.items()
        )
        return [*super().described(), *(line for text in texts for line in textwrap.wrap(text, 84))]


def by_setting(rows: Sequence[Run]) -> dict[tuple[str, int], list[Run]]:
    """Recorded runs that differ in their seed alone, at the rate that was chosen for them.

    They are found by what was trained, and on how many tables.
    """
    records, found = Records(rows), {}
    for family in families(GRID):
        if family.task != KINDS["seen"]:
            continue
        for setting in ({}, *family.settings):
            if runs := [*records.of(Runs(family.name, setting)).values()]:
                found[name_of(runs[0]), runs[0]["train"]] = runs
    return found


def name_of(run: Run) -> str:
    """What was trained, in words."""
    knobs = run["knobs"]
    if run["method"] == "prefix_tuning":
        start = gettext(choice_of("init", knobs["init"]))
        return gettext("prefix of {positions} from {start}").format(
            positions=knobs["prefix_length"], start=start
        )
    return gettext(TRAINED[run["family"]])


def scores(judged: Sequence[Run]) -> str:
    """BLEU of runs, and what is wrong with their slots, in words."""
    seeds, bleu = len(judged), [one["bleu"] for one in judged]
    luck = gettext("one seed")
    spread = ""
    if seeds > 1:
        luck = gettext("{seeds} seeds, the text is the first one's").format(seeds=seeds)
        spread = gettext(" ({least} to {most})").format(
            least=f"{min(bleu):.1f}", most=f"{max(bleu):.1f}"
        )
    faults = {fault: f"{sum(one[fault] for one in judged) / seeds:.3g}" for fault in FAULTS}
    return gettext(
        "BLEU {bleu}; of {slots} slots {missing} missing, {wrong} wrong, {invented} invented "
        "({luck})"
    ).format(bleu=f"{sum(bleu) / seeds:.1f}{spread}", slots=judged[0]["slots"], luck=luck, **faults)


def marked(text: str, of_text: list[Slot]) -> str:
    """A text as HTML with its slots marked, right or wrong, and after it those that are missing."""
    found = sorted(
        (start, end, value == slot.value, slot)
        for slot in of_text
        for value, start, end in slot.spoken
    )
    html, done = "", 0
    for start, end, right, slot in found:
        if start < done:  # inside of what is marked already
            continue
        about = f"{slot.name}: {slot.value or gettext('not in the table')}"
        html += escape(text[done:start])
        html += f'<span style="{RIGHT if right else WRONG}" title="{escape(about)}">'
        html += f"{escape(text[start:end])}{'' if right else ' ✗'}</span>"
        done = end
    missing = ", ".join(f"{slot.name} {slot.value}" for slot in of_text if not slot.spoken)
    unsaid = gettext("not said: {missing}").format(missing=missing)
    lost = f' <span style="{WRONG}">{escape(unsaid)} ✗</span>' if missing else ""
    return html + escape(text[done:]) + lost
