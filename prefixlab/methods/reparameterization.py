"""Reparameterization: train a small network that computes the parameters, then throw it away.

Prompts and prefixes are few numbers behind a deep model, and training them directly can be
unstable. Both Li & Liang (2021, section 4.3) and Liu et al. (2021, section 3.2) compute them by a
network while training, and keep only its output afterwards.
"""

import torch
from torch import Tensor, nn


class Flat(nn.Module):
    """No reparameterization: the parameters are the output. [length, width]"""

    def __init__(self, initial: Tensor):
        super().__init__()
        self.values = nn.Parameter(initial.clone().float())

    def forward(self) -> Tensor:
        return self.values


class MLP(nn.Module):
    """P[i, :] = MLP(P'[i, :]), with P' narrower than P (Li & Liang 2021, section 4.3).

    An embedding P' of [length, width_in], Linear to `hidden`, tanh, Linear to `width_out`.
    """

    def __init__(self, length: int, width_in: int, hidden: int, width_out: int):
        super().__init__()
        self.small = nn.Embedding(length, width_in)  # P'
        self.network = nn.Sequential(
            nn.Linear(width_in, hidden), nn.Tanh(), nn.Linear(hidden, width_out)
        )

    def inputs(self) -> Tensor:
        """What the network computes from, P' itself: [length, width_in]."""
        return self.small.weight

    def forward(self) -> Tensor:
        return self.network(self.inputs())  # [length, width_out]


class LSTM(nn.Module):
    """h_i = MLP([forward LSTM(P'_0..i) ; backward LSTM(P'_m..i)]) (Liu et al. 2021, section 3.2).

    Two layers, half of the width in each direction, then Linear, ReLU, Linear. Neighbouring
    virtual tokens depend on each other, as neighbouring words do.
    """

    def __init__(self, length: int, width: int):
        super().__init__()
        self.small = nn.Embedding(length, width)
        self.lstm = nn.LSTM(width, width // 2, num_layers=2, bidirectional=True, batch_first=True)
        self.network = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def inputs(self) -> Tensor:
        """What the network computes from, both directions at each position: [length, width]."""
        if self.small.weight.is_meta:  # sizes alone, and no position to walk through for them
            return self.small.weight
        states, _ = self.lstm(self.small.weight[None])  # [1, length, width]
        return states[0]

    def forward(self) -> Tensor:
        return self.network(self.inputs())  # [length, width]


@torch.no_grad()
def fit(encoder: MLP | LSTM, target: Tensor) -> None:
    """Change the last layer, as little as possible, so that the encoder puts out `target`.

    W2 a_i + b2 = P[i, :] for every position i is a linear system in (W2, b2); of its solutions
    this takes the one nearest to the random start (least squares). It is exact as long as the
    hidden layer is wider than `target`, [length, width_out], is long.
    """
    first, activation, last = encoder.network
    hidden = activation(first(encoder.inputs()))  # a, [length, hidden]
    inputs = torch.cat([hidden, torch.ones_like(hidden[:, :1])], dim=1)
    change = torch.linalg.pinv(inputs) @ (target - encoder())  # [hidden + 1, width_out]
    last.weight += change[:-1].T
    last.bias += change[-1]
