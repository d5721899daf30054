"""Duration: how long a run will take on this machine, in words.

A token that is trained on takes a good deal more than a pass through the model: the gradient comes
back the same way (with respect to the activations alone, as the weights are frozen), and attention
computes its weights again.
"""

from collections import deque
from statistics import median

from prefixlab.models.backbone import Backbone

LEARNING = 2.3  # passes that a token of training costs: measured with a prefix, on two cores
RECENT = 15  # steps, or batches of sentences, that say how long the next will take


def training_seconds(lm: Backbone, tokens: float) -> float:
    """About how long it takes here to train on so many tokens, in seconds."""
    return LEARNING * tokens / lm.tokens_per_second


def duration(seconds: float) -> str:
    """A time in words: "20 s", "2 min", "2.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


class TimeLeft:
    """How long a run will go on: the median of recent steps, so that a slow one moves nothing.

    Sentences that are only judged are counted apart; a step does not cost what they do.

    Parameters
    ----------
    step, sentence
        The seconds that one of each is expected to take, before any was seen.
    """

    def __init__(self, step: float, sentence: float):
        self.step, self.sentence = step, sentence
        self.steps: deque[float] = deque(maxlen=RECENT)
        self.sentences: deque[float] = deque(maxlen=RECENT)

    def seconds(self, steps: int, sentences: int) -> float:
        """The seconds that so many steps take, and judging so many sentences."""
        step = median(self.steps or [self.step])
        return steps * step + sentences * median(self.sentences or [self.sentence])

    def words(self, steps: int, sentences: int) -> str:
        """The same in words; above ten seconds in fives, so that it does not flicker."""
        seconds = self.seconds(steps, sentences)
        return duration(seconds if seconds < 10 else 5 * round(seconds / 5))
