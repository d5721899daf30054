"""State: what a panel's run is doing, by a sign, a colour and a word."""

from html import escape

from prefixlab.workbook.language import gettext, gettext_noop
from prefixlab.workbook.page import Announcement

SOFT, BLUE, GREEN, ORANGE, RED = (
    "var(--jp-ui-font-color2, #5f5f5f)",
    "var(--jp-brand-color1, #1976d2)",
    "var(--jp-success-color1, #388e3c)",
    "var(--jp-warn-color1, #f57c00)",
    "var(--jp-error-color1, #d32f2f)",
)
STATES = {
    gettext_noop("ready"): ("○", SOFT),
    gettext_noop("preparing"): ("◌", BLUE),
    gettext_noop("training"): ("▶", BLUE),
    gettext_noop("measuring"): ("◔", BLUE),
    gettext_noop("testing"): ("◕", BLUE),
    gettext_noop("stopping"): ("◼", ORANGE),
    gettext_noop("stopped"): ("◼", ORANGE),
    gettext_noop("done"): ("✔", GREEN),
    gettext_noop("failed"): ("✘", RED),
}


class State(Announcement):
    """One state of `STATES`, and a few words on it."""

    def show(self, state: str, words: str = "") -> None:
        sign, colour = STATES[state]
        more = f": {escape(words)}" if words else ""
        self.value = (
            '<div style="line-height: 1.4; padding-top: 4px; white-space: normal">'
            f'<span style="color: {colour}">{sign}</span> <b>{gettext(state)}</b>{more}</div>'
        )
