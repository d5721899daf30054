"""The exercises of lesson 05, P-tuning."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from prefixlab.workbook.checks import Exercise, Mistake


def _soft_where(keep: Callable[[int, list[str]], bool]) -> Callable[[list[str]], list[int]]:
    def chosen(parts: list[str]) -> list[int]:
        return [i for i, part in enumerate(parts) if part == "soft" and keep(i, parts)]

    return chosen


slots_that_count = Exercise(
    right=_soft_where(lambda i, parts: i < parts.index("y")),
    probes=(
        (["soft", "x", "soft", "y", "soft"],),
        (["x", "soft", "word", "soft", "y"],),
        (["soft", "word", "x", "y", "soft", "soft"],),
    ),
    praise="Whatever stands after the answer is read too late.",
    mistakes=(
        Mistake(
            "all slots",
            _soft_where(lambda i, parts: True),
            "you count slots after the answer too; a causal model has not read them yet when it "
            "answers.",
        ),
        Mistake(
            "before the text only",
            _soft_where(lambda i, parts: i < parts.index("x")),
            "you stop at the text. The slots between text and answer are read before the answer.",
        ),
        Mistake(
            "after the answer",
            _soft_where(lambda i, parts: i > parts.index("y")),
            "the other way round: the model reads from left to right.",
        ),
        Mistake(
            "between text and answer only",
            _soft_where(lambda i, parts: parts.index("x") < i < parts.index("y")),
            "slots before the text count too: text and answer look back at them.",
        ),
        Mistake(
            "places, not slots",
            lambda parts: list(range(parts.index("y"))),
            "you list every place before the answer; words and the text are not trained.",
        ),
    ),
)


def _assemble(pieces: list[int | Tensor], virtual: Tensor) -> Tensor:
    rows, used = [], 0
    for piece in pieces:
        if isinstance(piece, int):
            rows.append(virtual[used : used + piece])
            used += piece
        else:
            rows.append(piece)
    return torch.cat(rows)


def _soft_and_words(pieces: list[int | Tensor], virtual: Tensor) -> tuple[Tensor, Tensor]:
    words = [piece for piece in pieces if isinstance(piece, Tensor)]
    return virtual, torch.cat(words)


def _words(*rows: int) -> Tensor:
    return torch.tensor([[float(row), -float(row), 0.5] for row in rows])


_slots = torch.arange(15.0).view(5, 3) + 100

assemble = Exercise(
    right=_assemble,
    probes=(
        ([2, _words(7, 8), 3, _words(9)], _slots),
        ([_words(1), 1, _words(2, 3), 2], _slots[:3]),
    ),
    praise="Words and vectors in one row: the model cannot tell which is which.",
    mistakes=(
        Mistake(
            "the first slots again",
            lambda pieces, virtual: torch.cat(
                [virtual[:piece] if isinstance(piece, int) else piece for piece in pieces]
            ),
            "every group of slots gets the same first vectors; go on where the last one stopped.",
        ),
        Mistake(
            "all in front",
            lambda pieces, virtual: torch.cat(_soft_and_words(pieces, virtual)),
            "you put all slots in front: that is prompt tuning (and what PEFT calls P-tuning).",
        ),
        Mistake(
            "all at the end",
            lambda pieces, virtual: torch.cat(_soft_and_words(pieces, virtual)[::-1]),
            "you put all slots behind the words; each group has its own place.",
        ),
        Mistake(
            "slots left out",
            lambda pieces, virtual: _soft_and_words(pieces, virtual)[1],
            "the words are there, the slots are not.",
        ),
        Mistake(
            "one vector a group",
            lambda pieces, virtual: _assemble(
                [1 if isinstance(piece, int) else piece for piece in pieces], virtual
            ),
            "a group {soft:3} is three positions, each with a vector of its own.",
        ),
    ),
)


def _both_ways(forward: Tensor, backward: Tensor) -> Tensor:
    return torch.cat([forward, backward.flip(0)], dim=1)


_there, _back = torch.arange(8.0).view(4, 2), torch.arange(8.0).view(4, 2) * 10 + 3

both_ways = Exercise(
    right=_both_ways,
    probes=((_there, _back), (_there[:3] - 1, _back[1:])),
    praise="Each slot now knows its neighbours on both sides, and is as wide as a word.",
    mistakes=(
        Mistake(
            "not turned round",
            lambda forward, backward: torch.cat([forward, backward], dim=1),
            "the backward states come in the order they were computed, from the last slot to the "
            "first; row 0 of both has to be slot 0.",
        ),
        Mistake(
            "added",
            lambda forward, backward: forward + backward.flip(0),
            "you add the two; the paper puts them side by side, half of the width each.",
        ),
        Mistake(
            "below each other",
            lambda forward, backward: torch.cat([forward, backward.flip(0)], dim=0),
            "you get twice as many slots; side by side is dimension 1.",
        ),
        Mistake(
            "columns turned round",
            lambda forward, backward: torch.cat([forward, backward.flip(1)], dim=1),
            "you reversed the numbers within each state; reverse the order of the slots (rows).",
        ),
        Mistake(
            "backward first",
            lambda forward, backward: torch.cat([backward.flip(0), forward], dim=1),
            "the order is [forward; backward], as in the paper and in torch.nn.LSTM.",
        ),
    ),
)


def _encoder_numbers(
    slots: int,
    width: int,
    *,
    half: int | None = None,
    directions: int = 2,
    layers: int = 2,
    biases: int = 2,
    head: bool = True,
    embedding: bool = True,
    gates: int = 4,
) -> int:
    half = width // 2 if half is None else half
    total = slots * width if embedding else 0
    read = width
    for _ in range(layers):
        total += directions * gates * half * (read + half + biases)
        read = directions * half
    return total + (read + 1 + width + 1) * width if head else total


encoder_numbers = Exercise(
    right=_encoder_numbers,
    probes=((6, 768), (1, 64), (20, 576)),
    praise="Millions while training, and slots * width numbers to keep: the encoder is thrown "
    "away.",
    mistakes=(
        Mistake(
            "what is kept",
            lambda slots, width: slots * width,
            "that is what is kept after training; while training there is the encoder as well.",
        ),
        Mistake(
            "full width per direction",
            lambda slots, width: _encoder_numbers(slots, width, half=width),
            "each direction has half of the width, so that both together are as wide as a word "
            "(PEFT's encoder takes the full width).",
        ),
        Mistake(
            "one direction",
            lambda slots, width: (
                _encoder_numbers(slots, width, directions=1, head=False) + 2 * (width + 1) * width
            ),
            "you count one direction; the LSTM reads the slots forward and backward.",
        ),
        Mistake(
            "one layer",
            lambda slots, width: _encoder_numbers(slots, width, layers=1),
            "you count one layer; the LSTM has two.",
        ),
        Mistake(
            "one bias",
            lambda slots, width: _encoder_numbers(slots, width, biases=1),
            "torch.nn.LSTM has two biases for every gate: b_ih and b_hh.",
        ),
        Mistake(
            "no gates",
            lambda slots, width: _encoder_numbers(slots, width, gates=1),
            "an LSTM has four gates, each with its own weights.",
        ),
        Mistake(
            "no head",
            lambda slots, width: _encoder_numbers(slots, width, head=False),
            "after the LSTM come Linear, ReLU, Linear, each with weights and a bias.",
        ),
        Mistake(
            "no embedding",
            lambda slots, width: _encoder_numbers(slots, width, embedding=False),
            "the LSTM reads an embedding of its own, one row of the width for each slot.",
        ),
    ),
)


Tried = dict[str, list[tuple[float, float, float]]]  # rate, validation loss, test accuracy


def _at(chosen: Callable[[list[tuple[float, float, float]]], tuple[float, float, float]]) -> Any:
    return lambda tried: {name: chosen(rows)[2] for name, rows in tried.items()}


_tried: tuple[Tried, ...] = (
    {
        "none": [(0.001, 0.40, 0.85), (0.003, 0.30, 0.90), (0.01, 0.35, 0.92)],
        "lstm": [(0.0003, 0.28, 0.89), (0.001, 0.33, 0.91), (0.003, 0.69, 0.52)],
    },
    {
        "mlp": [(0.01, 0.70, 0.50), (0.0001, 0.31, 0.86), (0.001, 0.29, 0.84)],
        "none": [(0.01, 0.25, 0.93), (0.03, 0.66, 0.94)],
    },
)

fair = Exercise(
    right=_at(lambda rows: min(rows, key=lambda row: row[1])),
    probes=tuple((tried,) for tried in _tried),
    praise="Each at its own rate, and the rate was chosen without a look at the test.",
    mistakes=(
        Mistake(
            "chosen on the test",
            _at(lambda rows: max(rows, key=lambda row: row[2])),
            "you take the rate with the best test accuracy. Then the test sentences have chosen, "
            "and what they say is too good.",
        ),
        Mistake(
            "the worst on validation",
            _at(lambda rows: max(rows, key=lambda row: row[1])),
            "you take the rate with the highest loss; the lower a loss, the better.",
        ),
        Mistake(
            "the lowest rate",
            _at(lambda rows: min(rows)),
            "you take the lowest rate. Look at the validation losses: the second number of a row.",
        ),
        Mistake(
            "the first row",
            _at(lambda rows: rows[0]),
            "you take the first rate that was tried, whatever came out.",
        ),
        Mistake(
            "the validation loss",
            lambda tried: {name: min(row[1] for row in rows) for name, rows in tried.items()},
            "you return the loss on validation; the accuracy on the test is asked for.",
        ),
    ),
)
