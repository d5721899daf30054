"""The methods compute what their equations say: against transformers, PEFT and by hand."""

from dataclasses import replace

import pytest
import torch
from peft import PrefixTuningConfig, PromptTuningConfig
from reference import close, log_probability, logits_with_prefix_in, moved, peft, plain

from prefixlab import (
    Conditioning,
    DiscretePrompt,
    InContextLearning,
    Past,
    PrefixTuning,
    PromptTuning,
    PTuning,
    Template,
    Verbalizer,
    attention_mass,
    create,
)
from prefixlab.data.batching import collate
from prefixlab.evaluation.choices import scores
from prefixlab.methods.in_context import SEPARATOR

TEXT = "Review: a warm and funny film\nSentiment:"
METHODS = [
    ("discrete_prompt", {}),
    ("in_context", {"demonstrations": 3}),
    ("prompt_tuning", {"prompt_length": 5}),
    ("prefix_tuning", {"prefix_length": 5}),
    ("prefix_tuning", {"prefix_length": 5, "layers": "1-2"}),
    ("p_tuning", {"template": "{soft:2}{x}{soft:3} so it was {y}"}),
    ("p_tuning_v2", {"prefix_length": 5}),
    ("cartridge", {"prefix_length": 5, "demonstrations": 3}),
    ("infix", {"prefix_length": 5}),
    ("warp", {"prompt_length": 5}),
    ("fine_tuning", {"top": 1}),
]
every_method = pytest.mark.parametrize(("name", "knobs"), METHODS)
REPARAMETERIZED = [
    (
        "prefix_tuning",
        {"prefix_length": 5, "init": "uniform", "reparameterization": "mlp", "mlp_hidden": 64},
    ),
    ("p_tuning", {"encoder": "mlp"}),
    ("p_tuning", {"encoder": "lstm"}),
]
ANSWERS = [("negative", "positive"), ("awful, really", "great")]


@pytest.fixture
def tokens(lm):
    """Two texts of the same length, [2, 7]."""
    source = torch.Generator().manual_seed(0)
    return torch.randint(5, lm.geometry.vocabulary, (2, 7), generator=source)


def test_prefix_tuning_is_that_of_peft(lm, task, tokens):
    method = PrefixTuning(lm, task, prefix_length=5, init="matched")
    config = PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=5)
    ours = lm.logits(tokens, method.conditioning())
    with peft(lm, config, method.prefix.values) as model:
        theirs = model(tokens).logits
    close(ours, theirs)

    ours[:, -1].square().sum().backward()
    theirs[:, -1].square().sum().backward()
    expected = model.prompt_encoder["default"].embedding.weight.grad
    close(method.prefix.values.grad, expected)


def test_prompt_tuning_is_that_of_peft(lm, task, tokens):
    method = PromptTuning(lm, task, prompt_length=5, init="uniform")
    config = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=5)
    slots = -1 - torch.arange(5).expand(2, -1)
    ours = lm.logits(torch.cat([slots, tokens], 1), method.conditioning())
    with peft(lm, config, method.prompt.values) as model:
        theirs = model(tokens).logits
    close(ours, theirs)


def test_soft_slots_in_a_template_are_embeddings_between_those_of_words(lm, task):
    method = PTuning(lm, task, template="{soft:2}so{soft:1}{x} it was {y}", encoder="none")
    virtual = method.conditioning().virtual
    examples = task.test.select([0])
    ours = scores(lm, method, task, examples)

    def words(text):
        return lm.embedding[lm.tokenizer(text, add_special_tokens=False)["input_ids"]]

    start = lm.embedding[lm.encode("")] if lm.encode("") else words("so")[:0]
    by_hand = torch.cat(
        [start, virtual[:2], words("so"), virtual[2:], words(f"{examples['x'][0]} it was")]
    )
    with plain(lm) as model, torch.no_grad():
        logits = model(inputs_embeds=by_hand[None]).logits[0, -1]
    answers = task.verbalizer.encode(lm.tokenizer, lead=" ")
    close(ours[0], logits[[ids[0] for ids in answers]])


def test_words_in_the_past_are_words_in_the_text(lm):
    ids = lm.encode(TEXT)
    past = lm.read_past(ids[:4])
    ours = lm.logits(torch.tensor([ids[4:]]), Conditioning(past=past))
    with plain(lm, "sdpa") as model, torch.no_grad():
        close(ours, model(torch.tensor([ids])).logits[:, 4:])


def test_a_prefix_from_real_words_is_those_words(gpt2, task):
    """With GPT-2's tokenizer, which has no start token that would come between them."""
    words = "a warm and funny film\n"
    length = len(gpt2.encode(words))
    method = PrefixTuning(gpt2, task, prefix_length=length, init="task_words", words=words)
    written = DiscretePrompt(gpt2, task, template=words + task.template.text)
    close(scores(gpt2, method, task, task.test), scores(gpt2, written, task, task.test))


@pytest.mark.parametrize(("name", "knobs"), METHODS[1:])
def test_padding_on_the_left_changes_nothing(lm, task, name, knobs):
    method = create(name, lm, task, **knobs)
    given = method.conditioning()
    rows = method.rows(lm, task.test, task)
    batch = collate(rows, lm.padding)
    together = lm.hidden_states(batch.tokens, batch.mask, given)
    assert not batch.mask.all()
    for row, hidden in zip(rows, together, strict=True):
        alone = lm.hidden_states(torch.tensor([row.prompt]), given=given)[0]
        close(hidden[-len(row.prompt) :], alone)


@every_method
@pytest.mark.parametrize("answers", ANSWERS)
def test_a_batch_scores_as_its_examples_one_by_one(lm, task, name, knobs, answers):
    asked = replace(task, verbalizer=Verbalizer(answers))
    method = moved(create(name, lm, asked, **knobs))
    alone = scores(lm, method, asked, asked.test, batch_size=1)
    close(scores(lm, method, asked, asked.test, batch_size=5), alone)


def test_one_token_answers_score_as_the_whole_logits_at_their_rows(lm, task):
    method = DiscretePrompt(lm, task)
    rows = method.rows(lm, task.test, task)
    ours = scores(lm, method, task, task.test)
    answers = [answer[0] for answer in rows[0].answers]
    assert [len(answer) for answer in rows[0].answers] == [1, 1]
    for row, scored in zip(rows, ours, strict=True):
        with plain(lm, "sdpa") as model, torch.no_grad():
            close(scored, model(torch.tensor([row.prompt])).logits[0, -1, answers])


@pytest.mark.parametrize("answers", [ANSWERS[1], ("积极", "中立", "消极")])
def test_longer_answers_score_as_the_sum_of_their_log_probabilities(lm, task, answers):
    asked = replace(task, verbalizer=Verbalizer(answers), template=Template("{x}\n情感:{y}"))
    method = DiscretePrompt(lm, asked)
    rows = method.rows(lm, asked.test, asked)
    assert max(len(answer) for answer in rows[0].answers) > 1
    naive = [[log_probability(lm, row.prompt, answer) for answer in row.answers] for row in rows]
    close(scores(lm, method, asked, asked.test), torch.tensor(naive))


def test_free_text_scores_as_the_sum_of_its_log_probabilities(lm, task):
    free = replace(
        task, verbalizer=None, test=task.test.map(lambda row: {"y": f"it is {row['x']}"})
    )
    method = DiscretePrompt(lm, free)
    rows = method.rows(lm, free.test, free)
    assert all(row.answers[0][-1] == lm.tokenizer.eos_token_id for row in rows)
    naive = [[log_probability(lm, row.prompt, row.answers[0])] for row in rows]
    close(scores(lm, method, free, free.test), torch.tensor(naive))


def test_demonstrations_read_once_are_demonstrations_before_every_query(lm, task):
    method = InContextLearning(lm, task, demonstrations=3)
    text = SEPARATOR.join([*method.texts, task.template.text])
    written = DiscretePrompt(lm, task, template=text)
    close(scores(lm, method, task, task.test), scores(lm, written, task, task.test))


@pytest.mark.parametrize(("name", "knobs"), REPARAMETERIZED)
def test_dropping_the_reparameterization_changes_no_score(lm, task, name, knobs):
    method = create(name, lm, task, **knobs)
    cost = type(method).cost(lm.geometry, **knobs)
    with_network = scores(lm, method, task, task.test)
    assert method.parameters_now() == cost.trained
    method.drop_reparameterization()
    assert method.parameters_now() == cost.stored
    assert torch.equal(scores(lm, method, task, task.test), with_network)


@pytest.mark.parametrize("layers", [(0,), (2,), (0, 2), (1, 2)])
def test_layers_without_a_prefix_attend_to_the_text_alone(lm, task, tokens, layers):
    past = PrefixTuning(lm, task, prefix_length=5, init="matched").conditioning().past
    chosen = Past(past.keys[list(layers)], past.values[list(layers)], layers)
    with torch.no_grad():
        ours = lm.logits(tokens, Conditioning(past=chosen))
    close(ours, logits_with_prefix_in(layers, lm, tokens, past))
    in_all = logits_with_prefix_in(tuple(range(lm.geometry.layers)), lm, tokens, past)
    assert not torch.allclose(ours, in_all, atol=1e-2)


def test_recorded_attention_is_that_of_transformers(lm, task):
    tokens = torch.tensor([lm.encode(TEXT)])
    past = lm.read_past("so ")
    with torch.no_grad():
        recorded = lm.attention_weights(tokens, given=Conditioning(past=past))
    with plain(lm) as model, torch.no_grad():
        words = torch.cat([torch.tensor([lm.encode("so ")]), tokens], 1)
        theirs = model(words, output_attentions=True).attentions
    assert len(recorded) == lm.geometry.layers
    for ours, whole in zip(recorded, theirs, strict=True):
        close(ours.sum(-1), torch.ones(ours.shape[:-1]))
        close(ours, whole[:, :, past.length :])


def test_attention_mass_is_what_the_last_position_pays_to_the_prefix(lm, task):
    method = PrefixTuning(lm, task, prefix_length=4, layers="0,2", words="so it was a film")
    mass = attention_mass(lm, method, TEXT)
    assert mass.shape == (lm.geometry.layers, lm.geometry.heads)
    assert ((mass >= 0) & (mass <= 1)).all()
    with_prefix = torch.zeros(lm.geometry.layers, dtype=torch.bool)
    with_prefix[[0, 2]] = True
    assert (mass[with_prefix] > 0).all()
    assert (mass[~with_prefix] == 0).all()


def test_attention_mass_on_real_words_is_that_of_transformers(gpt2, task):
    words = "so it was a film"
    length = len(gpt2.encode(words))
    method = PrefixTuning(gpt2, task, prefix_length=length, words=words)
    with plain(gpt2) as model, torch.no_grad():
        ids = gpt2.encode(words) + gpt2.encode(TEXT)
        theirs = model(torch.tensor([ids]), output_attentions=True).attentions
    expected = torch.stack([weights[0, :, -1, :length].sum(-1) for weights in theirs])
    close(attention_mass(gpt2, method, TEXT), expected)
