"""One head: its numbers give back what the model computes with."""

import pytest
import torch

from prefixlab import Backbone
from prefixlab.workbook.one_head import one_head

TEXT = "a good film"


@pytest.mark.parametrize("layer", [0, 1])
def test_the_equation_on_its_numbers_gives_the_weights_of_the_model(
    tiny: Backbone, layer: int
) -> None:
    lm = tiny
    tokens = torch.tensor([lm.encode(TEXT)])
    n = tokens.shape[1]
    of_model = lm.attention_weights(tokens)[layer][0]  # [heads, n, n]
    past = lm.read_past(TEXT)
    for head in range(lm.geometry.heads):
        found = one_head(lm, TEXT, layer, head)
        scores = found.queries @ found.keys.T / lm.geometry.head_dim**0.5
        unseen = torch.ones(n, n, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(unseen, float("-inf")).softmax(-1)
        assert torch.allclose(weights, of_model[head], atol=1e-5)
        assert torch.allclose(found.weights, of_model[head], atol=1e-5)
        shared = head // (lm.geometry.heads // lm.geometry.kv_heads)
        assert torch.allclose(found.keys, past.keys[layer, 0, shared], atol=1e-5)
        assert torch.allclose(found.values, past.values[layer, 0, shared], atol=1e-5)


def test_a_head_that_is_not_there_is_named(gpt2: Backbone) -> None:
    with pytest.raises(ValueError, match=r"head=4 .* 0 to 3"):
        one_head(gpt2, TEXT, 0, 4)
    with pytest.raises(ValueError, match=r"layer=3 .* 0 to 2"):
        one_head(gpt2, TEXT, 3, 0)
