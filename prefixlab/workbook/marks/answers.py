"""Answers: what a notebook gives to its checks, and the code that an answer needs.

A check is asked by `check.name(answer)` or `answer = check.name.use(answer)`. To have the answer,
the whole notebook need not be run: the statements above that bind its names do, and those that bind
the names of these, and so on. A model is loaded where an answer uses it, and nowhere else.
"""

import ast
import linecache
import re
import symtable
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

ASKED = re.compile(r"\bcheck\.(\w+)")
CELL_MAGIC = re.compile(r"\A\s*%%.*\n?")  # what stands below it is Python, as with %%time
LATER = (ast.FunctionDef, ast.AsyncFunctionDef)  # their names are looked up when they are called


@dataclass(frozen=True)
class Statement:
    """A statement of a cell, which names it binds, and which it reads from outside."""

    node: ast.stmt
    cell: int
    binds: frozenset[str]
    reads: frozenset[str]


@dataclass(frozen=True)
class Answer:
    """What a check was asked with: an expression of a cell, and what is to be run before it.

    `sources` are the cells, for the lines of an error and the dots of a stub.
    """

    check: str
    expression: ast.expr
    cell: int
    before: tuple[Statement, ...]
    sources: tuple[str, ...]

    def value(self) -> Any:
        """Run what it needs; errors are those of the code."""
        for number, source in enumerate(self.sources):
            file = file_of(number)
            linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        names: dict[str, Any] = {"__name__": "__main__"}
        for one in self.before:
            exec(compile(ast.Module([one.node], []), file_of(one.cell), "exec"), names)
        return eval(compile(ast.Expression(self.expression), file_of(self.cell), "eval"), names)


@dataclass(frozen=True)
class Broken:
    """A check that is asked in a cell which is no Python, and why not."""

    check: str
    why: str


def answers_of(cells: Sequence[str]) -> Iterator[Answer | Broken]:
    """Every answer of a notebook, in its order; `cells` are the sources of its code cells."""
    sources = tuple(in_python(cell) for cell in cells)
    above: list[Statement] = []
    for number, source in enumerate(sources):
        try:
            body = statements_of(source, number)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            yield from (Broken(name, in_words(error)) for name in {*ASKED.findall(source)})
            continue
        for statement in body:
            for name, expression in asked_in(statement.node):
                reads = names_of(ast.Expr(expression))[1]
                yield Answer(name, expression, number, needed(above, reads), sources)
            above.append(statement)


def statements_of(source: str, cell: int) -> list[Statement]:
    """The statements of a cell; an error if it cannot be run at all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the learner's code
        compile(source, file_of(cell), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        return [Statement(node, cell, *names_of(node)) for node in ast.parse(source).body]


def in_python(cell: str) -> str:
    """A cell without what is IPython's own; as it is where IPython cannot read it."""
    try:
        return TransformerManager().transform_cell(CELL_MAGIC.sub("", cell))
    except Exception:  # IPython itself expects any
        return cell


def in_words(error: Exception) -> str:
    line = f", in line {error.lineno}" if isinstance(error, SyntaxError) else ""
    return f"{type(error).__name__}: {getattr(error, 'msg', error)}{line}"


def asked_in(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """(name of the check, answer) of each `check.name(answer)` and `check.name.use(answer)`."""
    for node in ast.walk(statement):
        match node:
            case ast.Call(ast.Attribute(ast.Name("check"), name), [answer]):
                yield name, answer
            case ast.Call(ast.Attribute(ast.Attribute(ast.Name("check"), name), "use"), [answer]):
                yield name, answer


def names_of(statement: ast.stmt) -> tuple[frozenset[str], frozenset[str]]:
    """The names that a statement binds at the top of a notebook, and those that it reads there."""
    table = symtable.symtable(ast.unparse(statement), "cell", "exec")
    symbols = table.get_symbols()
    binds = {one.get_name() for one in symbols if one.is_assigned() or one.is_imported()}
    reads = set(read_in(table))
    if isinstance(statement, ast.AugAssign):  # n += 1
        reads |= binds
    return frozenset(binds), frozenset(reads)


def read_in(table: symtable.SymbolTable) -> Iterator[str]:
    for symbol in table.get_symbols():
        if symbol.is_referenced() and symbol.is_global():
            yield symbol.get_name()
    for inner in table.get_children():
        yield from read_in(inner)


def needed(above: Sequence[Statement], names: frozenset[str]) -> tuple[Statement, ...]:
    """The statements that bind the names, or the names that such a statement reads, in order."""
    found: set[int] = set()
    wanted = [(name, len(above)) for name in names]
    while wanted:
        name, end = wanted.pop()
        place = next((n for n in reversed(range(end)) if name in above[n].binds), None)
        if place is not None and place not in found:
            found.add(place)
            seen_from = len(above) if isinstance(above[place].node, LATER) else place
            wanted += [(name, seen_from) for name in above[place].reads]
    return tuple(above[place] for place in sorted(found))


def file_of(cell: int) -> str:
    return f"<cell {cell + 1}>"
