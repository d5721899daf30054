"""Chance: every draw has a source of its own, which no one else draws from."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import nn

import prefixlab
from prefixlab import create, train
from prefixlab.chance import draw, drawn_from, dropout
from prefixlab.methods.adapters import Adapter
from prefixlab.methods.reparameterization import LSTM, MLP
from prefixlab.training.loop import snapshot
from prefixlab.workbook.span_corruption import make_model, make_tokenizer

GLOBAL = re.compile(
    r"torch\.manual_seed|fork_rng|[gs]et_rng_state|torch\.seed\(|random\.seed\(|np\.random\.\w+\("
    r"|(?<!\.)\brandom\.(random|randint|choice|choices|shuffle|sample|uniform|gauss)\("
    r"|cuda\.manual_seed|F\.dropout|nn\.Dropout"
)


def test_no_file_reads_or_writes_a_global_source():
    files = sorted(Path(prefixlab.__file__).parent.rglob("*.py"))
    assert len(files) > 50
    found = [
        f"{file.name}: {line.strip()}"
        for file in files
        for line in file.read_text().splitlines()
        if GLOBAL.search(line)
    ]
    assert not found


NETWORKS = {
    "mlp": lambda: MLP(5, 8, 6, 12),
    "lstm": lambda: LSTM(5, 8),
    "adapter": lambda: Adapter(8, 4),
}


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_a_drawn_network_is_the_one_that_torch_makes_after_the_same_seed(make):
    with torch.random.fork_rng():
        torch.manual_seed(7)
        expected = make()
    with torch.device("meta"):
        network = make()
    network.to_empty(device="cpu")
    before = torch.get_rng_state()
    draw(network, torch.Generator().manual_seed(7))
    for ours, theirs in zip(network.parameters(), expected.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert torch.equal(torch.get_rng_state(), before)


def test_outside_of_the_context_torch_draws_as_ever():
    source = torch.Generator().manual_seed(3)
    with drawn_from(source):
        nn.Linear(2, 2)
    before = source.get_state()
    with torch.random.fork_rng():
        nn.Linear(2, 2)
    assert torch.equal(source.get_state(), before)


def test_dropout_keeps_the_mean_and_drops_by_its_source():
    values = torch.ones(200, 100)
    assert dropout(values, 0.25, None) is values
    kept, again = (dropout(values, 0.25, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(kept, again)
    assert kept.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert kept.mean().item() == pytest.approx(1, abs=0.02)
    assert not torch.equal(kept, dropout(values, 0.25, torch.Generator().manual_seed(2)))


def test_dropout_follows_the_seed_of_the_recipe(gpt2, task):
    def kept(seed):
        method = create("p_tuning_v2", gpt2, task, prefix_length=4, dropout=0.5)
        return train(gpt2, method, task, seed=seed).conditioning().past.keys != 0

    assert torch.equal(kept(1), kept(1))
    assert not torch.equal(kept(1), kept(2))


STARTS = [
    ("adapters", {"bottleneck": 8}),
    ("p_tuning", {"encoder": "lstm"}),
    ("p_tuning", {"encoder": "mlp"}),
    ("prefix_tuning", {"reparameterization": "mlp", "init": "uniform", "mlp_hidden": 16}),
]


def test_threads_make_what_they_would_make_one_after_another(gpt2, task):
    asked = [(name, knobs, seed) for seed in range(6) for name, knobs in STARTS] * 2

    def make(one):
        name, knobs, seed = one
        return snapshot(create(name, gpt2, task, seed=seed, **knobs))

    expected = [make(one) for one in asked]
    before = torch.get_rng_state()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(make, asked))
    for ours, theirs in zip(found, expected, strict=True):
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_tiny_t5_is_drawn_by_its_seed_alone():
    tokenizer = make_tokenizer(["a film"] * 20)
    before = torch.get_rng_state()
    first, again, other = (make_model(tokenizer, seed).model.state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)
