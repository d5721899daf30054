"""The comparison panel: points to press, from this kernel and from recorded runs."""

import gc
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_records import LABELS, complete, noisy, row

from conftest import write
from prefixlab import Backbone, geometry
from prefixlab.workbook import figures
from prefixlab.workbook.evidence import FAMILIES, Records, Runs
from prefixlab.workbook.panels import results
from prefixlab.workbook.panels.comparison import MOST, USUAL, ComparisonPanel, names_of
from prefixlab.workbook.panels.results import Result, Tried
from prefixlab.workbook.protocol import ELSEWHERE, Run

WORDS, PROMPT, PREFIX = "no training", "prompt tuning, labels", "prefix tuning, task_words"
AHEAD = {WORDS: 0.2, PROMPT: 1.0, PREFIX: 1.4, USUAL: 1.2, "prompt tuning, text": 0.9, "LoRA": 1.1}
AHEAD |= {"no training, question": 0.3, "no training, sentiment": 0.2}
GRIDS = {"prompt_tuning": (WORDS, PROMPT), "prefix_tuning": (PREFIX,), "baselines": (USUAL,)}


def rows(name: str, backbone: str = "smollm2") -> list[Run]:
    """Those of a family: on other domains the right answer is half as far ahead."""
    family, ahead = FAMILIES[name], noisy(AHEAD[name], luck=len(name))

    def measured(run: Run) -> Run:
        here = row(run, ahead(run["seed"]))
        of_few = [margin / 2 for margin in here["margins"][:ELSEWHERE]]
        right = [(margin > 0) == label for margin, label in zip(of_few, LABELS, strict=False)]
        there = {"margins": of_few, "content_free": 0.0, "accuracy": sum(right) / ELSEWHERE}
        elsewhere = dict.fromkeys(run["also"], there)
        own = {key: here[key] for key in ("margins", "content_free", "accuracy", "loss")}
        return own | {"train_seconds": 30.0, "elsewhere": elsewhere}

    return complete(family, family.middle or 0.0, measured, backbone)


@pytest.fixture(autouse=True)
def files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four families on disk, and one of which the rate is not chosen yet."""
    for grid, names in GRIDS.items():
        write(folder, grid, [each for name in names for each in rows(name)])
    unfinished = [*rows(WORDS), *rows(PROMPT), *rows("prompt tuning, text")[:2]]
    write(folder, "prompt_tuning", unfinished)
    monkeypatch.setattr(results, "tried", Tried())
    return folder


@pytest.fixture
def panel(gpt2: Backbone) -> ComparisonPanel:
    return ComparisonPanel(gpt2)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[list[figures.Row]]:
    """The rows of every picture that is drawn from now on."""
    seen: list[list[figures.Row]] = []
    honest = figures.forest
    monkeypatch.setattr(
        figures, "forest", lambda rows, **how: seen.append(rows) or honest(rows, **how)
    )
    return seen


def mine(lm: Backbone, accuracy: float = 0.66, **knobs: Any) -> Result:
    return Result.of(lm.geometry, "prompt_tuning", knobs, accuracy=accuracy, loss=0.4, seconds=12.0)


def press(panel: ComparisonPanel, family: str) -> None:
    panel.choose(names(panel.results).index(family))


def names(found: Iterable[Result]) -> list[str]:
    return [result.family for result in found]


def visible(panel: ComparisonPanel) -> list[Any]:
    return [point for point in panel.points if point.layout.display != "none"]


def test_a_panel_that_is_closed_or_half_made_is_dropped_in_silence(
    panel: ComparisonPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaints: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    panel.close()
    panel.__del__()
    ComparisonPanel.__new__(ComparisonPanel)  # as an __init__ that refuses leaves it
    gc.collect()
    assert not complaints


def test_a_point_is_a_family_whose_rate_is_chosen(panel: ComparisonPanel) -> None:
    assert names(panel.results) == [WORDS, PROMPT, PREFIX, USUAL]
    assert [result.runs for result in panel.results] == [1, 5, 5, 5]
    assert [result.rate for result in panel.results] == [None, 0.01, 0.003, 3e-5]


def test_its_accuracy_is_the_mean_over_the_seeds_within_its_interval(
    panel: ComparisonPanel, files: Path
) -> None:
    found = panel.results[2]
    usual = [each for each in rows(PREFIX) if each["rate"] == found.rate and each["train"] == 256]
    own = [each["accuracy"] for each in usual if each["knobs"]["prefix_length"] == 10]
    assert len(own) == 5
    assert found.accuracy == pytest.approx(sum(own) / 5)
    assert found.interval is not None
    low, high = found.interval
    assert low < found.accuracy < high
    assert 0.02 < high - low < 0.2


def test_the_cost_is_that_of_the_backbone_that_was_recorded(panel: ComparisonPanel) -> None:
    size = geometry("smollm2")
    assert panel.results[2].stored == 4 * 10 * 30 * 2 * size.kv_width
    assert panel.results[2].source == "recorded on smollm2"


def test_without_the_sizes_of_a_backbone_nothing_of_it_is_shown(
    files: Path, gpt2: Backbone
) -> None:
    write(files, "prompt_tuning", rows(PROMPT, "of unknown sizes"))
    for grid in ("prefix_tuning", "baselines"):
        write(files, grid, [])
    assert ComparisonPanel(gpt2).results == []


def test_a_point_that_is_pressed_tells_its_knobs(panel: ComparisonPanel) -> None:
    assert len(visible(panel)) == 4
    panel.points[2].click()
    assert panel.chosen.value == 2
    for words in ("prefix_length", ">10<", "0.003", "115,200", "460,800", "30.0", "smollm2"):
        assert words in panel.table.value
    low, high = panel.results[2].interval or (0, 0)
    assert f"{panel.results[2].accuracy:.3f} ({low:.3f} to {high:.3f})" in panel.table.value
    marked = [point for point in panel.points if "prefixlab-chosen" in point._dom_classes]
    assert marked == [panel.points[2]]


def test_how_far_it_is_ahead_of_another_is_counted_in_pairs(panel: ComparisonPanel) -> None:
    records = Records(each for name in (PREFIX, USUAL, PROMPT, WORDS) for each in rows(name))
    press(panel, PREFIX)
    assert panel.other.value == USUAL
    for other in (USUAL, PROMPT):
        panel.other.value = other
        found = records.weigh(Runs(PREFIX) - Runs(other), "accuracy")
        assert found is not None
        words = f"{found.effect:+.1f} points ({found.low:+.1f} to {found.high:+.1f}; 5 seeds, 400"
        assert words in panel.table.value
        assert f"accuracy, ahead of {other}" in panel.table.value
    panel.other.value = PREFIX  # of itself it is not ahead
    assert "ahead of" not in panel.table.value
    press(panel, WORDS)
    panel.other.value = PROMPT
    assert f"loss, ahead of {PROMPT}" in panel.table.value


def test_on_another_domain_there_is_what_was_tested_there(
    panel: ComparisonPanel, gpt2: Backbone
) -> None:
    results.tried.add(mine(gpt2))
    press(panel, PREFIX)
    films = panel.result
    panel.tested.value = "tweets"
    assert names(panel.results) == [WORDS, PROMPT, PREFIX, USUAL]  # and none of yours
    there = panel.result
    assert films is not None and there is not None  # noqa: PT018
    assert there.family == PREFIX
    assert there.loss > films.loss
    assert "240 sentences" in panel.table.value
    panel.tested.value = ""
    assert panel.result == films


def test_what_you_learned_of_another_task_has_no_place_among_film_reviews(
    panel: ComparisonPanel, gpt2: Backbone
) -> None:
    """Its sentences are others, and so may be the number of its answers, and what chance is."""
    results.tried.add(replace(mine(gpt2), comparable=False))
    assert names(panel.results) == [WORDS, PROMPT, PREFIX, USUAL]
    assert panel.status.value.endswith("another template were tried: 1.")
    results.tried.add(mine(gpt2))
    assert [one.source for one in panel.results].count("yours") == 1
    panel.tested.value = "tweets"
    assert panel.status.value == ""


def test_what_was_not_tested_on_a_domain_is_not_compared_there(files: Path, gpt2: Backbone) -> None:
    write(files, "baselines", rows("LoRA"))
    panel = ComparisonPanel(gpt2)
    press(panel, PREFIX)
    panel.other.value = "LoRA"
    assert "ahead of LoRA" in panel.table.value
    panel.tested.value = "editorials"
    assert "LoRA" not in panel.other.options
    assert f"ahead of {WORDS}" in panel.table.value


def test_a_point_that_went_away_while_it_was_pressed_chooses_nothing(
    panel: ComparisonPanel, gpt2: Backbone
) -> None:
    results.tried.add(mine(gpt2))
    gone = len(panel.results) - 1
    panel.tested.value = "tweets"  # the learner's own was not tested there
    panel.choose(gone)
    assert panel.result is None


def test_the_list_chooses_as_a_point_does(panel: ComparisonPanel) -> None:
    panel.chosen.value = 0
    assert "discrete_prompt" in panel.table.value
    assert "prefixlab-chosen" in panel.points[0]._dom_classes


def test_a_point_has_its_family_as_its_tooltip(panel: ComparisonPanel) -> None:
    assert panel.points[2].tooltip.startswith("prefix tuning, task words, recorded on smollm2")


def test_it_follows_what_is_tried_and_keeps_the_choice(
    panel: ComparisonPanel, gpt2: Backbone
) -> None:
    panel.points[3].click()
    before, said = panel.view.value, panel.table.value
    results.tried.add(mine(gpt2, text="<script>"))
    assert len(visible(panel)) == 5
    assert panel.view.value != before
    assert panel.table.value == said
    assert panel.chosen.value == 4  # yours is cheaper than what was chosen, and stands above it
    panel.points[1].click()
    assert "&lt;script&gt;" in panel.table.value
    assert "<script>" not in panel.table.value


def test_without_recorded_runs_only_yours_are_left(panel: ComparisonPanel, gpt2: Backbone) -> None:
    results.tried.add(mine(gpt2))
    panel.points[0].click()
    panel.with_recorded.value = False
    assert [r.source for r in panel.results] == ["yours"]
    assert len(visible(panel)) == 1
    assert panel.chosen.value is None  # what was chosen is gone


def test_rows_are_sorted_by_what_they_cost_and_where_that_is_equal_by_accuracy(
    panel: ComparisonPanel, gpt2: Backbone
) -> None:
    for accuracy, seconds in ((0.6, 20.0), (0.7, 10.0), (0.65, 15.0)):
        mine_now = mine(gpt2, accuracy, prompt_length=3)
        results.tried.add(replace(mine_now, seconds=seconds))
    assert [result.trained for result in panel.results] == [0, *[96] * 3, 5760, 115_200, 134515008]
    assert [result.accuracy for result in panel.results[1:4]] == [0.7, 0.65, 0.6]
    press(panel, PREFIX)
    panel.axis.value = "seconds"
    assert [result.seconds for result in panel.results] == [10, 15, 20, *[30] * 4]
    assert panel.result is not None  # it stays chosen, wherever it moved
    assert panel.result.family == PREFIX


def test_a_row_is_named_and_says_what_it_costs(
    panel: ComparisonPanel, gpt2: Backbone, drawn: list[list[figures.Row]]
) -> None:
    results.tried.add(mine(gpt2, prompt_length=3, init="labels", text=""))
    assert [row.name for row in drawn[-1]] == [
        "no training",
        "prompt tuning, length 3, labels (yours)",
        "prompt tuning, labels",
        "prefix tuning, task words",
        "all weights",
    ]
    assert [row.yours for row in drawn[-1]] == [False, True, False, False, False]
    for axis in ("trained", "stored", "seconds"):
        panel.axis.value = axis
        assert [row.cost for row in drawn[-1]] == [getattr(one, axis) for one in panel.results]


def test_every_row_has_a_name_of_its_own_that_begins_with_what_was_turned(
    panel: ComparisonPanel, gpt2: Backbone
) -> None:
    for init, rate in (("labels", 0.01), ("labels", 0.03), ("labels", 0.03), ("uniform", 0.03)):
        results.tried.add(mine(gpt2, rate, prompt_length=3, init=init, learning_rate=rate))
    yours = [name for name in panel.names if "yours" in name]
    assert sorted(yours) == [
        "prompt tuning, labels, rate 0.0… (yours)",
        "prompt tuning, labels, rate 0.0… (yours, 2)",
        "prompt tuning, labels, rate 0.0… (yours, 3)",
        "prompt tuning, uniform, rate 0.… (yours)",
    ]
    (name,) = names_of([mine(gpt2, text="电影" * 20)])
    assert name == "prompt tuning, 电影电影电影电… (yours)"  # as wide as the others


def test_a_point_lies_on_its_row_at_its_accuracy(
    panel: ComparisonPanel, drawn: list[list[figures.Row]]
) -> None:
    panel.axis.value = "stored"
    _, places = figures.forest(drawn[-1], cost="")
    for point, (x, y) in zip(panel.points, places, strict=True):
        assert (point.layout.left, point.layout.top) == (f"{100 * x:.2f}%", f"{100 * y:.2f}%")


def test_beside_is_the_line_that_is_drawn(
    files: Path, gpt2: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(files, "baselines", [*rows(USUAL), *rows("LoRA")])
    panel = ComparisonPanel(gpt2)
    lines: list[Any] = []
    honest = figures.forest
    monkeypatch.setattr(
        figures, "forest", lambda rows, **how: lines.append(how["beside"]) or honest(rows, **how)
    )
    panel.other.value = PREFIX
    panel.tested.value = "tweets"  # where there is no LoRA to be beside
    assert [line.name for line in lines] == ["prefix tuning, task words"] * 2  # drawn once each
    assert lines[0].interval != lines[1].interval


def test_the_prompt_that_two_grids_ask_for_has_one_row(files: Path, gpt2: Backbone) -> None:
    asked = ("no training, sentiment", "no training, question")
    write(files, "p_tuning", [each for name in asked for each in rows(name)])
    assert names(ComparisonPanel(gpt2).results)[:2] == ["no training, question", WORDS]


def test_there_are_never_too_many_rows(panel: ComparisonPanel, gpt2: Backbone) -> None:
    results.tried.results = tuple(mine(gpt2, prompt_length=1 + i) for i in range(MOST - 3))
    assert len(panel.results) == len(panel.points) == MOST
    assert USUAL not in names(panel.results)
    assert panel.status.value == "Results left out: 1. There is room for 40."
    results.tried.results = tuple(mine(gpt2, prompt_length=1 + i) for i in range(MOST + 5))
    assert [one.knobs["prompt_length"] for one in panel.results] == [*range(6, MOST + 6)]
    panel.tested.value = "tweets"
    assert panel.status.value == ""


def test_a_closed_panel_follows_nothing(panel: ComparisonPanel, gpt2: Backbone) -> None:
    panel.close()
    results.tried.add(mine(gpt2))
    assert len(panel.results) == 4


def test_where_nothing_is_recorded_there_is_room_for_yours(files: Path, gpt2: Backbone) -> None:
    for file in files.iterdir():
        file.unlink()
    panel = ComparisonPanel(gpt2)
    assert panel.results == []
    assert bytes(panel.view.value).startswith(b"\x89PNG")
    results.tried.add(mine(gpt2))
    panel.points[0].click()
    assert "0.660" in panel.table.value


def test_the_picture_for_viewers_without_a_kernel_shows_the_points(panel: ComparisonPanel) -> None:
    assert panel.plots() == [panel.view.value]
    assert panel.picture().startswith(b"\x89PNG")


def test_its_picture_names_what_is_chosen_as_the_page_does(panel: ComparisonPanel) -> None:
    assert panel.described()[:2] == ["compare by: trained parameters", "tested on: film reviews"]
