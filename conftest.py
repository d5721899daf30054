"""What nbval leaves uncompared when it runs the lessons."""

import pytest


def pytest_collectstart(collector: pytest.Collector) -> None:
    # On the error stream are progress bars and warnings; the stored lessons leave it out.
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)
