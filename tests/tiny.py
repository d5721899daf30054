"""What tiny models are made of: eight sentences, tokenizers trained on them, random weights."""

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

SENTENCES = [
    ("a warm and funny film", 1),
    ("dull", 0),
    ("the plot makes no sense at all and the jokes are stale", 0),
    ("great", 1),
    ("I would watch it again, and again, and again", 1),
    ("two hours of my life that nobody gives back", 0),
    ("what a cast!", 1),
    ("not worth the ticket", 0),
]
LEARNED = [*(text for text, _ in SENTENCES), "Review: Sentiment: negative positive\n"] * 4


def byte_pairs(start: str | None = None, ends: bool = False) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer like GPT-2's, trained on the sentences above."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    marks = ["<end>", *([start] if start else [])]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trained.train_from_iterator(
        LEARNED,
        trainers.BpeTrainer(
            vocab_size=400, special_tokens=marks, initial_alphabet=alphabet, show_progress=False
        ),
    )
    around = [*([start] if start else []), "$A", *(["<end>"] if ends else [])]
    if len(around) > 1:
        trained.post_processor = processors.TemplateProcessing(
            single=" ".join(around),
            special_tokens=[(mark, trained.token_to_id(mark)) for mark in marks],
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=trained, bos_token=start, eos_token="<end>", pad_token="<end>"
    )


def word_pieces() -> PreTrainedTokenizerFast:
    """A WordPiece tokenizer like BERT's, trained on the sentences above."""
    trained = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    trained.normalizer = normalizers.BertNormalizer()
    trained.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trained.train_from_iterator(
        LEARNED,
        trainers.WordPieceTrainer(vocab_size=400, special_tokens=marks, show_progress=False),
    )
    trained.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(mark, trained.token_to_id(mark)) for mark in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=trained,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    )


def special(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    end = tokenizer.eos_token_id
    return {
        "vocab_size": len(tokenizer),
        "bos_token_id": end,
        "eos_token_id": end,
        "pad_token_id": end,
    }


def random_model(architecture: type[PreTrainedModel], config: PreTrainedConfig) -> PreTrainedModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return architecture(config)
