"""The processes of these tests fork from one that has imported what they need."""

import pytest

from prefixlab.workbook.marks.apart import Apart


@pytest.fixture(scope="session", autouse=True)
def apart() -> Apart:
    return Apart(60, 4, ["prefixlab.workbook.marks.marking", "prefixlab.workbook.checks.lesson_03"])
