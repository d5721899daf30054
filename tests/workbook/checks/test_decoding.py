"""Greedy decoding is tried on a tiny model with a cache, and told by what it writes."""

import pytest
import torch

from prefixlab.workbook.checks import Mistake
from prefixlab.workbook.checks.decoding import TinyCache, TinyReader, greedy


@pytest.mark.parametrize("mistake", greedy.mistakes, ids=lambda mistake: mistake.name)
def test_no_two_mistakes_write_alike(mistake: Mistake) -> None:
    assert greedy.verdict(mistake.answer).name == mistake.name


def test_tokens_one_by_one_are_read_as_all_at_once() -> None:
    model, ids = TinyReader(8, 12, seed=0), torch.tensor([[4, 1, 7]])
    keys, values = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(0))
    whole = model(ids, cache=TinyCache(keys, values)).logits
    cache = TinyCache(keys, values)
    single = [model(ids[:, [i]], cache=cache).logits for i in range(3)]
    assert torch.allclose(torch.cat(single, dim=1), whole, atol=1e-4)
    assert cache.get_seq_length() == 6
    short = model(ids, cache=TinyCache(keys, values), attention_mask=torch.ones(1, 3)).logits
    assert not torch.allclose(short, whole, atol=1e-2)
