import pytest

from prefixlab.workbook.duration import LEARNING, duration, training_seconds


def test_training_takes_as_long_as_its_tokens(gpt2, monkeypatch):
    monkeypatch.setitem(gpt2.__dict__, "tokens_per_second", 100.0)
    assert training_seconds(gpt2, 1000) == pytest.approx(10 * LEARNING)


def test_a_time_is_said_in_seconds_minutes_or_hours():
    assert [duration(each) for each in (19.7, 130, 9000)] == ["20 s", "2 min", "2.5 h"]
