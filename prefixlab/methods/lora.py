"""LoRA (Hu et al. 2022): a low-rank change beside frozen linear maps.

    h = W x + (alpha / r) B A x,    A [r, in] and B [out, r] trained     (section 4.1, equation 3)

B starts at zero, so that the model begins as it was. After training B A may be added to W, so that
the changed model costs what the model did: `merged` (the paper's section 4.2).
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from prefixlab.arguments import shortened
from prefixlab.chance import draw
from prefixlab.data.task import Task
from prefixlab.methods.base import CommonKnobs, Method
from prefixlab.methods.knobs import knob
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning, Edit
from prefixlab.models.geometry import Geometry


@dataclass(frozen=True)
class LoRAKnobs(CommonKnobs):
    rank: int = knob(8, "r, the rank of the change of each map", low=1, high=256)
    alpha: float = knob(
        16.0, "the change counts alpha / r times", low=0.001, high=1024, sizes=False
    )
    maps: str = knob(
        "all",
        "which linear maps are changed: all of every layer, or by the ends of their names, such as "
        "q_proj,v_proj",
    )


class LowRank(nn.Module):
    """The change of one map, from `width_in` to `width_out`; it is computed in float32."""

    def __init__(self, width_in: int, width_out: int, rank: int):
        super().__init__()
        self.down = nn.Linear(width_in, rank, bias=False)  # A
        self.up = nn.Linear(rank, width_out, bias=False)  # B

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = self.up(self.down(x.float()))  # B A x, [batch, positions, width_out]
        return changed


class LoRA(Method):
    """A trained change B A of each chosen map.

    Raises
    ------
    ValueError
        Maps that the model does not have.
    """

    name = "lora"
    Knobs = LoRAKnobs
    learning_rate = 0.001

    def build(self, geometry: Geometry) -> None:
        self.widths = chosen_maps(self.knobs.maps, geometry)
        self.scale = self.knobs.alpha / self.knobs.rank
        self.changes: Any = nn.ModuleList(
            LowRank(geometry.shapes[f"{name}.weight"].numel() // width, width, self.knobs.rank)
            for name, width in self.widths.items()
        )

    def start(self, lm: Backbone, task: Task) -> None:
        draw(self.changes, self.generator())
        for change in self.changes:
            change.up.weight.zero_()

    @property
    def formula(self) -> str:
        ends = sum(weight.shape[0] + weight.shape[1] for weight in self.parameters())
        ends -= 2 * len(self.widths) * self.knobs.rank  # in + out of all maps
        layers = len(self.geometry.layers_by_name)
        return f"rank * {ends}" if ends % layers else f"{layers} * rank * {ends // layers}"

    def conditioning(self) -> Conditioning:
        each = zip(self.widths, self.changes, strict=True)
        added = {name: partial(beside, change, self.scale) for name, change in each}
        return Conditioning(edits=[Edit(outputs=added)])

    @torch.no_grad()
    def merged(self, lm: Backbone) -> Conditioning:
        """The same change as weights: W + (alpha / r) B A in place of each W.

        Raises
        ------
        ValueError
            A backbone that the method was not made for.
        """
        self.check_belongs(lm)
        weights = {}
        for name, change in zip(self.widths, self.changes, strict=True):
            own = lm.model.get_parameter(f"{name}.weight").float()
            product = self.scale * change.up.weight @ change.down.weight  # [out, in]
            if isinstance(lm.model.get_submodule(name), Conv1D):  # GPT-2 keeps W transposed
                product = product.T
            weights[f"{name}.weight"] = own + product
        return Conditioning(edits=[Edit(weights=weights)])


def beside(change: LowRank, scale: float, x: Tensor, output: Tensor) -> Tensor:
    """W x + (alpha / r) B A x, of a map's input and its output W x."""
    return output + (scale * change(x)).to(output.dtype)  # [batch, positions, out]


def chosen_maps(text: str, geometry: Geometry) -> dict[str, int]:
    """The linear maps that `text` names, each with the width of its output."""
    every = geometry.linear_maps
    ends = [end.strip() for end in text.split(",")]
    if ends == ["all"]:
        return every
    for end in ends:
        if not end or not any(ends_with(name, end) for name in every):
            known = sorted({name.rpartition(".")[2] for name in every})
            raise ValueError(
                f"maps={shortened(text)} names no linear map of {geometry.name} with "
                f"{shortened(end)}; write all, or some of {', '.join(known)}."
            )
    return {
        name: width for name, width in every.items() if any(ends_with(name, end) for end in ends)
    }


def ends_with(name: str, end: str) -> bool:
    """Whether a name ends with whole parts: "attn.c_proj" with "c_proj", and not with "proj"."""
    return f".{name}".endswith(f".{end}")
