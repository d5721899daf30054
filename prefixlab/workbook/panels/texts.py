"""A panel to read what was written: a table, and the texts that say it, or something else.

Behind the sliders lie the texts of recorded runs. Write lets the learner's own methods put the same
table into words, by greedy decoding, beam search or sampling.
"""

import textwrap
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import ipywidgets as widgets
import pandas as pd

from prefixlab.data import tasks
from prefixlab.data.restaurants import from_mr
from prefixlab.evaluation.generation import Decoding, generate
from prefixlab.evaluation.text_metrics import Slot, slots
from prefixlab.methods import Method
from prefixlab.models.backbone import Backbone
from prefixlab.workbook.figures import BLUE, ORANGE
from prefixlab.workbook.panels.base import WIDE, columns, control
from prefixlab.workbook.panels.live import LivePanel
from prefixlab.workbook.panels.records import on_task
from prefixlab.workbook.panels.tables import table as html_table

KINDS = {"seen": "restaurants", "unseen": "restaurants_unseen"}
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
        runs = on_task("table_to_text", lm.name, KINDS["seen"])
        self.test = 24 if runs.empty else int(runs.test.iloc[0])
        self.recorded = by_setting(runs)
        self.references = {
            kind: tasks.references(tasks.load(name, train=1, validation=1, test=self.test).test)
            for kind, name in KINDS.items()
        }
        task = tasks.load(KINDS["seen"], train=1, validation=1, test=self.test)
        super().__init__(lm, task, self.write, "Write", "Your methods put this table into words")
        self.yours: dict[str, dict[str, str]] = {}  # by table and by method
        self.presses = 0
        self.controls = self.make_controls()
        self.words = widgets.HTML(layout={"min_height": "330px"})
        for widget in self.controls.values():
            widget.observe(lambda _: self.draw(), "value")
        self.draw()
        self.children = [columns(self.controls.values()), self.bar, self.status, self.words]

    def make_controls(self) -> dict[str, Any]:
        names = list(dict.fromkeys(name for name, _ in self.recorded)) or ["none"]
        sizes = sorted({train for _, train in self.recorded}) or [0]
        declared = {one.name: one for one in Decoding.declared()}
        controls = {
            "kinds": widgets.Dropdown(
                options=list(KINDS),
                description="kinds of places",
                tooltip="whether food or venue of the table occur in the training tables",
                **WIDE,
            ),
            "table": widgets.IntSlider(
                value=1, min=1, max=self.test, description="table", tooltip="which one", **WIDE
            ),
            "run": widgets.Dropdown(
                options=names, description="recorded run", tooltip="what was trained", **WIDE
            ),
            "train": widgets.SelectionSlider(
                options=sizes,
                value=200 if 200 in sizes else sizes[-1],
                description="training tables",
                tooltip="how many pairs of a table and its text it was trained on",
                **WIDE,
            ),
            **{name: control(declared[name]) for name in DECODING},
        }
        controls["beams"].max = 8  # in good time
        return controls

    def draw(self) -> None:
        """The table, and every text there is for it, with its slots marked."""
        table = self.table
        texts = {"a reference": self.references[self.controls["kinds"].value][table][0]}
        name, train = self.controls["run"].value, self.controls["train"].value
        runs = self.recorded.get((name, train), pd.DataFrame())
        unseen = "unseen_" * (self.controls["kinds"].value == "unseen")
        said = self.about_records(name)
        if len(runs):
            texts |= {f"recorded: {name}": self.text_of(runs.iloc[0], unseen)}
            where = f"all {self.test} tables, recorded on {runs.backbone.iloc[0]}"
            said = f"{scores(runs, unseen)}; {where}."
        texts |= self.yours.get(table, {})
        self.texts = texts
        rows = [
            [f"<b>{escape(writer)}</b>", marked(text, slots([text], [table])[0])]
            for writer, text in texts.items()
        ]
        given = ", ".join(f"{slot}: <b>{escape(v)}</b>" for slot, v in from_mr(table).items())
        key = (
            f'<span style="{RIGHT}">as in the table</span>, '
            f'<span style="{WRONG}">not in the table ✗</span>'
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

    def text_of(self, run: pd.Series, unseen: str) -> str:
        return str(run[f"{unseen}texts"][self.controls["table"].value - 1])

    def about_records(self, name: str) -> str:
        sizes = ", ".join(str(train) for known, train in sorted(self.recorded) if known == name)
        return f"Recorded with {sizes} training tables only." if sizes else "Nothing is recorded."

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
                written[f"{name} ({how['strategy']})"] = text
                self.progress.value += 1
                self.draw()

    def described(self) -> list[str]:
        texts = (
            f"{writer}: {text}" for writer, text in {"table": self.table, **self.texts}.items()
        )
        return [*super().described(), *(line for text in texts for line in textwrap.wrap(text, 84))]


def by_setting(runs: pd.DataFrame) -> dict[tuple[str, int], pd.DataFrame]:
    """Recorded runs that differ in their seed alone, by what was trained and on how many tables."""
    if runs.empty:
        return {}
    names = runs.apply(name_of, axis=1)
    return {
        (name, train): runs[(names == name) & (runs.train == train)]
        for name, train in dict.fromkeys(zip(names, runs.train, strict=True))
    }


def name_of(run: pd.Series) -> str:
    """What was trained, in words."""
    if run.method == "prefix_tuning":
        return f"prefix of {run.prefix_length:.0f} from {run.init.replace('_', ' ')}"
    if run.method == "fine_tuning":
        return f"fine-tuning, top {run.top:.0f} layers" if run.top else "fine-tuning, all layers"
    return {"discrete_prompt": "nothing trained", "in_context": "four demonstrations"}[run.method]


def scores(runs: pd.DataFrame, unseen: str) -> str:
    """BLEU and slot error of runs, in words."""
    bleu, wrong = runs[f"{unseen}bleu"], 100 * runs[f"{unseen}slot_error"]
    if len(runs) == 1:
        return f"BLEU {bleu.mean():.1f}, {wrong.mean():.0f}% of slots wrong (one seed)"
    return (
        f"BLEU {bleu.mean():.1f} ({bleu.min():.1f} to {bleu.max():.1f}), {wrong.mean():.0f}% of "
        f"slots wrong ({wrong.min():.0f} to {wrong.max():.0f}; {len(runs)} seeds, the text is the "
        "first one's)"
    )


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
        about = f"{slot.name}: {slot.value or 'not in the table'}"
        html += escape(text[done:start])
        html += f'<span style="{RIGHT if right else WRONG}" title="{escape(about)}">'
        html += f"{escape(text[start:end])}{'' if right else ' ✗'}</span>"
        done = end
    missing = ", ".join(f"{slot.name} {slot.value}" for slot in of_text if not slot.spoken)
    lost = f' <span style="{WRONG}">not said: {escape(missing)} ✗</span>' if missing else ""
    return html + escape(text[done:]) + lost
