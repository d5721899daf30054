"""The training loop by hand where the answer is a text: the loss is on the tokens of y alone."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from prefixlab.workbook.checks.exercise import Exercise, Mistake
from prefixlab.workbook.checks.loops import loop, mistakes_of_a_loop

# (prompt [m, h], token ids [n]) -> [n, V]: row i scores the token that follows token i
TokenScores = Callable[[Tensor, Tensor], Tensor]
Pairs = Sequence[tuple[list[int], list[int]]]  # the token ids of x and of y


def train_to_write(
    token_scores: TokenScores,
    prompt: nn.Parameter,
    examples: Pairs,
    steps: int,
    rate: float,
) -> list[float]:
    """Train a prompt [m, h] by AdamW on all examples in every step; the loss of each, in nats.

    The loss of a step is the mean over all tokens of all y, before the prompt moves: of
    log p(z_i | h_<i) for i in Y_idx (Li & Liang 2021, equation 2).
    """
    optimizer = torch.optim.AdamW([prompt], lr=rate)
    losses = []
    for _ in range(steps):
        scores = [token_scores(prompt, torch.tensor(x + y))[len(x) - 1 : -1] for x, y in examples]
        targets = torch.tensor([token for _, y in examples for token in y])  # [tokens of all y]
        loss = cross_entropy(torch.cat(scores), targets)  # scores: [tokens of all y, V]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


class TinyWriter(nn.Module):
    """One layer of causal attention over a prompt and tokens: the scores after each token.

    Nobody froze its weights: it is the loop that has to leave them as they are.
    """

    def __init__(self, width: int, vocabulary: int, seed: int):
        super().__init__()
        chance = torch.Generator().manual_seed(seed)
        self.embedding = nn.Parameter(torch.randn(vocabulary, width, generator=chance))

    def forward(self, prompt: Tensor, ids: Tensor) -> Tensor:
        m, n = len(prompt), len(ids)
        both = torch.cat([prompt, self.embedding[ids]])  # [P; E(x)]: [m + n, h]
        later = torch.ones(n, m + n, dtype=torch.bool).triu(m + 1)  # what a token may not see
        scores = both[m:] @ both.T / both.shape[1] ** 0.5  # [n, m + n]
        mixed = scores.masked_fill(later, float("-inf")).softmax(-1) @ both  # [n, h]
        return mixed @ self.embedding.T  # [n, V]


def _loss_from(first: Callable[[int], int]) -> Callable[..., Tensor]:
    """The loss on the tokens from place `first(n)` on, where n is how many tokens x has."""

    def loss(model: TokenScores, prompt: Tensor, examples: Pairs) -> Tensor:
        rows, targets = [], []
        for x, y in examples:
            ids = torch.tensor(x + y)
            rows.append(model(prompt, ids)[first(len(x)) - 1 : -1])
            targets.append(ids[first(len(x)) :])
        return cross_entropy(torch.cat(rows), torch.cat(targets))

    return loss


def _own_position(model: TokenScores, prompt: Tensor, examples: Pairs) -> Tensor:
    rows = [model(prompt, torch.tensor(x + y))[len(x) :] for x, y in examples]
    return cross_entropy(torch.cat(rows), torch.tensor([token for _, y in examples for token in y]))


def _of_each_text(model: TokenScores, prompt: Tensor, examples: Pairs) -> Tensor:
    loss = _loss_from(lambda n: n)
    return torch.stack([loss(model, prompt, [example]) for example in examples]).mean()


def _probe(
    seed: int, examples: Pairs, rate: float
) -> tuple[TinyWriter, nn.Parameter, Pairs, int, float]:
    """The arguments of a loop of 6 steps, with a prompt of 2 virtual tokens and 9 words."""
    prompt = torch.randn(2, 4, generator=torch.Generator().manual_seed(seed + 1))
    return TinyWriter(4, 9, seed), nn.Parameter(prompt), examples, 6, rate


writing_loop = Exercise(
    right=train_to_write,
    probes=(
        _probe(0, [([1, 4, 2], [5, 6]), ([3, 2], [7, 1, 8]), ([6, 6, 2], [4])], rate=0.1),
        _probe(3, [([8, 2], [3, 0]), ([5, 7, 1, 2], [2, 2, 6])], rate=0.03),
    ),
    praise="The table is read and not learned; what is learned is the text that answers it.",
    mistakes=(
        *mistakes_of_a_loop(_loss_from(lambda n: n)),
        Mistake(
            "loss on all positions",
            loop(_loss_from(lambda n: 1)),
            "your loss also counts the tokens of x, which nobody asks the model to write; take "
            "the tokens of y alone, from place len(x) on.",
        ),
        Mistake(
            "one token too few",
            loop(_loss_from(lambda n: n + 1)),
            "the first token of y is missing in your loss; the last token of x predicts it.",
        ),
        Mistake(
            "its own position",
            loop(_own_position),
            "you read each token off its own position, which predicts the next one; the position "
            "before it predicts it.",
        ),
        Mistake(
            "the mean of each text first",
            loop(_of_each_text),
            "you take the mean of each text and then of the texts, so a token of a short text "
            "counts more; take one mean over all tokens.",
        ),
    ),
)
