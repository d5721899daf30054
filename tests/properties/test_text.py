"""Whatever is typed: templates, answers, layers and judged texts keep to their rules."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ipywidgets as widgets
import pytest
from hypothesis import assume, given, settings, strategies as st

from prefixlab import Template, Verbalizer, geometry, judge_texts
from prefixlab.data.batching import one_begins_another
from prefixlab.data.restaurants import SLOTS, spoken
from prefixlab.data.template import Soft, X, Y
from prefixlab.evaluation.text_metrics import slots
from prefixlab.methods.in_context import permutation
from prefixlab.methods.prefix_tuning import parse_layers
from prefixlab.workbook.panels.base import shown, typed
from prefixlab.workbook.panels.playground import apart, listed
from prefixlab.workbook.panels.slots import SlotEditor, parse, refill, soft_slots, write

ANY = st.text(st.characters(codec="utf-8"), max_size=20)
# What has a meaning in a box or in a template, more often than chance would have it.
TRICKY = st.text(st.sampled_from("{}\\nxy:soft31 \n/／a好"), max_size=20)
WRITTEN = st.one_of(ANY, TRICKY)
LITERAL = WRITTEN.map(lambda text: text.replace("{", "{{").replace("}", "}}"))
SLOT = st.integers(1, 9).map(lambda count: f"{{soft:{count}}}")


@st.composite
def templates(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A template, and the pieces that it is put together of."""
    before = draw(st.lists(st.one_of(LITERAL, SLOT), max_size=5))
    at = draw(st.integers(0, len(before)))
    pieces = [*before[:at], "{x}", *before[at:], "{y}", draw(LITERAL)]
    return "".join(pieces), pieces


def refusal(of: Callable[[], Any]) -> str:
    """The sentence of a mistake; nothing where it is none."""
    try:
        of()
    except ValueError as error:
        return str(error)
    return ""


def plain(piece: str) -> str:
    return piece.replace("{{", "{").replace("}}", "}")


@settings(max_examples=150)
@given(templates(), WRITTEN, WRITTEN)
def test_a_template_is_the_sum_of_its_pieces(template, x, y):
    text, pieces = template
    parsed = Template(text)
    fields = {"{x}": x, "{y}": y}
    soft = [piece for piece in pieces if piece.startswith("{soft:")]
    kept = [fields.get(piece, plain(piece)) for piece in pieces if piece not in soft]
    assert parsed.fill(x, y) == "".join(kept)
    assert parsed.virtual_tokens == sum(int(piece[6:-1]) for piece in soft)
    firsts = [part.first for part in parsed.parts if isinstance(part, Soft)]
    lengths = [part.length for part in parsed.parts if isinstance(part, Soft)]
    assert firsts == [sum(lengths[:at]) for at in range(len(lengths))]
    assert [parsed.parts.count(field) for field in (X, Y)] == [1, 1]


@settings(max_examples=100)
@given(templates(), WRITTEN)
def test_prompt_lead_and_answer_are_the_filled_template(template, x):
    parsed = Template(template[0])
    prompt = "".join(part for part in parsed.prompt(x) if isinstance(part, str))
    end = parsed.parts[-1] if isinstance(parsed.parts[-1], str) else ""
    assert f"{prompt}{parsed.answer_lead}ANSWER{end}" == parsed.fill(x, "ANSWER")
    assert not parsed.answer_lead.strip(" ")


@settings(max_examples=150)
@given(WRITTEN)
def test_any_text_is_a_template_or_a_mistake_in_one_line(text):
    said = refusal(lambda: Template(text))
    assert not said or said.endswith(".")
    assert "\n" not in said


@settings(max_examples=200)
@given(WRITTEN)
def test_a_box_gives_back_what_it_shows(text):
    assert "\n" not in shown(text)
    assert typed(shown(text)) == text


@settings(max_examples=200)
@given(st.one_of(WRITTEN, templates().map(lambda template: template[0])))
def test_an_editor_leaves_nothing_out(text):
    words, gaps = parse(shown(text))
    assert typed(write(words, gaps)) == text


@settings(max_examples=60)
@given(templates(), st.data())
def test_a_press_changes_the_slots_of_one_gap_alone(template, data):
    text, _ = template
    box = widgets.Text(value=shown(text))
    editor = SlotEditor(box)
    last = editor.words.index(next(word for word in editor.words if "{y}" in word))
    pressed = data.draw(st.integers(0, last))
    count = soft_slots(editor.spaces[pressed])
    editor.gaps[pressed].click()
    before, after = Template(text), Template(typed(box.value))
    assert after.fill("X", "Y") == before.fill("X", "Y")
    assert after.virtual_tokens - before.virtual_tokens == (count + 1) % 5 - count


@settings(max_examples=60)
@given(st.integers(0, 4), st.integers(1, 4))
def test_a_gap_holds_as_many_slots_as_it_is_given(first, second):
    assert soft_slots(refill(refill("", first), second)) == second


@settings(max_examples=150)
@given(st.lists(WRITTEN.map(str.strip).filter(bool), min_size=1, max_size=5))
def test_answers_come_back_from_their_box(words):
    assert apart(listed(words)) == tuple(words)


@settings(max_examples=100)
@given(words=st.lists(WRITTEN, max_size=6))
def test_answers_are_told_apart_or_refused(gpt2, words):
    said = refusal(lambda: Verbalizer(tuple(words)).encode(gpt2.tokenizer, " "))
    assert "\n" not in said
    assert bool(said) == (len(set(words)) < max(2, len(words)) or not all(map(str.strip, words)))
    if not said:
        encoded = Verbalizer(tuple(words)).encode(gpt2.tokenizer, " ")
        assert len({tuple(ids) for ids in encoded}) == len(words)
        assert gpt2.tokenizer.batch_decode(encoded) == [f" {word}" for word in words]


@settings(max_examples=100)
@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=4), max_size=6, unique_by=tuple))
def test_whether_an_answer_begins_another_is_seen(answers):
    expected = any(
        one != other and other[: len(one)] == one for one in answers for other in answers
    )
    assert one_begins_another(answers) == expected


@settings(max_examples=150)
@given(st.integers(1, 40), st.text("0123456789-,: firstla", max_size=12))
def test_layers_are_layers_of_the_model_or_a_mistake(layers, text):
    size = replace(geometry("gpt2"), layers=layers)
    said = refusal(lambda: parse_layers(text, size))
    assert not said or "names no layers" in said
    if not said:
        chosen = parse_layers(text, size)
        assert chosen == tuple(sorted(set(chosen)))
        assert 0 <= chosen[0] <= chosen[-1] < layers


@settings(max_examples=100)
@given(st.sets(st.integers(0, 11), min_size=1), st.randoms(use_true_random=False))
def test_layers_that_are_listed_are_those(chosen, source):
    listing = [str(layer) for layer in chosen]
    source.shuffle(listing)
    assert parse_layers(",".join(listing), geometry("gpt2")) == tuple(sorted(chosen))


@settings(max_examples=60)
@given(st.integers(0, 6), st.data())
def test_every_order_is_one_of_its_own(k, data):
    orders = [0, *data.draw(st.lists(st.integers(0, [1, 1, 2, 6, 24, 120, 720][k] - 1)))]
    assert len({tuple(permutation(range(k), order)) for order in orders}) == len(set(orders))


@settings(max_examples=100, deadline=None)
@given(st.lists(ANY.filter(str.strip), min_size=1, max_size=3))
def test_identical_texts_are_perfect(texts):
    assume(all(text.split() for text in texts))
    result = judge_texts(texts, {str(at): [text] for at, text in enumerate(texts)})
    assert result.bleu == pytest.approx(100)
    assert result.rouge_l == pytest.approx(100)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*"aé 好のไб."]), max_size=12).map("".join), ANY.filter(str.strip))
def test_scores_are_from_0_to_100(text, reference):
    result = judge_texts([text], {"a": [reference]})
    assert 0 <= result.bleu <= 100.0001
    assert 0 <= result.rouge_l <= 100.0001


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(sorted(SLOTS)), unique=True), st.data(), WRITTEN)
def test_what_is_said_as_the_table_has_it_is_right(names, data, noise):
    table = {name: data.draw(st.sampled_from(SLOTS[name])) for name in SLOTS if name in names}
    mr = ", ".join(f"{name}[{value}]" for name, value in table.items())
    for slot in slots([noise], [mr])[0]:
        for value, start, end in slot.spoken:
            assert value in SLOTS[slot.name] or noise[start:end].lower() == value.lower()
    values = " . ".join(value for name, value in table.items() if name in ("name", "food", "near"))
    judged = {slot.name: slot.fault for slot in slots([values], [mr])[0]}
    assert not any(judged.get(name) for name in ("name", "food", "near"))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(SLOTS)), WRITTEN)
def test_places_are_places_of_the_text(slot, text):
    for _, start, end in spoken(slot, text):
        assert 0 <= start < end <= len(text)
