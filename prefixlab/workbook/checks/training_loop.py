"""The training loop by hand: a prompt is trained for a task with a choice of answers."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from prefixlab.workbook.checks.exercise import Exercise, Mistake
from prefixlab.workbook.checks.loops import loop, mistakes_of_a_loop

AnswerScores = Callable[[Tensor, str], Tensor]  # (prompt [m, h], text) -> [answers]
Labelled = Sequence[tuple[str, int]]  # texts, each with the number of its answer


def train_by_hand(
    answer_scores: AnswerScores,
    prompt: nn.Parameter,
    examples: Labelled,
    steps: int,
    rate: float,
) -> list[float]:
    """Train a prompt [m, h] by AdamW on all examples in every step; the loss of each, in nats.

    The loss of a step is the mean over the examples, before the prompt moves: minimising it is
    maximising sum log p(y | [P; E(x)]) over P (Lester et al. 2021, section 2).
    """
    optimizer = torch.optim.AdamW([prompt], lr=rate)
    labels = torch.tensor([label for _, label in examples])  # [n]
    losses = []
    for _ in range(steps):
        scores = torch.stack([answer_scores(prompt, text) for text, _ in examples])  # [n, answers]
        loss = cross_entropy(scores, labels)  # the mean of -log p(y | [P; E(x)])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


class TinyModel(nn.Module):
    """One layer of attention over a prompt and a text: the answers' scores after the last letter.

    Nobody froze its weights: it is the loop that has to leave them as they are.
    """

    LETTERS = "abcdefghijklmnopqrstuvwxyz "

    def __init__(self, width: int, answers: int, seed: int):
        super().__init__()
        chance = torch.Generator().manual_seed(seed)
        self.embedding = nn.Parameter(torch.randn(len(self.LETTERS), width, generator=chance))
        self.readout = nn.Parameter(torch.randn(answers, width, generator=chance))

    def forward(self, prompt: Tensor, text: str) -> Tensor:
        embedded = self.embedding[[self.LETTERS.index(letter) for letter in text]]  # E(x): [n, h]
        both = torch.cat([prompt, embedded])  # [P; E(x)]: [m + n, h]
        weights = (both @ both[-1] / both.shape[1] ** 0.5).softmax(0)  # [m + n]
        return self.readout @ (weights @ both)  # [answers]


def _scores_and_labels(
    model: AnswerScores, prompt: Tensor, examples: Labelled
) -> tuple[Tensor, Tensor]:
    """[n, answers] and [n]."""
    scores = torch.stack([model(prompt, text) for text, _ in examples])
    return scores, torch.tensor([label for _, label in examples])


def _loss(model: AnswerScores, prompt: Tensor, examples: Labelled) -> Tensor:
    return cross_entropy(*_scores_and_labels(model, prompt, examples))


def _summed(model: AnswerScores, prompt: Tensor, examples: Labelled) -> Tensor:
    return cross_entropy(*_scores_and_labels(model, prompt, examples), reduction="sum")


def _softmax_twice(model: AnswerScores, prompt: Tensor, examples: Labelled) -> Tensor:
    scores, labels = _scores_and_labels(model, prompt, examples)
    return cross_entropy(scores.softmax(-1), labels)


def _probe(
    seed: int, answers: int, examples: Labelled, rate: float
) -> tuple[TinyModel, nn.Parameter, Labelled, int, float]:
    """The arguments of a loop of 6 steps, with a prompt of 3 virtual tokens of width 4."""
    prompt = torch.randn(3, 4, generator=torch.Generator().manual_seed(seed + 1))
    return TinyModel(4, answers, seed), nn.Parameter(prompt), examples, 6, rate


training_loop = Exercise(
    right=train_by_hand,
    probes=(
        _probe(0, 2, [("a fine film", 1), ("it drags", 0), ("a warm hug", 1)], rate=0.1),
        _probe(7, 3, [("cold", 2), ("so so", 1)], rate=0.03),
    ),
    praise="Forward, loss, backward, step: these lines are all of training.",
    mistakes=(
        *mistakes_of_a_loop(_loss),
        Mistake(
            "summed losses",
            loop(_summed),
            "you add up the losses of the examples; take their mean, or the loss grows with the "
            "number of examples.",
        ),
        Mistake(
            "softmax twice",
            loop(_softmax_twice),
            "`cross_entropy` takes scores and makes a softmax of them itself; yours went through "
            "one before.",
        ),
    ),
)
