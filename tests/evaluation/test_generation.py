"""Generation writes what transformers writes, and what reading everything anew would write."""

from dataclasses import replace

import pytest
import torch
from reference import close, plain
from transformers import TopPLogitsWarper

from prefixlab import (
    Conditioning,
    DiscretePrompt,
    Past,
    PrefixTuning,
    create,
    generate,
)
from prefixlab.data.batching import pad
from prefixlab.evaluation.generation import (
    Decoding,
    beam_search,
    generating,
    nucleus,
    one_by_one,
    sample,
)
from prefixlab.methods.gated_prefix import Gate
from prefixlab.methods.infix import Slots

TEXTS = ["a warm and funny film", "dull", "I would watch it again, and again", "what a cast!"]
METHODS = [
    ("discrete_prompt", {}),
    ("in_context", {"demonstrations": 2}),
    ("prompt_tuning", {"prompt_length": 5}),
    ("prefix_tuning", {"prefix_length": 5}),
    ("prefix_tuning", {"prefix_length": 5, "layers": "1-2"}),
    ("p_tuning", {"template": "{soft:2}{x}{soft:3} so it was {y}"}),
    ("infix", {"prefix_length": 4}),
    ("adapters", {"bottleneck": 4}),
    ("bias_only", {}),
    ("lora", {"rank": 2}),
    ("fine_tuning", {"top": 2}),
    ("fine_tuning", {}),
    ("gated_prefix", {"prefix_length": 4}),
    ("adaptive_prefix", {"prefix_length": 4}),
    ("convolution", {"width": 3}),
    ("combined", {}),
]
every_method = pytest.mark.parametrize(("name", "knobs"), METHODS)


@pytest.fixture
def free(task):
    """The same texts, to be answered in free text."""
    words = ["It was bad.", "It was good."]
    spoken = {
        split: getattr(task, split).map(lambda row: {"y": words[row["y"]]})
        for split in ("train", "validation", "test")
    }
    return replace(task, verbalizer=None, **spoken)


def disturbed(method):
    """The method as if trained: every parameter is a little off its start."""
    source = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=source)
    return method


def prompts(lm, texts=TEXTS):
    return pad([lm.encode(text) for text in texts], lm.padding)


def end_of(lm):
    return torch.tensor([lm.tokenizer.eos_token_id])


def write(lm, tokens, mask, given=None, ends=None, **knobs):
    """Token ids written after each row, without any method."""
    how = Decoding(**knobs)
    with torch.no_grad():
        logits, cache = lm.prefill(tokens, mask, given or Conditioning())
        ends = end_of(lm) if ends is None else ends
        if how.strategy == "beam":
            return beam_search(lm, cache, logits, ends, how)
        sources = [torch.Generator().manual_seed(how.seed + i) for i in range(len(tokens))]
        return one_by_one(lm, cache, logits, ends, how, sources)


def of_transformers(lm, tokens, mask, end=None, **options):
    """What `transformers` writes after each row, up to the end token."""
    end = lm.tokenizer.eos_token_id if end is None else end
    with plain(lm, "sdpa") as model:
        whole = model.generate(
            tokens, attention_mask=mask.long(), eos_token_id=end, pad_token_id=end, **options
        )
    answers = whole[:, tokens.shape[1] :].tolist()
    return [ids[: ids.index(end)] if end in ids else ids for ids in answers]


def some_end(lm, tokens, mask):
    """A token that the model would write in some rows, so that they end at different times."""
    written = write(lm, tokens, mask, max_new_tokens=12)
    return next(token for token in written[0][3:] if any(token not in ids[:2] for ids in written))


@every_method
def test_greedy_is_reading_everything_anew_for_every_token(tiny, free, name, knobs):
    method = disturbed(create(name, tiny, free, **knobs))
    ours = generate(tiny, method, free, TEXTS, max_new_tokens=10)
    given, ends = method.conditioning(), method.ends(tiny)
    examples = free.test.select(range(4)).map(lambda _, i: {"x": TEXTS[i]}, with_indices=True)
    for row, text in zip(method.rows(tiny, examples, free), ours, strict=True):
        tokens = row.prompt
        for _ in range(10):
            with torch.no_grad():
                token = tiny.logits(torch.tensor([tokens]), given)[0, -1].argmax().item()
            if token in ends:
                break
            tokens = [*tokens, token]
        written = tokens[len(row.prompt) :]
        assert text == tiny.tokenizer.decode(written, skip_special_tokens=True).strip()


def test_a_gated_past_of_each_row_is_read_on_as_anew(tiny):
    """Pasts of different lengths, a gate on them, and keys and values at soft slots."""
    first, other = (tiny.read_past(text) for text in ("a warm film", "what a cast and plot!"))
    gap = other.length - first.length
    keys, values = (
        torch.cat([torch.nn.functional.pad(one, (0, 0, gap, 0)), two], dim=1)
        for one, two in ((first.keys, other.keys), (first.values, other.values))
    )
    mask = torch.ones(2, other.length, dtype=torch.bool)
    mask[0, :gap] = False
    shape = tiny.geometry.layers, tiny.geometry.heads
    gate = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    given = Conditioning(
        past=Past(keys, values, mask=mask),
        virtual=torch.zeros(9, tiny.geometry.hidden),
        edits=[Gate(gates=dict(enumerate(gate))), Slots(given=tiny.read_past("so it").by_layer())],
    )
    tokens, seen = pad([[-1, *tiny.encode("dull")], [5, -2, *tiny.encode("great, dull")]], 0)
    going = torch.tensor([1, 0, 1])
    with torch.no_grad():
        _, cache = tiny.prefill(tokens, seen, given)
        cache.keep(going)
        for new in torch.tensor([[7, 8, 9], [10, 11, 12]]):
            ours = tiny.decode(cache, new)
        past = Past(keys[:, going], values[:, going], mask=mask[going])
        anew = replace(given, past=past)
        tokens = torch.cat([tokens[going], torch.tensor([[7, 10], [8, 11], [9, 12]])], 1)
        seen = torch.cat([seen[going], torch.ones(3, 2, dtype=torch.bool)], 1)
        close(ours, tiny.prefill(tokens, seen, anew)[0])


def test_greedy_is_that_of_transformers(lm):
    tokens, mask = prompts(lm)
    end = some_end(lm, tokens, mask)
    ours = write(lm, tokens, mask, ends=torch.tensor([end]), max_new_tokens=12)
    options = {"max_new_tokens": 12, "do_sample": False}
    assert ours == of_transformers(lm, tokens, mask, end, **options)
    assert len({len(ids) for ids in ours}) > 1


@pytest.mark.parametrize("penalty", [1.0, 0.0, 2.0, -1.0])
@pytest.mark.parametrize("beams", [1, 2, 5])
def test_beam_search_is_that_of_transformers(tiny, beams, penalty):
    tokens, mask = prompts(tiny)
    end = some_end(tiny, tokens, mask)
    knobs = {"max_new_tokens": 12, "length_penalty": penalty}
    ours = write(
        tiny, tokens, mask, ends=torch.tensor([end]), strategy="beam", beams=beams, **knobs
    )
    theirs = of_transformers(
        tiny, tokens, mask, end, num_beams=beams, do_sample=False, early_stopping=False, **knobs
    )
    assert ours == theirs


def test_beam_search_behind_read_text_is_that_on_the_whole_text(tiny):
    before = tiny.encode("I would watch ")
    past = tiny.read_past(before)
    rows = [tiny.tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS]
    knobs = {"strategy": "beam", "beams": 4, "max_new_tokens": 10}
    ours = write(tiny, *pad(rows, tiny.padding), given=Conditioning(past=past), **knobs)
    whole = pad([before + row for row in rows], tiny.padding)
    assert ours == write(tiny, *whole, **knobs)
    assert ours != write(tiny, *pad(rows, tiny.padding), **knobs)


@pytest.mark.parametrize("strategy", ["greedy", "beam", "sample"])
def test_a_batch_writes_as_its_rows_one_by_one_and_in_their_order(tiny, free, strategy):
    method = disturbed(PrefixTuning(tiny, free, prefix_length=5))
    options = {"strategy": strategy, "max_new_tokens": 8, "temperature": 2.0}
    together = generate(tiny, method, free, TEXTS, **options)
    assert together == generate(tiny, method, free, TEXTS, batch_size=1, **options)
    assert len(set(together)) > 1
    if strategy != "sample":  # what is drawn belongs to the place in the list
        backwards = generate(tiny, method, free, TEXTS[::-1], batch_size=3, **options)
        assert backwards == together[::-1]


def test_sampling_repeats_itself_with_its_seed(tiny, free):
    method = DiscretePrompt(tiny, free)
    options = {"strategy": "sample", "max_new_tokens": 8}
    first, again, other = (
        generate(tiny, method, free, ["dull"] * 4, seed=seed, **options) for seed in (1, 1, 2)
    )
    assert first == again != other
    assert len(set(first)) > 1


@pytest.mark.parametrize("knobs", [{"top_p": 0.001}, {"temperature": 0.01}])
def test_sampling_from_next_to_nothing_is_greedy(tiny, free, knobs):
    method = DiscretePrompt(tiny, free)
    greedy = generate(tiny, method, free, TEXTS, max_new_tokens=8)
    drawn = generate(tiny, method, free, TEXTS, strategy="sample", max_new_tokens=8, **knobs)
    assert drawn == greedy


def test_what_is_drawn_has_the_probability_it_should_have():
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0]).expand(4000, -1)
    sources = [torch.Generator().manual_seed(i) for i in range(4000)]
    how = Decoding(strategy="sample", temperature=0.5, top_p=0.97)
    drawn = torch.bincount(sample(logits, how, sources), minlength=4) / 4000
    expected = torch.tensor([4.0, 2.0]).exp()  # 0.866 and 0.117; the third would be beyond 0.97
    assert drawn[:2].tolist() == pytest.approx((expected / expected.sum()).tolist(), abs=0.03)
    assert drawn[2:].sum() == 0


@pytest.mark.parametrize("top_p", [0.3, 0.7, 0.95, 1.0])
def test_the_nucleus_is_that_of_transformers(top_p):
    logits = torch.randn(5, 50, generator=torch.Generator().manual_seed(0)) * 2
    theirs = TopPLogitsWarper(top_p)(None, logits) > float("-inf")
    ours = nucleus(logits.softmax(-1), top_p)
    assert torch.equal(ours > 0, theirs)
    assert torch.equal(ours[theirs], logits.softmax(-1)[theirs])


@pytest.mark.parametrize("strategy", ["greedy", "beam", "sample"])
def test_a_text_ends_at_the_end_of_text(tiny, strategy):
    tokens, mask = prompts(tiny)
    end = some_end(tiny, tokens, mask)
    knobs = {"max_new_tokens": 12, "top_p": 0.001, "length_penalty": -1.0, "strategy": strategy}
    ours = write(tiny, tokens, mask, ends=torch.tensor([end]), **knobs)
    assert not any(end in ids for ids in ours)
    assert min(len(ids) for ids in ours) < 12
    if strategy != "beam":
        endless = write(tiny, tokens, mask, ends=torch.tensor([-1]), **knobs)
        assert ours == [ids[: ids.index(end)] if end in ids else ids for ids in endless]


def test_demonstrations_show_where_a_text_ends(tiny, free):
    method = create("in_context", tiny, free, demonstrations=2)
    after_first = method.tokens[len(tiny.encode(method.texts[0]))]
    assert method.ends(tiny) == [tiny.tokenizer.eos_token_id, after_first]
    alone = create("in_context", tiny, free, demonstrations=0)
    assert alone.ends(tiny) == [tiny.tokenizer.eos_token_id]


def test_texts_come_batch_by_batch(tiny, free):
    method = DiscretePrompt(tiny, free)
    steps = generating(tiny, method, free, TEXTS, max_new_tokens=4, batch_size=3)
    assert [sum(text == "" for text in written) for written in steps] == [1, 0]
    assert generate(tiny, method, free, []) == []


def test_a_choice_can_be_answered_freely(tiny, task):
    free = replace(task, verbalizer=None)
    ours, theirs = (
        generate(tiny, DiscretePrompt(tiny, asked), asked, TEXTS, max_new_tokens=4)
        for asked in (task, free)
    )
    assert ours == theirs


def test_all_the_room_there_is_can_be_used(gpt2, free):
    method = PrefixTuning(gpt2, free, prefix_length=100)
    row = method.rows(gpt2, free.test.select([1]), free)[0]
    room = 128 - 100 - len(row.prompt) + 1
    text = generate(gpt2, method, free, ["dull"], max_new_tokens=room)
    assert text != [""]
    with pytest.raises(ValueError, match=f"choose at most {room}"):
        generate(gpt2, method, free, ["dull"], max_new_tokens=room + 1)
