"""What a grid lacks is said, and what its rows leave open."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from prefixlab.workbook import records
from prefixlab.workbook.completeness import completeness
from prefixlab.workbook.grids import GRIDS
from prefixlab.workbook.protocol import Family, Run
from prefixlab.workbook.recording import check

PREFIX = Family("prefix", "prefix_tuning", {}, 0.003, [{"prefix_length": 1}], seeds=2)
NONE = Family("none", "discrete_prompt", seeds=1)
BEST = {"rate": 0.003, "best_step": 48}


@pytest.fixture
def fill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Record all that two families ask for; `best` is where the validation loss is lowest."""
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    monkeypatch.setitem(GRIDS, "variants", lambda: [PREFIX, NONE])

    def record(best: float = 0.003, best_step: int = 48, but: int = 0) -> None:
        rows: list[Run] = []
        while runs := [run for family in (PREFIX, NONE) for run in family.missing(rows)]:
            for run in runs:
                rate = run["rate"] or best
                found = {"validation_loss": abs(rate - best), "best_step": best_step}
                rows.append(run | found | {"losses": [0.7] * 96, "backbone": "tiny"})
        write(rows[: len(rows) - but])

    return record


def write(rows: list[Run]) -> None:
    with records.path_of("variants").open("a") as file:
        file.write("".join(json.dumps(row) + "\n" for row in rows))


def test_a_grid_with_every_run_is_complete(fill: Callable[..., None]) -> None:
    fill()
    found = completeness("variants", "tiny")
    assert not found.to_come
    assert str(found) == "variants: 14 rows on tiny, complete"


def test_a_grid_without_rows_has_everything_to_come(fill: Callable[..., None]) -> None:
    found = completeness("variants", "tiny")
    assert found.to_come == {"prefix": 13, "none": 1}
    assert str(found) == (
        "variants: 0 rows on tiny, about 14 to come\n  to come: prefix (13); none (1)"
    )


def test_rows_on_another_backbone_do_not_count(fill: Callable[..., None]) -> None:
    fill()
    assert completeness("variants", "gpt2").rows == 0


def test_a_rate_at_the_end_of_the_ladder_is_named(fill: Callable[..., None]) -> None:
    fill(best=3.0)
    found = completeness("variants", "tiny")
    assert found.at_end == {"prefix": 3.0}
    assert "best at an end of the ladder of rates: prefix (3)" in str(found)


def test_a_rate_of_a_setting_at_the_end_of_the_ladder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    monkeypatch.setitem(GRIDS, "variants", lambda: [PREFIX])
    rows: list[Run] = []
    while runs := PREFIX.missing(rows):
        for run in runs:
            loss = abs(run["rate"] - (3.0 if run["knobs"] else 0.003))
            rows.append(run | BEST | {"rate": run["rate"], "validation_loss": loss})
            rows[-1] |= {"losses": [0.7] * 96, "backbone": "tiny"}
    write(rows)
    assert completeness("variants", "tiny").at_end == {"prefix": 3.0}


def test_a_rate_that_is_the_last_tried_is_no_end_of_the_ladder(fill: Callable[..., None]) -> None:
    fill(best=0.03)
    assert completeness("variants", "tiny").at_end == {}


def test_runs_that_were_best_at_their_last_step_are_counted(fill: Callable[..., None]) -> None:
    fill(best_step=96)
    found = completeness("variants", "tiny")
    # Two seeds, and three of the setting: what lost with another rate is no matter.
    assert found.falling == {"prefix": 5}
    assert "loss still falling at the last step: prefix (5)" in str(found)


def test_rows_that_no_family_asks_for_are_counted(fill: Callable[..., None]) -> None:
    fill()
    older = Family("prefix", "prefix_tuning", {}, 0.003, steps=48).run(0, 0.003)
    gone = Family("prefix from noise", "prefix_tuning").run(0, 0.003)
    twice = PREFIX.run(0, 0.003)
    write([each | {"backbone": "tiny", "losses": []} | BEST for each in (older, gone, gone)])
    write([twice | {"backbone": "tiny", "losses": [0.7] * 96, "validation_loss": 0.0} | BEST])
    found = completeness("variants", "tiny")
    assert found.unasked == {"prefix": 2, "prefix from noise": 2}
    assert not found.to_come
    assert "older than the protocol, or there twice): prefix (2); prefix from noise (2)" in str(
        found
    )


def test_a_check_fails_where_a_run_is_to_come(
    fill: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    fill(but=1)
    with pytest.raises(SystemExit) as caught:
        check(["variants"], "tiny")
    assert caught.value.code == 1
    assert capsys.readouterr().out == (
        "variants: 13 rows on tiny, about 1 to come\n  to come: prefix (1)\n"
    )


def test_a_check_passes_where_all_is_recorded(
    fill: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    fill(best_step=96)  # which is said, and no fault
    check(["variants"], "tiny")
    assert "variants: 14 rows on tiny, complete\n" in capsys.readouterr().out
