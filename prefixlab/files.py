"""Files: written whole or not at all.

A file is written under another name beside its place, brought to the disk, and only then put there:
who reads meets the old file or the new one, also after a kill, a full disk or a power cut.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

LEFT_OVER = 3600.0  # seconds after which what a writer left behind is taken for abandoned


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A fresh place to write to, which becomes `path` when the block ends without an error.

    Others may read the file as far as the umask allows it. What killed writers left beside it more
    than an hour ago is removed.

    Raises
    ------
    OSError
        The folder cannot be made or written to, or the disk is full; `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path)
    fresh = path.with_name(f".{path.name}.{uuid4().hex}.new")
    try:
        yield fresh
        fresh.chmod(0o666 & ~umask())  # a library may have made it for its owner alone
        to_disk(fresh)
        os.replace(fresh, path)
        if os.name == "posix":
            to_disk(path.parent)  # its new name, too
    finally:
        fresh.unlink(missing_ok=True)


def sweep(path: Path) -> None:
    """Remove what killed writers of `path` left beside it."""
    for left in path.parent.glob(f".{path.name}.{'[0-9a-f]' * 32}.new"):
        with suppress(OSError):  # another process was quicker
            if time.time() - left.stat().st_mtime > LEFT_OVER:
                left.unlink()


def to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def umask() -> int:
    """The process's umask. It can only be read by setting it, for all threads."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("Umask:"))
        return int(line.split()[1], 8)
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
