"""The words of the restaurants: the values a slot can have, and the ways to say each of them.

By slot and value stand the phrases for every part of the grammar (see `restaurant_texts`). There,
[ ] marks the words that say the value: `phrases_of` gathers them, and a metric can look for them in
any text. A ~ is where a price may lean on the food: "serves cheap Thai food".
"""

import re
from functools import cache
from itertools import permutations

Phrases = dict[str, str]  # a part of the grammar -> the phrases that fit it, between bars

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

VALUES: dict[str, tuple[str, ...]] = {
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
LIES = ("lies", "sits", "can be found", "is located", "is set")

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


def articles(text: str) -> str:
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


def phrases_of(slot: str, value: str) -> tuple[str, ...]:
    """The phrases, in lower case, any of which says the value."""
    marked = re.findall(r"\[(.+?)\]", " ".join(ways(slot, value)))
    also = _ALSO[slot, value].split(" | ") if (slot, value) in _ALSO else []
    if slot == "rating":
        number, word = value[0], next(phrase for phrase in marked if "star" in phrase).split("-")[0]
        also = [value, f"{number}-star", f"{number} stars", f"{number} out of five"]
        also += [f"{word} out of 5"]
    return tuple(dict.fromkeys(articles(phrase).lower() for phrase in (*marked, *also)))
