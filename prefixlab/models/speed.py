"""Speed: how long things take on this machine, by a short probe.

What a run costs is tokens: one that is read takes a pass through the model.
"""

import time
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from prefixlab.models.backbone import Backbone

PROBE = "It is a warm and funny film about people who talk too much, and it is never dull."
ROWS = 4


def tokens_per_second(lm: "Backbone") -> float:
    """How many tokens of short texts `lm` reads in a second: a pass over 80 tokens or so."""
    tokens, mask = (part.to(lm.device) for part in lm.pad([lm.encode(PROBE)] * ROWS))
    read = lm.hidden_states if lm.geometry.bidirectional else lm.prefill  # an encoder has no words
    with torch.no_grad():
        read(tokens, mask)  # the first pass fetches the weights from the disk
        began = time.perf_counter()
        read(tokens, mask)
    return tokens.numel() / (time.perf_counter() - began)
