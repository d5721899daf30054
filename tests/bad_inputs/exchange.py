"""Mistakes with what goes to PEFT, to transformers and to the Hub, and what comes from there."""

import errno
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from datasets import DatasetDict
from huggingface_hub import HfApi
from safetensors.torch import load_file, save_file

import prefixlab as pl
from bad_inputs import Given, Mistakes
from bad_inputs.files import NOWHERE
from prefixlab import Task
from prefixlab.exchange import adapter_files, hub
from prefixlab.exchange.adapter_files import CONFIG, PICKLE, WEIGHTS

PROMPT = {"prompt_length": 3}
LORA = {"rank": 2, "maps": "c_attn"}


def out(name: str, **knobs: Any) -> Callable[[Given], Any]:
    """Write a method of this kind for PEFT."""
    return lambda at: pl.to_peft(at.create(name, **knobs), at.folder / "adapter")


def not_finite(at: Given) -> Any:
    method = at.create("prompt_tuning")
    method.prompt.values.data[0] = float("nan")
    return pl.to_peft(method, at.folder)


def to_a_file(at: Given) -> Any:
    (at.folder / "file").touch()
    return pl.to_peft(at.create("prompt_tuning"), at.folder / "file")


def to_a_full_disk(at: Given) -> Any:
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with patch.object(adapter_files, "save_file", side_effect=error):
        return pl.to_peft(at.create("prompt_tuning"), at.folder)


def back(
    change: Callable[[Path], Any] = lambda folder: None,
    name: str = "prompt_tuning",
    knobs: dict[str, Any] = PROMPT,
    **settings: Any,
) -> Callable[[Given], Any]:
    """Read an adapter in which something was changed; a setting that is None is left out."""

    def mistake(at: Given) -> Any:
        folder = pl.to_peft(at.create(name, **knobs), at.folder / "adapter")
        about = json.loads((folder / CONFIG).read_text()) | settings
        about = {name: value for name, value in about.items() if value is not None}
        (folder / CONFIG).write_text(json.dumps(about))
        change(folder)
        return pl.from_peft(folder, at.lm)

    return mistake


def says(name: str, content: bytes) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_bytes(content)


def without(name: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).unlink()


def tensors(**changes: Any) -> Callable[[Path], None]:
    """Other tensors; None takes one away."""

    def change(folder: Path) -> None:
        found = load_file(folder / WEIGHTS) | {n.replace("__", "."): v for n, v in changes.items()}
        kept = {name: value for name, value in found.items() if value is not None}
        save_file(kept, folder / WEIGHTS)

    return change


def pickled(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / PICKLE).write_bytes(pickle.dumps({}))


def of_another_model(at: Given) -> Any:
    folder = pl.to_peft(pl.PrefixTuning(at.other, at.task), at.folder / "adapter")
    return pl.from_peft(folder, at.lm)


def a_head(rows: int, at: Given, task: Any = None) -> Any:
    method = at.create("p_tuning_v2")
    method.head.values.data[:, -1] = 0
    folder = pl.to_peft(method, at.folder / "adapter")
    tensors(base_model__score__weight=torch.zeros(rows, 32))(folder)
    return pl.from_peft(folder, at.lm, task)


EMBEDDED = "base_model__model__transformer__wte__lora_A__weight"
EMBEDDED_B = "base_model__model__transformer__wte__lora_B__weight"


def no_hub(act: Callable[[Given], Any]) -> Callable[[Given], Any]:
    """Do something where no Hub answers."""

    def mistake(at: Given) -> Any:
        where = {"api": HfApi(endpoint=NOWHERE, token="hf_mine")}
        gone = OSError("Connection refused")
        with (
            patch.object(hub, "HfApi", lambda: where["api"]),
            patch.object(hub, "hf_hub_download", side_effect=gone),
            patch.dict(os.environ, {"NO_PROXY": "127.0.0.1"}),
        ):
            return act(at)

    return mistake


def other_run(at: Given) -> Any:
    run = at.train("lora", {"rank": 1}, steps=1)
    return pl.push_to_hub(at.create("lora"), "mine/films", training=run)


MISTAKES: Mistakes = {
    # Data that are there already.
    "data that are none": (
        lambda _: Task.from_datasets([("dull", 0)], text="x", label="y"),  # type: ignore[arg-type]
        ["data holds list", "give a DatasetDict"],
    ),
    "data without a split": (
        lambda _: Task.from_datasets(DatasetDict(), text="x", label="y"),
        ["data holds nothing"],
    ),
    "data that are streamed": (
        lambda at: Task.from_datasets(at.task.train.to_iterable_dataset(), text="x", label="y"),  # type: ignore[arg-type]
        ["data holds IterableDataset", "without streaming"],
    ),
    "data of another column": (
        lambda at: Task.from_datasets(at.task.train, text="x", label="z"),
        ["own data has no column 'z'"],
    ),
    # The Hub.
    "a repository without an owner": (
        lambda at: pl.push_to_hub(at.create("lora"), "films"),
        ["'films' is no repository", "mine/warm-films"],
    ),
    "a repository that is a path": (
        lambda at: pl.push_to_hub(at.create("lora"), "../x/films"),
        ["'../x/films' is no repository"],
    ),
    "a push to no Hub": (
        no_hub(lambda at: pl.push_to_hub(at.create("prompt_tuning"), "mine/films")),
        ["mine/films cannot be written to", "hf auth login"],
    ),
    "a push with another run": (other_run, ["of another method than this lora"]),
    "a push with no result": (
        lambda at: pl.push_to_hub(at.create("lora"), "mine/films", result=0.9),  # type: ignore[arg-type]
        ["result is of type float", "evaluate"],
    ),
    "a push with no run": (
        lambda at: pl.push_to_hub(at.create("lora"), "mine/films", training=[]),  # type: ignore[arg-type]
        ["training is of type list", "train returned"],
    ),
    "a method from no Hub": (
        no_hub(lambda at: pl.from_hub("mine/films", at.lm)),
        ["mine/films has no method", "Connection refused", "from_peft"],
    ),
    "a method from a number": (lambda at: pl.from_hub(7, at.lm), ["7 is no repository"]),  # type: ignore[arg-type]
    "a method from an empty folder": (
        lambda at: pl.from_hub(at.folder, at.lm),
        ["method.safetensors cannot be read as a checkpoint"],
    ),
    # What PEFT cannot say.
    "no method for PEFT": (lambda at: pl.to_peft("mine", at.folder), ["not a Method"]),  # type: ignore[arg-type]
    "a gate": (out("gated_prefix"), ["gated_prefix", "keep it with save", "cartridge, lora"]),
    "an infix": (out("infix"), ["no adapter that computes what infix does"]),
    "a prompt of words": (out("discrete_prompt"), ["discrete_prompt", "keep it with save"]),
    "slots around x": (
        out("p_tuning", template="{soft:2}{x}{soft:2} It was {y}"),
        ["'{soft:2}{x}{soft:2} It was {y}'", "{soft:4}{x}"],
    ),
    "slots behind a word": (out("p_tuning", template="So {soft:2}{x}: {y}"), ["in front"]),
    "a prefix in some layers": (
        out("prefix_tuning", layers="0,2"),
        ["layers='0,2'", "layers='all'"],
    ),
    "a head of p_tuning_v2 in some layers": (out("p_tuning_v2", layers="last:1"), ["last:1"]),
    # What cannot be steered.
    "steering a head": (
        lambda at: pl.steer(at.lm, at.create("linear_probe")),
        ["linear_probe answers by a trained head"],
    ),
    "steering slots behind x": (
        lambda at: pl.steer(at.lm, at.create("infix")),
        ["stand elsewhere", "keep it with save"],
    ),
    "steering another model": (
        lambda at: pl.steer(at.other, at.create("lora")),
        ["made for tiny-gpt2, not for tiny-llama"],
    ),
    "steering without a method": (lambda at: pl.steer(at.lm, None), ["not a Method"]),  # type: ignore[arg-type]
    # Where it is to be written.
    "no folder": (lambda at: pl.to_peft(at.create("lora"), ""), ["path=''", "my-adapter"]),
    "a folder that is a file": (to_a_file, ["file cannot be used", "choose another folder"]),
    "a full disk for an adapter": (to_a_full_disk, ["is full", "choose another folder"]),
    "a prompt that is not finite": (not_finite, ["prompt_embeddings", "lower learning rate"]),
    # What is no adapter.
    "an adapter from nowhere": (
        lambda at: pl.from_peft(at.folder / "none", at.lm),
        ["none is no folder of a PEFT adapter", CONFIG],
    ),
    "an adapter from a number": (lambda at: pl.from_peft(7, at.lm), ["path=7"]),  # type: ignore[arg-type]
    "an adapter for no backbone": (lambda at: pl.from_peft(at.folder, "gpt2"), ["a backbone"]),  # type: ignore[arg-type]
    "an adapter for no task": (
        lambda at: pl.from_peft(at.folder, at.lm, "films"),  # type: ignore[arg-type]
        ["not a Task"],
    ),
    "an adapter without weights": (back(without(WEIGHTS)), [f"no {WEIGHTS}"]),
    "an adapter in a pickle": (back(pickled), [PICKLE, "can run code", "is not read"]),
    "a configuration that is no JSON": (back(says(CONFIG, b"{")), ["cannot be read", "check"]),
    "a configuration in no UTF-8": (back(says(CONFIG, b"\xff{}")), ["cannot be read"]),
    "a configuration nested too deep": (back(says(CONFIG, b"[" * 99999)), ["cannot be read"]),
    "a configuration that is a list": (back(says(CONFIG, b"[]")), ["no JSON object"]),
    "a configuration of many megabytes": (
        back(says(CONFIG, b" " * 2**25)),
        ["33554432 bytes that are no weights"],
    ),
    "weights of nothing": (back(says(WEIGHTS, b"")), ["cannot be read"]),
    "weights with an endless header": (back(says(WEIGHTS, b"\xff" * 99)), ["bytes that are no"]),
    "weights cut in the middle": (
        back(lambda folder: os.truncate(folder / WEIGHTS, 200)),
        ["cannot be read", "save_pretrained"],
    ),
    "weights that are no numbers": (
        back(tensors(prompt_embeddings=torch.full((3, 32), float("inf")))),
        ["'prompt_embeddings' is not finite"],
    ),
    # What no method here computes.
    "an adapter of no kind": (back(peft_type=None), ["its peft_type is None, no str"]),
    "an adapter of another kind": (back(peft_type="IA3"), ["'IA3'", "read are PROMPT_TUNING"]),
    "an adapter for tags": (back(task_type="TOKEN_CLS"), ["'TOKEN_CLS'", "no method here"]),
    "a prompt with a head": (back(task_type="SEQ_CLS"), ["PROMPT_TUNING for the task 'SEQ_CLS'"]),
    "an adapter without its tensor": (
        back(tensors(prompt_embeddings=None, mine=torch.zeros(1))),
        ["the tensor 'mine'"],
    ),
    "an adapter with one more": (back(tensors(mine=torch.zeros(1))), ["has the tensor 'mine'"]),
    "a prompt of unknown length": (back(num_virtual_tokens=None), ["num_virtual_tokens is None"]),
    "a prompt of another length": (back(num_virtual_tokens=9), ["[3, 32]", "[9, 32]"]),
    "a prompt that is too long": (
        back(tensors(prompt_embeddings=torch.zeros(201, 32)), num_virtual_tokens=201),
        ["cannot be had here", "prompt_length=201", "from 1 to 200"],
    ),
    "an adapter of another model": (of_another_model, ["does not fit tiny-gpt2", "[10, 192]"]),
    "a cartridge all frozen": (
        back(name="cartridge", knobs={"prefix_length": 3}, num_frozen_tokens=3),
        ["frozen=3 leaves none of 3"],
    ),
    "a head of one row": (lambda at: a_head(1, at), ["[1, 32]", "[2, 32]"]),
    "a head for other answers": (lambda at: a_head(3, at, at.task), ["[3, 32]", "[2, 32]"]),
    "a LoRA with a magnitude": (
        back(name="lora", knobs=LORA, use_dora=True),
        ["'use_dora' = True"],
    ),
    "a LoRA on a changed model": (
        back(name="lora", knobs=LORA, init_lora_weights="pissa"),
        ["'init_lora_weights' = 'pissa'", "merge_and_unload"],
    ),
    "a LoRA with biases": (back(name="lora", knobs=LORA, bias="all"), ["'bias' = 'all'"]),
    "a LoRA of a later PEFT": (back(name="lora", knobs=LORA, new=[1]), ["'new' = [1]"]),
    "a LoRA without a rank": (back(name="lora", knobs=LORA, r=None), ["its r is None, no int"]),
    "a LoRA of another rank": (back(name="lora", knobs=LORA, r=3), ["[2, 32]", "[3, 32]"]),
    "a LoRA without alpha": (back(name="lora", knobs=LORA, lora_alpha=None), ["alpha must be"]),
    "a LoRA of embeddings": (
        back(tensors(**{EMBEDDED: torch.zeros(2, 9), EMBEDDED_B: torch.zeros(9, 2)}), "lora", LORA),
        ["'transformer.wte', no linear map of a layer"],
    ),
    "a LoRA of one half": (
        back(tensors(**{EMBEDDED: torch.zeros(2, 9)}), "lora", LORA),
        ["lacks the tensor 'base_model.model.transformer.wte.lora_B.weight'"],
    ),
}
