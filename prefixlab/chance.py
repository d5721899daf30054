"""Chance: what is drawn, is drawn from a source of its own, never from torch's global one.

The layers of torch start from numbers of the global generator, which belongs to whoever runs the
process: seeding it here would change what others draw, and two threads would draw from each other.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

DRAWS = (Tensor.normal_, Tensor.uniform_)


class drawn_from(TorchFunctionMode):  # it is used as a function: `with drawn_from(...)`
    """Within this context what this thread draws comes from `source`, a generator of the CPU.

    The numbers are those that the global generator would give after the same seed.
    """

    def __init__(self, source: torch.Generator):
        super().__init__()
        self.source = source

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func in DRAWS or "generator" in given:  # as all of torch.nn.init has it
            given["generator"] = self.source
        return func(*args, **given)


def draw(network: nn.Module, source: torch.Generator) -> None:
    """Give every layer of a network the random numbers that torch starts it from."""
    with drawn_from(source):
        for layer in network.modules():
            if isinstance(layer, (nn.Embedding, nn.Linear, nn.LSTM)):
                layer.reset_parameters()


def dropout(values: Tensor, share: float, source: torch.Generator | None) -> Tensor:
    """`values` without a share of them, drawn anew, the rest scaled so that the mean stays.

    Srivastava et al. (2014), section 4. Without a source nothing is dropped: that is for training.
    """
    if source is None:
        return values
    kept = torch.empty(values.shape).bernoulli_(1 - share, generator=source)
    return values * (kept / (1 - share)).to(values.device)
