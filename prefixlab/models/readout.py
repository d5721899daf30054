"""Read-out: from a model's last activation to its logits, in float32.

    logits = f(W h + b)

For most families f is nothing; Gemma 2 caps (c tanh(z / c)), Cohere and Granite scale. It is the
family's own code: its `forward` is run around a body that only answers h, and a head that only has
the rows of W that are asked for.

Two answers are often closer than two neighbouring bfloat16 numbers are, so that in bfloat16 they
would tie. A float32 copy of W would take more memory than all layers of a small model: its rows are
turned to float32 a few at a time.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from transformers import PreTrainedModel
from transformers.modeling_outputs import MoeModelOutputWithPast

from prefixlab.models.linear import linear_map

ROWS = 1024  # of W at a time: in float32 they fit into a processor's cache


def read_out(model: PreTrainedModel, hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """f(W h + b) of a causal model for the given rows of its W and b: [..., rows], in float32.

    `hidden` is [..., hidden], `weight` [rows, hidden], `bias` [rows] or None.
    """
    flat = hidden.float().flatten(0, -2)[None]  # [1, positions, hidden]
    head = model.get_output_embeddings()
    name = next(name for name, part in model.named_children() if part is head)
    shell = copy(model)  # its modules are another dict, so that the model itself stays as it is
    vars(shell)["_modules"] = {model.base_model_prefix: Body(flat), name: Head(weight, bias)}
    logits: Tensor = shell.forward(inputs_embeds=flat, use_cache=False, return_dict=True).logits
    return logits[0].float().view(*hidden.shape[:-1], -1)


@dataclass
class Read(MoeModelOutputWithPast):
    """What any family's layers return, as far as its `forward` looks at it."""

    cross_attentions: None = None


class Body:
    """In place of the layers: it has read already."""

    def __init__(self, hidden: Tensor):
        self.hidden = hidden

    @property
    def decoder(self) -> "Body":  # where OPT keeps its layers
        return self

    def __call__(self, *given: Any, **options: Any) -> Read:
        return Read(last_hidden_state=self.hidden)  # type: ignore[arg-type]


class Head:
    """In place of the output layer: some of its rows."""

    def __init__(self, weight: Tensor, bias: Tensor | None):
        self.weight, self.bias = weight, bias

    def __call__(self, hidden: Tensor) -> Tensor:
        return linear(hidden, self.weight, self.bias)


def linear(hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """W h + b in float32, [..., rows], whatever the precision of W is."""
    hidden, bias = hidden.float(), None if bias is None else bias.float()
    if weight.requires_grad or weight.dtype == torch.float32:
        return linear_map(hidden, weight.float(), bias)
    product: Tensor = FrozenMap.apply(hidden, weight)
    return product if bias is None else product + bias


class FrozenMap(Function):
    """W h of a frozen W that is not in float32: forward and backward, without a copy of it."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        product = hidden.new_empty(*hidden.shape[:-1], len(weight))
        for part, rows in zip(product.split(ROWS, dim=-1), float32_rows(weight), strict=True):
            part.copy_(linear_map(hidden, rows))
        return product

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        (weight,), (gradient,) = ctx.saved_tensors, gradients
        back = gradient.new_zeros(*gradient.shape[:-1], weight.shape[1])
        for part, rows in zip(gradient.split(ROWS, dim=-1), float32_rows(weight), strict=True):
            back += part @ rows  # dL/dh = dL/d(W h) W, summed over the rows of W
        return back, None


def float32_rows(weight: Tensor) -> Iterator[Tensor]:
    """Some rows after the others, [ROWS or fewer, hidden], in one place that is used again."""
    place = torch.empty(ROWS, weight.shape[1], device=weight.device)
    for rows in weight.split(ROWS):
        yield place[: len(rows)].copy_(rows)
