"""A row says what its run did: trained on its seed's sentences, tested at its best step."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from math import copysign, log1p
from pathlib import Path
from typing import Any

import pytest
import torch

from prefixlab import Backbone, Template, Verbalizer, create, evaluation, load, tasks, train
from prefixlab.training import loop, optimizers
from prefixlab.workbook import measuring, protocol, tested
from prefixlab.workbook.distillation import divergence
from prefixlab.workbook.grids import GRIDS, families
from prefixlab.workbook.measuring import NO_LOSS, is_lesson_task, lesson_task, measure, task_of
from prefixlab.workbook.protocol import BATCH, TRAIN, WARMUP, WORDS, Run

VALIDATION, TEST = 16, 80  # fewer than the protocol has, for the sake of time
BACKBONE = measuring.backbone
Family = partial(protocol.Family, test=TEST)
FAMILY = Family("prompt", "prompt_tuning", {"prompt_length": 2}, 0.03, steps=4)


@pytest.fixture(autouse=True)
def setting(monkeypatch: pytest.MonkeyPatch, gpt2: Backbone, rated_films: None) -> Iterator[None]:
    """A tiny model, sentences that need no network, and a validation after every step."""
    monkeypatch.setattr(measuring, "backbone", lambda name: gpt2)
    monkeypatch.setattr(measuring, "VALIDATIONS", FAMILY.steps)
    monkeypatch.setattr(measuring, "VALIDATION", VALIDATION)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def row_of(run: Run) -> Run:
    """The row of a run, as a file of rows gives it back."""
    return json.loads(json.dumps(measure(run, "tiny")))


def margins(lm: Backbone, run: Run, steps: int) -> list[float]:
    """What the row of a run that was tested after so many steps says of each sentence."""
    task = task_of(run)
    method = create(run["method"], lm, task, seed=run["seed"], **run["knobs"])
    recipe: dict[str, Any] = {"batch_size": BATCH, "learning_rate": run["rate"]}
    recipe |= {"warmup": min(WARMUP, run["steps"]), "decay": "constant", "steps": run["steps"]}
    training = train(lm, method, task, **recipe, seed=run["seed"])
    for _ in range(steps):
        training.advance()
    scored = evaluation.scores(lm, method, task, task.test)
    return [round(margin, 2) for margin in (scored[:, 1] - scored[:, 0]).tolist()]


def test_a_seed_draws_other_sentences_to_train_on_and_no_others() -> None:
    drawn = [task_of(FAMILY.run(seed, 0.03)) for seed in range(3)]
    for one, other in [drawn[:2], drawn[1:]]:
        assert one.test[:] == other.test[:]
        assert one.validation[:] == other.validation[:]
        assert set(one.train["x"]) != set(other.train["x"])
    sizes = [len(drawn[1].train), len(drawn[1].validation), len(drawn[1].test)]
    assert sizes == [TRAIN, VALIDATION, TEST]
    assert all(len(text.split()) <= WORDS for one in drawn for text in one.train["x"])
    few = task_of(FAMILY.run(1, 0.03, {"train": 32}))
    assert len(few.train) == 32
    assert set(few.train["x"]) < set(drawn[1].train["x"])


def test_the_task_of_a_lesson_is_that_of_the_recorded_runs_with_seed_0() -> None:
    for size in (32, TRAIN):
        lesson, asked = lesson_task(size), FAMILY.run(0, 0.03, {"train": size})
        recorded = task_of(asked | {"test": protocol.TEST})
        assert all(lesson.splits[split][:] == recorded.splits[split][:] for split in lesson.splits)
    assert len(lesson_task().train) == TRAIN


def test_a_task_can_be_laid_beside_recorded_runs_if_it_asks_and_tests_as_they_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lesson = lesson_task(512)
    sizes = {"train": 32, "validation": VALIDATION, "test": protocol.TEST, "words": WORDS}
    assert is_lesson_task(lesson_task(32))
    assert is_lesson_task(tasks.load("movie_reviews", **sizes))
    others = [
        replace(lesson, template=Template("{x}: {y}")),
        replace(lesson, verbalizer=Verbalizer(("bad", "good"))),
        replace(lesson, task_words="Good or bad?"),
        replace(lesson, test=lesson.train.select(range(protocol.TEST))),
        tasks.load("movie_reviews", **sizes | {"validation": VALIDATION + 2}),
        tasks.load("movie_reviews", **sizes | {"test": protocol.TEST + 2}),
        tasks.load("movie_reviews", **sizes | {"words": 100}),
        tasks.load("movie_reviews", **sizes, seed=1),
    ]
    assert not any(map(is_lesson_task, others))
    monkeypatch.setattr(measuring, "lesson_task", lambda: pytest.fail("was read in vain"))
    assert not is_lesson_task(replace(lesson, name="mine"))


def test_a_recipe_warms_up_and_then_keeps_its_rate_and_the_best_step() -> None:
    how = measuring.recipe(steps=20, rate=0.03, seed=7, head_rate=0.1)
    rates = [how.rate(step, how.learning_rate) for step in range(20)]
    assert rates[:WARMUP] == pytest.approx([0.03 * (n + 1) / WARMUP for n in range(WARMUP)])
    assert set(rates[WARMUP:]) == {0.03}
    assert (how.steps, how.batch_size, how.seed, how.head_rate) == (20, BATCH, 7, 0.1)
    assert how.validate_every == 20 // FAMILY.steps
    assert how.patience * how.validate_every >= how.steps  # it keeps the best, and never stops
    assert measuring.recipe(steps=WARMUP - 1, rate=0.03, seed=0, head_rate=0).warmup == WARMUP - 1


def test_a_seed_is_another_start_and_another_order_too() -> None:
    uniform = Family("p", "prompt_tuning", {"prompt_length": 2, "init": "uniform"}, 0.03, steps=1)
    first, again, other = (row_of(uniform.run(seed, 0.03)) for seed in (0, 0, 1))
    assert first["losses"] == again["losses"] != other["losses"]
    assert first["margins"] == again["margins"] != other["margins"]


@pytest.mark.parametrize(
    ("losses", "best"),
    [
        ([0.9, 0.5, 0.7, 0.6], 2),
        ([0.9, 0.8, 0.7, 0.6], 4),
        ([0.5, 0.5, 0.7, 0.6], 1),
        ([0.50004, 0.50001, 0.6, 0.6], 2),  # written down, the first two are equal
    ],
)
def test_the_best_step_is_what_is_tested(
    losses: list[float],
    best: int,
    validation_losses: Callable[[list[float]], None],
    gpt2: Backbone,
) -> None:
    run = FAMILY.run(1, 0.3)
    validation_losses(losses)
    row = row_of(run)
    assert row["best_step"] == best
    assert row["validation_loss"] == round(losses[best - 1], 4)
    assert row["validation_accuracy"] == row["validation"][best - 1][2]
    assert [step for step, _, _ in row["validation"]] == [1, 2, 3, 4]
    assert row["margins"] == margins(gpt2, run, steps=best)
    assert row["margins"] != margins(gpt2, run, steps=best - 1)


def test_the_margins_say_the_accuracy_and_the_loss_again() -> None:
    run = FAMILY.run(0, 0.03)
    row, labels = row_of(run), task_of(run).test["y"]
    assert len(row["margins"]) == len(labels) == TEST
    assert share_right(row["margins"], labels) == pytest.approx(row["accuracy"])
    free = [margin - row["content_free"] for margin in row["margins"]]
    # Each of the two is rounded, so that a sentence at the threshold may change sides.
    close = sum(abs(margin) <= 0.01 for margin in free) / TEST
    assert share_right(free, labels) == pytest.approx(row["calibrated"], abs=close + 1e-6)
    towards = [margin if y else -margin for margin, y in zip(row["margins"], labels, strict=True)]
    loss = sum(log1p(torch.tensor(-each).exp().item()) for each in towards) / TEST
    assert loss == pytest.approx(row["loss"], abs=0.005)


def share_right(margins: list[float], labels: list[int]) -> float:
    """The sign says which answer was chosen, that of -0.0 too."""
    chosen = [int(copysign(1, margin) > 0) for margin in margins]
    return sum(each == y for each, y in zip(chosen, labels, strict=True)) / len(labels)


def test_a_margin_keeps_its_side_where_it_is_rounded_to_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    side = [0.003 if n % 3 else -0.003 for n in range(TEST)]
    scored = torch.tensor([[0.0, margin] for margin in side])
    monkeypatch.setattr(tested, "scores", lambda *_: scored)
    run = Family("none", "discrete_prompt", seeds=1).run(0, None)
    row = row_of(run)
    assert set(map(str, row["margins"])) == {"0.0", "-0.0"}
    assert share_right(row["margins"], task_of(run).test["y"]) == pytest.approx(row["accuracy"])


def test_a_run_that_diverges_keeps_what_was_best_and_says_where_it_ended(
    gpt2: Backbone, poison: Callable[[Backbone, int], None]
) -> None:
    run = FAMILY.run(0, 0.03)
    tested = margins(gpt2, run, steps=1)
    poison(gpt2, 1 + VALIDATION // 8 + 1)  # the second step
    row = row_of(run)
    assert (len(row["losses"]), row["best_step"]) == (1, 1)
    assert row["validation_loss"] == row["validation"][0][1] < NO_LOSS
    assert row["margins"] == tested


def test_a_run_that_diverges_at_once_has_the_worst_loss_there_is(
    gpt2: Backbone, poison: Callable[[Backbone, int], None]
) -> None:
    run = FAMILY.run(0, 0.03)
    untrained = margins(gpt2, run, steps=0)
    poison(gpt2, 1)
    row = row_of(run)
    assert (row["losses"], row["validation"], row["best_step"]) == ([], [], 0)
    assert row["validation_loss"] == NO_LOSS
    assert row["margins"] == untrained


@pytest.mark.parametrize(("good", "best"), [(0, 0), (2, 1)])
def test_an_update_that_leaves_no_numbers_is_found_when_it_is_validated(
    good: int, best: int, gpt2: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = FAMILY.run(0, 0.03)
    tested = margins(gpt2, run, steps=best)
    honest, steps = optimizers.AdamW.step, count()

    def step(self: optimizers.AdamW) -> None:
        honest(self)
        if next(steps) == good:
            for group in self.param_groups:
                for parameter in group["params"]:
                    parameter.data.fill_(float("nan"))

    monkeypatch.setattr(optimizers.AdamW, "step", step)
    monkeypatch.setattr(loop, "evaluate", rising(loop.evaluate))
    row = row_of(run)
    assert (len(row["losses"]), row["best_step"]) == (good, best)
    assert row["margins"] == tested


def rising(honest: Callable[..., Any]) -> Callable[..., Any]:
    """Validations that find a higher loss every time, where they find one."""
    losses = count(0.1, 0.1)
    return lambda *given, **knobs: replace(honest(*given, **knobs), loss=next(losses))


def test_an_error_that_is_no_divergence_is_not_taken_for_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("Something else.")

    monkeypatch.setattr(loop, "evaluate", fail)
    with pytest.raises(ValueError, match=r"^Something else\.$"):
        measure(FAMILY.run(0, 0.03), "tiny")


def test_a_prompt_that_is_not_trained_is_tested_and_no_more() -> None:
    row = row_of(Family("none", "discrete_prompt", seeds=1).run(0, None))
    assert not {"losses", "validation", "best_step", "validation_loss"} & row.keys()
    assert (row["parameters"], row["rate"], len(row["margins"])) == (0, None, TEST)


def test_a_row_says_where_it_comes_from() -> None:
    row = row_of(FAMILY.run(0, 0.03))
    assert {name: row[name] for name in FAMILY.run(0, 0.03)} == FAMILY.run(0, 0.03)
    assert (row["backbone"], row["dtype"], row["threads"]) == ("tiny-gpt2", "float32", 1)
    assert row["versions"].keys() == {"prefixlab", "torch", "transformers"}
    assert row["processor"]
    assert row["date"][:2] == "20"
    assert row["parameters"] == 2 * 32
    assert torch.get_num_threads() == 1


def test_the_page_names_all_that_a_row_holds() -> None:
    page = (Path(__file__).parents[2] / "docs" / "recording.md").read_text(encoding="utf-8")
    assert len(page.splitlines()) <= 50
    for name in row_of(FAMILY.run(0, 0.03)):
        assert f"`{name}`" in page, name


def test_a_row_says_in_which_precision_its_model_really_was(
    half: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "backbone", lambda name: half)
    assert row_of(Family("none", "discrete_prompt", seeds=1).run(0, None))["dtype"] == "bfloat16"


def test_a_run_is_in_float32_whatever_the_lessons_are_in(
    gpt2: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFIXLAB_DTYPE", "bfloat16")
    gpt2.model.save_pretrained(tmp_path)
    gpt2.tokenizer.save_pretrained(tmp_path)
    BACKBONE.cache_clear()
    try:
        assert BACKBONE(str(tmp_path)).dtype == torch.float32
        assert BACKBONE(str(tmp_path)) is BACKBONE(str(tmp_path))
    finally:
        BACKBONE.cache_clear()
    assert load(str(tmp_path)).dtype == torch.bfloat16


def test_other_tasks_are_tested_on_and_not_trained_on(
    monkeypatch: pytest.MonkeyPatch, gpt2: Backbone
) -> None:
    monkeypatch.setattr(measuring, "ELSEWHERE", 40)
    run = Family("p", "prompt_tuning", {"prompt_length": 2}, 0.03, also=["tweets"], steps=1).run(
        0, 0.03
    )
    row = row_of(run)
    assert row["also"] == ["tweets"] == [*row["elsewhere"]]
    there = row["elsewhere"]["tweets"]
    assert there.keys() == {"accuracy", "calibrated", "loss", "margins", "content_free"}
    (asked,) = (measuring.elsewhere(run, task) for task in run["also"])
    assert (asked.name, len(asked.test), len(there["margins"])) == ("tweets", 40, 40)
    assert asked.test[:] == measuring.elsewhere(run | {"seed": 3}, "tweets").test[:]


def test_a_word_that_is_written_is_right_or_legal_or_neither(
    gpt2: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [("a film", "film"), ("an oven", "product"), ("a song", "film"), ("a pen", "product")]
    task = replace(task_of(FAMILY.run(0, 0.03)).text_to_text(), test=tasks.dataset(rows))
    texts = ["film", "film", "blue", "product"]
    monkeypatch.setattr(tested, "generate", lambda *given, **how: texts)
    method = create("discrete_prompt", gpt2, task)
    found = tested.tested(gpt2, method, task)
    assert (found["accuracy"], found["legal"]) == (0.5, 0.75)
    assert found["scores"]["accuracy"] == [100, 0, 0, 100]
    assert found["scores"]["legal"] == [100, 100, 0, 100]
    of_each = found["scores"]["loss"]
    assert found["loss"] == pytest.approx(-sum(of_each) / 4, abs=1e-3)


def test_texts_about_tables_are_judged_one_by_one_and_in_all(
    gpt2: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        (f"name[{name}], food[{food}]", f"{name} has {food} food{end}")
        for name, food in (("Aromi", "French"), ("Cotto", "Indian"), ("Zizzi", "English"))
        for end in (".", "!")
    ]
    task = replace(task_of(FAMILY.run(0, 0.03)).text_to_text(), test=tasks.dataset(rows))
    tables = tasks.references(task.test)
    right = [texts[0] for texts in tables.values()]
    given = {"greedy": ["nothing", *right[1:]], "beam": right}
    faulty = ["Aromi", "Cotto has Chinese food.", "Zizzi has English food near Ranch."]
    asked: list[dict[str, Any]] = []

    def generate(*of: Any, **how: Any) -> list[str]:
        asked.append(how)
        return given[how["strategy"]]

    monkeypatch.setattr(tested, "generate", generate)
    method = create("discrete_prompt", gpt2, task)
    found = tested.tested(gpt2, method, task)
    assert [how["beams"] for how in asked] == [5, 5]
    assert found["beam"]["bleu"] == 100 > found["greedy"]["bleu"]
    assert (found["beam"]["missing"], found["greedy"]["missing"] > 1) == (0, True)
    scores = found["scores"]
    assert scores["bleu, beam"] == [100.0] * 3
    assert scores["bleu, greedy"] == pytest.approx([0, 100, 100], abs=1)
    assert scores["slots, greedy"] == [0.0, 100.0, 100.0]
    given["greedy"] = faulty
    counted = tested.tested(gpt2, method, task)["greedy"]
    kept = [counted[name] for name in ("slots", "missing", "wrong", "invented")]
    assert (kept, counted["texts"]) == ([6, 1, 1, 1], faulty)
    tokens = [len(row.answers[0]) for row in method.rows(gpt2, task.test, task)]
    assert len(scores["loss"]) == len(tokens)
    summed = sum(loss * n for loss, n in zip(scores["loss"], tokens, strict=True))
    assert found["loss"] == pytest.approx(-summed / sum(tokens), abs=1e-3)


def test_seeds_of_e2e_draw_other_tables_and_test_on_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "DATA", tmp_path)
    with pytest.raises(ValueError, match=r"devset\.csv"):
        measuring.e2e(4, 2, 0)
    (tmp_path / "e2e").mkdir()
    lines = [f'"name[Place {n}], food[French]",Place {n} is French.' for n in range(60)]
    (tmp_path / "e2e" / "devset.csv").write_text("\n".join(["mr,ref", *lines]), encoding="utf-8")
    drawn = [measuring.e2e(4, 2, seed) for seed in range(3)]
    trained = [set(task.train["x"]) for task in drawn]
    assert all(len(one) == 4 for one in trained)
    assert len(set.union(*trained)) == 12
    for task in drawn[1:]:
        assert task.test[:] == drawn[0].test[:]
        assert task.validation[:] == drawn[0].validation[:]


def test_every_grid_asks_for_models_and_tasks_that_can_be_had() -> None:
    for grid in GRIDS:
        for family in families(grid):
            assert family.model in ("", *measuring.MODELS), family.name
            for name in (family.task, *family.also):
                assert name in (*tasks.NAMES, "e2e", "film_or_product", "film_or_product, written")


def test_a_validation_falls_eight_times_into_a_run_of_any_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measuring, "VALIDATIONS", 8)
    for steps, every in ((16, 2), (4, 1)):
        row = row_of(FAMILY.run(0, 0.03) | {"steps": steps})
        assert [at for at, _, _ in row["validation"]] == [*range(every, steps + 1, every)]


@pytest.mark.real
def test_there_are_sentences_for_every_test_that_a_grid_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()  # the sentences are the real ones
    every = [family for grid in GRIDS for family in families(grid) if family.task != "e2e"]
    for name, test in {(family.task, family.test) for family in every}:
        assert len(tasks.references(measuring.tested_on(name, test).test)) == test, name
    others = {(name, family.test) for family in every for name in family.also}
    for name, test in others:
        found = measuring.elsewhere({"test": test}, name)
        size = test if name in tasks.TABLES else measuring.ELSEWHERE
        assert len(tasks.references(found.test)) == size, name


@pytest.mark.real
def test_a_test_is_the_same_whatever_else_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for name, test in (("movie_reviews", 400), ("film_or_product", 400)):
        own = task_of(protocol.Family("", "", task=name).run(3, None)).test
        assert measuring.tested_on(name, test).test[:] == own[:]


def test_a_cartridge_is_taught_by_the_model_that_read_its_text(gpt2: Backbone) -> None:
    knobs = {"demonstrations": 3, "prefix_length": 4}
    run = Family("cartridge", "cartridge", knobs, 0.03, steps=4).run(1, 0.03)
    row, task = row_of(run), task_of(run)
    read = create("in_context", gpt2, task, seed=1, demonstrations=3)
    theirs = evaluation.scores(gpt2, read, task, task.test)
    assert row["teacher"] == [round(each, 2) for each in (theirs[:, 1] - theirs[:, 0]).tolist()]
    ours = torch.tensor(row["margins"])
    scored = torch.stack([torch.zeros_like(ours), ours], dim=1)
    assert row["divergence"] == pytest.approx(divergence(theirs, scored).mean().item(), abs=1e-3)
    # It was trained by divergences, which validation measures too, and kept where it was nearest.
    start = create("cartridge", gpt2, task, seed=1, **knobs)
    before = row_of(run | {"rate": None})["divergence"]
    off = divergence(theirs, evaluation.scores(gpt2, start, task, task.test)).mean().item()
    assert before == pytest.approx(off, abs=1e-3)
    assert row["divergence"] < before
    assert row["validation_loss"] == min(loss for _, loss, _ in row["validation"]) < 0.5


def test_a_row_names_the_card_where_the_model_lies_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"the card of {device}")
    assert measuring.processor(torch.device("cuda", 1)) == "the card of cuda:1"
    assert measuring.processor(torch.device("cpu")) not in ("", "the card of cpu")
