"""Task: what becomes of CSV files and data sets, what is said of it, and where texts are cut."""

from dataclasses import replace
from itertools import chain

import pytest
from huggingface_hub import constants

from prefixlab import Task
from prefixlab.data.examples import dataset, references


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "meals.csv"
    rows = [f'"meal {index}, with rice",{"good" if index % 3 else "bad"}' for index in range(40)]
    path.write_text("\n".join(["review,taste", *rows]), encoding="utf-8")
    return path


def texts(task):
    return {name: list(getattr(task, name)["x"]) for name in ("train", "validation", "test")}


@pytest.fixture
def tables(tmp_path):
    """Twelve tables, of which table i has 1 + i % 3 texts, not side by side."""
    path = tmp_path / "places.csv"
    rows = [
        f'"name[N{i}], customer rating[low]",text {i}.{j}'
        for j in range(3)
        for i in range(12)
        if j <= i % 3
    ]
    path.write_text("\n".join(["mr,ref", *rows]), encoding="utf-8")
    return path


def test_equal_tables_are_in_one_split_with_all_their_texts_in_the_test(tables):
    task = Task.tables_from_csv(tables, train=10, validation=2, test=3)
    splits = [set(references(split)) for split in (task.train, task.validation, task.test)]
    assert [len(split) for split in splits] == [7, 2, 3]
    assert len(set().union(*splits)) == 12
    for table, texts in references(task.test).items():
        i = int(table.removeprefix("name[N").split("]")[0])
        assert texts == [f"text {i}.{j}" for j in range(1 + i % 3)]


def test_pairs_are_of_as_many_tables_as_there_are(tables):
    task = Task.tables_from_csv(tables, train=10, validation=2, test=3)
    first, again = task.train["x"][:7], task.train["x"][7:]
    assert len(set(first)) == 7
    assert set(again) < set(first)
    assert all(y.endswith(".0") for y in task.train["y"][:7])


def test_a_seed_draws_the_tables_and_train_leaves_the_test_as_it_is(tables):
    sizes = {"validation": 2, "test": 3}
    small, large, other = (
        Task.tables_from_csv(tables, train=train, **sizes, seed=seed)
        for train, seed in ((2, 1), (9, 1), (2, 2))
    )
    assert small.test[:] == large.test[:] != other.test[:]
    assert small.train["y"] == large.train["y"][:2]


def test_tables_from_a_folder_are_those_of_its_file(tables, tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    sizes = {"train": 9, "validation": 2, "test": 3}
    columns = {"table": "mr", "text": "ref", "revision": None}
    theirs = Task.tables_from_hub(str(tables.parent), **columns, **sizes)
    assert texts(theirs) == texts(Task.tables_from_csv(tables, **sizes))


def test_a_csv_file_is_a_task(table):
    task = Task.from_csv(table, text="review", label="taste")
    assert task.name == "meals"
    assert task.verbalizer.words == ("bad", "good")
    assert [len(task.train), len(task.validation), len(task.test)] == [28, 4, 8]
    assert len(set(chain(*texts(task).values()))) == 40
    for x, y in zip(task.train["x"], task.train["y"], strict=True):
        assert x.endswith(", with rice")
        assert y == bool(int(x.split()[1].strip(",")) % 3)


def test_the_words_of_a_csv_file_s_labels_can_be_chosen(table):
    words = {"good": "积极", "bad": "消极"}
    task = Task.from_csv(table, text="review", label="taste", words=words, template="{x}：{y}")
    assert task.verbalizer.words == ("消极", "积极")
    assert task.template.prompt("rice") == ["rice："]


def test_a_folder_with_a_table_is_a_data_set(table, tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    ours = Task.from_csv(table, text="review", label="taste", seed=4)
    theirs = Task.from_hub(str(table.parent), text="review", label="taste", seed=4)
    assert texts(theirs) == texts(ours)
    assert theirs.verbalizer == ours.verbalizer


def test_a_data_set_out_of_reach_is_told_with_a_way_out(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match=r"'no/such' cannot be had .*from_csv"):
        Task.from_hub("no/such", text="review", label="taste")
    with pytest.raises(ValueError, match=r"'no/such' \(split 'dev'\) cannot be had"):
        Task.from_hub("no/such", text="review", label="taste", split="dev")


def test_a_choice_becomes_words_to_write(task):
    asked = task.text_to_text()
    assert asked.verbalizer is None
    for split in ("train", "validation", "test"):
        before, after = getattr(task, split), getattr(asked, split)
        assert after["x"] == before["x"]
        assert after["y"] == [task.verbalizer.words[y] for y in before["y"]]
    with pytest.raises(ValueError, match="free text already"):
        asked.text_to_text()


def test_what_became_of_a_file_is_printed(tmp_path, capsys):
    path = tmp_path / "meals.csv"
    rows = [f"meal {n};{'good' if n % 2 else 'bad'}" for n in range(20)]
    path.write_text("\r\n".join(["review;taste", *rows, "meal 1 ; Good", ";", "meal 2;good"]))
    task = Task.from_csv(path, text="review", label="taste")
    assert capsys.readouterr().out == task.summary() + "\n"
    splits = (task.train, task.validation, task.test)
    bad, good = (" + ".join(str(list(split["y"]).count(y)) for split in splits) for y in (0, 1))
    longest = [max(map(len, split["x"])) for split in splits]
    assert task.summary().splitlines() == [
        "meals: 15 train, 1 validation, 3 test; bad / good",
        "  24 lines of UTF-8, semicolons between the cells: 23 rows read.",
        "  White space around the cells is taken away.",
        "  1 row(s) with nothing in them are left out.",
        "  The labels 'Good' (1) and 'good' (11) are one class, 'good'.",
        "  1 text(s) stand under several labels (the first is 'bad' in line 4 and 'good' in line "
        "24): their 2 rows are left out.",
        "  1 row(s) have the text and label of another: joined.",
        "  19 rows used; of each class (train + validation + test): "
        f"'bad' 9 ({bad}), 'good' 10 ({good}).",
        "  Longest text, in characters: {} in train, {} in validation, {} in test.".format(
            *longest
        ),
    ]


def test_tables_are_told_of_where_something_was_changed(tables, capsys):
    sizes = {"train": 2, "validation": 1, "test": 2}
    Task.tables_from_csv(tables, **sizes)
    assert capsys.readouterr().out == ""
    tables.write_text(tables.read_text().replace("text 1.0", " text 1.0 "))
    task = Task.tables_from_csv(tables, **sizes)
    assert capsys.readouterr().out == task.summary() + "\n"
    assert "  White space around the cells is taken away." in task.summary().splitlines()
    assert "  Different texts or tables: 2 in train, 1 in validation, 2 in test." in task.summary()


def test_a_summary_counts_tokens_where_a_model_is_given(gpt2, task):
    longest = [
        max(len(gpt2.tokenizer(x)["input_ids"]) for x in getattr(task, split)["x"])
        for split in ("train", "validation", "test")
    ]
    said = "  Longest text, in tokens: {} in train, {} in validation, {} in test."
    assert task.summary(gpt2).splitlines()[-1] == said.format(*longest)


def test_a_summary_says_what_share_of_the_tokens_is_unknown(bert, gpt2, task):
    """The tiny BERT knows Latin letters; a tokenizer of bytes knows all."""
    texts = dataset([("great film", 1), ("好 film", 0)])
    some = replace(task, train=texts, validation=texts, test=texts)
    assert "unknown" not in some.summary(gpt2)
    found = bert.tokenizer("好 film great film", add_special_tokens=False)["input_ids"]
    share = found.count(bert.tokenizer.unk_token_id) / len(found)
    assert some.summary(bert).endswith(
        f"{share:.1%} of the tokens are unknown to the tokenizer of {bert.name}."
    )


@pytest.mark.parametrize("backbone", ["gpt2", "llama", "bert", "t5"])
def test_texts_are_cut_at_the_end_of_a_token(request, task, capsys, backbone):
    lm = request.getfixturevalue(backbone)

    def ids(text):
        return lm.tokenizer(text, add_special_tokens=False)["input_ids"]

    cut = task.truncated(lm, tokens=4)
    counts = []
    for split in ("train", "validation", "test"):
        before, after = getattr(task, split), getattr(cut, split)
        assert after["y"] == before["y"]
        counts.append(sum(len(ids(x)) > 4 for x in before["x"]))
        for long, short in zip(before["x"], after["x"], strict=True):
            assert long.startswith(short)
            assert ids(short) == ids(long)[:4]
    assert 0 < counts[2] < len(task.test)
    said = "Texts cut to 4 tokens of {}: {} in train, {} in validation, {} in test."
    assert capsys.readouterr().out == f"films: {said.format(lm.name, *counts)}\n"
    assert cut.notes == (said.format(lm.name, *counts),)


def test_a_sign_of_several_tokens_is_not_cut_in_two(gpt2, task):
    texts = dataset([("a 👍👍👍", 0)])
    long = replace(task, train=texts, validation=texts, test=texts)
    sizes = [len(gpt2.tokenizer("a 👍" + more)["input_ids"]) for more in ("", "👍")]
    for tokens in range(sizes[0], sizes[1]):
        assert long.truncated(gpt2, tokens=tokens).test["x"] == ["a 👍"]


def test_a_cut_that_puts_a_test_text_into_training_says_so(gpt2, task, capsys):
    both = replace(task, train=dataset([("dull, a", 0)]), test=dataset([("dull, b", 0)]))
    both.truncated(gpt2, tokens=len(gpt2.tokenizer("dull,")["input_ids"]))
    assert "films: 1 text(s) to validate or test on are trained on now" in capsys.readouterr().out
