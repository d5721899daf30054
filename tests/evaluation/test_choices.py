"""Evaluation: its numbers against known ones and against hand calculation."""

import math
from copy import deepcopy
from dataclasses import replace

import numpy
import pandas
import pytest
import torch
from reference import close

from prefixlab import (
    Backbone,
    DiscretePrompt,
    Verbalizer,
    create,
    evaluate,
    mixed_scores,
    predict,
)
from prefixlab.data.batching import collate
from prefixlab.evaluation import choices
from prefixlab.evaluation.choices import (
    CONTENT_FREE,
    content_free_scores,
    expected_calibration_error,
    loss_of,
    scores,
    wilson,
)
from prefixlab.serving.ensembles import member_scores


@pytest.mark.parametrize(
    ("right", "total", "interval"),
    [
        (5, 10, (0.2366, 0.7634)),
        (0, 10, (0.0, 0.2775)),
        (10, 10, (0.7225, 1.0)),
        (81, 263, (0.2553, 0.3662)),  # Newcombe (1998), table I
    ],
)
def test_wilson_s_interval_is_the_published_one(right, total, interval):
    assert wilson(right, total) == pytest.approx(interval, abs=5e-5)


def test_calibration_error_by_hand():
    """Two of three right at 0.95, and one of two at 0.65: 3/5 |0.95 - 2/3| + 2/5 |0.65 - 1/2|."""
    confident, unsure = [0.95, 0.05], [0.35, 0.65]
    probabilities = torch.tensor([confident] * 3 + [unsure] * 2)
    right = torch.tensor([True, True, False, True, False])
    error = expected_calibration_error(probabilities, right)
    assert error == pytest.approx(0.6 * (0.95 - 2 / 3) + 0.4 * 0.15)


def test_sure_and_right_has_no_calibration_error():
    assert expected_calibration_error(torch.eye(3), torch.tensor([True] * 3)) == 0


@pytest.fixture
def says(monkeypatch):
    """Fix what the model says: logarithms of these probabilities, whatever the examples."""

    def fix(probabilities, content_free):
        def said(lm, method, task, examples, **_):
            free = tuple(examples["x"]) == CONTENT_FREE
            return torch.tensor(content_free if free else probabilities).log()

        monkeypatch.setattr(choices, "scores", said)

    return fix


def test_calibration_divides_by_what_is_said_to_nothing(gpt2, task, says):
    two = replace(task, test=task.test.select([0, 1]))  # positive, negative
    method = DiscretePrompt(gpt2, two)
    says([[0.80, 0.20], [0.95, 0.05]], content_free=[[0.9, 0.1], [0.8, 0.2], [1.0, 0.0]])
    raw, calibrated = (evaluate(gpt2, method, two, calibrate=flag) for flag in (False, True))
    assert (raw.accuracy, calibrated.accuracy) == (0.5, 1.0)
    # 0.8 / 0.9 and 0.2 / 0.1, 0.95 / 0.9 and 0.05 / 0.1; the right answers are 1 and 0.
    first, second = 2 / (2 + 0.8 / 0.9), (0.95 / 0.9) / (0.95 / 0.9 + 0.5)
    assert calibrated.loss == pytest.approx(-(math.log(first) + math.log(second)) / 2)
    assert raw.loss == pytest.approx(-(math.log(0.2) + math.log(0.95)) / 2)
    assert calibrated.interval == pytest.approx(wilson(2, 2))


def test_calibration_of_long_answers_does_not_underflow(gpt2, task, monkeypatch):
    """An answer of many tokens has a probability far below the smallest float32, 1e-45."""
    said = {"free": [[-10.0, -300.0]] * 3, "asked": [[-20.0, -315.0], [-20.0, -305.0]]}

    def scores_of(lm, method, task, examples, **_):
        return torch.tensor(said["free" if tuple(examples["x"]) == CONTENT_FREE else "asked"])

    monkeypatch.setattr(choices, "scores", scores_of)
    two = replace(task, test=task.test.select([1, 0]))  # negative, positive
    method = DiscretePrompt(gpt2, two)
    close(content_free_scores(gpt2, method, two), torch.tensor([0.0, -290.0]))
    found = evaluate(gpt2, method, two, calibrate=True)
    # Each against what is said to nothing: -20 and -25, then -20 and -15.
    assert (found.accuracy, found.loss) == (1.0, pytest.approx(math.log(1 + math.exp(-5))))


def test_a_long_answer_is_calibrated_as_a_short_one(gpt2, task):
    asked = replace(task, verbalizer=Verbalizer(("dull", "a warm and funny film, " * 4)))
    method = DiscretePrompt(gpt2, asked)
    assert predict(gpt2, method, asked, ["dull"]).min() == 0
    assert content_free_scores(gpt2, method, asked).isfinite().all()
    assert predict(gpt2, method, asked, ["dull"], calibrate=True).isfinite().all()
    assert evaluate(gpt2, method, asked, calibrate=True).loss < float("inf")


def test_inputs_without_content_are_rendered_as_any_other(tiny, task):
    method = DiscretePrompt(tiny, task)
    together = predict(tiny, method, task, ["N/A", "[MASK]", ""])
    close(content_free_scores(tiny, method, task), together.mean(0).log())


def test_scores_come_in_the_order_of_the_examples(tiny, task):
    method = DiscretePrompt(tiny, task)
    ours = scores(tiny, method, task, task.test, batch_size=3)
    backwards = task.test.select(range(len(task.test) - 1, -1, -1))
    close(scores(tiny, method, task, backwards, batch_size=3), ours.flip(0))


def test_predictions_are_probabilities_of_every_answer(tiny, task):
    method = DiscretePrompt(tiny, task)
    said = predict(tiny, method, task, ["dull", "great", "I would watch it again"])
    close(said.sum(1), torch.ones(3))
    close(said, predict(tiny, method, task, ["dull", "great", "I would watch it again"]))
    calibrated = predict(tiny, method, task, ["dull"], calibrate=True)
    by_hand = said[:1] / content_free_scores(tiny, method, task).exp()
    close(calibrated, by_hand / by_hand.sum())


@pytest.mark.parametrize("answers", [("negative", "positive"), ("awful, really", "great")])
def test_the_training_loss_is_the_evaluation_s(tiny, task, answers):
    asked = replace(task, verbalizer=Verbalizer(answers))
    method = DiscretePrompt(tiny, asked)
    batch = collate(method.rows(tiny, asked.test, asked), tiny.padding)
    loss = loss_of(tiny.answer_scores(batch), batch)
    assert loss.item() == pytest.approx(evaluate(tiny, method, asked).loss, rel=1e-5)


def test_the_loss_of_free_text_is_per_token(tiny, task):
    free = replace(task, verbalizer=None, test=task.test.map(lambda row: {"y": row["x"]}))
    method = DiscretePrompt(tiny, free)
    rows = method.rows(tiny, free.test, free)
    result = evaluate(tiny, method, free)
    tokens = sum(len(row.answers[0]) for row in rows)
    assert result.loss == pytest.approx(-scores(tiny, method, free, free.test).sum() / tokens)
    batch = collate(rows, tiny.padding)
    assert loss_of(tiny.answer_scores(batch), batch).item() == pytest.approx(result.loss, rel=1e-5)
    assert (result.accuracy, result.interval, result.calibration_error) == (None, None, None)
    assert "nats per token" in str(result)


def test_an_evaluation_reads_as_a_sentence(gpt2, task):
    text = str(evaluate(gpt2, DiscretePrompt(gpt2, task), task, split="validation"))
    assert text.startswith("accuracy ")
    assert "95% interval" in text
    assert text.endswith("4 examples")


@pytest.mark.parametrize("name", ["discrete_prompt", "linear_probe"])
def test_no_text_has_no_prediction_for_every_answer(gpt2, task, name):
    method = create(name, gpt2, task)
    assert predict(gpt2, method, task, []).shape == (0, 2)
    nothing = task.test.select([])
    assert scores(gpt2, method, task, nothing).shape == (0, 2)
    assert mixed_scores(gpt2, [(method, task, nothing)])[0].shape == (0, 2)
    assert member_scores(gpt2, [method] * 3, task, nothing).shape == (3, 0, 2)


def test_texts_may_come_in_any_list_and_numbers_from_numpy(gpt2, task):
    method = create("discrete_prompt", gpt2, task, seed=numpy.int64(3))
    texts = ["dull", "great"]
    expected = predict(gpt2, method, task, texts)
    for given in (tuple(texts), pandas.Series(texts), numpy.array(texts), (x for x in texts)):
        assert torch.equal(predict(gpt2, method, task, given), expected)
    one = scores(gpt2, method, task, task.test, batch_size=numpy.int32(1))
    close(one, scores(gpt2, method, task, task.test))


def test_a_method_is_asked_on_its_own_weights_wherever_they_lie(gpt2, task):
    method = create("prompt_tuning", gpt2, task)
    elsewhere = Backbone("elsewhere", deepcopy(gpt2.model), gpt2.tokenizer)
    ours, theirs = (scores(lm, method, task, task.test) for lm in (gpt2, elsewhere))
    assert torch.equal(ours, theirs)
    changed = Backbone("tiny-gpt2", deepcopy(gpt2.model), gpt2.tokenizer)
    next(changed.model.parameters()).data += 0.01
    with pytest.raises(ValueError, match="made for tiny-gpt2, not for tiny-gpt2: the weights"):
        scores(changed, method, task, task.test)
