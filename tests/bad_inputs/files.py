"""Mistakes with files, folders, records, the package index and the cache."""

import errno
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from bad_inputs import Given, Mistakes
from prefixlab.data import assets, package_index
from prefixlab.workbook import records as recorded_rows, rows
from prefixlab.workbook.panels import (
    AnatomyPanel,
    InContextPanel,
    PromptPanel,
    PromptTuningPanel,
)
from prefixlab.workbook.protocol import Family
from prefixlab.workbook.recording import check, parsed

NOWHERE = "http://127.0.0.1:1"  # where nobody listens


def toy(folder: Path, **settings: str) -> Path:
    """Fetch an asset into an empty cache with these settings of pip."""
    given = {"index-url": NOWHERE} | {name.replace("_", "-"): v for name, v in settings.items()}
    asset = assets.Asset("toy", "toy", "toy.whl", "0" * 64, 1000, ("words.txt",), unpack)
    cache = {"PREFIXLAB_CACHE": given.pop("cache", str(folder / "cache")), "NO_PROXY": "127.0.0.1"}
    with patch.object(package_index, "pip_setting", given.get), patch.dict(os.environ, cache):
        return assets.fetch(asset)


def unpack(file: Path, folder: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder)


@contextmanager
def records(folder: Path, content: str | None = None) -> Iterator[None]:
    """The recorded runs lie in a folder of their own."""
    if content is not None:
        (folder / "prompt_tuning.jsonl").write_text(content)
    with patch.object(recorded_rows, "FOLDER", folder):
        yield


def recorded(content: str | None, act: Callable[..., Any] = recorded_rows.recorded) -> Any:
    """Look into a record, or go on with one, that has this content."""

    def mistake(at: Given) -> Any:
        with records(at.folder, content):
            return act("prompt_tuning")

    return mistake


def at_a_disk(error: int) -> Callable[[Given], None]:
    """Add a row to a file on a disk that refuses."""

    def refuse(*_: object) -> int:
        raise OSError(error, os.strerror(error))

    def mistake(at: Given) -> None:
        with patch.object(os, "write", refuse):
            rows.append(at.folder / "runs.jsonl", {})

    return mistake


def full(at: Given) -> None:
    with patch.object(assets.shutil, "disk_usage", lambda _: SimpleNamespace(free=0)):
        toy(at.folder)


def in_a_file(at: Given) -> Path:
    return toy(at.folder, cache=str(file_in(at.folder) / "cache"))


def file_in(folder: Path) -> Path:
    (folder / "file").touch()
    return folder / "file"


def a_row(**changes: Any) -> str:
    run = Family("mine", "prompt_tuning").run(0, 0.01)
    row = run | {"backbone": "gpt2"} | changes
    return json.dumps({name: value for name, value in row.items() if value is not None}) + "\n"


def free(at: Given) -> Any:
    return at.task.text_to_text()


MISTAKES: Mistakes = {
    # Records.
    "no such record": (recorded(None), ["'prompt_tuning'", "recorded are: none"]),
    "an empty record": (recorded(""), ["No runs are recorded as 'prompt_tuning'"]),
    "a record cut in its only line": (recorded(a_row()[:20]), ["No runs are recorded"]),
    "a record that is no JSON": (recorded("mine\n"), ["line 1 is no JSON object", "'mine'"]),
    "a record of lists": (recorded(a_row() + "[1]\n"), ["line 2 is no JSON object", "remove"]),
    "a record with two rows in a line": (
        recorded(a_row() * 2 + a_row().strip() + a_row()),
        ["line 3 is no JSON object"],
    ),
    "a row without its backbone": (recorded(a_row(backbone=None)), ["line 1", "'backbone'"]),
    "a row without its knobs": (recorded(a_row(knobs=None)), ["line 1", "'knobs'", "remove"]),
    "going on with a damaged record": (
        recorded("mine\n" + a_row(), lambda grid: check([grid], "gpt2")),
        ["line 1 is no JSON object"],
    ),
    "a grid that is none": (lambda at: parsed(["mine"]), ["grid='mine'", "variants"]),
    "a record on a full disk": (at_a_disk(errno.ENOSPC), ["is full", "start again"]),
    "a record beyond the quota": (at_a_disk(errno.EDQUOT), ["is full", "start again"]),
    "a record on a read-only disk": (at_a_disk(errno.EROFS), ["(Read-only file system)"]),
    "a record on a broken disk": (at_a_disk(errno.EIO), ["(Input/output error)"]),
    "a record where a folder is a file": (
        lambda at: rows.append(file_in(at.folder) / "runs.jsonl", {}),
        ["file cannot be used", "start again"],
    ),
    # The cache and the package index.
    "no package index": (lambda at: toy(at.folder), ["127.0.0.1: ConnectionError", "copy"]),
    "no index that can be asked": (
        lambda at: toy(at.folder, index_url="ftp://mirror/simple"),
        ["pip is configured for none"],
    ),
    "an index without a host": (lambda at: toy(at.folder, index_url="http://"), ["InvalidURL"]),
    "an index that is no address": (
        lambda at: toy(at.folder, index_url="http://[mirror"),
        ["an address that is none"],
    ),
    "an index with a word for a port": (
        lambda at: toy(at.folder, index_url="http://mirror:port/"),
        ["mirror: InvalidURL"],
    ),
    "a second index that is no better": (
        lambda at: toy(at.folder, extra_index_url="http://127.0.0.1:2"),
        ["127.0.0.1: ConnectionError; 127.0.0.1: ConnectionError"],
    ),
    "certificates that are not there": (
        lambda at: toy(at.folder, cert=str(at.folder / "none.pem")),
        ["PIP_CERT", "none.pem", "does not exist"],
    ),
    "a full disk for the cache": (full, ["is full", "toy needs 0 MB", "PREFIXLAB_CACHE"]),
    "a cache in a file": (in_a_file, ["cannot be used", "PREFIXLAB_CACHE"]),
    # Panels that cannot be made.
    "a panel of words for free text": (lambda at: PromptPanel(at.lm, free(at)), ["no answers"]),
    "a panel of demonstrations for free text": (
        lambda at: InContextPanel(at.lm, free(at)),
        ["no answers", "take another task"],
    ),
    "the anatomy of no method": (lambda at: AnatomyPanel("mine"), ["method='mine'", "warp"]),
    "the anatomy on no backbone": (
        lambda at: AnatomyPanel(backbone="mine"),
        ["backbone='mine'", "gpt2"],
    ),
    "a lab for free text": (lambda at: PromptTuningPanel(at.lm, free(at)), ["no answers"]),
}
