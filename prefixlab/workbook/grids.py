"""Grids: which families of runs stand behind the lessons, each recorded by the protocol.

The middle rate of a family is only where the search begins: see `protocol`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import factorial
from typing import Any

from prefixlab.arguments import one_of
from prefixlab.workbook.protocol import FEWER, SEEDS, STEPS, THOUSAND, Family, key_of

Knobs = Mapping[str, Any]
Settings = Sequence[Mapping[str, Any]]
SENTIMENT = "Review: {x}\nSentiment: {y}"
WORDINGS = {
    "question": "{x} Is this review positive or negative? {y}",
    "it was": "{x} It was {y}",
    "sentiment": SENTIMENT,
    "all in all": "{x} All in all, the film is {y}",
}
DOMAINS = ("product_reviews", "tweets", "editorials")  # besides the films that are learned from
TESTED = {"film reviews": "", **{name.replace("_", " "): name for name in DOMAINS}}  # in words
PATTERNS = {  # labels of demonstrations, of which half are n(egative) and half p(ositive)
    2: ("np", "pn"),
    4: ("npnp", "pnpn", "nppn", "pnnp", "nnpp", "ppnn"),
    8: ("npnpnpnp", "pnpnpnpn", "nnppnnpp", "ppnnppnn", "nnnnpppp", "ppppnnnn"),
}
# A step on tables takes as long as four on sentences, and their texts are written twice.
SHORT: Mapping[str, Any] = {
    **{"train": 200, "test": 24, "steps": STEPS // 2, "seeds": FEWER},
    "searched": False,
}
LENGTHS = (1, 5, 20, 50)  # besides 10
SIZES = (32, 128, 512)  # besides 256


def soft(wording: str) -> str:
    """The same words with three soft slots before the text and three after it."""
    return "{soft:3}" + wording.replace("{x}", "{x}{soft:3}")


def each(knob: str, values: Sequence[Any]) -> list[dict[str, Any]]:
    """Settings in which one knob differs."""
    return [{knob: value} for value in values]


def in_context() -> list[Family]:
    """Demonstrations, whose labels stand in every pattern: an order is no more usual than others.

    A seed draws other demonstrations; nothing is trained.
    """

    def shown(k: int, labels: str, name: str, order: int) -> Family:
        knobs = {"demonstrations": k, "labels": labels, "order": order}
        return Family(f"{k} demonstrations, {labels}{name}", "in_context", knobs)

    return [
        shown(1, "true", "", 0),  # negative or positive, as the seed has it
        *(
            shown(k, labels, f", {pattern}", order_of(pattern))
            for k, labels in ((4, "true"), (2, "true"), (8, "true"), (4, "random"), (4, "outside"))
            for pattern in PATTERNS[k]
        ),
    ]


def order_of(pattern: str) -> int:
    """The order that brings demonstrations, which come as n p n p …, into a pattern of labels.

    Those of one label stay in their order. It is counted as `in_context` counts: lexicographically.
    """
    left = {"n": iter(range(0, len(pattern), 2)), "p": iter(range(1, len(pattern), 2))}
    places = [next(left[label]) for label in pattern]
    return sum(
        sum(later < place for later in places[at + 1 :]) * factorial(len(places) - 1 - at)
        for at, place in enumerate(places)
    )


def cartridge() -> list[Family]:
    """Eight demonstrations in a few positions: how many, with a frozen first one and without.

    The teacher is the first pattern of eight in `in_context`, with the same demonstrations.
    """
    lengths = each("prefix_length", (4, 64))

    def short(name: str, frozen: int, middle: float | None) -> Family:
        knobs = {"demonstrations": 8, "prefix_length": 16, "frozen": frozen}
        return Family(name, "cartridge", knobs, middle, lengths)

    return [
        short("cartridge", 1, 0.003),
        short("cartridge, nothing frozen", 0, 0.003),
        short("first tokens, no training", 1, None),
    ]


def prefix_tuning() -> list[Family]:
    """Starts, lengths, sizes, and an MLP against direct updates, each at its own rate."""

    def prefix(start: str, middle: float, settings: Settings = (), **how: Any) -> Family:
        return Family(
            f"prefix tuning, {start}", "prefix_tuning", at(start), middle, settings, **how
        )

    def through_mlp(start: str, **how: Any) -> Family:
        knobs = at(start) | {"reparameterization": "mlp"}
        return Family(f"prefix tuning, {start}, MLP", "prefix_tuning", knobs, 1e-4, **how)

    def at(start: str) -> dict[str, Any]:
        return {"prefix_length": 10, "init": start, "reparameterization": "none"}

    lengths = each("prefix_length", LENGTHS)
    return [
        prefix("task_words", 0.003, [*lengths, *each("train", SIZES)], also=DOMAINS, off=True),
        prefix("uniform", 0.003, lengths),
        prefix("matched", 0.003),
        prefix("unrelated_words", 0.003),
        prefix("examples", 0.003),
        through_mlp("task_words", off=True),
        through_mlp("matched"),
    ]


def prompt_tuning() -> list[Family]:
    """Starts, lengths and sizes."""

    def prompt(start: str, middle: float, settings: Settings = (), **how: Any) -> Family:
        knobs = {"prompt_length": 10, "init": start}
        name = f"prompt tuning, {start}"
        return Family(name, "prompt_tuning", knobs, middle, settings, **how)

    lengths = each("prompt_length", LENGTHS)
    # Six virtual tokens, as many as P-tuning has slots.
    settings = [*lengths, {"prompt_length": 6}, *each("train", SIZES)]
    return [
        Family("no training", "discrete_prompt", also=DOMAINS, seeds=1),
        prompt("labels", 0.01, settings, also=DOMAINS),
        prompt("uniform", 0.01, lengths),
        prompt("vocabulary", 0.01),
        prompt("text", 0.01),
    ]


def p_tuning() -> list[Family]:
    """Prompt encoders, each with the slots between four wordings."""
    others = [soft(wording) for name, wording in WORDINGS.items() if name != "sentiment"]

    def slots(encoder: str, middle: float) -> Family:
        # All three start from the same slots: else their starts would be compared too.
        knobs = {"template": soft(SENTIMENT), "encoder": encoder, "init": "normal"}
        settings = each("template", others)
        name = f"P-tuning, {encoder}"
        return Family(name, "p_tuning", knobs, middle, settings, fewer=SEEDS)

    words = [
        Family(f"no training, {name}", "discrete_prompt", {"template": wording}, seeds=1)
        for name, wording in WORDINGS.items()
    ]
    return [*words, slots("none", 0.01), slots("mlp", 0.001), slots("lstm", 0.001)]


def p_tuning_v2() -> list[Family]:
    """A head and words, with dropout and without; depth and length; the probe beside them."""
    knobs = {"prefix_length": 10}
    depths = each("layers", ("last:10", "first:10", "last:4", "first:4"))

    def deep(answers: str, dropout: float, settings: Settings = ()) -> Family:
        own = knobs | {"classifier": answers, "dropout": dropout}
        name = f"P-tuning v2, {answers}, dropout {dropout:g}"
        return Family(name, "p_tuning_v2", own, 0.003, settings)

    return [
        Family("linear probe", "linear_probe", {}, 0.01, each("train", SIZES)),
        deep("head", 0.0, [*depths, *each("prefix_length", LENGTHS)]),
        deep("head", 0.1, each("prefix_length", LENGTHS)),
        deep("verbalizer", 0.0, depths),
        Family(
            "P-tuning v2, head, MLP",
            "p_tuning_v2",
            {
                "prefix_length": 10,
                "classifier": "head",
                "dropout": 0.0,
                "reparameterization": "mlp",
            },
            1e-4,
            head_rate=0.003,  # as direct training begins: one rate for both trains one of them
        ),
    ]


def baselines() -> list[Family]:
    """What else may be trained."""
    return [
        Family("all weights", "fine_tuning", {"top": 0}, 3e-5, each("train", SIZES), also=DOMAINS),
        Family("top two layers", "fine_tuning", {"top": 2}, 3e-4, also=DOMAINS),
        Family("LoRA", "lora", {"rank": 8}, 0.001),
        Family("adapters", "adapters", {}, 3e-4),
        Family("biases", "bias_only", {}, 0.003),
        Family("WARP", "warp", {}, 0.01),
        Family("infix", "infix", {}, 0.003),
    ]


def variants() -> list[Family]:
    """The experiments of lesson 11, each with its own rate like everything else."""
    return [
        Family("gated prefix", "gated_prefix", {"prefix_length": 10}, 0.003),
        Family("adaptive prefix", "adaptive_prefix", {"prefix_length": 10}, 0.003),
        Family("convolution", "convolution", {"width": 10}, 0.01),
        Family(
            *("prefix and prompt", "combined"),
            {"beside": "prompt", "prefix_length": 5, "prompt_length": 5},
            0.003,
        ),
        Family("prefix and biases", "combined", {"beside": "bias", "prefix_length": 10}, 0.003),
    ]


def table_to_text() -> list[Family]:
    """Tables into words: a prefix and fine-tuning on few of them, tested on unseen kinds too."""

    of_tables: dict[str, Any] = {
        **{"task": "restaurants", "also": ["restaurants_unseen"]},
        **SHORT,
    }

    def texts(name: str, method: str, knobs: Knobs, middle: float, *settings: Any) -> Family:
        return Family(f"tables, {name}", method, knobs, middle, settings, **of_tables)

    def prefix(start: str, *settings: Any) -> Family:
        knobs = {"prefix_length": 10, "init": start}
        return texts(f"prefix, {start}", "prefix_tuning", knobs, 0.01, *settings)

    sizes = each("train", (50, 100, 500))
    e2e: dict[str, Any] = {"task": "e2e", **SHORT}
    untrained: dict[str, Any] = {"method": "discrete_prompt", "seeds": 1}
    words = {"prefix_length": 10, "init": "task_words"}
    return [
        prefix("task_words", *sizes, *each("prefix_length", (1, 50))),
        texts("all weights", "fine_tuning", {"top": 0}, 1e-4, *sizes),
        texts("top two layers", "fine_tuning", {"top": 2}, 0.001, *sizes),
        prefix("uniform", {"train": 100}),
        prefix("unrelated_words", {"train": 100}),
        Family("tables, no training", **of_tables | untrained),
        Family("E2E, no training", **e2e | untrained),
        Family("E2E, prefix", "prefix_tuning", words, 0.01, **e2e),
        Family("E2E, all weights", "fine_tuning", {"top": 0}, 1e-4, **e2e),
    ]


def lm_adaptation() -> list[Family]:
    """A tiny T5 after span corruption, LM-adapted ever longer: a prompt before each, and controls.

    Before the model of span corruption alone stand a prefix in each kind of attention and in all
    three, and a prompt of as many numbers as one of them; all weights show what the frozen ones
    lack.
    """
    asked: dict[str, Any] = {
        **{"task": "film_or_product, written", "train": 1024, "test": 300},
        **{"steps": 1000, "seeds": FEWER},
    }
    models = ("0", "0, sentinel", "100", "400", "1200")
    prompt = {"prompt_length": 10, "init": "vocabulary"}

    def before(model: str, what: str, *trained: Any) -> Family:
        name = f"T5, adapted {model}" + (what and f", {what}")
        return Family(name, *trained, **asked | {"model": f"tiny-t5, adapted {model}"})

    def prefix(model: str, what: str, layers: str, middle: float) -> Family:
        knobs = {"prefix_length": 10, "init": "matched", "layers": layers}
        return before(model, what, "prefix_tuning", knobs, middle)

    as_many_numbers = [{"prompt_length": 40}]  # as a prefix of one kind of attention has
    return [
        *(
            before(model, "", "prompt_tuning", prompt, 0.1, as_many_numbers if model == "0" else ())
            for model in models
        ),
        prefix("0", "decoder prefix", "decoder", 0.01),
        prefix("0", "encoder prefix", "encoder", 0.03),
        prefix("0", "cross prefix", "cross", 0.03),
        prefix("0", "three prefixes", "all", 0.03),
        prefix("1200", "decoder prefix", "decoder", 0.03),
        *(
            before(model, "all weights", "fine_tuning", {"top": 0}, 0.001)
            for model in ("0", "1200")
        ),
        *(replace(before(model, "no training", "discrete_prompt"), seeds=1) for model in models),
    ]


def scale() -> list[Family]:
    """A prompt and all weights of tiny models of four sizes: does the gap close?"""
    asked: dict[str, Any] = {"task": "film_or_product", "steps": 8 * STEPS}
    return [
        family
        for width in (24, 48, 96, 192)
        for model in [f"tiny-lm, width {width}"]
        for family in (
            Family(
                *(f"width {width}, prompt", "prompt_tuning"),
                {"prompt_length": 10, "init": "vocabulary"},
                0.1,
                model=model,
                **asked,
            ),
            Family(
                *(f"width {width}, all weights", "fine_tuning", {"top": 0}, 0.001),
                model=model,
                **asked,
            ),
        )
    ]


def budget() -> list[Family]:
    """How long it is worth to train: four times as long as all others, one setting a method.

    Each at the rate that its family chose for 96 steps on smollm2. The rate is constant, so that
    the first 48, 96 or 192 steps are a run of that length.
    """
    slots = {"template": soft(SENTIMENT), "encoder": "lstm", "init": "normal"}
    longer: list[tuple[str, str, dict[str, Any], float]] = [
        ("prefix tuning, task_words", "prefix_tuning", {"init": "task_words"}, 0.001),
        ("prefix tuning, uniform", "prefix_tuning", {"init": "uniform"}, 0.03),
        ("prompt tuning, labels", "prompt_tuning", {"init": "labels"}, 0.1),
        ("P-tuning, lstm", "p_tuning", slots, 0.0003),
        ("P-tuning v2, head", "p_tuning_v2", {"classifier": "head", "dropout": 0.0}, 0.01),
        ("LoRA", "lora", {"rank": 8}, 3e-5),
        ("all weights", "fine_tuning", {"top": 0}, 1e-6),
        ("linear probe", "linear_probe", {}, 0.003),
    ]
    return [
        Family(f"{name}, longer", method, knobs, rate, seeds=1, steps=4 * STEPS, around=0)
        for name, method, knobs, rate in longer
    ]


def thousand() -> list[Family]:
    """What is compared by less than three points, tested on 1,000 sentences in place of 400.

    Each at the rate that its family chose on smollm2. The first 400 are the same for all grids.
    """
    usual = {
        family.name: family
        for grid in (prefix_tuning, prompt_tuning, baselines)
        for family in grid()
    }
    rates = {
        "prompt tuning, labels": 0.1,
        "prefix tuning, task_words": 0.001,
        "all weights": 1e-6,
        "top two layers": 3e-4,
        "LoRA": 3e-5,
        "adapters": 3e-5,
        "biases": 3e-4,
    }
    return [
        replace(
            usual[name],
            name=f"{name}, 1,000",
            middle=rate,
            around=0,
            test=THOUSAND,
            settings=(),
            also=(),
            off=False,
        )
        for name, rate in rates.items()
    ]


GRIDS: dict[str, Callable[[], list[Family]]] = {
    grid.__name__: grid
    for grid in (
        *(prefix_tuning, prompt_tuning, p_tuning, p_tuning_v2, baselines, variants, in_context),
        *(cartridge, lm_adaptation, scale, table_to_text, budget, thousand),
    )
}


def families(grid: str) -> list[Family]:
    """The families of a grid.

    Raises
    ------
    ValueError
        No such grid, or one that asks for a run twice, as two families of one name do.
    """
    found = GRIDS[one_of("grid", grid, GRIDS)]()
    every = [each for family in found for each in family.competitors([])]
    asked = [run for each in every for run in each.expected([])]
    key, times = Counter(map(key_of, asked)).most_common(1)[0]
    if times > 1:
        raise ValueError(f"The grid {grid} asks {times} times for {key}; rename or remove one.")
    return found
