"""What transformers and PEFT compute by themselves: the references that the package is held to."""

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import Parameter, Signature, signature
from typing import Any

import torch
from peft import PeftConfig, PeftModel, get_peft_model
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from prefixlab import Backbone, Past
from prefixlab.methods import Method


def close(ours: Tensor, theirs: Tensor, tolerance: float = 1e-4) -> None:
    """Equal but for rounding, measured against the size of the whole."""
    assert ours.shape == theirs.shape
    error = ((ours - theirs).norm() / theirs.norm()).item()
    assert error < tolerance, f"relative error {error:.1e}"


def same(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> bool:
    """Whether two state dicts hold the same numbers, bit by bit."""
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def moved(method: Method, by: float = 0.05) -> Method:
    """Away from a start that changes nothing or knows nothing."""
    source = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter += by * torch.randn(parameter.shape, generator=source)
    return method


@contextmanager
def plain(lm: Backbone, attention: str = "eager") -> Iterator[PreTrainedModel]:
    """The model with an attention of transformers' own in place of this package's."""
    ours = lm.model.config._attn_implementation
    lm.model.set_attn_implementation(attention)
    try:
        yield lm.model
    finally:
        lm.model.set_attn_implementation(ours)


@contextmanager
def peft(lm: Backbone, config: PeftConfig, prompt: Tensor) -> Iterator[PeftModel]:
    """PEFT's model for `config`, with `prompt` in the place of its random parameters."""
    with plain(lm, "sdpa") as model:
        wrapped = get_peft_model(named_for_peft(model), config)
        wrapped.prompt_encoder["default"].embedding.weight.data = prompt.detach().clone()
        try:
            yield wrapped.eval()
        finally:
            del model.forward  # the class's own is left


def named_for_peft(model: PreTrainedModel) -> PreTrainedModel:
    """`model`, which now takes its cache by the name that PEFT 0.21 gives and looks for.

    transformers 5.24 calls `cache` what was `past_key_values`; where a model with a head does not
    take it, PEFT gives it to the model inside.
    """
    parts = (model, model.base_model)
    takes = next(part for part in parts if "cache" in signature(part.forward).parameters)
    forward = takes.forward

    def renamed(*given: Any, past_key_values: Any = None, **named: Any) -> Any:
        return forward(*given, cache=past_key_values, **named)

    old = Parameter("past_key_values", Parameter.KEYWORD_ONLY, default=None)
    of_forward = [
        one for one in signature(forward).parameters.values() if one.kind != one.VAR_KEYWORD
    ]
    renamed.__signature__ = Signature([*of_forward, old])  # type: ignore[attr-defined]
    takes.forward = renamed
    return model


def writing_for_peft(model: PreTrainedModel) -> PreTrainedModel:
    """As `named_for_peft`, in `generate` too: there PEFT 0.21 finds no cache, and no prefix."""
    prepare = named_for_peft(model).prepare_inputs_for_generation

    def handed_out(*given: Any, past_key_values: Any = None, **kwargs: Any) -> Any:
        found = prepare(*given, **kwargs)
        return found | {"past_key_values": found.pop("cache", None)}

    model.prepare_inputs_for_generation = handed_out  # type: ignore[method-assign]
    return model


@torch.no_grad()
def log_probability(lm: Backbone, prompt: list[int], answer: list[int]) -> float:
    """log p(answer | prompt), from the whole logits of one unpadded sequence."""
    with plain(lm, "sdpa") as model:
        logits = model(torch.tensor([prompt + answer])).logits[0].float()
    predicted = logits[len(prompt) - 1 : -1].log_softmax(-1)
    return sum(row[token].item() for row, token in zip(predicted, answer, strict=True))


@torch.no_grad()
def logits_with_prefix_in(
    layers: tuple[int, ...], lm: Backbone, tokens: Tensor, past: Past
) -> Tensor:
    """Logits with the keys and values of all layers in the cache, but masked outside `layers`."""
    batch, length = tokens.shape
    prefix, lowest = past.length, torch.finfo(torch.float32).min
    mask = torch.full((length, length), lowest).triu(1)
    mask = torch.cat([torch.zeros(length, prefix), mask], 1).expand(batch, 1, -1, -1)

    def hide_prefix(module, args, kwargs):
        hidden = kwargs["attention_mask"].clone()
        hidden[..., :prefix] = lowest
        return args, kwargs | {"attention_mask": hidden}

    cache = DynamicCache()
    for layer, (keys, values) in enumerate(zip(past.keys, past.values, strict=True)):
        cache.update(
            keys.expand(batch, -1, -1, -1).clone(), values.expand(batch, -1, -1, -1).clone(), layer
        )
    with plain(lm) as model:
        hooks = [
            module.register_forward_pre_hook(hide_prefix, with_kwargs=True)
            for module in model.modules()
            if type(module).__name__.endswith("Attention") and module.layer_idx not in layers
        ]
        assert len(hooks) == lm.geometry.layers - len(layers)
        try:
            positions = prefix + torch.arange(length).expand(batch, -1)
            return model(tokens, attention_mask=mask, position_ids=positions, cache=cache).logits
        finally:
            for hook in hooks:
                hook.remove()
