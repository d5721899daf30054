"""Distillation: a method learns the answers of a teacher, and no label has a say in it."""

from dataclasses import replace

import pytest
import torch
from reference import close, moved
from torch.distributions import Categorical, kl_divergence
from torch.optim import AdamW

from prefixlab import (
    Cartridge,
    DiscretePrompt,
    InContextLearning,
    PromptTuning,
    Recipe,
    resume,
    save,
)
from prefixlab.evaluation.choices import scores
from prefixlab.methods.in_context import SEPARATOR
from prefixlab.training.checkpoints import CheckpointError
from prefixlab.workbook.distillation import distill, divergence, query_cost, teacher_of

KNOBS = {"demonstrations": 3, "prefix_length": 6}
DOCUMENT = "two hours of my life, and again, and again: what a cast!"


@pytest.fixture
def student(tiny, task):
    return Cartridge(tiny, task, seed=2, **KNOBS)


@pytest.fixture
def teacher(tiny, student):
    return teacher_of(tiny, student)


def turned(task):
    """The task with every label of it wrong."""
    wrong = {name: rows.map(lambda row: {"y": 1 - row["y"]}) for name, rows in task.splits.items()}
    return replace(task, **wrong)


def test_the_divergence_is_that_of_the_two_distributions():
    source = torch.Generator().manual_seed(0)
    one, other = torch.randn(2, 5, 3, generator=source)
    wanted = kl_divergence(Categorical(logits=one), Categorical(logits=other))
    close(divergence(one, other), wanted)
    assert divergence(one, one + 7).abs().max() < 1e-6
    assert not torch.allclose(divergence(other, one), wanted, rtol=0.01)  # it has a direction


def test_the_teacher_of_a_cartridge_reads_all_of_its_text(tiny, task, student, teacher):
    read = InContextLearning(tiny, task, seed=2, demonstrations=3)
    close(scores(tiny, teacher, task, task.test), scores(tiny, read, task, task.test))
    own = Cartridge(tiny, task, text=DOCUMENT, prefix_length=4)
    written = DiscretePrompt(tiny, task, template=DOCUMENT + SEPARATOR + task.template.text)
    read = scores(tiny, teacher_of(tiny, own), task, task.test)
    close(read, scores(tiny, written, task, task.test))


def test_a_step_goes_down_the_divergence_of_its_batch(tiny, task, student, teacher):
    by_hand = Cartridge(tiny, task, seed=2, **KNOBS)
    how = {"steps": 2, "batch_size": 4, "decay": "constant", "learning_rate": 0.05, "clip": 0.0}
    run = distill(tiny, student, teacher, task, **how)
    optimizer = AdamW(by_hand.parameters(), lr=0.05, weight_decay=0.0)
    for _ in range(2):
        batch = task.train.select(run.next_batch())
        given = by_hand.conditioning()
        rows = by_hand.rows(tiny, batch, task)
        theirs = scores(tiny, teacher, task, batch)
        loss = divergence(theirs, tiny.answer_scores(tiny.collate(rows), given)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert run.advance().loss == pytest.approx(loss.item(), abs=1e-5)
    close(student.others - by_hand.others.detach() + 1, torch.ones_like(student.others))


def test_it_comes_nearer_to_its_teacher(tiny, task, student, teacher):
    def off():
        theirs, ours = (scores(tiny, each, task, task.test) for each in (teacher, student))
        return divergence(theirs, ours).mean().item()

    before = off()
    for _ in distill(tiny, student, teacher, task, steps=20, learning_rate=0.03):
        pass
    assert off() < before / 2


def test_labels_change_nothing_but_the_accuracy(tiny, task, teacher):
    how = {"steps": 3, "batch_size": 4, "validate_every": 1}
    runs = [
        list(distill(tiny, Cartridge(tiny, task, seed=2, **KNOBS), teacher, each, **how))
        for each in (task, turned(task))
    ]
    for ours, theirs in zip(*runs, strict=True):
        assert ours.loss == theirs.loss
        assert ours.validation.loss == theirs.validation.loss
        assert ours.validation.accuracy == pytest.approx(1 - theirs.validation.accuracy)


def test_the_loss_on_validation_is_the_divergence(tiny, task, student, teacher):
    run = distill(tiny, student, teacher, task, steps=1, validate_every=1)
    found = run.advance().validation.loss
    theirs, ours = (scores(tiny, each, task, task.validation) for each in (teacher, student))
    assert found == pytest.approx(divergence(theirs, ours).mean().item(), abs=1e-6)


def test_no_other_training_goes_on_with_its_checkpoint(tiny, task, student, teacher, tmp_path):
    run = distill(tiny, student, teacher, task, recipe=Recipe(steps=2))
    run.advance()
    with pytest.raises(CheckpointError, match="other examples"):
        resume(save(student, tmp_path / "mine", run), tiny, task)


def test_any_method_may_learn_from_any_other(tiny, task):
    student, teacher = PromptTuning(tiny, task), moved(PromptTuning(tiny, task, prompt_length=3))
    first, *_, last = distill(tiny, student, teacher, task, steps=10, learning_rate=0.03)
    assert 0 <= last.loss < first.loss


def test_what_has_no_choice_or_is_a_stranger_teaches_nothing(gpt2, llama, task):
    student = Cartridge(gpt2, task, **KNOBS)
    with pytest.raises(ValueError, match="no answer space to choose from"):
        distill(gpt2, student, student, task.text_to_text())
    with pytest.raises(ValueError, match="made for tiny-llama, not for tiny-gpt2"):
        distill(gpt2, student, DiscretePrompt(llama, task), task)


def test_a_query_pays_for_the_positions_of_its_past(tiny, task, student, teacher):
    size = tiny.geometry
    for method, positions in ((student, 6), (teacher, len(teacher.tokens))):
        cost = query_cost(tiny, method, task, questions=2)
        assert cost.positions == positions
        assert cost.bytes == 4 * positions * size.layers * 2 * size.kv_width
        assert cost.seconds > 0
    assert query_cost(tiny, DiscretePrompt(tiny, task), task).bytes == 0
    with pytest.raises(ValueError, match="questions=0"):
        query_cost(tiny, student, task, questions=0)
