"""The Hub: what becomes of a data set's splits, labels and columns, with `datasets` put aside."""

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from prefixlab import Task
from prefixlab.data import hub

NAMES = ["negative", "positive"]


def rows(texts, labels, kind=None):
    given = {"sentence": texts, "label": labels}
    kind = kind or ClassLabel(names=NAMES)
    return Dataset.from_dict(given, Features({"sentence": Value("string"), "label": kind}))


def films(labels, kind=None, first=0):
    return rows([f"film {first + number}" for number in range(len(labels))], labels, kind)


@pytest.fixture
def load(monkeypatch):
    def of(splits, **options):
        def loaded(name, config, *, split, revision):
            assert (name, config, revision) == ("owner/films", None, None)
            return splits[split] if split else DatasetDict(splits)

        monkeypatch.setattr(hub, "load_dataset", loaded)
        return Task.from_hub("owner/films", **{"text": "sentence", "label": "label"} | options)

    return of


def pairs(split):
    return list(zip(split["x"], split["y"], strict=True))


def test_the_official_splits_are_kept_in_their_order(load, capsys):
    test = films([0, 1, 1, 0, 1], first=100)
    task = load({"train": films([1, 0] * 6), "dev": films([0, 1], first=50), "test": test})
    assert task.verbalizer.words == ("negative", "positive")
    assert pairs(task.test) == list(zip(test["sentence"], test["label"], strict=True))
    assert pairs(task.validation) == [("film 50", 0), ("film 51", 1)]
    assert pairs(task.train) == [(f"film {n}", 1 - n % 2) for n in range(12)]
    assert "The dev split of owner/films: 2 rows read." in capsys.readouterr().out


def test_a_test_without_labels_is_not_used_and_cut_off_what_there_is(load):
    splits = {"train": films([1, 0] * 20), "validation": films([0, 1], first=50)}
    untold = [films([-1] * 5, first=100), films([None] * 5, first=100)]
    untold += [films([-1] * 5, Value("int64"), first=100)]
    for test in untold:
        kind = test.features["label"]
        task = load(
            {name: split.cast_column("label", kind) for name, split in splits.items()}
            | {"test": test}
        )
        assert "The test split has no labels: not used." in task.notes
        assert len(task.validation) == 2
        assert sorted([*task.train["x"], *task.test["x"]]) == sorted(splits["train"]["sentence"])
        assert [len(task.train), len(task.test)] == [32, 8]


def test_rows_without_a_text_or_a_label_are_left_out_and_told(load):
    train = rows(["a", "b", None, " ", "c", "d"], [0, 1, 0, 1, -1, None])
    task = load({"train": train, "validation": films([0, 1]), "test": films([1, 0], first=9)})
    assert pairs(task.train) == [("a", 0), ("b", 1)]
    assert "4 of them lack a text or a label: left out." in task.notes


def test_labels_of_several_kinds_are_classes(load):
    kinds = [([0, 1], Value("int8"), ("0", "1")), ([True, False], Value("bool"), ("False", "True"))]
    kinds += [([-1, 1], Value("int64"), ("-1", "1")), (["b ", "a"], Value("string"), ("a", "b"))]
    for labels, kind, words in kinds:
        assert load({"train": films(labels * 10, kind)}).verbalizer.words == words
    chosen = {True: "yes", False: "no"}
    task = load({"train": films([True, False] * 10, Value("bool"))}, words=chosen)
    assert task.verbalizer.words == ("no", "yes")


def test_one_split_is_cut_into_three_where_it_is_named(load):
    splits = {"train": films([0, 1] * 5), "test": films([0, 1] * 20, first=100)}
    task = load(splits, split="test")
    assert [len(task.train), len(task.validation), len(task.test)] == [28, 4, 8]
    assert set(task.train["x"]) < set(splits["test"]["sentence"])
    assert texts_of(task) == texts_of(load({"whole": splits["test"]}))


def texts_of(task):
    return [list(split["x"]) for split in (task.train, task.validation, task.test)]


def test_sizes_ask_for_fewer_rows(load):
    splits = {"train": films([0, 1] * 50), "test": films([0, 1] * 20, first=100)}
    task = load(splits, train=8, validation=4, test=10)
    assert [len(task.train), len(task.validation), len(task.test)] == [8, 4, 10]
    assert [sum(split["y"]) for split in (task.train, task.validation, task.test)] == [4, 2, 5]


def test_what_datasets_raises_is_one_sentence(monkeypatch):
    for error in (KeyError("x"), Exception(), TypeError("a\nb"), MemoryError("full")):

        def fail(*_, error=error, **__):
            raise error

        monkeypatch.setattr(hub, "load_dataset", fail)
        with pytest.raises(
            ValueError, match=r"^The data set 'a/b' cannot be had \(.+\); check.+\.$"
        ):
            Task.from_hub("a/b", text="x", label="y")


def test_a_data_set_that_is_there_already_is_as_one_of_the_hub(load):
    splits = {"train": films([1, 0] * 12), "dev": films([0, 1], first=50)}
    held, fetched = (
        Task.from_datasets(DatasetDict(splits), text="sentence", label="label", name="owner/films"),
        load(splits),
    )
    assert held.notes == fetched.notes
    assert held.verbalizer == fetched.verbalizer
    assert all(pairs(held.splits[name]) == pairs(fetched.splits[name]) for name in held.splits)
    alone = Task.from_datasets(splits["train"], text="sentence", label="label")
    assert (alone.name, len(alone.train), len(alone.test)) == ("own data", 18, 4)
