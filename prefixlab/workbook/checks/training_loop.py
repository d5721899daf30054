"""Training loops by hand: the learner writes one, and what it does to a tiny model says if it is right.

A loop is an answer like any other. It is tried on a prompt and a model of some dozen numbers; what
it returns, how it leaves the prompt and how it leaves the model are compared with what the
reference does, so that it does not matter how it is written.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from prefixlab.workbook.checks.exercise import Exercise, Mistake

Example = tuple[str, int]  # a text and the number of its answer
AnswerScores = Callable[[Tensor, str], Tensor]  # (prompt [m, h], text) -> [answers]


class TinyModel(nn.Module):
    """One layer of attention over a prompt and a text: the answers' scores after the last token.

    Its weights can be trained, as those of a model that nobody froze: a loop has to leave them.
    """

    LETTERS = "abcdefghijklmnopqrstuvwxyz "

    def __init__(self, width: int, answers: int, seed: int):
        super().__init__()
        chance = torch.Generator().manual_seed(seed)
        sizes = {"embedding": (len(self.LETTERS), width), "readout": (answers, width)}
        for name, size in sizes.items():
            setattr(self, name, nn.Parameter(torch.randn(size, generator=chance)))

    def forward(self, prompt: Tensor, text: str) -> Tensor:
        embedded = self.embedding[[self.LETTERS.index(letter) for letter in text]]  # E(x): [n, h]
        both = torch.cat([prompt, embedded])  # [P; E(x)]: [m + n, h]
        weights = (both @ both[-1] / both.shape[1] ** 0.5).softmax(0)  # [m + n]
        return self.readout @ (weights @ both)  # [answers]


def train_by_hand(
    answer_scores: AnswerScores,
    prompt: nn.Parameter,
    examples: Sequence[Example],
    steps: int,
    rate: float,
) -> list[float]:
    """Train a prompt [m, h] by AdamW on all examples in each step; the loss of each, in nats.

    A step's loss is the mean over the examples, taken before the step.
    """
    optimizer = torch.optim.AdamW([prompt], lr=rate)
    labels = torch.tensor([label for _, label in examples])  # [n]
    losses = []
    for _ in range(steps):
        scores = torch.stack([answer_scores(prompt, text) for text, _ in examples])  # [n, answers]
        loss = cross_entropy(scores, labels)  # -log p(y | [P; x]), the mean of all examples
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _loop(
    step: Callable[[torch.optim.Optimizer, Tensor], Any],
    *,
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.AdamW,
    trained: Callable[[Any, nn.Parameter], list[nn.Parameter]] = lambda model, prompt: [prompt],
    anew: bool = False,
    loss_of: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
    sign: int = 1,
) -> Callable[..., list[float]]:
    """A loop with one thing in it another: what a step does, with which optimizer, of what."""

    def train(
        model: Any, prompt: nn.Parameter, examples: Sequence[Example], steps: int, rate: float
    ) -> list[float]:
        chosen = optimizer(trained(model, prompt), lr=rate)
        losses = []
        for _ in range(steps):
            if anew:
                chosen = optimizer(trained(model, prompt), lr=rate)
            scores = torch.stack([model(prompt, text) for text, _ in examples])  # [n, answers]
            loss = loss_of(scores, torch.tensor([label for _, label in examples]))
            step(chosen, loss)
            losses.append(sign * loss.item())
        return losses

    return train


def _right_step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _without_zero_grad(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    loss.backward()
    optimizer.step()


def _step_first(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.step()
    optimizer.zero_grad()
    loss.backward()


def _uphill(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    _right_step(optimizer, -loss)


def _a_step_for_each(
    model: Any, prompt: nn.Parameter, examples: Sequence[Example], steps: int, rate: float
) -> list[float]:
    """One example after the other, and all of them as often as there are steps."""
    optimizer = torch.optim.AdamW([prompt], lr=rate)
    losses = []
    for _ in range(steps):
        for text, label in examples:
            loss = cross_entropy(model(prompt, text)[None], torch.tensor([label]))
            _right_step(optimizer, loss)
            losses.append(loss.item())
    return losses


def _means_of_each(
    model: Any, prompt: nn.Parameter, examples: Sequence[Example], steps: int, rate: float
) -> list[float]:
    losses = torch.tensor(_a_step_for_each(model, prompt, examples, steps, rate))
    return losses.view(steps, len(examples)).mean(1).tolist()  # [steps]


def _one_a_step(
    model: Any, prompt: nn.Parameter, examples: Sequence[Example], steps: int, rate: float
) -> list[float]:
    """The examples in turn, one in each step."""
    rounds = -(-steps // len(examples))
    turns = (list(examples) * rounds)[:steps]
    optimizer = torch.optim.AdamW([prompt], lr=rate)
    losses = []
    for text, label in turns:
        loss = cross_entropy(model(prompt, text)[None], torch.tensor([label]))
        _right_step(optimizer, loss)
        losses.append(loss.item())
    return losses


def _a_copy(
    model: Any, prompt: nn.Parameter, examples: Sequence[Example], steps: int, rate: float
) -> list[float]:
    copied = nn.Parameter(prompt.detach().clone())
    return train_by_hand(model, copied, examples, steps, rate)


_UPHILL = (
    "the loss is to fall, and yours rises: the optimizer goes down whatever `backward()` was "
    "called on, so call it on the loss itself, not on its negative."
)
_ONE_BY_ONE = (
    "each example makes a step of its own; one step takes all examples: the mean of their losses, "
    "one `backward()`, one `step()`."
)

training_loop = Exercise(
    right=train_by_hand,
    probes=tuple(
        (
            TinyModel(4, answers, seed),
            nn.Parameter(torch.randn(3, 4, generator=torch.Generator().manual_seed(seed + 1))),
            examples,
            6,
            rate,
        )
        for seed, answers, examples, rate in (
            (0, 2, [("a fine film", 1), ("it drags", 0), ("a warm hug", 1)], 0.1),
            (7, 3, [("cold", 2), ("so so", 1)], 0.03),
        )
    ),
    praise="These lines are all of training: forward, loss, backward, step.",
    mistakes=(
        Mistake(
            "no zero_grad",
            _loop(_without_zero_grad),
            "each step still carries the gradients of all steps before it, for `backward()` adds "
            "to `.grad`: call `optimizer.zero_grad()` once in every step, before `backward()`.",
        ),
        Mistake(
            "never moves",
            _loop(lambda optimizer, loss: loss.backward()),
            "the prompt stays as it was and the loss is the same in all steps: `step()` must come "
            "after `backward()`, with no `zero_grad()` between them.",
        ),
        Mistake(
            "step before backward",
            _loop(_step_first),
            "your `step()` comes before `backward()`, so each step uses the gradient of the step "
            "before; the order is `zero_grad()`, `backward()`, `step()`.",
        ),
        Mistake("gradient ascent", _loop(_uphill), _UPHILL),
        Mistake("gradient ascent", _loop(_uphill, sign=-1), _UPHILL),
        Mistake(
            "the model trained too",
            _loop(_right_step, trained=lambda model, prompt: [prompt, *model.parameters()]),
            "your optimizer also has the model's weights; they are frozen, and the prompt alone "
            "is trained: `AdamW([prompt], lr=rate)`.",
        ),
        Mistake(
            "the model trained instead",
            _loop(_right_step, trained=lambda model, prompt: [*model.parameters()]),
            "your optimizer has the model's weights and not the prompt: `AdamW([prompt], "
            "lr=rate)`.",
        ),
        Mistake(
            "optimizer made anew",
            _loop(_right_step, anew=True),
            "you make the optimizer inside the loop: AdamW then forgets its running means in every "
            "step. Make it once, before the loop.",
        ),
        Mistake(
            "no rate",
            _loop(_right_step, optimizer=lambda values, lr: torch.optim.AdamW(values)),
            "the optimizer does not get the rate: `AdamW([prompt], lr=rate)`.",
        ),
        Mistake(
            "plain gradient descent",
            _loop(_right_step, optimizer=torch.optim.SGD),
            "you use SGD, whose step is as long as the gradient; asked is AdamW.",
        ),
        Mistake(
            "Adam",
            _loop(_right_step, optimizer=torch.optim.Adam),
            "you use Adam; AdamW also pulls each number a little towards zero (weight decay).",
        ),
        Mistake(
            "summed losses",
            _loop(_right_step, loss_of=lambda scores, y: cross_entropy(scores, y, reduction="sum")),
            "you add up the losses of the examples; take their mean, or the loss grows with the "
            "number of examples.",
        ),
        Mistake(
            "softmax twice",
            _loop(_right_step, loss_of=lambda scores, y: cross_entropy(scores.softmax(-1), y)),
            "`cross_entropy` takes scores and makes a softmax of them itself; yours have been "
            "through one before.",
        ),
        Mistake("a step for each example", _a_step_for_each, _ONE_BY_ONE),
        Mistake("a step for each example", _means_of_each, _ONE_BY_ONE),
        Mistake("one example a step", _one_a_step, _ONE_BY_ONE),
        Mistake(
            "a copy trained",
            _a_copy,
            "your losses are right, but the prompt is as it was: you train a copy of it. Give the "
            "optimizer `prompt` itself.",
        ),
    ),
)
