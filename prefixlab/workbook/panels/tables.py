"""Small tables in HTML, which take their colours from the page, light or dark."""

from collections.abc import Iterable, Mapping
from html import escape

from prefixlab.workbook.figures import BLUE

CELL = "padding: 0 14px 0 0; line-height: 1.6; border: 0; text-align: left; vertical-align: top"


def table(rows: Iterable[Iterable[str]], heads: Iterable[str] = ()) -> str:
    """Cells of HTML, row by row, below the heads of their columns if there are any."""
    lines = ["".join(f'<td style="{CELL}">{cell}</td>' for cell in row) for row in rows]
    head = "".join(f'<th style="{CELL}">{head}</th>' for head in heads)
    body = "".join(f"<tr>{line}</tr>" for line in [head, *lines] if line)
    return f"<table>{body}</table>"


def facts(rows: Mapping[str, str]) -> str:
    """One row a fact: its name, and what is so; what looks like HTML stays text."""
    return table([f"<b>{escape(name)}</b>", escape(words)] for name, words in rows.items())


def bar(probability: float, width: int = 100) -> str:
    """A bar as long as a probability, and the number; `width` is the length of a certainty."""
    return (
        f'<div style="display: flex"><div style="width: {width}px"><div style="width: '
        f"{max(1, round(width * probability))}px; height: 12px; margin-top: 4px; "
        f'background: {BLUE}"></div></div>&nbsp;{probability:.3f}</div>'
    )


def bars(probabilities: Iterable[tuple[str, float]], *, title: str = "", width: int = 260) -> str:
    """A small table: each text, a bar as long as its probability, and the number.

    Two tokens may look alike: halves of a character do. `width` is the length of a certainty, in
    pixels.
    """
    rows = (
        [
            f'<div style="min-width: 100px"><code>{escape(repr(text))}</code></div>',
            bar(probability, width),
        ]
        for text, probability in probabilities
    )
    return f'<div style="margin-top: 8px"><b>{escape(title)}</b></div>{table(rows)}'
