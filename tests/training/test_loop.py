"""Training: what a step does, when it stops, and what is kept."""

from copy import deepcopy
from dataclasses import replace
from itertools import islice

import pytest
import torch
from reference import same
from torch.optim import AdamW

from prefixlab import (
    METHODS,
    Backbone,
    Recipe,
    TrainingDiverged,
    Verbalizer,
    create,
    train,
)
from prefixlab.data.batching import collate
from prefixlab.data.examples import dataset
from prefixlab.evaluation.choices import loss_of, scores
from prefixlab.training import loop as training
from prefixlab.training.loop import snapshot


def prompt(lm, task, **knobs):
    return create("prompt_tuning", lm, task, prompt_length=3, init="uniform", **knobs)


@pytest.mark.parametrize(
    ("knobs", "rates"),
    [
        ({"steps": 4}, [1, 0.75, 0.5, 0.25]),
        ({"steps": 4, "decay": "constant"}, [1, 1, 1, 1]),
        ({"steps": 6, "warmup": 2}, [0.5, 1, 1, 0.75, 0.5, 0.25]),
        ({"steps": 4, "warmup": 4, "decay": "constant"}, [0.25, 0.5, 0.75, 1]),
    ],
)
def test_the_learning_rate_rises_and_falls(knobs, rates):
    recipe = Recipe(**knobs)
    assert [recipe.rate(step, peak=1.0) for step in range(recipe.steps)] == pytest.approx(rates)


def test_a_step_is_one_of_the_optimizer_on_the_loss_of_its_batch(gpt2, task):
    method, by_hand = prompt(gpt2, task), prompt(gpt2, task)
    run = train(gpt2, method, task, steps=2, batch_size=4, learning_rate=0.05, clip=0.0, seed=3)
    optimizer = AdamW(by_hand.parameters(), weight_decay=0.0)
    for rate in (0.05, 0.025):
        batch = collate([run.rows[index] for index in run.next_batch()], gpt2.padding)
        loss = loss_of(gpt2.answer_scores(batch, by_hand.conditioning()), batch)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step = run.advance()
        assert step.loss == loss.item()
        assert step.learning_rate == rate
        assert step.tokens == batch.mask.sum()
    assert same(snapshot(method), snapshot(by_hand))


def test_a_gradient_is_no_longer_than_the_clip(gpt2, task):
    method = prompt(gpt2, task)
    train(gpt2, method, task, steps=1, batch_size=4, clip=1e-3).advance()
    assert method.prompt.values.grad.norm().item() == pytest.approx(1e-3, rel=1e-3)
    free = prompt(gpt2, task)
    train(gpt2, free, task, steps=1, batch_size=4, clip=0.0).advance()
    assert free.prompt.values.grad.norm() > 1e-2


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("prompt_tuning", {}),
        ("prefix_tuning", {"prefix_length": 3}),
        ("prefix_tuning", {"prefix_length": 3, "layers": "2", "init": "matched"}),
        ("p_tuning", {}),
        ("p_tuning", {"encoder": "none"}),
    ],
)
def test_training_lowers_the_loss_and_leaves_the_model_as_it_was(tiny, task, name, knobs):
    before = {key: value.clone() for key, value in tiny.model.state_dict().items()}
    method = create(name, tiny, task, **knobs)
    run = train(tiny, method, task, steps=12, batch_size=16, learning_rate=0.02, decay="constant")
    losses = [step.loss for step in run]
    assert losses[-1] < losses[0] - 0.02
    assert same(before, tiny.model.state_dict())


@pytest.mark.parametrize(("optimizer", "slot"), [("adamw", "exp_avg"), ("adafactor", "row_var")])
def test_the_optimizer_is_the_one_asked_for(gpt2, task, optimizer, slot):
    run = train(gpt2, prompt(gpt2, task), task, steps=1, optimizer=optimizer)
    run.advance()
    assert slot in run.optimizer.state_dict()["state"][0]


def test_the_method_s_own_learning_rate_holds_where_none_is_given(gpt2, task):
    assert train(gpt2, prompt(gpt2, task), task).peak == 0.01
    flat, mlp = (
        create("prefix_tuning", gpt2, task, init="uniform", reparameterization=kind)
        for kind in ("none", "mlp")
    )
    assert train(gpt2, flat, task).peak > train(gpt2, mlp, task).peak > 0


def test_a_name_overrides_a_recipe(gpt2, task):
    run = train(gpt2, prompt(gpt2, task), task, recipe=Recipe(steps=9, warmup=2), steps=3)
    assert (run.recipe.steps, run.recipe.warmup) == (3, 2)


def test_a_loop_left_and_entered_again_goes_on_as_if_never_left(gpt2, task):
    straight, left = (
        train(gpt2, prompt(gpt2, task), task, steps=7, batch_size=4, warmup=2) for _ in range(2)
    )
    expected = [step.loss for step in straight]
    losses = [step.loss for step in islice(left, 3)]
    losses += [step.loss for step in left]
    assert losses == expected
    assert same(snapshot(left.method), snapshot(straight.method))
    assert list(left) == []


def test_every_example_is_seen_once_an_epoch(gpt2, task):
    run = train(gpt2, prompt(gpt2, task), task, steps=8, batch_size=4)
    seen = []
    for _ in run:
        run.step -= 1  # the batch of the step just taken
        seen += run.next_batch()
        run.step += 1
    assert sorted(seen[:16]) == sorted(seen[16:]) == list(range(16))
    assert seen[:16] != seen[16:]


def test_early_stopping_waits_and_goes_back_to_the_best(gpt2, task, validation_losses):
    validation_losses([1.0, 0.5, 0.6, 0.7, 0.8])
    run = train(gpt2, prompt(gpt2, task), task, steps=50, validate_every=2, patience=3)
    at = {step.step: (step, snapshot(run.method)) for step in run}
    assert len(at) == 10
    assert [at[n][0].validation is not None for n in (1, 2, 3, 4)] == [False, True, False, True]
    assert at[4][0].validation.loss == 0.5
    assert same(snapshot(run.method), at[4][1])
    assert not same(at[4][1], at[10][1])


def test_without_patience_the_last_parameters_stay(gpt2, task, validation_losses):
    validation_losses([0.5, 1.0, 2.0])
    run = train(gpt2, prompt(gpt2, task), task, steps=3, validate_every=1)
    last = [snapshot(run.method) for _ in run][-1]
    assert same(snapshot(run.method), last)


def test_a_diverged_loss_keeps_the_last_good_parameters(gpt2, task, poison):
    poison(gpt2, call=3)
    run = train(gpt2, prompt(gpt2, task), task, steps=6, learning_rate=0.5)
    run.advance()
    good = snapshot(run.method)
    assert run.advance().step == 2  # the last loss that is a number is that of `good`
    with pytest.raises(TrainingDiverged, match=r"not finite at step 3 \(loss nan\).*below 0\.33"):
        run.advance()
    assert same(snapshot(run.method), good)


def test_a_loss_that_diverges_at_once_keeps_the_start(gpt2, task, poison):
    poison(gpt2, call=1)
    method = prompt(gpt2, task)
    start = snapshot(method)
    with pytest.raises(TrainingDiverged, match="not finite at step 1"):
        list(train(gpt2, method, task, steps=6))
    assert same(snapshot(method), start)


def long(task, split, place):
    """The task with a text too long for the tiny models at one place of a split."""
    rows = [(row["x"], row["y"]) for row in getattr(task, split)]
    rows[place] = ("x" * 400, rows[place][1])
    return replace(task, **{split: dataset(rows)})


@pytest.mark.parametrize(
    ("split", "recipe"), [("train", {}), ("validation", {"validate_every": 2}), ("test", {})]
)
def test_every_split_must_fit_before_the_first_step(gpt2, task, split, recipe):
    with pytest.raises(
        ValueError, match=rf"Row 3 of the {split} examples of films is too long: .*128 positions"
    ):
        train(gpt2, prompt(gpt2, task), long(task, split, 3), **recipe)


def test_early_stopping_validates_on_the_validation_examples(gpt2, task, monkeypatch):
    seen = []
    honest = training.evaluate

    def evaluate(*given, **options):
        seen.append(options["split"])
        return honest(*given, **options)

    monkeypatch.setattr(training, "evaluate", evaluate)
    run = train(gpt2, prompt(gpt2, task), task, steps=2, validate_every=1, patience=1)
    assert [step.validation.examples for step in run] == [len(task.validation)] * 2
    assert seen == ["validation"] * 2


def test_the_seed_is_the_order_of_the_data(gpt2, task):
    orders = [
        train(gpt2, prompt(gpt2, task), task, batch_size=4, seed=seed).next_batch()
        for seed in (0, 0, 1, 2)
    ]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2] != orders[3]


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_weight_decay_pulls_towards_zero(gpt2, task, optimizer):
    """Both subtract rate * decay * parameter before the step (Loshchilov & Hutter 2019)."""
    free, pulled = (prompt(gpt2, task) for _ in range(2))
    start = snapshot(free)["prompt.values"]
    for method, decay in ((free, 0.0), (pulled, 0.5)):
        recipe = {"learning_rate": 0.1, "weight_decay": decay, "optimizer": optimizer}
        train(gpt2, method, task, steps=1, batch_size=4, **recipe).advance()
    difference = free.prompt.values - pulled.prompt.values
    if optimizer == "adafactor":  # the size of a step is that of what was pulled already
        assert (difference * start).sum() > 0.04 * start.square().sum()
    else:
        torch.testing.assert_close(difference, 0.1 * 0.5 * start, rtol=1e-4, atol=1e-6)


def test_an_epoch_is_sorted_once(gpt2, task, monkeypatch):
    asked = []
    honest = training.training_order

    def order(rows, size, epoch, seed):
        asked.append(epoch)
        return honest(rows, size, epoch, seed)

    monkeypatch.setattr(training, "training_order", order)
    list(train(gpt2, prompt(gpt2, task), task, steps=10, batch_size=4))
    assert asked == [0, 1, 2]


@pytest.mark.parametrize(("optimizer", "rate"), [("adamw", 0.05), ("adafactor", 0.3)])
def test_a_step_says_how_far_it_went(gpt2, task, optimizer, rate):
    """AdamW goes as far as the rate; Adafactor as far as rate times the size of what it moves."""
    method = prompt(gpt2, task)
    with torch.no_grad():
        method.prompt.values *= 0.01
    before = method.prompt.values.detach().clone()
    run = train(gpt2, method, task, steps=1, optimizer=optimizer, learning_rate=rate, clip=0.0)
    step = run.advance()
    size = before.square().mean().sqrt().item()
    moved = (method.prompt.values - before).square().mean().sqrt().item()
    assert step.learning_rate == rate
    assert step.update == pytest.approx(moved, rel=1e-5)
    assert step.update == pytest.approx(rate * (size if optimizer == "adafactor" else 1), rel=0.05)


def test_the_seconds_of_a_step_are_without_its_validation(gpt2, task, monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(training.time, "perf_counter", lambda: next(clock))
    honest = training.evaluate

    def evaluate(*given, **options):
        next(clock)  # a validation takes its time
        return honest(*given, **options)

    monkeypatch.setattr(training, "evaluate", evaluate)
    run = train(gpt2, prompt(gpt2, task), task, steps=2, validate_every=1)
    assert [step.seconds for step in run] == [1, 1]


def test_a_step_keeps_one_copy_of_the_parameters_and_makes_no_other(gpt2, task):
    run = train(gpt2, create("fine_tuning", gpt2, task), task, steps=4)
    places = {name: value.data_ptr() for name, value in run.last_good.items()}
    for _ in run:
        assert {name: value.data_ptr() for name, value in run.last_good.items()} == places
    assert not run.best


def test_parameters_are_float32_whatever_the_model_computes_in(gpt2, task):
    """A step is often smaller than the distance of two bfloat16 numbers."""
    half = Backbone("half", deepcopy(gpt2.model).bfloat16(), gpt2.tokenizer)
    for name in METHODS:
        method = create(name, half, task)
        assert {value.dtype for value in method.parameters()} <= {torch.float32}
        if name not in ("discrete_prompt", "in_context"):
            before = snapshot(method)
            train(half, method, task, steps=1, batch_size=4, learning_rate=1e-4).advance()
            assert not same(snapshot(method), before)
        assert scores(half, method, task, task.test).dtype == torch.float32


def test_a_head_is_read_in_float32(gpt2, task):
    half = Backbone("half", deepcopy(gpt2.model).bfloat16(), gpt2.tokenizer)
    method = create("linear_probe", half, task)
    with torch.no_grad():
        method.head.values[:, -1] = torch.tensor([100.0, 100.001])  # one number in bfloat16
    found = scores(half, method, task, task.test)
    assert (found[:, 0] < found[:, 1]).all()


@pytest.mark.parametrize("kind", ["one token", "long answers", "free text"])
def test_a_batch_in_several_passes_is_the_same_step(gpt2, task, kind, monkeypatch):
    if kind == "long answers":  # each is a sequence of its own
        words = tuple(f"film number {number}" for number in range(20))
        task = replace(task, verbalizer=Verbalizer(words))
    elif kind == "free text":  # of many lengths
        train_on = task.train.map(lambda row: {"y": row["x"]})
        task = replace(task, verbalizer=None, train=train_on, validation=train_on, test=train_on)

    def run():
        method = create("prefix_tuning", gpt2, task, prefix_length=3, init="matched")
        read, honest = [], gpt2.hidden_states
        with monkeypatch.context() as patched:
            patched.setattr(
                gpt2,
                "hidden_states",
                lambda *given: read.append(given[0].numel()) or honest(*given),
            )
            steps = list(train(gpt2, method, task, steps=3, batch_size=16))
        return steps, method, read

    monkeypatch.setattr(training, "POSITIONS", 100_000)
    at_once, other, whole = run()
    assert len(whole) == 3
    monkeypatch.setattr(training, "POSITIONS", max(whole) // 4)
    steps, method, parts = run()
    assert max(parts) <= max(whole) // 4
    assert [step.loss for step in steps] == pytest.approx([step.loss for step in at_once], abs=1e-4)
    assert [step.tokens for step in steps] == [step.tokens for step in at_once]
    assert torch.allclose(method.prefix(), other.prefix(), atol=1e-4)


def moved_by(method, start: dict) -> dict[str, float]:
    return {
        name: (value - start[name]).abs().max().item() for name, value in method.named_parameters()
    }


def test_a_head_may_have_a_rate_of_its_own(gpt2, task):
    """AdamW's first step moves a number by the rate."""
    found = {}
    for head_rate in (0.0, 0.02):
        method = create("p_tuning_v2", gpt2, task, prefix_length=2, classifier="head")
        start = {name: value.detach().clone() for name, value in method.named_parameters()}
        list(train(gpt2, method, task, steps=1, learning_rate=0.001, head_rate=head_rate))
        found[head_rate] = moved_by(method, start)
    (head,) = (name for name in start if name.startswith("head."))
    assert found[0.0][head] == pytest.approx(0.001, rel=0.01)
    assert found[0.02][head] == pytest.approx(0.02, rel=0.01)


def test_what_is_no_head_keeps_the_rate_of_the_recipe(gpt2, task):
    method = create("p_tuning_v2", gpt2, task, prefix_length=2, classifier="head")
    with torch.no_grad():  # from zeros what it reads has no gradient in the first step
        method.head.values.normal_(generator=torch.Generator().manual_seed(0))
    start = {name: value.detach().clone() for name, value in method.named_parameters()}
    list(train(gpt2, method, task, steps=1, learning_rate=0.001, head_rate=0.02, clip=0))
    moved = moved_by(method, start)
    assert moved["prefix.values"] == pytest.approx(0.001, rel=0.01)


def test_a_rate_for_a_head_needs_a_head(gpt2, task):
    method = create("prompt_tuning", gpt2, task)
    with pytest.raises(ValueError, match=r"head_rate=0.02 is for a head, .*none; leave it"):
        train(gpt2, method, task, head_rate=0.02)
