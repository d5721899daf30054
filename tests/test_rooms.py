"""The rooms of the package stand in an order: each imports only those above it."""

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefixlab.methods import METHODS

PACKAGE = Path(__file__).parents[1] / "prefixlab"
ROOMS = (
    *("data", "models", "methods", "evaluation", "training", "serving"),
    *("exchange", "workbook", "command"),
)
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


READ = [path for path in sorted(PACKAGE.rglob("*.py")) if "workbook" not in path.parts]
CORE = [path for path in READ if not {"exchange", "command"} & {*path.parts}]


@pytest.mark.parametrize("path", READ, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_outside_the_workbook_is_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


def test_the_core_is_no_more_than_6000_lines_of_code() -> None:
    """Blank lines, comments and docstrings are for the reader, and not counted."""
    assert sum(len(lines_of_code(path)) for path in CORE) <= 6000


def lines_of_code(path: Path) -> set[int]:
    source = path.read_text(encoding="utf-8")
    code = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in (tokenize.COMMENT, *NO_CODE)
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node):
            said = node.body[0]
            code -= set(range(said.lineno, (said.end_lineno or said.lineno) + 1))
    return code


NO_CODE = (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "models").glob("*.py")), ids=lambda path: path.name
)
def test_nothing_in_models_names_a_method(path: Path) -> None:
    words = set(re.findall(r"\w+", path.read_text(encoding="utf-8")))
    assert not words & {*METHODS, *(kind.__name__ for kind in METHODS.values())}


def test_no_two_public_names_are_one() -> None:
    """`load` alone is two: pl.load of a model, and tasks.load of a task."""
    found = Counter(
        node.name
        for path in READ
        if "command" not in path.parts  # whose names are those of what they call
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    )
    assert {name for name, times in found.items() if times > 1} == {"load"}


def test_what_the_page_on_architecture_names_is_there() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert len(page.splitlines()) <= 60
    named = re.findall(r"`([\w./]+\.py)`", page)
    assert len(named) > 5
    for name in named:
        assert any(
            (folder / name).exists() for folder in (PACKAGE.parent, PACKAGE, PACKAGE / "methods")
        ), name
    source = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    for name in set(re.findall(r"`(?:\w+\.)?(\w+)(?:\(\))?`", page)) - {"py"}:
        assert re.search(rf"\b{name}\b", source), name
    assert "# [K^P; K^X]" in (PACKAGE / "models" / "attention.py").read_text(encoding="utf-8")
