"""Package index: a file of a project, from the first index of pip's that gives it whole.

An index is a machine of strangers. Whatever it does instead of answering, sending nothing, sending
too much or sending too slowly, is said in a few words, and the next index is asked.
"""

import ast
import hashlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests
from pypi_simple import ACCEPT_ANY, ProjectPage, PyPISimple, tqdm_progress_factory
from urllib3.exceptions import HTTPError, ReadTimeoutError

CONNECT, SILENCE = 10.0, 30.0  # seconds that an index may need to be reached, and be silent
PATIENCE, SLOWEST = 60.0, 1000  # after so many seconds, at least so many bytes a second
LONGEST, PIECE = 50_000_000, 1 << 18  # bytes: of a project's page, and of what is read at once


class AssetError(ValueError):
    """An asset cannot be had, with the reason and the remedy in one sentence."""


class NoAnswer(Exception):
    """An index does not give what it is asked for; says why."""


def download(project: str, file: Path, sha256: str, most: int) -> None:
    """Write the file that a project has under this name, of `most` bytes at the most.

    Raises
    ------
    NoAnswer
        None of the indexes that pip is configured for gives it; says why, index by index.
    AssetError
        There are no certificates where pip's setting says.
    """
    failures = []
    for index in pip_indexes():
        try:
            with index_session() as session:
                return download_from(index, session, project, file, sha256, most)
        except NoAnswer as why:
            failures.append(f"{host(index)}: {why}")
    raise NoAnswer("; ".join(failures) or "pip is configured for none")


def download_from(
    index: str, session: requests.Session, project: str, file: Path, sha256: str, most: int
) -> None:
    """As `download`, from one index; a file that comes damaged is asked for again."""
    url = file_url(index, session, project, file.name)
    bar = tqdm_progress_factory(desc=project, unit="B", unit_scale=True)
    for _attempt in range(2):
        found = hashlib.sha256()
        with asked(session, url) as response, file.open("wb") as kept:
            size = response.headers.get("Content-Length", "")
            with bar(int(size) if size.isdecimal() else None) as progress:
                for piece in pieces(response, most):
                    kept.write(piece)
                    found.update(piece)
                    progress.update(len(piece))
        if found.hexdigest() == sha256:
            return
    raise NoAnswer(f"it came damaged, twice (its SHA-256 is not {sha256[:12]}…)")


def file_url(index: str, session: requests.Session, project: str, filename: str) -> str:
    """Where an index has a file, from its page for the project."""
    with no_answer():
        page_url = PyPISimple(index, session=session).get_project_url(project)
    with asked(session, page_url) as response:
        page = b"".join(pieces(response, LONGEST, decode=True))
    response.raw = io.BytesIO(page)
    try:
        packages = ProjectPage.from_response(response, project).packages
    except Exception as error:  # of three parsers, on a page that may be anything
        kind = type(error).__name__
        raise NoAnswer(f"its page is not one of a package index ({kind})") from error
    for package in packages:
        if package.filename == filename:
            return package.url
    raise NoAnswer("its page does not name it")


@contextmanager
def asked(session: requests.Session, url: str) -> Iterator[requests.Response]:
    """The answer of an index, its body still to come; NoAnswer where it refuses or is silent."""
    as_it_is = {"Accept": ACCEPT_ANY, "Accept-Encoding": "identity"}
    with no_answer():
        response = session.get(url, headers=as_it_is, timeout=(CONNECT, SILENCE), stream=True)
    with response:  # or its connection stays open until it is collected
        with no_answer():
            response.raise_for_status()
        yield response


def pieces(response: requests.Response, most: int, decode: bool = False) -> Iterator[bytes]:
    """The body of an answer as it comes; NoAnswer where it breaks off, is too slow or too long."""
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
    """A session with the certificates that pip is configured for."""
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
