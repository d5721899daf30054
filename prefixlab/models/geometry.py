"""Geometry: the sizes of a backbone, readable without loading a single weight.

Every count of trainable parameters in the lessons is arithmetic on these numbers.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from transformers import (
    MODEL_FOR_MASKED_LM_MAPPING,
    AutoModel,
    AutoModelForCausalLM,
    PretrainedConfig,
)
from transformers.pytorch_utils import Conv1D

LONGEST = 4096  # tokens of a text where the model sets no limit


@dataclass(frozen=True)
class Geometry:
    """The sizes of a decoder-only Transformer, or of an encoder.

    `kv_heads` is smaller than `heads` where several query heads share one key and value head
    (grouped-query attention, Ainslie et al. 2023); GPT-2 has as many of both.
    """

    name: str
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int  # h, the width of an embedding and of the residual stream
    vocabulary: int
    positions: int
    parameters: int
    layer_parameters: int  # of these, in one layer
    layer_outputs: int  # of all linear maps of one layer, the widths of their outputs added up
    # An encoder: it reads in both directions, and has no output layer.
    bidirectional: bool = field(default=False, kw_only=True)

    @property
    def parts(self) -> dict[str, range]:
        """Layers that have a name of their own, such as those of an encoder."""
        return {}

    @property
    def kv_width(self) -> int:
        """Numbers in one position's keys (or values) of one layer: kv_heads * head_dim."""
        return self.kv_heads * self.head_dim

    @property
    def symbols(self) -> dict[str, int]:
        """The sizes by the names that they have in the formula of a cost."""
        return {
            "L": self.layers,
            "h": self.hidden,
            "heads": self.heads,
            "kv_heads": self.kv_heads,
            "head_dim": self.head_dim,
            "layer_outputs": self.layer_outputs,
            "layer_parameters": self.layer_parameters,
            "parameters": self.parameters,
        }

    @classmethod
    def of(cls, name: str, config: PretrainedConfig) -> "Geometry":
        """Read the geometry off a transformers config; weights are counted without memory."""
        bidirectional = is_encoder(config)
        architecture = AutoModel if bidirectional else AutoModelForCausalLM
        with torch.device("meta"):
            model = architecture.from_config(config)
        heads = config.num_attention_heads
        return cls(
            name=name,
            layers=config.num_hidden_layers,
            heads=heads,
            kv_heads=key_heads(config),
            head_dim=getattr(config, "head_dim", None) or config.hidden_size // heads,
            hidden=config.hidden_size,
            vocabulary=config.vocab_size,
            positions=last_position(config),
            **counted(model),
            bidirectional=bidirectional,
        )


def key_heads(config: PretrainedConfig) -> int:
    """How many heads of keys and values a layer keeps."""
    heads: int = config.num_attention_heads
    if getattr(config, "new_decoder_architecture", False):  # Falcon repeats them before it keeps
        return heads
    if getattr(config, "multi_query", False):  # one for all (Shazeer 2019)
        return 1
    return getattr(config, "num_key_value_heads", None) or heads


def last_position(config: PretrainedConfig) -> int:
    """How many positions a model has.

    Where positions are only distances there is no last one. But attention takes memory by the
    square of a text's length, so that a text has to end somewhere: at what the model was trained
    with, if its configuration says so, else at `LONGEST`.
    """
    names = ("max_position_embeddings", "max_seq_len", "seq_length")
    return next((found for name in names if (found := getattr(config, name, None))), LONGEST)


def counted(model: nn.Module) -> dict[str, Any]:
    """The sizes that are counted on the model itself: of all of it, and of its first layer."""
    layer = next(part for part in model.modules() if isinstance(part, nn.ModuleList))[0]
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "layer_parameters": sum(parameter.numel() for parameter in layer.parameters()),
        "layer_outputs": sum(linear_maps(layer).values()),
    }


def is_encoder(config: PretrainedConfig) -> bool:
    """Whether a model fills masked words in from both sides, as BERT does, and writes no text."""
    writes = config.is_encoder_decoder or getattr(config, "is_decoder", False)
    return type(config) in MODEL_FOR_MASKED_LM_MAPPING and not writes


def linear_maps(module: nn.Module) -> dict[str, int]:
    """The linear maps inside a module, by name, each with the width of its output.

    GPT-2 keeps the weights of a linear map transposed, in a class of its own.
    """
    return {
        name: part.nf if isinstance(part, Conv1D) else part.out_features
        for name, part in module.named_modules()
        if isinstance(part, (nn.Linear, Conv1D))
    }


KNOWN = {
    known.name: known
    for known in (
        Geometry("gpt2", 12, 12, 12, 64, 768, 50257, 1024, 124_439_808, 7_087_872, 6912),
        Geometry("gpt2-medium", 24, 16, 16, 64, 1024, 50257, 1024, 354_823_168, 12_596_224, 9216),
        Geometry("smollm2", 30, 9, 3, 64, 576, 49152, 8192, 134_515_008, 3_540_096, 5184),
        Geometry(
            *("minilm", 6, 12, 12, 32, 384, 30522, 512, 22_713_216, 1_774_464, 3456),
            bidirectional=True,
        ),
    )
}


def geometry(name: str) -> Geometry:
    """The geometry of a well-known backbone, by name.

    Raises
    ------
    ValueError
        A name that is not among the known ones.
    """
    if name not in KNOWN:
        raise ValueError(
            f"No geometry is known for {name!r}; choose one of {', '.join(KNOWN)}, "
            "or load the backbone and read its `.geometry`."
        )
    return KNOWN[name]
