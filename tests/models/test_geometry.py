"""The sizes of the backbones: those known by heart are those that transformers counts."""

import pytest
from transformers import GPT2Config

from prefixlab import Geometry, geometry


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("gpt2", GPT2Config()),
        ("gpt2-medium", GPT2Config(n_layer=24, n_head=16, n_embd=1024)),
    ],
)
def test_the_known_geometry_is_the_one_that_transformers_builds(name, config):
    assert geometry(name) == Geometry.of(name, config)


@pytest.mark.real
def test_the_known_geometry_of_smollm2_is_that_of_its_weights(smollm2):
    assert geometry("smollm2") == smollm2.geometry
    assert smollm2.geometry.parameters == sum(p.numel() for p in smollm2.model.parameters())


def test_grouped_queries_make_keys_and_values_narrower(gpt2, llama):
    assert gpt2.geometry.kv_width == gpt2.geometry.hidden == 32
    assert (llama.geometry.heads, llama.geometry.kv_heads) == (4, 2)
    assert llama.geometry.kv_width == 16


def test_parameters_are_counted_without_loading_them(tiny):
    assert tiny.geometry.parameters == sum(p.numel() for p in tiny.model.parameters())
