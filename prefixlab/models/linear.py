"""Linear maps of the frozen model, y = W x + b: nearly all that a step of training computes.

torch multiplies matrices of float32 by MKL, which takes AVX-512 on Intel's processors alone.
oneDNN, which torch brings too, takes it on all: on an EPYC a core then makes 230 GF/s in place of
110 (`make bench` measures both).
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from transformers.pytorch_utils import Conv1D


def quicken(model: nn.Module) -> None:
    """Let the linear maps of a model be computed by `linear_map`."""
    quick = {nn.Linear: Quick, Conv1D: QuickTransposed}
    for module in model.modules():
        module.__class__ = quick.get(type(module), type(module))


class Quick(nn.Linear):
    """A linear map as most families have it, W [out, in]."""

    def forward(self, x: Tensor) -> Tensor:
        return linear_map(x, self.weight, self.bias)


class QuickTransposed(Conv1D):
    """As GPT-2 has it, W [in, out]."""

    def forward(self, x: Tensor) -> Tensor:
        return linear_map(x, self.weight.T, self.bias)


def linear_map(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """W x + b, [..., out], of x [..., in], W [out, in] and b [out]."""
    if x.is_cpu and x.dtype == torch.float32 and x.numel() and prefers_onednn():
        return Product.apply(x, weight, bias)
    return F.linear(x, weight, bias)


@cache
def prefers_onednn() -> bool:
    """Whether this is a processor whose AVX-512 oneDNN alone makes use of."""
    able = torch.cpu.get_capabilities()
    return (
        torch.backends.mkldnn.is_available()
        and bool(able.get("avx512_f"))
        and "Intel" not in able.get("cpu_name", "Intel")
    )


class Product(Function):
    """y = W x + b, and the way back, by oneDNN."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x if ctx.needs_input_grad[1] else None, weight)
        return onednn(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        trained = ctx.needs_input_grad
        flat = gradient.flatten(0, -2)  # dL/dy, [positions, out]
        return (
            onednn(gradient, weight.T) if trained[0] else None,  # dL/dx = W^T dL/dy
            # dL/dW = dL/dy x^T
            onednn(flat.T, x.flatten(0, -2).T) if trained[1] else None,
            flat.sum(0) if trained[2] else None,  # dL/db = dL/dy
        )


def onednn(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product
