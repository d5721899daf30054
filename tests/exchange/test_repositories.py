"""The Hub: what a repository gets over the wire, what its card says, and that it comes back."""

import base64
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import torch
import yaml
from huggingface_hub import HfApi
from reference import moved
from safetensors.torch import load_file

from prefixlab import (
    Template,
    Verbalizer,
    create,
    evaluate,
    from_hub,
    from_peft,
    push_to_hub,
    train,
)
from prefixlab.evaluation.choices import scores
from prefixlab.exchange import hub
from prefixlab.exchange.card import card, shown

WILD = "<script>alert(1)</script> | [x](http://a.b) **`b`** \u202e\n# {x}: {y}"


@dataclass
class Repository:
    """One repository of a Hub on this machine, and what was asked of it."""

    folder: Path
    asked: list[str] = field(default_factory=list)
    address: str = ""

    @property
    def readme(self) -> str:
        return (self.folder / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Iterator[Repository]:
    """A Hub that takes what `HfApi` sends: a repository, and commits of small files."""
    held = Repository(tmp_path / "repository")
    held.folder.mkdir()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            about = {"type": "file", "oid": "0" * 40, "size": 1}
            self.tell([about | {"path": file.name} for file in held.folder.iterdir()])

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            held.asked.append(self.path)
            if self.path == "/api/repos/create":
                held.asked.append(str(json.loads(body)))
                self.tell({"url": f"{held.address}/mine/films", "id": "mine/films"})
            elif self.path.endswith("/preupload/main"):
                files = json.loads(body)["files"]
                each = {"uploadMode": "regular", "shouldIgnore": False}
                self.tell({"files": [each | {"path": file["path"]} for file in files]})
            elif self.path.endswith("/commit/main"):
                for line in map(json.loads, body.splitlines()):
                    about = line["value"]
                    if line["key"] == "file":
                        content = base64.b64decode(about["content"])
                        (held.folder / about["path"]).write_bytes(content)
                    elif line["key"] == "deletedFile":
                        (held.folder / about["path"]).unlink()
                at = f"{held.address}/mine/films/commit/{'0' * 40}"
                self.tell({"success": True, "commitOid": "0" * 40, "commitUrl": at})
            else:
                self.tell({})

        def tell(self, answer: dict | list) -> None:
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *given: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        held.address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(hub, "HfApi", partial(HfApi, endpoint=held.address, token="hf_mine"))
        yield held
        server.shutdown()


@pytest.mark.parametrize("name", ["prompt_tuning", "lora", "gated_prefix", "in_context"])
def test_a_method_goes_there_and_comes_back(tiny, task, repository, name):
    method = moved(create(name, tiny, task))
    address = push_to_hub(method, "mine/films")
    assert address == f"{repository.address}/mine/films"
    again = from_hub(repository.folder, tiny)
    assert (again.describe(), again.asked) == (method.describe(), method.asked)
    found = scores(tiny, method, task, task.test)
    assert torch.equal(scores(tiny, again, task, task.test), found)
    files = {file.name for file in repository.folder.iterdir()}
    adapter = {"adapter_config.json", "adapter_model.safetensors"}
    of_peft = adapter if name in ("prompt_tuning", "lora") else set()
    assert files == {"README.md", "method.safetensors", *of_peft}
    if of_peft:
        from_peft(repository.folder, tiny, task)
    assert ("PeftModel" in repository.readme) == bool(of_peft)


def test_a_new_method_leaves_nothing_of_the_old_one(gpt2, task, repository):
    push_to_hub(create("lora", gpt2, task), "mine/films", private=True)
    assert repository.asked[0] == "/api/repos/create"
    assert "'visibility': 'private'" in repository.asked[1]
    assert sum(path.endswith("/commit/main") for path in repository.asked) == 1
    push_to_hub(create("gated_prefix", gpt2, task), "mine/films")
    assert {file.name for file in repository.folder.iterdir()} == {
        "README.md",
        "method.safetensors",
    }


def test_its_card_says_what_it_is_and_how_it_came_about(gpt2, task, repository):
    noted = replace(task, notes=("Two rows were left out.",))
    method = create("prefix_tuning", gpt2, noted, prefix_length=4, seed=3)
    training = train(gpt2, method, noted, steps=2, batch_size=4, seed=7)
    training.advance()
    result = evaluate(gpt2, method, noted)
    push_to_hub(method, "mine/films", training=training, result=result)
    _, front, text = repository.readme.split("---\n", 2)
    assert yaml.safe_load(front) == {
        "library_name": "prefixlab",
        "tags": ["prefixlab", "prefix_tuning", "peft"],
    }
    told = html.unescape(text)
    for part in (
        "`prefix_tuning`: Trained keys and values in every layer",
        *("prefix_length = 4", "seed = 3", "'tiny-gpt2', fingerprint of its weights"),
        *(method.fingerprint, repr(task.template.text), "'negative', 'positive'"),
        *("'films': 16 train, 4 validation, 8 test examples", training.data),
        *("'Two rows were left out.'", "steps taken: 1; peak rate 0.003", "batch_size = 4"),
        *("seed = 7", str(result), "prefixlab ", "transformers ", "pl.from_hub('mine/films', lm)"),
        "PeftModel.from_pretrained(model, 'mine/films')",
    ):
        assert part in told, part


def test_what_users_wrote_is_shown_and_never_read(gpt2, task):
    wild = replace(
        task,
        name=WILD,
        template=Template(WILD),
        verbalizer=Verbalizer(("<b>", "positive | good")),
        notes=(WILD,),
    )
    method = create("prompt_tuning", gpt2, wild, init="text", text=WILD)
    told = card(method, "mine/films", True, train(gpt2, method, wild, steps=1), None)
    assert html.unescape(told).count("<script>alert(1)</script> | [x]") == 4
    rows = told[: told.index("## With")]
    assert not re.search(r"script>|\[x\]|\*\*|http:|\u202e|<b>|^# \{", told, re.MULTILINE)
    assert all(row.count("|") == 3 for row in rows.splitlines() if row.startswith("|"))


def test_signs_are_written_by_their_numbers():
    assert shown("a_b") == "&#39;a&#95;b&#39;"
    assert shown(0.5) == "0&#46;5"
    assert html.unescape(shown(WILD)) == repr(WILD)


def test_the_head_of_a_card_knows_its_model_and_its_labels(gpt2, task):
    method = create("p_tuning_v2", gpt2, task)
    method.geometry = replace(method.geometry, name="gpt2")
    told = card(method, "mine/films", True, None, None)
    assert "base_model: openai-community/gpt2" in told
    assert "pl.load('openai-community/gpt2')" in told
    call = (
        "AutoModelForSequenceClassification.from_pretrained('openai-community/gpt2', num_labels=2)"
    )
    assert call in told
    assert told.count("| not told |") == 2


def test_its_numbers_are_read_without_this_package(gpt2, task, repository):
    method = create("convolution", gpt2, task)
    push_to_hub(method, "mine/films")
    assert "safetensors.torch.load_file" in repository.readme
    numbers = load_file(repository.folder / "method.safetensors")
    assert torch.equal(numbers["method.kernel.values"], method.kernel.values)


def test_a_name_is_fetched_from_the_hub(gpt2, task, repository, monkeypatch):
    method = create("prompt_tuning", gpt2, task)
    push_to_hub(method, "mine/films")

    def fetched(name, file, *, revision):
        assert (name, revision) == ("mine/films", "main")
        return str(repository.folder / file)

    monkeypatch.setattr(hub, "hf_hub_download", fetched)
    again = from_hub("mine/films", gpt2, revision="main")
    assert torch.equal(again.prompt.values, method.prompt.values)
