"""Scoring a method live: a button, how far it is and how long it takes, and Stop."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets
import torch
from datasets import Dataset

from prefixlab.data.task import Task
from prefixlab.evaluation.choices import Evaluation, content_free_scores, judge, scoring
from prefixlab.methods import Method
from prefixlab.models.backbone import Backbone
from prefixlab.workbook.language import gettext
from prefixlab.workbook.page import Announcement, kept
from prefixlab.workbook.panels.base import Panel, button

BATCH = 4  # small, so that the page has not long to wait between two batches


class LivePanel(Panel):
    """A panel with a button that scores held-out sentences, while the page stays alive."""

    def __init__(self, lm: Backbone, task: Task, work: Callable[[], Any], name: str, tooltip: str):
        super().__init__()
        self.lm, self.task = lm, task
        self.button = button(name, tooltip, lambda: self.start(work), button_style="primary")
        self.stop_button = button(
            gettext("Stop"),
            gettext("Stop after this batch; nothing is kept"),
            self.stop,
            disabled=True,
        )
        for one in (self.button, self.stop_button):
            kept(one)
        self.progress = widgets.IntProgress(layout={"width": "160px"})
        self.clock = Announcement(layout={"margin": "0 0 0 8px"})
        self.bar = widgets.HBox(
            [self.button, self.stop_button, self.progress, self.clock],
            layout={"flex_flow": "row wrap"},
        )

    @contextmanager
    def working(self) -> Iterator[None]:
        """Within this context Stop can be pressed, and errors appear in words."""
        self.stopping = False
        self.stop_button.disabled, self.button.disabled = False, True  # the focus goes to Stop
        self.status.value = self.clock.value = ""
        try:
            with self.reporting():
                yield
        finally:
            self.progress.value = 0
            self.button.disabled, self.stop_button.disabled = False, True

    async def judged(
        self, method: Method, task: Task, examples: Dataset
    ) -> tuple[Evaluation, Evaluation] | None:
        """As asked and calibrated, from one pass of scores; None if Stop was pressed."""
        self.progress.max = len(examples)
        began = time.monotonic()
        scored = torch.empty(0)
        work = scoring(self.lm, method, task, examples, batch_size=BATCH)
        async for scored in self.patiently(work):
            done = int((~scored[:, 0].isnan()).sum())
            left = (time.monotonic() - began) * (len(examples) / max(1, done) - 1)
            self.progress.value = done
            self.clock.value = gettext("{done} of {all}, about {left:.0f} s left").format(
                done=done, all=len(examples), left=left
            )
        if self.stopping:
            self.clock.value = gettext("Stopped: sentences scored so far do not count.")
            return None
        free = content_free_scores(self.lm, method, task)
        self.clock.value = gettext("{all} sentences in {seconds:.0f} s").format(
            all=len(examples), seconds=time.monotonic() - began
        )
        return judge(scored, examples), judge(scored - free, examples)
