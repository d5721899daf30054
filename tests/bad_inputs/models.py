"""Mistakes with models, their folders and their tokenizers."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import byte_pairs, special, word_pieces
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    BertConfig,
    BertModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

import prefixlab as pl
from bad_inputs import Given, Mistakes
from prefixlab import Backbone, Encoder, EncoderDecoder
from prefixlab.models.loading import pick_dtype

SMALL = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 8, "intermediate_size": 8}


def folder_of(at: Given) -> Path:
    """The model at hand in a folder."""
    at.lm.model.save_pretrained(at.folder / "mine")
    at.lm.tokenizer.save_pretrained(at.folder / "mine")
    return at.folder / "mine"


def opened(folder: Path) -> Backbone:
    return pl.load(folder, dtype="float32", device="cpu")


def damaged(damage: Callable[[Path], Any]) -> Callable[[Given], Backbone]:
    """A folder of which one thing is wrong."""

    def mistake(at: Given) -> Backbone:
        folder = folder_of(at)
        damage(folder)
        return opened(folder)

    return mistake


def cut(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def pointer(folder: Path) -> None:
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 548105171\n"
    (folder / "model.safetensors").write_text(text)


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def pickles(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def without_a_part(folder: Path) -> None:
    kept = load_file(folder / "model.safetensors")
    del kept["transformer.h.0.ln_1.weight"]
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def without_a_shard(folder: Path) -> None:
    index = {"weight_map": {"transformer.wte.weight": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def without_tokenizer(folder: Path) -> None:
    for file in folder.glob("tokenizer*"):
        file.unlink()


def of_another_shape(folder: Path) -> None:
    kept = load_file(folder / "model.safetensors")
    kept["transformer.wte.weight"] = kept["transformer.wte.weight"][:, :16].contiguous()
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def settings(**changed: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changed))

    return change


def written(name: str, content: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_text(content)


def family(kind: str, **sizes: Any) -> Callable[[Given], Backbone]:
    """A random model of a family that is not served."""

    def mistake(at: Given) -> Backbone:
        tokenizer = byte_pairs()
        config = AutoConfig.for_model(kind, **special(tokenizer), **SMALL | sizes)
        AutoModelForCausalLM.from_config(config).save_pretrained(at.folder / "mine")
        tokenizer.save_pretrained(at.folder / "mine")
        return opened(at.folder / "mine")

    return mistake


def beside(at: Given, tokenizer: PreTrainedTokenizerFast) -> Backbone:
    return Backbone("mine", at.lm.model, tokenizer)


def without_end() -> PreTrainedTokenizerFast:
    tokenizer = byte_pairs()
    tokenizer.eos_token = None
    return tokenizer


def with_words(*words: str) -> PreTrainedTokenizerFast:
    tokenizer = byte_pairs()
    tokenizer.add_tokens(list(words))
    return tokenizer


def encoder(tokenizer: PreTrainedTokenizerFast) -> Encoder:
    small = BertConfig(vocab_size=len(word_pieces()), **SMALL)
    return Encoder("mine", BertModel(small), tokenizer)


def t5() -> EncoderDecoder:
    tokenizer = byte_pairs(ends=True)
    sizes = {"d_model": 8, "d_kv": 4, "num_heads": 2, "num_layers": 1, "d_ff": 8}
    config = T5Config(**special(tokenizer), decoder_start_token_id=0, **sizes)
    return EncoderDecoder("mine", T5ForConditionalGeneration(config), tokenizer)


def closed(at: Given) -> Backbone:
    return family("bloom")(at)


def experts(at: Given) -> Backbone:
    more = {"num_local_experts": 2, "num_experts_per_tok": 1, "num_key_value_heads": 2}
    return family("mixtral", **more)(at)


def checkpointed(at: Given) -> Any:
    lm = Backbone("mine", deepcopy(at.lm.model), at.lm.tokenizer)
    lm.model.activation_checkpointing_enable()
    return lm.next_tokens("dull")


def of_environment(at: Given) -> torch.dtype:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFIXLAB_DTYPE", "half")
        return pick_dtype("auto", torch.device("cpu"))


MISTAKES: Mistakes = {
    # Names, devices, precisions.
    "no name": (lambda at: pl.load(""), ["''", "gpt2", "smollm2"]),
    "a number for a name": (lambda at: pl.load(7), ["7", "smollm2"]),  # type: ignore[arg-type]
    "folder that is not there": (lambda at: pl.load("~/no/such/model"), ["~/no/such", "folder"]),
    "file for a folder": (lambda at: pl.load(__file__), ["models.py", "folder of a local model"]),
    "second GPU": (lambda at: pl.load("smollm2", device="cuda:77"), ["'cuda:77'", "auto", "cpu"]),
    "device of no kind": (lambda at: pl.load("smollm2", device="GPU 0"), ["'GPU 0'", "auto"]),
    "nowhere": (lambda at: pl.load("smollm2", device=torch.device("meta")), ["'meta'", "cpu"]),
    "dtype of torch": (
        lambda at: pl.load("smollm2", dtype=torch.float32),  # type: ignore[arg-type]
        ["torch.float32", "auto, float32, bfloat16"],
    ),
    "dtype of the environment": (of_environment, ["PREFIXLAB_DTYPE='half'", "auto, float32"]),
    "start of a target": (lambda at: pl.load("smollm2", target_start=3), ["target_start", "int"]),  # type: ignore[arg-type]
    # Folders.
    "cut weights": (damaged(cut), ["model.safetensors of mine", "cut or damaged", "again"]),
    "pointer of git-lfs": (damaged(pointer), ["model.safetensors of mine", "git lfs pull"]),
    "no weights": (damaged(without_weights), ["mine", "has none", "save_pretrained"]),
    "pickled weights": (damaged(pickles), ["pickles alone", "can run code", "save_pretrained"]),
    "part of the weights": (damaged(without_a_part), ["1 parts", "transformer.h.0.ln_1.weight"]),
    "part of the files": (damaged(without_a_shard), ["model-00002-of-00002", "save_pretrained"]),
    "weights of another shape": (damaged(of_another_shape), ["'", "mine", "local causal model"]),
    "no tokenizer": (damaged(without_tokenizer), ["mine", "knows no words"]),
    "configuration of no JSON": (damaged(written("config.json", "{")), ["config.json"]),
    "configuration of a list": (damaged(written("config.json", "[]")), ["mine"]),
    "unknown kind": (damaged(settings(model_type="gpt9")), ["mine", "gpt9"]),
    "code of its own": (
        damaged(settings(model_type="gpt9", auto_map={"AutoConfig": "a.B"})),
        ["auto_map", "is not run", "transformers itself"],
    ),
    "four bits": (
        damaged(
            settings(quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True})
        ),
        ["quantized", "quantization_config", "bfloat16 or float32"],
    ),
    # Families.
    "no attention": (family("mamba", state_size=4), ["mamba", "not served", "docs/models.md"]),
    "sinks": (
        family("gpt_oss", num_local_experts=2, num_experts_per_tok=1, num_key_value_heads=2),
        ["gpt_oss", "sinks", "docs/models.md"],
    ),
    "linear attention": (
        family("qwen3_next", num_hidden_layers=4, num_experts=2, num_key_value_heads=2),
        ["qwen3_next", "linear_attention", "docs/models.md"],
    ),
    "slots of P-tuning v2 in BLOOM": (
        lambda at: closed(at).attention_weights(torch.tensor([[5]])),
        ["mine", "attention in a way of their own", "another model"],
    ),
    "some layers of BLOOM": (
        lambda at: pl.predict(
            lm := family("bloom", num_hidden_layers=2)(at),
            pl.create("prefix_tuning", lm, at.task, layers="0"),
            at.task,
            ["dull"],
        ),
        ["mine", "one prefix for all layers"],
    ),
    "adapters behind experts": (
        lambda at: pl.create("adapters", experts(at), at.task),
        ["mine", "adapters", "bias_only"],
    ),
    "checkpointing": (checkpointed, ["Gradient checkpointing", "activation_checkpointing_disable"]),
    # Model and tokenizer.
    "no end": (lambda at: beside(at, without_end()), ["mine", "eos_token", "None"]),
    "more words than rows": (
        lambda at: beside(at, with_words("film!", "reel!")),
        ["mine", "tokens up to number 385", "embeds 384", "resize_token_embeddings"],
    ),
    "encoder with another tokenizer": (
        lambda at: encoder(byte_pairs()),
        ["mine", "[CLS] and [SEP]", "trained with"],
    ),
    "text longer than T5 takes": (
        lambda at: t5().prefill(*t5().pad([[5] * 5000])),
        ["5000 positions", "4096", "shorten"],
    ),
}
