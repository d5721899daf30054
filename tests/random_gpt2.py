"""Print which backbone the lessons run on when they are tried with GPT-2 small.

That is GPT-2 small where it can be had. Elsewhere it is a checkpoint of its architecture and size
with random weights, made once: it knows nothing, but a lesson that assumes another shape breaks.
"""

import os
import sys
import tempfile
from pathlib import Path

import torch
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

from prefixlab.data import assets
from prefixlab.models.loading import choose


def random_gpt2(hidden: int = 768) -> Path:
    """The folder of the random checkpoint, made whole where it is not there yet.

    It has GPT-2 small's layers and heads; less wide than that, it is quicker.
    """
    folder = assets.cache_folder() / f"random-gpt2-{hidden}"
    if folder.is_dir():
        return folder
    # SmolLM2's 49,152 tokens fit into GPT-2's vocabulary of 50,257.
    tokenizer = AutoTokenizer.from_pretrained(assets.fetch(assets.SMOLLM2), model_max_length=1024)
    config = GPT2Config(
        n_embd=hidden, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id
    )
    torch.manual_seed(0)
    model = GPT2LMHeadModel(config).to(torch.bfloat16)
    with tempfile.TemporaryDirectory(prefix="random-gpt2-", dir=folder.parent) as scratch:
        fresh = Path(scratch) / "whole"
        model.save_pretrained(fresh)
        tokenizer.save_pretrained(fresh)
        fresh.rename(folder)
    return folder


def main() -> None:
    os.environ.pop("PREFIXLAB_BACKBONE", None)  # what is asked is what can be had
    name, why = choose()
    if name == "gpt2":
        print(f"The lessons run on GPT-2 small: {why}.", file=sys.stderr)
        print(name)
    else:
        print(f"The lessons run on random weights in GPT-2 small's shape: {why}.", file=sys.stderr)
        print(random_gpt2())


if __name__ == "__main__":
    main()
