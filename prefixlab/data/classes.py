"""Classes: rows with a label become an answer space, and splits that share no text.

    n_c rows of class c are drawn one after the other, the i-th (from 0) at i / n_c.

Whatever is cut off this order at its beginning holds the classes in the shares that they have in
the whole, and all of them: that is what is tested on, then what is validated on. The second of
two rows stands at 1/2, and as no more than half is cut off, every class is trained on, too.
"""

import random
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prefixlab.arguments import shortened, whole_number
from prefixlab.data.examples import SPLITS, Drawn, Sizes, grouped
from prefixlab.data.reading import Pair, Pairs

MOST = 200  # classes: with each example the score of every one of them is computed
FEWEST_ROWS = 10
SHARES = {"test": 5, "validation": 10}  # one row of so many, where the data have no such split

Labelled = list[tuple[Pair, int]]  # rows with the number of their class


def labelled(
    name: str, given: Mapping[str, Pairs], column: str, words: Any, sizes: Sizes, seed: int
) -> Drawn:
    """Classes and splits of `given`, which has "train" and maybe "validation" and "test".

    These stay as they are, but that no text of theirs is trained on; those that are missing are
    cut off "train", whose texts then count once each. `column` is where the labels stand, and
    `sizes` says of how many rows a split is to be.

    Raises
    ------
    ValueError
        Fewer than two classes, or as many as in a column of texts; too few rows to be split;
        `words` that are no answer for every label; a size that is more than there is.
    """
    notes = [note for pairs in given.values() for note in pairs.notes]
    every = [pair for pairs in given.values() for pair in pairs.rows]
    missing = [split for split in SHARES if split not in given]
    if missing and (there := len(given["train"].rows)) < FEWEST_ROWS:
        raise ValueError(f"{name} has {there} rows; at least {FEWEST_ROWS} are needed to split it.")
    check_labels(name, column, every)
    answers, said = answers_of(every, words)
    notes += said
    space = tuple(dict.fromkeys(answers.values()))
    if len(space) < 2:
        raise ValueError(
            f"{name} has one class only ({space[0]!r}); two are needed to choose from."
        )
    number = {label: space.index(word) for label, word in answers.items()}
    rows = {
        split: [(pair, number[plain(pair.y)]) for pair in pairs.rows]
        for split, pairs in given.items()
    }
    if missing:
        rows["train"], said = joined(rows["train"], space)
        notes += said
        check_enough(name, rows["train"], space)
        rows |= cut(rows["train"], missing, len(space), random.Random(seed))
    held_out = {key(pair) for split in SHARES for pair, _ in rows[split]}
    kept = [row for row in rows["train"] if key(row[0]) not in held_out]
    if len(kept) < len(rows["train"]):
        notes.append(
            f"{len(rows['train']) - len(kept)} row(s) to train on have a text that is validated "
            "or tested on: left out."
        )
    rows["train"] = kept
    splits = {}
    for split in SPLITS:
        if not (drawn := rows[split]):
            raise ValueError(f"{name} leaves no row for {split}; give it more rows.")
        if split in sizes:
            size = whole_number(split, sizes[split], 1, len(drawn))
            drawn = in_proportion(drawn, random.Random(f"{seed} {split}"))[:size]
        splits[split] = [(pair.x, label) for pair, label in drawn]
    return Drawn(name, splits, space, notes)


def plain(label: str) -> str:
    """A label as it looks: one space for any, and one code for é, not two."""
    return unicodedata.normalize("NFC", " ".join(label.split()))


def key(pair: Pair) -> str:
    """What two texts share that are the same to a reader."""
    return plain(pair.x)


def check_labels(name: str, column: str, pairs: Sequence[Pair]) -> None:
    labels = Counter(plain(pair.y) for pair in pairs)
    if over := next((pair for pair in pairs if "\n" in pair.y), None):
        raise ValueError(
            f"{name} has a label of several lines in {over.place}, {shortened(over.y)}; close its "
            f"quote, or name the column of the labels, if it is another than {column!r}."
        )
    if len(labels) > max(2, len(pairs) // 2) or len(labels) > MOST:
        raise ValueError(
            f"{name} has {len(labels)} labels in {len(pairs)} rows, which are no classes to "
            f"choose from (at most {MOST}, of two rows on average); name the column of "
            f"the labels, if it is another than {column!r}."
        )


def answers_of(pairs: Iterable[Pair], words: Any) -> tuple[dict[str, str], list[str]]:
    """The answer of every label: what `words` says, or itself, whichever case it is in."""
    counts = Counter(plain(pair.y) for pair in pairs)
    labels = sorted(counts)
    if words is not None:
        return chosen_answers(labels, checked_words(words))
    answers: dict[str, str] = {}
    notes = []
    for spellings in grouped((label.casefold(), label) for label in labels).values():
        usual = max(spellings, key=lambda label: counts[label])
        answers |= dict.fromkeys(spellings, usual)
        if len(spellings) > 1:
            shown = " and ".join(f"{label!r} ({counts[label]})" for label in spellings)
            notes.append(f"The labels {shown} are one class, {usual!r}.")
    return dict(sorted(answers.items(), key=lambda answer: answer[1])), notes


def checked_words(words: Any) -> dict[str, str]:
    if not isinstance(words, Mapping):
        raise ValueError(
            f"words={shortened(words)} is no mapping; write the answer of every label: "
            "words={'0': 'bad', '1': 'good'}."
        )
    answers = {}
    for label, word in words.items():
        if not isinstance(word, str):
            raise ValueError(
                f"words gives {shortened(word)} for the label {shortened(label)}, which is no "
                "answer; give one word or more as one str."
            )
        if not word.strip():
            raise ValueError(f"words gives an empty answer for the label {shortened(label)}.")
        if plain(str(label)) in answers:
            raise ValueError(f"words has two answers for the label {str(label)!r}; remove one.")
        answers[plain(str(label))] = word.strip()
    return answers


def chosen_answers(labels: list[str], words: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    if missing := [label for label in labels if label not in words]:
        raise ValueError(
            f"words gives no answer for the label(s) {', '.join(map(shortened, missing[:5]))}"
            f"{' and others' if len(missing) > 5 else ''}; the labels are "
            f"{', '.join(map(shortened, labels[:20]))}."
        )
    answers, notes = {label: words[label] for label in labels}, []
    for word, merged in grouped((word, label) for label, word in answers.items()).items():
        if len(merged) > 1:
            shown = " and ".join(map(repr, merged))
            notes.append(f"The labels {shown} are one class, {word!r}, as words says.")
    if spare := [label for label in words if label not in answers]:
        notes.append(f"words has an answer for {shortened(spare)}, which no row has.")
    return answers, notes


def joined(rows: Labelled, space: Sequence[str]) -> tuple[Labelled, list[str]]:
    """Every text once; without those that stand under several labels, which teach nothing."""
    first: dict[str, tuple[Pair, int]] = {}
    against: dict[str, tuple[Pair, int]] = {}
    for pair, label in rows:
        held = first.setdefault(key(pair), (pair, label))
        if held[1] != label:
            against.setdefault(key(pair), (pair, label))
    notes = []
    judged_once = [(pair, label) for pair, label in rows if key(pair) not in against]
    if against:
        text = next(iter(against))
        (one, its), (other, others) = first[text], against[text]
        notes.append(
            f"{len(against)} text(s) stand under several labels (the first is {space[its]!r} in "
            f"{one.place} and {space[others]!r} in {other.place}): their "
            f"{len(rows) - len(judged_once)} rows are left out."
        )
    once = [row for text, row in first.items() if text not in against]
    if len(once) < len(judged_once):
        notes.append(
            f"{len(judged_once) - len(once)} row(s) have the text and label of another: joined."
        )
    return once, notes


def check_enough(name: str, rows: Labelled, space: Sequence[str]) -> None:
    counts = Counter(label for _, label in rows)
    few = [label for label in range(len(space)) if counts[label] < 2]
    if few:
        place = next((f" ({pair.place})" for pair, label in rows if label == few[0]), "")
        raise ValueError(
            f"{name} has {counts[few[0]]} different text(s) with the label {space[few[0]]!r}"
            f"{place} and no other, and two are needed, to train on and to test on; give it more, "
            "or join it to another label with words."
        )
    least = max(FEWEST_ROWS, 2 * len(space) + 2)
    if len(rows) < least:
        raise ValueError(
            f"{name} has {len(rows)} different texts; at least {least} are needed to split them."
        )


def cut(
    rows: Labelled, missing: Sequence[str], classes: int, source: random.Random
) -> dict[str, Labelled]:
    """The splits that are missing, and "train" without them."""
    left = in_proportion(rows, source)
    most = len(rows) // 2  # see above: so much may be cut off, and every class is still left
    splits = {}
    for split in missing:
        size = max(1, len(rows) // SHARES[split])
        if split == "test":
            size = max(size, classes)
        size = min(size, most)
        most = max(1, most - size)
        splits[split], left = left[:size], left[size:]
    return splits | {"train": left}


def in_proportion(rows: Labelled, source: random.Random) -> Labelled:
    """The rows in another order, of which every beginning holds the classes in their shares."""
    drawn = list(rows)
    source.shuffle(drawn)
    counts, seen, places = Counter(label for _, label in drawn), Counter[int](), []
    for _, label in drawn:
        places.append(seen[label] / counts[label])
        seen[label] += 1
    return [drawn[index] for index in sorted(range(len(drawn)), key=places.__getitem__)]
