"""Prompt tuning (Lester, Al-Rfou & Constant 2021): trained vectors before the embedded input.

    input = [P; E(x)],    P of [m, h] trained,    E and the model frozen        (section 2)

m virtual tokens of the model's width h: m * h parameters.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from prefixlab import arguments
from prefixlab.data.task import Task
from prefixlab.data.template import Template, tokens_of
from prefixlab.methods.base import CommonKnobs, Method, check_backbone
from prefixlab.methods.knobs import knob
from prefixlab.methods.reparameterization import Flat
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import Conditioning
from prefixlab.models.geometry import Geometry

COMMON_TOKENS = 5000  # a byte-pair vocabulary begins with the most common tokens


@dataclass(frozen=True)
class PromptTuningKnobs(CommonKnobs):
    prompt_length: int = knob(10, "virtual tokens before the text", low=1, high=200, unit="tokens")
    init: str = knob(
        "labels",
        "where the virtual tokens start: uniform in [-0.5, 0.5], the embeddings of common words, "
        "of the answers, or of a text",
        choices=("uniform", "vocabulary", "labels", "text"),
        sizes=False,
    )
    text: str = knob(
        "", "the words that init='text' starts from; empty for the task's words", sizes=False
    )


class PromptTuning(Method):
    """A trained prompt [m, h] in front of the input."""

    name = "prompt_tuning"
    Knobs = PromptTuningKnobs
    learning_rate = 0.01

    def build(self, geometry: Geometry) -> None:
        self.prompt = Flat(torch.zeros(self.knobs.prompt_length, geometry.hidden))

    @property
    def formula(self) -> str:
        return "m * h"

    def start(self, lm: Backbone, task: Task) -> None:
        self.prompt.values.copy_(self.initial(lm, task))

    @classmethod
    def make_template(cls, template: Template, knobs: Any) -> Template:
        plain = super().make_template(template, knobs)
        return Template(f"{{soft:{knobs.prompt_length}}}{plain.text}")

    def conditioning(self) -> Conditioning:
        return Conditioning(virtual=self.prompt())  # P, [m, h]

    def initial(self, lm: Backbone, task: Task) -> Tensor:
        """The starting prompt, [m, h] (Lester et al. 2021, section 2.1)."""
        m, source = self.knobs.prompt_length, self.generator()
        if self.knobs.init == "uniform":
            return torch.rand(m, lm.geometry.hidden, generator=source) - 0.5
        embedding = lm.embedding.float().cpu()
        sampled = embedding[sample_vocabulary(lm, m, source)]
        if self.knobs.init == "labels" and task.verbalizer:
            # One row a label, the mean of its tokens; further rows are sampled words.
            answers = task.verbalizer.encode(lm.tokenizer, self.template.answer_lead)
            rows = torch.stack([embedding[ids].mean(0) for ids in answers])[:m]
            return torch.cat([rows, sampled[len(rows) :]])
        if self.knobs.init == "text":
            return embedding[
                fit_length(tokens_of(lm.tokenizer, self.knobs.text or task.task_words), m)
            ]
        return sampled


def sample_vocabulary(lm: Backbone, count: int, source: torch.Generator) -> Tensor:
    """`count` different common tokens."""
    common = min(COMMON_TOKENS, len(lm.embedding))
    return torch.randperm(common, generator=source)[:count]


def fit_length(ids: list[int], length: int) -> list[int]:
    """Exactly `length` token ids: cut, or repeated from the beginning."""
    if not ids:
        raise ValueError("An initialisation from words needs at least one word.")
    return [ids[i % len(ids)] for i in range(length)]


def nearest_tokens(lm: Backbone, virtual: Tensor, k: int = 5) -> list[list[tuple[str, float]]]:
    """The `k` vocabulary tokens closest to each virtual token, by cosine (section 7).

    `virtual` is [tokens, hidden]; the result has a list of (token, cosine) for each.

    Raises
    ------
    ValueError
        Vectors of another width than the model's, or a `k` beyond its vocabulary.
    """
    check_backbone(lm)
    vocabulary, hidden = lm.embedding.shape
    k = arguments.whole_number("k", k, 1, vocabulary)
    if not isinstance(virtual, Tensor) or virtual.shape[1:] != (hidden,):
        of = list(virtual.shape) if isinstance(virtual, Tensor) else type(virtual).__name__
        raise ValueError(f"virtual is {of}; give a tensor of [tokens, {hidden}] for {lm.name}.")
    directions = torch.nn.functional.normalize(lm.embedding.float(), dim=1)
    asked = torch.nn.functional.normalize(virtual.detach().float().to(directions.device), dim=1)
    top = (asked @ directions.T).topk(k, dim=1)  # cosines, [tokens, k]
    return [
        [(str(lm.tokenizer.decode([i])), cosine) for i, cosine in zip(ids, cosines, strict=True)]
        for ids, cosines in zip(top.indices.tolist(), top.values.tolist(), strict=True)
    ]
