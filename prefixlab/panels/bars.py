"""Probabilities as bars in HTML, for panels that answer at once."""

from collections.abc import Mapping
from html import escape

from prefixlab.figures import BLUE

CELL = "padding: 0 12px 0 0; line-height: 1.7; border: 0; text-align: left"


def bars(probabilities: Mapping[str, float], *, title: str = "", width: int = 260) -> str:
    """A small table: each text, a bar as long as its probability, and the number.

    `width` is the length of a certainty, in pixels.
    """
    rows = "".join(
        f'<tr><td style="{CELL}; min-width: 100px"><code>{escape(repr(text))}</code></td>'
        f'<td style="{CELL}; min-width: {width}px">'
        f'<div style="width: {max(1, round(width * probability))}px; '
        f'height: 12px; background: {BLUE}"></div></td>'
        f'<td style="{CELL}">{probability:.3f}</td></tr>'
        for text, probability in probabilities.items()
    )
    return f'<div style="margin-top: 8px"><b>{escape(title)}</b></div><table>{rows}</table>'
