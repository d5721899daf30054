"""Positions: where a method puts what it trains, for a picture of positions by layers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import singledispatch

from prefixlab.data.template import Soft, X, Y
from prefixlab.methods import (
    Cartridge,
    Combined,
    Convolution,
    InContextLearning,
    Infix,
    Method,
    PrefixTuning,
)

X_LENGTH = 6  # words of a text, where none is at hand


@dataclass(frozen=True)
class Positions:
    """Neighbouring positions of z = [PREFIX; x; y]: what they are at the input, and further up.

    "text" is computed by the frozen model, "trained" and "read" (once, for all inputs) are set,
    "changed" is computed with trained weights, "none" is not there. `layers` names what is anything
    but "text" in a layer; in the last one it may be "answer", where the answer is read.
    """

    label: str
    length: int
    at_input: str = "text"
    layers: Mapping[int, str] = field(default_factory=dict)


@singledispatch
def positions(method: Method) -> list[Positions]:
    """What stands where, by the class of a method or the nearest one that it is built on.

    A method's `sketch` is enough; a word counts as one token. Whatever else a method trains shows
    in what its edits name: the layers that it changes, and the embedding below them.
    """
    edits = method.conditioning().edits
    names = [name for edit in edits for name in (*edit.weights, *edit.outputs)]
    layers = [f"{layer}." for layer in method.geometry.layers_by_name]
    changed = {
        number: "changed"
        for number, layer in enumerate(layers)
        if any(name.startswith(layer) for name in names)
    }
    below = any(not name.startswith(tuple(layers)) for name in names)
    return [
        replace(
            part,
            at_input="changed" if below else part.at_input,
            layers=changed | dict(part.layers),
        )
        for part in laid_out(method)
    ]


@positions.register
def _(method: InContextLearning) -> list[Positions]:
    query, k = laid_out(method), method.knobs.demonstrations
    shared = dict.fromkeys(range(method.geometry.layers), "read")
    length = k * sum(part.length for part in query)  # as long as the query and its answer
    return [Positions(f"{k} demonstrations", length, "read", shared), *query]


@positions.register
def _(method: Cartridge) -> list[Positions]:
    every, frozen = range(method.geometry.layers), method.knobs.frozen
    first = Positions("first", frozen, "none", dict.fromkeys(every, "read"))
    trained = method.knobs.prefix_length - frozen
    others = Positions("cartridge", trained, "none", dict.fromkeys(every, "trained"))
    return [*([first] if frozen else []), others, *laid_out(method)]


@positions.register
def _(method: PrefixTuning) -> list[Positions]:
    every = range(method.geometry.layers)
    layers = {i: "trained" if i in method.layers else "none" for i in every}
    # No token at the input.
    return [Positions("prefix", method.knobs.prefix_length, "none", layers), *laid_out(method)]


@positions.register
def _(method: Infix) -> list[Positions]:
    layers = dict.fromkeys(method.layers, "trained")
    return [
        replace(part, label="infix", at_input="none", layers=layers)
        if part.at_input == "trained"
        else part
        for part in laid_out(method)
    ]


@positions.register
def _(method: Combined) -> list[Positions]:
    prefix, beside = map(positions, method.parts)
    return [prefix[0], *beside]


@positions.register
def _(method: Convolution) -> list[Positions]:
    return [replace(part, at_input="changed") for part in laid_out(method)]


def laid_out(method: Method) -> list[Positions]:
    """The parts of a method's template as positions; the answer is read just before `{y}`.

    An encoder is given nothing from there on, and the answer is read at [CLS].
    """
    answer = {method.geometry.layers - 1: "answer"}
    laid: list[Positions] = []
    for part in method.template.parts:
        if part == Y and method.geometry.bidirectional:
            return [Positions("[CLS]", 1, layers=answer), *laid, Positions("[SEP]", 1)]
        if part == Y:
            last = laid.pop()
            laid.append(replace(last, length=last.length - 1))
            laid.append(replace(last, length=1, layers=answer))
        if isinstance(part, Soft):
            laid.append(Positions("virtual", part.length, "trained"))
        elif not isinstance(part, str):
            laid.append(Positions(part[1], X_LENGTH if part == X else 1))
        elif words := part.split():
            laid.append(Positions(" ".join(words), len(words)))
    return laid
