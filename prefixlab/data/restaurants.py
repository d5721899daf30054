"""Restaurants: invented tables, and what an English speaker might say of them.

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

The terminals adj, noun, pred, verb, post, where, wish and clause are in WAYS, by slot and value.
There, [ ] marks the words that say the value: `mentions` gathers them, and a metric can look for
them in any text. A ~ is where a price may lean on the food: "serves cheap Thai food".

A plan (a frame, and a part of it for each slot) is drawn at random, and drawn again for as long as
it reads badly: `Awkward` is raised wherever a rule of style is broken.

    python -m prefixlab.data.restaurants     writes data/restaurants/restaurants.csv
"""

import csv
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice, permutations
from pathlib import Path

from prefixlab.files import written_whole
from prefixlab.paths import DATA

PATH = DATA / "restaurants" / "restaurants.csv"

Table = dict[str, str]
Phrases = dict[str, str]  # a part of the grammar -> the phrases that fit it, between bars

# --- the values -------------------------------------------------------------------------------

HELD_OUT = {
    "venue": ("tavern", "tea room"),
    "food": ("Ethiopian", "Korean", "Peruvian"),
}  # in tables of the split "unseen" alone
_VENUES = ("bistro", "brasserie", "café", "canteen", "diner", "pub", "restaurant")
_FOODS = (
    *("French", "Greek", "Indian", "Italian", "Japanese", "Lebanese"),
    *("Mexican", "Spanish", "Thai", "Turkish", "vegetarian"),
)
_LANDMARKS = (
    *("Cobbler's Green", "Drummer's Gate", "Hazel Lock", "Lantern Bridge", "Marrow Lane"),
    *("Osier Park", "Pewter Wharf", "Quill Square", "Saint Orla's Church", "Thistle Gardens"),
    *("Tollgate Station", "Weavers' Hall"),
)
_FIRST = (
    *("Amber", "Bramble", "Copper", "Crooked", "Gilded", "Hollow", "Ivory", "Juniper", "Marble"),
    *("Midnight", "Mossy", "Painted", "Paper", "Quiet", "Rusty", "Saffron", "Salt", "Tin"),
    *("Velvet", "Wandering"),
)
_SECOND = (
    *("Acorn", "Almanac", "Anchor", "Badger", "Bicycle", "Compass", "Fiddle", "Hare", "Heron"),
    *("Kettle", "Ladle", "Magpie", "Otter", "Pelican", "Pepper", "Sparrow", "Spoon", "Thimble"),
    *("Umbrella", "Walnut"),
)
_OWNERS = (
    *("Bellamy", "Crook", "Finch", "Hobday", "Marlow", "Pomeroy", "Quince", "Tolliver"),
    *("Underhill", "Wren"),
)
_NAMES = (
    *(f"The {first} {second}" for first in _FIRST for second in _SECOND),
    *(f"{one} & {other}" for one, other in permutations(_OWNERS, 2)),
)

# --- the ways to say them ---------------------------------------------------------------------


def _food(food: str) -> Phrases:
    return {
        "adj": f"[{food}]",
        "noun": f"a [{food}] menu | a [{food}] kitchen",
        "verb": f"serves ~[{food}] food | offers ~[{food}] dishes | specialises in [{food}] cooking"
        f" | cooks ~[{food}] food",
        "post": f"serving ~[{food}] food | offering ~[{food}] dishes"
        f" | specialising in [{food}] cooking | known for its ~[{food}] dishes",
        "wish": f"for ~[{food}] food | if you fancy ~[{food}] food"
        f" | if you are in the mood for [{food}] cooking",
        "clause": f"the food is [{food}] | the cooking is [{food}]"
        f" | the kitchen turns out ~[{food}] dishes",
    }


def _rating(stars: str, value: str) -> Phrases:
    return {
        "adj": f"[{stars}-star]",
        "noun": f"a rating of [{stars} out of five] | a [{stars}-star] rating"
        f" | a score of [{value}]",
        "verb": f"is rated [{stars} out of five] | is rated [{value}]"
        f" | gets [{stars} stars] from its guests | scores [{stars} out of five]",
        "post": f"rated [{stars} out of five] | given [{stars} stars] by its guests",
        "clause": f"guests give it [{stars} stars] | its rating is [{value}]"
        f" | guests rate it [{stars} out of five]",
    }


def _near(landmark: str) -> Phrases:
    return {
        "where": f"near [{landmark}] | close to [{landmark}] | beside [{landmark}]"
        f" | not far from [{landmark}] | a short walk from [{landmark}]"
        f" | round the corner from [{landmark}]",
    }


_WAYS: dict[str, dict[str, Phrases]] = {
    "food": {food: _food(food) for food in (*_FOODS, *HELD_OUT["food"])},
    "price": {
        "cheap": {
            "adj": "[cheap] | [low-cost] | [affordable]",
            "noun": "[low prices]",
            "pred": "[cheap] | [affordable] | [easy on the wallet]",
            "verb": "[keeps its prices low] | charges [low prices]",
            "wish": "for a [cheap] meal | if you are on a [tight budget]",
            "clause": "[prices are low] | a meal here is [cheap]",
        },
        "moderate": {
            "adj": "[moderately priced] | [mid-priced] | [mid-range]",
            "noun": "[moderate prices] | [mid-range] prices",
            "pred": "[moderately priced] | [mid-priced]",
            "verb": "charges [moderate prices] | [keeps its prices moderate]",
            "wish": "for a [moderately priced] meal | for a [mid-priced] meal",
            "clause": "[prices are moderate] | a meal here is [moderately priced]",
        },
        "expensive": {
            "adj": "[expensive] | [pricey] | [high-priced]",
            "noun": "[high prices]",
            "pred": "[expensive] | [pricey] | on the [expensive] side",
            "verb": "charges [high prices] | comes at a [high price]",
            "clause": "[prices are high] | a meal here is [expensive]",
        },
    },
    "rating": {
        f"{number} out of 5": _rating(stars, f"{number} out of 5")
        for number, stars in enumerate(("two", "three", "four", "five"), start=2)
    },
    "area": {
        "city centre": {
            "adj": "[city-centre]",
            "where": "in the [city centre] | in the heart of the [city centre]",
        },
        "harbour": {"adj": "[harbourside]", "where": "by the [harbour] | beside the [harbour]"},
        "market district": {
            "where": "in the [market district] | in the heart of the [market district]",
        },
        "northern suburbs": {"where": "in the [northern suburbs]"},
        "old town": {"where": "in the [old town] | in the heart of the [old town]"},
        "riverside": {
            "adj": "[riverside]",
            "where": "on the [riverside]",
        },
        "seafront": {"adj": "[seafront]", "where": "on the [seafront] | right on the [seafront]"},
        "university quarter": {
            "where": "in the [university quarter] | in the heart of the [university quarter]",
        },
    },
    "near": {landmark: _near(landmark) for landmark in _LANDMARKS},
    "family_friendly": {
        "yes": {
            "adj": "[family-friendly] | [child-friendly]",
            "noun": "a [family-friendly] atmosphere | a [warm welcome for families]",
            "pred": "[family-friendly] | [child-friendly] | [well suited to families]",
            "verb": "[welcomes families] | [welcomes children] | [caters for families]",
            "post": "[catering for families] | [welcoming families]",
            "wish": "for a [meal with the children] | if you have [children in tow]",
            "clause": "[children are welcome] | [families are welcome]",
        },
        "no": {
            "adj": "[adults-only]",
            "noun": "a [adults-only] policy",
            "pred": "[unsuitable for children]",
            "verb": "is [for adults only] | is [no place for children]"
            " | [does not admit children] | [does not cater for children]",
            "post": "[reserved for adults] | [catering for adults only]",
            "clause": "[children are not admitted] | [only adults are admitted]",
        },
    },
    "terrace": {
        "yes": {
            "noun": "[a terrace] | [outdoor tables] | [tables outside]",
            "verb": "[seats guests outside] | [serves meals outside]",
            "wish": "if you want to [eat outside] | for a [meal in the open air]",
            "clause": "[there is a terrace] | [guests can sit outside]",
        },
        "no": {
            "noun": "[no terrace] | [no seating outside] | [indoor tables only]",
            "verb": "[seats guests indoors only] | [does not seat guests outside]",
            "clause": "[there is no terrace] | [all the tables are indoors]",
        },
    },
    "booking": {
        "required": {
            "noun": "a [bookings-only] policy | [tables by booking only]",
            "verb": "[requires booking] | [asks guests to book] | [has to be booked ahead]"
            " | is [open to bookings only]",
            "clause": "[booking is required] | [booking is essential] | [tables must be booked]",
        },
        "not required": {
            "noun": "[tables for walk-ins] | [room for walk-ins]",
            "verb": "[takes walk-ins] | [welcomes walk-ins] | is [open to walk-ins]",
            "wish": "if you [have not booked] | if you [have no booking]",
            "clause": "[no booking is needed] | [there is no need to book]"
            " | [walk-ins are welcome]",
        },
    },
}

SLOTS: dict[str, tuple[str, ...]] = {
    "name": _NAMES,
    "venue": (*_VENUES, *HELD_OUT["venue"]),
    **{slot: tuple(values) for slot, values in _WAYS.items()},
}  # every slot in the order a table gives them, and every value it can take
WAYS = {
    (slot, value): {part: tuple(text.split(" | ")) for part, text in phrases.items()}
    for slot, values in _WAYS.items()
    for value, phrases in values.items()
}

FRAMES = (
    "{name} is {np}",
    "{name} is {head} that {vps}",
    "{name}, {np}, {vps}",
    "{name} {vps}",
    "{np}, {name} {vps}",
    "there is {head} called {name}{tail}",
    "there is {head} called {name} that {vps}",
    "{where} there is {head} called {name}{tail}",
    "{where} you will find {name}, {np}",
    "you will find {name}, {np}, {where}",
    "set {where}, {name} is {np}",
    "located {where}, {name} {vps}",
    "{post}, {name} is {np}",
    "{post}, {name} {vps}",
    "{wish}, try {name}, {np}",
    "{wish}, head for {name}, {np}",
)
_MOST = {"next": 4, "vps": 3, "wish": 1, "post": 1}  # slots that one part can carry
_PREDICATES = ("pred", "noun", "verb", "where")
LIES = ("lies", "sits", "can be found", "is located", "is set")
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

# What other writers say for a value, and this grammar does not.
_ALSO: dict[tuple[str, str], str] = {
    ("venue", "café"): "cafe | coffee shop",
    ("venue", "tea room"): "tearoom",
    ("area", "city centre"): "city center",
    ("area", "harbour"): "harbor",
    ("area", "northern suburbs"): "northern suburb",
    ("area", "riverside"): "by the river | beside the river",
    ("price", "cheap"): "inexpensive | low-priced | low-price | budget | priced low | low in price"
    " | cheaply priced",
    ("price", "moderate"): "moderate price | moderate-priced | reasonably priced | mid-price"
    " | priced moderately | priced reasonably | reasonable prices",
    ("price", "expensive"): "high-price | high-end | costly | priced high | highly priced"
    " | expensively priced",
    ("family_friendly", "yes"): "family friendly | child friendly | children-friendly"
    " | kid-friendly | for families | for the family | for the whole family | for children"
    " | for kids | to families | to children | for adults and children | to adults and children"
    " | adults and children | children and adults"
    " | welcome families | welcome children | admits children | admit children",
    ("family_friendly", "no"): "adults only | adult-only | for adults | to adults"
    " | unsuitable for families | no place for families | no children | children are not welcome"
    " | families are not welcome | children are not allowed",
    ("terrace", "yes"): "terrace | outdoor seating | outdoor seats | outdoor dining"
    " | outside tables | tables outdoors | seating outside | seating outdoors | seats outside"
    " | seat guests outside | seats guests outdoors | serve meals outside | sit outside"
    " | sit outdoors | eat outdoors",
    ("terrace", "no"): "indoor tables | indoor seating | tables indoors | seats guests indoors"
    " | indoors only",
    ("booking", "required"): "bookings only | booking only | booking required | must book"
    " | need to book | bookings are required | reservations are required"
    " | reservation is required | reservations only | reservation only | reservations required"
    " | booked ahead | booked in advance | no walk-ins | walk-ins are not welcome",
    ("booking", "not required"): "no booking | no bookings | no reservation | no reservations"
    " | booking is not required | bookings are not required | reservations are not required"
    " | no booking required | no booking is required | without a booking | without booking"
    " | for walk-ins | walk-ins policy | walk-in guests | walk-ins welcome",
}

# "not too expensive" does not say that a place is expensive, nor "far from cheap" that it is cheap.
# Only words that carry the "not" on may stand in between: "no terrace near" says what it is near.
_NEGATION = re.compile(
    r"(?<!\w)(?:not(?! only| just| merely| far)|\w+n't|no|never|nor|neither|without|hardly|less"
    r"|nothing|anything but|rather than|instead of"
    r"|(?<!not )(?<!not too )(?<!not so )(?<!not very )far from)\s+"
    r"(?:(?:a|an|the|any|its|at|all|too|very|so|that|really|particularly|especially|exactly|quite"
    r"|always|even|be|been|being|have|having|offer|serve|seem|considered|meant|intended|set|apart"
    r"|good|ideal|suitable|suited|open|place|spot|room|welcome|cater|catering)\s+)*$"
)
_PLAIN = str.maketrans({"’": "'", "‑": "-", "–": "-"})  # as many characters as before


def _articles(text: str) -> str:
    """Every "a" before a vowel made "an". No word here has a silent h or starts like "one"."""
    return re.sub(r"\b([Aa]) (?=\[?[aeiouAEIOU])", r"\1n ", text)


@cache
def ways(slot: str, value: str) -> tuple[str, ...]:
    """Every template that says the value, with [ ] round the words that do."""
    if slot == "name":
        return tuple(frame.replace("{name}", f"[{value}]") for frame in FRAMES)
    if slot == "venue":
        subjects = (f"the [{value}] {{vps}}", f"this [{value}] {{vps}}")
        nouns = (re.sub("{(np|head)}", f"a [{value}]", frame) for frame in FRAMES)
        return (*(noun for noun in nouns if f"[{value}]" in noun), *subjects)
    parts = WAYS[slot, value]
    verbs = (f"{lies} {where}" for lies in LIES for where in parts.get("where", ()))
    return (*(phrase for phrases in parts.values() for phrase in phrases), *verbs)


@cache
def mentions(slot: str, value: str) -> tuple[str, ...]:
    """The phrases, in lower case, any of which says the value."""
    marked = re.findall(r"\[(.+?)\]", " ".join(ways(slot, value)))
    also = _ALSO[slot, value].split(" | ") if (slot, value) in _ALSO else []
    if slot == "rating":
        number, word = value[0], next(phrase for phrase in marked if "star" in phrase).split("-")[0]
        also = [value, f"{number}-star", f"{number} stars", f"{number} out of five"]
        also += [f"{word} out of 5"]
    return tuple(dict.fromkeys(_articles(phrase).lower() for phrase in (*marked, *also)))


@cache
def _listener(slot: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """What finds a phrase of the slot, and the value that each phrase says.

    Whether words are joined by a space or a hyphen makes no difference.
    """
    value_of = {
        phrase.replace("-", " "): value for value in SLOTS[slot] for phrase in mentions(slot, value)
    }
    longest_first = sorted(value_of, key=len, reverse=True)
    phrases = "|".join(r"(?:\s+|-)".join(map(re.escape, one.split())) for one in longest_first)
    return re.compile(rf"(?<!\w)({phrases})(?!\w)"), value_of


def spoken(slot: str, text: str) -> list[tuple[str, int, int]]:
    """Where a text says which value of the slot: (value, start, end), from left to right.

    Longest phrase first, because "unsuitable for children" holds "for children". A phrase that is
    negated says the other value where a slot has two ("not family-friendly"), and nothing where it
    has more: what is "not too expensive" may be cheap or moderate.
    """
    pattern, value_of = _listener(slot)
    # Letter by letter, because a word in lower case may be longer (İ), and places must stay.
    plain = "".join(min(letter.lower(), letter, key=len) for letter in text.translate(_PLAIN))
    heard = []
    for found in pattern.finditer(plain):
        value, start = value_of[" ".join(re.split(r"[\s-]+", found[0]))], found.start()
        before = plain[max(0, start - 80) : start]
        if negation := _NEGATION.search(before):
            if len(SLOTS[slot]) > 2:
                continue
            value = next(other for other in SLOTS[slot] if other != value)
            start -= len(before) - negation.start()
        heard.append((value, start, found.end()))
    return heard


def said(slot: str, text: str) -> set[str]:
    """The values of the slot that a text says."""
    return {value for value, _, _ in spoken(slot, text)}


# --- tables as text ---------------------------------------------------------------------------


def to_mr(table: Table) -> str:
    """A table on one line: name[The Tin Otter], food[Thai]."""
    return ", ".join(f"{slot}[{value}]" for slot, value in table.items())


def from_mr(mr: str) -> Table:
    """The inverse of `to_mr`; a slot may be of several words, as in customer rating[low]."""
    return dict(re.findall(r"([^\s,\[\]][^,\[\]]*)\[([^\]]*)\]", mr))


# --- references -------------------------------------------------------------------------------


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
        return _articles(text)


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


# --- the data set -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    table: Table
    references: tuple[str, ...]
    split: str


def _table(rng: random.Random, held_out: bool) -> Table:
    others = [slot for slot in SLOTS if slot != "name"]
    size = rng.choices(range(2, 10), weights=(3, 4, 5, 6, 6, 4, 2, 1))[0]
    chosen = {"name", *rng.sample(others, size)}
    new = rng.choice((("food",), ("venue",), ("food", "venue"))) if held_out else ()
    table = {}
    for slot, values in SLOTS.items():
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


def write(path: Path = PATH) -> None:
    """The data file."""
    with written_whole(path) as fresh, fresh.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("mr", "ref", "split"))
        for entry in tables():
            rows.writerows((to_mr(entry.table), ref, entry.split) for ref in entry.references)


if __name__ == "__main__":
    write()
