"""Span corruption, and what must be unlearned of it before a frozen model can be prompted.

T5 is trained to fill gaps (Raffel et al. 2020, section 3.1.4). 15 % of the tokens, in spans of 3 on
average, are taken out of the text; a sentinel stands for each span:

    text      Thank you for inviting me to your party last week
    input     Thank you <extra_id_0> me to your party <extra_id_1> week
    target    <extra_id_0> for inviting <extra_id_1> last <extra_id_2>

Such a model has never read a text without sentinels and never written one. Full fine-tuning
unlearns that on the way; a prompt before a frozen model cannot. Lester et al. (2021, section 2.2)
compare three remedies: none, a sentinel before each downstream target, and LM adaptation, some
further training on natural text:

    input     Thank you for inviting
    target    me to your party last week

    python -m prefixlab.workbook.span_corruption

trains a tiny T5 from scratch on the sentences of all four rated domains and stores it, with its
LM adaptations, in `data/tiny_t5`. Some film sentences are left out, to test on.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import torch
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from prefixlab.chance import drawn_from
from prefixlab.data import tasks
from prefixlab.data.batching import Row
from prefixlab.data.task import Task
from prefixlab.data.template import tokens_of
from prefixlab.evaluation.choices import loss_of
from prefixlab.models.conditioning import NOTHING
from prefixlab.models.encoder_decoder import EncoderDecoder
from prefixlab.models.loading import open_backbone
from prefixlab.paths import DATA
from prefixlab.training.loop import Recipe
from prefixlab.workbook.from_scratch import (
    END,
    Tokens,
    averaged,
    byte_pairs,
    encoded,
    film_or_product,
    fit,
    sentences_without,
    store,
    write_record,
)

FOLDER = DATA / "tiny_t5"
HELD_OUT = 1000  # film sentences to test on
SENTINELS = tuple(f"<extra_id_{index}>" for index in range(16))
VOCABULARY = 3072
SIZES: dict[str, Any] = {"d_model": 96, "d_kv": 24, "num_heads": 4, "d_ff": 384, "num_layers": 2}
PRETRAINING = Recipe(
    steps=1500, batch_size=64, learning_rate=0.04, warmup=100, optimizer="adafactor"
)
ADAPTATION = Recipe(
    steps=1200,
    batch_size=32,
    learning_rate=0.01,
    warmup=20,
    decay="constant",
    optimizer="adafactor",
    seed=1,
)
ADAPTED = (100, 400, 1200)  # the steps at which the adapted model is kept

Objective = Callable[[Tokens, random.Random], tuple[Tokens, Tokens]]


@dataclass(frozen=True)
class SpanCorruption:
    """The objective: input and target of a text with gaps.

    Parameters
    ----------
    sentinels
        The token ids of the sentinels, in order.
    density
        The share of the tokens that is taken out; at least one is, and at least one stays.
    mean_length
        The mean length of a span, in tokens.

    Raises
    ------
    ValueError
        When called: a text of fewer than two tokens, or of more spans than there are sentinels.
    """

    sentinels: tuple[int, ...]
    density: float = 0.15
    mean_length: float = 3.0

    def __call__(self, text: Tokens, source: random.Random) -> tuple[Tokens, Tokens]:
        check_length(text)
        taken = min(max(1, round(len(text) * self.density)), len(text) - 1)
        kept = len(text) - taken
        spans = min(max(1, round(taken / self.mean_length)), kept + 1)
        if spans >= len(self.sentinels):
            raise ValueError(
                f"A text of {len(text)} tokens has {spans} spans, and the last of "
                f"{len(self.sentinels)} sentinels ends the target; cut the text."
            )
        gaps = parts(taken, spans, source)
        # Between two spans stands at least one token; before the first and after the last, none
        # need be.
        between = parts(kept + 2, spans + 1, source)
        between[0] -= 1
        left = iter(text)
        given: Tokens = []
        target: Tokens = []
        for sentinel, stay, gap in zip(self.sentinels, between, gaps, strict=False):
            given += [next(left) for _ in range(stay)] + [sentinel]
            target += [sentinel] + [next(left) for _ in range(gap)]
        return given + list(left), [*target, self.sentinels[spans]]


def continuation(text: Tokens, source: random.Random) -> tuple[Tokens, Tokens]:
    """The objective of LM adaptation: a text cut in two, the first part as input.

    Raises
    ------
    ValueError
        A text of fewer than two tokens.
    """
    check_length(text)
    cut = source.randrange(1, len(text))
    return text[:cut], text[cut:]


def check_length(text: Tokens) -> None:
    if len(text) < 2:
        raise ValueError(f"A text of {len(text)} token(s) cannot be divided; two are needed.")


def parts(total: int, count: int, source: random.Random) -> list[int]:
    """`total` as a sum of `count` positive numbers, every such sum as likely as any other."""
    cuts = [0, *sorted(source.sample(range(1, total), count - 1)), total]
    return [end - start for start, end in pairwise(cuts)]


def downstream(train: int = 1024, test: int = 600, subset: int = 0) -> Task:
    """What is a sentence about? See `film_or_product`; `subset` draws others to train on.

    The model has never read the film sentences of the test, and the product sentences without their
    label.
    """
    films = tasks.load("movie_reviews", train=train // 2, test=HELD_OUT, subset=subset)
    products = tasks.load("product_reviews", train=train // 2, test=test // 2, subset=subset)
    return film_or_product(films, products)


def variants() -> list[EncoderDecoder]:
    """The models that Lester et al. compare: as it is, with sentinel, LM-adapted ever longer."""
    return [load(), load(sentinel=True), *(load(steps) for steps in ADAPTED)]


def load(adapted: int = 0, sentinel: bool = False) -> EncoderDecoder:
    """The tiny T5 after span corruption and `adapted` steps of LM adaptation.

    With `sentinel` every downstream target begins with the first sentinel.

    Raises
    ------
    ValueError
        A number of steps that is not stored.
    """
    if adapted not in (0, *ADAPTED):
        stored = ", ".join(str(steps) for steps in (0, *ADAPTED))
        raise ValueError(f"adapted={adapted} is not stored; choose {stored}.")
    start = SENTINELS[0] if sentinel else ""
    opened = open_backbone(
        FOLDER / f"adapted_{adapted}", torch.float32, torch.device("cpu"), target_start=start
    )
    lm = cast(EncoderDecoder, opened)
    lm.name = f"tiny-t5, adapted {adapted}" + (", sentinel" if sentinel else "")
    return lm


def sentences() -> tuple[list[str], list[str]]:
    """What is trained on, and what is held out: film sentences to test and validate on."""
    films = tasks.load("movie_reviews", test=HELD_OUT)
    held_out = [*films.validation["x"], *films.test["x"]]
    return sentences_without(held_out), held_out


def make_tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """Byte pairs, with sentinels; a text ends with the end token, as T5's do."""
    return byte_pairs(texts, VOCABULARY, f"$A {END}", SENTINELS)


def make_model(tokenizer: PreTrainedTokenizerFast, seed: int) -> EncoderDecoder:
    """A tiny T5 of random weights."""
    marks = {
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "decoder_start_token_id": tokenizer.pad_token_id,
    }
    config = T5Config(**SIZES, **marks, vocab_size=len(tokenizer), dropout_rate=0.0)
    with drawn_from(torch.Generator().manual_seed(seed)):
        return EncoderDecoder("tiny-t5", T5ForConditionalGeneration(config), tokenizer)


def pairs(
    lm: EncoderDecoder, texts: Sequence[Tokens], objective: Objective, seed: str
) -> list[Row]:
    """Every text once, as input and target, each with its end token."""
    source = random.Random(seed)
    made = (objective(text, source) for text in texts)
    return [
        Row(prompt=given + lm.after, answers=[target + lm.after], label=0, start=lm.start)
        for given, target in made
    ]


def learn(
    lm: EncoderDecoder, texts: Sequence[Tokens], objective: Objective, recipe: Recipe
) -> Iterator[float]:
    """Train all weights on an objective, see `fit`; every epoch draws its gaps, or cuts, anew."""
    return fit(lm, lambda epoch: pairs(lm, texts, objective, f"{recipe.seed} {epoch}"), recipe)


@torch.no_grad()
def habits(
    lm: EncoderDecoder, texts: Sequence[Tokens], corrupt: SpanCorruption
) -> dict[str, float]:
    """How well the model fills gaps and goes on with natural text (nats per token), and how
    probable it is that it begins to go on with a sentinel."""
    found = {}
    for name, objective in (("fill", corrupt), ("continue", continuation)):
        batch = lm.collate(pairs(lm, texts, objective, "held out"))
        found[name] = loss_of(lm.answer_scores(batch), batch).item()
    first: Any = lm.model.get_output_embeddings()(lm.states(batch, NOTHING)[:, 0])  # [texts, V]
    found["sentinel"] = first.softmax(-1)[:, list(corrupt.sentinels)].sum(-1).mean().item()
    return {name: round(value, 4) for name, value in found.items()}


def make(folder: Path = FOLDER) -> None:
    """Train everything and store it, one folder a checkpoint, with a record of the training."""
    texts, held_out = sentences()
    tokenizer = make_tokenizer(texts)
    corrupt = SpanCorruption(
        tuple(tokens_of(tokenizer, mark, control=True)[0] for mark in SENTINELS)
    )
    read, unseen = encoded(tokenizer, texts), encoded(tokenizer, held_out)
    print(f"{len(read)} sentences, {sum(map(len, read))} tokens", flush=True)
    lm = make_model(tokenizer, PRETRAINING.seed)
    record: dict[str, Any] = {
        "sentences": len(read),
        "tokens": sum(map(len, read)),
        "held_out": len(unseen),
        "parameters": lm.geometry.parameters,
        "pretraining": PRETRAINING.as_dict(),
        "adaptation": ADAPTATION.as_dict(),
        "habits": {},
    }
    began = time.process_time()

    def keep(adapted: int) -> None:
        record["habits"][adapted] = habits(lm, unseen, corrupt)
        print(f"adapted {adapted}: {record['habits'][adapted]}", flush=True)
        store(lm, folder / f"adapted_{adapted}")

    record["losses"] = averaged(learn(lm, read, corrupt, PRETRAINING))
    keep(0)
    losses = []
    for step, loss in enumerate(learn(lm, read, continuation, ADAPTATION), 1):
        losses.append(loss)
        if step in ADAPTED:
            keep(step)
    record["adaptation_losses"] = averaged(losses)
    write_record(folder / "training.json", record, began, __spec__.name)


if __name__ == "__main__":
    make()
