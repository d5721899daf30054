"""One model, many tasks: a batch in which every row has its own prompt or prefix, and its own task.

The frozen model is the same for all tasks, and what steers it is small and stands before or between
the words of a row. So rows of different tasks share a pass (Lester et al. 2021, figure 2; Li &
Liang 2021, section 9). Row i computes, in every layer, what it would compute alone:

    softmax(Q_i [K_i^P; K_i^X]^T / sqrt(d)) [V_i^P; V_i^X]

Prompts stand in one table, where each has numbers of its own. Prefixes stand in one tensor, and a
row sees its own positions of it, in its own layers. Answers are read off row by row. Fine-tuned
weights are those of all rows: they cannot share. Adapters and LoRA could, in layers that choose
them row by row (Sheng et al. 2024, S-LoRA); here they change the model for all rows too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.nn import functional as F

from prefixlab import arguments
from prefixlab.data.batching import Batch, Row, evaluation_order
from prefixlab.data.examples import dataset
from prefixlab.data.task import Task
from prefixlab.evaluation.choices import answer_words, answers_scored
from prefixlab.methods import Method
from prefixlab.methods.base import check_together
from prefixlab.methods.infix import Slots
from prefixlab.models.attention import Attention
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning, Edit, Past


@dataclass(frozen=True)
class Part:
    """Rows with what they have in common: what the model is given for them."""

    rows: list[Row]
    given: Conditioning
    answers: int  # scored for each row


def serve(
    lm: Backbone,
    prompts: Mapping[str, tuple[Method, Task]],
    requests: Sequence[tuple[str, str]],
    *,
    batch_size: int = 8,
) -> list[dict[str, float]]:
    """Answer requests of different tasks by one model, in mixed batches.

    Parameters
    ----------
    prompts
        The method and the task that each name stands for; a task must have answers to choose from.
    requests
        Pairs of a name and a text, in any order.

    Returns
    -------
    For every request, in the same order, the probability of each answer of its task.

    Raises
    ------
    ValueError
        A name without a prompt, a request that is no pair of texts, a task of free text, or as
        `mixed_scores`.
    """
    if not isinstance(prompts, Mapping):
        raise ValueError(
            f"prompts is of type {type(prompts).__name__}, not a dict; write it as "
            "{name: (method, task)}."
        )
    texts: dict[str, list[str]] = {}
    places = []  # of every request: its name, and its number among those of that name
    for number, request in enumerate(groups("requests", requests, "name", "text")):
        name, text = (arguments.text(f"requests[{number}]", part) for part in request)
        if name not in prompts:
            raise ValueError(
                f"There is no prompt for the task {name!r}; there is one for "
                f"{', '.join(prompts) or 'none'}: train one, or load one with load_method."
            )
        texts.setdefault(name, []).append(text)
        places.append((name, len(texts[name]) - 1))
    groups("prompts", [prompts[name] for name in texts], "method", "task")
    answers = {name: answer_words(prompts[name][1]) for name in texts}
    asked = [
        (*prompts[name], dataset([(text, 0) for text in of_task]))
        for name, of_task in texts.items()
    ]
    scored = dict(zip(texts, mixed_scores(lm, asked, batch_size=batch_size), strict=True))
    return [
        dict(zip(answers[name], scored[name][number].softmax(0).tolist(), strict=True))
        for name, number in places
    ]


def groups(name: str, value: Any, *members: str) -> list[Any]:
    """`value`, if it is a list with a group of so many members in each place."""
    if isinstance(value, list | tuple) and all(
        isinstance(one, list | tuple) and len(one) == len(members) for one in value
    ):
        return list(value)
    raise ValueError(
        f"{name}={arguments.shortened(value)} is no list of groups; write each as "
        f"({', '.join(members)})."
    )


def mixed_scores(
    lm: Backbone, requests: Sequence[tuple[Method, Task, Dataset]], *, batch_size: int = 8
) -> list[Tensor]:
    """The scores of every request's examples, [examples, answers] each, as `scores` has them.

    A request is a method, a task and examples of it. A batch holds rows of any of them, sorted by
    length.

    Raises
    ------
    ValueError
        A method that changes the model itself, one of another backbone, one that is missing, or an
        example too long for the model.
    """
    batch_size = arguments.whole_number("batch_size", batch_size, 1)
    with torch.no_grad():
        asked = groups("requests", requests, "method", "task", "examples")
        parts = [request_part(lm, *request) for request in asked]
        return score(lm, parts, batch_size)


def request_part(lm: Backbone, method: Method | None, task: Task, examples: Dataset) -> Part:
    """A request in token ids, if its rows can share a batch with others."""
    if method is None:
        raise ValueError(
            f"The request for {task.name} has no prompt; train one, or load one with load_method."
        )
    check_together(lm, method, task)
    given = method.conditioning()
    if not all(isinstance(edit, Slots) for edit in given.edits):
        raise ValueError(
            f"{method.name} changes what the model computes for every row of a batch, so it cannot "
            "share one with other tasks; evaluate it by itself, or take a prompt or a prefix."
        )
    rows = method.rows(lm, arguments.examples(examples), task)
    return Part(rows, given, answers_scored(task))


def score(lm: Backbone, parts: Sequence[Part], batch_size: int) -> list[Tensor]:
    """The scores of each part's rows, [rows, answers], from batches that mix the parts."""
    results = [torch.full((len(part.rows), part.answers), float("nan")) for part in parts]
    places = [(number, at) for number, part in enumerate(parts) for at in range(len(part.rows))]
    rows = [parts[number].rows[at] for number, at in places]
    # Slots with keys and values of their own are numbered before those that are embedded.
    order = sorted(range(len(parts)), key=lambda number: not parts[number].given.edits)
    for batch in evaluation_order(rows, batch_size):
        drawn: dict[int, list[int]] = {number: [] for number in order}
        for number, at in (places[index] for index in batch):
            drawn[number].append(at)
        here = {number: chosen for number, chosen in drawn.items() if chosen}
        together = one_pass(
            lm,
            [
                replace(parts[number], rows=[parts[number].rows[at] for at in chosen])
                for number, chosen in here.items()
            ],
        )
        for (number, chosen), scored in zip(here.items(), together, strict=True):
            results[number][chosen] = scored.cpu()
    return results


def one_pass(lm: Backbone, parts: Sequence[Part]) -> list[Tensor]:
    """The scores of each part's rows, [rows, answers], from one pass; deep slots come first."""
    batches = [lm.collate(part.rows).to(lm.device) for part in parts]
    given = [part.given for part in parts]
    counts = [len(batch.tokens) for batch in batches]
    tokens, mask = stack(batches, given, lm.padding)
    hidden = lm.hidden_states(tokens, mask, merge(lm, given, counts))  # [rows, positions, hidden]
    return [
        # Padding stands on the left: the columns of a narrower batch are the last ones.
        lm.scores_at(states[:, -batch.tokens.shape[1] :], batch, part.given)
        for states, batch, part in zip(hidden.split(counts), batches, parts, strict=True)
    ]


def stack(
    batches: Sequence[Batch], given: Sequence[Conditioning], padding: int
) -> tuple[Tensor, Tensor]:
    """Tokens and mask of all batches, [rows, positions], with virtual tokens numbered anew."""
    width = max(batch.tokens.shape[1] for batch in batches)
    tokens, masks, first = [], [], 0
    for batch, own in zip(batches, given, strict=True):
        left = (width - batch.tokens.shape[1], 0)
        numbered = torch.where(batch.tokens < 0, batch.tokens - first, batch.tokens)
        tokens.append(F.pad(numbered, left, value=padding))
        masks.append(F.pad(batch.mask, left, value=False))
        first += 0 if own.virtual is None else len(own.virtual)
    return torch.cat(tokens), torch.cat(masks)


def merge(lm: Backbone, given: Sequence[Conditioning], counts: Sequence[int]) -> Conditioning:
    """One conditioning for a batch of which the first `counts[0]` rows are given `given[0]`, …"""
    tables = [own.virtual for own in given if own.virtual is not None]
    slots = [edit for own in given for edit in own.edits if isinstance(edit, Slots)]
    past, edits = merge_pasts(lm, [own.past for own in given], counts)
    return Conditioning(
        virtual=torch.cat(tables) if tables else None,  # [virtual tokens of all, hidden]
        past=past,
        edits=[*edits, *([merge_slots(slots)] if slots else [])],
    )


def merge_slots(slots: Sequence[Slots]) -> Slots:
    """The slots of several tasks, one after the other."""

    def joined(layer: int, part: int) -> Tensor:
        return torch.cat([own.given[layer][part] for own in slots], dim=-2)

    return Slots(given={layer: (joined(layer, 0), joined(layer, 1)) for layer in slots[0].given})


@dataclass(frozen=True, kw_only=True)
class Shown(Edit):
    """Rows that have no past in a layer, though others of the batch have."""

    shown: Tensor  # [layers, batch], True where a row has its past in a layer

    def attention(self, at: Attention) -> Attention:
        text = torch.arange(at.mask.shape[-1], device=at.mask.device) >= at.prefix  # [P + T]
        return replace(at, mask=at.mask & (text | self.shown[at.layer][:, None, None, None]))


def merge_pasts(
    lm: Backbone, pasts: Sequence[Past | None], counts: Sequence[int]
) -> tuple[Past | None, list[Edit]]:
    """Pasts of different lengths and layers in one, with a row for every row of the batch.

    The next rows, as many as `counts` says, have the next of the pasts. What a row does not have
    is zero, and hidden from it.
    """
    length = max((past.length for past in pasts if past), default=0)
    if not length:
        return None, []
    size, rows = lm.geometry, sum(counts)
    shape = (size.layers, rows, size.kv_heads, length, size.head_dim)
    keys, values = (torch.zeros(shape, dtype=lm.dtype, device=lm.device) for _ in range(2))
    mask = torch.zeros(rows, length, dtype=torch.bool, device=lm.device)
    shown = torch.zeros(size.layers, rows, dtype=torch.bool, device=lm.device)
    first = 0
    for past, count in zip(pasts, counts, strict=True):
        if past:
            own = slice(first, first + count)
            for layer, (layer_keys, layer_values) in past.by_layer().items():
                keys[layer, own, :, : past.length] = layer_keys  # [rows, kv_heads, P, head_dim]
                values[layer, own, :, : past.length] = layer_values
                shown[layer, own] = True
            mask[own, : past.length] = True if past.mask is None else past.mask
        first += count
    return Past(keys, values, mask=mask), [Shown(shown=shown)]
