"""Context distillation: a method learns to answer as another one does that has read more.

    loss = KL(p_teacher(y | text, x) || p_student(y | Z, x))

The teacher is the same frozen model with the whole text in front (Eyuboglu et al. 2025, section 4).
There the questions x are written by the model itself; here they are the training sentences, and
their labels are not used. The divergence there is that of the next token among the whole
vocabulary, for every token of a long answer. Here it is that of the choice: an answer is one word
of a few, and how a text shifts all other words says nothing of which it is.
"""

import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from prefixlab import arguments
from prefixlab.data.task import Task
from prefixlab.evaluation.choices import Evaluation, answer_words, judge, predict, scores
from prefixlab.methods import Cartridge, InContextLearning, Method
from prefixlab.methods.in_context import InContextKnobs
from prefixlab.models.backbone import Backbone
from prefixlab.training.loop import Recipe, Step, Training, fingerprint_of


def divergence(teacher: Tensor, student: Tensor) -> Tensor:
    """KL(p_teacher || p_student) of each example, in nats: [examples], 0 where they agree.

    Both are scores of the answers, [examples, answers].
    """
    log_t, log_s = teacher.log_softmax(-1), student.log_softmax(-1)
    # Σ_y p_t(y) (log p_t(y) - log p_s(y))
    return F.kl_div(log_s, log_t, log_target=True, reduction="none").sum(-1)


def teacher_of(lm: Backbone, cartridge: Cartridge) -> InContextLearning:
    """The method that reads all of the text that a cartridge stands in for."""
    knobs = InContextKnobs()
    teacher = InContextLearning.unstarted(lm.geometry, cartridge.asked, knobs, cartridge.seed)
    teacher.fingerprint = cartridge.fingerprint
    teacher.recall(lm, cartridge.texts)
    return teacher


class Distillation(Training):
    """Training by divergence from a teacher, see `distill`; its losses are divergences."""

    def __init__(self, lm: Backbone, method: Method, teacher: Method, task: Task, recipe: Recipe):
        answer_words(task)  # or there is nothing to choose from
        super().__init__(lm, method, task, recipe)
        self.teacher = teacher
        p = scores(lm, teacher, task, task.train).softmax(1)  # [examples, answers]
        # Cross-entropy with p in place of a label is KL(p || p_student) and the entropy of p, which
        # training cannot change.
        self.rows = [
            replace(row, label=of_row) for row, of_row in zip(self.rows, p.tolist(), strict=True)
        ]
        self.entropy = torch.special.entr(p).sum(1)  # [examples]
        self.data = fingerprint_of(self.rows)  # no other training goes on with its checkpoint

    def advance(self) -> Step:
        entropy = self.entropy[self.next_batch()].mean().item()
        step = super().advance()
        return replace(step, loss=step.loss - entropy)

    @cached_property
    def taught(self) -> Tensor:
        """The teacher's scores on the validation examples, [examples, answers]."""
        return scores(self.lm, self.teacher, self.task, self.task.validation)

    def held_out(self) -> Evaluation:
        """Labels tell the accuracy alone, which decides nothing; the loss is the divergence."""
        found = scores(self.lm, self.method, self.task, self.task.validation)
        loss = divergence(self.taught, found).mean().item()
        return replace(judge(found, self.task.validation), loss=loss)


def distill(
    lm: Backbone,
    method: Method,
    teacher: Method,
    task: Task,
    *,
    recipe: Recipe | None = None,
    **knobs: Any,
) -> Distillation:
    """As `train`, but to answer as the teacher does: the task's labels are not used.

    Raises
    ------
    ValueError
        As `train`; a teacher of another model, or a task of free text.
    """
    given = arguments.knobs_of("recipe", recipe, Recipe)
    return Distillation(lm, method, teacher, task, Recipe.of("distill", given | knobs))


@dataclass(frozen=True)
class QueryCost:
    """What one question costs, once the past is there."""

    positions: int  # of the past
    bytes: int  # of its keys and values, in float32
    seconds: float  # the fastest of the questions asked


def query_cost(lm: Backbone, method: Method, task: Task, questions: int = 5) -> QueryCost:
    """Ask the first test sentences one by one; the fastest is the least disturbed by the machine.

    Raises
    ------
    ValueError
        As `predict`, or no questions.
    """
    arguments.whole_number("questions", questions, 1, len(task.test))
    taken = []
    for text in task.test["x"][:questions]:
        began = time.perf_counter()
        predict(lm, method, task, [text])
        taken.append(time.perf_counter() - began)
    past = method.conditioning().past
    numbers = past.keys.numel() + past.values.numel() if past else 0
    return QueryCost(past.length if past else 0, 4 * numbers, min(taken))
