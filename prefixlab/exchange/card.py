"""The model card of a method: what it is, what it was trained on and how, and how to load it.

Whatever a user wrote, a template, a label, the name of a file, is shown as it is and is never read
as Markdown or HTML: every sign of it but letters, digits and spaces is written by its number.
"""

import platform
from importlib.metadata import version
from typing import Any

from huggingface_hub import ModelCardData

from prefixlab.evaluation.choices import Evaluation
from prefixlab.evaluation.text_metrics import TextEvaluation
from prefixlab.methods.base import Method
from prefixlab.models.loading import HUB_NAMES, NAMES
from prefixlab.training.loop import Training

Result = Evaluation | TextEvaluation
HERE = """```python
import prefixlab as pl

lm = pl.load({model!r})
method = pl.from_hub({repository!r}, lm)
```"""
PEFT = """```python
from peft import PeftModel
from transformers import {auto}

model = {auto}.from_pretrained({model!r}{labels})
model = PeftModel.from_pretrained(model, {repository!r})
```

The texts it is given are written by the template above, without its slots and its answer. What PEFT
does with padding, with start tokens and in `generate` stands in prefixlab's docs/exchange.md."""
NO_PEFT = """No other package computes this method. Its numbers are in `method.safetensors`, for
`safetensors.torch.load_file`; its knobs, its template and its answers are in that file's metadata.
"""


def card(
    method: Method, repository: str, peft: bool, training: Training | None, result: Result | None
) -> str:
    """The card in Markdown; `peft` says whether the repository has an adapter of PEFT, too."""
    size, asked = method.geometry, method.asked
    known = HUB_NAMES.get(size.name)
    data = ModelCardData(
        library_name="prefixlab",
        base_model=known,
        tags=["prefixlab", method.name, *(["peft"] if peft else [])],
    )
    knobs = ", ".join(f"{name} = {shown(value)}" for name, value in method.knobs.as_dict().items())
    rows = {
        "Method": f"`{method.name}`: {described(method)}",
        "Knobs": f"{knobs}; seed = {method.seed}",
        "Trained numbers": f"{method.parameters_now()}",
        "Frozen model": f"{shown(size.name)}, fingerprint of its weights `{method.fingerprint}`",
        "Template": shown(method.template.text),
        "Answers": ", ".join(map(shown, asked.answers)) or "free text",
        "Data": shown(asked.task),
        "Protocol": "not told",
        "Result": str(result) if result else "not told",
        "Versions": ", ".join(
            f"{name} {version(name)}" for name in ("prefixlab", "torch", "transformers")
        )
        + f", Python {platform.python_version()}",
    }
    if training:
        task, recipe = training.task, training.recipe.as_dict()
        sizes = ", ".join(f"{len(split)} {name}" for name, split in task.splits.items())
        notes = "".join(f"<br>{shown(note)}" for note in task.notes)
        rows["Data"] += f": {sizes} examples, fingerprint of their tokens `{training.data}`{notes}"
        told = ", ".join(f"{name} = {shown(value)}" for name, value in recipe.items())
        rows["Protocol"] = f"steps taken: {training.step}; peak rate {training.peak:g}; {told}"
    if method.texts:
        rows["Texts inside"] = f"{len(method.texts)}, in `method.safetensors`"
    table = "\n".join(f"| {name} | {told} |" for name, told in rows.items())
    anything = "the folder or the name of the model"  # of which no name is known
    loads = known or (size.name if size.name in NAMES else anything)
    choice = bool(asked.answers) and getattr(method, "head", None) is not None
    elsewhere = PEFT.format(
        auto=f"AutoModelFor{'SequenceClassification' if choice else 'CausalLM'}",
        labels=f", num_labels={len(asked.answers)}" if choice else "",
        model=known or anything,
        repository=repository,
    )
    return "\n\n".join(
        [
            f"---\n{data.to_yaml()}\n---",
            f"# {method.name} for {shown(size.name)}",
            f"| | |\n|---|---|\n{table}",
            "## With prefixlab",
            HERE.format(model=loads, repository=repository),
            "## Without it",
            elsewhere if peft else NO_PEFT,
        ]
    )


def described(method: Method) -> str:
    return (type(method).__doc__ or "").strip().splitlines()[0]


def shown(value: Any) -> str:
    """A value as it is written, in signs that mean nothing in Markdown, HTML or a table."""
    written = repr(value)  # with line breaks, and what cannot be seen, as their codes
    return "".join(sign if sign.isalnum() or sign == " " else f"&#{ord(sign)};" for sign in written)
