"""Limits: how much of what is measured no change of this package's own code could save.

a step of writing       its linear maps alone; and those from weights that were laid out for the
                        processor beforehand, a second copy of the model for every kernel
demonstrations          the share of tokens that must be read even where they are read once
a step of training      the share of its time that products with weights take
"""

import statistics
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

import prefixlab as pl
from benchmarks import texts
from benchmarks.our_side import prefix
from benchmarks.setting import Setting, loaded
from benchmarks.texts import part_of
from prefixlab.methods.in_context import SEPARATOR
from prefixlab.models import linear

ROUNDS = 15
PRODUCTS = ("aten::mm", "aten::addmm", "mkldnn::_linear_pointwise")  # with weights


@torch.no_grad()
def writing(at: Setting) -> tuple[float, float, float]:
    """Milliseconds of a step of writing for the tables of a part, of its linear maps, of packed."""
    lm, task, rows = loaded(at.backbone, at.dtype), texts.restaurants(at.sizes), at.sizes.written
    method = prefix(lm, task, at)
    prompts = [row.prompt for row in method.rows(lm, task.test, task)[:rows]]
    _, cache = lm.prefill(*lm.pad(prompts), method.conditioning())
    tokens = torch.full((rows,), prompts[0][0])
    maps = [part for part in lm.model.modules() if isinstance(part, nn.Linear)]
    inputs = [torch.randn(rows, part.in_features, dtype=lm.dtype) for part in maps]
    packed = [torch.ops.mkldnn._reorder_linear_weight(part.weight, rows) for part in maps]

    def all_of(product: Callable[[Tensor, Tensor], Tensor], weights: Sequence[Tensor]) -> None:
        for x, weight in zip(inputs, weights, strict=True):
            product(x, weight)

    plain = [part.weight for part in maps]
    return (
        milliseconds(lambda: lm.decode(cache, tokens)),
        milliseconds(lambda: all_of(linear.linear_map, plain)),
        milliseconds(lambda: all_of(linear.onednn, packed)),
    )


def milliseconds(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return 1000 * statistics.median(seconds)


def asking(at: Setting) -> tuple[int, int]:
    """Tokens of a part's queries: with the demonstrations read once, and with every query."""
    lm, films = loaded(at.backbone, at.dtype), texts.films(at.sizes)
    method = pl.InContextLearning(lm, films, demonstrations=at.sizes.demonstrations)
    examples = part_of(films, "test", 0, at.sizes.asked).test
    queries = [row.prompt for row in method.rows(lm, examples, films)]
    shown = len(lm.encode(SEPARATOR.join([*method.texts, ""])))
    own = sum(map(len, queries))
    return shown + own, shown * len(queries) + own


def training(at: Setting) -> float:
    """The share of a step's time in products with weights."""
    lm, task = loaded(at.backbone, at.dtype), texts.films(at.sizes)
    method = pl.PrefixTuning(lm, task, prefix_length=at.sizes.prefix)
    run = pl.train(lm, method, task, steps=2, batch_size=at.sizes.batch)
    run.advance()  # whatever is done but once
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        run.advance()
    taken = {event.key: event.self_cpu_time_total for event in seen.key_averages()}
    return sum(taken.get(name, 0) for name in PRODUCTS) / sum(taken.values())
