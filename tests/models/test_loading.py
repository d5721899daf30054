"""Loading: one function for every kind of model, and nothing in a folder is run."""

import json
import shutil
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import torch
from safetensors.torch import load_file, save_file

import prefixlab as pl
from prefixlab import Backbone, Encoder, EncoderDecoder
from prefixlab.models import loading, verification, weights
from prefixlab.models.loading import NotLoaded, hub_answers, pick_device, pick_dtype


def saved(lm: Backbone, folder: Path) -> Path:
    lm.model.save_pretrained(folder)
    lm.tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def mine(llama, tmp_path) -> Path:
    return saved(llama, tmp_path / "mine")


opened = partial(pl.load, dtype="float32", device="cpu")


@pytest.mark.parametrize(
    ("name", "kind"), [("llama", Backbone), ("bert", Encoder), ("t5", EncoderDecoder)]
)
def test_every_kind_of_model_is_loaded_by_one_function(request, name, kind, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    saved(request.getfixturevalue(name), tmp_path / "mine")
    for asked in (tmp_path / "mine", str(tmp_path / "mine"), "~/mine"):
        lm = pl.load(asked, dtype="float32", device=torch.device("cpu"))
        assert type(lm) is kind
        assert lm.name == "mine"


def test_the_start_of_a_target_is_given_to_an_encoder_decoder(t5, tmp_path):
    lm = opened(saved(t5, tmp_path / "mine"), target_start="so")
    assert lm.start == [*t5.start, *t5.tokenizer("so", add_special_tokens=False)["input_ids"]]


def test_no_code_of_a_folder_is_run(mine, tmp_path):
    trace = tmp_path / "trace"
    for file in ("modeling_mine.py", "configuration_mine.py", "tokenization_mine.py"):
        (mine / file).write_text(f"open({str(trace)!r}, 'w').write('run')\n")
    config = json.loads((mine / "config.json").read_text())
    named = {
        "AutoConfig": "configuration_mine.C",
        "AutoModelForCausalLM": "modeling_mine.M",
        "AutoTokenizer": ["tokenization_mine.T", None],
    }
    (mine / "config.json").write_text(json.dumps(config | {"auto_map": named}))
    opened(mine)  # by the code of transformers, which knows the family
    (mine / "config.json").write_text(json.dumps(config | {"auto_map": named, "model_type": "new"}))
    with pytest.raises(NotLoaded, match=r"brings code of its own \(auto_map .*is not run.*\.$"):
        opened(mine)
    (mine / "config.json").write_text(json.dumps(config))
    settings = json.loads((mine / "tokenizer_config.json").read_text())
    (mine / "tokenizer_config.json").write_text(json.dumps(settings | {"auto_map": named}))
    opened(mine)
    assert not trace.exists()


class Pickled:
    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self):
        return open, (str(self.trace), "w")


def test_a_pickle_is_not_opened(mine, tmp_path):
    (mine / "model.safetensors").unlink()
    torch.save({"weight": Pickled(tmp_path / "trace")}, mine / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"pickles alone, which can run code.*save_pretrained\.$"):
        opened(mine)
    assert not (tmp_path / "trace").exists()


class Portal(BaseHTTPRequestHandler):
    """A network that answers everything by its login page, or, after a while, not at all."""

    config = b"<html>Log in</html>"

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.config if self.path.endswith("config.json") else b"<html></html>")

    do_HEAD = do_GET

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def portal(monkeypatch, tmp_path) -> Iterator[type[Portal]]:
    handler = type("Portal", (Portal,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(loading.constants, "ENDPOINT", address)
    monkeypatch.setattr(loading.constants, "is_offline_mode", lambda: False)
    yield handler
    server.shutdown()
    server.server_close()


def test_a_login_page_is_not_the_hub(portal):
    assert not hub_answers()
    portal.config = b'{"model_type": "gpt2"}'
    assert hub_answers()


def test_a_download_that_fails_falls_back_where_no_name_was_asked_for(llama, monkeypatch, capsys):
    def failing(*_, **__):
        raise OSError("the line is cut")

    monkeypatch.delenv("PREFIXLAB_BACKBONE", raising=False)
    monkeypatch.setattr(loading, "choose", lambda: ("gpt2", "the Hub answers"))
    monkeypatch.setattr(loading, "snapshot_download", failing)
    honest = loading.open_backbone

    def opening(name, *rest):
        return llama if name == "smollm2" else honest(name, *rest)

    monkeypatch.setattr(loading, "open_backbone", opening)
    assert pl.load() is llama
    told = capsys.readouterr().out
    assert "the line is cut" in told
    assert told.count("\n") == 1
    with pytest.raises(NotLoaded, match=r"'gpt2' cannot be loaded \(the line is cut\)"):
        pl.load("gpt2")


@pytest.mark.parametrize(
    ("dtype", "wished", "picked"),
    [
        ("auto", "float32", torch.float32),
        ("auto", "bfloat16", torch.bfloat16),
        ("float32", "bfloat16", torch.float32),
        ("bfloat16", "float32", torch.bfloat16),
    ],
)
def test_the_environment_says_what_auto_is(monkeypatch, dtype, wished, picked):
    monkeypatch.setenv("PREFIXLAB_DTYPE", wished)
    assert pick_dtype(dtype, torch.device("cpu")) == picked


def test_a_device_is_a_name_or_a_device_of_torch(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert pick_device("cuda:1") == pick_device(torch.device("cuda:1")) == torch.device("cuda:1")
    assert pick_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match=r"device='cuda:2' is not here; choose auto or cuda, "):
        pick_device("cuda:2")


def test_weights_are_converted_once_and_mapped_from_the_copy(mine, llama, tmp_path, monkeypatch):
    monkeypatch.setenv("PREFIXLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "WORTH_SHARING", 0)
    stored = mine / "model.safetensors"
    half = {key: value.bfloat16() for key, value in load_file(stored).items()}
    save_file(half, stored, metadata={"format": "pt"})
    lm = opened(mine)
    copy = weights.in_dtype(mine, torch.float32)
    assert copy.is_relative_to(tmp_path / "cache")
    assert lm.dtype == torch.float32
    for name, value in lm.model.state_dict().items():
        assert torch.equal(value, half.get(name, value).float())
    first = (copy / "model.safetensors").stat().st_mtime_ns
    opened(mine)
    assert (copy / "model.safetensors").stat().st_mtime_ns == first
    assert weights.in_dtype(mine, torch.bfloat16) == mine
    other = {key: value + 1 for key, value in half.items()}
    save_file(other, stored, metadata={"format": "pt"})  # other weights in the same place
    assert torch.equal(opened(mine).embedding, other["model.embed_tokens.weight"].float())


def test_a_copy_in_a_cache_that_cannot_be_written_is_mapped(mine, tmp_path, monkeypatch):
    monkeypatch.setenv("PREFIXLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "WORTH_SHARING", 0)
    copy = weights.in_dtype(mine, torch.bfloat16)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(weights, "FileLock", refuse)
    assert weights.in_dtype(mine, torch.bfloat16) == copy != mine


def test_where_no_copy_can_be_kept_weights_are_converted_in_memory(mine, tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file, no folder")
    monkeypatch.setenv("PREFIXLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "WORTH_SHARING", 0)
    assert pl.load(mine, dtype="bfloat16", device="cpu").dtype == torch.bfloat16


def test_a_model_that_computes_something_else_is_refused(mine, monkeypatch):
    """The kind of fault that a new family would bring."""
    honest = Backbone._mask

    def blind(self, seen, new):
        return honest(self, torch.ones_like(seen), new)  # padding counts

    monkeypatch.setattr(Backbone, "_mask", blind)
    with pytest.raises(NotLoaded, match=r"mine is a llama .* its logits are .* off what transf"):
        opened(mine)


def test_sliding_windows_are_narrow_while_they_are_tested(llama):
    llama.model.config.sliding_window = 4096
    try:
        with verification.narrowed(llama.model):
            assert llama.model.config.sliding_window == verification.WINDOW
        assert llama.model.config.sliding_window == 4096
    finally:
        del llama.model.config.sliding_window


def test_weights_that_are_missing_are_not_drawn_at_random(mine):
    kept = load_file(mine / "model.safetensors")
    del kept["model.layers.1.mlp.up_proj.weight"]
    save_file(kept, mine / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(NotLoaded, match=r"no weights for 1 parts .*layers\.1\.mlp\.up_proj"):
        opened(mine)


def test_what_is_asked_of_the_hub_holds_no_code_and_no_pickle(mine, monkeypatch):
    asked = {}

    def download(repository, **patterns):
        asked.update(patterns, repository=repository)
        return str(mine)

    monkeypatch.setattr(loading, "snapshot_download", download)
    assert opened("someone/some-model").name == "some-model"
    assert asked["repository"] == "someone/some-model"
    assert not [p for p in asked["allow_patterns"] if p.endswith((".py", ".bin", "*", ".pt"))]
    shutil.rmtree(mine)
