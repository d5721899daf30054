"""The training panel, driven as a page would drive it."""

import asyncio

import pytest

from prefixlab import Backbone, Task
from prefixlab.panels import TrainingPanel


@pytest.fixture
def panel(gpt2: Backbone, task: Task) -> TrainingPanel:
    return TrainingPanel(gpt2, task, "prefix_tuning", ["prefix_length", "init", "layers"], steps=3)


def test_a_control_has_the_range_and_help_of_its_knob(panel: TrainingPanel) -> None:
    length, init = panel.controls["prefix_length"], panel.controls["init"]
    assert (length.min, length.max, length.value) == (1, 200, 10)
    assert "every layer" in length.tooltip
    assert init.value == "task_words"
    assert "uniform" in init.options


def test_the_train_button_trains_and_gives_the_knobs_back(panel: TrainingPanel) -> None:
    async def press() -> None:
        before = panel.plot.value
        panel.controls["prefix_length"].value = 2
        panel.train_button.click()
        await asyncio.sleep(0)
        assert panel.train_button.disabled
        assert not panel.stop_button.disabled
        assert panel.running
        await panel.running
        assert panel.plot.value != before

    asyncio.run(press())
    assert len(panel.results) == 1
    assert "prefix length 2" in panel.history.value
    assert "3 steps" in panel.history.value
    assert not panel.train_button.disabled


def test_stop_takes_effect_within_one_step(panel: TrainingPanel) -> None:
    async def press() -> int:
        panel.train_button.click()
        while panel.progress.value < 1:
            await asyncio.sleep(0)
        panel.stop_button.click()
        assert panel.running
        await panel.running
        return len(next(iter(panel.runs.values())))

    assert asyncio.run(press()) < 3
    assert "Stopped" in panel.status.value


def test_an_error_appears_in_words_and_escaped(panel: TrainingPanel) -> None:
    panel.controls["layers"].value = "<b>7</b>"
    asyncio.run(panel.train())
    assert "names no layers" in panel.status.value
    assert "&lt;b&gt;7" in panel.status.value
    assert not panel.results
    assert not panel.train_button.disabled
