"""Interpretation: what a trained prompt or prefix has become, and what each part of it is worth.

The words nearest to a virtual token are `nearest_tokens`, the attention that a prefix gets is
`attention_mass`. Here: how far training moved a virtual token, whether the words that it started
from are still near (Lester et al. 2021, section 7), and what is lost without a layer or a position.
"""

from dataclasses import dataclass, replace

import torch
from datasets import Dataset
from torch import Tensor, nn

from prefixlab.data.batching import Row
from prefixlab.data.task import Task
from prefixlab.evaluation.choices import judge, scores
from prefixlab.methods import Method, create
from prefixlab.methods.base import check_together
from prefixlab.methods.infix import Infix
from prefixlab.methods.prompt_tuning import nearest_tokens
from prefixlab.models.attention import Attention
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning, Edit, Past


def moved(lm: Backbone, method: Method, task: Task) -> Tensor:
    """How far training moved each virtual token: |P_i - P_i at the start| / |P_i at the start|.

    [virtual_tokens] for a prompt, [layers, prefix] for a prefix or an infix, also where a prompt
    stands beside it. The start is made again, from the method's knobs and its seed. What started
    as zeros and is no longer has moved infinitely far; what is as it was has moved by 0.

    Raises
    ------
    ValueError
        A method without a prompt and without a prefix, or one of another model.
    """
    check_together(lm, method, task)
    about = method.describe()
    start = create(about["method"], lm, task, seed=about["seed"], **about["knobs"])
    now, then = (vectors(each) for each in (method, start))
    far = (now - then).norm(dim=-1)
    return torch.where(far == 0, 0, far / then.norm(dim=-1))


@torch.no_grad()
def vectors(method: Method) -> Tensor:
    """The virtual tokens, [virtual_tokens, hidden], or [layers, prefix, 2 * kv_width]."""
    given = method.conditioning()
    past = given.past
    if isinstance(method, Infix):  # it is trained as keys and values
        past = method.unflatten(method.prefix())
    if past is None and given.virtual is not None:
        return given.virtual.clone()
    if past is None:
        raise ValueError(
            f"{method.name} has no virtual tokens to look at; take a prompt or prefix."
        )
    both = torch.stack([past.keys, past.values], dim=1)[:, :, 0]
    # [layers, 2, kv_heads, prefix, head_dim] -> [layers, prefix, 2, kv_heads, head_dim]
    return both.permute(0, 3, 1, 2, 4).flatten(2)


def persisting(lm: Backbone, method: Method, task: Task, k: int = 5) -> dict[str, list[int]]:
    """For each answer the virtual tokens, counted from 0, whose `k` nearest words it is among.

    Upper and lower case, and a space in front, make no difference.

    Raises
    ------
    ValueError
        A method without virtual tokens at the input, or a task without answers.
    """
    check_together(lm, method, task)
    # Of an infix nothing is at the input.
    virtual = None if isinstance(method, Infix) else method.conditioning().virtual
    if virtual is None or task.verbalizer is None:
        raise ValueError(
            f"{method.name} on {task.name} has no virtual tokens at the input, or no answers; take "
            "a prompt, and a task with a verbalizer."
        )
    near = [{word.strip().lower() for word, _ in words} for words in nearest_tokens(lm, virtual, k)]
    return {
        answer: [number for number, words in enumerate(near) if answer.lower() in words]
        for answer in task.verbalizer.words
    }


class Ablated(Method):
    """A method without what was trained for one layer, or for one virtual token.

    It can be evaluated as the method itself: the difference in loss is what the part is worth.
    From a prefix, the keys and values of that layer or position go, and the text stays where it
    stands; from a prompt, the virtual token goes.

    Raises
    ------
    ValueError
        A layer or a virtual token that the method does not have.
    """

    name = "ablated"

    def __init__(self, method: Method, *, layer: int | None = None, token: int | None = None):
        nn.Module.__init__(self)  # there is nothing to prepare: all is the method's
        self.method, self.layer, self.token = method, layer, token
        self.geometry, self.fingerprint = method.geometry, method.fingerprint
        layers, tokens = parts(method)
        if layer is not None and layer not in layers:
            raise ValueError(f"{method.name} has nothing in layer {layer}, only in {layers}.")
        if token is not None and token not in tokens:
            raise ValueError(f"{method.name} has no virtual token {token}, only {tokens}.")

    def conditioning(self) -> Conditioning:
        given = self.method.conditioning()
        if given.past is None:
            return given
        if self.layer is not None:
            given = replace(given, past=without(given.past, self.layer))
        if self.token is not None:
            given = replace(given, edits=[*given.edits, Unseen(position=self.token)])
        return given

    def rows(self, lm: Backbone, examples: Dataset, task: Task) -> list[Row]:
        rows = self.method.rows(lm, examples, task)
        if self.token is None or self.method.conditioning().past:
            return rows
        gone = -1 - self.token  # how its slot is written
        return [replace(row, prompt=[one for one in row.prompt if one != gone]) for row in rows]


def without(past: Past, layer: int) -> Past:
    """The past in all its layers but one."""
    layers = list(past.by_layer())
    left = [place for place, number in enumerate(layers) if number != layer]
    return replace(
        past,
        keys=past.keys[left],
        values=past.values[left],
        layers=tuple(layers[place] for place in left),
    )


@dataclass(frozen=True, kw_only=True)
class Unseen(Edit):
    """A position of the past that no one attends to; all others stay where they stand."""

    position: int

    def attention(self, at: Attention) -> Attention:
        if not at.prefix:
            return at
        seen = torch.arange(at.mask.shape[-1], device=at.mask.device) != self.position  # [P + T]
        if at.mask.is_floating_point():
            return replace(at, mask=at.mask.masked_fill(~seen, float("-inf")))
        return replace(at, mask=at.mask & seen)


def parts(method: Method) -> tuple[list[int], list[int]]:
    """The layers that the method has a prefix in, and its virtual tokens, both by number."""
    given = method.conditioning()
    if given.past is not None:
        return list(given.past.by_layer()), list(range(given.past.length))
    return [], list(range(0 if given.virtual is None else len(given.virtual)))


def worth(
    lm: Backbone, method: Method, task: Task, examples: Dataset
) -> tuple[dict[int, float], dict[int, float]]:
    """How much the loss on some examples grows without each layer, and without each virtual token.

    In nats, by the number of the layer and of the token. What is worth less than nothing does harm.
    """

    def loss(tried: Method) -> float:
        return judge(scores(lm, tried, task, examples), examples).loss

    whole, (layers, tokens) = loss(method), parts(method)
    return (
        {layer: loss(Ablated(method, layer=layer)) - whole for layer in layers},
        {token: loss(Ablated(method, token=token)) - whole for token in tokens},
    )
