"""Families of models: each is served as transformers computes it, or refused in a sentence.

A tiny model with random weights stands for every family; `docs/models.md` lists what came out.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from reference import close
from tiny import byte_pairs, special, word_pieces
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM

import prefixlab as pl
from prefixlab import Backbone, Conditioning, EncoderDecoder
from prefixlab.evaluation.choices import scores
from prefixlab.methods.gated_prefix import Gate

SERVED, PLAIN, REFUSED = "served", "served, prefix in all layers", "refused"
SIZES = {
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "hidden_size": 32,
    "intermediate_size": 48,
}
SIZES |= {"max_position_embeddings": 64, "initializer_range": 0.2}
GROUPED = SIZES | {"num_key_value_heads": 2}
GPT2 = {"n_layer": 2, "n_head": 4, "n_embd": 32, "n_positions": 64, "initializer_range": 0.2}
EXPERTS = {"num_local_experts": 4, "num_experts": 4, "num_experts_per_tok": 2}
EXPERTS |= {"moe_intermediate_size": 24, "shared_expert_intermediate_size": 24}
WINDOW = {"sliding_window": 6, "use_sliding_window": True, "max_window_layers": 1}
EXPLICIT = {"head_dim": 12}  # not hidden / heads
T5 = {
    "d_model": 32,
    "d_kv": 6,
    "d_ff": 48,
    "num_heads": 4,
    "num_layers": 2,
    "num_decoder_layers": 3,
}
BART = {"d_model": 32, "encoder_layers": 2, "decoder_layers": 3, "encoder_attention_heads": 4}
BART |= {
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "init_std": 0.2,
}

# By name: the model type of transformers, what its configuration says, and what this package gives.
FAMILIES: dict[str, tuple[str, dict[str, Any], str]] = {
    "GPT-2": ("gpt2", GPT2, SERVED),
    "Llama": ("llama", GROUPED, SERVED),
    "Llama with a head_dim of its own": ("llama", GROUPED | EXPLICIT, SERVED),
    "Mistral": ("mistral", GROUPED | WINDOW, SERVED),
    "Mixtral": ("mixtral", GROUPED | EXPERTS, SERVED),
    "Qwen2": ("qwen2", GROUPED | WINDOW, SERVED),
    "Qwen2 MoE": ("qwen2_moe", GROUPED | EXPERTS, SERVED),
    "Qwen3": ("qwen3", GROUPED | EXPLICIT, SERVED),
    "Gemma": ("gemma", GROUPED | EXPLICIT, SERVED),
    "Gemma 2": (
        "gemma2",
        SIZES | EXPLICIT | WINDOW | {"final_logit_softcapping": 2.0, "attn_logit_softcapping": 2.0},
        SERVED,
    ),
    "Gemma 3": ("gemma3_text", GROUPED | EXPLICIT | WINDOW, SERVED),
    "Phi": ("phi", GROUPED, SERVED),
    "Phi-3": ("phi3", GROUPED | WINDOW, SERVED),
    "GPT-J": ("gptj", GPT2 | {"rotary_dim": 4}, SERVED),
    "GPT-NeoX": ("gpt_neox", SIZES, SERVED),
    "GPT-BigCode": ("gpt_bigcode", GPT2 | {"multi_query": True}, SERVED),
    "OPT": ("opt", SIZES | {"ffn_dim": 48, "word_embed_proj_dim": 32, "init_std": 0.2}, SERVED),
    "OLMo 2": ("olmo2", GROUPED, SERVED),
    "Cohere": ("cohere", GROUPED | {"logit_scale": 0.25}, SERVED),
    "Granite": ("granite", GROUPED | {"logits_scaling": 4.0, "embedding_multiplier": 3.0}, SERVED),
    "StarCoder2": ("starcoder2", GROUPED | WINDOW, SERVED),
    "SmolLM3": ("smollm3", GROUPED, SERVED),
    "Falcon": ("falcon", SIZES | {"multi_query": True}, PLAIN),
    "Falcon with ALiBi": ("falcon", SIZES | {"alibi": True, "multi_query": False}, PLAIN),
    "BLOOM": ("bloom", SIZES | {"n_layer": 2, "n_head": 4}, PLAIN),
    "MPT": ("mpt", {"d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 64}, REFUSED),
    "StableLM": ("stablelm", GROUPED, PLAIN),
    "GPT-Neo": (
        "gpt_neo",
        SIZES | {"num_layers": 2, "attention_types": [[["global", "local"], 1]], "window_size": 6},
        REFUSED,
    ),
    "XGLM": (
        "xglm",
        {"d_model": 32, "num_layers": 2, "attention_heads": 4, "ffn_dim": 48, "init_std": 0.2},
        PLAIN,
    ),
    "GPT-OSS": ("gpt_oss", GROUPED | EXPERTS | EXPLICIT | WINDOW, REFUSED),
    "Mamba": ("mamba", {"num_hidden_layers": 2, "hidden_size": 32, "state_size": 4}, REFUSED),
    "RWKV": ("rwkv", {"num_hidden_layers": 2, "hidden_size": 32}, REFUSED),
    "BERT": ("bert", SIZES, SERVED),
    "RoBERTa": ("roberta", SIZES, REFUSED),
    "DistilBERT": (
        "distilbert",
        {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48},
        REFUSED,
    ),
    "T5": ("t5", T5, SERVED),
    "T5 v1.1": (
        "t5",
        T5 | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
        SERVED,
    ),
    "BART": ("bart", BART, SERVED),
    "Pegasus": ("pegasus", BART, REFUSED),
    "mT5": ("mt5", T5, REFUSED),
}


def made(kind: str, settings: dict[str, Any], folder: Path, dtype: torch.dtype) -> Any:
    """A random model of a family with its tokenizer, saved in a folder."""
    encoder = kind in ("bert", "roberta", "distilbert")
    pairs = kind in ("t5", "mt5", "bart", "pegasus")
    tokenizer = word_pieces() if encoder else byte_pairs(start="<start>", ends=pairs)
    marks: dict[str, Any] = special(tokenizer) if not encoder else {"vocab_size": len(tokenizer)}
    marks |= {"pad_token_id": tokenizer.pad_token_id}
    config = AutoConfig.for_model(kind, **marks, **settings)
    if pairs:
        config.decoder_start_token_id = config.pad_token_id
    architecture = (
        AutoModel if encoder else AutoModelForSeq2SeqLM if pairs else AutoModelForCausalLM
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = architecture.from_config(config, dtype=dtype).eval()
        for name, weight in (*model.named_parameters(), *model.named_buffers()):
            if (
                name.endswith("bias") and weight.is_floating_point()
            ):  # they start at zero, where nothing shows whether they count
                weight.data.normal_(std=0.2)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model


def logits(lm: Backbone, texts: list[list[int]], given: Conditioning) -> torch.Tensor:
    tokens, mask = lm.pad(texts)
    return lm.prefill(tokens, mask, given)[0]


TEXTS = ("a warm and funny film", "dull", "the plot makes no sense at all and the jokes are stale")


@pytest.mark.parametrize(("kind", "settings", "gives"), FAMILIES.values(), ids=FAMILIES)
@torch.no_grad()
def test_a_family_is_what_transformers_makes_of_it_or_is_refused(
    kind, settings, gives, tmp_path, task
):
    own = made(kind, settings, tmp_path / "mine", torch.float32)
    if gives == REFUSED:
        with pytest.raises(ValueError, match=r"^mine is an? .*\.$") as told:
            pl.load(tmp_path / "mine", dtype="float32", device="cpu")
        assert "\n" not in str(told.value)
        return
    lm = pl.load(tmp_path / "mine", dtype="float32", device="cpu")
    own.set_attn_implementation("eager")
    texts = [lm.encode(text) for text in TEXTS]
    if lm.geometry.bidirectional:
        tokens, mask = lm.pad(texts)
        theirs = torch.cat([own(torch.tensor([ids])).last_hidden_state[0] for ids in texts])
        close(lm.hidden_states(tokens, mask)[mask], theirs)
        return
    if isinstance(lm, EncoderDecoder):
        start = torch.tensor([lm.start])
        theirs = [own(torch.tensor([ids]), decoder_input_ids=start).logits[0, -1] for ids in texts]
        close(logits(lm, texts, Conditioning()), torch.stack(theirs))
    else:
        alone = [own(torch.tensor([ids])).logits[0] for ids in texts]
        close(logits(lm, texts, Conditioning()), torch.stack([each[-1] for each in alone]))
        close(lm.logits(torch.tensor([texts[2]]))[0], alone[2])  # at every position
        before = texts[2][:9]  # text through the cache is the text before the text, padded or not
        given = Conditioning(past=lm.read_past(before))
        joined = [own(torch.tensor([before + ids])).logits[0, -1] for ids in texts]
        close(logits(lm, texts, given), torch.stack(joined))
        assert lm.is_open == (gives == SERVED)
    method = pl.create("prefix_tuning", lm, task, prefix_length=2)
    assert pl.evaluate(lm, method, task).loss > 0
    greedy = pl.generate(lm, pl.DiscretePrompt(lm, task), task, ["dull"], max_new_tokens=1)
    assert len(greedy) == 1


def opened(name: str, folder: Path) -> Backbone:
    kind, settings, _ = FAMILIES[name]
    made(kind, settings, folder / "mine", torch.float32)
    return pl.load(folder / "mine", dtype="float32", device="cpu")


@pytest.mark.parametrize("family", ["Phi", "GPT-J"])
def test_a_bias_of_the_output_layer_is_tuned_with_the_rest(family, tmp_path, task):
    lm = opened(family, tmp_path)
    method = pl.create("fine_tuning", lm, task)
    rows = method.rows(lm, task.test, task)
    lm.answer_scores(lm.collate(rows), method.conditioning())[:, 0].sum().backward()
    bias = method.weights[method.names.index("lm_head.bias")]
    assert bias.grad.abs().sum() > 0


def test_rows_that_start_as_words_start_with_their_bias(tmp_path, task):
    """Before its first step WARP is prompt tuning."""
    lm = opened("Phi", tmp_path)
    warp, prompt = (
        pl.create(name, lm, task, prompt_length=2) for name in ("warp", "prompt_tuning")
    )
    assert lm.model.lm_head.bias.abs().sum() > 0
    close(scores(lm, warp, task, task.test), scores(lm, prompt, task, task.test))


@pytest.mark.parametrize("family", ["OPT", "Phi", "Falcon"])
def test_adapters_stand_behind_both_sublayers(family, tmp_path, task):
    lm = opened(family, tmp_path)
    last = {name.rsplit(".", 1)[1] for name in lm.geometry.sublayers}
    assert len(lm.geometry.sublayers) == 2 * lm.geometry.layers
    assert last in ({"out_proj", "fc2"}, {"dense", "fc2"}, {"dense", "dense_4h_to_h"})
    assert pl.evaluate(lm, pl.create("adapters", lm, task), task).loss > 0


@torch.no_grad()
def test_a_virtual_token_of_a_scaled_embedding_is_a_row_of_its_table(tmp_path):
    lm = opened("Gemma 3", tmp_path)
    words, text = lm.encode("so it")[1:], lm.encode("dull")[1:]
    slots = [-1 - number for number in range(len(words))]
    ours = lm.logits(torch.tensor([slots + text]), Conditioning(virtual=lm.embedding[words]))
    close(ours, lm.logits(torch.tensor([words + text])))


@torch.no_grad()
def test_a_prefix_slides_out_of_a_window_but_a_gated_one_stays(tmp_path):
    """It stands beside the text, as near to its end as to its beginning."""
    lm = opened("Mistral", tmp_path)
    text = torch.tensor([lm.encode("so it was and it was so again and again it was so dull")])
    past = lm.read_past("great")
    gate = Gate(gates=dict(enumerate(torch.ones(lm.geometry.layers, lm.geometry.heads))))
    before = Conditioning(past=past)
    without, before, beside = (
        lm.hidden_states(text, given=given)[0, -1]
        for given in (Conditioning(), before, replace(before, edits=[gate]))
    )
    assert text.shape[1] > 2 * lm.model.config.sliding_window  # of both layers
    close(before, without)
    assert (beside - without).abs().max() > 1e-2


def test_the_table_in_the_docs_lists_the_families_that_are_tried():
    lines = (Path(__file__).parents[3] / "docs" / "models.md").read_text().splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:2] == "| "
    ]
    listed = {family: (kind.strip("`"), gives) for family, kind, gives, _ in rows[1:]}
    assert listed == {family: (kind, gives) for family, (kind, _, gives) in FAMILIES.items()}
