"""From PEFT: an adapter of PEFT as a method; see `to_peft` for the format.

What is read is checked first, and what no method here computes is refused: another kind of adapter,
a tensor or a setting that means more than B A x.
"""

import re
from collections.abc import Callable, Iterable
from math import sqrt
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from prefixlab.arguments import shortened
from prefixlab.data.task import Task
from prefixlab.data.template import Template, around
from prefixlab.exchange.adapter_files import AdapterFiles, read_adapter
from prefixlab.exchange.to_peft import CHANGE, HEAD, PROMPT, check_causal, embed_scale
from prefixlab.methods.asked import Asked
from prefixlab.methods.base import Method, check_backbone, check_task
from prefixlab.methods.cartridge import Cartridge
from prefixlab.methods.lora import LoRA
from prefixlab.methods.p_tuning import PTuning
from prefixlab.methods.p_tuning_v2 import PTuningV2
from prefixlab.methods.prefix_tuning import PrefixTuning
from prefixlab.methods.prompt_tuning import PromptTuning
from prefixlab.models.backbone import Backbone


def from_peft(path: str | Path, lm: Backbone, task: Task | None = None) -> Method:
    """The adapter in a folder that PEFT or `to_peft` wrote, as a method for this backbone.

    An adapter does not say how its texts were written. With a task they are written by its
    template and a head's labels are its answers; without one a text stands by itself, `{x}{y}`,
    and labels are LABEL_0, LABEL_1, …. Nor does it say which weights it was trained on: it is
    known to fit `lm` by its sizes alone. A prefix that was trained through a projection was
    written by PEFT without it, and is read as it is.

    Raises
    ------
    ValueError
        No folder of an adapter, a damaged one, one for a model of other sizes, or one that
        computes what no method here does.
    """
    check_backbone(lm)
    if task is not None:
        check_task(task)
    check_causal(lm.geometry)
    adapter = read_adapter(path)
    kind, of_task = adapter.of("peft_type", str), adapter.config.get("task_type")
    if kind not in READERS:
        raise foreign(adapter, f"is of the kind {shortened(kind)}")
    if of_task not in (None, "CAUSAL_LM") and (kind, of_task) != ("PREFIX_TUNING", "SEQ_CLS"):
        raise foreign(adapter, f"is {kind} for the task {shortened(of_task)}")
    return READERS[kind](adapter, lm, task)


def foreign(adapter: AdapterFiles, what: str) -> ValueError:
    return ValueError(
        f"The adapter in {adapter.folder} {what}, which no method here computes; those that are "
        f"read are {', '.join(READERS)}."
    )


def check_names(adapter: AdapterFiles, names: Iterable[str]) -> None:
    """Raise a ValueError unless the adapter has the tensors of these names, and no others."""
    if other := sorted({*names} ^ {*adapter.tensors}):
        verb = "has" if other[0] in adapter.tensors else "lacks"
        raise foreign(adapter, f"{verb} the tensor {shortened(other[0], 120)}")


def made(
    kind: type[Method],
    adapter: AdapterFiles,
    lm: Backbone,
    plain: Asked,
    knobs: dict[str, Any],
    tensors: dict[str, Tensor],
) -> Method:
    """The method of that kind with these knobs and parameters."""
    try:
        chosen = kind.Knobs.of(kind.name, knobs)
        method = kind.unstarted(lm.geometry, kind.asked_with(chosen, plain), chosen, seed=0)
    except ValueError as error:
        raise ValueError(f"The adapter in {adapter.folder} cannot be had here: {error}") from error
    method.load_state_dict(tensors, assign=True)
    method.fingerprint = lm.fingerprint
    method.recall(lm, ())
    return method.to(lm.device)


def plain_question(task: Task | None, answers: int = 0) -> Asked:
    """What is asked by a task, or by a text alone."""
    if task is None:
        labels = tuple(f"LABEL_{number}" for number in range(answers))
        return Asked("a PEFT adapter", Template("{x}{y}"), labels)
    return Asked(task.name, task.template, task.verbalizer.words if task.verbalizer else ())


def embeddings(adapter: AdapterFiles, lm: Backbone, width: int) -> Tensor:
    """`prompt_embeddings`, [virtual tokens, width]."""
    shape = [adapter.of("num_virtual_tokens", int), width]
    check_shape(adapter, lm, PROMPT, shape)
    return adapter.tensors[PROMPT]


def check_shape(adapter: AdapterFiles, lm: Backbone, name: str, shape: list[int]) -> None:
    found = list(adapter.tensors[name].shape)
    if found != shape:
        raise ValueError(
            f"The adapter in {adapter.folder} does not fit {lm.name}: {name} is {found}, and here "
            f"it is {shape}; load the model that it was made for."
        )


def read_prompt(adapter: AdapterFiles, lm: Backbone, task: Task | None) -> Method:
    """Virtual tokens, in front of the start token if the tokenizer puts one first."""
    check_names(adapter, [PROMPT])
    prompt = embeddings(adapter, lm, lm.geometry.hidden) / embed_scale(lm.geometry)
    plain = plain_question(task)
    start = "".join(lm.tokenizer.convert_ids_to_tokens(around(lm.tokenizer)[0]))
    text = plain.template.text if start in plain.template.text else start + plain.template.text
    if adapter.config["peft_type"] == "P_TUNING":
        knobs = {"template": f"{{soft:{len(prompt)}}}{text}", "encoder": "none"}
        return made(PTuning, adapter, lm, plain, knobs, {"slots.values": prompt})
    about = {"template": text, "prompt_length": len(prompt)}
    return made(PromptTuning, adapter, lm, plain, about, {"prompt.values": prompt})


def read_prefix(adapter: AdapterFiles, lm: Backbone, task: Task | None) -> Method:
    """Keys and values of every layer, and a head where labels are chosen by one."""
    head = [HEAD] if adapter.config.get("task_type") == "SEQ_CLS" else []
    check_names(adapter, [PROMPT, *head])
    prefix = embeddings(adapter, lm, lm.geometry.layers * 2 * lm.geometry.kv_width)
    knobs, tensors = {"prefix_length": len(prefix)}, {"prefix.values": prefix}
    if not head:
        return made(PrefixTuning, adapter, lm, plain_question(task), knobs, tensors)
    rows = adapter.tensors[HEAD]
    plain = plain_question(task, len(rows))
    check_shape(adapter, lm, HEAD, [max(2, len(plain.answers)), lm.geometry.hidden])
    tensors["head.values"] = torch.nn.functional.pad(rows, (0, 1))  # without a bias
    return made(PTuningV2, adapter, lm, plain, knobs, tensors)


def read_cartridge(adapter: AdapterFiles, lm: Backbone, task: Task | None) -> Method:
    """As a prefix, of which the first positions are not trained."""
    check_names(adapter, [PROMPT])
    size = lm.geometry
    flat = embeddings(adapter, lm, size.layers * 2 * size.kv_width)
    apart = flat.view(len(flat), size.layers, 2, size.kv_heads, size.head_dim)
    # -> [2, layers, 1, kv_heads, prefix, head_dim]
    both = apart.permute(2, 1, 3, 0, 4)[:, :, None].contiguous()
    frozen = adapter.of("num_frozen_tokens", int)
    tensors = {"first": both[..., :frozen, :].clone(), "others": both[..., frozen:, :].clone()}
    knobs = {"prefix_length": len(flat), "frozen": frozen}
    return made(Cartridge, adapter, lm, plain_question(task), knobs, tensors)


def read_lora(adapter: AdapterFiles, lm: Backbone, task: Task | None) -> Method:
    """A change B A of each map that has one."""
    check_plain(adapter)
    rank, every = adapter.of("r", int), lm.geometry.linear_maps
    parts = [re.fullmatch(CHANGE.format("(.+)", "[AB]"), at) for at in adapter.tensors]
    names = {part[1] for part in parts if part}
    check_names(adapter, [CHANGE.format(name, end) for name in names for end in "AB"])
    if not names or (other := sorted(names - every.keys())):
        what = shortened(other[0], 120) if names else "nothing"
        raise foreign(adapter, f"changes {what}, no linear map of a layer of {lm.name}")
    tensors = {}
    for number, name in enumerate(name for name in every if name in names):
        width = every[name]
        inside = lm.geometry.shapes[f"{name}.weight"].numel() // width
        for end, part, shape in (("A", "down", [rank, inside]), ("B", "up", [width, rank])):
            own = CHANGE.format(name, end)
            check_shape(adapter, lm, own, shape)
            tensors[f"changes.{number}.{part}.weight"] = adapter.tensors[own]
    alpha = adapter.config.get("lora_alpha")
    if adapter.config.get("use_rslora") and isinstance(alpha, int | float):
        alpha = alpha * sqrt(rank)  # it scales by alpha / sqrt(r) (Kalajdzievski 2023)
    knobs = {"rank": rank, "alpha": alpha, "maps": maps_knob(names, every)}
    return made(LoRA, adapter, lm, plain_question(task), knobs, tensors)


# What does not change what a trained LoRA computes.
HARMLESS = {
    *("peft_type", "peft_version", "task_type", "base_model_name_or_path", "revision"),
    *("inference_mode", "auto_mapping", "r", "lora_alpha", "lora_dropout", "use_rslora"),
    *("target_modules", "exclude_modules", "layers_to_transform", "layers_pattern"),
    *("fan_in_fan_out", "megatron_core", "qalora_group_size"),
}


def check_plain(adapter: AdapterFiles) -> None:
    """Raise a ValueError where a setting makes something else of the change than B A x."""
    fine = {"bias": ("none",), "init_lora_weights": (True, "gaussian")}
    for name, value in adapter.config.items():
        if value and name not in HARMLESS and value not in fine.get(name, ()):
            raise ValueError(
                f"The LoRA in {adapter.folder} has {shortened(name)} = {shortened(value)}, which "
                "no method here computes; merge it into its model with PEFT (merge_and_unload) and "
                "load that model."
            )


def maps_knob(names: set[str], every: dict[str, int]) -> str:
    """The maps as the knob of `LoRA` has them: all, the ends of their names, or their names."""
    ends = {name.rpartition(".")[2] for name in names}
    if names == every.keys():
        return "all"
    alike = {name for name in every if name.rpartition(".")[2] in ends}
    return ",".join(sorted(ends if alike == names else names))


READERS: dict[str, Callable[[AdapterFiles, Backbone, Task | None], Method]] = {
    "PROMPT_TUNING": read_prompt,
    "P_TUNING": read_prompt,
    "PREFIX_TUNING": read_prefix,
    "CARTRIDGE": read_cartridge,
    "LORA": read_lora,
}
