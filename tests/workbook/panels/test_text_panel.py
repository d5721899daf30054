"""The panel of written texts, driven as a page would drive it."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from prefixlab import Backbone, Decoding, Task, create, tasks
from prefixlab.evaluation.text_metrics import slots
from prefixlab.workbook import experiments
from prefixlab.workbook.panels import TextPanel, marked, texts

TABLE = "name[The Tin Otter], food[Thai], price[cheap]"
TEXT = "The Tin Otter serves Greek food & <b>more</b>."


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run of the grid, on three tables: a text says what it is of."""
    rows = []
    for wanted in experiments.table_to_text():
        kinds = {"": "seen", "unseen_": "unseen"}
        for kind, name in kinds.items():
            where = f"{wanted['method']} {wanted['train']} {name}"
            wanted[f"{kind}texts"] = [f"{where} {number}" for number in range(3)]
            wanted |= {f"{kind}bleu": 10.0 * len(name) + wanted["seed"], f"{kind}slot_error": 0.5}
        rows.append(json.dumps(wanted | {"backbone": "tiny-gpt2", "test": 3}))
    (tmp_path / "table_to_text.jsonl").write_text("\n".join(rows))
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)


@pytest.fixture
def panel(recorded: None, gpt2: Backbone, monkeypatch: pytest.MonkeyPatch) -> TextPanel:
    """On a model that says how it was asked to write; its own positions are too few for a table."""

    def generate(lm, method, task, tables, **knobs):
        asked = Decoding.of("generate", knobs)
        return [f"{method.name} {asked.strategy} {asked.beams} {asked.seed} {tables[0]}"]

    monkeypatch.setattr(texts, "generate", generate)
    task = tasks.load("restaurants", train=4, validation=1, test=3)
    writers = {
        "<i>mine</i>": create("prefix_tuning", gpt2, task, prefix_length=2),
        "words": create("discrete_prompt", gpt2, task),
    }
    return TextPanel(gpt2, writers)


def test_the_slots_of_a_text_are_marked_and_what_is_no_markup_stays_text() -> None:
    html = marked(TEXT, slots([TEXT], [TABLE])[0])
    assert 'title="name: The Tin Otter">The Tin Otter</span>' in html
    assert 'title="food: Thai">Greek ✗</span>' in html
    assert "not said: price cheap ✗" in html
    assert "&amp; &lt;b&gt;more&lt;/b&gt;." in html


def test_an_invented_value_is_wrong_and_a_word_is_marked_once() -> None:
    text = "The Tin Otter is a cheap Thai pub near Osier Park, Osier Park."
    html = marked(text, slots([text], [TABLE])[0])
    assert html.count('title="near: not in the table">Osier Park ✗') == 2
    assert html.count("✗") == 3  # the pub is invented too
    assert "not said" not in html


def test_a_slider_is_answered_from_the_records(panel: TextPanel) -> None:
    assert "discrete_prompt 200 seen 0" in panel.words.value
    panel.controls["table"].value = 3
    panel.controls["run"].value = "prefix of 10 from task words"
    panel.controls["train"].value = 50
    assert "prefix_tuning 50 seen 2" in panel.words.value
    assert "BLEU 41.0 (40.0 to 42.0), 50% of slots wrong" in panel.words.value
    panel.controls["kinds"].value = "unseen"
    assert "prefix_tuning 50 unseen 2" in panel.words.value
    assert "BLEU 61.0" in panel.words.value


def test_what_was_not_recorded_is_said(panel: TextPanel) -> None:
    panel.controls["run"].value = "four demonstrations"
    panel.controls["train"].value = 50
    assert "Recorded with 200 training tables only." in panel.words.value
    assert "in_context" not in panel.words.value


def test_a_reference_stands_with_every_table(panel: TextPanel) -> None:
    for kind, name in (("seen", "restaurants"), ("unseen", "restaurants_unseen")):
        panel.controls["kinds"].value = kind
        there = tasks.references(tasks.load(name, test=3).test)
        assert panel.table == list(there)[panel.controls["table"].value - 1]
        assert panel.texts["a reference"] == there[panel.table][0]


@pytest.mark.parametrize("strategy", ["greedy", "beam", "sample"])
def test_write_lets_every_method_write_this_table(
    panel: TextPanel, press: Callable, strategy: str
) -> None:
    panel.controls["strategy"].value = strategy
    panel.controls["beams"].value = 2
    press(panel, lambda: None)
    assert f"&lt;i&gt;mine&lt;/i&gt; ({strategy})" in panel.words.value
    asked = f"{strategy} 2 1 {panel.table}"
    assert panel.yours[panel.table] == {
        f"<i>mine</i> ({strategy})": f"prefix_tuning {asked}",
        f"words ({strategy})": f"discrete_prompt {asked}",
    }
    panel.controls["table"].value = 2  # another table: what was written for the first is not its
    assert f"({strategy})" not in panel.words.value


def test_a_sample_is_another_with_every_press(panel: TextPanel, press: Callable) -> None:
    panel.controls["strategy"].value = "sample"
    drawn = []
    for _ in range(2):
        press(panel, lambda: None)
        drawn.append(panel.texts["words (sample)"])
    assert drawn[0] != drawn[1]


def test_stop_keeps_what_is_written(panel: TextPanel, press: Callable) -> None:
    press(panel, panel.stop_button.click)
    assert set(panel.yours[panel.table]) == {"<i>mine</i> (greedy)"}
    assert not panel.button.disabled


def test_a_text_too_long_for_the_model_is_told(recorded: None, gpt2: Backbone, task: Task) -> None:
    panel = TextPanel(gpt2, {"words": create("discrete_prompt", gpt2, task)})
    asyncio.run(panel.write())
    assert "That does not work" in panel.status.value
    assert "128 positions" in panel.status.value
    assert not panel.button.disabled


def test_without_records_there_are_the_tables_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpt2: Backbone
) -> None:
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)
    panel = TextPanel(gpt2, {})
    assert "Nothing is recorded." in panel.words.value
    assert list(panel.texts) == ["a reference"]


def test_the_picture_holds_the_texts(panel: TextPanel) -> None:
    words = " ".join(panel.described())
    assert "discrete_prompt 200 seen 0" in words
    assert panel.table.split(",")[0] in words
    assert panel.picture().startswith(b"\x89PNG")
