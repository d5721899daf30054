"""The methods, by name: whoever walks over all methods walks over this registry."""

from typing import Any

from prefixlab import arguments
from prefixlab.data.task import Task
from prefixlab.methods.adapters import Adapters
from prefixlab.methods.adaptive_prefix import AdaptivePrefix
from prefixlab.methods.base import Method
from prefixlab.methods.bias_only import BiasOnly
from prefixlab.methods.cartridge import Cartridge
from prefixlab.methods.combined import Combined
from prefixlab.methods.convolution import Convolution
from prefixlab.methods.cost import Cost as Cost
from prefixlab.methods.discrete_prompt import DiscretePrompt
from prefixlab.methods.fine_tuning import FineTuning
from prefixlab.methods.gated_prefix import GatedPrefix
from prefixlab.methods.in_context import InContextLearning
from prefixlab.methods.infix import Infix
from prefixlab.methods.linear_probe import LinearProbe
from prefixlab.methods.lora import LoRA
from prefixlab.methods.p_tuning import PTuning
from prefixlab.methods.p_tuning_v2 import PTuningV2
from prefixlab.methods.prefix_tuning import PrefixTuning
from prefixlab.methods.prompt_tuning import PromptTuning
from prefixlab.methods.warp import Warp
from prefixlab.models.backbone import Backbone

METHODS: dict[str, type[Method]] = {
    method.name: method
    for method in (
        *(DiscretePrompt, InContextLearning, PromptTuning, PrefixTuning, PTuning, PTuningV2),
        *(Cartridge, Infix, Warp, LinearProbe, BiasOnly, Adapters, LoRA, FineTuning),
        *(GatedPrefix, AdaptivePrefix, Convolution, Combined),  # experiments
    )
}


def create(name: str, lm: Backbone, task: Task, *, seed: int = 0, **knobs: Any) -> Method:
    """The method of that name, with the given knobs.

    Raises
    ------
    ValueError
        An unknown method, or an unknown or impossible knob.
    """
    return METHODS[arguments.one_of("method", name, METHODS)](lm, task, seed=seed, **knobs)
