"""Prefix tuning (Li & Liang 2021): trained keys and values in every layer.

The activations of the prefix positions are parameters, all others are computed (equation 3):

    h_i = P[i, :]           if i is in P_idx
    h_i = LM(z_i, h_<i)     otherwise

A later position sees h_i only through keys and values, so those are what P holds: for each of L
layers, [K^P; K^X] and [V^P; V^X] are what attention works on. P has
prefix_length * 2 * L * kv_heads * head_dim numbers.
"""

import re
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn

from prefixlab import arguments
from prefixlab.chance import draw
from prefixlab.data.task import Task
from prefixlab.data.template import tokens_of
from prefixlab.methods.base import CommonKnobs, Method, check_backbone, check_method
from prefixlab.methods.knobs import knob
from prefixlab.methods.prompt_tuning import fit_length
from prefixlab.methods.reparameterization import MLP, Flat, fit
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning, Past
from prefixlab.models.geometry import Geometry

UNRELATED_WORDS = "banana umbrella gravel twelve lantern sideways copper Tuesday"


@dataclass(frozen=True)
class PrefixTuningKnobs(CommonKnobs):
    prefix_length: int = knob(
        10, "positions of the prefix, in every layer", low=1, high=200, unit="positions"
    )
    init: str = knob(
        "task_words",
        "where keys and values start: uniform in [0, 1), normal with the scale of real "
        "activations, or the activations of real words",
        choices=("uniform", "matched", "task_words", "unrelated_words", "examples"),
        sizes=False,
    )
    words: str = knob("", "the words for task_words; empty for the task's own", sizes=False)
    layers: str = knob(
        "all",
        "the layers that get a prefix: all, first:4, last:4, or numbers and ranges: 0-5,11; in an "
        "encoder-decoder also encoder, decoder and cross",
    )
    reparameterization: str = knob(
        "none", "train the prefix itself, or an MLP that computes it", choices=("none", "mlp")
    )
    mlp_hidden: int = knob(512, "hidden width of the MLP", low=1, high=4096, unit="units")


class PrefixTuning(Method):
    """Trained keys and values in every layer, or in chosen ones."""

    name = "prefix_tuning"
    Knobs = PrefixTuningKnobs

    # The MLP adds up hundreds of hidden units, and so the steps of as many weights.
    @property
    def learning_rate(self) -> float:  # type: ignore[override]
        return 0.003 if self.knobs.reparameterization == "none" else 5e-5

    def build(self, geometry: Geometry) -> None:
        self.layers = parse_layers(self.knobs.layers, geometry)
        length = self.knobs.prefix_length
        geometry.check_room(length, 1)
        width = len(self.layers) * 2 * geometry.kv_width
        self.prefix: nn.Module
        if self.knobs.reparameterization == "mlp":
            self.prefix = MLP(length, geometry.hidden, self.knobs.mlp_hidden, width)
        else:
            self.prefix = Flat(torch.zeros(length, width))

    @property
    def formula(self) -> str:
        return f"prefix_length * {self.layer_symbol} * 2 * kv_heads * head_dim"

    @property
    def layer_symbol(self) -> str:
        """The number of its layers in a formula: L where they are all."""
        return "L" if len(self.layers) == self.geometry.layers else str(len(self.layers))

    def start(self, lm: Backbone, task: Task) -> None:
        initial = self.flatten(self.initial(lm, task)).cpu()  # P, [prefix, width]
        if isinstance(self.prefix, Flat):
            self.prefix.values.copy_(initial)
            return
        draw(self.prefix, self.generator())
        # With init='uniform' the MLP starts as it is, as in the paper's full-data runs.
        if isinstance(self.prefix, MLP) and self.knobs.init != "uniform":
            fit(self.prefix, initial)

    def conditioning(self) -> Conditioning:
        return Conditioning(past=self.unflatten(self.prefix()))

    def drop_reparameterization(self) -> None:
        """Keep only P = MLP(P'); no output changes (section 4.3)."""
        with torch.no_grad():
            self.prefix = Flat(self.prefix())

    def flatten(self, past: Past) -> Tensor:
        """The chosen layers of a past as a matrix P, [prefix, layers * 2 * kv_heads * head_dim]."""
        chosen = list(self.layers)
        both = torch.stack([past.keys[chosen], past.values[chosen]], dim=1)[:, :, 0]
        # [layers, 2, kv_heads, prefix, head_dim] -> [prefix, layers, 2, kv_heads, head_dim]
        return both.permute(3, 0, 1, 2, 4).flatten(1)

    def unflatten(self, matrix: Tensor) -> Past:
        """The inverse of `flatten`."""
        size = self.geometry
        apart = matrix.view(len(matrix), len(self.layers), 2, size.kv_heads, size.head_dim)
        # [prefix, layers, 2, kv_heads, head_dim] -> [2, layers, 1, kv_heads, prefix, head_dim]
        keys, values = apart.permute(2, 1, 3, 0, 4)[:, :, None]
        return Past(keys, values, self.layers)

    def initial(self, lm: Backbone, task: Task) -> Past:
        """Keys and values to start from, in every layer (section 7.4).

        Activations of real words are what the model itself computes when it reads them: with
        this start the prefix is those words, exactly.
        """
        words = {
            "task_words": self.knobs.words or task.task_words,
            "unrelated_words": UNRELATED_WORDS,
            "examples": self.demonstrations(task),
        }
        text = words.get(self.knobs.init, task.task_words)
        ids = fit_length(tokens_of(lm.tokenizer, text), self.knobs.prefix_length)
        real = lm.read_past(ids).float()
        if self.knobs.init in words:
            return real
        source = self.generator()
        keys, values = (torch.empty(part.shape) for part in (real.keys, real.values))
        if self.knobs.init == "uniform":
            keys.uniform_(generator=source)
            values.uniform_(generator=source)
        else:  # "matched": per layer, the root mean square of real keys and of real values
            keys.normal_(generator=source).mul_(rms(real.keys).cpu())
            values.normal_(generator=source).mul_(rms(real.values).cpu())
        return Past(keys.to(lm.device), values.to(lm.device))

    def demonstrations(self, task: Task) -> str:
        """Enough training examples with their answers to fill any prefix."""
        words = task.verbalizer.words if task.verbalizer else None
        first = task.train.select(range(min(16, len(task.train))))
        texts = (
            self.template.fill(x, words[y] if words else y)
            for x, y in zip(first["x"], first["y"], strict=True)
        )
        return "\n\n".join(texts)


def rms(part: Tensor) -> Tensor:
    """Root mean square of each layer's keys or values, [layers, 1, 1, 1, 1]."""
    return part.square().mean(dim=(1, 2, 3, 4), keepdim=True).sqrt()


def parse_layers(text: str, geometry: Geometry) -> tuple[int, ...]:
    """Layer numbers from "all", "first:4", "last:4", numbers and ranges such as "0-5,11".

    Layers that have names in the geometry go by these too: "encoder,cross".

    Raises
    ------
    ValueError
        Something else, or a layer that the model does not have.
    """
    count = geometry.layers
    named = geometry.parts | {"all": range(count)}

    def spelt(item: str) -> range:
        """The layers of one item; none where it does not name some of this model."""
        if found := re.fullmatch("(first|last):([0-9]{1,9})", item):
            few = int(found[2]) if int(found[2]) <= count else 0
            return range(few) if found[1] == "first" else range(count - few, count)
        if found := re.fullmatch("([0-9]{1,9})(?:-([0-9]{1,9}))?", item):
            first, last = int(found[1]), int(found[2] or found[1])
            return range(first, last + 1) if last < count else range(0)
        return range(0)

    items = [item.strip() for item in arguments.text("layers", text).split(",")]
    ranges = [named.get(item) or spelt(item) for item in items]
    if not all(ranges):
        wrong = items[next(place for place, chosen in enumerate(ranges) if not chosen)]
        few = min(4, count)
        some = f"0-{(count - 1) // 2},{count - 1}" if count > 1 else "0"
        raise ValueError(
            f"layers={arguments.shortened(text)} names no layers of this model with "
            f"{arguments.shortened(wrong)}; write {', '.join(reversed(named))}, "
            f"first:{few}, last:{few}, or numbers and ranges from 0 to {count - 1}, such as {some}."
        )
    return tuple(sorted(set(chain(*ranges))))


def attention_mass(lm: Backbone, method: Method, text: str) -> Tensor:
    """How much attention goes to the prefix from where the label is read, each in [0, 1].

    That is the last position, or [CLS] in an encoder. Layers without a prefix pay none. The
    result is [layers, heads].

    Raises
    ------
    ValueError
        A method of another model or one without a prefix, or what is no text.
    """
    check_backbone(lm)
    check_method(method)
    method.check_belongs(lm)
    tokens = torch.tensor([lm.encode(arguments.text("text", text))], device=lm.device)
    given = method.conditioning()
    if given.past is None:
        raise ValueError(
            f"{method.name} has no prefix to pay attention to; take prefix_tuning or p_tuning_v2."
        )
    with torch.no_grad():
        recorded = lm.attention_weights(tokens, given=given)
    length = tokens.shape[1]
    # The keys of a layer are its prefix, then the text: [1, heads, text, prefix + text].
    return torch.stack([weights[0, :, lm.answer_at, :-length].sum(-1) for weights in recorded])
