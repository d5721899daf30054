"""Conditioning: what a method gives the frozen model, and the only way into it.

    virtual    embeddings of the soft slots of a template         at the input
    past       keys and values that come before the text          in the attention of the layers
    head       rows that answer in place of the output layer's    at the output
    edits      changes to what the model computes                 anywhere between

The first three steer the model from outside. An edit changes the model itself for as long as it
runs; each is defined in the file of the method that makes it. Causal models, encoders and
encoder-decoders apply all four by the same code.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from prefixlab.models.attention import Attention

Changed = Callable[[Tensor, Tensor], Tensor]  # of a module's input and output: another output


@dataclass(frozen=True)
class Past:
    """What the attention layers are told came before the text.

    `keys` and `values` are [layers, batch or 1, kv_heads, prefix, head_dim]. `layers` names the
    layers they are for (all others have no past); None means every layer in turn. `mask`, [batch,
    prefix], is True where a position is there, for rows with pasts of different lengths.
    """

    keys: Tensor
    values: Tensor
    layers: tuple[int, ...] | None = None
    mask: Tensor | None = None

    @property
    def length(self) -> int:
        return self.keys.shape[-2]

    def by_layer(self) -> dict[int, tuple[Tensor, Tensor]]:
        """Keys and values of each layer that has them, [batch or 1, kv_heads, prefix, head_dim]."""
        layers = range(len(self.keys)) if self.layers is None else self.layers
        return dict(zip(layers, zip(self.keys, self.values, strict=True), strict=True))

    def there(self, batch: int) -> Tensor:
        """True where a row has a position of the past, [batch, prefix]."""
        if self.mask is not None:
            return self.mask.to(self.keys.device)
        return torch.ones(batch, self.length, dtype=torch.bool, device=self.keys.device)

    def of_rows(self, rows: Tensor) -> "Past":
        """The past of some rows of a batch, in that order; what all rows share stays shared."""
        one = self.keys.shape[1] == 1
        return replace(
            self,
            keys=self.keys if one else self.keys[:, rows],
            values=self.values if one else self.values[:, rows],
            mask=None if self.mask is None else self.mask[rows],
        )

    def float(self) -> "Past":
        """The same past in the precision in which it is trained."""
        return replace(self, keys=self.keys.float(), values=self.values.float())


@dataclass(frozen=True)
class Edit:
    """A change to what the frozen model computes; without more it changes nothing.

    Parameters
    ----------
    weights
        Weights in place of the model's own, by name.
    outputs
        By the name of a module: a function of its input and its output, both [batch, positions,
        width], whose result takes the place of the output.

    What is embedded, where positions stand and what a layer attends with is changed by a class of
    its own.
    """

    weights: Mapping[str, Tensor] = field(default_factory=dict)
    outputs: Mapping[str, Changed] = field(default_factory=dict)

    def embedded(self, embedded: Tensor, seen: Tensor) -> Tensor:
        """What the first layer is given, [batch, T, hidden]; `seen` is [batch, T].

        A decoder reads on from tokens it has read before: then the last positions alone count.
        """
        return embedded

    def positions(self, positions: Tensor, prefix: int) -> Tensor:
        """Where the `prefix` positions of the past and the tokens stand, [batch, prefix + T]."""
        return positions

    def attention(self, at: Attention) -> Attention:
        """What a layer attends with."""
        return at


@dataclass(frozen=True)
class Conditioning:
    """What a method gives the frozen model: any of these, or nothing."""

    virtual: Tensor | None = None  # [virtual_tokens, hidden], embeddings of the soft slots
    past: Past | None = None
    head: Tensor | None = None  # [labels, hidden + 1]: a row for each label, with its bias
    edits: Sequence[Edit] = ()

    @property
    def weights(self) -> dict[str, Tensor]:
        """All weights in place of the model's, by name."""
        return {name: value for edit in self.edits for name, value in edit.weights.items()}

    @property
    def changes_attention(self) -> bool:
        """Whether an edit changes what a layer attends with."""
        return any(type(edit).attention is not Edit.attention for edit in self.edits)


NOTHING = Conditioning()
