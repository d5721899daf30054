from prefixlab.models import speed
from prefixlab.models.speed import tokens_per_second


def test_the_probe_counts_the_tokens_that_were_read(tiny, monkeypatch):
    """By a clock that goes on a second at each look: the pass between two looks took one."""
    read = []
    honest = tiny.prefill
    monkeypatch.setattr(
        tiny, "prefill", lambda *given: read.append(given[0].numel()) or honest(*given)
    )
    ticks = iter(range(2))
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(ticks))
    assert tokens_per_second(tiny) == read[-1] > 0


def test_every_kind_of_model_can_be_probed(bert, seq2seq):
    assert tokens_per_second(bert) > 0
    assert tokens_per_second(seq2seq) > 0
