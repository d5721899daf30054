"""The ledger of claims: verdicts that are computed, and a README that says the same."""

import json
import re
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
from made_records import LABELS, made, noisy, records

from prefixlab.workbook import claims, protocol
from prefixlab.workbook.claim import (
    ACCURACY,
    BETTER,
    CITED,
    CONTRARY,
    EQUAL,
    LOSS,
    NO_WORSE,
    SHOWN,
    UNDECIDED,
    UNRECORDED,
    Claim,
)
from prefixlab.workbook.claimed import CLAIMS
from prefixlab.workbook.claims import BEGIN, END, MODELS, Ledger, put_into
from prefixlab.workbook.evidence import FAMILIES, Made, Records, Runs, Score
from prefixlab.workbook.protocol import AROUND, THOUSAND

ROOT = Path(__file__).parents[2]
ALL = [claim for lesson in CLAIMS.values() for claim in lesson]
OURS, THEIRS = Runs("prefix tuning, task_words"), Runs("all weights")
UNTRAINED = Runs("no training")
CLAIM = Claim("Ours is better than theirs", OURS - THEIRS)


def against(by: float, between: float = 0.01) -> Records:
    """Rows in which the right answer is further ahead with ours."""
    return records(
        made(OURS.family, noisy(1 + by, 1, between, each=0.2)),
        made(THEIRS.family, noisy(1, 2, between, each=0.2)),
    )


@pytest.mark.parametrize(
    ("relation", "by", "between", "verdict"),
    [
        (BETTER, 0.5, 0.01, SHOWN),
        (BETTER, -0.5, 0.01, CONTRARY),
        (BETTER, 0.2, 0.1, UNDECIDED),
        (EQUAL, 0.0, 0.01, SHOWN),
        (EQUAL, 0.5, 0.01, CONTRARY),
        (EQUAL, -0.5, 0.01, CONTRARY),
        (EQUAL, 0.1, 0.1, UNDECIDED),
        (NO_WORSE, 0.5, 0.01, SHOWN),
        (NO_WORSE, -0.03, 0.01, SHOWN),
        (NO_WORSE, -0.5, 0.01, CONTRARY),
        (NO_WORSE, 0.0, 0.1, UNDECIDED),
    ],
)
def test_the_verdict_follows_from_the_interval(relation, by, between, verdict):
    claim = replace(CLAIM, relation=relation)
    assert claim.verdict(against(by, between).weigh(claim.comparison, claim.measure)) == verdict


def test_a_verdict_changes_with_the_rows_and_with_nothing_else():
    usual, turned = (Ledger.of({"lesson": [CLAIM]}, against(by)).entries[0] for by in (0.5, -0.5))
    assert (CLAIM.verdict(usual[2]), CLAIM.verdict(turned[2])) == (SHOWN, CONTRARY)


def test_what_is_not_there_yet_is_not_recorded():
    for rows in (records(), records(made(OURS.family, noisy(1, 0)))):
        assert CLAIM.verdict(rows.weigh(CLAIM.comparison, LOSS)) == UNRECORDED
    assert Claim("A model of 11B is better", source="Lester et al. 2021").verdict(None) == CITED


def test_a_claim_is_decided_without_a_seed_that_is_missing():
    rows = against(0.5).rows
    fewer = Records([row for row in rows if row["seed"] != 3], lambda row: LABELS)
    (cells,) = Ledger.of({"lesson": [CLAIM]}, fewer).cells()
    assert cells[3] == SHOWN
    assert "4 of 4 seeds agree; 400 sentences" in cells[4]


def test_between_two_prompts_there_are_no_seeds_to_agree():
    question = Runs("no training, question")
    rows = records(*(made(one.family, noisy(1, 0)) for one in (question, UNTRAINED)))
    (cells,) = Ledger.of({"lesson": [Claim("Asking helps", question - UNTRAINED)]}, rows).cells()
    assert cells[4].endswith("nats; nothing is trained; 400 sentences")


def test_the_ledger_says_how_far_and_how_sure():
    (nats,) = Ledger.of({"lesson": [CLAIM]}, against(0.5)).cells()
    signed = r"\+0\.\d{3} \(\+0\.\d{3} to \+0\.\d{3}\)"
    assert re.fullmatch(rf"{signed} nats; 5 of 5 seeds agree; 400 sentences", nats[4])
    equal = replace(CLAIM, measure=ACCURACY, relation=EQUAL)
    (points,) = Ledger.of({"lesson": [equal]}, against(0.0)).cells()
    assert re.match(r"[+-]\d\.\d \([+-]\d\.\d to [+-]\d\.\d\) points; 5 of 5", points[4])
    assert points[1] == "Ours is better than theirs, within 3 points."


@pytest.mark.parametrize("claim", ALL, ids=lambda claim: claim.says)
def test_every_claim_is_about_runs_that_a_grid_records(claim):
    for runs in claim.comparison.runs() if claim.comparison else ():
        family = FAMILIES[runs.family]
        assert not runs.setting or runs.setting in list(family.settings)
        assert runs.on in ("", *family.also)
        assert not runs.rungs or (family.off and abs(runs.rungs) < AROUND)


@pytest.mark.parametrize("claim", ALL, ids=lambda claim: claim.says)
def test_every_claim_says_where_it_is_from(claim):
    if claim.source:
        assert re.search(r"section \d|table \d|abstract|general article", claim.source)
        assert claim.published
    assert claim.source or claim.comparison
    assert claim.says[0].isupper() or claim.says[0] == "“"
    assert claim.says[-1] not in ".,"


def test_there_are_claims_enough_to_decide_and_none_twice():
    assert sum(claim.comparison is not None for claim in ALL) >= 30
    assert len({claim.says for claim in ALL}) == len(ALL)


def test_every_lesson_with_claims_is_a_notebook():
    notebooks = {file.stem[3:] for file in (ROOT / "notebooks").glob("*.ipynb")}
    assert CLAIMS.keys() <= notebooks


SHARP = Claim("a < b & <script>", OURS - THEIRS, source="A | B, section 1", published="<b>1</b>")


def test_what_looks_like_html_stays_text():
    ledger = Ledger.of({"lesson": [SHARP]}, against(0.5))
    shown = ledger._repr_html_()
    assert "a &lt; b &amp; &lt;script&gt;" in shown
    assert "&lt;b&gt;1&lt;/b&gt;" in shown
    assert "a < b & <script>" in repr(ledger)
    assert r"a &lt; b &amp; &lt;script&gt;. | A \| B, section 1: &lt;b&gt;1" in ledger.markdown()


def test_a_lesson_shows_its_claims_by_one_call(monkeypatch):
    monkeypatch.setattr(Records, "read", lambda: against(0.5))
    ledger = claims.show("prefix_tuning")
    assert [entry[1] for entry in ledger.entries] == list(CLAIMS["prefix_tuning"])
    counted = Ledger.of(
        {"lesson": [CLAIM, Claim("More is better", THEIRS - UNTRAINED)]}, against(0.5)
    )
    assert str(counted) == (
        "2 claims, recorded on made: 1 shown, 0 contrary, 0 not decided, 1 not recorded, 0 cited."
    )
    for form in (repr(ledger), ledger._repr_html_(), ledger.markdown()):
        assert "no training" not in form
        told = (str(ledger), "With 32 sentences", "not recorded", "section 6.3")
        assert all(text in form for text in told)


def test_the_ledger_names_the_models_of_the_rows_that_were_weighed():
    """A lesson may have its claims from a small model of its own, as 08, or from both, as 03."""
    small = Runs("width 24, prompt") - Runs("width 24, all weights")
    on_a_small_one = [
        row | {"backbone": row["model"]}
        for runs in small.runs()
        for row in made(runs.family, noisy(1, 0))
    ]
    rows = Records([*against(0.5).rows, *on_a_small_one], lambda row: LABELS)
    ours, theirs = CLAIM, Claim("A small model learns by a prompt", small)
    known = f"tiny-lm ({MODELS['tiny-lm']})"
    for asked, named in (
        ([ours], "recorded on made"),
        ([theirs], f"recorded on {known}"),
        ([theirs, ours, replace(ours, measure=ACCURACY)], f"recorded on made, {known}"),
        ([Claim("More is better", OURS - UNTRAINED)], "nothing is recorded yet"),
    ):
        assert f" claims, {named}: " in str(Ledger.of({"lesson": asked}, rows))


def test_an_unknown_lesson_is_refused():
    with pytest.raises(ValueError, match=r"lesson='prefix' is unknown; .* prefix_tuning"):
        claims.show("prefix")


def test_the_ledger_is_written_between_its_marks(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Records, "read", lambda: against(0.5))
    page = tmp_path / "README.md"
    page.write_text(f"before\n{BEGIN}\nof yesterday\n{END}\nafter\n", encoding="utf-8")
    claims.main(["--markdown", str(page)])
    written = page.read_text(encoding="utf-8")
    assert written.startswith(f"before\n{BEGIN}\n{len(ALL)} claims, recorded on made")
    assert written.endswith(f"|\n{END}\nafter\n")
    assert "of yesterday" not in written
    claims.main(["--markdown"])
    assert capsys.readouterr().out.strip() in written
    claims.main([])
    assert "\nprefix_tuning\n  " in capsys.readouterr().out
    claims.main(["--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["backbone"] == "made"
    assert len(told["claims"]) == len(ALL)
    assert all(f"| {one['claim']} |" in written for one in told["claims"])
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(SystemExit, match="no place for the ledger"):
        claims.main(["--markdown", str(page)])


@pytest.mark.real
def test_the_protocol_says_what_a_thousand_sentences_changed() -> None:
    """Each claim that asks them, beside what the usual 400 say to it."""
    recorded, wide, narrow, turned = Records.read(), list[float](), list[float](), list[str]()
    left = 0
    for claim in ALL:
        if claim.comparison is None or claim.measure != ACCURACY:
            continue
        seen = recorded.weigh(claim.comparison, ACCURACY)
        assert seen
        if seen.sentences < THOUSAND:
            left += abs(seen.effect) < 3 and seen.sentences >= 300
            continue
        before = recorded.weigh(on_the_usual(claim.comparison), ACCURACY)
        assert before
        assert before.sentences == protocol.TEST
        wide.append((before.high - before.low) / 2)
        narrow.append((seen.high - seen.low) / 2)
        was, is_now = claim.verdict(before), claim.verdict(seen)
        turned += [f"“{claim.says}” was {was} and is {is_now}"] * (was != is_now)
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    for said in (
        f"{len(wide)} comparisons of lessons 03, 09 and 10",
        f"interval reached {median(wide):.1f} points",
        f"reaches {median(narrow):.1f} with 1,000",
        *turned,
        f"Another {left} smaller than three points are left",
    ):
        assert re.search(re.escape(said).replace("\\ ", r"\s+"), page), said


def on_the_usual(score: Score) -> Score:
    """The same comparison of the runs that were tested on 400 sentences."""
    if isinstance(score, Runs):
        return replace(score, family=score.family.removesuffix(", 1,000"))
    assert isinstance(score, Made)
    return replace(score, parts=tuple(map(on_the_usual, score.parts)))


@pytest.mark.real
def test_the_readme_says_what_the_records_say():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    ledger = Ledger.of(CLAIMS, Records.read())
    assert put_into(page, ledger.markdown()) == page, (
        "run `python -m prefixlab.workbook.claims --markdown README.md`"
    )


@pytest.mark.parametrize(("by", "verdict"), [(0.05, SHOWN), (0.5, CONTRARY)])
def test_better_by_so_much_is_more_than_better(by, verdict):
    claim = replace(CLAIM, by=by)
    assert claim.verdict(against(0.5).weigh(claim.comparison, LOSS)) == verdict
