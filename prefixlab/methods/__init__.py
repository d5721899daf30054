"""The methods, by name: whoever walks over all methods walks over this registry."""

from typing import Any

from prefixlab.backbone import Backbone
from prefixlab.methods.base import Cost, Method
from prefixlab.methods.discrete_prompt import DiscretePrompt
from prefixlab.methods.in_context import InContextLearning
from prefixlab.methods.p_tuning import PTuning
from prefixlab.methods.prefix_tuning import PrefixTuning
from prefixlab.methods.prompt_tuning import PromptTuning
from prefixlab.tasks import Task

METHODS: dict[str, type[Method]] = {
    method.name: method
    for method in (DiscretePrompt, InContextLearning, PromptTuning, PrefixTuning, PTuning)
}


def create(name: str, lm: Backbone, task: Task, *, seed: int = 0, **knobs: Any) -> Method:
    """The method of that name, with the given knobs.

    Raises
    ------
    ValueError
        An unknown method, or an unknown or impossible knob.
    """
    if name not in METHODS:
        raise ValueError(f"Unknown method {name!r}; choose one of {', '.join(METHODS)}.")
    return METHODS[name](lm, task, seed=seed, **knobs)


__all__ = [
    "METHODS",
    "Cost",
    "DiscretePrompt",
    "InContextLearning",
    "Method",
    "PTuning",
    "PrefixTuning",
    "PromptTuning",
    "create",
]
