"""The exercises of lesson 01, discrete prompts."""

from collections.abc import Sequence
from math import comb, perm

import torch
from torch import Tensor

from prefixlab.workbook.checks import Exercise, Mistake

prompts = Exercise(
    right=lambda vocabulary, length: vocabulary**length,
    probes=((10, 3), (7, 2), (12, 4)),
    praise="For five tokens of GPT-2 that is a number of 24 digits.",
    mistakes=(
        Mistake(
            "multiplied",
            lambda vocabulary, length: vocabulary * length,
            "you add up the choices; each further token multiplies them by the whole vocabulary.",
        ),
        Mistake(
            "base and exponent swapped",
            lambda vocabulary, length: length**vocabulary,
            "base and exponent are swapped: there are `length` places, each with V choices.",
        ),
        Mistake(
            "no token twice",
            lambda vocabulary, length: perm(vocabulary, length),
            "you let no token stand twice; in a prompt it may.",
        ),
        Mistake(
            "order ignored",
            lambda vocabulary, length: comb(vocabulary, length),
            "you count sets of tokens; a prompt has an order, and a token may stand twice.",
        ),
        Mistake(
            "shorter ones too",
            lambda vocabulary, length: sum(vocabulary**n for n in range(1, length + 1)),
            "you count the shorter prompts too; only those of exactly `length` tokens are asked.",
        ),
    ),
)

_random = torch.Generator().manual_seed(0)
_logits = torch.randn(7, 6, generator=_random)


def _rows(scores: Tensor, first: int, answer: Sequence[int]) -> Tensor:
    """Row first + t at the answer's token t."""
    return scores[range(first, first + len(answer)), list(answer)]


answer_score = Exercise(
    right=lambda logits, n, answer: _rows(logits.log_softmax(-1), n - 1, answer).sum(),
    probes=((_logits, 4, [5, 0, 2]), (_logits[:6], 4, [1, 3]), (_logits[:3], 2, [4])),
    praise="Each token is read off the position before it.",
    mistakes=(
        Mistake(
            "off by one",
            lambda logits, n, answer: _rows(logits.log_softmax(-1), n, answer).sum(),
            "you read each token off its own position, which predicts the next one; the position "
            "before it predicts it.",
        ),
        Mistake(
            "first token only",
            lambda logits, n, answer: _rows(logits.log_softmax(-1), n - 1, answer[:1]).sum(),
            "you score the first token of the answer and leave out the others.",
        ),
        Mistake(
            "mean",
            lambda logits, n, answer: _rows(logits.log_softmax(-1), n - 1, answer).mean(),
            "you take the mean over the tokens; the probability of the whole is the product, so "
            "its logarithm is the sum.",
        ),
        Mistake(
            "raw logits",
            lambda logits, n, answer: _rows(logits, n - 1, answer).sum(),
            "you add up logits; they are no logarithms of probabilities before `log_softmax`.",
        ),
        Mistake(
            "all from the end of the prompt",
            lambda logits, n, answer: logits.log_softmax(-1)[n - 1, answer].sum(),
            "you read all tokens off the end of the prompt; each one is predicted after those "
            "before it.",
        ),
        Mistake(
            "probabilities added",
            lambda logits, n, answer: _rows(logits.softmax(-1), n - 1, answer).sum(),
            "you add up probabilities; add up their logarithms.",
        ),
    ),
)

_p = torch.tensor([[0.2, 0.8], [0.45, 0.55], [0.9, 0.1]])
_free = torch.tensor([[0.1, 0.9], [0.3, 0.7], [0.25, 0.75]])
_p3 = torch.tensor([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]])
_free3 = torch.tensor([[0.5, 0.4, 0.1], [0.7, 0.1, 0.2]])


def _normal(scaled: Tensor) -> Tensor:
    return scaled / scaled.sum(1, keepdim=True)


calibrate = Exercise(
    right=lambda p, content_free: _normal(p / content_free.mean(0)),
    probes=((_p, _free), (_p3, _free3)),
    praise="What the prompt prefers where there is nothing to judge no longer counts.",
    mistakes=(
        Mistake(
            "multiplied",
            lambda p, content_free: _normal(p * content_free.mean(0)),
            "you multiply, which doubles the preference; divide, to take it away.",
        ),
        Mistake(
            "not normalised",
            lambda p, content_free: p / content_free.mean(0),
            "the rows do not sum to one yet; divide each by its sum.",
        ),
        Mistake(
            "first input only",
            lambda p, content_free: _normal(p / content_free[0]),
            "you use the first content-free input only; take the mean of all.",
        ),
        Mistake(
            "subtracted",
            lambda p, content_free: p - content_free.mean(0),
            "you subtract probabilities, and some become negative; divide. (Subtracting is for "
            "logarithms.)",
        ),
        Mistake(
            "columns, not rows",
            lambda p, content_free: p / content_free.mean(0) / (p / content_free.mean(0)).sum(0),
            "your columns sum to one; it is the rows, one for each sentence, that must.",
        ),
        Mistake(
            "softmax",
            lambda p, content_free: (p / content_free.mean(0)).softmax(1),
            "a softmax bends the ratios (the paper writes one, which changes no prediction); "
            "divide each row by its sum.",
        ),
    ),
)


def _report(validation: list[float], test: list[float]) -> float:
    return test[validation.index(max(validation))]


to_report = Exercise(
    right=_report,
    probes=(
        ([0.61, 0.83, 0.79], [0.66, 0.74, 0.80]),
        ([0.90, 0.55, 0.70, 0.71], [0.77, 0.58, 0.81, 0.69]),
    ),
    praise="Chosen by one set, judged by another.",
    mistakes=(
        Mistake(
            "chosen by the test",
            lambda validation, test: max(test),
            "you choose by the test, and the test then praises its own choice.",
        ),
        Mistake(
            "validation accuracy",
            lambda validation, test: max(validation),
            "that is the accuracy it was chosen by, and it is flattered; report the test.",
        ),
        Mistake(
            "mean of the test",
            lambda validation, test: sum(test) / len(test),
            "that is how wordings do on average; one of them was chosen.",
        ),
        Mistake(
            "which, not how good",
            lambda validation, test: validation.index(max(validation)),
            "that says which wording was chosen; return its accuracy on the test.",
        ),
    ),
)


def _border(content_free: Tensor) -> float:
    first, second = content_free.mean(0).tolist()
    return float(second / (first + second))


border_of = Exercise(
    right=_border,
    probes=(
        (torch.tensor([[0.2, 0.8], [0.4, 0.6]]),),
        (torch.tensor([[0.10, 0.02], [0.30, 0.06], [0.05, 0.10]]),),
    ),
    praise="A border is all that calibration moves, if there are two answers.",
    mistakes=(
        Mistake(
            "the share as it is",
            lambda content_free: float(content_free.mean(0)[1]),
            "that is right where the two shares sum to one; divide by their sum.",
        ),
        Mistake(
            "the first answer",
            lambda content_free: 1 - _border(content_free),
            "that is the border for the first answer; the second one is asked for.",
        ),
        Mistake(
            "one half",
            lambda content_free: 0.5,
            "one half is the border as asked; calibration moves it to what is said to nothing.",
        ),
        Mistake(
            "mean of the borders",
            lambda content_free: float((content_free[:, 1] / content_free.sum(1)).mean()),
            "you make a border for every input and take their mean; take the mean of the "
            "probabilities first.",
        ),
        Mistake(
            "the ratio",
            lambda content_free: float(content_free.mean(0)[1] / content_free.mean(0)[0]),
            "that is how many times the second is as probable as the first; the border is a "
            "probability.",
        ),
    ),
)
