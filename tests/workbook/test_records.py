"""Records are read as a table of the backbone in use, or of one other."""

import json
from pathlib import Path

import pytest

from prefixlab import Backbone
from prefixlab.models.loading import NAMES, find
from prefixlab.workbook import records
from prefixlab.workbook.grids import GRIDS
from prefixlab.workbook.protocol import Family, Run
from prefixlab.workbook.records import called, recorded, rows_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A prefix recorded on `big` with two seeds, and before that on `small` with one."""
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    family = Family("prefix", "prefix_tuning", {"prefix_length": 10}, 0.003)
    none = Family("none", "discrete_prompt", seeds=1)
    rows = [
        family.run(0, 0.003) | {"backbone": "small"},
        family.run(0, 0.003) | {"backbone": "big"},
        family.run(1, 0.003, {"prefix_length": 1, "train": 32}) | {"backbone": "big"},
        none.run(0, None) | {"backbone": "big"},
    ]
    (tmp_path / "variants.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("small", ["small"]),
        ("big", ["big"] * 3),
        ("other", ["big"] * 3),
        ("", ["small", *["big"] * 3]),
    ],
)
def test_rows_are_of_the_backbone_asked_for_or_of_one_other_and_never_of_a_mix(
    folder: Path, asked: str, shown: list[str]
) -> None:
    assert recorded("variants", asked).backbone.tolist() == shown


def test_a_knob_that_was_set_has_a_column(folder: Path) -> None:
    found = recorded("variants", "big")
    assert found.prefix_length.tolist()[:2] == [10, 1]
    assert found.prefix_length.isna().tolist() == [False, False, True]
    assert found.train.tolist() == [256, 32, 256]
    assert "knobs" not in found
    assert found.rate.isna().tolist() == [False, False, True]


def test_an_unknown_record_is_named_with_those_there_are(folder: Path) -> None:
    with pytest.raises(
        ValueError, match=r"^No runs are recorded as 'mine'; recorded are: variants\.$"
    ):
        recorded("mine")
    (folder / "variants.jsonl").unlink()
    with pytest.raises(ValueError, match=r"recorded are: none\.$"):
        recorded("variants")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("}", r"line 2 is no JSON object \('}'\)"),
        ("{}", "line 2 does not say its 'family'"),
        (json.dumps(Family("f", "m").run(0, None)), "line 2 does not say its 'backbone'"),
    ],
)
def test_a_damaged_record_is_named_with_its_line(folder: Path, line: str, words: str) -> None:
    path = folder / "variants.jsonl"
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([first, line, *rest]) + "\n")
    for read in (recorded, rows_of):
        with pytest.raises(
            ValueError, match=rf"^[^\n]*variants.jsonl is damaged: its {words}; remove that line\.$"
        ):
            read("variants")


@pytest.mark.parametrize("name", NAMES)
def test_rows_call_a_backbone_of_ours_by_its_name(name: str) -> None:
    assert called(name) == name


def test_rows_call_any_other_backbone_as_load_does(
    gpt2: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "mine")
    monkeypatch.setenv("HOME", str(tmp_path))
    for asked in (str(tmp_path / "mine"), "../mine", ".", "~/mine"):
        assert called(asked) == find(asked)[1] == "mine"
    assert called("Qwen/Qwen3-0.6B") == "Qwen3-0.6B"


def test_a_run_at_the_rate_that_was_chosen_for_its_own_setting_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    one = {"prefix_length": 1}
    family = Family("prefix", "prefix_tuning", {"prefix_length": 10}, 0.003, [one], seeds=2)
    none = Family("none", "discrete_prompt", seeds=1)
    monkeypatch.setitem(GRIDS, "variants", lambda: [family, none])
    best, rows = {10: 0.01, 1: 0.001, None: 0}, list[Run]()
    while missing := [run for each in (family, none) for run in each.missing(rows)]:
        for run in missing:
            loss = abs((run["rate"] or 0) - best[run["knobs"].get("prefix_length")])
            rows.append(run | {"backbone": "big", "losses": [0.5] * 96, "validation_loss": loss})
    half = [row | {"backbone": "small"} for row in rows if row["seed"] == 0][:3]  # still searching
    (tmp_path / "variants.jsonl").write_text("\n".join(map(json.dumps, rows + half)) + "\n")
    found = recorded("variants")
    chosen = found[found.chosen]
    assert {*chosen.backbone} == {"big"}
    assert {*chosen[chosen.prefix_length == 1].rate} == {0.001}
    assert {*chosen[chosen.family == "none"].rate.isna()} == {True}
    usual = chosen[chosen.prefix_length == 10]
    assert ({*usual.rate}, len(usual)) == ({0.01}, 2)
    assert len(chosen) == 2 + 3 + 1
    assert recorded("variants", "big").chosen.sum() == len(chosen)
