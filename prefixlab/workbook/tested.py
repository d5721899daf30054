"""Tested: what a row says of a method on the examples of a test, one by one and in all.

A choice has margins, how far its second answer is ahead of its first. What is written has scores,
all better when higher, a list for every measure with a number for each text.
"""

from statistics import fmean
from typing import Any

from prefixlab.data.task import Task
from prefixlab.data.tasks import references
from prefixlab.evaluation.choices import content_free_scores, judge, scores
from prefixlab.evaluation.generation import generate
from prefixlab.evaluation.text_metrics import judge_texts
from prefixlab.methods import Method
from prefixlab.models.backbone import Backbone

Found = dict[str, Any]
LONGEST = 80, 4  # tokens of a text about a table, and of a word
BEAMS = 5  # as Li & Liang decode


def tested(lm: Backbone, method: Method, task: Task) -> Found:
    """How well the method does, by what the task asks for: a choice, a word, or a text."""
    if task.verbalizer:
        return chosen(lm, method, task)
    one_word = all(len(text.split()) == 1 for text in task.test["y"])
    return labelled(lm, method, task) if one_word else written(lm, method, task)


def chosen(lm: Backbone, method: Method, task: Task) -> Found:
    """How well it chooses between two answers."""
    given = scores(lm, method, task, task.test)  # [sentences, answers]
    free = content_free_scores(lm, method, task)  # [answers]
    result, calibrated = judge(given, task.test), judge(given - free, task.test)
    return {
        "accuracy": result.accuracy,
        "calibrated": calibrated.accuracy,
        "loss": round(result.loss, 4),
        # How far the second answer is ahead of the first, for every test sentence, and for none.
        # One that is a little behind is -0.0, and so is one that is equal: the sign still says
        # which answer was chosen, of two that are equal the first.
        "margins": [-round(behind, 2) for behind in (given[:, 0] - given[:, 1]).tolist()],
        "content_free": round(float(free[1] - free[0]), 2),
    }


def labelled(lm: Backbone, method: Method, task: Task) -> Found:
    """How often it writes the right word, and a word that is a label at all."""
    answers, labels = task.test["y"], set(task.test["y"])
    texts = generate(lm, method, task, task.test["x"], max_new_tokens=LONGEST[1])
    right = [text == answer for text, answer in zip(texts, answers, strict=True)]
    legal = [text in labels for text in texts]
    log_p = log_likelihoods(lm, method, task)  # of answers, the end of a text among their tokens
    return {
        "accuracy": fmean(right),
        "legal": fmean(legal),
        "loss": round(-fmean(log_p), 4),
        "scores": {
            "accuracy": [100 * one for one in right],
            "legal": [100 * one for one in legal],
            "loss": log_p,
        },
    }


def written(lm: Backbone, method: Method, task: Task) -> Found:
    """How good its texts about tables are, greedily and by beam search, against all references."""
    tables = references(task.test)
    lengths = [len(row.answers[0]) for row in method.rows(lm, task.test, task)]
    log_p = log_likelihoods(lm, method, task)
    found: Found = {"loss": round(-sum(log_p) / sum(lengths), 4)}  # nats per token
    of_each = {"loss": [round(one / n, 4) for one, n in zip(log_p, lengths, strict=True)]}
    for strategy in ("greedy", "beam"):
        texts = generate(
            *(lm, method, task, list(tables)),
            max_new_tokens=LONGEST[0],
            strategy=strategy,
            beams=BEAMS,
        )
        result = judge_texts(texts, tables)
        found[strategy] = {
            "bleu": round(result.bleu, 2),
            "rouge_l": round(result.rouge_l, 2),
            "slots": result.slots,
            "missing": result.missing,
            "wrong": result.wrong,
            "invented": result.invented,
            "texts": texts,  # in the order of `references(task.test)`
        }
        alone = [
            judge_texts([text], {table: tables[table]})
            for text, table in zip(texts, tables, strict=True)
        ]
        of_each[f"bleu, {strategy}"] = [round(one.bleu, 2) for one in alone]
        # The share of slots without an error, in points.
        of_each[f"slots, {strategy}"] = [
            round(100 * (1 - (one.slot_error or 0.0)), 2) for one in alone
        ]
    return found | {"scores": of_each}


def log_likelihoods(lm: Backbone, method: Method, task: Task) -> list[float]:
    """log p of the text of every example, in nats."""
    given = scores(lm, method, task, task.test)  # [examples, 1]
    return [round(value, 4) for value in given[:, 0].tolist()]
