import pytest

from prefixlab.workbook.duration import LEARNING, RECENT, TimeLeft, duration, training_seconds


def test_training_takes_as_long_as_its_tokens(gpt2, monkeypatch):
    monkeypatch.setitem(gpt2.__dict__, "tokens_per_second", 100.0)
    assert training_seconds(gpt2, 1000) == pytest.approx(10 * LEARNING)


def test_a_time_is_said_in_seconds_minutes_or_hours():
    assert [duration(each) for each in (19.7, 130, 9000)] == ["20 s", "2 min", "2.5 h"]


def test_the_time_left_does_not_jump_with_a_slow_step() -> None:
    clock = TimeLeft(step=2.0, sentence=0.1)
    assert clock.seconds(10, 100) == pytest.approx(30)  # as expected, before any was seen
    clock.steps.extend([1.0] * 5)
    clock.sentences.extend([0.05] * 3)
    before = clock.seconds(10, 100)
    clock.steps.append(9.0)
    assert clock.seconds(10, 100) == before == pytest.approx(15)


def test_a_machine_that_became_slower_is_noticed() -> None:
    clock = TimeLeft(step=1.0, sentence=0.0)
    clock.steps.extend([1.0] * 50 + [2.0] * RECENT)
    assert clock.seconds(10, 0) == 20


def test_a_long_time_left_is_told_in_fives() -> None:
    clock = TimeLeft(step=1.0, sentence=0.0)
    assert [clock.words(steps, 0) for steps in (7, 41, 43, 600)] == [
        "7 s",
        "40 s",
        "45 s",
        "10 min",
    ]
