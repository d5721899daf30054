"""The backbone: frozen, and the same model as transformers' own."""

from threading import Thread

import pytest
import torch
from reference import close, moved, plain

import prefixlab
from prefixlab import Conditioning, create
from prefixlab.methods import METHODS
from prefixlab.models import loading


def test_no_parameter_of_the_model_learns(tiny, task):
    method = create("prefix_tuning", tiny, task, prefix_length=2)
    tokens = torch.tensor([tiny.encode("dull")])
    tiny.logits(tokens, method.conditioning()).sum().backward()
    assert method.prefix.values.grad.abs().sum() > 0
    assert all(p.grad is None and not p.requires_grad for p in tiny.model.parameters())


def test_the_model_called_by_itself_is_that_of_transformers(tiny):
    """Lessons also call `lm.model` and its `generate` as anyone would."""
    tokens = torch.tensor([tiny.encode("a warm and funny film")])
    mask = torch.ones_like(tokens)
    mask[:, :2] = 0
    asked = {"input_ids": tokens, "attention_mask": mask}
    longer = asked | {"max_new_tokens": 8, "do_sample": False}
    with torch.no_grad():
        logits, text = tiny.model(**asked).logits, tiny.model.generate(**longer)
        with plain(tiny, "sdpa") as model:
            close(logits[:, 2:], model(**asked).logits[:, 2:])  # behind the padding
            assert torch.equal(text, model.generate(**longer))


def test_a_past_serves_many_passes(tiny):
    """transformers' cache grows as it is read; ours is made anew for every pass."""
    given = Conditioning(past=tiny.read_past("so it was"))
    tokens = torch.tensor([tiny.encode("dull")] * 2)
    with torch.no_grad():
        assert torch.equal(tiny.logits(tokens, given), tiny.logits(tokens, given))
    assert given.past.length == len(tiny.encode("so it was"))


def test_the_most_probable_next_tokens_come_first(tiny):
    found = tiny.next_tokens("a warm and", k=tiny.geometry.vocabulary)
    probabilities = [probability for _, probability in found]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1, abs=1e-4)


def test_more_positions_than_the_model_has_is_an_error(tiny):
    tokens = torch.zeros(1, 127, dtype=torch.long)
    tiny.hidden_states(tokens, given=Conditioning(past=tiny.read_past([1])))
    with pytest.raises(ValueError, match=r"2 positions of prefix and 127 of text .* 128 positions"):
        tiny.hidden_states(tokens, given=Conditioning(past=tiny.read_past([1, 2])))


def test_gradient_checkpointing_is_refused(tiny):
    tiny.model.activation_checkpointing_enable()
    try:
        with pytest.raises(ValueError, match="Gradient checkpointing drops the keys and values"):
            tiny.next_tokens("dull")
    finally:
        tiny.model.activation_checkpointing_disable()
        tiny.model.disable_input_require_grads()  # a hook that enabling left behind


def test_looking_at_the_attention_changes_nothing(tiny):
    tokens = torch.tensor([tiny.encode("dull")])
    before = tiny.hidden_states(tokens)
    assert len(tiny.attention_weights(tokens)) == tiny.geometry.layers
    assert torch.equal(tiny.hidden_states(tokens), before)


def test_a_local_folder_is_a_backbone(tiny, tmp_path, capsys):
    tiny.model.save_pretrained(tmp_path / "mine")
    tiny.tokenizer.save_pretrained(tmp_path / "mine")
    loaded = prefixlab.load(str(tmp_path / "mine"), dtype="float32", device="cpu")
    assert loaded.name == "mine"
    tokens, probabilities = zip(*loaded.next_tokens("a warm"), strict=True)
    same_tokens, same = zip(*tiny.next_tokens("a warm"), strict=True)
    assert tokens == same_tokens
    assert probabilities == pytest.approx(same)
    assert capsys.readouterr().out.startswith("Backbone mine: 3 layers of 32")


@pytest.mark.parametrize(
    ("asked", "cached", "reachable", "chosen"),
    [
        ("elsewhere", True, True, ("elsewhere", "set by PREFIXLAB_BACKBONE")),
        ("", True, False, ("gpt2", "found in the Hub's cache")),
        ("", False, True, ("gpt2", "the Hub answers")),
        ("", False, False, ("smollm2", "no model hub in reach")),
    ],
)
def test_the_backbone_is_chosen_by_what_is_in_reach(monkeypatch, asked, cached, reachable, chosen):
    monkeypatch.setenv("PREFIXLAB_BACKBONE", asked)
    monkeypatch.setattr(loading, "try_to_load_from_cache", lambda *_: "file" if cached else None)
    monkeypatch.setattr(loading, "hub_answers", lambda: reachable)
    assert loading.choose() == chosen


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", METHODS)
def test_every_method_works_where_the_backbone_lies(tiny, task, name, tmp_path):
    tiny.model.save_pretrained(tmp_path)
    tiny.tokenizer.save_pretrained(tmp_path)
    there = prefixlab.load(str(tmp_path), dtype="float32", device="cuda")
    method, same = create(name, there, task), moved(create(name, tiny, task))  # no head of zeros
    method.load_state_dict(same.state_dict())
    ours, theirs = (
        prefixlab.evaluation.choices.scores(lm, each, task, task.test)
        for lm, each in ((there, method), (tiny, same))
    )
    close(ours, theirs, tolerance=1e-3)


def test_two_threads_that_run_the_model_do_not_see_what_the_other_gives_it(tiny, task):
    """As in JupyterLab, where a cell may run the model while a panel trains."""
    methods = [create("bias_only", tiny, task), create("infix", tiny, task, prefix_length=3)]
    with torch.no_grad():
        methods[0].bias.values += 0.1
    alone = [
        prefixlab.evaluation.choices.scores(tiny, method, task, task.test) for method in methods
    ]
    found: list[list[torch.Tensor]] = [[], []]

    def run(number: int) -> None:
        for _ in range(5):
            scored = prefixlab.evaluation.choices.scores(tiny, methods[number], task, task.test)
            found[number].append(scored)

    threads = [Thread(target=run, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for expected, several in zip(alone, found, strict=True):
        assert len(several) == 5
        assert all(torch.equal(scored, expected) for scored in several)
