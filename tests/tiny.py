"""What tiny models are made of: eight sentences, tokenizers trained on them, random weights."""

from pathlib import Path

import numpy as np
import torch
from gguf import GGUFWriter
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
    """A WordPiece tokenizer like BERT's, whose pieces are the words of the sentences above.

    It is not trained: a trainer of word pieces breaks ties otherwise in each process.
    """
    normalizer, splitter = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    pieces = set()
    for text in LEARNED:
        for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)):
            # The letters are for words that are not there.
            pieces |= {word, *word, *(f"##{letter}" for letter in word)}
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    known = {piece: number for number, piece in enumerate([*marks, *sorted(pieces)])}
    made = Tokenizer(models.WordPiece(known, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizer, splitter
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(mark, known[mark]) for mark in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
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


def write_gguf(path: Path) -> None:
    """A Llama of one layer and four tokens, in the format of SmolLM2's file."""
    hidden, tokens = 32, ["a", "b", "ab", "<end>"]
    maps = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    shapes = {"token_embd": (len(tokens), hidden), "output_norm": (hidden,)}
    shapes |= {f"blk.0.{name}": (hidden, hidden) for name in maps}
    shapes |= {f"blk.0.{name}": (hidden,) for name in ("attn_norm", "ffn_norm")}
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(hidden)
    writer.add_block_count(1)
    writer.add_head_count(4)
    writer.add_head_count_kv(4)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(tokens.index("<end>"))
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", np.ones(shape, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
