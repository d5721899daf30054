"""What recorded runs say about a comparison: pairs, seeds, sentences, and how sure it is."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from made_records import LABELS, SENTENCES, made, noisy, records, row

from prefixlab.workbook.evidence import (
    FAMILIES,
    MEAN,
    VOTE,
    Records,
    Runs,
    best_of,
    labels_of,
    mean_of,
    middle,
    resampled,
    shares,
    spread_of,
)
from prefixlab.workbook.grids import GRIDS

OURS, THEIRS = Runs("prefix tuning, task_words"), Runs("all weights")
PROMPT = Runs("no training")


def better(of: Runs, by: float, luck: int = 0, best: float | None = None, **how) -> list[dict]:
    return made(of.family, noisy(2 + by, luck, **how), best=best, setting=of.setting)


def test_a_family_has_a_name_of_its_own_in_all_grids():
    assert len(FAMILIES) == sum(len(grid()) for grid in GRIDS.values())


@pytest.mark.parametrize(("measure", "scale"), [("loss", -1), ("accuracy", 100)])
def test_the_effect_is_the_difference_of_what_the_rows_say(measure, scale):
    ours, theirs = better(OURS, 0.5), better(THEIRS, 0, luck=1)
    found = records(ours, theirs).weigh(OURS - THEIRS, measure)

    def chosen(rows, name):
        return [row for row in rows if row["rate"] == FAMILIES[name].middle]

    per_seed = [
        scale * (one[measure] - other[measure])
        for one, other in zip(chosen(ours, OURS.family), chosen(theirs, THEIRS.family), strict=True)
    ]
    assert found.of_seeds == pytest.approx(per_seed)
    assert found.effect == pytest.approx(np.mean(per_seed))
    assert found.low < found.effect < found.high
    assert found.sentences == SENTENCES


def test_the_same_rows_give_the_same_interval():
    rows = records(better(OURS, 0.5), better(THEIRS, 0, luck=1))
    found = rows.weigh(OURS - THEIRS, "loss")
    shares.cache_clear()
    assert rows.weigh(OURS - THEIRS, "loss") == found


def test_the_sides_turned_around_turn_the_effect_around():
    rows = records(better(OURS, 0.5), better(THEIRS, 0, luck=1))
    there, back = rows.weigh(OURS - THEIRS, "loss"), rows.weigh(THEIRS - OURS, "loss")
    assert (there.effect, there.low, there.high) == pytest.approx(
        (-back.effect, -back.high, -back.low)
    )


def test_runs_pair_by_their_seed():
    """Both sides rise and fall with the seed; paired wrongly, what they share is a spread."""
    ours, theirs = (
        better(of, by, between=0.5, each=0.1) for of, by in ((OURS, 0.1), (THEIRS, 0.0))
    )
    paired = records(ours, theirs).weigh(OURS - THEIRS, "loss")
    shuffled = [row | {"seed": (row["seed"] + 1) % 5} for row in theirs]
    usual = [row for row in theirs if row["rate"] != FAMILIES[THEIRS.family].middle]
    wrongly = records(ours, shuffled, usual).weigh(OURS - THEIRS, "loss")
    assert wrongly.effect == pytest.approx(paired.effect)
    assert wrongly.high - wrongly.low > 5 * (paired.high - paired.low)


def test_sentences_pair_by_their_place():
    """What is hard for both is no spread of the difference."""
    ours, theirs = noisy(1.1, 0, each=3), noisy(1, 1, each=3)
    widths = []
    for other in (theirs, lambda seed: theirs(seed)[::-1]):
        rows = records(made(OURS.family, ours), made(THEIRS.family, other))
        found = rows.weigh(OURS - THEIRS, "loss")
        widths.append(found.high - found.low)
    assert widths[1] > 1.5 * widths[0]


@pytest.mark.parametrize(
    ("between", "each", "both", "seeds"),
    [(0.03, 0.4, 0.2, 5), (0.05, 0.1, 0.1, 3), (0.01, 0.5, 0.1, 5)],
    ids=["seeds and sentences", "three seeds that differ", "sentences that differ"],
)
def test_the_interval_holds_the_truth_in_some_19_of_20_cases(between, each, both, seeds):
    source, held = np.random.default_rng(0), 0
    for _ in range(200):
        scores = (
            between * source.normal(size=(seeds, 1))
            + each * source.normal(size=(1, SENTENCES))
            + both * source.normal(size=(seeds, SENTENCES))
        )
        drawn = scores @ shares(SENTENCES, 1).T
        low, high = middle(resampled(scores.mean(1), drawn))
        held += low < 0 < high
    assert 0.9 <= held / 200 <= 0.99


def test_what_is_not_trained_is_paired_with_every_seed():
    rows = records(better(OURS, 0.5, luck=1), made(PROMPT.family, noisy(2, 0)))
    found = rows.weigh(OURS - PROMPT, "loss")
    assert len(found.of_seeds) == 5
    assert 0 < found.low < found.effect < found.high


def test_between_two_prompts_only_sentences_vary():
    other = Runs("no training, question")
    rows = records(made(other.family, noisy(2.5, 0)), made(PROMPT.family, noisy(2, 1)))
    found = rows.weigh(other - PROMPT, "loss")
    assert len(found.of_seeds) == 1
    assert found.low < found.effect < found.high


def test_calibration_takes_off_what_a_text_without_content_gets():
    leaning = made(PROMPT.family, noisy(1, 0))
    margins = np.array(leaning[0]["margins"]) + 3
    accuracy = float(np.mean((margins > 0) == LABELS))
    (row,) = (
        row | {"margins": margins.tolist(), "content_free": 3.0, "accuracy": accuracy}
        for row in leaning
    )
    calibrated = Runs(PROMPT.family, calibrated=True)
    found = records([row]).weigh(calibrated - PROMPT, "accuracy")
    assert found.effect == pytest.approx(100 * (leaning[0]["accuracy"] - accuracy))
    assert found.low > 10


def test_means_spreads_and_differences_of_differences():
    steps = {"question": 0.0, "it was": 1.0, "sentiment": 1.5, "all in all": 3.0}
    four = [Runs(f"no training, {name}") for name in steps]
    rows = records(
        *(
            made(f"no training, {name}", lambda _, by=by: np.full(SENTENCES, by + 1))
            for name, by in steps.items()
        )
    )
    score = [-np.logaddexp(0, -by - 1) for by in steps.values()]

    def effect(comparison):
        return rows.weigh(comparison, "loss").effect

    assert effect(mean_of(*four)) == pytest.approx(np.mean(score))
    assert effect(spread_of(*four)) == pytest.approx(score[3] - score[0])
    assert effect((four[1] - four[0]) - (four[3] - four[2])) == pytest.approx(
        (score[1] - score[0]) - (score[3] - score[2])
    )


def test_nothing_is_said_before_the_rate_is_chosen():
    ours, theirs = better(OURS, 0.5), better(THEIRS, 0)
    assert records(ours).weigh(OURS - THEIRS, "loss") is None
    assert records(ours, theirs[1:]).weigh(OURS - THEIRS, "loss") is None
    at_the_end = [row | {"validation_loss": -row["rate"]} for row in theirs]
    assert records(ours, at_the_end).weigh(OURS - THEIRS, "loss") is None
    assert records(ours, theirs).weigh(OURS - THEIRS, "loss") is not None


def test_it_is_the_chosen_rate_that_counts():
    rows = records(made(OURS.family, noisy(2, 0), best=1e-3))
    assert [row["rate"] for row in rows.of(OURS).values()] == [1e-3] * 5


@pytest.mark.parametrize("seeds", [5, 4, 3, 2])
def test_three_seeds_that_both_have_are_enough(seeds):
    rows = records(made(OURS.family, noisy(3, 0), seeds=seeds), better(THEIRS, 0))
    found = rows.weigh(OURS - THEIRS, "loss")
    assert (found is None) == (seeds < 3)
    assert found is None or len(found.of_seeds) == seeds


def test_a_setting_is_at_its_own_rate():
    short = Runs(OURS.family, {"prefix_length": 1})
    usual = better(OURS, 0.5)
    assert records(usual).of(short) == {}
    rows = records(usual, better(short, 0.1, best=1e-3), better(THEIRS, 0))
    found = rows.of(short).values()
    assert {row["knobs"]["prefix_length"] for row in found} == {1}
    assert {row["rate"] for row in found} == {1e-3} == {rows.rate(OURS.family, prefix_length=1)}
    assert {row["rate"] for row in rows.of(OURS).values()} == {rows.rate(OURS.family)} != {1e-3}
    assert rows.weigh(OURS - short, "loss").low > 0


def test_two_backbones_are_never_mixed():
    ours, theirs = better(OURS, 0.5), better(THEIRS, 0)
    elsewhere = [row | {"backbone": "gpt2"} for row in theirs]
    rows = records(elsewhere, ours, better(PROMPT, 0))
    assert rows.backbone == "made"
    assert rows.weigh(OURS - PROMPT, "loss") is not None
    assert rows.weigh(OURS - THEIRS, "loss") is None


def test_a_row_of_other_sentences_is_refused():
    ours, theirs = better(OURS, 0.5), better(THEIRS, 0)
    for wrong in ({"accuracy": 0.5}, {"margins": [1.0] * 399}):
        rows = records([row | wrong for row in ours], theirs)
        with pytest.raises(ValueError, match=r"seed 0, has an accuracy of .* other sentences"):
            rows.weigh(OURS - THEIRS, "loss")


@pytest.mark.parametrize(("rounded", "chosen"), [(0.0, 1), (-0.0, 0)])
def test_a_margin_that_was_rounded_to_nothing_says_by_its_sign_which_answer_was_chosen(
    rounded: float, chosen: int
):
    ours, theirs = better(OURS, 0.5), better(THEIRS, 0)
    right = (np.array(ours[0]["margins"])[1:] > 0) == LABELS[1:]
    accuracy = (right.sum() + (LABELS[0] == chosen)) / len(LABELS)
    first = {"margins": [rounded, *ours[0]["margins"][1:]], "accuracy": accuracy}
    rows = records(ours, theirs)
    assert rows.scores(ours[0] | first, "accuracy")[0] == 100 * (LABELS[0] == chosen)


def test_no_records_are_no_backbone():
    assert Records([]).backbone == ""


@pytest.mark.real
def test_the_test_sentences_are_the_same_for_all_rows():
    runs = [FAMILIES[name].run(seed, 0.003) for name, seed in (("LoRA", 0), ("WARP", 4))]
    one, other = (labels_of(run) for run in runs)
    assert (one == other).all()
    assert one.sum() == len(one) / 2 == 200
    assert any(a != b for a, b in pairwise(one))


def test_a_spread_is_that_of_each_seed_and_then_their_mean():
    """Which wording is best changes from seed to seed: their means hide how far they lie apart."""
    near = [Runs(f"4 demonstrations, true, {pattern}") for pattern in ("npnp", "pnpn")]
    rows = records(
        *(
            made(runs.family, lambda seed, n=n: np.full(SENTENCES, 1.0 + (seed + n) % 2))
            for n, runs in enumerate(near)
        )
    )
    score = -np.logaddexp(0, [-1.0, -2.0])
    found = rows.weigh(spread_of(*near), "loss")
    assert found.of_seeds == pytest.approx([score[1] - score[0]] * 5)
    assert found.effect == pytest.approx(score[1] - score[0])


def test_demonstrations_have_seeds_of_their_own():
    shown = Runs("4 demonstrations, true, npnp")
    rows = records(made(shown.family, noisy(2.5, 0)), made(PROMPT.family, noisy(2, 1)))
    assert len(rows.weigh(shown - PROMPT, "loss").of_seeds) == 5


def test_another_rate_is_so_many_rungs_from_the_chosen_one():
    rows = made(OURS.family, noisy(2, 0))
    others = [row(FAMILIES[OURS.family].run(seed, 0.01), noisy(1, 1)(seed)) for seed in range(1, 5)]
    found = records(rows, [other | {"validation_loss": 9.0} for other in others])
    above = Runs(OURS.family, rungs=1)
    assert [one["rate"] for one in found.of(above).values()] == [0.01] * 5
    assert found.weigh(OURS - above, "loss").low > 0
    assert found.of(Runs(OURS.family, rungs=-1)).keys() == {0}  # no other seed was run there


def test_elsewhere_is_another_test_of_the_same_runs():
    there = np.where(LABELS == 1, -1.0, 1.0)  # all wrong
    found = {"margins": there.tolist(), "content_free": 0.0, "accuracy": 0.0, "loss": 1.3}
    rows = [one | {"elsewhere": {"tweets": found}} for one in better(OURS, 0.5)]
    asked = Runs(OURS.family, on="tweets")
    assert records(rows).weigh(OURS - asked, "accuracy").effect > 50
    assert records(rows).tested(asked, rows[0])["task"] == "tweets"


def test_a_vote_is_of_all_seeds_and_the_same_for_each():
    """Each seed is wrong about other sentences: a majority of five is wrong about none."""

    def ahead(seed: int):
        return np.where(np.arange(SENTENCES) % 5 == seed, -1.0, 1.0)

    rows = records(made(OURS.family, ahead))
    vote = Runs(OURS.family, together=VOTE)
    found = rows.weigh(vote - OURS, "accuracy")
    assert found.of_seeds == pytest.approx([20.0] * 5)
    assert rows.weigh(vote - best_of(OURS), "accuracy").effect == pytest.approx(20.0)


def test_a_mean_of_probabilities_is_that_of_all_seeds():
    """One that is sure outweighs two that are not; and its loss is that of the mean."""
    margins = np.array([4.0, -1.0, -1.0])
    rows = records(made(OURS.family, lambda seed: np.full(SENTENCES, margins[seed]), seeds=3))
    mean = np.mean(1 / (1 + np.exp(-margins)))  # of the right answer
    for measure, score in (("accuracy", 100.0), ("loss", np.log(mean))):
        found = rows.weigh(Runs(OURS.family, together=MEAN) - OURS, measure)
        alone = rows.weigh(OURS, measure)
        assert found.effect + alone.effect == pytest.approx(score)
    vote = rows.weigh(Runs(OURS.family, together=VOTE) - OURS, "accuracy")
    assert vote.effect == pytest.approx(0 - 100 / 3)


def test_tests_of_different_sizes_draw_their_own_sentences():
    """On few sentences a score is less sure than on many."""
    few = {"margins": np.tile([3.0, -1.0], 20).tolist(), "content_free": 0.0, "accuracy": 0.5}
    rows = [one | {"elsewhere": {"tweets": few}} for one in better(OURS, 0.5)]
    asked = Records(rows, lambda row: LABELS if row["test"] == 400 else np.tile([1.0, 1.0], 20))
    found = asked.weigh(Runs(OURS.family, on="tweets") - OURS, "loss")
    alone = asked.weigh(OURS, "loss")
    assert found.sentences == 40
    assert found.high - found.low > alone.high - alone.low


def test_the_best_of_the_seeds_is_ahead_of_their_mean():
    rows = records(made(OURS.family, lambda seed: np.full(SENTENCES, seed + 1.0)))
    found = rows.weigh(best_of(OURS) - OURS, "loss")
    score = -np.logaddexp(0, -np.arange(1.0, 6.0))
    assert found.effect == pytest.approx(score[4] - score.mean())
    assert found.of_seeds == pytest.approx(score[4] - score)


def test_what_is_written_is_scored_text_by_text():
    def written(of: Runs, bleu: float) -> list[dict]:
        without = ({name: row[name] for name in row if name != "margins"} for row in better(of, 0))
        scores = {"bleu, beam": [bleu, bleu + 2], "bleu, greedy": [bleu - 3, bleu - 3]}
        return [row | {"scores": scores} for row in without]

    ours, theirs = Runs("tables, prefix, task_words"), Runs("tables, all weights")
    rows = records(written(ours, 50.0), written(theirs, 40.0))
    found = rows.weigh(ours - theirs, "bleu, beam")
    assert (found.effect, found.sentences, len(found.of_seeds)) == (10.0, 2, 3)
    assert rows.weigh(ours - replace(ours, greedy=True), "bleu, beam").effect == 4.0


def test_models_of_families_of_their_own_are_there_on_every_backbone():
    small = Runs("width 24, prompt")
    rows = [one | {"backbone": "tiny-lm, width 24"} for one in better(small, 0)]
    found = records(rows, better(OURS, 0.5))
    assert found.backbone == "made"
    assert len(found.of(small)) == 5


def test_a_divergence_is_that_of_the_margins_from_the_teacher_s():
    ours, theirs = Runs("cartridge"), Runs("first tokens, no training")
    source = np.random.default_rng(3)
    teacher = source.normal(size=SENTENCES)

    def off(runs, by):
        rows = made(runs.family, lambda seed: np.where(LABELS == 1, 1, -1) * (teacher + by))
        return [row | {"teacher": teacher.tolist()} for row in rows]

    found = records(off(ours, 0.0), off(theirs, 0.5)).weigh(ours - theirs, "divergence")
    p, q = 1 / (1 + np.exp(-teacher)), 1 / (1 + np.exp(-teacher - 0.5))
    by_hand = np.mean(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))
    assert found.effect == pytest.approx(by_hand, abs=1e-5)
