"""Microscope: what an answer attends to, before and after training, and what it owes to what."""

from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor
from traitlets import Bytes, Dict, Unicode, observe

from prefixlab import arguments
from prefixlab.data.task import Task
from prefixlab.evaluation.choices import answer_words
from prefixlab.methods import Method, create
from prefixlab.models.backbone import Backbone
from prefixlab.workbook import figures
from prefixlab.workbook.ablation import Away, OneSentence
from prefixlab.workbook.language import gettext
from prefixlab.workbook.page import pictures
from prefixlab.workbook.page.base import InPage, module

COLOURS = {"virtual": figures.ORANGE, "text": figures.BLUE, "answer": figures.GREEN}


class Microscope(InPage):
    """A trained prompt or prefix at work on one sentence, down to single heads.

    Attributes
    ----------
    away
        What is taken away: numbers of virtual positions, and of layers whose prefix goes, each
        list in order: `{"positions": [2], "layers": []}`.
    known
        The probability of the answer by what was taken away, as `key` writes it. One part less is
        known from the start; several are computed when they are taken away.

    Parameters
    ----------
    lm, task
        The frozen model, and a task with answers.
    method
        A trained method with virtual positions. What it was before is made again from its knobs
        and its seed.
    sentence
        What is read.

    Raises
    ------
    ValueError
        A method without virtual positions, one of another model or on an encoder-decoder; a task
        of free text; what is no text.
    """

    script = "microscope.js"
    _esm = module(script)
    drawing = Dict().tag(sync=True)
    before = Bytes().tag(sync=True)  # attention, [layers, heads, positions], float32
    after = Bytes().tag(sync=True)
    away: Any = Dict({"positions": [], "layers": []}).tag(sync=True)
    known = Dict().tag(sync=True)
    trouble = Unicode().tag(sync=True)

    def __init__(self, lm: Backbone, task: Task, method: Method, sentence: str):
        self.sentence = arguments.text("sentence", sentence)
        self.asked = OneSentence(lm, method, task, sentence)
        about = method.describe()
        start = create(about["method"], lm, task, seed=about["seed"], **about["knobs"])
        begun = OneSentence(lm, start, task, sentence)
        self.attention = begun.attention(), self.asked.attention()  # each [layers, heads, P + T]
        one_less = [Away.of()]
        one_less += [Away.of(positions=[number]) for number in range(self.asked.positions)]
        one_less += [Away.of(layers=[number]) for number in self.asked.layers]
        answers = self.asked.answers(one_less)  # [cases, answers]
        self.chosen = int(answers[0].argmax())
        self.answer = answer_words(task)[self.chosen]
        self.first = float(begun.answers([Away.of()])[0, self.chosen])
        layers, heads, _ = self.attention[0].shape
        super().__init__(
            before=as_bytes(self.attention[0]),
            after=as_bytes(self.attention[1]),
            known=dict(zip(map(key, one_less), answers[:, self.chosen].tolist(), strict=True)),
            drawing={
                "answer": self.answer,
                "first": self.first,
                "size": {"layers": layers, "heads": heads},
                "columns": self.columns(),
                "removable": self.asked.layers,
                "colours": COLOURS,
            },
        )

    def columns(self) -> list[dict[str, Any]]:
        """For each of the P + T positions its text, whether it is virtual, and its number among
        those that can be taken away."""
        lm, given = self.asked.lm, self.asked.given
        past = self.asked.positions if given.past else 0
        columns = [
            {"text": f"P{number}", "virtual": True, "removable": number} for number in range(past)
        ]
        for token in self.asked.row.prompt:
            if token < 0:
                removable = None if past else -1 - token
                columns.append({"text": f"P{-1 - token}", "virtual": True, "removable": removable})
            else:
                text = shown(str(lm.tokenizer.decode([token])))
                columns.append({"text": text, "virtual": False, "removable": None})
        return columns

    @observe("away")
    def _take(self, change: Any) -> None:
        """Ask the model, where what is taken away is not known yet."""
        case = Away.of(**change.new)
        if key(case) in self.known:
            return
        try:
            probability = float(self.asked.answers([case])[0, self.chosen])
        except Exception as error:
            self.trouble = f"{type(error).__name__}: {error}"
            raise
        self.trouble = ""
        self.known = self.known | {key(case): probability}

    def says(self) -> str:
        case = Away.of(**self.away)
        said = gettext("{sentence!r}: P({answer}) {first:.2f} before training, {now:.2f} now")
        said = said.format(
            sentence=self.sentence, answer=self.answer, first=self.first, now=self.known["|"]
        )
        if case == Away():
            return said
        known = key(case) in self.known
        left = f"{self.known[key(case)]:.2f}" if known else gettext("not known yet")
        return gettext("{said}, {left} without {parts}").format(
            said=said, left=left, parts=named(case)
        )

    def picture(self) -> Figure:
        positions = [column["text"] for column in self.columns()]
        return pictures.attention(self.attention[1].mean(1), positions, self.says())


def as_bytes(attention: Tensor) -> bytes:
    return attention.to(torch.float32).contiguous().numpy().tobytes()


def key(case: Away) -> str:
    """What is taken away as a word: "0,2|5" is the first and third position, and layer 5."""
    return "|".join(",".join(map(str, sorted(part))) for part in (case.positions, case.layers))


def named(case: Away) -> str:
    parts = [f"P{number}" for number in sorted(case.positions)]
    return ", ".join(
        parts + [gettext("layer {n}").format(n=number) for number in sorted(case.layers)]
    )


def shown(token: str) -> str:
    """A token as it is seen: a line break as a sign, a space in front left out."""
    return token.replace("\n", "↵").strip() or "␣"
