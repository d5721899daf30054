"""Geometry: the blueprint of a backbone, its sizes and its parts without a single weight.

Every count of trainable parameters in the lessons is arithmetic on these numbers, and whatever a
method builds, it builds from here.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import nn
from transformers import (
    MODEL_FOR_MASKED_LM_MAPPING,
    AutoModel,
    AutoModelForCausalLM,
    BertConfig,
    GPT2Config,
    LlamaConfig,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.pytorch_utils import Conv1D

LONGEST = 4096  # tokens of a text where the model sets no limit


@dataclass(frozen=True)
class Geometry:
    """The blueprint of a decoder-only Transformer, or of an encoder.

    `kv_heads` is smaller than `heads` where several query heads share one key and value head
    (grouped-query attention, Ainslie et al. 2023); GPT-2 has as many of both.

    What the fields do not say is read off the `skeleton`, which is made when it is first asked for.
    """

    name: str
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int  # h, the width of an embedding and of the residual stream
    vocabulary: int
    positions: int
    config: PretrainedConfig = field(compare=False, repr=False)  # what transformers builds it from
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
            "outputs": self.outputs,
            "layer_parameters": self.layer_parameters,
            "parameters": self.parameters,
        }

    @classmethod
    def of(cls, name: str, config: PretrainedConfig) -> "Geometry":
        """Read the geometry off a transformers config."""
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
            config=in_float32(config),
            bidirectional=is_encoder(config),
        )

    @property
    def architecture(self) -> Any:
        """The class of transformers that builds the model from its config."""
        return AutoModel if self.bidirectional else AutoModelForCausalLM

    @cached_property
    def skeleton(self) -> PreTrainedModel:
        """The model without its weights: all its modules, names and shapes, and no memory."""
        with torch.device("meta"):
            return self.architecture.from_config(self.config)

    @property
    def shapes(self) -> dict[str, torch.Size]:
        """The shape of every parameter, by name; one that is used twice has its first name."""
        return {name: weight.shape for name, weight in self.skeleton.named_parameters()}

    @property
    def layers_by_name(self) -> dict[str, nn.Module]:
        """The layers, from the first to the last; of an encoder-decoder, its encoder's first."""
        found: dict[str, nn.Module] = {}
        for name, part in self.skeleton.named_modules():
            inside = any(name.startswith(f"{layer}.") for layer in found)
            if isinstance(part, nn.ModuleList) and not inside:
                found |= {f"{name}.{number}": layer for number, layer in enumerate(part)}
        return found

    @property
    def linear_maps(self) -> dict[str, int]:
        """The linear maps of all layers by name, each with the width of its output."""
        return {
            f"{layer}.{name}": width
            for layer, module in self.layers_by_name.items()
            for name, width in output_widths(module).items()
        }

    @property
    def sublayers(self) -> list[str]:
        """What writes into the residual stream: the last map of each attention and each MLP.

        Where a layer does not end them in one linear map each, as with a mixture of experts, they
        are fewer than attentions and MLPs.
        """
        last: dict[str, str] = {}
        for layer, module in self.layers_by_name.items():
            for name, width in output_widths(module).items():
                part, _, map_of_part = name.partition(".")
                if map_of_part and isinstance(module.get_submodule(part), nn.ModuleList):  # T5's
                    part = f"{part}.{map_of_part.partition('.')[0]}"
                if width == self.hidden:  # OPT's MLP has no module around it
                    last[f"{layer}.{part if map_of_part else ''}"] = f"{layer}.{name}"
        return list(last.values())

    @cached_property
    def parameters(self) -> int:
        """How many numbers the whole model has."""
        return sum(shape.numel() for shape in self.shapes.values())

    @cached_property
    def layer_parameters(self) -> int:
        """How many of these are in the first layer."""
        return sum(weight.numel() for weight in self.first_layer.parameters())

    @cached_property
    def layer_outputs(self) -> int:
        """The widths of the outputs of all linear maps of the first layer, added up."""
        return sum(output_widths(self.first_layer).values())

    @cached_property
    def outputs(self) -> int:
        """The same of all layers."""
        return sum(self.linear_maps.values())

    @property
    def first_layer(self) -> nn.Module:
        """The layer that stands for all, without its weights."""
        return next(iter(self.layers_by_name.values()))

    def check_room(self, prefix: int, text: int) -> None:
        """Raise a ValueError if a past of `prefix` and a text of `text` tokens do not fit."""
        if prefix + text > self.positions:
            raise ValueError(
                f"{prefix} positions of prefix and {text} of text are more than the "
                f"{self.positions} positions of {self.name}; shorten the prefix, the "
                "demonstrations or the text."
            )


def in_float32(config: PretrainedConfig) -> PretrainedConfig:
    """A copy that stays as it is, whatever becomes of the config.

    transformers makes a model of another precision by changing torch's default for the whole
    process, and a skeleton may be made while another thread trains.
    """
    own = deepcopy(config)
    own.dtype = torch.float32
    return own


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


def is_encoder(config: PretrainedConfig) -> bool:
    """Whether a model fills masked words in from both sides, as BERT does, and writes no text."""
    writes = config.is_encoder_decoder or getattr(config, "is_decoder", False)
    return type(config) in MODEL_FOR_MASKED_LM_MAPPING and not writes


def output_widths(module: nn.Module) -> dict[str, int]:
    """The linear maps inside a module, by name, each with the width of its output.

    GPT-2 keeps the weights of a linear map transposed, in a class of its own.
    """
    return {
        name: part.nf if isinstance(part, Conv1D) else part.out_features
        for name, part in module.named_modules()
        if isinstance(part, (nn.Linear, Conv1D))
    }


# What the config.json of each says, where it is not the default of its family.
CONFIGS = {
    "gpt2": GPT2Config(),
    "gpt2-medium": GPT2Config(n_layer=24, n_head=16, n_embd=1024),
    "smollm2": LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
    ),
    "minilm": BertConfig(
        hidden_size=384, intermediate_size=1536, num_hidden_layers=6, num_attention_heads=12
    ),
}
KNOWN = {name: Geometry.of(name, config) for name, config in CONFIGS.items()}


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
