"""Method: what all ways of steering a frozen model have in common.

A method turns its few parameters into what conditions the model: embeddings for the soft slots
of a template, or a past of keys and values. It owns the only trainable parameters there are.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar

import torch
from datasets import Dataset
from torch import Tensor, nn

from prefixlab.backbone import NOTHING, Backbone, Conditioning
from prefixlab.batching import Row
from prefixlab.geometry import Geometry
from prefixlab.knobs import Knobs, knob
from prefixlab.tasks import Task
from prefixlab.template import Soft, Template, X, Y

# What a template is laid out with where no task and no tokenizer is at hand.
PLAIN = "Review: {x}\nSentiment: {y}"
X_LENGTH = 6


@dataclass(frozen=True)
class CommonKnobs(Knobs):
    template: str = knob("", "the template; empty for the task's own")


@dataclass(frozen=True)
class Cost:
    """What a method trains and stores.

    `formula` counts the stored numbers: an expression of Python, in the symbols of the backbone
    (see `Geometry.symbols`), of a prompt (m, its length; slots, of a template), of a head (labels)
    and in knobs by name. `trained` is more than `stored` where a reparameterization is thrown away
    after training.
    """

    formula: str
    trained: int
    stored: int
    share: float  # stored / parameters of the backbone

    @property
    def stored_bytes(self) -> int:
        return 4 * self.stored  # float32

    @classmethod
    def of(cls, geometry: Geometry, formula: str, stored: int, thrown_away: int = 0) -> "Cost":
        return cls(formula, stored + thrown_away, stored, stored / geometry.parameters)


@dataclass(frozen=True)
class Positions:
    """Neighbouring positions of z = [PREFIX; x; y]: what they are at the input, and further up.

    "text" is computed by the frozen model, "trained" and "read" (once, for all inputs) are set,
    "none" is not there. `layers` names what is anything but "text" in a layer; in the last one
    it may be "answer", where the answer is read.
    """

    label: str
    length: int
    at_input: str = "text"
    layers: Mapping[int, str] = field(default_factory=dict)


class Method(nn.Module):
    """The base class of all methods.

    Parameters
    ----------
    lm
        The frozen backbone that is steered.
    task
        The task: its template, its answers and its words are what knobs refer to.
    seed
        Fixes every random choice made here.
    **knobs
        The method's knobs, see `Knobs`.

    Raises
    ------
    ValueError
        An unknown knob, or a value out of its range.
    """

    name: ClassVar[str]
    Knobs: ClassVar[type[CommonKnobs]] = CommonKnobs
    learning_rate: ClassVar[float] = 0.0  # what training starts from unless told otherwise

    def __init__(self, lm: Backbone, task: Task, *, seed: int = 0, **knobs: Any):
        super().__init__()
        self.training = False  # dropout is for the steps of training alone
        self.knobs: Any = self.Knobs.of(self.name, knobs)
        self.seed = seed
        self.geometry = lm.geometry
        self.backbone_name = lm.name
        own = self.knobs.template
        self.template = self.make_template(Template(own) if own else task.template, self.knobs)

    @classmethod
    def make_template(cls, template: Template, knobs: Any) -> Template:
        """The template that examples are rendered by, soft slots included."""
        if template.virtual_tokens:
            raise ValueError(
                f"{cls.name} has no virtual tokens for the soft slots of {template.text!r}; "
                "remove {soft:…} or use p_tuning."
            )
        return template

    def conditioning(self) -> Conditioning:
        """What the frozen model is given, computed from the parameters as they are now."""
        return NOTHING

    def penalty(self) -> Tensor | float:
        """What training adds to the loss, in nats, to keep the parameters as the method wants."""
        return 0.0

    def outcome(self) -> dict[str, float]:
        """What training made of the method, for the record of a run: more than its scores say."""
        return {}

    def rows(self, lm: Backbone, examples: Dataset, task: Task) -> list[Row]:
        """The examples in token ids, rendered by this method's template."""
        return lm.rows(self.template, examples, task.verbalizer)

    def ends(self, lm: Backbone) -> list[int]:
        """The tokens that end a generated text."""
        return [lm.tokenizer.eos_token_id]

    def drop_reparameterization(self) -> None:
        """Keep only what the parameters compute; nothing to do where they are used directly."""

    @classmethod
    def cost(cls, geometry: Geometry, **knobs: Any) -> Cost:
        """Parameters as a formula and as a count, from geometry and knobs alone."""
        return Cost.of(geometry, "0", 0)

    @classmethod
    def positions(cls, geometry: Geometry, **knobs: Any) -> list[Positions]:
        """What stands where, from geometry and knobs alone; a word counts as one token."""
        chosen = cls.Knobs.of(cls.name, knobs)
        template = cls.make_template(Template(chosen.template or PLAIN), chosen)
        return laid_out(template, geometry)

    def parameters_now(self) -> int:
        """How many numbers are trainable at this moment."""
        return sum(parameter.numel() for parameter in self.parameters())

    def check_trainable(self) -> None:
        """Raise a ValueError where there is nothing to train."""
        if not self.parameters_now():
            raise ValueError(f"{self.name} has nothing to train; choose a method with parameters.")

    def describe(self) -> dict[str, Any]:
        """Name and knobs, as they are written into checkpoints and records."""
        return {"method": self.name, "knobs": asdict(self.knobs), "seed": self.seed}

    def generator(self) -> torch.Generator:
        """A fresh source of randomness that depends on nothing but the seed."""
        return torch.Generator().manual_seed(self.seed)


def changed_from(
    first: int, layers: int, laid: list[Positions], *, embedding_too: bool = False
) -> list[Positions]:
    """The same positions where the model computes with trained weights from a layer on."""
    changed = dict.fromkeys(range(first, layers), "changed")
    return [
        replace(
            part,
            at_input="changed" if embedding_too else part.at_input,
            layers=changed | dict(part.layers),
        )
        for part in laid
    ]


def laid_out(template: Template, geometry: Geometry) -> list[Positions]:
    """The parts of a template as positions; the answer is read just before `{y}`.

    An encoder is given nothing from there on, and the answer is read at [CLS].
    """
    answer = {geometry.layers - 1: "answer"}
    laid: list[Positions] = []
    for part in template.parts:
        if part == Y and geometry.bidirectional:
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
