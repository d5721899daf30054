"""From scratch: what the tiny models that are trained here have in common.

The sentences of the four rated domains, a question about them, a byte-pair tokenizer, a training
loop for all weights, and how the models are stored. `span_corruption` and `scale` train by it.
"""

import json
import random
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

from prefixlab.data import tasks
from prefixlab.data.batching import Row, training_order
from prefixlab.data.task import Task
from prefixlab.data.template import Template, Verbalizer, tokens_of
from prefixlab.evaluation.choices import loss_of
from prefixlab.files import written_whole
from prefixlab.models.backbone import Backbone
from prefixlab.training.loop import Recipe
from prefixlab.training.optimizers import make_optimizer

PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"
LONGEST = 64  # tokens of a sentence; the few longer ones are cut
AVERAGED = 100  # steps of which the record keeps the mean loss

Tokens = list[int]


def sentences_without(held_out: Iterable[str]) -> list[str]:
    """The sentences of all four rated domains, each once, but for those that are held out."""
    every = {
        text: None  # as a dict: in order, and each once
        for domain in tasks.DOMAINS
        for text, _ in tasks.rated_sentences(domain, threshold=-1.0)
    }
    without = set(map(bare, held_out))
    return [text for text in every if bare(text) not in without]


def bare(text: str) -> str:
    """Letters and digits alone, so that no test sentence comes back in another dress."""
    return "".join(sign for sign in text.lower() if sign.isalnum())


def film_or_product(films: Task, products: Task) -> Task:
    """What is a sentence about? Something that a model this small can know of its sentences.

    Every split has as many sentences of one topic as of the other: as the task that has fewer of
    them there. Who gives the tasks sees to it that a model has not read the films of the test.
    """

    def mixed(split: str) -> Dataset:
        texts = [topic.splits[split]["x"] for topic in (films, products)]
        each = min(map(len, texts))
        rows = [(text, label) for label, of_topic in enumerate(texts) for text in of_topic[:each]]
        random.Random(split).shuffle(rows)
        return tasks.dataset(rows)

    return Task(
        name="film_or_product",
        train=mixed("train"),
        validation=mixed("validation"),
        test=mixed("test"),
        template=Template("{x} it is a {y}"),
        verbalizer=Verbalizer(("film", "product")),
        task_words="Is the text about a film or a product?",
    )


def byte_pairs(
    texts: Sequence[str], vocabulary: int, around: str, sentinels: Sequence[str] = ()
) -> PreTrainedTokenizerFast:
    """Byte pairs of lower-case words, laid out as T5's: <pad>, </s>, <unk>, sentinels last.

    `around` says where the end token stands of a text, `$A`; `vocabulary` counts all tokens.
    """
    trained = Tokenizer(models.BPE(unk_token=UNKNOWN))
    trained.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation()]
    )
    trained.decoder = decoders.Metaspace()
    trained.train_from_iterator(
        texts,
        BpeTrainer(
            vocab_size=vocabulary - len(sentinels),
            special_tokens=[PAD, END, UNKNOWN],
            limit_alphabet=100,
            show_progress=False,
        ),
    )
    trained.add_special_tokens(list(sentinels))
    trained.post_processor = processors.TemplateProcessing(
        single=around, special_tokens=[(END, trained.token_to_id(END))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=trained,
        pad_token=PAD,
        eos_token=END,
        unk_token=UNKNOWN,
        extra_special_tokens=list(sentinels),
    )


def encoded(tokenizer: PreTrainedTokenizerFast, texts: Iterable[str]) -> list[Tokens]:
    """The texts in token ids, but for those of a single token, which say nothing."""
    cut = (tokens_of(tokenizer, text)[:LONGEST] for text in texts)
    return [ids for ids in cut if len(ids) > 1]


def fit(lm: Backbone, rows_of: Callable[[int], Sequence[Row]], recipe: Recipe) -> Iterator[float]:
    """Train all weights of a model on the rows of each epoch, counted from 0.

    Yields the loss of every step, in nats per token.
    """
    lm.model.requires_grad_(True)
    optimizer = make_optimizer(lm.model, recipe, recipe.learning_rate)
    step = epoch = 0
    while step < recipe.steps:
        rows = rows_of(epoch)
        for chosen in training_order(rows, recipe.batch_size, epoch, recipe.seed):
            if step == recipe.steps:
                break
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate(step, recipe.learning_rate)
            batch = lm.collate([rows[index] for index in chosen])
            optimizer.zero_grad()
            loss = loss_of(lm.answer_scores(batch), batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(lm.model.parameters(), recipe.clip)
            optimizer.step()
            lm.__dict__.pop("fingerprint", None)  # it was of the weights before this step
            step += 1
            yield loss.item()
        epoch += 1
    lm.model.requires_grad_(False)


def averaged(losses: Iterable[float]) -> list[float]:
    """Mean losses of every hundred steps, printed as they come."""
    means, some = [], []
    for loss in losses:
        some.append(loss)
        if len(some) == AVERAGED:
            means.append(round(sum(some) / AVERAGED, 4))
            some = []
            print(f"step {len(means) * AVERAGED}: loss {means[-1]:.3f}", flush=True)
    return means


def store(lm: Backbone, folder: Path) -> None:
    """Weights in bfloat16, half the bytes, beside the tokenizer."""
    half: Any = deepcopy(lm.model).bfloat16()
    with TemporaryDirectory() as scratch:
        half.save_pretrained(scratch)
        lm.tokenizer.save_pretrained(scratch)
        for file in sorted(Path(scratch).iterdir()):
            with written_whole(folder / file.name) as fresh:
                shutil.copyfile(file, fresh)


def write_record(path: Path, found: dict[str, Any], began: float, module: str) -> None:
    """What a training found, with how it was made; `began` is `time.process_time()` then."""
    record = found | {
        "cpu_seconds": round(time.process_time() - began, 1),
        "versions": {name: version(name) for name in ("torch", "transformers", "tokenizers")},
        "date": datetime.now(UTC).date().isoformat(),
        "command": f"python -m {module}",
    }
    with written_whole(path) as fresh:
        fresh.write_text(json.dumps(record, indent=1) + "\n")
