"""The rows of the comparison: what each side does, and what is to be reached.

A goal is the largest share of the other side's seconds, or of its megabytes.
"""

from collections.abc import Callable
from dataclasses import dataclass

from peft import PrefixTuningConfig, PromptEncoderConfig, PromptTuningConfig

from benchmarks import our_side, peft_side
from benchmarks.setting import Setting, Work, loaded


@dataclass(frozen=True)
class Row:
    ours: Callable[[Setting], Work]
    other: Callable[[Setting], Work]
    seconds: float
    megabytes: float | None = None  # none is set where little memory is taken


def prefix(at: Setting) -> Work:
    return our_side.training(at, "prefix_tuning", prefix_length=at.sizes.prefix)


def peft_prefix(at: Setting) -> Work:
    return peft_side.training(at, PrefixTuningConfig, num_virtual_tokens=at.sizes.prefix)


def prefix_mlp(at: Setting) -> Work:
    mlp = {"reparameterization": "mlp", "mlp_hidden": 512}
    return our_side.training(at, "prefix_tuning", prefix_length=at.sizes.prefix, **mlp)


def peft_prefix_mlp(at: Setting) -> Work:
    mlp = {"prefix_projection": True, "encoder_hidden_size": 512}
    return peft_side.training(at, PrefixTuningConfig, num_virtual_tokens=at.sizes.prefix, **mlp)


def prompt(at: Setting) -> Work:
    return our_side.training(at, "prompt_tuning", prompt_length=at.sizes.prefix)


def peft_prompt(at: Setting) -> Work:
    return peft_side.training(at, PromptTuningConfig, num_virtual_tokens=at.sizes.prefix)


def p_tuning(at: Setting) -> Work:
    template = f"{{soft:{at.sizes.prefix}}}Review: {{x}}\nSentiment: {{y}}"
    return our_side.training(at, "p_tuning", template=template, encoder="lstm")


def peft_p_tuning(at: Setting) -> Work:
    width = loaded(at.backbone, at.dtype).geometry.hidden
    lstm = {"encoder_reparameterization_type": "LSTM", "encoder_hidden_size": width // 2}
    return peft_side.training(at, PromptEncoderConfig, num_virtual_tokens=at.sizes.prefix, **lstm)


def read_once(at: Setting) -> Work:
    return our_side.asking(at, read_once=True)


def read_each_time(at: Setting) -> Work:
    return our_side.asking(at, read_once=False)


ROWS = {
    "prefix": Row(prefix, peft_prefix, 0.38, 0.55),
    "prefix + MLP": Row(prefix_mlp, peft_prefix_mlp, 0.38, 0.55),
    "prompt": Row(prompt, peft_prompt, 0.38, 0.55),
    "P-tuning, LSTM": Row(p_tuning, peft_p_tuning, 0.38, 0.55),
    "scored with a prefix": Row(our_side.scoring, peft_side.scoring, 0.40),
    "tables written with a prefix": Row(our_side.writing, peft_side.writing, 0.50),
    "demonstrations, against reading them each time": Row(read_once, read_each_time, 0.10),
}
