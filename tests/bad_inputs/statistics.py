"""Mistakes about results: what is compared, judged and measured."""

from dataclasses import replace

import torch

import prefixlab as pl
from bad_inputs import Mistakes
from prefixlab.evaluation.choices import expected_calibration_error, judge, wilson
from prefixlab.workbook.interpretation import Ablated, moved, persisting
from prefixlab.workbook.memory import step_memory
from prefixlab.workbook.significance import examples_needed, paired, seeds_needed, standard_error

NAN, INF = float("nan"), float("inf")
TWO = torch.tensor([[1.0, 2.0], [2.0, 1.0]])

MISTAKES: Mistakes = {
    # Pairs.
    "no pairs": (lambda at: paired([], []), ["0 and 0 results", "at least one"]),
    "unequal sides": (lambda at: paired([0.9, 0.8], [0.9]), ["2 and 1 results", "as many"]),
    "a run that failed": (
        lambda at: paired([0.9, NAN], [0.8, 0.7]),
        ["ours[1]=nan", "no finite number"],
    ),
    "an endless loss": (lambda at: paired([0.9], [INF]), ["theirs[0]=inf", "no finite number"]),
    "a run that is missing": (lambda at: paired([None], [0.8]), ["ours[0]=None", "finite"]),
    "a result of hundreds of digits": (
        lambda at: paired([10**400], [0.8]),
        ["ours[0]=1000", "finite"],
    ),
    "results in words": (lambda at: paired(["0.9"], ["0.8"]), ["ours[0]='0.9'", "finite"]),
    "verdicts for results": (lambda at: paired([True], [False]), ["ours[0]=True", "finite"]),
    # How many are needed.
    "share in percent": (lambda at: standard_error(90, 200), ["share=90", "at most 1"]),
    "no sentences": (lambda at: standard_error(0.9, 0), ["examples=0", "at least 1"]),
    "no difference of accuracies": (
        lambda at: examples_needed(0.0, 0.9),
        ["difference=0.0", "at least 1e-06"],
    ),
    "a difference in points": (lambda at: examples_needed(2, 0.9), ["difference=2", "at most 1"]),
    "no mistakes": (lambda at: examples_needed(0.02, 1.0), ["share=1.0", "between 0 and 1"]),
    "share of no number": (lambda at: examples_needed(0.02, NAN), ["share=nan", "at most 1"]),
    "no difference of seeds": (lambda at: seeds_needed(0, 0.02), ["difference=0", "above 0"]),
    "ours is worse": (lambda at: seeds_needed(-0.02, 0.02), ["difference=-0.02", "at least 0"]),
    "a hidden difference": (lambda at: seeds_needed(1e-9, 0.02), ["1e-09", "0.02", "larger"]),
    "spread of no number": (
        lambda at: seeds_needed(0.02, NAN),
        ["between_seeds=nan", "at least 0"],
    ),
    "negative spread": (lambda at: seeds_needed(0.02, -1), ["between_seeds=-1", "at least 0"]),
    "endless spread": (lambda at: seeds_needed(0.02, INF), ["between_seeds=inf", "at least 0"]),
    # Judging.
    "share of nothing": (lambda at: wilson(0, 0), ["total=0", "at least 1"]),
    "more right than there are": (lambda at: wilson(5, 4), ["right=5", "at most 4"]),
    "less than none right": (lambda at: wilson(-1, 4), ["right=-1", "at least 0"]),
    "nothing to judge": (
        lambda at: judge(torch.zeros(0, 2), at.task.test.select([])),
        ["0 rows", "0 examples", "at least one"],
    ),
    "scores of other examples": (
        lambda at: judge(TWO, at.task.test),
        ["2 rows", "8 examples", "a row for each"],
    ),
    "scores that are no numbers": (
        lambda at: judge(TWO * NAN, at.task.test.select([0, 1])),
        ["example 0", "[nan, nan]", "lower learning rate"],
    ),
    "an answer without a score": (
        lambda at: judge(TWO[:, :1], at.task.test.select([0, 1])),
        ["label 1", "from 0 to 0"],
    ),
    "no score at all": (
        lambda at: judge(torch.full((1, 2), -INF), at.task.test.select([0])),
        ["example 0", "[-inf, -inf]", "no probabilities"],
    ),
    "texts to judge": (
        lambda at: judge(TWO, pl.tasks.dataset([("a", "b"), ("c", "d")])),
        ["label 'b'", "numbers from 0 to 1"],
    ),
    "confidence in nothing": (
        lambda at: expected_calibration_error(torch.zeros(0, 2), torch.zeros(0)),
        ["0 examples", "at least one"],
    ),
    "confidence without verdicts": (
        lambda at: expected_calibration_error(TWO, torch.tensor([True])),
        ["2 examples", "1 verdicts"],
    ),
    "confidence that is no number": (
        lambda at: expected_calibration_error(TWO * NAN, torch.tensor([True, False])),
        ["nan", "from 0 to 1"],
    ),
    "no bins": (
        lambda at: expected_calibration_error(TWO, torch.tensor([True, False]), bins=0),
        ["bins=0", "at least 1"],
    ),
    "calibration of free text": (
        lambda at: pl.evaluation.content_free_scores(
            at.lm, at.create("discrete_prompt"), replace(at.task, verbalizer=None)
        ),
        ["films", "no answer space"],
    ),
    # Looking inside.
    "memory of no training": (
        lambda at: step_memory(at.lm, at.create("discrete_prompt"), at.task),
        ["discrete_prompt", "nothing to train"],
    ),
    "memory of no batch": (
        lambda at: step_memory(at.lm, at.create("prompt_tuning"), at.task, batch_size=0),
        ["batch_size=0", "from 1"],
    ),
    "moved without virtual tokens": (
        lambda at: moved(at.lm, at.create("adapters"), at.task),
        ["adapters", "no virtual tokens", "take a prompt"],
    ),
    "words near an infix": (
        lambda at: persisting(at.lm, at.create("infix"), at.task),
        ["infix", "no virtual tokens at the input", "take a prompt"],
    ),
    "without a layer that is not there": (
        lambda at: Ablated(at.create("prefix_tuning"), layer=3),
        ["prefix_tuning", "layer 3", "[0, 1, 2]"],
    ),
}
