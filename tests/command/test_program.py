"""The command as a whole: it is there, it starts at once, and hands the workbook's commands on."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

import prefixlab.command

ROOT = Path(__file__).parents[2]
QUICK = """
import sys
from prefixlab.command import main
main(["--help"], standalone_mode=False)
print("torch" in sys.modules)
"""
Call = Callable[..., Result]


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    env = os.environ | {"PYTHONPATH": paths}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, env=env)


def test_it_is_installed_as_prefixlab() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"prefixlab": "prefixlab.command:main"}
    assert callable(prefixlab.command.main)


def test_its_help_waits_for_no_torch() -> None:
    done = run("-c", QUICK)
    assert done.stdout.splitlines()[-1] == "False", done.stderr
    assert "doctor" in done.stdout


def test_python_m_prefixlab_is_the_same_program(call: Call, mine: str) -> None:
    done = run(
        *("-m", "prefixlab", "train", "prompt_tuning", *mine.split(), "--out", "my-prompt"),
        *("--prompt-length", "10", "--steps", "2"),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("my-prompt.safetensors: accuracy ")
    assert Path("my-prompt.safetensors").exists()


def test_the_commands_of_the_workbook_have_their_own_options(call: Call) -> None:
    assert "prefixlab record [-h]" in " ".join(call("record --help").stdout.split())
    assert "prefixlab claims [-h]" in " ".join(call("claims --help").stdout.split())
    assert call("record --nothing").exit_code == 2
    assert call("claims --nothing").exit_code == 2
    checked = call("record p_tuning_v2 --check --backbone none --json")
    assert checked.exit_code == 1  # runs are to come
    assert json.loads(checked.stdout)["grid"] == "p_tuning_v2"


def test_without_the_workbook_it_is_said_how_to_get_it(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "prefixlab.workbook.claims", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "prefixlab.workbook", raising=False)
    done = call("claims")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("prefixlab.workbook needs matplotlib: pip install")
