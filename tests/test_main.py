"""`python -m prefixlab`: what goes wrong is one sentence, and the exit status says so."""

import sys
from typing import Any

import pytest

from prefixlab import __main__ as command
from prefixlab.data.assets import AssetError


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (AssetError("No index gave it."), "No index gave it."),
        (OSError(28, "No space left on device"), "No space left on device"),
        (KeyboardInterrupt(), "start again"),
    ],
)
def test_what_goes_wrong_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, words: str
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["prefixlab"])
    monkeypatch.setattr(command.assets, "fetch", fail)
    with pytest.raises(SystemExit) as caught:
        command.main()
    assert isinstance(caught.value.code, str)  # printed on the error stream, and 1 is the status
    assert words in caught.value.code


def test_arguments_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["prefixlab", "--all"])
    with pytest.raises(SystemExit, match=r"takes no arguments, not --all\."):
        command.main()
