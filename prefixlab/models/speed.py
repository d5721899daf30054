"""Speed: how long things take on this machine, by a short probe.

What a lesson costs is tokens. One that is read takes a pass through the model. One that is trained
on takes a good deal more: the gradient comes back the same way (with respect to the activations
alone, as the weights are frozen), and attention computes its weights again.
"""

import time
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from prefixlab.models.backbone import Backbone

PROBE = "It is a warm and funny film about people who talk too much, and it is never dull."
ROWS = 4
LEARNING = 2.3  # passes that a token of training costs: measured with a prefix, on two cores


def tokens_per_second(lm: "Backbone") -> float:
    """How many tokens of short texts `lm` reads in a second: a pass over 80 tokens or so."""
    tokens, mask = (part.to(lm.device) for part in lm.pad([lm.encode(PROBE)] * ROWS))
    read = lm.hidden_states if lm.geometry.bidirectional else lm.prefill  # an encoder has no words
    with torch.no_grad():
        read(tokens, mask)  # the first pass fetches the weights from the disk
        began = time.perf_counter()
        read(tokens, mask)
    return tokens.numel() / (time.perf_counter() - began)


def training_seconds(lm: "Backbone", tokens: float) -> float:
    """About how long it takes here to train on so many tokens, in seconds."""
    return LEARNING * tokens / lm.tokens_per_second


def duration(seconds: float) -> str:
    """A time in words: "20 s", "2 min"."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
