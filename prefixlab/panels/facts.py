"""Facts as a small table in HTML, which takes its colours from the page, light or dark."""

from collections.abc import Mapping
from html import escape

CELL = "padding: 0 16px 0 0; line-height: 1.6; border: 0; text-align: left; vertical-align: top"


def facts(rows: Mapping[str, str]) -> str:
    """One row a fact: its name, and what is so; what looks like HTML stays text."""
    body = "".join(
        f'<tr><th style="{CELL}">{escape(name)}</th><td style="{CELL}">{escape(words)}</td></tr>'
        for name, words in rows.items()
    )
    return f"<table>{body}</table>"
