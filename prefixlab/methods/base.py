"""Method: what all ways of steering a frozen model have in common.

A method turns its few parameters into what conditions the model: embeddings for the soft slots
of a template, or a past of keys and values. It owns the only trainable parameters there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Self

import torch
from datasets import Dataset
from torch import Tensor, nn

from prefixlab import arguments
from prefixlab.data.batching import Row
from prefixlab.data.task import Task
from prefixlab.data.template import Soft, Template, X, Y
from prefixlab.methods.knobs import Knobs, knob
from prefixlab.models.backbone import NOTHING, Backbone, Conditioning
from prefixlab.models.geometry import Geometry

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


@dataclass(frozen=True)
class Asked:
    """What a method is asked, as a checkpoint keeps it: a task without its examples."""

    task: str
    template: Template  # what examples are rendered by, soft slots included
    answers: tuple[str, ...]  # in the order of their labels; none for free text


class Method(nn.Module):
    """The base class of all methods.

    A method of its own kind says in `build` what parameters it has, and in `start` what they are
    before the first step. A checkpoint builds it too, and then fills in what was learned.

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
        An unknown knob, or a value out of its range; a seed, a backbone or a task that is none.
    """

    name: ClassVar[str]
    Knobs: ClassVar[type[CommonKnobs]] = CommonKnobs
    learning_rate: ClassVar[float] = 0.0  # what training starts from unless told otherwise
    texts: Sequence[str] = ()  # real text that the method itself puts in front of every input
    chance: torch.Generator | None = None  # what a step of training draws its dropout from

    def __init__(self, lm: Backbone, task: Task, *, seed: int = 0, **knobs: Any):
        check_backbone(lm)
        check_task(task)
        chosen = self.Knobs.of(self.name, knobs)
        own = Template(chosen.template) if chosen.template else task.template
        answers = task.verbalizer.words if task.verbalizer else ()
        asked = Asked(task.name, self.make_template(own, chosen), answers)
        self.prepare(lm, asked, chosen, arguments.seed(seed))
        # What is drawn is drawn on the CPU, so that a seed means the same on every machine.
        self.to_empty(device="cpu")
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.zero_()
            self.start(lm, task)
        self.to(lm.device)

    @classmethod
    def unstarted(cls, lm: Backbone, asked: Asked, knobs: CommonKnobs, seed: int) -> Self:
        """The method before its start: its parameters have sizes, and no memory yet."""
        method = cls.__new__(cls)
        method.prepare(lm, asked, knobs, seed)
        return method

    def prepare(self, lm: Backbone, asked: Asked, knobs: CommonKnobs, seed: int) -> None:
        super().__init__()
        self.asked, self.seed = asked, seed
        self.knobs: Any = knobs
        self.geometry = lm.geometry
        self.backbone_name, self.fingerprint = lm.name, lm.fingerprint
        with torch.device("meta"):  # sizes alone: nothing is stored, and nothing drawn
            self.build(lm)

    def build(self, lm: Backbone) -> None:
        """Make the parameters, in their sizes."""

    def start(self, lm: Backbone, task: Task) -> None:
        """Give the parameters their values before the first step; they are zeros."""

    def recall(self, lm: Backbone, texts: Sequence[str]) -> None:
        """Take `texts` as the method's own; a method without any has nothing to take."""

    @property
    def template(self) -> Template:
        """The template that examples are rendered by."""
        return self.asked.template

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

    def check_belongs(self, lm: Backbone) -> None:
        """Raise a ValueError where the method was made for another model."""
        if self.fingerprint != lm.fingerprint:
            what = f"This {self.name}"
            raise ValueError(stranger(what, self.backbone_name, self.fingerprint, lm))

    def generator(self) -> torch.Generator:
        """A fresh source of randomness that depends on nothing but the seed."""
        return torch.Generator().manual_seed(self.seed)


def check_backbone(lm: Any) -> None:
    if not isinstance(lm, Backbone):
        raise ValueError(
            f"lm is of type {type(lm).__name__}, not a backbone; load one with prefixlab.load()."
        )


def check_method(method: Any) -> None:
    if not isinstance(method, Method):
        raise ValueError(
            f"method is of type {type(method).__name__}, not a Method; make one with create, or "
            "load one with load_method."
        )


def check_task(task: Any) -> None:
    if not isinstance(task, Task):
        raise ValueError(
            f"task is of type {type(task).__name__}, not a Task; load one with tasks.load, or make "
            "one with Task.from_csv."
        )


def check_together(lm: Any, method: Any, task: Any) -> None:
    """Raise a ValueError unless these are a backbone, a method made for it, and a task.

    Whatever a method and a model do together begins with this.
    """
    check_backbone(lm)
    check_method(method)
    check_task(task)
    method.check_belongs(lm)


def stranger(what: str, name: str, fingerprint: str, lm: Backbone) -> str:
    return (
        f"{what} was made for {name}, not for {lm.name}: the weights differ (fingerprint "
        f"{fingerprint}, here {lm.fingerprint}); load the model that it was made for."
    )


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
