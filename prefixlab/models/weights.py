"""Weights: a model's files on the disk, whole, and in the precision that they are used in.

safetensors maps a file into memory. As long as nothing has to be converted, the pages of the file
are the weights: several kernels on a machine share them. So a model that was stored in another
precision is converted once, and the copy is kept in the cache.
"""

import hashlib
import json
import shutil
from pathlib import Path

import torch
from filelock import FileLock
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from prefixlab.data import assets
from prefixlab.files import written_whole

STORED = {torch.float32: "F32", torch.bfloat16: "BF16"}  # as safetensors writes them
OTHER = ("F64", "F32", "F16", "BF16")
WORTH_SHARING = 50_000_000  # bytes; smaller models are converted when they are loaded
INDEX = "model.safetensors.index.json"
COPIED_FROM = "copied_from.json"


def files_of(folder: Path) -> list[Path]:
    """The files of weights that transformers reads from a folder."""
    if (folder / INDEX).is_file():
        names = set(json.loads((folder / INDEX).read_text())["weight_map"].values())
        return [folder / name for name in sorted(names)]
    return [folder / "model.safetensors"]


def check_weights(name: str, folder: Path) -> None:
    """Raise a ValueError if the weights are not there, or not whole.

    Weights that are pickles are not opened: a pickle can run code.
    """
    for file in files_of(folder):
        if not file.is_file():
            pickles = any(folder.glob("*.bin")) or any(folder.glob("*.pt*"))
            why = "has its weights as pickles alone, which can run code" if pickles else "has none"
            raise ValueError(
                f"The weights of {name} should be in {file.name}, and its folder {why}; save it "
                "again by model.save_pretrained."
            )
        with file.open("rb") as stream:
            pointer = stream.read(40).startswith(b"version https://git-lfs")
        if pointer:
            raise ValueError(
                f"{file.name} of {name} is a pointer of git-lfs in place of the weights; run "
                "git lfs pull in its folder."
            )
        try:
            with safe_open(file, "pt") as opened:
                opened.keys()
        except SafetensorError as error:
            raise ValueError(
                f"{file.name} of {name} is cut or damaged ({error}); copy or download it again."
            ) from error


def in_dtype(folder: Path, dtype: torch.dtype) -> Path:
    """A folder with the same weights in `dtype`: the folder itself, or a copy in the cache.

    A cache that holds the copy need not be writable: a class can share one. Where it cannot hold a
    copy it is the folder itself, to be converted in memory.
    """
    files = files_of(folder)
    large = sum(file.stat().st_size for file in files) >= WORTH_SHARING
    if not large or all(is_stored_in(file, dtype) for file in files):
        return folder
    place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    copy = assets.cache_folder() / "converted" / f"{place}-{STORED[dtype]}"
    now = {file.name: [file.stat().st_size, file.stat().st_mtime_ns] for file in files}
    try:
        if not is_copy(copy, now):
            copy.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{copy}.lock"):
                if not is_copy(copy, now):  # another process may have made it by now
                    convert(folder, copy, dtype, now)
    except OSError:  # a full or a read-only disk
        return folder
    return copy


def is_stored_in(file: Path, dtype: torch.dtype) -> bool:
    with safe_open(file, "pt") as opened:
        kinds = {opened.get_slice(key).get_dtype() for key in opened.keys()}  # noqa: SIM118  # it is no dict
    return not kinds & (set(OTHER) - {STORED[dtype]})


def is_copy(copy: Path, now: dict[str, list[int]]) -> bool:
    """Whether a copy was made whole, of the files as they are now."""
    try:
        return bool(json.loads((copy / COPIED_FROM).read_text()) == now)
    except (OSError, ValueError):
        return False


def convert(folder: Path, copy: Path, dtype: torch.dtype, now: dict[str, list[int]]) -> None:
    (copy / COPIED_FROM).unlink(missing_ok=True)
    for file in files_of(folder):
        weights = {
            key: value.to(dtype) if value.is_floating_point() else value
            for key, value in load_file(file).items()
        }
        with written_whole(copy / file.name) as fresh:
            save_file(weights, fresh, metadata={"format": "pt"})
    for name in (INDEX, "config.json", "generation_config.json"):
        if (folder / name).is_file():
            shutil.copy(folder / name, copy / name)
    with written_whole(copy / COPIED_FROM) as fresh:
        fresh.write_text(json.dumps(now))
