"""How much of the machine's own rate of matrix multiplication a step of training reaches.

The machine's rate is torch's, on matrices of the model's sizes, in the same minutes: before the
steps and after them. What a step computes is counted by torch: 2 operations for every product of
two numbers that its matrix multiplications add up, forward and back.
"""

import statistics
import time
from collections.abc import Callable
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

import prefixlab as pl
from benchmarks import texts
from benchmarks.setting import Setting, loaded
from prefixlab.models import linear
from prefixlab.training.loop import Training

ROUNDS = 3


def shares(at: Setting) -> dict[str, tuple[float, float]]:
    """GF/s of torch's own `F.linear` and of this package's linear maps; a step's share of each."""
    lm, sizes = loaded(at.backbone, at.dtype), at.sizes
    task = texts.films(sizes)
    prefix = pl.PrefixTuning(lm, task, prefix_length=sizes.prefix)
    run = pl.train(lm, prefix, task, steps=ROUNDS + 2, batch_size=sizes.batch)
    run.advance()  # whatever is done but once
    counted = operations(run)
    products = {"torch": F.linear, "prefixlab": linear.linear_map}
    rates: dict[str, list[float]] = {name: [] for name in products}
    steps = []
    for _ in range(ROUNDS):
        run.step = 0  # the same sentences each time
        before = {name: rate(lm, product) for name, product in products.items()}
        began = time.perf_counter()
        run.advance()
        steps.append(counted / (time.perf_counter() - began) / 1e9)
        for name, product in products.items():
            rates[name].append((before[name] + rate(lm, product)) / 2)
    found = {}
    for name, each in rates.items():
        parts = [step / own for step, own in zip(steps, each, strict=True)]
        found[name] = statistics.median(each), statistics.median(parts)
    return found


def operations(run: Training) -> int:
    """What a step computes in matrix multiplications; torch counts those of its own alone."""
    run.step = 0
    with (
        patch.object(linear, "prefers_onednn", lambda: False),
        FlopCounterMode(display=False) as counter,
    ):
        run.advance()
    return counter.get_total_flops()


def rate(
    lm: pl.Backbone, product: Callable[[Tensor, Tensor], Tensor], positions: int = 256
) -> float:
    """GF/s on the linear maps of the first layer, forward, of so many positions."""
    name = next(iter(lm.geometry.layers_by_name))
    maps = [part for part in lm.model.get_submodule(name).modules() if hasattr(part, "in_features")]
    inputs = [torch.randn(positions, part.in_features, dtype=lm.dtype) for part in maps]
    work = sum(2 * positions * part.weight.numel() for part in maps)
    with torch.no_grad():
        seconds = []
        for _ in range(10):
            began = time.perf_counter()
            for x, part in zip(inputs, maps, strict=True):
                product(x, part.weight)
            seconds.append(time.perf_counter() - began)
    return work / statistics.median(seconds) / 1e9
