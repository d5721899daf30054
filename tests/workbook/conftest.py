"""What the tests of recorded runs, and of the panels that show them, have in common."""

import pytest

from prefixlab import tasks
from prefixlab.workbook.protocol import WORDS


@pytest.fixture
def rated_films(monkeypatch: pytest.MonkeyPatch) -> None:
    """Film sentences that need no network, some of them too long for the protocol."""
    words = ["so", "a", "film", "of", "theirs", "that", "they", "made"]
    rated = [
        (f"{words[n % 8]} {words[n // 8 % 8]} film {n} is {'good' if n % 2 else 'bad'}", n % 2)
        for n in range(1500)
    ]
    rated += [("word " * (WORDS + 1) + str(n), n % 2) for n in range(100)]
    monkeypatch.setattr(tasks, "rated_sentences", lambda name: rated)
