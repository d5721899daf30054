"""The two files of a PEFT adapter, read and written without PEFT.

    adapter_config.json          of what kind it is, and its settings
    adapter_model.safetensors    its tensors, by name

A folder may be from anywhere: nothing of it is run, weights in a pickle are not read, and what it
says is believed only after it was checked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from prefixlab.arguments import shortened
from prefixlab.files import in_words, written_whole

CONFIG, WEIGHTS, PICKLE = "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"
LARGEST_CONFIG = 2**24  # bytes, and as many for the names and shapes of the tensors
CHECK = "check the path, or save the adapter again with PEFT's save_pretrained"


@dataclass(frozen=True)
class AdapterFiles:
    """What the two files of a folder say."""

    folder: Path
    config: Mapping[str, Any]
    tensors: Mapping[str, Tensor]  # in float32

    def of(self, name: str, kind: type) -> Any:
        """A setting of that kind, or a ValueError."""
        value = self.config.get(name)
        if type(value) is not kind:
            raise self.damaged(f"its {name} is {shortened(value)}, no {kind.__name__}")
        return value

    def damaged(self, what: str) -> ValueError:
        return ValueError(f"{self.folder} holds no adapter that can be used: {what}; {CHECK}.")


def folder_of(path: Any) -> Path:
    """`path` as that of a folder, which there may not be yet."""
    if not isinstance(path, str | Path) or not Path(path).name:
        raise ValueError(
            f"path={shortened(path)} names no folder; give one such as 'my-adapter', which holds "
            f"{CONFIG} and {WEIGHTS}."
        )
    return Path(path)


def write_adapter(adapter: AdapterFiles) -> Path:
    """Write both files, whole or not at all; a folder without them is made.

    Raises
    ------
    ValueError
        A tensor that is not finite, or a folder that cannot be written to.
    """
    folder = adapter.folder
    tensors = {name: value.detach().cpu().contiguous() for name, value in adapter.tensors.items()}
    if wrong := [name for name, value in tensors.items() if not value.isfinite().all()]:
        raise ValueError(
            f"{wrong[0]} is not finite, and what is written could not be used; train the method "
            "again with a lower learning rate."
        )
    try:
        # The weights come to their place first: without its configuration a folder is no adapter.
        with written_whole(folder / CONFIG) as about, written_whole(folder / WEIGHTS) as weights:
            about.write_text(json.dumps(adapter.config, indent=2) + "\n")
            save_file(tensors, weights, metadata={"format": "pt"})
    except OSError as error:
        raise ValueError(in_words(error, folder, "choose another folder")) from error
    return folder


def read_adapter(path: Any) -> AdapterFiles:
    """The adapter in a folder; a folder without one, or with a damaged one, is a ValueError."""
    folder = folder_of(path)
    missing = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if missing == [WEIGHTS] and (folder / PICKLE).is_file():
        raise ValueError(
            f"{folder} has its weights in a pickle ({PICKLE}), which can run code and is not read; "
            f"save the adapter again with a PEFT that writes {WEIGHTS}."
        )
    if missing:
        raise ValueError(f"{folder} is no folder of a PEFT adapter: no {missing[0]}; {CHECK}.")
    found, tensors = AdapterFiles(folder, {}, {}), {}
    try:
        config = json.loads(checked(folder / CONFIG, (folder / CONFIG).stat().st_size).read_text())
        with (folder / WEIGHTS).open("rb") as start:
            header = int.from_bytes(start.read(8), "little")
        with safe_open(checked(folder / WEIGHTS, header), framework="pt") as file:
            for name in file.keys():  # noqa: SIM118  # it is no dict
                tensors[name] = file.get_tensor(name).float().clone()  # or it lies in the file
    except (OSError, ValueError, RecursionError, SafetensorError) as error:
        reason = shortened(str(error), 120)[1:-1].rstrip(".")
        raise found.damaged(f"it cannot be read ({reason})") from error
    if not isinstance(config, dict):
        raise found.damaged(f"{CONFIG} is no JSON object")
    for name, value in tensors.items():
        if not value.isfinite().all():
            raise found.damaged(f"{shortened(name, 80)} is not finite")
    return AdapterFiles(folder, config, tensors)


def checked(file: Path, size: int) -> Path:
    if size > LARGEST_CONFIG:
        raise OSError(f"{file.name} would begin with {size} bytes that are no weights")
    return file
