"""A playground of words: change the question, see the answer at once, and score it."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from textwrap import shorten
from typing import Any

import ipywidgets as widgets
from torch import Tensor

from prefixlab.data.examples import dataset
from prefixlab.data.task import Task
from prefixlab.data.template import Template, Verbalizer
from prefixlab.evaluation.choices import Evaluation, content_free_scores, scores
from prefixlab.methods import Method, create
from prefixlab.methods.base import CommonKnobs
from prefixlab.models.backbone import Backbone
from prefixlab.workbook import figures
from prefixlab.workbook.duration import duration
from prefixlab.workbook.grids import WORDINGS
from prefixlab.workbook.language import gettext, gettext_noop
from prefixlab.workbook.measuring import is_lesson_task
from prefixlab.workbook.panels.base import LABEL, SENTENCE, shown, typed
from prefixlab.workbook.panels.knobs import control
from prefixlab.workbook.panels.live import LivePanel
from prefixlab.workbook.panels.prediction import Prediction
from prefixlab.workbook.panels.results import Result, tried
from prefixlab.workbook.panels.tables import bars, table
from prefixlab.workbook.protocol import Run
from prefixlab.workbook.records import preferred, rows_of

BEFORE, AFTER = WORDINGS["sentiment"], WORDINGS["it was"]  # what is to be predicted
OWN = ""  # neither a ready wording nor a test sentence; None would leave a dropdown blank
LONG = 2  # seconds: whoever waits longer is told for how long
SHORT = 150  # bars in two columns, in a window of 900 pixels
LINE: dict[str, Any] = {
    "style": {"description_width": LABEL},
    "layout": {"width": "680px", "max_width": "98%"},
}
HEADS = (
    *(gettext_noop("template"), gettext_noop("answers"), gettext_noop("sentences")),
    *(gettext_noop("as asked"), gettext_noop("calibrated")),
)
RANKED = gettext_noop("Best first, by the better accuracy (bold); in brackets the 95% interval.")
# What a template, its answers and the number of sentences came to: as asked, and calibrated.
Board = dict[tuple[str, tuple[str, ...], int], tuple[Evaluation, Evaluation]]


class PromptPanel(LivePanel):
    """A template, its answers and a sentence to edit, and a leaderboard of what was scored.

    Parameters
    ----------
    lm, task
        What is asked, and what about; a template is scored on the task's test sentences.
    wordings
        Ready templates with their answers, by name; those of the recorded runs without it.
    """

    def __init__(
        self,
        lm: Backbone,
        task: Task,
        wordings: Mapping[str, tuple[str, tuple[str, ...]]] | None = None,
    ):
        if task.verbalizer is None:
            no_choice = gettext("{task} has no answers to choose from; take another task.")
            raise ValueError(no_choice.format(task=task.name))
        tooltip = gettext("Answer held-out sentences and count")
        super().__init__(lm, task, self.score, gettext("Score"), tooltip)
        self.labels = task.verbalizer.words
        ready = wordings or {name: (template, self.labels) for name, template in WORDINGS.items()}
        self.wordings = {
            name: (shown(template), listed(words)) for name, (template, words) in ready.items()
        }
        self.sentences = list(task.test["x"])
        self.controls = self.make_controls()
        self.truth, self.view, self.board_view = (widgets.HTML() for _ in range(3))
        self.view.layout.min_height = "290px"  # the page does not jump when an error empties it
        self.asked: tuple[str, ...] = ()
        self.answered: dict[str, dict[str, float]] = {}
        self.free: dict[tuple[str, tuple[str, ...]], Tensor] = {}
        self.board: Board = {}

        self.respond()
        self.controls["wording"].observe(self.take_wording, "value")
        self.controls["example"].observe(self.take_example, "value")
        for name in ("template", "answers", "sentence"):
            self.controls[name].observe(self.respond, "value")
        scoring = [self.controls["examples"], self.bar, self.board_view]
        playing = [self.controls[name] for name in self.controls if name != "examples"]
        self.children = [*playing, self.truth, self.status, self.view, *self.predict_first(scoring)]

    def make_controls(self) -> dict[str, Any]:
        declared = {one.name: one for one in CommonKnobs.declared()}
        name, (template, answers) = next(iter(self.wordings.items()))
        controls = {
            "wording": widgets.Dropdown(
                options=[(gettext("your own"), OWN), *((each, each) for each in self.wordings)],
                value=name,
                description=gettext("wording"),
                tooltip=gettext("ready templates with their answers"),
                **LINE,
            ),
            "template": control(declared["template"]),
            "answers": line(
                gettext("answers"),
                answers,
                gettext(r"two or more, a slash between them; \/ is a slash in an answer"),
            ),
            "example": widgets.Dropdown(
                options=[
                    (gettext("your own"), OWN),
                    *(
                        (f"{number + 1}. {shorten(sentence, 70, placeholder='…')}", number)
                        for number, sentence in enumerate(self.sentences)
                    ),
                ],
                description=gettext("test sentence"),
                tooltip=gettext("one of the sentences that Score takes, with its true label"),
                **LINE,
            ),
            "sentence": line(gettext("sentence"), SENTENCE, gettext("what is put in place of {x}")),
            "examples": widgets.IntSlider(
                value=min(100, len(self.sentences)),
                min=1,
                max=len(self.sentences),
                description=gettext("sentences"),
                tooltip=gettext("how many held-out sentences are scored"),
                **LINE,
            ),
        }
        controls["template"].value = template
        controls["template"].layout.width = LINE["layout"]["width"]
        return controls

    def predict_first(self, hides: list[widgets.Widget]) -> list[widgets.Widget]:
        """A question in front of the scores, where its answer was recorded."""
        rows = recorded(self.task, self.lm.name)
        if not {BEFORE, AFTER} <= rows.keys():
            none = gettext(
                "No scores of ready wordings are recorded for this task: nothing to predict."
            )
            return [widgets.HTML(none), *hides]
        before, after = rows[BEFORE], rows[AFTER]
        change = {name: 100 * (after[name] - before[name]) for name in ("accuracy", "calibrated")}
        ask = Prediction(
            gettext(
                "The template “{before}” becomes “{after}”, with the same answers and the "
                "same {count} sentences: what does accuracy do, as asked?"
            ).format(before=shown(BEFORE), after=AFTER, count=before["test"]),
            lambda: change["accuracy"],
            gettext(
                "Not one sentence changed. A part of the change is a lean: the words around a "
                "sentence make one answer likely, whatever it says. Calibration divides that by "
                "what the model says without content; calibrated, the change is {points:+.1f} "
                "points (recorded on {backbone})."
            ).format(points=change["calibrated"], backbone=before["backbone"]),
            hides,
        )
        return [ask]

    # Asking one sentence

    def take_wording(self, _: Any = None) -> None:
        name = self.controls["wording"].value
        if name == OWN:
            return
        template, answers = self.controls["template"], self.controls["answers"]
        # Both stand before either is answered: they make sense together only.
        with template.hold_trait_notifications(), answers.hold_trait_notifications():
            template.value, answers.value = self.wordings[name]

    def take_example(self, _: Any = None) -> None:
        number = self.controls["example"].value
        if number != OWN:
            self.controls["sentence"].value = self.sentences[number]

    def respond(self, _: Any = None) -> None:
        """Answer the sentence as it is asked now; errors appear in the panel."""
        asked = tuple(self.controls[name].value for name in ("template", "answers", "sentence"))
        if asked == self.asked:  # the second of two boxes that changed together
            return
        self.asked = asked
        self.follow(*asked)
        self.status.value, self.answered = "", {}
        with self.reporting():
            self.answer(asked[-1])
        if not self.answered:  # an error: what stands here answers another question
            self.view.value = ""

    def follow(self, template: str, answers: str, sentence: str) -> None:
        """Let the dropdowns say whether what stands in the boxes is ready or the learner's own."""
        names = {words: name for name, words in self.wordings.items()}
        self.controls["wording"].value = names.get((template, answers), OWN)
        number = self.sentences.index(sentence) if sentence in self.sentences else OWN
        self.controls["example"].value = number
        if number == OWN:
            self.truth.value = ""
        else:
            label = self.labels[self.task.test[number]["y"]]
            self.truth.value = f"{gettext('Its true label:')} <b>{escape(label)}</b>"

    def answer(self, sentence: str) -> None:
        if not sentence.strip():
            raise ValueError(gettext("The sentence is empty; type one, or pick a test sentence."))
        self.check_texts()
        task, words, method = self.question()
        prompt = "".join(map(str, method.template.prompt(sentence)))
        self.say_how_long(prompt)
        plain = scores(self.lm, method, task, dataset([(sentence, 0)]))[0].log_softmax(0)
        key = method.template.text, words
        if key not in self.free:  # the same for every sentence
            self.free[key] = content_free_scores(self.lm, method, task)
        calibrated = (plain - self.free[key]).softmax(0)
        top = bars(
            self.lm.next_tokens(prompt), title=gettext("the next token, of all"), width=SHORT
        )
        self.answered = {
            gettext("as asked"): dict(zip(words, plain.exp().tolist(), strict=True)),
            gettext("calibrated"): dict(zip(words, calibrated.tolist(), strict=True)),
        }
        both = "".join(
            bars(given.items(), title=title, width=SHORT) for title, given in self.answered.items()
        )
        self.view.value = (
            '<div style="display: flex; flex-wrap: wrap; column-gap: 24px">'
            f"<div>{both}</div><div>{top}</div></div>"
        )
        self.say("")

    def say_how_long(self, prompt: str) -> None:
        """Say that a long text is being read: the page hears nothing more until it is answered."""
        tokens = len(self.lm.encode(prompt))
        seconds = 2 * tokens / self.lm.tokens_per_second  # for the answers, and for the next token
        if seconds > LONG:
            said = gettext("Reading {tokens:,} tokens takes about {time} here.")
            self.say(said.format(tokens=tokens, time=duration(seconds)))

    def question(self) -> tuple[Task, tuple[str, ...], Method]:
        """The task as it is asked now, its answers, and the method that asks it."""
        words = apart(self.controls["answers"].value)
        template = Template(typed(self.controls["template"].value))
        task = replace(self.task, template=template, verbalizer=Verbalizer(words))
        return task, words, create("discrete_prompt", self.lm, task, template=template.text)

    # Scoring many

    async def score(self) -> None:
        """What the Score button does: a line of the leaderboard, unless it is stopped."""
        with self.working():
            began = time.process_time()
            self.check_texts()
            task, words, method = self.question()
            seconds = time.process_time() - began
            if len(words) != len(self.labels):
                uneven = gettext(
                    "There are {count} answers for {all} labels; to be scored, give one for each "
                    "of {labels}, in this order."
                )
                labels = ", ".join(self.labels)
                raise ValueError(
                    uneven.format(count=len(words), all=len(self.labels), labels=labels)
                )
            count = self.controls["examples"].value
            both = await self.judged(method, task, self.task.test.select(range(count)))
            if both is None or both[0].accuracy is None:
                return
            template = task.template.text
            self.board[template, words, count] = both
            self.board_view.value = leaderboard(self.board)
            tried.add(
                Result.of(
                    self.lm.geometry,
                    "discrete_prompt",
                    {"template": template},
                    accuracy=both[0].accuracy,
                    loss=both[0].loss,
                    seconds=seconds,
                    comparable=is_lesson_task(self.task),
                )
            )

    def plots(self) -> list[bytes]:
        """The answers as a figure, for the picture only: the page has them as HTML."""
        return [figures.png(figures.probabilities(self.answered))] if self.answered else []


def recorded(task: Task, backbone: str) -> dict[str, Run]:
    """What templates came to without training, by the template; nothing of another task."""
    if not is_lesson_task(task):
        return {}
    rows = preferred(rows_of("p_tuning"), backbone)
    return {row["knobs"]["template"]: row for row in rows if row["method"] == "discrete_prompt"}


def line(description: str, value: str, tooltip: str) -> widgets.Text:
    return widgets.Text(
        value=value, description=description, tooltip=tooltip, continuous_update=False, **LINE
    )


def listed(words: Sequence[str]) -> str:
    """Answers as they stand in their box, a slash between them."""
    return " / ".join(re.sub("[/／]", r"\\\g<0>", shown(word)) for word in words)


def apart(answers: str) -> tuple[str, ...]:
    """The inverse of `listed`, without the space around an answer.

    A Chinese keyboard has a wide slash.
    """
    words = [""]
    for piece in re.findall(r"\\?.", answers, re.DOTALL):
        if piece in ("/", "／"):
            words.append("")
        else:
            words[-1] += piece[1:] if piece in (r"\/", r"\／") else piece
    return tuple(typed(word).strip() for word in words)


def leaderboard(board: Board) -> str:
    """What was scored, as an HTML table: best first, by the better of the two accuracies."""

    def best(both: tuple[Evaluation, Evaluation]) -> float:
        return max(each.accuracy or 0 for each in both)

    ranked = sorted(board.items(), key=lambda entry: -best(entry[1]))
    heads = map(gettext, HEADS)
    rows = (
        [
            f"<code>{escape(shown(template))}</code>",
            escape(listed(words)),
            str(count),
            *(cell(each, each.accuracy == best(both)) for each in both),
        ]
        for (template, words, count), both in ranked
    )
    return f'<div style="margin-top: 8px">{gettext(RANKED)}</div>{table(rows, heads)}'


def cell(result: Evaluation, bold: bool) -> str:
    low, high = result.interval or (0.0, 1.0)
    accuracy = f"{result.accuracy:.1%}"
    within = gettext("({low:.0f} to {high:.0%})").format(low=100 * low, high=high)
    span = f'<span style="white-space: nowrap">{within}</span>'
    return f"{f'<b>{accuracy}</b>' if bold else accuracy} {span}"
