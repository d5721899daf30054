"""Grids: which families of runs stand behind the lessons, each recorded by the protocol.

The middle rate of a family is only where the search begins: see `protocol`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prefixlab.arguments import one_of
from prefixlab.workbook.protocol import LADDER, STEPS, Family, key_of

Settings = Sequence[Mapping[str, Any]]
SENTIMENT = "Review: {x}\nSentiment: {y}"
WORDINGS = {
    "question": "{x} Is this review positive or negative? {y}",
    "it was": "{x} It was {y}",
    "sentiment": SENTIMENT,
    "all in all": "{x} All in all, the film is {y}",
}
LENGTHS = (1, 5, 20, 50)  # besides 10
SIZES = (32, 128, 512)  # besides 256


def soft(wording: str) -> str:
    """The same words with three soft slots before the text and three after it."""
    return "{soft:3}" + wording.replace("{x}", "{x}{soft:3}")


def each(knob: str, values: Sequence[Any]) -> list[dict[str, Any]]:
    """Settings in which one knob differs."""
    return [{knob: value} for value in values]


def prefix_tuning() -> list[Family]:
    """Starts, lengths, sizes, and an MLP against direct updates, each at its own rate."""

    def prefix(start: str, middle: float, settings: Settings = (), mlp: bool = False) -> Family:
        how = "mlp" if mlp else "none"
        name = f"prefix tuning, {start}{', MLP' if mlp else ''}"
        knobs = {"prefix_length": 10, "init": start, "reparameterization": how}
        return Family(name, "prefix_tuning", knobs, middle, settings)

    lengths = each("prefix_length", LENGTHS)
    return [
        prefix("task_words", 0.003, [*lengths, *each("train", SIZES)]),
        prefix("uniform", 0.003, lengths),
        prefix("matched", 0.003),
        prefix("unrelated_words", 0.003),
        prefix("examples", 0.003),
        prefix("task_words", 1e-4, mlp=True),
        prefix("matched", 1e-4, mlp=True),
    ]


def prompt_tuning() -> list[Family]:
    """Starts, lengths and sizes."""

    def prompt(start: str, middle: float, settings: Settings = ()) -> Family:
        knobs = {"prompt_length": 10, "init": start}
        return Family(f"prompt tuning, {start}", "prompt_tuning", knobs, middle, settings)

    lengths = each("prompt_length", LENGTHS)
    return [
        Family("no training", "discrete_prompt"),
        # Six virtual tokens, as many as P-tuning has slots.
        prompt("labels", 0.01, [*lengths, {"prompt_length": 6}, *each("train", SIZES)]),
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
        return Family(f"P-tuning, {encoder}", "p_tuning", knobs, middle, each("template", others))

    words = [
        Family(f"no training, {name}", "discrete_prompt", {"template": wording})
        for name, wording in WORDINGS.items()
    ]
    return [*words, slots("none", 0.01), slots("mlp", 0.001), slots("lstm", 0.001)]


def p_tuning_v2() -> list[Family]:
    """A head and words, with dropout and without; depth and length; the probe beside them."""
    depths = each("layers", ("last:10", "first:10", "last:4", "first:4"))

    def deep(answers: str, dropout: float, settings: Settings = ()) -> Family:
        knobs = {"prefix_length": 10, "classifier": answers, "dropout": dropout}
        name = f"P-tuning v2, {answers}, dropout {dropout:g}"
        return Family(name, "p_tuning_v2", knobs, 0.003, settings)

    return [
        Family("linear probe", "linear_probe", {}, 0.01, each("train", SIZES)),
        deep("head", 0.0, [*depths, *each("prefix_length", LENGTHS)]),
        deep("head", 0.1, each("prefix_length", LENGTHS)),
        deep("verbalizer", 0.0, depths),
    ]


def baselines() -> list[Family]:
    """What else may be trained."""
    return [
        Family("all weights", "fine_tuning", {"top": 0}, 3e-5, each("train", SIZES)),
        Family("top two layers", "fine_tuning", {"top": 2}, 3e-4),
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


def budget() -> list[Family]:
    """How long it is worth to train: four times as long as all others, one setting a method.

    The rate is constant, so that the first 48, 96 or 192 steps are a run of that length.
    """
    longer: list[tuple[str, str, dict[str, Any], float]] = [
        ("prefix tuning, task_words", "prefix_tuning", {"init": "task_words"}, 0.003),
        ("prefix tuning, uniform", "prefix_tuning", {"init": "uniform"}, 0.003),
        ("prompt tuning, labels", "prompt_tuning", {"init": "labels"}, 0.01),
        ("P-tuning, lstm", "p_tuning", {"template": soft(SENTIMENT), "encoder": "lstm"}, 0.001),
        ("P-tuning v2, head", "p_tuning_v2", {"classifier": "head", "dropout": 0.0}, 0.003),
        ("LoRA", "lora", {"rank": 8}, 0.001),
        ("all weights", "fine_tuning", {"top": 0}, 3e-5),
        ("linear probe", "linear_probe", {}, 0.01),
    ]
    return [
        Family(f"{name}, longer", method, knobs, rate, seeds=1, steps=4 * STEPS, around=0)
        for name, method, knobs, rate in longer
    ]


GRIDS: dict[str, Callable[[], list[Family]]] = {
    grid.__name__: grid
    for grid in (prefix_tuning, prompt_tuning, p_tuning, p_tuning_v2, baselines, variants, budget)
}


def families(grid: str) -> list[Family]:
    """The families of a grid.

    Raises
    ------
    ValueError
        No such grid, or one that asks for a run twice, as two families of one name do.
    """
    found = GRIDS[one_of("grid", grid, GRIDS)]()
    asked = [run for family in found for run in family.search([]) + family.following(LADDER[0])]
    key, times = Counter(map(key_of, asked)).most_common(1)[0]
    if times > 1:
        raise ValueError(f"The grid {grid} asks {times} times for {key}; rename or remove one.")
    return found
