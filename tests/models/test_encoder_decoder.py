"""Encoder-decoders: three prefixes and a prompt against transformers, PEFT and by hand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PromptTuningConfig
from reference import close, peft, plain
from torch import Tensor
from transformers import DynamicCache, EncoderDecoderCache, T5Config

import prefixlab as pl
from prefixlab import (
    Conditioning,
    EncoderDecoder,
    Past,
    PrefixTuning,
    PromptTuning,
    Task,
    Verbalizer,
    create,
)
from prefixlab.data.batching import Batch
from prefixlab.evaluation.choices import scores
from prefixlab.evaluation.generation import Decoding, beam_search

PREFIX = {"prefix_length": 4, "init": "matched"}
METHODS = [
    ("discrete_prompt", {}),
    ("prompt_tuning", {"prompt_length": 3}),
    ("prefix_tuning", PREFIX),
    ("prefix_tuning", PREFIX | {"layers": "encoder"}),
    ("p_tuning", {"template": "{soft:2}{x}{soft:3} so it was {y}"}),
]
every_method = pytest.mark.parametrize(("name", "knobs"), METHODS)
ANSWERS = [("negative", "positive"), ("awful, really", "great")]
PARTS = ("encoder", "decoder", "cross")


@pytest.fixture
def free(task: Task) -> Task:
    """A task whose answer is free text: one decoder sequence an example."""
    return replace(
        task, verbalizer=None, test=task.test.map(lambda row: {"y": f"it is {row['x']}"})
    )


def batch_of(lm: EncoderDecoder, method: pl.Method, task: Task) -> Batch:
    """All test examples in one padded batch."""
    batch = lm.collate(method.rows(lm, task.test, task))
    assert not batch.mask.all()
    return batch


def disturbed(method: pl.Method) -> pl.Method:
    """The method as if trained: every parameter is a little off its start."""
    source = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter += 0.5 * torch.randn(parameter.shape, generator=source)
    return method


def ours(lm: EncoderDecoder, method: pl.Method, batch: Batch) -> Tensor:
    """Logits at all positions of the decoder, [rows, positions, vocabulary]."""
    head: Any = lm.model.get_output_embeddings()
    return head(lm.states(batch, method.conditioning()))


def asked(batch: Batch) -> dict[str, Tensor]:
    return {
        "input_ids": batch.tokens,
        "attention_mask": batch.mask.long(),
        "decoder_input_ids": batch.decoder_tokens,
    }


def attentions(lm: EncoderDecoder) -> list[tuple[str, Any]]:
    """The attention modules, found by name, in the order of a `Past`."""
    by_part: dict[str, list[Any]] = {part: [] for part in PARTS}
    for name, module in lm.model.named_modules():
        if name.endswith(("SelfAttention", "self_attn")):
            by_part["decoder" if "decoder." in name else "encoder"].append(module)
        elif name.endswith(("EncDecAttention", "encoder_attn")):
            by_part["cross"].append(module)
    return [(part, module) for part in PARTS for module in by_part[part]]


def projections(module: Any) -> tuple[Any, Any, Any, Any]:
    if hasattr(module, "q_proj"):
        return module.q_proj, module.k_proj, module.v_proj, module.out_proj
    return module.q, module.k, module.v, module.o


@contextmanager
def by_hand(lm: EncoderDecoder, past: Past) -> Iterator[Any]:
    """transformers' model, where every attention is computed again, with the past written in."""
    given = dict(zip(past.layers, zip(past.keys, past.values, strict=True), strict=True))
    found = attentions(lm)
    first = {part: next(module for p, module in found if p == part) for part in PARTS}

    def again(part: str, keys: Tensor, values: Tensor) -> Callable[..., Any]:
        def hook(module: Any, args: Any, options: Any, output: Any) -> Any:
            x = args[0] if args else options["hidden_states"]  # [batch, T, hidden]
            source = x if options.get("key_value_states") is None else options["key_value_states"]
            mask = options["mask"] if "mask" in options else options["attention_mask"]
            rows, length = x.shape[:2]
            size, prefix = lm.geometry.head_dim, keys.shape[-2]
            q, k, v, out = projections(module)

            def heads(part: Tensor) -> Tensor:
                return part.view(rows, -1, lm.geometry.heads, size).transpose(1, 2)

            weights = heads(q(x)) @ torch.cat(
                [keys.expand(rows, -1, -1, -1), heads(k(source))], 2
            ).transpose(2, 3)  # [batch, heads, T, prefix + T]
            if lm.model.config.model_type == "t5":
                bias = output[1]
                if part != "cross":
                    away = torch.arange(-prefix, 0)[None] - torch.arange(length)[:, None]
                    bucket = module._relative_position_bucket(
                        away, part == "encoder", module.relative_attention_num_buckets
                    )
                    near = first[part].relative_attention_bias(bucket).permute(2, 0, 1)[None]
                else:
                    near = torch.zeros(1, lm.geometry.heads, length, prefix)
                weights = weights + torch.cat([near, bias], -1)
            else:
                weights = weights / size**0.5
            if mask is not None:
                weights[..., prefix:] += mask
            mixed = weights.softmax(-1) @ torch.cat(
                [values.expand(rows, -1, -1, -1), heads(v(source))], 2
            )
            return out(mixed.transpose(1, 2).reshape(rows, length, -1)), *output[1:]

        return hook

    with plain(lm) as model:
        hooks = [
            module.register_forward_hook(again(part, *given[at]), with_kwargs=True)
            for at, (part, module) in enumerate(found)
            if at in given
        ]
        try:
            yield model
        finally:
            for hook in hooks:
                hook.remove()


@pytest.mark.parametrize("layers", [*PARTS, "encoder,cross", "all"])
def test_a_prefix_is_attention_with_its_keys_and_values_written_in(seq2seq, free, layers):
    method = PrefixTuning(seq2seq, free, **PREFIX, layers=layers)
    batch = batch_of(seq2seq, method, free)
    past = method.conditioning().past
    assert len(past.keys) == len(past.layers)
    with torch.no_grad(), by_hand(seq2seq, past) as model:
        expected = model(**asked(batch)).logits
        without = plain_logits(seq2seq, batch)
    close(ours(seq2seq, method, batch), expected)
    assert (expected - without).norm() / without.norm() > 0.01


def plain_logits(lm: EncoderDecoder, batch: Batch) -> Tensor:
    with plain(lm, "sdpa") as model, torch.no_grad():
        return model(**asked(batch)).logits


def test_a_decoder_prefix_is_transformers_cache(seq2seq, free):
    """For T5 exactly; transformers numbers BART's text behind a cache, so its table moves too."""
    method = PrefixTuning(seq2seq, free, **PREFIX, layers="decoder")
    batch, past = batch_of(seq2seq, method, free), method.conditioning().past
    rows, prefix = len(batch.decoder_tokens), past.length
    cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
    for layer, (keys, values) in enumerate(zip(past.keys, past.values, strict=True)):
        both = (part.expand(rows, -1, -1, -1).clone() for part in (keys, values))
        cache.self_attention_cache.update(*both, layer)
    assert not any(cache.is_updated.values())
    with plain(seq2seq, "sdpa"), torch.no_grad():
        model = deepcopy(seq2seq.model)
        if model.config.model_type == "bart":
            table = model.get_decoder().embed_positions.weight
            first = model.get_decoder().embed_positions.offset
            table[first + prefix :] = table[first:-prefix].clone()
        expected = model(**asked(batch), cache=cache, use_cache=True).logits
    close(ours(seq2seq, method, batch), expected)


def test_words_leave_in_every_layer_what_its_projections_make_of_them(seq2seq):
    words = seq2seq.tokenizer("a warm and funny film", add_special_tokens=False)["input_ids"]
    past = seq2seq.read_past(words)
    seen: list[Tensor] = []
    with plain(seq2seq) as model, torch.no_grad():
        hooks = []
        for _, module in attentions(seq2seq):
            for projection in projections(module)[1:3]:
                slot = len(seen)
                seen.append(torch.empty(0))
                hooks.append(
                    projection.register_forward_hook(
                        lambda _module, _input, output, slot=slot: seen.__setitem__(slot, output)
                    )
                )
        tokens = torch.tensor([words])
        model(input_ids=tokens, decoder_input_ids=tokens)
        for hook in hooks:
            hook.remove()
    assert len(seen) == 2 * seq2seq.geometry.layers
    size = seq2seq.geometry
    for ours, theirs in zip((past.keys, past.values), (seen[::2], seen[1::2]), strict=True):
        stacked = torch.stack(theirs).view(size.layers, 1, len(words), size.heads, size.head_dim)
        close(ours, stacked.transpose(2, 3))


def test_a_prompt_is_embeddings_before_those_of_the_text(seq2seq, free):
    method = PromptTuning(seq2seq, free, prompt_length=3, init="uniform")
    row = method.rows(seq2seq, free.test, free)[0]
    batch = seq2seq.collate([row])
    started = len(seq2seq.before)  # BART's start token stands before everything
    words = seq2seq.model.get_input_embeddings()(batch.tokens[:, started + 3 :])
    before = seq2seq.model.get_input_embeddings()(batch.tokens[:, :started])
    embedded = torch.cat([before, method.prompt.values[None], words], 1)
    with plain(seq2seq, "sdpa") as model, torch.no_grad():
        expected = model(inputs_embeds=embedded, decoder_input_ids=batch.decoder_tokens).logits
    close(ours(seq2seq, method, batch), expected)


def test_prompt_tuning_is_that_of_peft(t5, free):
    """PEFT puts pads behind a prompt in its place only for T5, which has no start token."""
    method = PromptTuning(t5, free, prompt_length=3, init="uniform")
    batch = batch_of(t5, method, free)
    config = PromptTuningConfig(
        task_type="SEQ_2_SEQ_LM", num_virtual_tokens=3, num_transformer_submodules=1
    )
    with peft(t5, config, method.prompt.values) as model:
        text = asked(batch)
        text |= {key: text[key][:, 3:] for key in ("input_ids", "attention_mask")}
        theirs = model(**text).logits
    mine = ours(t5, method, batch)
    close(mine, theirs)

    mine.square().sum().backward()
    theirs.square().sum().backward()
    close(method.prompt.values.grad, model.prompt_encoder["default"].embedding.weight.grad)


@torch.no_grad()
def test_what_edits_change_in_a_layer_is_changed_in_that_layer(seq2seq, free):
    """A prefix that counts in one part alone is a prefix of that part alone."""
    whole = create("adaptive_prefix", seq2seq, free, **PREFIX)
    batch = batch_of(seq2seq, whole, free)
    close(
        ours(seq2seq, whole, batch),
        ours(seq2seq, PrefixTuning(seq2seq, free, **PREFIX), batch),
    )
    for part, layers in seq2seq.geometry.parts.items():
        whole.of_layer.values.fill_(-1.0)
        whole.of_layer.values[list(layers)] = 0.0
        there = PrefixTuning(seq2seq, free, **PREFIX, layers=part)
        chosen = whole.unflatten(whole.prefix())
        there.prefix.values.copy_(there.flatten(chosen))
        close(ours(seq2seq, whole, batch), ours(seq2seq, there, batch))


@torch.no_grad()
def test_a_past_of_each_row_goes_with_its_row(seq2seq):
    """Pasts of different lengths, in rows that change their order while the decoder writes."""
    past = seq2seq.read_past("what a cast and plot").of_rows(torch.tensor([0, 0])).float()
    keys, values = (part.repeat(1, 2, 1, 1, 1) for part in (past.keys, past.values))
    values[:, 1] *= 0.5
    mask = torch.ones(2, past.length, dtype=torch.bool)
    mask[0, :2] = False
    given = Conditioning(past=Past(keys, values, mask=mask))
    tokens, seen = seq2seq.pad([seq2seq.encode("a warm film"), seq2seq.encode("dull")])
    going, new = torch.tensor([1, 0, 1]), torch.tensor([7, 8, 9])
    _, cache = seq2seq.prefill(tokens, seen, given)
    cache.keep(going)
    ours = seq2seq.decode(cache, new)
    for row, number in enumerate(going.tolist()):
        first = mask[number].int().argmax()
        own = Past(keys[:, [number], :, first:], values[:, [number], :, first:])
        _, alone = seq2seq.prefill(*(tokens[[number]], seen[[number]]), Conditioning(past=own))
        if seq2seq.model.config.model_type == "bart":  # T5 knows how far the prefix is away
            close(ours[row], seq2seq.decode(alone, new[[row]])[0])
    anew = Conditioning(past=Past(keys[:, going], values[:, going], mask=mask[going]))
    _, cache = seq2seq.prefill(tokens[going], seen[going], anew)
    close(ours, seq2seq.decode(cache, new))


@torch.no_grad()
def test_a_gated_prefix_starts_as_no_prefix_at_all(seq2seq, free):
    method = create("gated_prefix", seq2seq, free, **PREFIX)
    batch = batch_of(seq2seq, method, free)
    without = plain_logits(seq2seq, batch)
    close(ours(seq2seq, method, batch), without)
    for layers in seq2seq.geometry.parts.values():
        method.gate.values.zero_()
        method.gate.values[list(layers)] = 0.1
        changed = ours(seq2seq, method, batch) - without
        assert changed.norm() / without.norm() > 0.01


@torch.no_grad()
def test_the_encoder_s_input_is_convolved_and_the_decoder_s_is_not(seq2seq, free):
    method = create("convolution", seq2seq, free, width=3)
    batch = batch_of(seq2seq, method, free)
    close(ours(seq2seq, method, batch), plain_logits(seq2seq, batch))
    disturbed(method)
    kernel, embed = method.kernel(), seq2seq.model.get_input_embeddings()
    words = embed(batch.tokens) * batch.mask[..., None]  # [batch, positions, hidden]
    blended = sum(
        kernel[back] * words.roll(back, dims=1).index_fill(1, torch.arange(back), 0)
        for back in range(3)
    )
    with plain(seq2seq, "sdpa") as model:
        expected = model(
            inputs_embeds=blended,
            attention_mask=batch.mask.long(),
            decoder_input_ids=batch.decoder_tokens,
        ).logits
    close(ours(seq2seq, method, batch), expected)


def biased(model: Any, method: pl.Method) -> None:
    parts = method.bias.values.split(list(method.widths.values()))
    for name, part in zip(method.widths, parts, strict=True):
        model.get_submodule(name).register_forward_hook(lambda *call, own=part: call[-1] + own)


def adapted(model: Any, method: pl.Method) -> None:
    for name, adapter in zip(method.sublayers, method.adapters, strict=True):
        model.get_submodule(name).register_forward_hook(lambda *call, own=adapter: own(call[-1]))


def tuned(model: Any, method: pl.Method) -> None:
    for name, weight in zip(method.names, method.weights, strict=True):
        model.get_parameter(name).copy_(weight)


@pytest.mark.parametrize(
    ("name", "change"), [("bias_only", biased), ("adapters", adapted), ("fine_tuning", tuned)]
)
def test_what_changes_the_model_is_a_model_that_was_changed(seq2seq, free, name, change):
    method = create(name, seq2seq, free)
    batch = batch_of(seq2seq, method, free)
    close(ours(seq2seq, method, batch), plain_logits(seq2seq, batch))
    source = torch.Generator().manual_seed(1)
    with torch.no_grad(), plain(seq2seq, "sdpa"):
        for parameter in method.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=source)
        model = deepcopy(seq2seq.model)
        change(model, method)
        expected = model(**asked(batch)).logits
        difference = expected - seq2seq.model(**asked(batch)).logits
    assert difference.norm() / expected.norm() > 0.01
    given = method.conditioning()
    # W is among what is fine-tuned.
    close(seq2seq._logits(seq2seq.states(batch, given), given), expected)


def test_whole_layers_on_top_are_those_of_one_stack(t5, task):
    with pytest.raises(ValueError, match="top=1 counts the last layers of one stack, and tiny-t5"):
        create("fine_tuning", t5, task, top=1)


@pytest.mark.parametrize("layers", ["all", *PARTS])
def test_gradients_reach_every_set_of_a_prefix_and_nothing_else(seq2seq, task, layers):
    method = PrefixTuning(seq2seq, task, **PREFIX, layers=layers)
    batch = batch_of(seq2seq, method, task)
    seq2seq.answer_scores(batch, method.conditioning())[:, 0].sum().backward()
    found = method.unflatten(method.prefix.values.grad)
    for part in (found.keys, found.values):
        assert (part.flatten(1).norm(dim=1) > 0).all()  # [layers]
    assert len(found.keys) == len(seq2seq.geometry.parts.get(layers, found.layers))
    assert all(weight.grad is None for weight in seq2seq.model.parameters())


@every_method
@pytest.mark.parametrize("answers", ANSWERS)
def test_a_batch_scores_as_its_examples_one_by_one(seq2seq, task, name, knobs, answers):
    choice = replace(task, verbalizer=Verbalizer(answers))
    method = create(name, seq2seq, choice, **knobs)
    alone = scores(seq2seq, method, choice, choice.test, batch_size=1)
    close(scores(seq2seq, method, choice, choice.test, batch_size=5), alone)


@torch.no_grad()
def log_probability(lm: EncoderDecoder, text: list[int], start: list[int], answer: list[int]):
    """log p(answer | text), from the plain model and one unpadded pair."""
    with plain(lm, "sdpa") as model:
        logits = model(
            input_ids=torch.tensor([text]), decoder_input_ids=torch.tensor([start + answer])
        ).logits[0]
    predicted = logits[len(start) - 1 : -1].log_softmax(-1)
    return sum(row[token].item() for row, token in zip(predicted, answer, strict=True))


def as_written(lm: EncoderDecoder, text: str) -> list[int]:
    return lm.tokenizer(text)["input_ids"]  # with the special tokens that the tokenizer adds


def test_answers_score_as_their_log_probabilities(seq2seq, task):
    choice = replace(task, verbalizer=Verbalizer(ANSWERS[1]))
    found = scores(seq2seq, create("discrete_prompt", seq2seq, choice), choice, choice.test)
    end = seq2seq.tokenizer.eos_token_id
    marks = as_written(seq2seq, "")[:-1]  # nothing, or BART's start token
    naive = [
        [
            log_probability(
                seq2seq,
                as_written(seq2seq, f"Review: {x}\nSentiment:"),
                [end, *marks],
                seq2seq.tokenizer(f" {word}", add_special_tokens=False)["input_ids"],
            )
            for word in ANSWERS[1]
        ]
        for x in choice.test["x"]
    ]
    close(found, torch.tensor(naive))


def test_one_token_answers_score_as_the_logits_at_their_rows(seq2seq, task):
    method = create("discrete_prompt", seq2seq, task)
    batch = batch_of(seq2seq, method, task)
    assert batch.candidates is not None
    last = plain_logits(seq2seq, batch)[:, -1]
    close(seq2seq.answer_scores(batch), last[:, batch.candidates])


def test_free_text_scores_as_its_log_probability_with_the_end(seq2seq, free):
    method = create("discrete_prompt", seq2seq, free)
    rows = method.rows(seq2seq, free.test, free)
    assert all(row.answers[0][-1] == seq2seq.tokenizer.eos_token_id for row in rows)
    naive = [[log_probability(seq2seq, row.prompt, seq2seq.start, row.answers[0])] for row in rows]
    close(scores(seq2seq, method, free, free.test), torch.tensor(naive))


def test_a_target_may_start_with_given_text(t5, task):
    told = EncoderDecoder("told", t5.model, t5.tokenizer, target_start="so it was")
    method = create("discrete_prompt", told, task)
    row = method.rows(told, task.test, task)[0]
    given = t5.tokenizer("so it was", add_special_tokens=False)["input_ids"]
    naive = [
        log_probability(t5, row.prompt, [t5.tokenizer.eos_token_id, *given], answer)
        for answer in row.answers
    ]
    found = scores(told, method, task, task.test)[0].log_softmax(0)
    close(found, torch.tensor(naive).log_softmax(0))


@every_method
def test_every_method_trains_and_comes_back_from_its_checkpoint(
    seq2seq, task, name, knobs, tmp_path
):
    method = create(name, seq2seq, task, **knobs)
    if name != "discrete_prompt":
        run = pl.train(seq2seq, method, task, steps=30, batch_size=8, learning_rate=0.02)
        losses = [step.loss for step in run]
        assert sum(losses[-5:]) < sum(losses[:5])
    path = pl.save(method, tmp_path / "mine")
    again = pl.load_method(path, seq2seq)
    found = scores(seq2seq, again, task, task.test)
    assert torch.equal(found, scores(seq2seq, method, task, task.test))


def test_dropping_the_mlp_changes_no_score(seq2seq, task):
    knobs = PREFIX | {"reparameterization": "mlp", "mlp_hidden": 16}
    method = PrefixTuning(seq2seq, task, **knobs)
    cost = PrefixTuning.cost(seq2seq.geometry, **knobs)
    before = scores(seq2seq, method, task, task.test)
    assert method.parameters_now() == cost.trained
    method.drop_reparameterization()
    assert method.parameters_now() == cost.stored
    close(scores(seq2seq, method, task, task.test), before)


def test_geometry_counts_the_layers_of_all_three_attentions(t5, bart):
    assert {part: list(at) for part, at in t5.geometry.parts.items()} == {
        "encoder": [0, 1, 2],
        "decoder": [3, 4],
        "cross": [5, 6],
    }
    assert bart.geometry.layers == 2 + 3 + 3
    for lm in (t5, bart):
        assert lm.geometry.parameters == sum(p.numel() for p in lm.model.parameters())


def test_a_folder_opens_by_its_path(seq2seq, task, tmp_path):
    folder = tmp_path / seq2seq.name
    with plain(seq2seq, "sdpa") as model:
        model.save_pretrained(folder)
    seq2seq.tokenizer.save_pretrained(folder)
    opened = pl.load(str(folder), dtype="float32")
    assert opened.geometry == seq2seq.geometry
    method = create("discrete_prompt", seq2seq, task)
    close(scores(opened, method, task, task.test), scores(seq2seq, method, task, task.test))


def no_start(folder: Path) -> str:
    T5Config(d_model=8, num_layers=1, num_heads=1).save_pretrained(folder)
    return str(folder)


MISTAKES: dict[str, tuple[Callable[..., Any], list[str]]] = {
    "no start": (
        lambda at: pl.load(no_start(at.folder)),
        ["decoder_start_token_id", "padding token"],
    ),
    "layers": (
        lambda at: PrefixTuning(at.t5, at.task, layers="middle"),
        ["layers='middle'", "all, cross, decoder, encoder", "0 to 6"],
    ),
    "long text": (
        lambda at: pl.train(
            at.bart, PromptTuning(at.bart, at.task, prompt_length=60), at.task, steps=1
        ),
        ["64 positions of tiny-bart", "shorten"],
    ),
    "long words": (lambda at: at.bart.read_past([5] * 65), ["65 positions", "64 positions"]),
    "in context": (
        lambda at: create("in_context", at.t5, at.task),
        ["tiny-t5 is an encoder-decoder", "discrete_prompt"],
    ),
    "weights": (
        lambda at: pl.evaluate(at.t5, create("infix", at.t5, at.task), at.task),
        ["tiny-t5 is an encoder-decoder", "prefix_tuning"],
    ),
    "one sequence": (lambda at: at.t5.logits(torch.tensor([[5]])), ["tiny-t5", "answer_scores"]),
    "more than BART can write": (
        lambda at: pl.generate(
            at.bart,
            create("discrete_prompt", at.bart, at.task),
            at.task,
            ["dull"],
            max_new_tokens=at.bart.geometry.positions,
        ),
        ["max_new_tokens=", "tiny-bart", "choose at most"],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_with_the_way_out(mistake, t5, bart, task, tmp_path):
    class At:
        pass

    at: Any = At()
    at.t5, at.bart, at.task, at.folder = t5, bart, task, tmp_path
    call, told = MISTAKES[mistake]
    with pytest.raises(ValueError, match=r"\.$") as caught:
        call(at)
    message = str(caught.value)
    assert "\n" not in message
    assert [part for part in told if part not in message] == []


@every_method
def test_greedy_is_reading_everything_anew_for_every_token(seq2seq, free, name, knobs):
    method = disturbed(create(name, seq2seq, free, seed=1, **knobs))
    given, texts = method.conditioning(), free.test["x"]
    written = pl.generate(seq2seq, method, free, texts, max_new_tokens=6)
    rows = method.rows(seq2seq, free.test, free)
    ends = [seq2seq.tokenizer.eos_token_id]
    with torch.no_grad():
        for row, text in zip(rows, written, strict=True):
            answer: list[int] = []
            while len(answer) < 6 and answer[-1:] != ends:
                batch = seq2seq.collate([replace(row, answers=[[*answer, 0]])])
                hidden = seq2seq.states(batch, given)[0, -1]
                answer.append(int(seq2seq.model.get_output_embeddings()(hidden).argmax()))
            assert seq2seq.tokenizer.decode(answer, skip_special_tokens=True).strip() == text
    assert len(set(written)) > 1


@pytest.mark.parametrize("beams", [1, 4])
def test_what_is_written_is_that_of_transformers(seq2seq, beams):
    rows = [seq2seq.encode(text) for text in ("a warm and funny film", "dull", "what a cast!")]
    tokens, mask = seq2seq.pad(rows)
    how = Decoding(strategy="beam", beams=beams, max_new_tokens=8)
    ends = torch.tensor([seq2seq.tokenizer.eos_token_id])
    with torch.no_grad():
        logits, cache = seq2seq.prefill(tokens, mask)
        ours = beam_search(seq2seq, cache, logits, ends, how)
    with plain(seq2seq, "sdpa") as model:
        whole = model.generate(
            input_ids=tokens,
            attention_mask=mask.long(),
            decoder_input_ids=torch.tensor(seq2seq.start).expand(len(rows), -1),
            num_beams=beams,
            do_sample=False,
            max_new_tokens=8,
            early_stopping=False,
            forced_eos_token_id=None,
        )
    special = {*ends.tolist(), seq2seq.padding}
    after = whole[:, len(seq2seq.start) :].tolist()
    assert ours == [[token for token in ids if token not in special] for ids in after]


def test_what_comes_first_comes_after_the_start_of_the_target(t5):
    started = EncoderDecoder("started", t5.model, t5.tokenizer, target_start="so it was")
    (token, probability), *_ = started.next_tokens("dull", k=3)
    with torch.no_grad():
        logits, _ = started.prefill(*started.pad([started.encode("dull")]))
    assert probability == pytest.approx(logits[0].softmax(-1).max().item())
    assert token == started.tokenizer.decode([int(logits.argmax())])
    assert started.next_tokens("dull", k=3) != t5.next_tokens("dull", k=3)


def test_a_past_is_forgotten_after_the_pass(seq2seq, task):
    batch = batch_of(seq2seq, create("discrete_prompt", seq2seq, task), task)
    before = seq2seq.model(**asked(batch)).logits
    seq2seq.states(batch, PrefixTuning(seq2seq, task, **PREFIX).conditioning())
    assert torch.equal(seq2seq.model(**asked(batch)).logits, before)


def test_t5_takes_a_prompt_longer_than_any_table(t5, task):
    method = PromptTuning(t5, task, prompt_length=200)
    assert scores(t5, method, task, task.test).isfinite().all()
