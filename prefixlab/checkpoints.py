"""Checkpoints: one safetensors file with the parameters, the knobs, and what resuming needs.

The header of the file holds, as JSON, the method, its knobs, the backbone it was trained for and
the state of training; the tensors are `method.*` and, if training is to go on, `training.*`.
"""

import json
import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from prefixlab.backbone import Backbone
from prefixlab.methods import Method, create
from prefixlab.methods.reparameterization import LSTM, MLP
from prefixlab.tasks import Task
from prefixlab.training import Recipe, Training

FORMAT = "prefixlab-1"


class CheckpointError(ValueError):
    """A checkpoint cannot be read, or does not belong here."""


def save(method: Method, path: str | Path, training: Training | None = None) -> Path:
    """Write a method, and its training run if it may go on, to one file, whole or not at all.

    Raises
    ------
    CheckpointError
        The file cannot be written, for example because the disk is full.
    """
    path = with_suffix(path)
    about = method.describe() | {
        "format": FORMAT,
        "backbone": method.backbone_name,
        "hidden": method.geometry.hidden,
        "layers": method.geometry.layers,
        "dropped": not any(isinstance(part, (MLP, LSTM)) for part in method.modules()),
        "prefixlab": version("prefixlab"),
    }
    tensors = {f"method.{name}": value for name, value in method.state_dict().items()}
    if training:
        about["training"], state = training.state()
        tensors |= {f"training.{name}": value for name, value in state.items()}
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".saving-", dir=path.parent) as scratch:
            fresh = Path(scratch) / path.name
            save_file(tensors, fresh, metadata={"prefixlab": json.dumps(about)})
            os.replace(fresh, path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} could not be written ({error}); what was there before is untouched. "
            "Free some space or choose another folder."
        ) from error
    return path


def load(path: str | Path, lm: Backbone, task: Task) -> Method:
    """The method in a checkpoint, for the backbone it was trained for.

    Raises
    ------
    CheckpointError
        No such file, no checkpoint of this package, or one of another backbone.
    """
    about, tensors = read(path)
    return rebuild(about, tensors, lm, task)


def resume(path: str | Path, lm: Backbone, task: Task) -> Training:
    """The training run in a checkpoint, ready to go on: its `.method` is the method.

    Raises
    ------
    CheckpointError
        As `load`, or a checkpoint saved without its training run.
    """
    about, tensors = read(path)
    if "training" not in about:
        raise CheckpointError(
            f"{path} holds a method but no training run; save it with save(method, path, training)."
        )
    method = rebuild(about, tensors, lm, task)
    training = Training(lm, method, task, Recipe(**about["training"]["recipe"]))
    training.restore(about["training"], part(tensors, "training."))
    return training


def rebuild(about: dict[str, Any], tensors: dict[str, Tensor], lm: Backbone, task: Task) -> Method:
    here = (lm.name, lm.geometry.hidden, lm.geometry.layers)
    if here != (about["backbone"], about["hidden"], about["layers"]):
        raise CheckpointError(
            f"This checkpoint was trained for {about['backbone']} ({about['layers']} layers of "
            f"{about['hidden']}), not for {here[0]} ({here[2]} layers of {here[1]}); load "
            f"{about['backbone']}."
        )
    method = create(about["method"], lm, task, seed=about["seed"], **about["knobs"])
    if about["dropped"]:
        method.drop_reparameterization()
    try:
        method.load_state_dict(part(tensors, "method."))
    except RuntimeError as error:
        raise CheckpointError(
            f"The parameters in this checkpoint do not fit {about['method']} with its knobs; it "
            f"is damaged or of another version ({about['prefixlab']}): train again."
        ) from error
    return method


def read(path: str | Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    path = with_suffix(path)
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("prefixlab", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint ({error}); check the path, or train again."
        ) from error
    if about.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not a checkpoint of prefixlab ({FORMAT}).")
    return about, tensors


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def with_suffix(path: str | Path) -> Path:
    path = Path(path)
    return path if path.suffix == ".safetensors" else path.with_name(path.name + ".safetensors")
