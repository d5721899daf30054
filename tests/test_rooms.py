"""The rooms of the package stand in an order: each imports only those above it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "prefixlab"
ROOMS = ("data", "models", "methods", "evaluation", "training", "serving", "workbook")
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE]


def test_every_room_is_in_the_order() -> None:
    assert {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()} == {*ROOMS}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_rooms_above_it(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0]
    below = {*ROOMS[ROOMS.index(own) + 1 :]}
    assert not below & {*rooms_in(ast.parse(path.read_text(encoding="utf-8")))}


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("[a-z]*.py")), ids=lambda path: path.name)
def test_what_all_rooms_stand_on_imports_none(path: Path) -> None:
    assert not {*rooms_in(ast.parse(path.read_text(encoding="utf-8")))}


def rooms_in(node: ast.AST) -> Iterator[str]:
    """The rooms that are imported; what a type checker alone reads is not."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.ImportFrom) and node.module:
        package, *room = node.module.split(".")
        names = [alias.name for alias in node.names] if not room else room[:1]
        yield from (name for name in names if package == "prefixlab" and name in ROOMS)
    elif isinstance(node, ast.Import):
        parts = [alias.name.split(".") for alias in node.names]
        yield from (name[1] for name in parts if name[0] == "prefixlab" and len(name) > 1)
    for child in ast.iter_child_nodes(node):
        yield from rooms_in(child)
