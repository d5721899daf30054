"""Every block of docs/exchange.md runs, in order, on a tiny model and a tiny task."""

import re
from copy import deepcopy
from pathlib import Path
from shutil import copytree

import pytest
import torch
from reference import named_for_peft, plain
from transformers import AutoModelForCausalLM

import prefixlab
from prefixlab import Backbone, tasks
from prefixlab.evaluation.choices import scores
from prefixlab.exchange import hub

OWN = "".join(f"film {number},{'good' if number % 2 else 'bad'}\n" for number in range(20))
PAGE = Path(__file__).parents[2] / "docs" / "exchange.md"


class FolderApi:
    """A Hub in the folder that a test runs in."""

    def create_repo(self, name, **how):
        return name

    def upload_folder(self, repo_id, folder_path, **how):
        copytree(folder_path, repo_id)


@pytest.fixture
def page(gpt2, task, tmp_path, monkeypatch):
    """What the names of the page are after its blocks ran."""
    with plain(gpt2, "sdpa") as model:
        theirs = named_for_peft(deepcopy(model))
    lm = Backbone("tiny-gpt2", deepcopy(gpt2.model), deepcopy(gpt2.tokenizer))
    monkeypatch.setattr(prefixlab, "load", lambda name: lm)
    monkeypatch.setattr(tasks, "load", lambda name, **sizes: task)
    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", lambda name: theirs)
    monkeypatch.setattr(hub, "HfApi", FolderApi)
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("sentence,mood\n" + OWN)
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(block, names)
    return names


@pytest.mark.filterwarnings("ignore:.pin_memory. argument is set")  # there is no GPU
def test_every_block_of_the_page_runs(page, gpt2, task, tmp_path):
    lm, prefix = page["lm"], page["prefix"]
    assert lm.fingerprint == gpt2.fingerprint  # what is frozen stays
    ids = lm.tokenizer("a warm", return_tensors="pt")
    with torch.no_grad():
        assert page["theirs"](**ids).logits.shape == page["steered"](**ids).logits.shape
    before = scores(lm, page["ours"].to(lm.device), task, task.test)  # a trainer may have moved it
    assert not torch.allclose(scores(lm, prefix, task, task.test), before, atol=1e-2)  # it learned
    stored = prefixlab.load_method("my-prefix", lm)
    assert not torch.equal(stored.prefix.values, prefix.prefix.values)  # accelerate went on
    assert [*page["steered"].state_dict()] == ["method.prefix.values"]
    assert (tmp_path / "my-run" / "checkpoint-20" / "model.safetensors").stat().st_size < 20_000
    assert torch.equal(page["again"].prefix.values, prefix.prefix.values)
    assert page["own"].verbalizer.words == ("bad", "good")
