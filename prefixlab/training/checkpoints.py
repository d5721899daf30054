"""Checkpoints: one safetensors file with the parameters, the knobs, and what resuming needs.

The header of the file holds, as JSON, all that a method is beside its parameters: its knobs, the
template and the answers that it was made for, and the model it belongs to, by the fingerprint of
its weights. So it comes back without its task. The tensors are `method.*` and, if training is to go
on, `training.*`. What a file says is believed only after it was checked: it may be from anywhere.
"""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from prefixlab import arguments
from prefixlab.data.task import Task
from prefixlab.data.template import Template, Verbalizer
from prefixlab.files import written_whole
from prefixlab.methods import METHODS, Method
from prefixlab.methods.asked import Asked
from prefixlab.methods.base import check_backbone, check_method, check_task, stranger
from prefixlab.methods.reparameterization import LSTM, MLP
from prefixlab.models.backbone import Backbone
from prefixlab.training.loop import Recipe, Training

FORMAT = "prefixlab-2"
LARGEST_HEADER = 2**24  # bytes; the names and shapes of 10,000 tensors take a tenth of them
ABOUT = {
    **{"method": str, "knobs": dict, "seed": int, "dropped": bool},
    **{"task": str, "template": str, "answers": list, "texts": list},
    **{"backbone": str, "fingerprint": str, "prefixlab": str},
}
TRAINING = {"step": int, "best_loss": float, "waited": int, "recipe": dict, "data": str}


class CheckpointError(ValueError):
    """A checkpoint cannot be read, or does not belong here."""


def save(method: Method, path: str | Path, training: Training | None = None) -> Path:
    """Write a method, and its training run if it may go on, to one file, whole or not at all.

    Raises
    ------
    CheckpointError
        The file cannot be written, for example because the disk is full.
    ValueError
        What is no method, parameters that are no numbers, or the training of another method.
    """
    check_method(method)
    if METHODS.get(method.name) is not type(method):
        raise ValueError(
            f"{method.name} ({type(method).__name__}) is not in the registry, and could not be "
            "loaded again; add it to METHODS first."
        )
    path = with_suffix(path)
    about = method.describe() | {
        "format": FORMAT,
        "task": method.asked.task,
        "template": method.template.text,
        "answers": list(method.asked.answers),
        "texts": list(method.texts),
        "backbone": method.geometry.name,
        "fingerprint": method.fingerprint,
        "dropped": not any(isinstance(part, (MLP, LSTM)) for part in method.modules()),
        "prefixlab": version("prefixlab"),
    }
    tensors = {f"method.{name}": value for name, value in method.state_dict().items()}
    if training:
        if training.method is not method:
            raise ValueError(
                f"The training is of another method than this {method.name}; save its own: "
                "save(training.method, path, training)."
            )
        about["training"], state = training.state()
        tensors |= {f"training.{name}": value for name, value in state.items()}
    if wrong := [name for name, value in tensors.items() if not value.isfinite().all()]:
        raise ValueError(
            f"{wrong[0]} of this {method.name} is not finite, and what is saved could not be used; "
            "train it again with a lower learning rate."
        )
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    try:
        with written_whole(path) as fresh:
            save_file(tensors, fresh, metadata={"prefixlab": json.dumps(about)})
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} could not be written ({error}); what was there before is untouched. "
            "Free some space or choose another folder."
        ) from error
    return path


def load_method(path: str | Path, lm: Backbone) -> Method:
    """The method in a checkpoint, for the backbone it was made for.

    Raises
    ------
    CheckpointError
        No such file, no checkpoint of this package, a damaged one, or one of another backbone.
    """
    check_backbone(lm)
    with opened(with_suffix(path)) as checkpoint:
        return checkpoint.method(lm)


def resume(path: str | Path, lm: Backbone, task: Task) -> Training:
    """The training run in a checkpoint, ready to go on: its `.method` is the method.

    Raises
    ------
    CheckpointError
        As `load_method`, a checkpoint saved without its run, or one of another task or of other
        examples.
    """
    check_backbone(lm)
    check_task(task)
    with opened(with_suffix(path)) as checkpoint:
        return checkpoint.training(lm, task)


class Checkpoint:
    """An open checkpoint: nothing of it takes memory before its name, kind and size are right."""

    def __init__(self, path: Path, file: Any):
        self.path, self.file = path, file
        self.names = set(file.keys())
        try:
            about = json.loads((file.metadata() or {}).get("prefixlab", "null"))
        except (ValueError, RecursionError) as error:
            raise self.damaged("its header is no JSON") from error
        found = str(about.get("format"))[:20] if isinstance(about, dict) else ""
        if found != FORMAT and found.startswith("prefixlab-"):
            raise CheckpointError(
                f"{path} is a checkpoint of the format {found}, and this prefixlab reads {FORMAT}: "
                "train again, or take the prefixlab that wrote it."
            )
        if found != FORMAT:
            raise CheckpointError(
                f"{path} is not a checkpoint of prefixlab ({FORMAT}); check the path."
            )
        self.about: dict[str, Any] = self.checked(about, ABOUT)

    def damaged(self, what: str) -> CheckpointError:
        return CheckpointError(
            f"{self.path} is damaged: {what.rstrip('.')}; take another copy, or train again."
        )

    def checked(self, found: Any, kinds: Mapping[str, type]) -> dict[str, Any]:
        """The part of a header with these entries, if each is of its kind."""
        for name, kind in kinds.items():
            if not isinstance(found, dict) or type(found.get(name)) is not kind:
                raise self.damaged(f"its {name} is no {kind.__name__}")
        return found

    def method(self, lm: Backbone) -> Method:
        about = self.about
        if about["method"] not in METHODS:
            raise self.damaged(f"there is no method {about['method'][:40]!r}")
        if about["fingerprint"] != lm.fingerprint:
            what = f"The {about['method']} in {self.path}"
            raise CheckpointError(
                stranger(what, about["backbone"][:80], about["fingerprint"][:16], lm)
            )
        kind = METHODS[about["method"]]
        try:
            answers = tuple(arguments.texts("answers", about["answers"]))
            answers = Verbalizer(answers).words if answers else ()
            asked = Asked(about["task"], Template(about["template"]), answers)
            knobs = kind.Knobs.of(kind.name, about["knobs"])
            method = kind.unstarted(lm.geometry, asked, knobs, arguments.seed(about["seed"]))
            texts = arguments.texts("texts", about["texts"])
        except (ValueError, TypeError) as error:
            raise self.damaged(str(error)) from error
        if about["dropped"]:
            method.drop_reparameterization()
        sizes = {name: value.shape for name, value in method.state_dict().items()}
        found = self.tensors("method.", sizes)
        if missing := set(sizes) - set(found):
            raise self.damaged(f"it lacks {min(missing)}")
        method.load_state_dict(found, assign=True)
        method.to(lm.device)
        method.fingerprint = lm.fingerprint
        method.recall(lm, texts)
        virtual = method.conditioning().virtual
        if method.template.virtual_tokens != (0 if virtual is None else len(virtual)):
            raise self.damaged("its template has not as many soft slots as it has virtual tokens")
        return method

    def training(self, lm: Backbone, task: Task) -> Training:
        if self.about.get("training") is None:
            raise CheckpointError(
                f"{self.path} holds a method but no training run; save it with "
                "save(method, path, training)."
            )
        about = self.checked(self.about["training"], TRAINING)
        try:
            recipe = Recipe.of("train", about["recipe"])
        except ValueError as error:
            raise self.damaged(str(error)) from error
        if not (0 <= about["step"] <= recipe.steps and about["waited"] >= 0):
            raise self.damaged(f"step {about['step']} of {recipe.steps} cannot be")
        if math.isnan(about["best_loss"]):
            raise self.damaged("its best loss is no number")
        if task.name != self.about["task"]:
            raise CheckpointError(
                f"{self.path} was trained on {self.about['task'][:80]}, not on {task.name}; resume "
                "it with its own task, or train a new method."
            )
        training = Training(lm, self.method(lm), task, recipe)
        if training.data != about["data"]:
            raise CheckpointError(
                f"{self.path} was trained on other examples of {task.name} than these; resume it "
                "with the same ones (sizes, seed, template), or train a new method."
            )
        sizes = training.sizes()
        found = self.tensors("training.", sizes)
        best = any(name.startswith("best.") for name in found)
        needed = {name for name in sizes if best or not name.startswith("best.")}
        if missing := needed - set(found):
            raise self.damaged(f"it lacks {min(missing)}")
        training.restore(about, found)
        return training

    def tensors(self, prefix: str, sizes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
        """The tensors of that prefix, each of the size that its name says it has."""
        found = {}
        for name in sorted(name for name in self.names if name.startswith(prefix)):
            own, there = name.removeprefix(prefix), self.file.get_slice(name)
            if own not in sizes:
                raise self.damaged(f"it has a {own[:80]}, which does not belong there")
            shape, kind = list(there.get_shape()), there.get_dtype()
            if shape != list(sizes[own]) or kind != "F32":
                raise self.damaged(
                    f"{own} is {kind} of {shape}, and does not fit {self.about['method']} with its "
                    f"knobs: F32 of {list(sizes[own])}"
                )
            found[own] = self.file.get_tensor(name).clone()  # or it lies in the file
            if not found[own].isfinite().all():
                raise self.damaged(f"{own} is not finite")
        return found


@contextmanager
def opened(path: Path) -> Iterator[Checkpoint]:
    """The checkpoint, as long as it is read."""
    try:
        with path.open("rb") as start:
            size = int.from_bytes(start.read(8), "little")
        if size > LARGEST_HEADER:
            raise OSError(f"its header would have {size} bytes")
        with safe_open(path, framework="pt") as file:
            yield Checkpoint(path, file)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint ({error}); check the path, or train again."
        ) from error


def with_suffix(path: str | Path) -> Path:
    if not isinstance(path, str | Path) or not Path(path).name:
        raise ValueError(
            f"path={arguments.shortened(path)} names no file; give a path such as 'my-prefix'."
        )
    path = Path(path)
    return path if path.suffix == ".safetensors" else path.with_name(path.name + ".safetensors")
