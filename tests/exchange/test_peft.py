"""PEFT, both ways: what it loads and what it wrote compute the same as here."""

from copy import deepcopy

import pytest
import torch
from peft import (
    CartridgeConfig,
    LoraConfig,
    PeftModel,
    PrefixTuningConfig,
    PromptEncoderConfig,
    PromptTuningConfig,
    get_peft_model,
)
from reference import close, moved, named_for_peft, plain, writing_for_peft
from safetensors.torch import load_file
from tiny import byte_pairs, random_model, special
from transformers import (
    AutoModelForSequenceClassification,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
)

from prefixlab import Backbone, create, from_peft, load_method, save, to_peft
from prefixlab.evaluation.choices import scores
from prefixlab.exchange import adapter_files

TEXTS = ("a warm and funny film", "dull", "what a cast!")
METHODS = {
    "prompt": ("prompt_tuning", {"prompt_length": 4, "init": "uniform"}),
    "p_tuning, no encoder": ("p_tuning", {"template": "{soft:4}{x} {y}", "encoder": "none"}),
    "p_tuning, mlp": ("p_tuning", {"template": "{soft:4}{x} {y}", "encoder": "mlp"}),
    "p_tuning, lstm": ("p_tuning", {"template": "{soft:4}{x} {y}", "encoder": "lstm"}),
    "prefix": ("prefix_tuning", {"prefix_length": 4}),
    "prefix, mlp": ("prefix_tuning", {"prefix_length": 4, "reparameterization": "mlp"}),
    "p_tuning_v2": ("p_tuning_v2", {"prefix_length": 4, "classifier": "verbalizer"}),
    "cartridge": ("cartridge", {"prefix_length": 4, "frozen": 2, "demonstrations": 2}),
    "lora": ("lora", {"rank": 3, "alpha": 6.0}),
}
CONFIGS = {
    "prompt": PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4),
    "p_tuning, mlp": PromptEncoderConfig(task_type="CAUSAL_LM", num_virtual_tokens=4),
    "p_tuning, lstm": PromptEncoderConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=4, encoder_reparameterization_type="LSTM"
    ),
    "prefix": PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4),
    "prefix, projected": PrefixTuningConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=4, prefix_projection=True, encoder_hidden_size=12
    ),
    "cartridge": CartridgeConfig(task_type="CAUSAL_LM", num_virtual_tokens=4, num_frozen_tokens=2),
    "lora": LoraConfig(task_type="CAUSAL_LM", r=3, lora_alpha=6, target_modules="all-linear"),
    "lora, some maps": LoraConfig(r=3, lora_alpha=6, target_modules=["down_proj", "mlp.c_proj"]),
    "lora, rank-stabilised": LoraConfig(
        task_type="CAUSAL_LM", r=4, lora_alpha=2, use_rslora=True, target_modules="all-linear"
    ),
}
every_method = pytest.mark.parametrize(("name", "knobs"), METHODS.values(), ids=METHODS)


def unsteered(lm):
    """The model as transformers has it, ready for PEFT."""
    with plain(lm, "sdpa") as model:
        copy = deepcopy(model)
    copy.generation_config.eos_token_id = None  # texts of one length
    return writing_for_peft(copy)


def opened(lm, folder):
    return PeftModel.from_pretrained(unsteered(lm), folder).eval()


def written(lm, config, folder):
    """An adapter that PEFT wrote, with numbers that change something."""
    config = deepcopy(config)
    if isinstance(config, LoraConfig):
        config.fan_in_fan_out = lm.model.config.model_type == "gpt2"
    model = get_peft_model(unsteered(lm), config).eval()
    source = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in filter(lambda weight: weight.requires_grad, model.parameters()):
            weight += 0.2 * torch.randn(weight.shape, generator=source)
    model.save_pretrained(folder)
    return model


def batch(lm, side="left"):
    """Texts with their start token, and their mask, both [3, T]."""
    lm.tokenizer.padding_side = side
    read = lm.tokenizer(list(TEXTS), padding=True, return_tensors="pt")
    return read["input_ids"], read["attention_mask"]


def with_slots(method, tokens, mask):
    """Tokens behind the virtual tokens of a method, and their mask."""
    count = method.template.virtual_tokens
    slots = (-1 - torch.arange(count)).expand(len(tokens), -1)
    return torch.cat([slots, tokens], 1), torch.cat([torch.ones_like(slots), mask], 1).bool()


@torch.no_grad()
def ours(lm, method, tokens, mask):
    given = method.conditioning()
    hidden = lm.hidden_states(*with_slots(method, tokens, mask), given)
    return torch.nn.functional.linear(hidden, lm.output_layer.weight)


@torch.no_grad()
def theirs(model, tokens, mask):
    """PEFT leaves positions to whoever calls it; what it does with them, see `placed`."""
    positions = {} if takes_no_positions(model) else {"position_ids": places(mask)}
    return model(input_ids=tokens, attention_mask=mask, **positions).logits


def places(mask):
    return (mask.cumsum(1) - 1).clamp(min=0)


def takes_no_positions(model):
    return model.active_peft_config.peft_type in ("PROMPT_TUNING", "P_TUNING")


def placed(model):
    """With virtual tokens PEFT ignores positions, and counts padding: here the model is told."""

    def hook(module, args, kwargs):
        if kwargs.get("position_ids") is None:
            new = kwargs.get("inputs_embeds")
            if new is None:
                new = args[0] if args else kwargs["input_ids"]
            kwargs["position_ids"] = places(kwargs["attention_mask"].long())[:, -new.shape[1] :]
        return args, kwargs

    if takes_no_positions(model):
        model.base_model.base_model.register_forward_pre_hook(hook, with_kwargs=True)
    return model


def where_text_is(logits, method, mask):
    """The logits after words, of a text with its virtual tokens."""
    return logits[with_slots(method, mask, mask)[1]]


@every_method
def test_peft_computes_the_same_with_what_is_written(tiny, task, tmp_path, name, knobs):
    method = moved(create(name, tiny, task, **knobs))
    folder = to_peft(method, tmp_path / "adapter")
    assert sorted(file.name for file in folder.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    found = ours(tiny, method, *batch(tiny))
    tokens, mask = batch(tiny)
    assert not mask.all()
    model = placed(opened(tiny, folder))
    logits = theirs(model, tokens, mask)
    close(where_text_is(found, method, mask), where_text_is(logits, method, mask))
    unchanged = tiny.logits(tokens[:1])
    assert not torch.allclose(found[:1, -tokens.shape[1] :], unchanged, atol=1e-2)


@pytest.mark.filterwarnings("ignore:Position ids are not supported")  # see `placed`
@every_method
def test_peft_writes_the_same_text_with_what_is_written(tiny, task, tmp_path, name, knobs):
    method = moved(create(name, tiny, task, **knobs))
    model = placed(opened(tiny, to_peft(method, tmp_path / "adapter")))
    tokens, mask = batch(tiny)
    text = model.generate(input_ids=tokens, attention_mask=mask, max_new_tokens=6, do_sample=False)[
        :, tokens.shape[1] :
    ]
    with torch.no_grad():
        logits, cache = tiny.prefill(*with_slots(method, tokens, mask), method.conditioning())
        for step in range(6):
            close(logits.argmax(-1).float() + 1, text[:, step].float() + 1)
            logits = tiny.decode(cache, logits.argmax(-1))


@pytest.mark.parametrize("name", ["prompt", "p_tuning, mlp"])
def test_with_virtual_tokens_peft_counts_padding_as_positions(gpt2, task, tmp_path, name):
    """So `docs/exchange.md` says: padded on the right, or one by one, its logits are those here."""
    method = moved(create(METHODS[name][0], gpt2, task, **METHODS[name][1]))
    model = opened(gpt2, to_peft(method, tmp_path / "adapter"))
    tokens, mask = batch(gpt2, "right")
    found = ours(gpt2, method, tokens, mask)
    close(
        where_text_is(found, method, mask), where_text_is(theirs(model, tokens, mask), method, mask)
    )
    tokens, mask = batch(gpt2, "left")
    found, logits = ours(gpt2, method, tokens, mask), theirs(model, tokens, mask)
    longest = mask.sum(1).argmax()
    close(found[longest], logits[longest])
    shortest = mask.sum(1).argmin()
    assert not torch.allclose(found[shortest, -1], logits[shortest, -1], atol=1e-2)


@pytest.mark.parametrize("name", CONFIGS)
def test_what_peft_wrote_computes_the_same_here(tiny, task, tmp_path, name):
    model = placed(written(tiny, CONFIGS[name], tmp_path / "adapter"))
    method = from_peft(tmp_path / "adapter", tiny)
    tokens, mask = batch(tiny)
    found, logits = ours(tiny, method, tokens, mask), theirs(model, tokens, mask)
    close(where_text_is(found, method, mask), where_text_is(logits, method, mask))
    assert not torch.allclose(found[:1, -tokens.shape[1] :], tiny.logits(tokens[:1]), atol=1e-2)


@pytest.mark.parametrize("name", CONFIGS)
def test_it_scores_a_task_as_peft_does_with_the_texts_of_its_template(tiny, task, tmp_path, name):
    """Also where a tokenizer puts a start token first, which PEFT leaves behind the prompt."""
    model = placed(written(tiny, CONFIGS[name], tmp_path / "adapter"))
    method = from_peft(tmp_path / "adapter", tiny, task)
    answers = [ids[0] for ids in task.verbalizer.encode(tiny.tokenizer, " ")]
    found = scores(tiny, method, task, task.test)
    for x, scored in zip(task.test["x"], found, strict=True):
        read = tiny.tokenizer(f"Review: {x}\nSentiment:", return_tensors="pt")
        logits = theirs(model, read["input_ids"], read["attention_mask"])
        close(scored, logits[0, -1, answers])


@pytest.mark.parametrize("name", CONFIGS)
def test_there_and_back_it_is_the_same_adapter(tiny, task, tmp_path, name):
    written(tiny, CONFIGS[name], tmp_path / "theirs")
    method = from_peft(tmp_path / "theirs", tiny, task)
    to_peft(method, tmp_path / "ours")
    first, again = (
        load_file(tmp_path / side / "adapter_model.safetensors") for side in ("theirs", "ours")
    )
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)
    kept = load_method(save(method, tmp_path / "mine"), tiny)  # and it is a method as any other
    assert (kept.describe(), kept.asked) == (method.describe(), method.asked)
    assert torch.equal(scores(tiny, kept, task, task.test), scores(tiny, method, task, task.test))


def classifier(lm):
    """The model with a head for two labels, as transformers has it."""
    with plain(lm, "sdpa") as model:
        config = deepcopy(model.config)
        config.num_labels = 2
        theirs = AutoModelForSequenceClassification.from_config(config)
        theirs.base_model.load_state_dict(model.base_model.state_dict())
    return named_for_peft(theirs)


def test_a_prefix_with_a_head_chooses_as_in_peft(tiny, task, tmp_path):
    method = moved(create("p_tuning_v2", tiny, task, prefix_length=4))
    with pytest.raises(ValueError, match=r"has no bias, and that of this p_tuning_v2 has one of"):
        to_peft(method, tmp_path / "adapter")
    method.head.values.data[:, -1] = 0
    model = PeftModel.from_pretrained(classifier(tiny), to_peft(method, tmp_path / "adapter"))
    again = from_peft(tmp_path / "adapter", tiny, task)
    found = scores(tiny, method, task, task.test)
    assert torch.equal(scores(tiny, again, task, task.test), found)
    read = tiny.collate(method.rows(tiny, task.test, task))
    assert not read.mask.all()
    with torch.no_grad():
        logits = model.eval()(
            input_ids=read.tokens, attention_mask=read.mask.long(), position_ids=places(read.mask)
        ).logits
    close(found, logits)
    without = from_peft(tmp_path / "adapter", tiny)
    assert without.asked.answers == ("LABEL_0", "LABEL_1")


@pytest.fixture(scope="module")
def gemma():
    """It multiplies what it embeds by sqrt(h), and PEFT's prompts come after that."""
    tokenizer = byte_pairs(start="<start>")
    config = Gemma3TextConfig(
        **special(tokenizer),
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        hidden_size=32,
        intermediate_size=64,
        initializer_range=0.2,
    )
    return Backbone("tiny-gemma", random_model(Gemma3ForCausalLM, config), tokenizer)


@pytest.mark.parametrize("name", ["prompt", "p_tuning, mlp"])
def test_where_embeddings_are_scaled_a_prompt_is_as_well(gemma, task, tmp_path, name):
    method = moved(create(METHODS[name][0], gemma, task, **METHODS[name][1]))
    folder = to_peft(method, tmp_path / "adapter")
    tokens, mask = batch(gemma, "right")
    found = ours(gemma, method, tokens, mask)
    logits = theirs(opened(gemma, folder), tokens, mask)
    close(where_text_is(found, method, mask), where_text_is(logits, method, mask))
    close(ours(gemma, from_peft(folder, gemma), tokens, mask), found, 1e-6)


@pytest.mark.parametrize("name", ["prompt_tuning", "lora"])
def test_what_is_no_causal_model_is_refused(request, task, tmp_path, name):
    for fixture, kind in (("bert", "an encoder,"), ("t5", "an encoder-decoder,")):
        lm = request.getfixturevalue(fixture)
        with pytest.raises(ValueError, match=f"tiny-{fixture} is {kind} .* keep it with save"):
            to_peft(create(name, lm, task), tmp_path / "adapter")
        with pytest.raises(ValueError, match=f"tiny-{fixture} is {kind}"):
            from_peft(tmp_path / "adapter", lm)
    assert not (tmp_path / "adapter").exists()


def test_where_the_disk_is_full_the_adapter_is_as_it_was(gpt2, task, tmp_path, monkeypatch):
    folder = to_peft(create("prompt_tuning", gpt2, task, prompt_length=2), tmp_path / "adapter")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    def full(*given, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(adapter_files, "save_file", full)
    with pytest.raises(ValueError, match="is full"):
        to_peft(create("lora", gpt2, task), folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
