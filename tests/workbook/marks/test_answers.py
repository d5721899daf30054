"""An answer is had by what it needs, and by no more of the notebook."""

import pytest

from prefixlab.workbook.checks.learners_code import dots_left
from prefixlab.workbook.marks.answers import Answer, Broken, answers_of


def answer_of(*cells: str) -> Answer:
    (found,) = answers_of(cells)
    assert isinstance(found, Answer)
    return found


def test_what_an_answer_does_not_need_is_not_run():
    answer = answer_of(
        "import math\nnever = 1 / 0\nraise RuntimeError",
        "SCALE = 2\ndef root(x):\n    return SCALE * math.sqrt(x)",
        "print(never)\ndef f(x):\n    return root(x)\n\nf = check.f.use(f)",
    )
    assert answer.check == "f"
    assert answer.value()(9) == 6


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["n = 1", "n = 2", "check.n(n)", "n = 3"], 2),
        (["n = 1", "n += 4", "check.n(n)"], 5),
        (["a, b = 1, 2", "check.n(a + b)"], 3),
        (["for n in range(4):\n    last = n", "check.n(last)"], 3),
        (["class A:\n    m = 7", "check.n([A.m for _ in range(1)][0])"], 7),
        (["%matplotlib inline\nn = 1\n!ls", "%%time\ncheck.n(n)"], 1),
        (["def f():\n    return g()", "def g():\n    return 1", "check.n(f())"], 1),
        (
            ["def f():\n    return g()", "def g():\n    return 1", "g = lambda: 2", "check.n(f())"],
            2,
        ),
        (["n = len('\\d')", "check.n(n)"], 2),
        (["def f(n):\n    return n and f(n - 1)", "check.n(f(3))"], 0),
    ],
)
def test_a_name_is_what_it_was_bound_to_last(cells, value):
    assert answer_of(*cells).value() == value


def test_an_answer_may_use_what_an_earlier_check_gave_back():
    first, second = answers_of(
        [
            "from prefixlab.workbook.checks import lesson_03 as check",
            "bytes_to_store = check.bytes_to_store.use(lambda m, h: 0)",
            "def twice(m, h):\n    return 2 * bytes_to_store(m, h)\ncheck.label_rows(twice)",
        ]
    )
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert second.value()(10, 768) == 2 * 4 * 10 * 768


def test_the_dots_of_a_stub_and_the_lines_of_its_cell_are_known():
    stub = answer_of("n = 1", "g = 1\ndef f(x):\n    ...\n\ncheck.f(f)").value()
    assert dots_left(stub)
    assert (stub.__code__.co_filename, stub.__code__.co_firstlineno) == ("<cell 2>", 2)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("def f(x)\n    return x\ncheck.f(f)", "SyntaxError: expected ':', in line 1"),
        ("f = '\\d'\nreturn f\ncheck.f(f)", "SyntaxError: 'return' outside function, in line 2"),
    ],
)
def test_a_cell_that_is_no_python_is_told_and_the_others_are_read(cell, why):
    found = list(answers_of([cell, "check.g(1)"]))
    assert found[0] == Broken("f", why)
    assert isinstance(found[1], Answer)
