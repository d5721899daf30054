"""The encoder: a BERT with a prefix and a head, against PEFT, transformers and by hand."""

from dataclasses import replace
from math import sqrt

import pytest
import torch
from peft import PrefixTuningConfig, TaskType, get_peft_model
from reference import close, moved, named_for_peft, plain, same
from torch.nn import functional as F
from transformers import (
    AutoModelForTokenClassification,
    BertConfig,
    DistilBertConfig,
    DistilBertModel,
)

import prefixlab
from prefixlab import (
    Conditioning,
    Edit,
    Encoder,
    Verbalizer,
    attention_mass,
    create,
    generate,
    train,
)
from prefixlab.evaluation.choices import content_free_scores, evaluate, scores
from prefixlab.methods import METHODS
from prefixlab.models.geometry import Geometry

HEADED = [
    ("linear_probe", {}),
    ("p_tuning_v2", {"prefix_length": 4}),
    ("p_tuning_v2", {"prefix_length": 4, "layers": "1-2"}),
    ("fine_tuning", {}),
    ("fine_tuning", {"top": 1}),
]
WORDED = [name for name in METHODS if name not in ("linear_probe", "p_tuning_v2", "fine_tuning")]
NO_WORDS = "tiny-bert is an encoder: it has no words to answer with"
every_head = pytest.mark.parametrize(("name", "knobs"), HEADED)


def attention_by_hand(lm, number, hidden, keys, values):
    """What BERT's self-attention computes in one layer, with P keys and values before the text's.

    `hidden` is [T, hidden], `keys` and `values` [heads, P, head_dim]; the result is [T, hidden].
    """
    layer, size = lm.model.encoder.layer[number].attention.self, lm.geometry

    def apart(linear):  # [heads, T, head_dim]
        return linear(hidden).view(-1, size.heads, size.head_dim).transpose(0, 1)

    k, v = torch.cat([keys, apart(layer.key)], 1), torch.cat([values, apart(layer.value)], 1)
    weights = (apart(layer.query) @ k.transpose(1, 2) / sqrt(size.head_dim)).softmax(-1)
    return (weights @ v).transpose(0, 1).flatten(1)


def last_states_by_hand(lm, ids, past):
    """The last layer's activations, [T, hidden], with a prefix in the layers of `past`."""
    given, model = past.by_layer(), lm.model
    none = torch.zeros(lm.geometry.heads, 0, lm.geometry.head_dim)
    positions = past.length + torch.arange(len(ids))
    hidden = model.embeddings(torch.tensor([ids]), position_ids=positions[None])[0]
    for number, layer in enumerate(model.encoder.layer):
        keys, values = (
            (part.view(none.shape[0], -1, none.shape[2]) for part in given[number])
            if (number in given)
            else (none, none)
        )
        seen = attention_by_hand(lm, number, hidden, keys, values)
        attended = layer.attention.output(seen, hidden)
        hidden = layer.output(layer.intermediate(attended), attended)
    return hidden


@pytest.mark.parametrize("layers", ["all", "0", "1-2"])
def test_a_prefix_is_keys_and_values_before_those_of_the_text(bert, task, layers):
    method = create("p_tuning_v2", bert, task, prefix_length=5, init="matched", layers=layers)
    given, ids = method.conditioning(), bert.encode("a warm and funny film")
    with torch.no_grad():
        ours = bert.hidden_states(torch.tensor([ids]), given=given)[0]
        close(ours, last_states_by_hand(bert, ids, given.past))
        assert not torch.allclose(ours, bert.hidden_states(torch.tensor([ids]))[0], atol=1e-2)


def test_a_prefix_with_a_head_is_that_of_peft(bert, task):
    """PEFT's head for tokens has no pooler before it: its logits at [CLS] are ours."""
    method = moved(create("p_tuning_v2", bert, task, prefix_length=5, init="matched"))
    rows = method.rows(bert, task.test, task)
    batch = bert.collate(rows)
    ours = bert.answer_scores(batch, method.conditioning())
    with plain(bert, "sdpa") as model:
        theirs = AutoModelForTokenClassification.from_config(model.config)
        theirs.base_model.load_state_dict(model.state_dict(), strict=False)
    config = PrefixTuningConfig(task_type=TaskType.TOKEN_CLS, num_virtual_tokens=5)
    wrapped = get_peft_model(named_for_peft(theirs), config).eval()
    embedding = wrapped.prompt_encoder["default"].embedding.weight
    embedding.data = method.prefix.values.detach().clone()
    head = wrapped.base_model.classifier.modules_to_save["default"]
    head.weight.data, head.bias.data = method.head.values.detach().split([32, 1], 1)
    head.bias.data = head.bias.data[:, 0]
    logits = []
    for row in rows:
        tokens = torch.tensor([row.prompt])
        logits.append(
            wrapped(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits[0, 0]
        )
    close(ours, torch.stack(logits))

    ours.square().sum().backward()
    torch.stack(logits).square().sum().backward()
    close(method.prefix.values.grad, embedding.grad)
    close(method.head.values.grad[:, :-1], head.weight.grad)


def test_a_probe_is_a_linear_map_of_cls_in_the_plain_model(bert, task):
    method = moved(create("linear_probe", bert, task))
    rows, found = method.rows(bert, task.test, task), scores(bert, method, task, task.test)
    head = method.head.values.detach()
    for x, row, scored in zip(task.test["x"], rows, found, strict=True):
        text = f"Review: {x}\nSentiment:"
        assert row.prompt == bert.encode(text) == bert.tokenizer(text)["input_ids"]
        with plain(bert) as model, torch.no_grad():
            cls = model(torch.tensor([row.prompt])).last_hidden_state[0, 0]
        close(scored, head[:, :-1] @ cls + head[:, -1])


def test_every_position_sees_what_stands_behind_it(bert):
    one, other = torch.tensor([[5, 6, 7, 8]]), torch.tensor([[5, 6, 7, 9]])
    assert (bert.hidden_states(one) - bert.hidden_states(other))[0, 0].abs().max() > 1e-3


def test_the_model_called_by_itself_is_that_of_transformers(bert):
    tokens = torch.tensor([bert.encode("a warm and funny film")])
    for length in (0, 2):
        mask = torch.ones_like(tokens)
        mask[:, tokens.shape[1] - length :] = 0
        with torch.no_grad(), plain(bert, "sdpa") as model:
            theirs = model(tokens, attention_mask=mask).last_hidden_state
        close(bert.model(tokens, attention_mask=mask).last_hidden_state, theirs)


@every_head
def test_padding_changes_nothing(bert, task, name, knobs):
    method = moved(create(name, bert, task, **knobs))
    batch = bert.collate(method.rows(bert, task.test, task))
    assert not batch.mask.all()
    alone = scores(bert, method, task, task.test, batch_size=1)
    close(bert.answer_scores(batch, method.conditioning()).detach(), alone)


def test_real_words_as_a_past_are_those_words_read_by_themselves(bert):
    """The text sees the words, and the words do not see the text."""
    words, text = [5, 6, 7], [8, 9, 10, 11]
    past = bert.read_past(words)
    assert past.length == 3
    ours = bert.hidden_states(torch.tensor([text]), given=Conditioning(past=past))
    blind = torch.ones(7, 7).bool()
    blind[:3, 3:] = False
    with plain(bert) as model, torch.no_grad():
        lowest = torch.finfo(torch.float32).min
        mask = torch.zeros(7, 7).masked_fill(~blind, lowest)[None, None]
        theirs = model(torch.tensor([words + text]), attention_mask=mask).last_hidden_state
    close(ours, theirs[:, 3:])


@every_head
def test_a_step_changes_the_method_and_nothing_of_the_model(bert, task, name, knobs):
    method = create(name, bert, task, **knobs)
    model = {key: value.clone() for key, value in bert.model.state_dict().items()}
    before = {key: value.detach().clone() for key, value in method.named_parameters()}
    assert method.parameters_now() == method.cost(bert.geometry, **knobs).stored
    # Two steps: the first moves the head, the second what stands before it.
    for _ in train(bert, method, task, steps=2, batch_size=8, learning_rate=0.01):
        pass
    names = getattr(method, "names", [])  # nothing reads BERT's pooler
    idle = {f"weights.{i}" for i, name in enumerate(names) if "pooler" in name}
    for key, value in method.named_parameters():
        assert torch.equal(before[key], value) == (key in idle), key
    assert same(model, bert.model.state_dict())
    assert all(parameter.grad is None for parameter in bert.model.parameters())


def test_training_learns_the_sentences_it_sees(bert, task):
    method = create("p_tuning_v2", bert, task, prefix_length=4)
    for _ in train(bert, method, task, steps=60, batch_size=8, learning_rate=0.03):
        pass
    assert evaluate(bert, method, task, split="train").accuracy == 1


def test_fine_tuned_weights_are_what_the_model_computes_with(bert, task):
    method = create("fine_tuning", bert, task)
    with torch.no_grad():
        for name, weight in zip(method.names, method.weights, strict=True):
            if name.endswith("intermediate.dense.bias"):
                weight += 1.0
    tokens = torch.tensor([bert.encode("dull")])
    close(
        bert.hidden_states(tokens, given=method.conditioning()),
        bert.hidden_states(
            tokens,
            given=Conditioning(
                edits=[
                    Edit(
                        outputs={
                            f"{layer}.intermediate.dense": lambda _, output: output + 1.0
                            for layer in bert.geometry.layers_by_name
                        }
                    )
                ]
            ),
        ),
    )


@every_head
def test_a_checkpoint_gives_the_same_scores(bert, task, tmp_path, name, knobs):
    method = create(name, bert, task, **knobs)
    for _ in train(bert, method, task, steps=2, batch_size=8, learning_rate=0.01):
        pass
    saved = prefixlab.save(method, tmp_path / "mine")
    again = prefixlab.load_method(saved, bert)
    assert torch.equal(scores(bert, again, task, task.test), scores(bert, method, task, task.test))


def test_a_local_folder_of_a_bert_is_an_encoder(bert, tmp_path, capsys):
    bert.model.save_pretrained(tmp_path / "mine")
    bert.tokenizer.save_pretrained(tmp_path / "mine")
    loaded = prefixlab.load(str(tmp_path / "mine"), dtype="float32", device="cpu")
    assert isinstance(loaded, Encoder)
    assert capsys.readouterr().out.startswith("Backbone mine: 3 layers of 32")
    tokens = torch.tensor([bert.encode("dull")])
    assert torch.equal(loaded.hidden_states(tokens), bert.hidden_states(tokens))


def test_attention_mass_is_what_cls_pays_to_the_prefix(bert, task):
    method = create("p_tuning_v2", bert, task, prefix_length=4, layers="0,2")
    text = "a warm film"
    mass = attention_mass(bert, method, text)
    given = method.conditioning()
    recorded = bert.attention_weights(torch.tensor([bert.encode(text)]), given=given)
    close(mass[0], recorded[0][0, :, 0, :4].sum(-1))
    assert (mass[1] == 0).all()
    assert not torch.allclose(mass[0], recorded[0][0, :, -1, :4].sum(-1), atol=1e-3)


def test_what_writes_into_the_residual_stream(bert):
    assert bert.geometry.sublayers == [
        f"encoder.layer.{number}.{part}.dense"
        for number in range(3)
        for part in ("attention.output", "output")
    ]


def test_the_geometry_is_that_of_the_weights(bert):
    assert bert.geometry.bidirectional
    assert bert.geometry.parameters == sum(p.numel() for p in bert.model.parameters())
    decoder = BertConfig(is_decoder=True, num_hidden_layers=1)
    assert not Geometry.of("decoder", decoder).bidirectional


@pytest.mark.parametrize("name", WORDED)
def test_a_method_that_answers_in_words_is_refused(bert, task, name):
    with pytest.raises(ValueError, match=NO_WORDS):
        evaluate(bert, create(name, bert, task), task)


def test_words_are_refused_however_they_are_asked_for(bert, task):
    free = replace(task, verbalizer=None)
    long = replace(task, verbalizer=Verbalizer(("not worth the ticket", "a funny film")))
    words = create("p_tuning_v2", bert, task, classifier="verbalizer")
    for ask in (
        lambda: bert.next_tokens("a warm"),
        lambda: bert.logits(torch.tensor([[5, 6]])),
        lambda: evaluate(bert, words, task),
        lambda: train(bert, words, task).advance(),
        lambda: evaluate(bert, words, long),
        lambda: evaluate(bert, words, free),
        lambda: train(bert, words, free),
    ):
        with pytest.raises(ValueError, match=NO_WORDS):
            ask()


def test_an_encoder_writes_nothing(bert, task):
    prefix = create("prefix_tuning", bert, task, prefix_length=2)
    with pytest.raises(ValueError, match="tiny-bert is an encoder: it reads text and cannot write"):
        generate(bert, prefix, task, ["dull"])


def test_a_head_knows_its_labels_alone(bert, task):
    method = create("linear_probe", bert, task)
    three = replace(task, verbalizer=Verbalizer((*task.verbalizer.words, "middling")))
    with pytest.raises(ValueError, match="for negative, positive, and films asks for middling"):
        scores(bert, method, three, three.test)
    with pytest.raises(
        ValueError, match="fine_tuning chooses among labels, and films asks for free"
    ):
        create("fine_tuning", bert, replace(task, verbalizer=None))


def test_a_text_of_nothing_is_cls_and_sep(bert, task):
    method = create("linear_probe", bert, task, template="{x} {y}")
    empty = task.test.select([0]).map(lambda _: {"x": ""})
    assert method.rows(bert, empty, task)[0].prompt == bert.encode("") == bert.around
    assert content_free_scores(bert, method, task).isfinite().all()


def test_more_positions_than_it_has_are_refused_before_the_first_step(bert, task):
    method = create("p_tuning_v2", bert, task, prefix_length=60)
    with pytest.raises(ValueError, match=r"60 positions of prefix .* the 64 positions"):
        train(bert, method, task)


def test_encoders_of_another_kind_are_refused(bert, task):
    other = DistilBertModel(DistilBertConfig(n_layers=1, dim=8, n_heads=2, hidden_dim=8))
    with pytest.raises(ValueError, match="mine is an encoder of the kind distilbert"):
        Encoder("mine", other, bert.tokenizer)


def test_a_tokenizer_without_cls_and_sep_is_refused(bert, gpt2):
    with pytest.raises(ValueError, match="does not put"):
        Encoder("mine", bert.model, gpt2.tokenizer)


@pytest.mark.real
def test_minilm_knows_which_sentences_mean_the_same():
    lm = prefixlab.load("minilm", dtype="float32", device="cpu")
    assert lm.geometry == prefixlab.geometry("minilm")
    assert lm.geometry.parameters == sum(p.numel() for p in lm.model.parameters())

    def meaning(text):
        """The mean over all tokens, which is how it was trained to embed a sentence."""
        hidden = lm.hidden_states(torch.tensor([lm.encode(text)]))[0]
        return F.normalize(hidden.mean(0), dim=0)

    film, movie, train_ride = (
        meaning(text)
        for text in (
            "The film was a delight from start to end.",
            "I enjoyed every minute of this movie.",
            "The next train to the airport leaves at noon.",
        )
    )
    assert film @ movie > 0.5
    assert film @ train_ride < 0.2
