"""The panel of written texts, driven as a page would drive it."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from made_records import complete

from prefixlab import Backbone, Decoding, Task, create, tasks
from prefixlab.evaluation.text_metrics import slots
from prefixlab.workbook import records
from prefixlab.workbook.grids import families
from prefixlab.workbook.panels import TextPanel, marked, texts
from prefixlab.workbook.protocol import Run

TABLE = "name[The Tin Otter], food[Thai], price[cheap]"
TEXT = "The Tin Otter serves Greek food & <b>more</b>."


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The grid, complete: a text says what it is of."""
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    rows = [
        row
        for family in families("table_to_text")
        for row in complete(family, family.middle or 0.0, written, "tiny-gpt2")
    ]
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    (tmp_path / "table_to_text.jsonl").write_text(lines)


def written(run: Run) -> Run:
    """Better with every seed, and one slot more is missing."""

    def judged(kind: str, strategy: str) -> Run:
        what = f"{run['family']} {run['train']} {kind} {strategy}"
        counts = {"slots": 40, "missing": 10 + run["seed"], "wrong": 4, "invented": 1}
        texts = [f"{what} {number}" for number in range(24)]
        return {"bleu": 10.0 * len(kind) + run["seed"], "texts": texts} | counts

    def tested(kind: str) -> Run:
        return {strategy: judged(kind, strategy) for strategy in ("greedy", "beam")}

    return tested("seen") | {"elsewhere": {"restaurants_unseen": tested("unseen")}}


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
    assert "tables, prefix, task_words 200 seen greedy 0" in panel.words.value
    panel.controls["table"].value = 3
    panel.controls["run"].value = "all weights"
    panel.controls["train"].value = 50
    assert "tables, all weights 50 seen greedy 2" in panel.words.value
    said = "BLEU 41.0 (40.0 to 42.0); of 40 slots 11 missing, 4 wrong, 1 invented (3 seeds"
    assert said in panel.words.value
    panel.controls["kinds"].value = "unseen"
    assert "tables, all weights 50 unseen greedy 2" in panel.words.value
    assert "BLEU 61.0" in panel.words.value


def test_the_recorded_text_is_that_of_the_same_search(panel: TextPanel) -> None:
    how = {"greedy": "greedily", "beam": "by beam search"}
    for strategy, shown in (("beam", "beam"), ("sample", "greedy"), ("greedy", "greedy")):
        panel.controls["strategy"].value = strategy
        name = f"recorded: prefix of 10 from the task's words ({how[shown]})"
        assert panel.texts[name] == f"tables, prefix, task_words 200 seen {shown} 0"


def test_what_trains_nothing_has_one_run(panel: TextPanel) -> None:
    panel.controls["run"].value = "no training"
    assert "BLEU 40.0; of 40 slots 10 missing, 4 wrong, 1 invented (one seed)" in panel.words.value


def test_only_runs_at_the_chosen_rate_are_shown(panel: TextPanel) -> None:
    of_one = panel.recorded["all weights", 200]
    assert [run["seed"] for run in of_one] == [0, 1, 2]
    assert len({run["rate"] for run in of_one}) == 1
    assert not any("E2E" in name for name, _ in panel.recorded)


def test_what_was_not_recorded_is_said(panel: TextPanel) -> None:
    panel.controls["run"].value = "prefix of 1 from the task's words"
    panel.controls["train"].value = 50
    assert "Recorded with 200 training tables only." in panel.words.value
    assert list(panel.texts) == ["a reference"]


def test_a_reference_stands_with_every_table(panel: TextPanel) -> None:
    for kind, name in (("seen", "restaurants"), ("unseen", "restaurants_unseen")):
        panel.controls["kinds"].value = kind
        there = tasks.references(tasks.load(name, test=24).test)
        assert panel.table == list(there)[panel.controls["table"].value - 1]
        assert panel.texts["a reference"] == there[panel.table][0]


@pytest.mark.parametrize(
    ("strategy", "how"),
    [("greedy", "greedily"), ("beam", "by beam search"), ("sample", "by sampling")],
)
def test_write_lets_every_method_write_this_table(
    panel: TextPanel, press: Callable, strategy: str, how: str
) -> None:
    panel.controls["strategy"].value = strategy
    panel.controls["beams"].value = 2
    press(panel, lambda: None)
    assert f"&lt;i&gt;mine&lt;/i&gt; ({how})" in panel.words.value
    asked = f"{strategy} 2 1 {panel.table}"
    assert panel.yours[panel.table] == {
        f"<i>mine</i> ({how})": f"prefix_tuning {asked}",
        f"words ({how})": f"discrete_prompt {asked}",
    }
    panel.controls["table"].value = 2  # another table: what was written for the first is not its
    assert "mine" not in panel.words.value


def test_a_sample_is_another_with_every_press(panel: TextPanel, press: Callable) -> None:
    panel.controls["strategy"].value = "sample"
    drawn = []
    for _ in range(2):
        press(panel, lambda: None)
        drawn.append(panel.texts["words (by sampling)"])
    assert drawn[0] != drawn[1]


def test_stop_keeps_what_is_written(panel: TextPanel, press: Callable) -> None:
    press(panel, panel.stop_button.click)
    assert set(panel.yours[panel.table]) == {"<i>mine</i> (greedily)"}
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
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    panel = TextPanel(gpt2, {})
    assert "Nothing is recorded." in panel.words.value
    assert list(panel.texts) == ["a reference"]


def test_only_what_the_way_of_writing_uses_is_shown(panel: TextPanel) -> None:
    def shown() -> set[str]:
        return {
            name
            for name in ("beams", "temperature", "top_p")
            if panel.controls[name].layout.display != "none"
        }

    used = {"greedy": set(), "beam": {"beams"}, "sample": {"temperature", "top_p"}}
    for strategy, knobs in used.items():
        panel.controls["strategy"].value = strategy
        assert shown() == knobs


def test_the_picture_holds_the_texts(panel: TextPanel) -> None:
    words = " ".join(panel.described())
    assert "tables, prefix, task_words 200 seen greedy 0" in words
    assert panel.table.split(",")[0] in words
    assert panel.picture().startswith(b"\x89PNG")
