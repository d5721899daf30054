"""Files: written whole or not at all.

A file is written under another name beside its place, brought to the disk, and only then put there:
who reads meets the old file or the new one, also after a kill, a full disk or a power cut.
"""

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from uuid import uuid4

from safetensors import SafetensorError

LEFT_OVER = 3600.0  # seconds after which what a writer left behind is taken for abandoned


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A fresh place to write to, which becomes `path` when the block ends without an error.

    Others may read the file as far as the umask allows it. What killed writers left beside it more
    than an hour ago is removed.

    Raises
    ------
    OSError
        The folder cannot be made or written to (before the block begins), or the disk is full;
        `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path)
    fresh = path.with_name(f".{path.name}.{uuid4().hex}.new")
    fresh.touch(exist_ok=False)  # as the umask has it; a library may remake it for its owner alone
    mode = fresh.stat().st_mode
    try:
        with system_errors():
            yield fresh
        fresh.chmod(mode)
        to_disk(fresh)
        os.replace(fresh, path)
    finally:
        with suppress(OSError):
            fresh.unlink()  # there is none where all went well
    with suppress(OSError):  # not every system can bring a folder, with the new name, to the disk
        to_disk(path.parent)


def sweep(path: Path) -> None:
    """Remove what killed writers of `path` left beside it."""
    for left in path.parent.glob(f".{escape(path.name)}.{'[0-9a-f]' * 32}.new"):
        with suppress(OSError):  # another process was quicker
            if time.time() - left.stat().st_mtime > LEFT_OVER:
                left.unlink()


@contextmanager
def system_errors() -> Iterator[None]:
    """Within this context what safetensors says of the disk is an OSError, as everywhere else."""
    try:
        yield
    except SafetensorError as error:
        if found := re.search(r"os error (\d+)", str(error)):
            code = int(found[1])
            raise OSError(code, os.strerror(code)) from error
        raise


def to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def in_words(error: OSError, folder: Path, remedy: str) -> str:
    """Why nothing can be written in a folder, and the remedy, in one sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of {folder} is full; free some space, or {remedy}."
    return f"The folder {folder} cannot be used ({error.strerror or error}); {remedy}."
