"""Evaluation: accuracy with its confidence interval, loss, and calibration."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from datasets import Dataset
from torch import Tensor
from torch.nn import functional as F

from prefixlab import arguments
from prefixlab.data.batching import Batch, evaluation_order
from prefixlab.data.examples import SPLITS, dataset
from prefixlab.data.task import Task
from prefixlab.methods import Method
from prefixlab.methods.base import check_task, check_together
from prefixlab.models.backbone import Backbone

CONTENT_FREE = ("N/A", "[MASK]", "")


@dataclass(frozen=True)
class Evaluation:
    """How well a method does on a set of examples.

    `loss` is the mean negative log-likelihood of the right answer, in nats: among the answers
    where the task is a choice, per token where it is free text. Accuracy, its interval and the
    calibration error are None for free text.
    """

    examples: int
    loss: float
    accuracy: float | None
    interval: tuple[float, float] | None
    calibration_error: float | None

    def __str__(self) -> str:
        if self.accuracy is None or self.interval is None:
            return f"loss {self.loss:.3f} nats per token ({self.examples} examples)"
        low, high = self.interval
        return (
            f"accuracy {self.accuracy:.3f} (95% interval {low:.3f} to {high:.3f}), "
            f"loss {self.loss:.3f} nats, {self.examples} examples"
        )


def evaluate(
    lm: Backbone,
    method: Method,
    task: Task,
    *,
    split: str = "test",
    calibrate: bool = False,
    batch_size: int = 8,
) -> Evaluation:
    """Evaluate a method on a split of a task ("train", "validation" or "test").

    With `calibrate` the answers' scores are corrected by what the model says to content-free
    inputs, see `content_free_scores`.

    Raises
    ------
    ValueError
        An unknown split, a method of another model, or an example too long for the model.
    """
    check_together(lm, method, task)
    examples = task.splits[arguments.one_of("split", split, SPLITS)]
    scored = scores(lm, method, task, examples, batch_size=batch_size)
    if task.verbalizer is None:
        tokens = sum(len(row.answers[0]) for row in method.rows(lm, examples, task))
        return Evaluation(len(examples), -scored.sum().item() / tokens, None, None, None)
    if calibrate:
        scored = scored - content_free_scores(lm, method, task)
    return judge(scored, examples)


def judge(scored: Tensor, examples: Dataset) -> Evaluation:
    """How well scores, [examples, answers], choose the examples' labels.

    Raises
    ------
    ValueError
        No examples, not a row of scores for each, a label that has no score, scores that are NaN.
    """
    labels = checked_labels(scored, examples)
    right = scored.argmax(1) == labels
    return Evaluation(
        examples=len(examples),
        loss=F.cross_entropy(scored, labels).item(),
        accuracy=right.float().mean().item(),
        interval=wilson(int(right.sum()), len(right)),
        calibration_error=expected_calibration_error(scored.softmax(1), right),
    )


def checked_labels(scored: Tensor, examples: Dataset) -> Tensor:
    """The examples' labels, [examples], if the scores can be judged by them."""
    if not len(examples) or len(scored) != len(examples):
        raise ValueError(
            f"There are {len(scored)} rows of scores for {len(examples)} examples; give a row for "
            "each, and at least one example."
        )
    beyond = [y for y in examples["y"] if not isinstance(y, int) or not 0 <= y < scored.shape[1]]
    if beyond:
        raise ValueError(
            f"The label {arguments.shortened(beyond[0])} has no score; with {scored.shape[1]} "
            f"answers labels are numbers from 0 to {scored.shape[1] - 1}."
        )
    # A row of nothing but -inf has no probabilities either.
    wrong = scored.log_softmax(1).isnan().any(1).nonzero()
    if len(wrong):
        first = int(wrong[0])
        raise ValueError(
            f"The scores of example {first} are {arguments.shortened(scored[first].tolist())}, no "
            "probabilities can be made of them; train again with a lower learning rate, or compute "
            "in float32."
        )
    return torch.tensor(examples["y"])


def scores(
    lm: Backbone, method: Method, task: Task, examples: Dataset, *, batch_size: int = 8
) -> Tensor:
    """The score of every answer for every example, [examples, answers], in the given order.

    Raises
    ------
    ValueError
        A method of another model, examples that are none, or one too long for the model.
    """
    check_together(lm, method, task)
    result = torch.empty(0, answers_scored(task))
    for result in scoring(lm, method, task, examples, batch_size=batch_size):  # noqa: B007
        pass
    return result


@torch.no_grad()
def scoring(
    lm: Backbone, method: Method, task: Task, examples: Dataset, *, batch_size: int = 8
) -> Iterator[Tensor]:
    """As `scores`, handed out after every batch, for whoever must not wait for all of them.

    It is the same tensor each time; rows that are not scored yet are NaN.
    """
    check_together(lm, method, task)
    batch_size = arguments.whole_number("batch_size", batch_size, 1)
    rows = method.rows(lm, arguments.examples(examples), task)
    given = method.conditioning()  # once for all batches
    result = torch.full((len(rows), answers_scored(task)), float("nan"))
    for chosen in evaluation_order(rows, batch_size):
        batch = lm.collate([rows[index] for index in chosen])
        result[chosen] = lm.answer_scores(batch, given).cpu()
        yield result


def predict(
    lm: Backbone, method: Method, task: Task, texts: Sequence[str], *, calibrate: bool = False
) -> Tensor:
    """The probability of every answer for every text, [texts, answers].

    Raises
    ------
    ValueError
        A task of free text, one text instead of a list of them, or as `scores`.
    """
    check_together(lm, method, task)
    answer_words(task)  # or there is nothing to choose from
    examples = dataset([(text, 0) for text in arguments.texts("texts", texts)])
    scored = scores(lm, method, task, examples)
    if calibrate:
        scored = scored - content_free_scores(lm, method, task)
    return scored.softmax(1)


def answers_scored(task: Task) -> int:
    """How many answers are scored for each example; of free text it is the right one."""
    return len(task.verbalizer.words) if task.verbalizer else 1


def answer_words(task: Task) -> tuple[str, ...]:
    """The answers of a task; a ValueError where it has none to choose from."""
    check_task(task)
    if task.verbalizer is None:
        raise ValueError(
            f"{task.name} has no answer space to choose from; generate its texts, or take a task "
            "with answers."
        )
    return task.verbalizer.words


def content_free_scores(lm: Backbone, method: Method, task: Task) -> Tensor:
    """What the model prefers when there is nothing to judge: log of the mean p(y | no content).

    Contextual calibration (Zhao et al. 2021, section 5) divides the answers' probabilities by
    those for inputs without content, "N/A", "[MASK]" and "". [answers]
    """
    answer_words(task)  # or there is nothing to choose from
    examples = dataset([(text, 0) for text in CONTENT_FREE])
    # log 1/n Σ e^(log p), which is a number where a long answer's p is none: below 1e-38.
    log_p = scores(lm, method, task, examples).log_softmax(1)  # [contents, answers]
    return log_p.logsumexp(0) - math.log(len(CONTENT_FREE))


def loss_of(scored: Tensor, batch: Batch) -> Tensor:
    """The training loss: cross-entropy among the answers, or per token of a free text."""
    if batch.answers == 1:
        return -scored.sum() / len(batch.targets)
    return F.cross_entropy(scored, batch.labels.to(scored.device))


def wilson(right: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """The 95% confidence interval of a proportion (Wilson 1927): sound near 0 and 1 too.

    Raises
    ------
    ValueError
        Nothing counted, or more right than there are.
    """
    arguments.number("total", total, 1)
    arguments.number("right", right, 0, total)
    share, spread = right / total, z * z / total
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    # It ends at 0 and at 1 where none and where all are right, whatever rounding makes of it.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def expected_calibration_error(probabilities: Tensor, right: Tensor, bins: int = 10) -> float:
    """How far confidence is from accuracy, on average over ten bins (Guo et al. 2017).

    `probabilities` is [examples, answers], `right` [examples]; the error is from 0 to 1.

    Raises
    ------
    ValueError
        No examples, not as many on both sides, no bins, or probabilities that are NaN.
    """
    arguments.whole_number("bins", bins, 1)
    if not len(right) or len(probabilities) != len(right):
        raise ValueError(
            f"There are probabilities of {len(probabilities)} examples and {len(right)} verdicts; "
            "give as many of each, and at least one."
        )
    if not probabilities.isfinite().all():
        raise ValueError(
            "There is nan or inf among the probabilities, which then have no confidence; give "
            "numbers from 0 to 1."
        )
    confidence = probabilities.max(1).values  # [examples]
    of_bin = (confidence * bins).long().clamp(max=bins - 1)
    # A bin's share of the examples times its gap: what it has too much, over all examples.
    too_much = torch.zeros(bins).index_add(0, of_bin, confidence - right.float())
    return (too_much.abs().sum() / len(right)).item()
