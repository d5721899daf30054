"""From examples to padded batches: where tokens stand, what is read, and in which order."""

from dataclasses import replace

import pytest
import torch

from prefixlab import Template, Verbalizer
from prefixlab.data.batching import Row, collate, encode, evaluation_order, training_order

ROWS = [Row([7] * (1 + 37 * index % 50), [[1], [2]], 0) for index in range(70)]


def test_padding_stands_on_the_left_and_the_last_column_is_read():
    batch = collate([Row([5, 6, 7], [[1], [2]], 0), Row([8], [[1], [2]], 1)], padding=9)
    assert batch.tokens.tolist() == [[5, 6, 7], [9, 9, 8]]
    assert batch.mask.tolist() == [[True] * 3, [False, False, True]]
    assert batch.read_rows.tolist() == [0, 1]
    assert batch.read_columns.tolist() == [2, 2]
    assert batch.candidates.tolist() == [1, 2]
    assert batch.labels.tolist() == [0, 1]


def test_a_longer_answer_is_fed_but_for_its_last_token():
    batch = collate([Row([5, 6], [[1, 2, 3], [4]], 1)], padding=9)
    assert batch.tokens.tolist() == [[5, 6, 1, 2], [9, 9, 5, 6]]
    assert batch.read_rows.tolist() == [0, 0, 0, 1]
    assert batch.read_columns.tolist() == [1, 2, 3, 3]
    assert batch.targets.tolist() == [1, 2, 3, 4]
    assert batch.candidates is None


def test_soft_slots_travel_as_negative_ids(gpt2, task):
    rows = encode(gpt2.tokenizer, Template("{soft:2}{x}{soft:1} {y}"), task.test, task.verbalizer)
    assert rows[0].prompt[:2] == [-1, -2]
    assert rows[0].prompt[-1] == -3
    assert min(rows[0].prompt[2:-1]) >= 0


def test_a_text_begins_with_the_start_token_of_its_model_once(llama, task):
    start = llama.tokenizer.bos_token_id
    for row in encode(llama.tokenizer, task.template, task.test, task.verbalizer):
        assert row.prompt[0] == start
        assert start not in row.prompt[1:]
    continued = encode(llama.tokenizer, task.template, task.test, task.verbalizer, begins=False)
    assert all(start not in row.prompt for row in continued)


def test_a_start_token_stands_where_the_template_names_it(llama, task):
    start = llama.tokenizer.bos_token_id
    template = Template("{soft:2}<start>{x} {y}")
    for row in encode(llama.tokenizer, template, task.test, task.verbalizer):
        assert row.prompt[:3] == [-1, -2, start]
        assert start not in row.prompt[3:]


def test_an_empty_prompt_has_a_token_to_read_at(gpt2, task):
    empty = task.test.select([0]).map(lambda row: {"x": ""})
    (row,) = encode(gpt2.tokenizer, Template("{x} {y}"), empty, task.verbalizer)
    assert row.prompt == [gpt2.tokenizer.eos_token_id]


def test_the_length_of_a_row_is_its_width_in_a_batch(gpt2, task):
    answers = Verbalizer(("and again", "positive"))
    for row in encode(gpt2.tokenizer, task.template, task.test, answers):
        assert collate([row], padding=0).tokens.shape == (2, row.length)


def test_every_example_comes_once_an_epoch():
    for epoch in range(3):
        batches = training_order(ROWS, 8, epoch, seed=0)
        assert sorted(index for batch in batches for index in batch) == list(range(70))
        assert max(map(len, batches)) == 8


def test_the_order_depends_on_its_arguments_alone():
    first = training_order(ROWS, 8, 1, seed=3)
    torch.manual_seed(99)
    assert training_order(ROWS, 8, 1, seed=3) == first
    assert training_order(ROWS, 8, 2, seed=3) != first
    assert training_order(ROWS, 8, 1, seed=4) != first


@pytest.mark.parametrize("order", [training_order(ROWS, 8, 0, 0), evaluation_order(ROWS, 8)])
def test_batches_of_like_lengths_hold_less_padding(order):
    def padded(batches):
        return sum(
            len(batch) * max(ROWS[index].length for index in batch)
            - sum(ROWS[index].length for index in batch)
            for batch in batches
        )

    unsorted = [list(range(start, min(start + 8, 70))) for start in range(0, 70, 8)]
    assert padded(order) < padded(unsorted) / 2


def test_evaluation_begins_with_the_longest_batch_and_leaves_none_out():
    order = evaluation_order(ROWS, 8)
    assert sorted(index for batch in order for index in batch) == list(range(70))
    assert ROWS[order[0][0]].length == max(row.length for row in ROWS)


def test_a_batch_moves_whole(gpt2, task):
    batch = collate(ROWS[:2], padding=0)
    moved = replace(batch, candidates=None).to(torch.device("meta"))
    assert moved.tokens.device.type == moved.targets.device.type == "meta"
    assert moved.candidates is None
    assert moved.answers == 2
