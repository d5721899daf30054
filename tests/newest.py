"""What `make test-latest` installs: the dependencies of pyproject.toml without upper bounds.

torch alone stays the one of the lock: on Linux any other may weigh gigabytes.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def unbounded(requirement: str) -> str:
    """`transformers>=5.24,<6` as `transformers>=5.24`."""
    return re.sub(r",?\s*<=?[^,;]*", "", requirement)


def declared() -> list[str]:
    """What pyproject.toml names for the core, the workbook, the site and the tests."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    (own, *tests) = extras["dev"]
    assert own == "prefixlab[workbook,site]"
    return project["dependencies"] + extras["workbook"] + extras["site"] + tests


def requirements() -> list[str]:
    lock = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    torch = next(line for line in lock if line.startswith("torch=="))
    return [torch, *map(unbounded, declared())]


if __name__ == "__main__":
    print("\n".join(requirements()))
