"""The exercises of lesson 03, prompt tuning."""

import torch
from torch import Tensor

from prefixlab.workbook.checks import Exercise, Mistake
from prefixlab.workbook.checks.training_loop import training_loop as training_loop

_numbers = torch.Generator().manual_seed(3)
_prompt = torch.randn(3, 4, generator=_numbers)
_one, _two = (torch.randn(texts, 5, 4, generator=_numbers) for texts in (1, 2))


def _in_front(prompt: Tensor, embedded: Tensor) -> Tensor:
    return torch.cat([prompt.expand(len(embedded), -1, -1), embedded], dim=1)


put_in_front = Exercise(
    right=_in_front,
    probes=((_prompt, _one), (_prompt, _two)),
    praise="The model cannot tell: to it these are embeddings like all others.",
    mistakes=(
        Mistake(
            "at the end",
            lambda prompt, embedded: torch.cat(
                [embedded, prompt.expand(len(embedded), -1, -1)], dim=1
            ),
            "the prompt stands behind the text, where no token of the text can see it.",
        ),
        Mistake(
            "side by side",
            lambda prompt, embedded: torch.cat(
                [prompt.expand(len(embedded), -1, -1), embedded[:, : len(prompt)]], dim=2
            ),
            "you make the vectors wider; the prompt is more positions, not more numbers in each.",
        ),
        Mistake(
            "added",
            lambda prompt, embedded: torch.cat(
                [embedded[:, : len(prompt)] + prompt, embedded[:, len(prompt) :]], dim=1
            ),
            "you add the prompt to the first tokens; it gets positions of its own.",
        ),
        Mistake(
            "instead of the first tokens",
            lambda prompt, embedded: torch.cat(
                [prompt.expand(len(embedded), -1, -1), embedded[:, len(prompt) :]], dim=1
            ),
            "you overwrite the first tokens of the text; it must stay whole.",
        ),
        Mistake(
            "the first text only",
            lambda prompt, embedded: torch.cat([prompt[None], embedded[:1]], dim=1),
            "you return the first text only; every text of the batch gets the prompt.",
        ),
    ),
)


def stored_bytes(prompt_length: int, hidden: int) -> int:
    return 4 * prompt_length * hidden


bytes_to_store = Exercise(
    right=stored_bytes,
    probes=((10, 768), (100, 576), (1, 1024)),
    praise="Four bytes for each number. The weights of the model do not count, only its width.",
    mistakes=(
        Mistake(
            "numbers, not bytes",
            lambda m, h: m * h,
            "that is how many numbers the prompt has; a float32 number takes 4 bytes.",
        ),
        Mistake(
            "bits",
            lambda m, h: 32 * m * h,
            "that is bits: 32 of them are 4 bytes.",
        ),
        Mistake(
            "length only",
            lambda m, h: 4 * m,
            "each virtual token is a whole vector of h numbers, not one number.",
        ),
    ),
)

_words = {"embedding": torch.arange(24.0).view(6, 4)}


def _mean_rows(embedding: Tensor, answers: list[list[int]]) -> Tensor:
    return torch.stack([embedding[ids].mean(0) for ids in answers])


label_rows = Exercise(
    right=_mean_rows,
    probes=(
        (_words["embedding"], [[1], [2, 5]]),
        (_words["embedding"], [[0, 1, 5], [3], [4, 2]]),
    ),
    praise="A label of several tokens starts in the middle of them.",
    mistakes=(
        Mistake(
            "first token only",
            lambda embedding, answers: torch.stack([embedding[ids[0]] for ids in answers]),
            "you take the first token of each label; the paper takes the mean of all its tokens.",
        ),
        Mistake(
            "sum",
            lambda embedding, answers: torch.stack([embedding[ids].sum(0) for ids in answers]),
            "you add the tokens up; a label of three tokens would start three times too long.",
        ),
        Mistake(
            "mean over the wrong axis",
            lambda embedding, answers: [embedding[ids].mean(1) for ids in answers],
            "you average over the width of the embedding; average over the tokens (dimension 0).",
        ),
        Mistake(
            "one row for all",
            lambda embedding, answers: embedding[[i for ids in answers for i in ids]].mean(0),
            "you mix all labels into one row; each label gets a row of its own.",
        ),
    ),
)


def _nearest(embedding: Tensor, vector: Tensor) -> int:
    cosine = torch.nn.functional.cosine_similarity(embedding, vector[None], dim=1)
    return int(cosine.argmax())


_space = torch.tensor([[1.0, 0.1], [0.2, 9.0], [-3.0, 0.5], [0.9, 1.1], [30.0, 18.0]])

nearest_token = Exercise(
    right=_nearest,
    probes=(
        (_space, torch.tensor([2.0, 0.0])),
        (_space, torch.tensor([3.0, 3.4])),
        (_space, torch.tensor([0.1, 1.0])),
        (_space, torch.tensor([-1.0, 0.0])),
    ),
    praise="Cosine asks which way a vector points, not how long it is.",
    mistakes=(
        Mistake(
            "dot product",
            lambda embedding, vector: int((embedding @ vector).argmax()),
            "a dot product prefers long embeddings; divide by both lengths to get the cosine.",
        ),
        Mistake(
            "euclidean distance",
            lambda embedding, vector: int((embedding - vector).norm(dim=1).argmin()),
            "you measure the distance; the paper compares directions (cosine).",
        ),
        Mistake(
            "smallest cosine",
            lambda embedding, vector: int(
                torch.nn.functional.cosine_similarity(embedding, vector[None], dim=1).argmin()
            ),
            "you take the smallest cosine: that token points away. Take the largest.",
        ),
    ),
)
