"""Verdict: what a finished run came to, in words that claim no more than its test can decide.

The interval of an accuracy says where it would be on endless sentences. What lies within it may be
as good. What a run is compared with was tested on the same sentences, and has an interval too: with
differences as small as these, only pairs decide (see `workbook.significance`).
"""

import pandas as pd

from prefixlab.evaluation.choices import Evaluation
from prefixlab.workbook.language import gettext
from prefixlab.workbook.panels.records import mean_and_range


def verdict(result: Evaluation, untrained: Evaluation, recorded: pd.DataFrame) -> str:
    """Sentences on an accuracy with its interval, beside no training and the recorded mean.

    Parameters
    ----------
    result, untrained
        What the run came to on the test sentences, and the same prompt without training.
    recorded
        The recorded runs with the same knobs, a row a seed; there may be none.
    """
    assert result.interval is not None
    assert untrained.accuracy is not None
    low, high = result.interval
    said = [
        gettext(
            "Accuracy {accuracy:.3f} (95% interval {low:.3f} to {high:.3f}) on {count} test "
            "sentences."
        ).format(accuracy=result.accuracy, low=low, high=high, count=result.examples),
        against(result, gettext("no training"), f"{untrained.accuracy:.3f}", untrained.accuracy),
    ]
    if len(recorded):
        mean = float(recorded.accuracy.mean())
        said.append(against(result, gettext("the recorded mean"), mean_and_range(recorded), mean))
    else:
        said.append(
            gettext("Nothing is recorded on this model with the same knobs, rate and steps.")
        )
    return " ".join(said)


def against(result: Evaluation, name: str, found: str, other: float) -> str:
    """How a result stands to another accuracy: above, below, or not decided."""
    assert result.interval is not None
    assert result.accuracy is not None
    low, high = result.interval
    points = 100 * (result.accuracy - other)
    if low <= other <= high:
        said = gettext("{points:+.1f} points, not decided by {count} sentences")
    else:
        better = points > 0
        # One run, whatever the other is: that a method is better takes seeds in pairs.
        said = gettext("{size:.1f} points above" if better else "{size:.1f} points below")
    said = said.format(points=points, size=abs(points), count=result.examples)
    return gettext("Against {name}, {found}: {said}.").format(name=name, found=found, said=said)
