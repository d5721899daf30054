"""An encoder: a frozen BERT, which reads a text in both directions and writes none.

    h_1, …, h_n = BERT(z_1, …, z_n)        every h_i sees all of z
    p(y | x) = softmax_y(w_y h_[CLS] + b_y)

(Devlin et al. 2019, section 4.1; P-tuning v2 has the same head, Liu et al. 2022, section 3.) A
prefix is what it is elsewhere, keys and values in front of those of the text:

    softmax(Q [K^P; K^X]^T / sqrt(d)) [V^P; V^X]        in every layer

and all of the text sees it. Real words that become a prefix are read by themselves, from the left
end on: in the text they would have seen what stands behind them too.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from datasets import Dataset
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from prefixlab.data.batching import Batch, Row
from prefixlab.data.template import Template, Verbalizer, around, tokens_of
from prefixlab.models.attention import bidirectional_mask
from prefixlab.models.backbone import Backbone
from prefixlab.models.frozen import wordless


class Encoder(Backbone):
    """A frozen BERT with everything the methods need of it.

    It has no output layer over the vocabulary: labels are the rows of a trained head. They are
    read at [CLS], the first token, in the last layer; BERT's pooler behind it stays out.

    Raises
    ------
    ValueError
        An encoder of another kind, or a tokenizer that does not put [CLS] and [SEP] around a text;
        later on, whatever asks for words.
    """

    answer_at: ClassVar[int] = 0

    def __init__(self, name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase):
        if model.config.model_type != "bert":
            raise ValueError(
                f"{name} is an encoder of the kind {model.config.model_type}, which does not take "
                "keys, values and positions as BERT does; choose 'minilm', or the folder of a BERT."
            )
        self.around = [tokenizer.cls_token_id, tokenizer.sep_token_id]
        if around(tokenizer) != tuple([mark] for mark in self.around):
            raise ValueError(
                f"The tokenizer of {name} does not put [CLS] and [SEP] around a text; save the "
                "model with the tokenizer it was trained with."
            )
        super().__init__(name, model, tokenizer)

    def encode(self, text: str) -> list[int]:
        """The token ids of a text between [CLS] and [SEP]."""
        cls, sep = self.around
        return [cls, *tokens_of(self.tokenizer, text), sep]

    def rows(
        self, template: Template, examples: Dataset, verbalizer: Verbalizer | None
    ) -> list[Row]:
        """The examples in token ids, each prompt between [CLS] and [SEP]."""
        if verbalizer is None:
            raise wordless(self.name)
        rows = super().rows(template, examples, verbalizer)
        sep = self.around[1]
        return [replace(row, prompt=[*row.prompt, sep]) for row in rows]

    def collate(self, rows: Sequence[Row]) -> Batch:
        """One padded batch; answers are read in the column of [CLS], where padding has ended."""
        batch = super().collate(rows)
        first = batch.mask.int().argmax(1)  # [rows]
        return replace(batch, read_columns=first[batch.read_rows])

    def _mask(self, seen: Tensor, new: int) -> Tensor:
        return bidirectional_mask(seen, new)
