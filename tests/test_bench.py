"""The bench does everything it measures, once, on a tiny model; its numbers mean nothing then."""

import pytest
from reference import close

from benchmarks import bench, our_side, peft_side, texts
from benchmarks.rows import ROWS
from benchmarks.setting import Setting
from benchmarks.texts import QUICK


@pytest.fixture
def at(llama, task, tmp_path, monkeypatch) -> Setting:
    llama.model.save_pretrained(tmp_path)
    llama.tokenizer.save_pretrained(tmp_path)
    monkeypatch.setattr(texts, "films", lambda sizes: task)
    monkeypatch.setattr(texts, "learner", lambda words: task)
    monkeypatch.setattr(texts, "restaurants", lambda sizes: task.text_to_text())
    return Setting(str(tmp_path), "float32", QUICK)


def test_the_quick_way_reports_every_row(at):
    told = bench.main(quick=True, backbone=at.backbone)
    assert all(f"| {name} |" in told for name in ROWS)
    assert "nan" not in told


def test_both_sides_write_the_same_texts(at):
    assert our_side.writing(at)(0)() == peft_side.writing(at)(0)()


def test_both_sides_give_the_same_scores(at):
    close(our_side.scoring(at)(0)(), peft_side.scoring(at)(0)())
