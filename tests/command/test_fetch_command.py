"""`prefixlab fetch`: what goes wrong is one sentence, and the exit status says so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from prefixlab.data import assets
from prefixlab.data.assets import AssetError


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (AssetError("No index gave it."), 1, "No index gave it.\n"),
        (OSError(28, "No space left on device"), 1, "[Errno 28] No space left on device\n"),
        (
            KeyboardInterrupt(),
            130,
            "Interrupted: what was fetched whole is kept; start again to go on.\n",
        ),
    ],
)
def test_what_goes_wrong_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[..., Result],
    error: BaseException,
    status: int,
    words: str,
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(assets, "fetch", fail)
    done = call("fetch")
    assert (done.exit_code, done.stdout, done.stderr) == (status, "", words)


def test_what_is_fetched_is_named(
    monkeypatch: pytest.MonkeyPatch, call: Callable[..., Result]
) -> None:
    monkeypatch.setattr(assets, "fetch", lambda asset: Path("cache") / asset.name)
    done = call("fetch")
    assert done.exit_code == 0
    ratings, minilm, backbone = done.stdout.splitlines()
    assert ratings == f"Ratings in {Path('cache') / 'ratings'}"
    assert minilm == f"MiniLM in {Path('cache') / 'minilm'}"
    assert backbone.startswith("Backbone tiny")
