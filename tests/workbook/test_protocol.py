"""The protocol: rates, seeds and settings follow from the rows there are, and from nothing else."""

import json
import math
import random
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from prefixlab.data import tasks
from prefixlab.methods import METHODS
from prefixlab.methods.in_context import permutation
from prefixlab.workbook import measuring, protocol
from prefixlab.workbook.evidence import Records
from prefixlab.workbook.grids import GRIDS, PATTERNS, families, order_of
from prefixlab.workbook.measuring import lesson_task, task_of
from prefixlab.workbook.protocol import FEWER, LADDER, SEEDS, THOUSAND, Family, Run, key_of
from prefixlab.workbook.records import rows_of

Loss = Callable[[float], float]
FIVE = [3e-4, 0.001, 0.003, 0.01, 0.03]


@pytest.fixture
def family() -> Family:
    settings = [{"prefix_length": 1}, {"train": 32}]
    return Family("prefix", "prefix_tuning", {"prefix_length": 10}, 0.003, settings)


def near(best: float) -> Loss:
    """Losses that grow with the distance from the best rate."""
    return lambda rate: abs(math.log(rate / best))


def row(run: Run, loss: float, steps: int | None = None) -> Run:
    """The row of a run, as JSON gives it back; it diverged where it has fewer steps."""
    losses = [0.5] * (run["steps"] if steps is None else steps)
    return json.loads(json.dumps(run | {"validation_loss": loss, "losses": losses}))


def recorded(family: Family, loss: Loss, rows: list[Run]) -> list[float]:
    """Record what is missing until a rate is chosen; the rates, in the order of the stages."""
    rates = []
    while family.rate(rows) is None:
        stage = family.missing(rows)
        rates += [run["rate"] for run in stage]
        rows += [row(run, loss(run["rate"])) for run in stage]
    return rates


def first_runs(family: Family) -> list[Run]:
    """What a family asks for if every search ends where it begins."""
    return [run for each in family.competitors([]) for run in each.expected([])]


def test_the_rates_of_the_ladder_are_a_factor_of_about_three_apart() -> None:
    assert (LADDER[0], LADDER[-1]) == (1e-6, 3.0)
    for below, rate in pairwise(LADDER):
        assert 3 <= rate / below * (1 + 1e-9) <= 3.34


def test_the_search_begins_with_five_rates_around_the_middle(family: Family) -> None:
    assert family.missing([]) == [family.run(0, rate) for rate in FIVE]


@pytest.mark.parametrize(
    ("best", "tried"),
    [
        (0.003, FIVE),
        (0.001, FIVE),  # one within the end: the next is known to be worse
        (0.03, [*FIVE, 0.1]),
        (0.3, [*FIVE, 0.1, 0.3, 1.0]),
        (3e-4, [*FIVE, 1e-4]),
        (1e-5, [*FIVE, 1e-4, 3e-5, 1e-5, 3e-6]),
        (1e-9, [*FIVE, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6]),
        (100.0, [*FIVE, 0.1, 0.3, 1.0, 3.0]),
    ],
)
def test_the_search_goes_on_at_an_end_until_the_best_is_not_there(
    family: Family, best: float, tried: list[float]
) -> None:
    rows: list[Run] = []
    assert recorded(family, near(best), rows) == tried
    assert family.rate(rows) == pytest.approx(min(max(best, LADDER[0]), LADDER[-1]))


def test_the_search_goes_down_and_then_up_where_the_losses_ask_for_it(family: Family) -> None:
    losses = dict(zip([1e-4, *FIVE, 0.1, 0.3], [9, 1, 5, 5, 5, 2, 0, 4], strict=True))
    rows: list[Run] = []
    # 3e-4 is the best of five, so 1e-4 is tried; it is worse, and no end is the best any more.
    assert recorded(family, losses.__getitem__, rows) == [*FIVE, 1e-4]
    assert family.rate(rows) == 3e-4


@pytest.mark.parametrize("order", range(5))
def test_the_lower_of_two_equal_rates_is_chosen_whatever_came_first(
    family: Family, order: int
) -> None:
    losses = dict(zip(FIVE, [3, 1, 2, 1, 3], strict=True))
    rows = [row(family.run(0, rate), losses[rate]) for rate in FIVE]
    random.Random(order).shuffle(rows)
    assert family.rate(rows) == 0.001


def test_a_tie_with_an_end_is_searched_beyond(family: Family) -> None:
    losses = dict(zip([1e-4, *FIVE], [5, 1, 1, 2, 2, 2], strict=True))
    assert recorded(family, losses.__getitem__, []) == [*FIVE, 1e-4]


def test_a_run_that_diverged_has_lost_however_good_it_was_before(family: Family) -> None:
    rows = [row(family.run(0, rate), near(0.003)(rate)) for rate in FIVE]
    rows[3] = row(family.run(0, 0.01), loss=-1.0, steps=50)
    assert family.rate(rows) == 0.003
    rows[3] = row(family.run(0, 0.01), loss=-1.0)
    assert family.rate(rows) == 0.01


def test_where_all_rates_diverge_lower_ones_are_tried(family: Family) -> None:
    rows = [row(family.run(0, rate), loss=0.1, steps=3) for rate in FIVE]
    assert family.missing(rows) == [family.run(0, 1e-4)]


def test_an_unfinished_search_is_gone_on_with_and_chooses_nothing(family: Family) -> None:
    rows = [row(family.run(0, rate), 0.5) for rate in FIVE[1:]]
    assert family.missing(rows) == [family.run(0, FIVE[0])]
    assert family.rate(rows) is None


def test_seeds_follow_at_the_rate_that_was_chosen_and_other_knobs_have_a_search_of_their_own(
    family: Family,
) -> None:
    rows: list[Run] = []
    recorded(family, near(0.01), rows)
    follow = family.missing(rows)
    usual = [run for run in follow if run["train"] == 256 and run["knobs"]["prefix_length"] == 10]
    assert [(run["seed"], run["rate"]) for run in usual] == [
        (seed, 0.01)
        for seed in range(1, SEEDS)  # seed 0 is there: it chose the rate
    ]
    around = [0.001, 0.003, 0.01, 0.03, 0.1]  # the rate that was chosen for the usual runs
    one = [run for run in follow if run["knobs"] == {"prefix_length": 1}]
    few = [run for run in follow if run["train"] == 32]
    assert [(run["seed"], run["rate"]) for run in one] == [(0, rate) for rate in around]
    assert [(run["seed"], run["rate"]) for run in few] == [(0, 0.01)]  # other data: the same rate
    assert follow == usual + one + few
    rows += [row(run, 9.0) for run in usual + few]  # worse than any rate: they choose nothing
    rows += [row(run, near(0.001)(run["rate"])) for run in one]
    beyond = family.missing(rows)
    assert [(run["rate"], run["seed"], run["knobs"]["prefix_length"]) for run in beyond] == [
        (3e-4, 0, 1),  # an end was the best of one position
        *((0.01, seed, 10) for seed in range(1, FEWER)),  # 32 sentences
    ]
    rows += [row(run, 9.0) for run in beyond]
    assert {(run["rate"], run["seed"]) for run in family.missing(rows)} == {
        (0.001, seed) for seed in range(1, FEWER)
    }
    rows += [row(run, 9.0) for run in family.missing(rows)]
    assert family.missing(rows) == []
    one_position, few_sentences = family.competitors(rows)[1:]
    rates = [each.rate(rows) for each in (family, one_position, few_sentences)]
    assert rates == [0.01, 0.001, 0.01]
    assert {run["rate"] for run in one_position.chosen(rows)} == {0.001}
    assert len(one_position.chosen(rows)) == FEWER


def test_a_setting_that_is_not_searched_keeps_to_the_rate_of_the_usual_runs(
    family: Family,
) -> None:
    shared, rows = replace(family, searched=False), list[Run]()
    recorded(shared, near(0.01), rows)
    follow = shared.missing(rows)
    assert {run["rate"] for run in follow} == {0.01}
    rows += [row(run, 9.0) for run in follow]
    while missing := shared.missing(rows):
        rows += [row(run, 9.0) for run in missing]
    short = [run for run in rows if run["knobs"]["prefix_length"] == 1]
    assert [(run["seed"], run["rate"]) for run in short] == [(seed, 0.01) for seed in range(FEWER)]


def test_a_family_may_ask_for_more_seeds_in_its_settings(family: Family) -> None:
    often, rows = replace(family, fewer=SEEDS), list[Run]()
    while missing := often.missing(rows):
        rows += [row(run, near(0.01)(run["rate"])) for run in missing]
    for each in often.competitors(rows)[1:]:
        assert [run["seed"] for run in each.chosen(rows)] == [*range(SEEDS)]
        assert each.missing(rows) == []


def test_nothing_is_chosen_of_a_setting_before_the_usual_rate_is(family: Family) -> None:
    rows = [row(family.run(0, rate), 0.5) for rate in FIVE[1:]]
    assert [each.chosen(rows) for each in family.competitors(rows)] == [[], [], []]


def test_a_family_asks_for_the_losers_too(family: Family) -> None:
    rows: list[Run] = []
    recorded(family, near(0.003), rows)
    while missing := family.missing(rows):
        rows += [row(run, near(0.003)(run["rate"])) for run in missing]
    assert {key_of(run) for run in family.asked(rows)} == {key_of(found) for found in rows}


def test_rows_of_another_family_count_for_nothing(family: Family) -> None:
    other = Family("prefix, MLP", "prefix_tuning", family.knobs, 0.003)
    rows = [row(other.run(0, rate), 0.5) for rate in FIVE]
    assert len(family.missing(rows)) == 5


def test_what_trains_nothing_has_one_run_and_no_rate() -> None:
    family = Family("no training", "discrete_prompt", seeds=1)
    (run,) = family.missing([])
    assert (run["rate"], run["seed"]) == (None, 0)
    rows = [json.loads(json.dumps(run))]
    assert (family.missing(rows), family.rate(rows), family.to_come(rows)) == ([], None, 0)
    assert family.to_come([]) == 1


def test_runs_to_come_are_those_of_later_stages_too(family: Family) -> None:
    rows: list[Run] = []
    later = SEEDS - 1 + (5 + FEWER - 1) + FEWER
    assert family.to_come(rows) == 5 + later
    rows += [row(run, near(0.03)(run["rate"])) for run in family.missing(rows)[:3]]
    assert family.to_come(rows) == 2 + later
    recorded(family, near(0.03), rows)
    assert family.to_come(rows) == later
    rows += [row(run, 0.5) for run in family.missing(rows)[:1]]
    assert family.to_come(rows) == later - 1


@pytest.mark.parametrize("seed", range(5))
def test_any_losses_lead_to_a_complete_family_in_which_no_run_is_twice(
    family: Family, seed: int
) -> None:
    source, rows = random.Random(seed), list[Run]()
    while stage := family.missing(rows):
        rows.append(row(source.choice(stage), source.random(), source.choice([96, 96, 5])))
    keys = [key_of(found) for found in rows]
    assert len(keys) == len({*keys})
    assert family.to_come(rows) == 0
    tried = sorted(run["rate"] for run in family.search(rows))
    assert family.rate(rows) not in {tried[0], tried[-1]} - {LADDER[0], LADDER[-1]}


@pytest.mark.parametrize("grid", GRIDS)
def test_a_run_of_a_grid_is_known_again_by_its_row(grid: str) -> None:
    for family in families(grid):
        for run in first_runs(family):
            assert key_of(json.loads(json.dumps(run | {"accuracy": 0.5}))) == key_of(run)


@pytest.mark.parametrize("grid", GRIDS)
def test_a_grid_asks_for_methods_there_are_with_knobs_they_have(grid: str) -> None:
    for family in families(grid):
        knobs = METHODS[family.method].Knobs
        for run in first_runs(family):
            knobs.of(family.method, run["knobs"])
        if family.middle is not None:
            assert len(family.search([])) == 2 * family.around + 1
            assert family.search([])[family.around]["rate"] == family.middle


@pytest.mark.parametrize("grid", GRIDS)
def test_all_but_tables_and_other_numbers_of_sentences_have_rates_of_their_own(grid: str) -> None:
    for family in families(grid):
        for setting in family.settings if family.middle and family.around else ():
            searched = family.within(setting, family.middle).around > 0
            assert searched == (set(setting) != {"train"} and family.task not in tasks.TABLES)


@pytest.mark.parametrize(
    "twice",
    [
        2 * [Family("no training", "discrete_prompt", seeds=1)],
        [Family("p", "prompt_tuning", {"prompt_length": 5}, 0.01, [{"prompt_length": 5}])],
        [Family("p", "prompt_tuning", {}, 0.01, [{"train": 32}, {"train": 32}])],
    ],
    ids=["a name", "a setting that is the usual one", "a setting"],
)
def test_a_grid_with_a_run_twice_is_refused(
    twice: list[Family], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GRIDS, "variants", lambda: twice)
    with pytest.raises(ValueError, match=r"^The grid variants asks 2 times for .*; .*\.$"):
        families("variants")


def test_an_unknown_grid_is_named() -> None:
    with pytest.raises(ValueError, match="grid='mine' is unknown; choose one of prefix_tuning, "):
        families("mine")


def test_the_page_says_the_same_as_the_code() -> None:
    page = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
    words = {2: "two", 3: "three", 5: "five", 6: "six"}
    for said in (
        f"at most {protocol.WORDS} words",
        f"{protocol.TEST} to test on",
        f"{protocol.VALIDATION} to validate on",
        f"({protocol.TRAIN}, drawn",
        f"{words[SEEDS].title()} seeds where",
        f"{words[FEWER]} for other",
        f"{words[2 * protocol.AROUND + 1].title()} learning rates",
        f"batches of {protocol.BATCH}",
        f"warm-up over {protocol.WARMUP} steps",
        f"{protocol.STEPS} steps",
        f"every {protocol.STEPS // protocol.VALIDATIONS} steps",
    ):
        assert re.search(re.escape(said).replace("\\ ", r"\s+"), page), said


def test_a_thousand_sentences_are_the_usual_ones_and_others_that_no_seed_was_trained_on() -> None:
    family = families("thousand")[0]
    runs = [family.run(seed, family.middle) for seed in range(SEEDS)]
    usual, found = lesson_task(), [task_of(run) for run in runs]
    test = found[0].test
    assert len(set(test["x"])) == THOUSAND == 2 * sum(test["y"])
    assert test.select(range(protocol.TEST))[:] == usual.test[:]
    assert found[0].train[:] == usual.train[:]
    for each in found:
        assert each.test[:] == test[:]
        assert not {*test["x"]} & {*each.train["x"], *each.validation["x"]}
    assert measuring.tested_on("movie_reviews", THOUSAND).test[:] == test[:]
    with pytest.raises(ValueError, match=r"831 sentences that no seed was trained on, fewer than"):
        task_of(runs[0] | {"test": 2 * THOUSAND})


def test_what_is_tested_on_a_thousand_sentences_has_the_rate_that_was_chosen() -> None:
    recorded = Records.read()
    for family in families("thousand"):
        assert recorded.rate(family.name.removesuffix(", 1,000")) == family.middle, family.name


def test_the_page_has_the_recorded_losses_of_longer_runs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
    (heads,) = re.findall(r"after so many steps \|(.*)\|", page)
    rows = rows_of("budget", "smollm2")
    assert rows
    for row in rows:
        losses = {step: loss for step, loss, _ in row["validation"]}
        said = [losses[int(step)] for step in heads.split("|")]
        lowest = min(losses.values())
        cells = [f"**{loss:.3f}**" if loss == lowest else f"{loss:.3f}" for loss in said]
        name = row["family"].removesuffix(", longer")
        assert f"| {name} | {' | '.join(cells)} |" in page


def test_without_a_search_the_middle_rate_is_the_only_one() -> None:
    longer = Family("longer", "lora", {"rank": 8}, 0.001, seeds=1, steps=384, around=0)
    alone = longer.run(0, 0.001)
    assert longer.missing([]) == [alone]
    rows = [row(alone, 0.4)]
    assert longer.rate(rows) == 0.001
    assert longer.missing(rows) == []


def test_what_trains_nothing_has_seeds_and_settings_from_the_first() -> None:
    shown = Family("shown", "in_context", {"demonstrations": 4}, settings=[{"order": 1}], seeds=4)
    usual = [shown.run(seed, None) for seed in range(4)]
    asked = usual + [shown.run(seed, None, {"order": 1}) for seed in range(FEWER)]
    assert shown.missing([]) == asked
    assert [len(each.chosen([])) for each in shown.competitors([])] == [4, FEWER]
    assert shown.to_come([row(asked[0], 0.5)]) == len(asked) - 1


def test_the_rates_that_were_not_chosen_have_other_seeds_where_that_is_asked_for(
    family: Family,
) -> None:
    wide, rows = replace(family, off=True), list[Run]()
    assert wide.to_come([]) == family.to_come([]) + (FEWER - 1) * (len(FIVE) - 1)
    recorded(wide, near(0.01), rows)
    others = [run for run in wide.missing(rows) if run not in family.missing(rows)]
    tried = [run["rate"] for run in wide.search(rows)]
    assert len(tried) == 5
    assert [(run["seed"], run["rate"]) for run in others] == [
        (seed, rate) for seed in range(1, FEWER) for rate in tried if rate != 0.01
    ]
    while missing := wide.missing(rows):
        rows += [row(run, near(0.01)(run["rate"])) for run in missing]
    short = [run for run in rows if run["knobs"]["prefix_length"] == 1]
    assert {run["seed"] for run in short if run["rate"] != 0.01} == {0}


def test_an_order_brings_demonstrations_into_its_pattern() -> None:
    for k, patterns in PATTERNS.items():
        in_turn = [("np"[place % 2], place) for place in range(k)]
        assert len({*patterns}) == len(patterns)
        for pattern in patterns:
            ordered = permutation(in_turn, order_of(pattern))
            assert "".join(label for label, _ in ordered) == pattern
            for label in "np":
                own = [place for one, place in ordered if one == label]
                assert own == sorted(own)
