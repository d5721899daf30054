"""Pair: a model and its tokenizer, checked together before anything is computed with them."""

from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from prefixlab.data.template import around


def check_pair(name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise a ValueError if a text could become tokens that the model does not know."""
    rows = embedded(model)
    special = set(tokenizer.all_special_ids)  # such as a padding token that was added: not in texts
    highest = max((id_ for id_ in tokenizer.get_vocab().values() if id_ not in special), default=-1)
    if highest < 0:
        raise ValueError(
            f"The tokenizer of {name} knows no words; save the model with the tokenizer it was "
            "trained with."
        )
    if highest >= rows:
        raise ValueError(
            f"The tokenizer of {name} has tokens up to number {highest}, and the model embeds "
            f"{rows}; save the model with the tokenizer it was trained with, or call "
            "model.resize_token_embeddings first."
        )
    end = tokenizer.eos_token_id
    if model.get_output_embeddings() is not None and (end is None or end >= rows):
        raise ValueError(
            f"The tokenizer of {name} has no token that ends a text (its eos_token is "
            f"{tokenizer.eos_token!r}); set tokenizer.eos_token to the one that the model was "
            "trained with, and save it."
        )
    around(tokenizer)


def padding_of(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """What rows are padded with. Nothing reads it, so that any token the model embeds will do."""
    rows = embedded(model)
    found = (tokenizer.pad_token_id, tokenizer.eos_token_id)
    return next((token for token in found if token is not None and token < rows), 0)


def embedded(model: PreTrainedModel) -> int:
    """How many tokens the model has an embedding for."""
    module: Any = model.get_input_embeddings()
    return len(module.weight)
