"""Speed: how long things take on this machine, by a short probe.

What a lesson costs is tokens: one that is read takes a pass through the model, one that is trained
on about two more, for the gradient comes back the same way (with respect to the activations alone,
as the weights are frozen).
"""

import time
from typing import TYPE_CHECKING

import torch
from datasets import Dataset

from prefixlab.template import Template, Verbalizer

if TYPE_CHECKING:
    from prefixlab.backbone import Backbone

PROBE = "It is a warm and funny film about people who talk too much, and it is never dull."
ROWS = 4
READ_AND_LEARN = 2.5  # passes that a token of training costs, measured with a prefix on two cores
LESSONS = 500.0  # tokens a second where the lessons' times were taken: two cores, in float32


def tokens_per_second(lm: "Backbone") -> float:
    """How many tokens of short texts `lm` reads in a second: a pass over 80 tokens or so."""
    examples = Dataset.from_dict({"x": [PROBE] * ROWS, "y": [0] * ROWS})
    rows = lm.rows(Template("{x} {y}"), examples, Verbalizer(("bad", "good")))
    batch = lm.collate(rows).to(lm.device)
    from prefixlab.backbone import NOTHING  # which is built on this file

    with torch.no_grad():
        lm.states(batch, NOTHING)  # the first pass fetches the weights from the disk
        began = time.perf_counter()
        lm.states(batch, NOTHING)
    return batch.tokens.numel() / (time.perf_counter() - began)


def spoken(seconds: float) -> str:
    """A time in words: "20 s", "2 min"."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
