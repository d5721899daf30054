"""One sentence without many parts at once: each case as if that part alone were taken away."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from reference import close

from prefixlab import Verbalizer, attention_mass, create
from prefixlab.data.examples import dataset
from prefixlab.evaluation.choices import scores
from prefixlab.workbook import ablation
from prefixlab.workbook.ablation import Away, OneSentence
from prefixlab.workbook.interpretation import Ablated

SENTENCE = "a warm and funny film"
ONE = dataset([(SENTENCE, 0)])


def answers(lm, method, task):
    return scores(lm, method, task, ONE).softmax(1)


CHOICE, TEXTS = ("negative", "positive"), ("not worth it", "not a joy")


@pytest.mark.parametrize(
    ("made_for", "kind", "words"),
    [
        ("gpt2", "prefix_tuning", CHOICE),
        ("gpt2", "prefix_tuning", TEXTS),  # scored whole, each a row of the batch
        ("llama", "prefix_tuning", CHOICE),
        ("bert", "p_tuning_v2", CHOICE),
    ],
)
def test_each_case_is_the_method_without_its_part(made_for, kind, words, task, request):
    lm = request.getfixturevalue(made_for)
    task = replace(task, verbalizer=Verbalizer(words))
    prefix = create(kind, lm, task, prefix_length=3, layers="0-1")
    with torch.no_grad():
        for parameter in prefix.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(0))
    cases = [Away.of()]
    cases += [Away.of(positions=[number]) for number in range(3)]
    cases += [Away.of(layers=[number]) for number in range(2)]
    cases += [Away.of([number], [layer]) for number, layer in product(range(3), range(2))]
    alone = [prefix]
    alone += [Ablated(prefix, token=number) for number in range(3)]
    alone += [Ablated(prefix, layer=number) for number in range(2)]
    alone += [
        Ablated(Ablated(prefix, layer=layer), token=number)
        for number, layer in product(range(3), range(2))
    ]
    assert len(cases) > ablation.BATCH
    ours = OneSentence(lm, prefix, task, SENTENCE).answers(cases)
    close(ours, torch.cat([answers(lm, each, task) for each in alone]))
    assert ours.std(0).min() > 0  # the parts do make a difference


def test_of_a_prompt_the_virtual_token_itself_goes(tiny, task):
    prompt = create("prompt_tuning", tiny, task, prompt_length=3)
    cases = [Away.of(), Away.of([0]), Away.of([1, 2])]
    alone = [prompt, Ablated(prompt, token=0), Ablated(Ablated(prompt, token=1), token=2)]
    ours = OneSentence(tiny, prompt, task, SENTENCE).answers(cases)
    close(ours, torch.cat([answers(tiny, each, task) for each in alone]))


def test_attention_is_that_of_the_position_that_answers(tiny, task):
    prefix = create("prefix_tuning", tiny, task, prefix_length=3, layers="1")
    attention = OneSentence(tiny, prefix, task, SENTENCE).attention()
    text = task.template.prompt(SENTENCE)
    assert attention.shape == (3, 4, 3 + len(tiny.encode("".join(map(str, text)))))
    close(attention.sum(-1), torch.ones(3, 4))
    close(attention[..., :3].sum(-1), attention_mass(tiny, prefix, "".join(map(str, text))))
    assert (attention[0, :, :3] == 0).all()


def test_what_is_trained_later_changes_nothing(gpt2, task):
    prefix = create("prefix_tuning", gpt2, task, prefix_length=2)
    asked = OneSentence(gpt2, prefix, task, SENTENCE)
    before = asked.answers([Away.of()])
    with torch.no_grad():
        for parameter in prefix.parameters():
            parameter.normal_()
    assert torch.equal(asked.answers([Away.of()]), before)
    assert not torch.equal(answers(gpt2, prefix, task), before)


def test_what_has_no_virtual_positions_is_refused(gpt2, t5, task):
    with pytest.raises(ValueError, match="discrete_prompt on tiny-gpt2 has no virtual positions"):
        OneSentence(gpt2, create("discrete_prompt", gpt2, task), task, SENTENCE)
    with pytest.raises(ValueError, match="take a prompt or a prefix, on a causal model"):
        OneSentence(t5, create("prompt_tuning", t5, task), task, SENTENCE)
    prefix = create("prefix_tuning", gpt2, task)
    with pytest.raises(ValueError, match="has no answer space"):
        OneSentence(gpt2, prefix, replace(task, verbalizer=None), SENTENCE)
