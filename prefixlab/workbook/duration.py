"""Duration: how long a run will take on this machine, in words.

A token that is trained on takes a good deal more than a pass through the model: the gradient comes
back the same way (with respect to the activations alone, as the weights are frozen), and attention
computes its weights again.
"""

from prefixlab.models.backbone import Backbone

LEARNING = 2.3  # passes that a token of training costs: measured with a prefix, on two cores


def training_seconds(lm: Backbone, tokens: float) -> float:
    """About how long it takes here to train on so many tokens, in seconds."""
    return LEARNING * tokens / lm.tokens_per_second


def duration(seconds: float) -> str:
    """A time in words: "20 s", "2 min", "2.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
