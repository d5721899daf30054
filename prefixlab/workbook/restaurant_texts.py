"""The texts of the restaurants: invented tables, and what an English speaker might say of them.

A table gives a name and two to nine further slots of one place to eat. A reference says all of it,
and nothing else, in one sentence or two. Both are drawn from this grammar:

    reference  ::= opening "." | opening "." follow-up "."
    opening    ::= one of FRAMES, over these parts:
      head     ::= "a" adj* (venue | "place" | "spot" | "eatery")
      tail     ::= [where] [post | "with" noun ["and" noun]]
      np       ::= head tail
      vps      ::= vp | vp "and" vp | vp "but" vp | vp "," vp [","] ("and" | "but") vp
      vp       ::= "is" pred ("and" pred)* | "has" noun ("and" noun)* | verb | LIES where
    follow-up  ::= ["however,"] (subject vps | clause | subject vps "," ("and" | "but") clause)
    subject    ::= "it" | "the" venue | "this" venue

The terminals adj, noun, pred, verb, post, where, wish and clause are in `restaurant_words`.

A plan (a frame, and a part of it for each slot) is drawn at random, and drawn again for as long as
it reads badly: `Awkward` is raised wherever a rule of style is broken.

    python -m prefixlab.workbook.restaurant_texts     writes the files of data/restaurants/
"""

import csv
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from prefixlab.files import written_whole
from prefixlab.paths import DATA
from prefixlab.workbook.restaurant_words import (
    FRAMES,
    HELD_OUT,
    LIES,
    VALUES,
    WAYS,
    articles,
    phrases_of,
)

Table = dict[str, str]

_MOST = {"next": 4, "vps": 3, "wish": 1, "post": 1}  # slots that one part can carry
_PREDICATES = ("pred", "noun", "verb", "where")
_ADJECTIVES = ("rating", "price", "family_friendly", "area", "food")  # as English orders them
_KINDS = ("area", "food")  # adjectives that name a kind take no comma
_TONE = {
    ("price", "cheap"): 1,
    ("price", "expensive"): -1,
    ("rating", "2 out of 5"): -1,
    ("rating", "4 out of 5"): 1,
    ("rating", "5 out of 5"): 1,
    ("family_friendly", "yes"): 1,
    ("family_friendly", "no"): -1,
    ("terrace", "yes"): 1,
    ("terrace", "no"): -1,
    ("booking", "required"): -1,
    ("booking", "not required"): 1,
}  # good news and bad: "and" joins news of one tone, "but" news of two


class Awkward(Exception):
    """A draft breaks a rule of style."""


def _require(rule: bool) -> None:
    if not rule:
        raise Awkward


def _unmarked(phrase: str) -> str:
    return re.sub(r"[\[\]]", "", phrase)


def _listed(items: Sequence[str]) -> str:
    """a, b and c; with one comma more where an item has its own "and"."""
    *first, last = items
    comma = "," if any(" and " in item for item in items) else ""
    return f"{', '.join(first)}{comma} and {last}" if first else last


@dataclass
class _Draft:
    """One attempt to say a table."""

    table: Table
    frame: str
    rng: random.Random

    def parts(self, slot: str) -> dict[str, tuple[str, ...]]:
        return WAYS[slot, self.table[slot]]

    def say(self, slot: str, part: str) -> str:
        return _unmarked(self.rng.choice(self.parts(slot)[part]))

    def tones(self, slots: Iterable[str]) -> set[int]:
        return {_TONE.get((slot, self.table[slot]), 0) for slot in slots}

    def one_tone(self, group: list[str]) -> None:
        """Bad news is not listed among other news."""
        _require(self.tones(group) == {-1} or -1 not in self.tones(group))

    def where(self, slots: list[str]) -> str:
        if len(slots) == 1:
            return self.say(slots[0], "where")
        near, area = self.say("near", "where"), _unmarked(self.parts("area")["where"][0])
        if near.startswith(("near", "close", "beside")) and self.rng.random() < 0.5:
            return f"{area} {near}"
        return f"{near} {area}"

    def nouns(self, slots: list[str]) -> str:
        self.one_tone(slots)
        return _listed(sorted((self.say(slot, "noun") for slot in slots), key=len))

    def head(self, slots: list[str]) -> str:
        ordered = [slot for slot in _ADJECTIVES if slot in slots]
        views = [self.say(slot, "adj") for slot in ordered if slot not in _KINDS]
        kinds = [self.say(slot, "adj") for slot in ordered if slot in _KINDS]
        _require(len(views) <= 2 and len(kinds) <= 1)
        noun = self.table.get("venue") or self.rng.choice(("place", "spot", "eatery"))
        return " ".join(filter(None, ("a", ", ".join(views), *kinds, noun)))

    def tail(self, where: list[str], post: list[str], nouns: list[str]) -> str:
        """What follows the noun, and the name where "called" sets it there."""
        _require(len(post) + bool(nouns) <= 1 and len(nouns) <= 2)
        phrases = [self.say(slot, "post") for slot in post]
        if where:  # "near the bridge welcoming families": it is not the bridge that does
            _require(all(phrase.startswith(("serving", "offering")) for phrase in phrases))
            phrases.insert(0, self.where(where))
        if nouns:
            phrases.append(f"with {self.nouns(nouns)}")
        return "".join(f" {phrase}" for phrase in phrases)

    def predicate(self, slots: list[str]) -> str:
        """Verb phrases, those of one verb made one ("has a terrace and low prices")."""
        groups: dict[str, list[str]] = defaultdict(list)
        for slot in slots:
            part = self.rng.choice([p for p in _PREDICATES if p in self.parts(slot)])
            groups[slot if part == "verb" else part].append(slot)
        good: list[str] = []
        bad: list[str] = []
        for part, group in groups.items():
            self.one_tone(group)
            if part == "pred":
                phrase = "is " + _listed(sorted((self.say(s, part) for s in group), key=len))
            elif part == "noun":
                phrase = f"has {self.nouns(group)}"
            elif part == "where":
                phrase = f"{self.rng.choice(LIES)} {self.where(group)}"
            else:
                phrase = self.say(part, "verb")
            (bad if self.tones(group) == {-1} else good).append(phrase)
        phrases = good + bad
        _require(len(phrases) <= 3)
        _require(len({phrase.split()[0] for phrase in phrases}) == len(phrases))
        if not {1, -1} <= self.tones(slots):
            return _listed(phrases)
        comma = "," if len(phrases) > 2 or " and " in good[0] else ""
        return f"{_listed(good)}{comma} but {_listed(bad)}"

    def follow_up(self, slots: list[str], told: bool, before: set[int]) -> str:
        """The second sentence. `told`: the first names the venue; `before`: the first's tones."""
        venue = self.table.get("venue")
        subjects = ["it", "it", "it"] if told else [f"this {venue}"]
        subjects += [f"the {venue}"] if venue else []
        rest, last = slots, []
        if "clause" in self.parts(slots[-1]) and self.rng.random() < 0.5:
            rest, last = slots[:-1], slots[-1:]
        _require(told or bool(rest))
        sentences = [f"{self.rng.choice(subjects)} {self.predicate(rest)}"] if rest else []
        sentences += [self.say(slot, "clause") for slot in last]
        if len(sentences) == 2:
            _require(not re.search(", (and|but) ", sentences[0]))
        tones = self.tones(rest), self.tones(last)
        _require(not last or not {1, -1} <= tones[0])
        turn = any(one in tones[0] and -one in tones[1] for one in (1, -1))
        sentence = (", but " if turn else ", and ").join(sentences)
        worse = self.tones(slots) == {-1} and 1 in before and -1 not in before
        return f"however, {sentence}" if worse and self.rng.random() < 0.5 else sentence

    def plan(self, fields: set[str]) -> dict[str, list[str]]:
        """Which part says which slot: a part of the opening, or "next", the follow-up."""
        open_parts = fields | {"next"}
        if fields & {"np", "head"}:
            open_parts |= {"adj"}
        if fields & {"np", "tail"}:
            open_parts |= {"noun", "where"}
        if "np" in fields:
            open_parts |= {"post"}
        if "food" in self.table:
            open_parts |= {"dish"}
        plan: dict[str, list[str]] = defaultdict(list)
        slots = [slot for slot in self.table if slot not in ("name", "venue")]
        self.rng.shuffle(slots)
        for slot in slots:
            fits = [*self.parts(slot), "vps", "next"] + ["dish"] * (slot == "price")
            plan[self.rng.choice([part for part in fits if part in open_parts])].append(slot)
        _require(all(plan[part] for part in fields & {"where", "post", "wish", "vps"}))
        _require(all(len(plan[part]) <= most for part, most in _MOST.items()))
        _require(len(slots) - len(plan["next"]) <= (5 if plan["next"] else 4))
        if plan["wish"] and plan["dish"]:  # nobody asks for high prices
            _require(-1 not in self.tones(["price"]))
        if {"area", "near"} <= set(slots) and "area" not in plan["adj"]:  # one place, said once
            _require(any({"area", "near"} <= set(part) for part in plan.values()))
        return plan

    def write(self) -> str:
        """The reference, or Awkward."""
        fields = set(re.findall(r"{(\w+)}", self.frame))
        plan = self.plan(fields)
        filled = {"name": self.table["name"]}
        if "where" in fields:
            filled["where"] = self.where(plan.pop("where"))
        for part in fields & {"post", "wish"}:
            filled[part] = self.say(plan.pop(part)[0], part)
        if "vps" in fields:
            filled["vps"] = self.predicate(plan["vps"])
        told = "venue" not in self.table
        if fields & {"np", "head"}:
            told = True
            head = self.head(plan["adj"])
            tail = self.tail(plan["where"], plan["post"], plan["noun"])
            _require(bool(plan["adj"] or tail) or "head" in fields)  # never just "X is a place"
            filled |= {"head": head, "tail": tail, "np": head + tail}
        sentences = [self.frame.format(**filled)]
        if plan["next"]:
            before = self.tones(slot for slot in self.table if slot not in plan["next"])
            sentences.append(self.follow_up(plan["next"], told, before))
        _require(told or bool(plan["next"]))
        return self.polish(sentences, bool(plan["dish"]))

    def polish(self, sentences: list[str], dish: bool) -> str:
        _require(all(len(sentence.split()) <= 32 for sentence in sentences))
        text = " ".join(f"{sentence[0].upper()}{sentence[1:]}." for sentence in sentences)
        _require("~" in text or not dish)
        text = text.replace("~", f"{self.say('price', 'adj')} " if dish else "")
        fresh = text.replace(self.table["name"], "").replace(self.table.get("venue", " "), " ")
        stems = [word[:5].lower() for word in re.findall(r"\w{5,}", fresh)]
        _require(len(set(stems)) == len(stems))  # a word twice is a word too many
        return articles(text)


def _attempt(table: Table, frame: str, rng: random.Random) -> str | None:
    for _ in range(200):
        with suppress(Awkward):
            return _Draft(table, frame, rng).write()
    return None


def references(table: Table, rng: random.Random, count: int = 1) -> tuple[str, ...]:
    """Ways to say the table in full, `count` at most, each in a frame of its own."""
    frames = rng.sample(FRAMES, len(FRAMES))
    attempts = (_attempt(table, frame, rng) for frame in frames)
    return tuple(islice(filter(None, attempts), count))


@dataclass(frozen=True)
class Entry:
    table: Table
    references: tuple[str, ...]
    split: str


def _table(rng: random.Random, held_out: bool) -> Table:
    others = [slot for slot in VALUES if slot != "name"]
    size = rng.choices(range(2, 10), weights=(3, 4, 5, 6, 6, 4, 2, 1))[0]
    chosen = {"name", *rng.sample(others, size)}
    new = rng.choice((("food",), ("venue",), ("food", "venue"))) if held_out else ()
    table = {}
    for slot, values in VALUES.items():
        if slot in new:
            table[slot] = rng.choice(HELD_OUT[slot])
        elif slot in chosen:
            table[slot] = rng.choice([v for v in values if v not in HELD_OUT.get(slot, ())])
    return table


def tables(seed: int = 0, count: int = 1000) -> list[Entry]:
    """`count` distinct tables, seven in ten to train on and one in ten to each other split."""
    rng = random.Random(seed)
    tenth = count // 10
    splits = ["train"] * (count - 3 * tenth)
    splits += [split for split in ("validation", "test", "unseen") for _ in range(tenth)]
    seen: set[str] = set()
    entries = []
    for split in splits:
        while to_mr(table := _table(rng, split == "unseen")) in seen:
            pass
        seen.add(to_mr(table))
        entries.append(Entry(table, references(table, rng, rng.choice((1, 2, 2, 3))), split))
    return entries


def to_mr(table: Table) -> str:
    """A table on one line: name[The Tin Otter], food[Thai]."""
    return ", ".join(f"{slot}[{value}]" for slot, value in table.items())


def write(folder: Path = DATA / "restaurants") -> None:
    """The tables with their texts, and the phrases that say each value."""
    texts = folder / "restaurants.csv"
    with written_whole(texts) as fresh, fresh.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("mr", "ref", "split"))
        for entry in tables():
            rows.writerows((to_mr(entry.table), ref, entry.split) for ref in entry.references)
    said = {
        slot: {value: phrases_of(slot, value) for value in values}
        for slot, values in VALUES.items()
    }
    with written_whole(folder / "phrases.json") as fresh:
        fresh.write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
