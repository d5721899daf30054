"""The template language, and the answers that a verbalizer stands for."""

import pytest

from prefixlab import Template, Verbalizer
from prefixlab.template import Soft


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
