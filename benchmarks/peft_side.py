"""What is measured, as the examples of PEFT's documentation do it.

Batches come in the order of the data, the model computes logits at every position, and labels say
at which of them the loss is. PEFT 0.21 does not know by which name transformers 5.24 takes a cache:
`named_for_peft` gives it the name, and texts are written by transformers' own `generate`, from the
cache that PEFT makes of its prefix.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from warnings import catch_warnings, simplefilter

import torch
from datasets import Dataset
from peft import PeftConfig, PeftModel, PrefixTuningConfig, get_peft_model
from torch import Tensor
from torch.optim import AdamW
from transformers import AutoModelForCausalLM, AutoTokenizer

import prefixlab as pl
from benchmarks import texts
from benchmarks.setting import Setting, Work, set_prefix
from benchmarks.texts import part_of
from prefixlab.data.batching import Row, encode, pad
from prefixlab.models.loading import DTYPES, find
from prefixlab.models.weights import in_dtype

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from reference import named_for_peft  # it lies with the tests

NO_LABEL = -100


def training(at: Setting, kind: type[PeftConfig], **config: object) -> Work:
    """An epoch."""
    model, tokenizer = wrapped(at, kind, **config)
    films, size = texts.films(at.sizes), at.sizes.batch

    def ready(part: int):
        rows = encoded(tokenizer, films, part_of(films, "train", part, at.sizes.trained).train)
        optimizer = AdamW([each for each in model.parameters() if each.requires_grad])
        batches = [labelled(rows[first : first + size]) for first in range(0, len(rows), size)]

        def epoch() -> None:
            for batch in batches:
                model(**batch).loss.backward()
                optimizer.step()
                optimizer.zero_grad()

        return epoch

    return ready


def labelled(rows: Sequence[Row]) -> dict[str, Tensor]:
    """A batch with padding on the right, and a label where the answer is."""
    sequences = [row.prompt + row.answers[row.label] for row in rows]
    tokens, mask = pad(sequences, 0, side="right")
    labels = torch.full_like(tokens, NO_LABEL)
    for number, ids in enumerate(sequences):
        labels[number, len(ids) - 1] = ids[-1]
    return {"input_ids": tokens, "attention_mask": mask.long(), "labels": labels}


def scoring(at: Setting, size: int = 8) -> Work:
    model, tokenizer = with_prefix(at)
    films = texts.films(at.sizes)

    @torch.no_grad()
    def scores(examples: Dataset) -> Tensor:
        rows, found = encoded(tokenizer, films, examples), []
        for first in range(0, len(rows), size):
            prompts = [row.prompt for row in rows[first : first + size]]
            tokens, mask = pad(prompts, 0, side="right")  # or a prefix would stand further away
            logits = model(input_ids=tokens, attention_mask=mask.long()).logits
            last = logits[range(len(prompts)), mask.sum(1) - 1]  # [rows, vocabulary]
            found.append(last[:, [ids[0] for ids in rows[0].answers]])
        return torch.cat(found)

    def ready(part: int):
        examples = part_of(films, "test", part, at.sizes.scored).test
        return lambda: scores(examples)

    return ready


def writing(at: Setting) -> Work:
    model, tokenizer = with_prefix(at)
    del model.base_model.forward  # `generate` knows the new name: the class's own is left
    task, length = texts.restaurants(at.sizes), at.sizes.prefix
    tables = list(pl.tasks.references(task.test))

    @torch.no_grad()
    def write(prompts: Sequence[Sequence[int]]) -> list[str]:
        tokens, mask = pad(prompts, 0)
        # Where the cache has a prefix, `generate` looks for as many tokens.
        there = torch.ones(len(tokens), length, dtype=torch.long)
        written = model.base_model.generate(
            input_ids=torch.cat([there, tokens], 1),
            attention_mask=torch.cat([there, mask.long()], 1),
            cache=model.get_prompt(len(tokens)),
            max_new_tokens=at.sizes.tokens,
            do_sample=False,
            pad_token_id=tokenizer.eos_token_id,
        )[:, length + tokens.shape[1] :]
        return [text.strip() for text in tokenizer.batch_decode(written, skip_special_tokens=True)]

    def ready(part: int):
        chosen = tables[part * at.sizes.written : (part + 1) * at.sizes.written]
        examples = pl.tasks.dataset([(table, "") for table in chosen])
        prompts = [row.prompt for row in encode(tokenizer, task.template, examples, None)]
        return lambda: write(prompts)

    return ready


def with_prefix(at: Setting):
    model, tokenizer = wrapped(at, PrefixTuningConfig, num_virtual_tokens=at.sizes.prefix)
    set_prefix(model.prompt_encoder["default"].embedding.weight)
    return model.eval(), tokenizer


def wrapped(at: Setting, kind: type[PeftConfig], **config: object) -> tuple[PeftModel, object]:
    """PEFT's model, whose weights are in memory, and its tokenizer."""
    folder, dtype = find(at.backbone)[0], DTYPES[at.dtype]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    plain = AutoModelForCausalLM.from_pretrained(in_dtype(folder, dtype), dtype=dtype)
    plain(**tokenizer("The film was", return_tensors="pt"))
    with catch_warnings():
        simplefilter("ignore", FutureWarning)  # PEFT asks for a name that transformers will drop
        model = get_peft_model(named_for_peft(plain), kind(task_type="CAUSAL_LM", **config))
    return model, tokenizer


def encoded(tokenizer: object, task: pl.Task, examples: Dataset) -> list[Row]:
    return encode(tokenizer, task.template, examples, task.verbalizer)
