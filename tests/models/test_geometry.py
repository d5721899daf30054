"""The blueprints of the backbones: their sizes, and the model without its weights."""

import pytest
import torch
from transformers import GPT2Config

from prefixlab import Geometry, geometry


@pytest.mark.parametrize(
    ("name", "widths", "counts"),
    [
        ("gpt2", (12, 12, 12, 64, 768, 50257, 1024), (124_439_808, 7_087_872, 6912)),
        ("gpt2-medium", (24, 16, 16, 64, 1024, 50257, 1024), (354_823_168, 12_596_224, 9216)),
        ("smollm2", (30, 9, 3, 64, 576, 49152, 8192), (134_515_008, 3_540_096, 5184)),
        ("minilm", (6, 12, 12, 32, 384, 30522, 512), (22_713_216, 1_774_464, 3456)),
    ],
)
def test_the_known_geometries_have_the_published_sizes(name, widths, counts):
    size = geometry(name)
    own = (size.layers, size.heads, size.kv_heads, size.head_dim, size.hidden)
    assert (*own, size.vocabulary, size.positions) == widths
    assert (size.parameters, size.layer_parameters, size.layer_outputs) == counts
    assert size.bidirectional == (name == "minilm")


@pytest.mark.parametrize("model", ["gpt2", "llama", "wide", "bert", "t5", "bart"])
def test_the_skeleton_is_the_model_without_its_weights(request, model):
    lm = request.getfixturevalue(model)
    assert type(lm.geometry.skeleton) is type(lm.model)
    assert lm.geometry.shapes == {name: w.shape for name, w in lm.model.named_parameters()}
    assert all(weight.is_meta for weight in lm.geometry.skeleton.parameters())


def test_the_skeleton_is_made_once_and_only_when_it_is_asked_for(monkeypatch):
    made, config = [], GPT2Config(n_layer=1, n_head=2, n_embd=8, dtype=torch.bfloat16)
    honest = torch.set_default_dtype
    monkeypatch.setattr(torch, "set_default_dtype", lambda kind: (made.append(kind), honest(kind)))
    size = Geometry.of("small", config)
    assert not made
    assert size.skeleton is size.skeleton
    # Another precision would be that of whoever computes meanwhile in another thread.
    assert set(made) == {torch.float32}
    assert config.dtype == torch.bfloat16


@pytest.mark.real
def test_the_known_geometry_of_smollm2_is_that_of_its_weights(smollm2):
    assert geometry("smollm2") == smollm2.geometry
    assert geometry("smollm2").shapes == smollm2.geometry.shapes
    assert smollm2.geometry.parameters == sum(p.numel() for p in smollm2.model.parameters())


def test_grouped_queries_make_keys_and_values_narrower(gpt2, llama):
    assert gpt2.geometry.kv_width == gpt2.geometry.hidden == 32
    assert (llama.geometry.heads, llama.geometry.kv_heads) == (4, 2)
    assert llama.geometry.kv_width == 16


def test_parameters_are_counted_without_loading_them(tiny):
    assert tiny.geometry.parameters == sum(p.numel() for p in tiny.model.parameters())
