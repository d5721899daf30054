"""Loading: a frozen model by its name, held to what `transformers` itself computes with it.

`load` takes causal models, encoders and encoder-decoders alike. Nothing that a folder of a model
contains is run: no code that its configuration names, and no pickle.
"""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
import torch
from huggingface_hub import constants, snapshot_download, try_to_load_from_cache
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    PretrainedConfig,
)
from transformers.utils import logging

from prefixlab.arguments import one_of, shortened, text
from prefixlab.data import assets
from prefixlab.models.backbone import Backbone
from prefixlab.models.encoder import Encoder
from prefixlab.models.encoder_decoder import EncoderDecoder, check_kind
from prefixlab.models.geometry import is_encoder
from prefixlab.models.verification import verify
from prefixlab.models.weights import check_weights, in_dtype

HUB_NAMES = {
    "gpt2": "openai-community/gpt2",
    "gpt2-medium": "openai-community/gpt2-medium",
    "t5-small": "google-t5/t5-small",
    "bart-base": "facebook/bart-base",
}
ASSETS = {"smollm2": assets.SMOLLM2, "minilm": assets.MINILM}
NAMES = ("gpt2", "gpt2-medium", *ASSETS, "t5-small", "bart-base")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class NotLoaded(ValueError):
    """A backbone that cannot be had or is not served, with the reason and the way out."""


def load(
    name: str | Path | None = None,
    dtype: str = "auto",
    device: str | torch.device = "auto",
    target_start: str = "",
) -> Backbone:
    """Load a frozen backbone: a causal model, an encoder or an encoder-decoder.

    Parameters
    ----------
    name
        "gpt2", "gpt2-medium", "t5-small" or "bart-base" (from the Hub or its cache), "smollm2" or
        the encoder "minilm" (from packages of the package index), any other model of the Hub with
        its owner ("Qwen/Qwen3-0.6B"), or the folder of a local model (`~` is your home).
        Without a name: `PREFIXLAB_BACKBONE`, else GPT-2 small where it is cached or the Hub
        answers, else SmolLM2. What was chosen, how fast it reads here, and why, is printed in one
        line.
    dtype
        "float32", "bfloat16", or "auto": what `PREFIXLAB_DTYPE` says, else bfloat16 where the
        processor or GPU computes it fast.
    device
        "auto", "cpu", "cuda", "cuda:1", "mps", or a `torch.device`.
    target_start
        For an encoder-decoder, see `EncoderDecoder`.

    Raises
    ------
    ValueError
        An unknown name, dtype or device; a model that cannot be had, or whose logits are not those
        that transformers computes with it; `assets.AssetError` if an asset cannot be had.
    """
    place = pick_device(device)
    kind = pick_dtype(dtype, place)
    text("target_start", target_start)
    if name is not None:
        backbone, why = open_backbone(name, kind, place, target_start), "as asked"
    else:
        chosen, why = choose()
        try:
            backbone = open_backbone(chosen, kind, place, target_start)
        except NotLoaded as error:
            if chosen != "gpt2":
                raise
            backbone, why = open_backbone("smollm2", kind, place, target_start), f"as {error}"
    speed = f"{backbone.tokens_per_second:.0f} tokens a second"
    print(f"Backbone {backbone}, {speed} ({why})")
    return backbone


def choose() -> tuple[str, str]:
    """The name of the backbone to use where none was asked for, and the reason."""
    if name := os.environ.get("PREFIXLAB_BACKBONE"):
        return name, "set by PREFIXLAB_BACKBONE"
    if try_to_load_from_cache(HUB_NAMES["gpt2"], "model.safetensors"):
        return "gpt2", "found in the Hub's cache"
    if hub_answers():
        return "gpt2", "the Hub answers"
    return "smollm2", "no model hub in reach"


def hub_answers(seconds: float = 3.0) -> bool:
    """Whether the Hub itself answers, not the login page of a network that answers everything."""
    if constants.is_offline_mode():
        return False
    url = f"{constants.ENDPOINT}/{HUB_NAMES['gpt2']}/resolve/main/config.json"
    try:
        return bool(requests.get(url, timeout=seconds).json()["model_type"] == "gpt2")
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return False


def open_backbone(
    asked: str | Path, dtype: torch.dtype, device: torch.device, target_start: str = ""
) -> Backbone:
    """The backbone, checked against transformers' own."""
    folder, name = find(asked)
    logging.disable_progress_bar()  # loading is quicker than the bar; downloads have their own
    check_code(name, folder)
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # whatever a folder's files make of transformers' readers
        raise unavailable(asked, error) from error
    check_config(name, config)
    backbone: type[Backbone]
    architecture: Any
    if config.is_encoder_decoder:
        check_kind(name, config)
        backbone, architecture = EncoderDecoder, AutoModelForSeq2SeqLM
    elif is_encoder(config):
        backbone, architecture = Encoder, AutoModel
    else:
        backbone, architecture = Backbone, AutoModelForCausalLM
    check_weights(name, folder)
    safe = {"trust_remote_code": False}
    try:
        # Several kernels on one machine share these pages: safetensors maps them from the file.
        model, found = architecture.from_pretrained(
            in_dtype(folder, dtype),
            config=config,
            dtype=dtype,
            use_safetensors=True,
            output_loading_info=True,
            **safe,
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, **safe)
    except Exception as error:
        raise unavailable(asked, error) from error
    # BERT's pooler is not read; whatever else is missing would have been drawn at random.
    if missing := sorted(key for key in found["missing_keys"] if not key.startswith("pooler.")):
        raise NotLoaded(
            f"The files of {name} have no weights for {len(missing)} parts of a "
            f"{type(model).__name__} ({missing[0]}); take a folder that was saved with all of them."
        )
    model.to(device)
    options = {"target_start": target_start} if config.is_encoder_decoder else {}
    lm = backbone(name, model, tokenizer, **options)
    try:
        differs = verify(lm)
    except Exception as error:  # of a family that cannot be run as this package runs it
        differs = f"it does not run as this package runs a model ({first_line(error)})"
    if differs:
        raise not_served(name, config, differs)
    return lm


def find(asked: str | Path) -> tuple[Path, str]:
    """The folder of a model's files, fetched where it has to be, and the name to call it by."""
    if not isinstance(asked, str | Path) or not str(asked).strip():
        raise NotLoaded(f"name={asked!r} is no name of a model; choose {', '.join(NAMES)}.")
    folder = Path(asked).expanduser()
    if asked in ASSETS:
        return assets.fetch(ASSETS[asked]), asked
    if folder.is_dir() and asked not in HUB_NAMES:
        return folder, folder.resolve().name
    repository = HUB_NAMES.get(str(asked), str(asked))
    if not re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", repository):
        raise NotLoaded(
            f"Unknown backbone {str(asked)!r}; choose {', '.join(NAMES)}, a model of the Hub with "
            "its owner (Qwen/Qwen3-0.6B), or the folder of a local model."
        )
    wanted = ["*.json", "model*.safetensors", "*.txt", "*.model"]  # no code, and no pickle
    try:
        found = snapshot_download(repository, allow_patterns=wanted, ignore_patterns=["*/*"])
    except Exception as error:  # of the network, of the Hub, of what answers in its place
        raise unavailable(asked, error) from error
    return Path(found), Path(str(asked)).name


def check_code(name: str, folder: Path) -> None:
    """Raise a ValueError if a model is nothing without code of its own.

    Where transformers knows the family its own code is taken, whatever the folder brings.
    """
    try:
        settings = json.loads((folder / "config.json").read_text())
        unknown = settings.get("model_type") not in CONFIG_MAPPING
    except (OSError, ValueError, AttributeError):
        return  # transformers says what is wrong with the file
    if settings.get("auto_map") and unknown:
        raise NotLoaded(
            f"The folder of {name} brings code of its own (auto_map in config.json), which is not "
            "run; take a model of a family that transformers itself knows."
        )


def check_config(name: str, config: PretrainedConfig) -> None:
    """Raise a ValueError if a family is not served, or if the weights are no plain numbers."""
    if getattr(config, "quantization_config", None):
        raise NotLoaded(
            f"The weights of {name} are quantized (quantization_config in config.json), and "
            "nothing could be trained through them; take the same model in bfloat16 or float32."
        )
    if lacking := lacks(config):
        raise not_served(name, config, lacking)


def lacks(config: PretrainedConfig) -> str:
    """What keeps a family from being served, by its configuration; nothing for most."""
    if not getattr(config, "num_attention_heads", None):
        return "it has no attention layers, whose keys and values a prefix could be"
    if hasattr(config, "get_text_config") and config.get_text_config() is not config:
        return "its language model is a part of a larger one"
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if other := sorted(kinds - {"full_attention", "sliding_attention"}):
        return f"it has layers of the kind {other[0]}, which do not keep keys and values"
    return ""


def not_served(name: str, config: PretrainedConfig, why: str) -> NotLoaded:
    return NotLoaded(
        f"{name} is a {config.model_type} model and is not served: {why}; docs/models.md lists "
        "the families that are."
    )


def unavailable(name: str | Path, error: Exception) -> NotLoaded:
    return NotLoaded(
        f"The backbone {str(name)!r} cannot be loaded ({first_line(error)}); connect to the Hub, "
        "choose 'smollm2', or name the folder of a local causal model, BERT, T5 or BART."
    )


def first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return shortened(lines[0], 160).strip("'\"").rstrip(".:")


def pick_device(device: str | torch.device) -> torch.device:
    """The device of that name, if this machine has it."""
    available: dict[str, Callable[[], int]] = {
        "cuda": torch.cuda.device_count,
        "mps": lambda: int(torch.backends.mps.is_available()),
        "cpu": lambda: 1,
    }
    here = [name for name, count in available.items() if count()]
    if device == "auto":
        return torch.device(here[0])
    try:
        asked = torch.device(device)
    except (RuntimeError, TypeError):
        asked = torch.device("meta")  # which is nowhere
    if asked.type not in here or (asked.index or 0) >= available[asked.type]():
        raise ValueError(f"device={str(device)!r} is not here; choose auto or {', '.join(here)}.")
    return asked


def pick_dtype(dtype: str, device: torch.device) -> torch.dtype:
    one_of("dtype", dtype, ("auto", *DTYPES))
    if dtype == "auto":
        wished = os.environ.get("PREFIXLAB_DTYPE") or "auto"
        dtype = one_of("PREFIXLAB_DTYPE", wished, ("auto", *DTYPES))
    if dtype == "auto":
        return torch.bfloat16 if computes_bfloat16(device) else torch.float32
    return DTYPES[dtype]


def computes_bfloat16(device: torch.device) -> bool:
    """Whether the processor has instructions for bfloat16; without them it is slower than fp32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = torch.cpu.get_capabilities()
    flags = ("amx_bf16", "avx512_bf16", "bf16")
    return device.type == "cpu" and any(able.get(flag) for flag in flags)
