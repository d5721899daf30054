"""The Hub: a method in a repository of its own, with a card that says what it is.

README.md                 the card
method.safetensors        the method, as `save` writes it
adapter_*                 the same as an adapter of PEFT, where PEFT can say it
"""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import HfApi, hf_hub_download

from prefixlab import arguments
from prefixlab.exchange.adapter_files import AdapterFiles, write_adapter
from prefixlab.exchange.card import Result, card
from prefixlab.exchange.to_peft import as_adapter
from prefixlab.methods.base import Method, check_backbone, check_method
from prefixlab.models.backbone import Backbone
from prefixlab.models.loading import first_line
from prefixlab.training.checkpoints import load_method, save
from prefixlab.training.loop import Training
from prefixlab.version import __version__

FILE = "method.safetensors"


def push_to_hub(
    method: Method,
    repository: str,
    *,
    training: Training | None = None,
    result: Result | None = None,
    private: bool = False,
) -> str:
    """Put a method into a repository of the Hugging Face Hub, and give back its address.

    The repository is made where there is none; all of it changes in one commit. Its card has what
    the method knows of itself, and of `training` the data and the protocol; `result` is what
    `evaluate` or `judge_texts` found. A method that puts texts in front, such as demonstrations,
    takes them with it.

    Raises
    ------
    ValueError
        A repository that is no "owner/name"; a training run of another method; a Hub that cannot
        be reached or refuses, for example because nobody is logged in.
    """
    check_method(method)
    check_repository(repository)
    if result is not None:
        remedy = "give what evaluate or judge_texts returned"
        arguments.instance("result", result, Result, "a result", remedy)  # type: ignore[arg-type]
    if training is not None:
        remedy = "give what train returned"
        arguments.instance("training", training, Training, "a training run", remedy)
        if training.method is not method:
            raise ValueError(
                f"The training is of another method than this {method.name}; {remedy}."
            )
    with TemporaryDirectory() as place:
        folder = Path(place)
        save(method, folder / FILE)
        adapter = adapter_or_none(method, folder)
        if adapter:
            write_adapter(adapter)
        about = card(method, repository, adapter is not None, training, result)
        (folder / "README.md").write_text(about, encoding="utf-8")
        try:
            api = HfApi()
            address = api.create_repo(repository, private=private, exist_ok=True)
            api.upload_folder(
                repo_id=repository,
                folder_path=folder,
                delete_patterns="adapter_*",  # of a method that was there before
                commit_message=f"{method.name}, by prefixlab {__version__}",
            )
        except Exception as error:  # of the network, of the Hub, of what answers in its place
            raise ValueError(
                f"{repository} cannot be written to on the Hub ({first_line(error)}); check the "
                "connection, and log in with `hf auth login` as somebody who may write there."
            ) from error
    return str(address)


def adapter_or_none(method: Method, folder: Path) -> AdapterFiles | None:
    """What PEFT has for the method, if it has anything."""
    try:
        return as_adapter(method, folder)
    except ValueError:
        return None


def from_hub(name: str | Path, lm: Backbone, *, revision: str | None = None) -> Method:
    """The method in a repository of the Hub, or in a folder with the same files.

    Raises
    ------
    ValueError
        No such repository, no Hub, or no method in it; else as `load_method`.
    """
    check_backbone(lm)
    folder = Path(name) if isinstance(name, str | Path) else None
    if folder is not None and folder.is_dir():
        return load_method(folder / FILE, lm)
    check_repository(name)
    try:
        path = hf_hub_download(str(name), FILE, revision=revision)
    except Exception as error:
        raise ValueError(
            f"{name} has no method that can be had ({first_line(error)}); check the name and the "
            "connection. An adapter of PEFT is read from its folder, with from_peft."
        ) from error
    return load_method(path, lm)


def check_repository(name: Any) -> None:
    if not isinstance(name, str) or not re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", name):
        raise ValueError(
            f"{arguments.shortened(name)} is no repository of the Hub and no folder that is there; "
            "give an owner and a name, such as 'mine/warm-films'."
        )
