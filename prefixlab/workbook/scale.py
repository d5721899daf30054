"""Scale: causal models of four sizes, to ask whether a prompt needs a large frozen model.

Lester et al. (2021, section 3.1 and figure 1) tune a prompt before T5 models of 77 million to 11
billion parameters: the larger the frozen model, the nearer a prompt comes to tuning all weights.
Here are four Llamas of 0.08 to 2.2 million parameters, each twice as wide as the one before. They
differ in nothing else: the same sentences in the same order, as many steps, the same rate (which
Adafactor takes relative to the numbers that it changes).

    text       thank you for inviting me
    input      </s> thank you for inviting me
    target     thank you for inviting me </s>

    python -m prefixlab.workbook.scale

trains them from scratch on the sentences of all four rated domains and stores them in
`data/tiny_lm`. The film sentences that the protocol tests and validates on are left out. Whether a
sentence is about a film or a product is something that models this small can know (`downstream`).
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from prefixlab.chance import drawn_from
from prefixlab.data import tasks
from prefixlab.data.batching import Row, evaluation_order
from prefixlab.data.task import Task
from prefixlab.data.template import around
from prefixlab.models.backbone import Backbone
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
from prefixlab.workbook.protocol import TEST, TRAIN, VALIDATION, WORDS

FOLDER = DATA / "tiny_lm"
WIDTHS = (24, 48, 96, 192)
LAYERS, HEADS = 4, 4
POSITIONS = 256
VOCABULARY = 2048
PRETRAINING = Recipe(
    steps=4000, batch_size=16, learning_rate=0.1, warmup=200, optimizer="adafactor"
)
LOOKED = 500  # steps from one loss on held-out sentences to the next


def load(width: int) -> Backbone:
    """The causal model of this width, in float32.

    Raises
    ------
    ValueError
        A width that is not stored.
    """
    if width not in WIDTHS:
        stored = ", ".join(map(str, WIDTHS))
        raise ValueError(f"width={width} is not stored; choose {stored}.")
    lm = open_backbone(FOLDER / f"width_{width}", torch.float32, torch.device("cpu"))
    lm.name = f"tiny-lm, width {width}"
    return lm


def sentences() -> tuple[list[str], list[str]]:
    """What is trained on, and what is held out: what the protocol tests and validates on."""
    films = tasks.load("movie_reviews", words=WORDS, validation=VALIDATION, test=TEST)
    held_out = [*films.validation["x"], *films.test["x"]]
    return sentences_without(held_out), held_out


def downstream(train: int = TRAIN, subset: int = 0) -> Task:
    """What is a sentence about? See `film_or_product`; with as many sentences as the protocol has.

    `subset` draws other sentences to train on. No model has read the film sentences of the test and
    of the validation, and all have read the product sentences, without their label.
    """
    sizes: dict[str, Any] = {"train": train // 2, "subset": subset, "words": WORDS}
    # All films that were held out, or others would be drawn; half of them stay.
    films = tasks.load("movie_reviews", **sizes, validation=VALIDATION, test=TEST)
    products = tasks.load("product_reviews", **sizes, validation=VALIDATION // 2, test=TEST // 2)
    return film_or_product(films, products)


def make_tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """Byte pairs; a text begins where the one before ended, with the end token."""
    return byte_pairs(texts, VOCABULARY, f"{END} $A")


def make_model(tokenizer: PreTrainedTokenizerFast, width: int, seed: int) -> Backbone:
    """A Llama of random weights."""
    config = LlamaConfig(
        hidden_size=width,
        intermediate_size=8 * width // 3,  # three matrices of a gated layer: as many as two of 4 h
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        max_position_embeddings=POSITIONS,
        tie_word_embeddings=True,
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with drawn_from(torch.Generator().manual_seed(seed)):
        return Backbone(f"tiny-lm, width {width}", LlamaForCausalLM(config), tokenizer)


def whole(lm: Backbone, texts: Sequence[Tokens]) -> list[Row]:
    """Every text to be written from its first token to its end, after an end token."""
    before, end = around(lm.tokenizer)[0], lm.tokenizer.eos_token_id
    return [Row(prompt=before, answers=[[*text, end]], label=0) for text in texts]


@torch.no_grad()
def loss_on(lm: Backbone, rows: Sequence[Row]) -> float:
    """- 1/n Σ log p(token | tokens before) over the n tokens of all rows, in nats."""
    log_p, tokens = 0.0, 0
    for chosen in evaluation_order(rows, 64):
        batch = lm.collate([rows[index] for index in chosen])
        log_p += lm.answer_scores(batch).sum().item()
        tokens += len(batch.targets)
    return -log_p / tokens


def make(folder: Path = FOLDER) -> None:
    """Train every size and store it, one folder a width, with a record of the training."""
    texts, held_out = sentences()
    tokenizer = make_tokenizer(texts)
    read, unseen = encoded(tokenizer, texts), encoded(tokenizer, held_out)
    print(f"{len(read)} sentences, {sum(map(len, read))} tokens", flush=True)
    began = time.process_time()
    record: dict[str, Any] = {
        "sentences": len(read),
        "tokens": sum(map(len, read)),
        "held_out": len(unseen),
        "pretraining": PRETRAINING.as_dict(),
        "sizes": {},
    }
    for width in WIDTHS:
        lm = make_model(tokenizer, width, PRETRAINING.seed)
        record["sizes"][width] = train_size(lm, read, unseen)
        store(lm, folder / f"width_{width}")
    write_record(folder / "training.json", record, began, __spec__.name)


def train_size(lm: Backbone, read: Sequence[Tokens], unseen: Sequence[Tokens]) -> dict[str, Any]:
    """Train one model; its losses, on what it reads and on what it never reads."""
    began, rows, others = time.process_time(), whole(lm, read), whole(lm, unseen)
    held_out: list[float] = []

    def watched() -> Iterator[float]:
        for step, loss in enumerate(fit(lm, lambda _: rows, PRETRAINING), 1):
            yield loss
            if not step % LOOKED:
                held_out.append(round(loss_on(lm, others), 4))
                print(f"{lm.name}, step {step}: held out {held_out[-1]:.4f}", flush=True)

    return {
        "parameters": lm.geometry.parameters,
        "losses": averaged(watched()),
        "held_out_losses": held_out,
        "cpu_seconds": round(time.process_time() - began, 1),
    }


if __name__ == "__main__":
    make()
