"""Ablation: what a method answers to one sentence without some of what was trained for it.

`interpretation.Ablated` takes one part away, and any evaluation can be made of that.
Here one sentence is asked without many different parts at once, each case a row of one batch.
"""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from prefixlab.data.batching import Row
from prefixlab.data.examples import dataset
from prefixlab.data.task import Task
from prefixlab.evaluation.choices import answer_words
from prefixlab.methods import Method
from prefixlab.methods.base import check_together
from prefixlab.models.attention import Attention
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Edit

BATCH = 8  # cases at a time


@dataclass(frozen=True)
class Away:
    """Which virtual positions, and the prefix of which layers, are taken away; by number."""

    positions: frozenset[int] = frozenset()
    layers: frozenset[int] = frozenset()

    @classmethod
    def of(cls, positions: Iterable[int] = (), layers: Iterable[int] = ()) -> "Away":
        return cls(frozenset(positions), frozenset(layers))


class OneSentence:
    """A method that is asked one sentence, as it is now: later training changes nothing here.

    Raises
    ------
    ValueError
        A method of another model, one without virtual positions, or on an encoder-decoder; a task
        of free text.
    """

    def __init__(self, lm: Backbone, method: Method, task: Task, sentence: str):
        check_together(lm, method, task)
        answer_words(task)  # or there is nothing to choose from
        self.lm = lm
        with torch.no_grad():
            self.given = deepcopy(method).conditioning()  # training writes into its parameters
        (self.row,) = method.rows(lm, dataset([(sentence, 0)]), task)
        past, virtual = self.given.past, self.given.virtual
        self.layers = list(past.by_layer()) if past else []
        self.positions = past.length if past else 0 if virtual is None else len(virtual)
        if not self.positions or self.row.start is not None:
            raise ValueError(
                f"{method.name} on {lm.name} has no virtual positions in one sequence; take a "
                "prompt or a prefix, on a causal model or an encoder."
            )

    @torch.no_grad()
    def attention(self) -> Tensor:
        """What the position that answers attends to, [layers, heads, P + T]; 0 where nothing is.

        The P positions of the past come first; layers without a past have zeros there.
        """
        batch = self.lm.collate([self.row]).to(self.lm.device)
        weights = self.lm.attention_weights(batch.tokens[:1], batch.mask[:1], self.given)
        at = int(batch.read_columns[0])
        widest = max(layer.shape[-1] for layer in weights)
        asked = [layer[0, :, at] for layer in weights]  # [heads, T] or [heads, P + T]
        return torch.stack([F.pad(layer, (widest - layer.shape[-1], 0)) for layer in asked]).cpu()

    @torch.no_grad()
    def answers(self, cases: Sequence[Away]) -> Tensor:
        """The probability of every answer in each case, [cases, answers]."""
        return torch.cat(
            [self._batch(cases[at : at + BATCH]) for at in range(0, len(cases), BATCH)]
        )

    def _batch(self, cases: Sequence[Away]) -> Tensor:
        batch = self.lm.collate([self._row(case) for case in cases])
        given = self.given
        if given.past:
            hidden = torch.zeros(len(cases), self.lm.geometry.layers, self.positions).bool()
            for number, case in enumerate(cases):
                hidden[number, :, list(case.positions)] = True
                hidden[number, list(case.layers)] = True
            # A row for every answer where answers are scored whole.
            each = hidden.repeat_interleave(len(batch.tokens) // len(cases), 0).to(self.lm.device)
            given = replace(given, edits=[*given.edits, Hidden(hidden=each)])
        return self.lm.answer_scores(batch, given).softmax(1).cpu()

    def _row(self, case: Away) -> Row:
        """The tokens in this case: from a prompt, the virtual token itself goes."""
        if self.given.past:
            return self.row
        gone = {-1 - position for position in case.positions}  # how its slot is written
        return replace(self.row, prompt=[one for one in self.row.prompt if one not in gone])


@dataclass(frozen=True, kw_only=True)
class Hidden(Edit):
    """Positions of the past that a row does not attend to in a layer; all stay where they stand."""

    hidden: Tensor  # [rows, layers, P]

    def attention(self, at: Attention) -> Attention:
        if not at.prefix:
            return at
        text = at.mask.shape[-1] - at.prefix
        hidden = F.pad(self.hidden[:, at.layer], (0, text))[:, None, None]  # [rows, 1, 1, P + T]
        if at.mask.is_floating_point():
            return replace(at, mask=at.mask.masked_fill(hidden, float("-inf")))
        return replace(at, mask=at.mask & ~hidden)
