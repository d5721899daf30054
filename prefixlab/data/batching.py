"""Batching: examples -> token ids -> padded, length-sorted batches.

Padding stands on the left, so that every row ends with its answer and the newest token of every
row is in the last column; for an encoder-decoder, whose answers stand in a sequence of their own,
it stands on the right. Soft slots travel as negative ids: -1 is virtual token 0, -2 is 1, ….
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, Self

import torch
from datasets import Dataset
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from prefixlab.data.template import (
    Soft,
    Template,
    Verbalizer,
    around,
    tokens_of,
    unknown,
    unknown_share,
)

MOST_UNKNOWN = 0.5  # the share of unknown tokens above which texts are as good as not there


@dataclass(frozen=True)
class Row:
    """One example in token ids: the prompt, the answers to score, and the label (or 0).

    A label may also be how probable each answer is, in place of a number. `start` is what a
    decoder is given before every answer, where an encoder reads the prompt.
    """

    prompt: list[int]
    answers: list[list[int]]
    label: int | list[float]
    start: list[int] | None = None

    @property
    def is_choice(self) -> bool:
        """Whether all answers are one token each, so that one sequence scores them all."""
        return len(self.answers) > 1 and all(len(answer) == 1 for answer in self.answers)

    @property
    def length(self) -> int:
        """The positions that the longest answer needs; a single answer token is never fed.

        Of the two sequences of an encoder-decoder, those of the longer one.
        """
        answer = max(len(answer) for answer in self.answers) - 1
        if self.start is None:
            return len(self.prompt) + answer
        return max(len(self.prompt), len(self.start) + answer)


@dataclass(frozen=True)
class Batch:
    """What the backbone reads, and where it reads the answers off.

    Where every answer is one token, a row of the batch is an example and `candidates` are the
    answer tokens. Elsewhere a row is an example with one of its answers, scored whole.

    Where there are `decoder_tokens`, `tokens` are the encoder's, a row for each example, and what
    is read is read in the decoder's rows. Padding there stands behind what is read, where a causal
    decoder cannot see it.
    """

    tokens: Tensor  # [rows, positions], soft slots negative
    mask: Tensor  # [rows, positions], True where a token stands
    read_rows: Tensor  # [reads]
    read_columns: Tensor  # [reads]: the hidden state here predicts an answer token
    targets: Tensor  # [reads], the answer tokens; empty where there are candidates
    candidates: Tensor | None  # [answers]
    answers: int  # how many answers are scored for each example
    labels: Tensor  # [examples]
    decoder_tokens: Tensor | None = None  # [examples, or examples * answers; positions]

    def to(self, device: torch.device) -> Self:
        moved: dict[str, Any] = {
            name: value.to(device) if isinstance(value, Tensor) else value
            for name, value in vars(self).items()
        }
        return replace(self, **moved)


def encode(
    tokenizer: PreTrainedTokenizerBase,
    template: Template,
    examples: Dataset,
    verbalizer: Verbalizer | None,
    *,
    begins: bool = True,
) -> list[Row]:
    """Render every example by the template and turn it into token ids.

    With a verbalizer every answer of the answer space is scored; without one the example's own
    `y` is the only answer, to be generated. `begins` is False where real text was read before. The
    token that a tokenizer starts every text with stands where the template names it, or else first.

    Raises
    ------
    ValueError
        Answers that cannot be told apart, see `Verbalizer.encode`; texts that are mostly unknown
        to the tokenizer.
    """
    lead = template.answer_lead
    answer_space = verbalizer.encode(tokenizer, lead) if verbalizer else None
    if answer_space and one_begins_another(answer_space):
        answer_space = [[*ids, tokenizer.eos_token_id] for ids in answer_space]
    start = around(tokenizer)[0] if begins else []
    if any(mark in template.text for mark in tokenizer.convert_ids_to_tokens(start)):
        start = []
    rows = []
    for x, y in zip(examples["x"], examples["y"], strict=True):
        # An empty prompt has no last position to read: the end-of-text token stands in for it.
        prompt = start + encode_prompt(tokenizer, template, x) or [tokenizer.eos_token_id]
        if answer_space:
            rows.append(Row(prompt, answer_space, label=y))
        else:
            end = [tokenizer.eos_token_id]  # the model learns where the answer stops
            rows.append(Row(prompt, [tokens_of(tokenizer, lead + y) + end], label=0))
    if any(unknown(tokenizer, row.prompt) for row in rows):  # else no text need be read again
        check_known(tokenizer, examples["x"])
    return rows


def encode_prompt(tokenizer: PreTrainedTokenizerBase, template: Template, x: str) -> list[int]:
    """What stands before the answer, in token ids.

    A control token that the template names (`<|im_start|>user`) is that token; one that the text
    names is text.
    """
    named = [mark for mark in control_tokens(tokenizer) if mark in template.text]
    if not named:
        return encode_parts(tokenizer, template.prompt(x))
    names = re.compile(f"({'|'.join(map(re.escape, named))})")
    ids: list[int] = []
    for part in template.prompt(HOLE):
        pieces = names.split(part) if isinstance(part, str) else [part]
        for number, piece in enumerate(pieces):
            if isinstance(piece, str) and number % 2:  # what is split at comes between
                ids += tokens_of(tokenizer, piece, control=True)
            elif piece:
                filled = piece.replace(HOLE, x) if isinstance(piece, str) else piece
                ids += encode_parts(tokenizer, [filled])
    return ids


@lru_cache(maxsize=16)
def control_tokens(tokenizer: PreTrainedTokenizerBase) -> tuple[str, ...]:
    """The names of the tokenizer's control tokens, the longest first."""
    added = tokenizer.added_tokens_decoder.values()
    return tuple(sorted((str(mark) for mark in added if mark.special), key=len, reverse=True))


HOLE = "\uffff"  # no character of any text: where the text is to be filled in


def one_begins_another(answers: Sequence[list[int]]) -> bool:
    """Whether the tokens of an answer are the first tokens of another ("1" and "10").

    Then the sums of log-probabilities alone could never choose the longer one:
    log p(1 0) = log p(1) + log p(0 | 1) is below log p(1). So each of the answers is scored with
    the end of the text behind it, log p(1 <end>) against log p(1 0 <end>): probabilities of whole
    answers, of which none contains another.
    """
    ordered = sorted(answers)  # whatever begins with an answer follows it
    return any(later[: len(first)] == first for first, later in pairwise(ordered))


def check_known(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> None:
    """Raise a ValueError where too many of the texts' tokens are unknown to the tokenizer."""
    share = unknown_share(tokenizer, texts)
    if share > MOST_UNKNOWN:
        raise ValueError(
            f"{share:.0%} of the tokens in these texts are unknown to the model's tokenizer "
            f"({tokenizer.unk_token!r}), so that it cannot tell one from another; choose a model "
            "that was trained on this writing."
        )


def encode_parts(tokenizer: PreTrainedTokenizerBase, parts: Sequence[str | Soft]) -> list[int]:
    ids: list[int] = []
    for part in parts:
        if isinstance(part, Soft):
            ids += [-1 - index for index in range(part.first, part.first + part.length)]
        else:
            ids += tokens_of(tokenizer, part)
    return ids


def collate(rows: Sequence[Row], padding: int) -> Batch:
    """Pad the rows into one batch, see `Batch`; `padding` is any valid token id."""
    answers = len(rows[0].answers)
    single = all(row.is_choice for row in rows)
    decodes = rows[0].start is not None
    sequences: list[list[int]] = []
    reads: list[tuple[int, int]] = []
    targets: list[int] = []
    for row in rows:
        lead = row.prompt if row.start is None else row.start
        # One answer token is predicted, not fed: all answers of a row share one sequence.
        for answer in [row.answers[0]] if single else row.answers:
            if not single:
                targets += answer
            # The last token of the lead predicts the first of the answer.
            reads += [(len(sequences), len(lead) - 1 + place) for place in range(len(answer))]
            sequences.append(lead + answer[:-1])
    read_rows, read_columns = torch.tensor(reads).unbind(1)
    tokens, mask = pad(sequences, padding, side="right" if decodes else "left")
    decoder_tokens = None
    if decodes:
        decoder_tokens, (tokens, mask) = tokens, pad([row.prompt for row in rows], padding, "right")
    else:
        read_columns = read_columns + mask.int().argmax(1)[read_rows]  # behind the padding
    return Batch(
        tokens=tokens,
        mask=mask,
        read_rows=read_rows,
        read_columns=read_columns,
        targets=torch.tensor(targets, dtype=torch.long),
        candidates=torch.tensor([answer[0] for answer in rows[0].answers]) if single else None,
        answers=answers,
        labels=torch.tensor([row.label for row in rows]),
        decoder_tokens=decoder_tokens,
    )


def pad(
    sequences: Sequence[Sequence[int]], padding: int, side: str = "left"
) -> tuple[Tensor, Tensor]:
    """The sequences padded on one side, and True where a token stands: both [rows, positions]."""
    width = max(len(ids) for ids in sequences)
    padded = torch.full((len(sequences), width), padding)
    mask = torch.zeros(len(sequences), width, dtype=torch.bool)
    for row, ids in enumerate(sequences):
        there = slice(width - len(ids), None) if side == "left" else slice(len(ids))
        padded[row, there] = torch.tensor(ids, dtype=torch.long)
        mask[row, there] = True
    return padded, mask


def training_order(rows: Sequence[Row], batch_size: int, epoch: int, seed: int) -> list[list[int]]:
    """The batches of one epoch, as indices into `rows`.

    Shuffled, then sorted by length within pools of eight batches (so that a batch holds little
    padding), then the batches are shuffled. The order depends on nothing but the arguments:
    resuming needs to remember no more than how many steps were taken.
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    shuffled = torch.randperm(len(rows), generator=generator).tolist()
    pool = 8 * batch_size
    batches = []
    for start in range(0, len(shuffled), pool):
        by_length = sorted(shuffled[start : start + pool], key=lambda index: rows[index].length)
        batches += [by_length[at : at + batch_size] for at in range(0, len(by_length), batch_size)]
    return [batches[index] for index in torch.randperm(len(batches), generator=generator)]


def evaluation_order(rows: Sequence[Row], batch_size: int) -> list[list[int]]:
    """Every row once, longest batches first, so that a lack of memory shows at once.

    A batch has fewer rows where they have so many long answers, each of which is a sequence of its
    own, that a pass would take the memory of a much larger batch.
    """
    many = max(map(sequences_of, rows), default=1)
    size = max(1, min(batch_size, max(batch_size, SEQUENCES) // many))
    by_length = sorted(range(len(rows)), key=lambda index: -rows[index].length)
    return [by_length[at : at + size] for at in range(0, len(by_length), size)]


SEQUENCES = 128  # at a time, where answers of several tokens are scored


def sequences_of(row: Row) -> int:
    """How many rows of a batch an example takes."""
    return 1 if row.is_choice else len(row.answers)


def positions_of(rows: Sequence[Row]) -> int:
    """How many positions a batch of these rows has, padding among them."""
    return sum(map(sequences_of, rows)) * max(row.length for row in rows)


def portions(rows: Sequence[Row], positions: int) -> list[Sequence[Row]]:
    """The rows of a batch in even passes, as few as have about so many positions each."""
    passes = -(-positions_of(rows) // positions)
    size = -(-len(rows) // passes)
    return [rows[at : at + size] for at in range(0, len(rows), size)]


def terms_of(rows: Sequence[Row]) -> int:
    """How many terms the mean of a loss has: the tokens of free texts, or the rows."""
    free = len(rows[0].answers) == 1
    return sum(len(row.answers[0]) for row in rows) if free else len(rows)
