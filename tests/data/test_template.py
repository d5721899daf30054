"""The template language, and the answers that a verbalizer stands for."""

from dataclasses import replace

import pytest
import torch

from prefixlab import (
    DiscretePrompt,
    Template,
    Verbalizer,
    create,
    evaluation,
    train,
)
from prefixlab.data.examples import dataset
from prefixlab.data.template import MOST_SOFT, Soft, unknown_share


def test_a_template_reads_as_texts_fields_and_soft_slots():
    template = Template("{soft:3}{x} so{soft:2} it is: {y}")
    assert template.prompt("good") == [Soft(0, 3), "good so", Soft(3, 2), " it is:"]
    assert template.virtual_tokens == 5


@pytest.mark.parametrize(
    ("text", "prompt", "lead"),
    [
        ("Review: {x}\nSentiment: {y}", ["Review: X\nSentiment:"], " "),
        ("Review: {x}\nSentiment:{y}", ["Review: X\nSentiment:"], ""),
        ("{x}\n{y}", ["X\n"], ""),
        ("{x}{y}", ["X"], ""),
        ("{x} {y} indeed", ["X"], " "),
        ("{x}{soft:1} {y}", ["X", Soft(0, 1)], " "),
    ],
)
def test_a_space_before_the_answer_belongs_to_the_answer(text, prompt, lead):
    assert Template(text).prompt("X") == prompt
    assert Template(text).answer_lead == lead


def test_twice_a_brace_is_a_brace():
    template = Template("{{a}} {x}: {y}")
    assert template.prompt("{b}") == ["{a} {b}:"]
    assert template.fill("{b}", "c") == "{a} {b}: c"


def test_a_filled_template_is_a_demonstration_without_soft_slots():
    assert Template("{soft:4}{x} was {y}!").fill("it", "good") == "it was good!"


def test_answers_are_encoded_with_the_space_before_them(tiny):
    encoded = Verbalizer(("negative", "positive")).encode(tiny.tokenizer, " ")
    assert [tiny.tokenizer.decode(ids) for ids in encoded] == [" negative", " positive"]


def test_answers_carry_no_start_token(llama):
    (first, *_), *_ = Verbalizer(("negative", "positive")).encode(llama.tokenizer)
    assert first != llama.tokenizer.bos_token_id


@pytest.mark.real
@pytest.mark.parametrize("lead", ["", " "])
def test_chinese_answers_can_be_told_apart(smollm2, lead):
    words = ("积极", "中立", "消极")
    encoded = Verbalizer(words).encode(smollm2.tokenizer, lead)
    assert tuple(smollm2.tokenizer.decode(ids).strip() for ids in encoded) == words
    assert min(len(ids) for ids in encoded) > 1


ANSWERS = [
    ("0", "1"),
    tuple(str(number) for number in range(1, 11)),
    ("سلبي", "إيجابي"),
    ("👍", "👎"),
    ("comp.graphics", "comp.sys.mac.hardware", "comp.sys.ibm.pc.hardware"),
    ("again", "again and again"),
    ("good", "goodness", "good film"),
]


def by_hand(lm, prompt, answer):
    """The sum of the answer's log-probabilities, read one after another."""
    ids = torch.tensor([[*prompt, *answer]], device=lm.device)
    log_p = lm.logits(ids)[0].log_softmax(-1)  # [positions, vocabulary]
    return sum(log_p[len(prompt) - 1 + at, token].item() for at, token in enumerate(answer))


@pytest.mark.parametrize("words", ANSWERS, ids=lambda words: words[-1])
@pytest.mark.parametrize("space", ["", " ", "  "])
def test_answers_that_begin_alike_are_scored_whole(tiny, task, words, space):
    template = Template(f"{{x}}:{space}{{y}}")
    asked = replace(task, template=template, verbalizer=Verbalizer(words))
    examples = dataset([("a fine film", 0), ("dull", 1)])
    found = evaluation.scores(tiny, DiscretePrompt(tiny, asked), asked, examples).log_softmax(1)
    encoded = [tiny.tokenizer(space + word, add_special_tokens=False).input_ids for word in words]
    nested = any(
        one is not other and other[: len(one)] == one for one in encoded for other in encoded
    )
    end = [tiny.tokenizer.eos_token_id] if nested else []
    for x, row in zip(examples["x"], found, strict=True):
        prompt = tiny.encode(f"{x}:")
        sums = torch.tensor([by_hand(tiny, prompt, [*ids, *end]) for ids in encoded])
        torch.testing.assert_close(row, sums.log_softmax(0), atol=1e-4, rtol=1e-4)


def test_an_answer_that_begins_another_can_lose_to_it(gpt2, task):
    """Without an end of the answer log p(1 0) = log p(1) + log p(0 | 1) is never above log p(1)."""
    longer = dataset([(x, 1) for x in task.test["x"]])
    asked = replace(task, train=longer, test=longer, verbalizer=Verbalizer(("good", "good film")))
    method = create("fine_tuning", gpt2, asked)
    assert evaluation.evaluate(gpt2, method, asked).accuracy == 0
    list(train(gpt2, method, asked, steps=6, batch_size=8, learning_rate=0.01))
    assert evaluation.evaluate(gpt2, method, asked).accuracy > 0.8


def test_labels_may_be_the_same_words_to_a_head(bert, task):
    """BERT's tokenizer drops case and accents; a head reads no words."""
    asked = replace(task, verbalizer=Verbalizer(("Good", "good", "★")))
    rows = create("linear_probe", bert, asked).rows(bert, task.test, asked)
    assert rows[0].answers == [[0], [1], [2]]
    with pytest.raises(ValueError, match="'Good' and 'good' are the same tokens"):
        bert.rows(asked.template, task.test, asked.verbalizer)


def test_a_method_with_a_head_takes_labels_that_words_could_not_be(gpt2, task):
    asked = replace(task, verbalizer=Verbalizer(("a b", "a b c")))
    method = create("p_tuning_v2", gpt2, asked, prefix_length=2, classifier="head")
    assert method.rows(gpt2, task.test, asked)[0].answers == [[0], [1]]


def test_words_may_be_given_as_a_list():
    assert Verbalizer(["bad", "good"]).words == ("bad", "good")


@pytest.mark.parametrize("word", ["坏 film", "★"])
def test_an_answer_of_unknown_characters_is_refused(bert, word):
    with pytest.raises(ValueError, match="characters that the model's tokenizer does not know"):
        Verbalizer(("film", word)).encode(bert.tokenizer)


def test_texts_that_are_mostly_unknown_are_refused(bert, gpt2, task):
    method, odd = create("linear_probe", bert, task), ["这部电影很好看", "这部电影很难看"]
    with pytest.raises(ValueError, match=r"100% of the tokens .* are unknown .*'\[UNK\]'"):
        method.rows(bert, dataset([(x, 0) for x in odd]), task)
    assert method.rows(bert, dataset([("a film ★", 0)]), task)
    assert unknown_share(bert.tokenizer, ["a film 好", "dull"]) == pytest.approx(1 / 4)
    assert unknown_share(gpt2.tokenizer, odd) == 0
    assert unknown_share(bert.tokenizer, []) == 0


def test_soft_slots_are_counted_in_all():
    half = MOST_SOFT // 2
    assert Template(f"{{soft:{half}}}{{x}}{{soft:00{half}}}{{y}}").virtual_tokens == MOST_SOFT
    with pytest.raises(ValueError, match="more than 1000 soft slots in all"):
        Template(f"{{soft:{half}}}{{x}}{{soft:{half + 1}}}{{y}}")


def test_two_spaces_before_the_answer_are_both_its_own(tiny, task):
    asked = replace(task, template=Template("{x}  {y}"))
    encoded = asked.verbalizer.encode(tiny.tokenizer, asked.template.answer_lead)
    assert [tiny.tokenizer.decode(ids) for ids in encoded] == ["  negative", "  positive"]
    assert evaluation.predict(tiny, DiscretePrompt(tiny, asked), asked, ["dull"]).shape == (1, 2)
