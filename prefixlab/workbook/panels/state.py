"""State: what a panel's run is doing, by a sign, a colour and a word."""

from html import escape

import ipywidgets as widgets

SOFT, BLUE, GREEN, ORANGE, RED = (
    "var(--jp-ui-font-color2, #5f5f5f)",
    "var(--jp-brand-color1, #1976d2)",
    "var(--jp-success-color1, #388e3c)",
    "var(--jp-warn-color1, #f57c00)",
    "var(--jp-error-color1, #d32f2f)",
)
STATES = {
    "ready": ("○", SOFT),
    "preparing": ("◌", BLUE),
    "training": ("▶", BLUE),
    "measuring": ("◔", BLUE),
    "testing": ("◕", BLUE),
    "stopping": ("◼", ORANGE),
    "stopped": ("◼", ORANGE),
    "done": ("✔", GREEN),
    "failed": ("✘", RED),
}


class State(widgets.HTML):
    """One state of `STATES`, and a few words on it."""

    def show(self, state: str, words: str = "") -> None:
        sign, colour = STATES[state]
        more = f": {escape(words)}" if words else ""
        self.value = (
            '<div style="line-height: 1.4; padding-top: 4px; white-space: normal">'
            f'<span style="color: {colour}">{sign}</span> <b>{state}</b>{more}</div>'
        )
