"""Mistakes that learners make, in tables by what they are made with; `test_bad_input` makes each.

A table is `MISTAKES` in a module of this package: by a name of its own, what is done wrong and
some of the words that the sentence about it has to hold.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertModel, T5Config

import prefixlab as pl
from prefixlab import Backbone, Task, Verbalizer

ROWS = "".join(f"film {index},{'good' if index % 2 else 'bad'}\n" for index in range(20))
TABLES = "mr,ref\n" + "".join(f"name[N{index}],text\n" * 2 for index in range(6))


@dataclass(frozen=True)
class Given:
    """What a learner has at hand when the mistake is made."""

    lm: Backbone
    other: Backbone
    task: Task
    folder: Path

    def create(self, name: str, **knobs: Any) -> pl.Method:
        return pl.create(name, self.lm, self.task, **knobs)

    def train(self, name: str, knobs: dict[str, Any] | None = None, **recipe: Any) -> pl.Training:
        return pl.train(self.lm, self.create(name, **knobs or {}), self.task, **recipe)

    def answers(self, *words: str) -> pl.Evaluation:
        task = replace(self.task, verbalizer=Verbalizer(words))
        return pl.evaluate(self.lm, pl.DiscretePrompt(self.lm, task), task)

    def predict(self, text: str) -> torch.Tensor:
        return pl.predict(self.lm, self.create("discrete_prompt"), self.task, [text])

    def csv(self, content: str | bytes, **options: Any) -> Task:
        path = self.folder / "mine.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Task.from_csv(path, **{"text": "review", "label": "taste"} | options)

    def tables(self, content: str = TABLES, **sizes: int) -> Task:
        path = self.folder / "places.csv"
        path.write_text(content)
        return Task.tables_from_csv(path, **{"train": 2, "validation": 1, "test": 2} | sizes)

    def generate(self, text: str = "dull", **knobs: Any) -> list[str]:
        return pl.generate(self.lm, self.create("discrete_prompt"), self.task, [text], **knobs)

    def encoder(self) -> list[str]:
        config = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1)
        lm = Backbone("bert", BertModel(config), self.lm.tokenizer)
        return pl.generate(lm, pl.create("discrete_prompt", lm, self.task), self.task, ["dull"])

    def on_another_backbone(self) -> pl.Method:
        path = pl.save(self.create("prompt_tuning"), self.folder / "mine")
        return pl.load_method(path, self.other)

    def encoder_decoder(self) -> Backbone:
        T5Config(d_model=8, num_layers=1, num_heads=1).save_pretrained(self.folder)
        return pl.load(str(self.folder))


Mistakes = dict[str, tuple[Callable[[Given], Any], list[str]]]
