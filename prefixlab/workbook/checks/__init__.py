"""Self-checks of the exercises: they say what is wrong in words, not only that it is.

An exercise knows its right answer, the inputs it tries an answer on, and the mistakes that
learners make. An answer that behaves like one of the mistakes is told which; any other is told
what was expected and what came, in shapes and numbers.
"""

from prefixlab.workbook.checks.exercise import Exercise, Mistake, Verdict

__all__ = ["Exercise", "Mistake", "Verdict"]
