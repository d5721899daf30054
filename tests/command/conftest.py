"""The command as its users call it, with a tiny model in a folder and a file of their own."""

import csv
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tiny import SENTENCES

from prefixlab import Backbone
from prefixlab.command import main


@pytest.fixture(scope="session")
def model(gpt2: Backbone, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("model") / "tiny"
    gpt2.model.save_pretrained(folder)
    gpt2.tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def call(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Call the command in an empty folder, with words between spaces or lists of texts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFIXLAB_BACKBONE", model)
    monkeypatch.setenv("PREFIXLAB_DTYPE", "float32")
    runner = CliRunner(catch_exceptions=False)

    def called(*given: str | list[str]) -> Result:
        words = (each.split() if isinstance(each, str) else each for each in given)
        return runner.invoke(main, [*chain(*words)])

    return called


@pytest.fixture
def mine(tmp_path: Path) -> str:
    """Thirty-two rows, and the options that name them."""
    with (tmp_path / "mine.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("review", "mood"))
        for text, label in SENTENCES:
            rows.writerows((f"{text} {day}", ("sad", "happy")[label]) for day in "abcd")
    return "--csv mine.csv --text review --label mood"
