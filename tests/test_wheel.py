"""The package as it is installed, away from the checkout: with its data."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MADE_OF = ("pyproject.toml", "README.md", "LICENSE")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
USE = """
from pathlib import Path
import prefixlab as pl
from prefixlab.workbook import experiments, span_corruption
print(Path(pl.__file__).parent)
print(len(pl.tasks.load("restaurants", test=100).train))
print(len(experiments.recorded("prefix_tuning")))
print(span_corruption.load(0).name)
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
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel does, as an installer lays it."""
    source, built, site = (tmp_path_factory.mktemp(name) for name in ("source", "built", "site"))
    for name in {*MADE_OF, *listed("prefixlab", "data")}:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    build = [sys.executable, "-c", BUILD, str(built)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (wheel,) = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    return site


def test_the_wheel_has_every_module_and_all_data(site: Path) -> None:
    files = (file.relative_to(site).as_posix() for file in site.rglob("*") if file.is_file())
    held = {name.replace("prefixlab_data/", "data/", 1) for name in files}
    assert {name for name in held if ".dist-info/" not in name} == listed("prefixlab", "data")


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
