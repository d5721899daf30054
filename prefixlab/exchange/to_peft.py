"""To PEFT: a method as an adapter of PEFT.

    prompt_embeddings    P of [m, h], or [K^P; V^P] of [m, layers * 2 * kv_heads * head_dim]
    lora_A, lora_B       A of [r, in] and B of [out, r], for each map

This is the format of PEFT 0.21 (https://github.com/huggingface/peft); the package itself is not
needed. What is written is what a method computes: a prompt encoder or an MLP stays behind, as PEFT
leaves its own behind.

PEFT puts virtual tokens in front of all tokens that it is given, a start token among them. Here
they stand behind it, unless the template names it: `{soft:10}<s>{x}`.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers.pytorch_utils import Conv1D

from prefixlab.data.template import Soft
from prefixlab.exchange.adapter_files import AdapterFiles, folder_of, write_adapter
from prefixlab.methods.base import Method, check_method
from prefixlab.methods.cartridge import Cartridge
from prefixlab.methods.lora import LoRA
from prefixlab.methods.p_tuning import PTuning
from prefixlab.methods.p_tuning_v2 import PTuningV2
from prefixlab.methods.prefix_tuning import PrefixTuning
from prefixlab.methods.prompt_tuning import PromptTuning
from prefixlab.models.conditioning import Past
from prefixlab.models.geometry import Geometry
from prefixlab.models.loading import HUB_NAMES

KINDS: dict[type[Method], str] = {
    PromptTuning: "PROMPT_TUNING",
    PTuning: "P_TUNING",
    PrefixTuning: "PREFIX_TUNING",
    PTuningV2: "PREFIX_TUNING",
    Cartridge: "CARTRIDGE",
    LoRA: "LORA",
}
# Its names of tensors.
PROMPT, HEAD = "prompt_embeddings", "base_model.score.weight"
CHANGE = "base_model.model.{}.lora_{}.weight"  # of a map, A or B
KEEP = "keep it with save"


def to_peft(method: Method, path: str | Path) -> Path:
    """Write a method as an adapter of PEFT, for `PeftModel.from_pretrained(model, path)`.

    The folder gets `adapter_config.json` and `adapter_model.safetensors`, whole or not at all.

    Raises
    ------
    ValueError
        What PEFT cannot say: another method than prompt_tuning, p_tuning with its slots in front,
        prefix_tuning and p_tuning_v2 in all layers, lora and cartridge; a head with a bias; a
        method for an encoder or an encoder-decoder. A folder that cannot be written to.
    """
    check_method(method)
    return write_adapter(as_adapter(method, folder_of(path)))


def as_adapter(method: Any, folder: Path) -> AdapterFiles:
    """The method as PEFT has it; what PEFT does not have is a ValueError."""
    kind, size = KINDS.get(type(method)), method.geometry
    if kind is None:
        names = ", ".join(one.name for one in KINDS)
        raise ValueError(
            f"PEFT has no adapter that computes what {method.name} does; {KEEP}, or take one of "
            f"{names}."
        )
    check_causal(size)
    about = {
        "peft_type": kind,
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": HUB_NAMES.get(size.name, size.name),
        "inference_mode": True,
    }
    tensors: dict[str, Tensor]
    with torch.no_grad():
        if isinstance(method, LoRA):
            return AdapterFiles(folder, about | settings_of(method), tensors_of(method))
        given = method.conditioning()
        if given.past is None:
            check_in_front(method)
            assert given.virtual is not None
            tensors = {PROMPT: given.virtual * embed_scale(size)}
            heads, width = size.heads, size.hidden
        else:
            tensors = {PROMPT: flattened(method, given.past)}
            heads, width = size.kv_heads, size.kv_width
        if given.head is not None:
            check_unbiased(method, given.head)
            tensors[HEAD] = given.head[:, :-1]
            about["task_type"] = "SEQ_CLS"
    about |= {
        "num_virtual_tokens": len(tensors[PROMPT]),
        "num_layers": size.layers,
        "num_attention_heads": heads,
        "token_dim": width,
        "num_transformer_submodules": 1,
    }
    if isinstance(method, Cartridge):
        about["num_frozen_tokens"] = method.knobs.frozen
    return AdapterFiles(folder, about, tensors)


def check_causal(size: Geometry) -> None:
    if size.bidirectional or size.parts:
        kind = "encoder" if size.bidirectional else "encoder-decoder"
        raise ValueError(
            f"{size.name} is an {kind}, and methods are exchanged for causal models alone; {KEEP}, "
            "or take a causal model."
        )


def check_in_front(method: Method) -> None:
    first, *others = method.template.parts
    if not isinstance(first, Soft) or any(isinstance(part, Soft) for part in others):
        raise ValueError(
            f"Virtual tokens go in front of the text that is given, and those of "
            f"{method.template.quoted} stand elsewhere; {KEEP}, or train with all slots in front: "
            f"{{soft:{method.template.virtual_tokens}}}{{x}} …."
        )


def check_unbiased(method: Method, head: Tensor) -> None:
    if head[:, -1].any():
        raise ValueError(
            f"PEFT's head has no bias, and that of this {method.name} has one of up to "
            f"{head[:, -1].abs().max():.2g}; set it to zero, method.head.values.data[:, -1] = 0, "
            "and see with evaluate what that changes."
        )


def flattened(method: Method, past: Past) -> Tensor:
    """Keys and values as PEFT lays them out: [prefix, layers * 2 * kv_heads * head_dim]."""
    if len(past.by_layer()) < method.geometry.layers:
        raise ValueError(
            f"PEFT puts a prefix into all layers, and this {method.name} has one in "
            f"layers={method.knobs.layers!r}; {KEEP}, or train it with layers='all'."
        )
    both = torch.stack([past.keys, past.values], dim=1)[:, :, 0]
    # [layers, 2, kv_heads, prefix, head_dim] -> [prefix, layers, 2, kv_heads, head_dim]
    return both.permute(3, 0, 1, 2, 4).flatten(1)


def embed_scale(size: Geometry) -> float:
    """What a family multiplies its embeddings by when it looks them up, and PEFT's prompts not."""
    layer = size.skeleton.get_input_embeddings()
    return float(getattr(layer, "scalar_embed_scale", getattr(layer, "embed_scale", 1.0)))


def settings_of(method: LoRA) -> dict[str, Any]:
    maps = [method.geometry.skeleton.get_submodule(name) for name in method.widths]
    return {
        "r": method.knobs.rank,
        "lora_alpha": method.knobs.alpha,
        "target_modules": list(method.widths),
        "fan_in_fan_out": any(isinstance(one, Conv1D) for one in maps),  # GPT-2 keeps W transposed
    }


def tensors_of(method: LoRA) -> dict[str, Tensor]:
    tensors = {}
    for name, change in zip(method.widths, method.changes, strict=True):
        tensors[CHANGE.format(name, "A")] = change.down.weight
        tensors[CHANGE.format(name, "B")] = change.up.weight
    return tensors
