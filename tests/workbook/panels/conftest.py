"""What the tests of panels that measure live have in common."""

import asyncio
from collections.abc import Callable

import pytest

from prefixlab.workbook.panels.live import LivePanel


@pytest.fixture
def press() -> Callable[[LivePanel, Callable[[], None]], None]:
    """Press the button of a panel, do something while it works, and wait until it is done."""

    async def measure(panel: LivePanel, meanwhile: Callable[[], None]) -> None:
        panel.button.click()
        while panel.progress.value < 1:
            await asyncio.sleep(0)
        assert panel.button.disabled
        meanwhile()
        assert panel.running
        await panel.running

    return lambda panel, meanwhile: asyncio.run(measure(panel, meanwhile))
