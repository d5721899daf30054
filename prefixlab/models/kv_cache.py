"""KV cache: texts as far as they are read, so that going on costs the new tokens alone.

    prefill    all tokens of a prompt in one pass       their keys and values are kept
    decode     one further token                        it attends to what is kept

Keys and values of a past are no part of it: they are put before those of the text in every pass,
see `attention`.
"""

from dataclasses import dataclass, replace

from torch import Tensor
from transformers import Cache

from prefixlab.models.conditioning import Conditioning


@dataclass
class KVCache:
    """Rows of a batch that were read under one conditioning."""

    given: Conditioning
    tokens: Tensor  # [rows, T], all that were read
    seen: Tensor  # [rows, P + T], True where a position of the past or a token is there
    kept: Cache | None  # keys and values of the tokens; None where no one goes on

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows, in this order; one that is named twice goes on twice."""
        self.tokens, self.seen = self.tokens[rows], self.seen[rows]
        if self.given.past:
            self.given = replace(self.given, past=self.given.past.of_rows(rows))
        if self.kept is not None:
            self.kept.reorder_cache(rows)  # type: ignore[arg-type]  # it takes any integers
