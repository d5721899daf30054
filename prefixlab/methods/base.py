"""Method: what all ways of steering a frozen model have in common.

A method turns its few parameters into what conditions the model: embeddings for the soft slots
of a template, or a past of keys and values. It owns the only trainable parameters there are.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Self

import torch
from datasets import Dataset
from torch import Tensor, nn

from prefixlab import arguments
from prefixlab.data.batching import Row
from prefixlab.data.task import Task
from prefixlab.data.template import Template
from prefixlab.methods.asked import PLAIN, Asked
from prefixlab.methods.cost import Cost
from prefixlab.methods.knobs import Knobs, knob
from prefixlab.models.backbone import Backbone
from prefixlab.models.conditioning import NOTHING, Conditioning
from prefixlab.models.geometry import Geometry


@dataclass(frozen=True)
class CommonKnobs(Knobs):
    template: str = knob("", "the template; empty for the task's own")


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
    fingerprint: str = ""  # of the model that it was made for
    chance: torch.Generator | None = None  # what a step of training draws its dropout from

    def __init__(self, lm: Backbone, task: Task, *, seed: int = 0, **knobs: Any):
        check_backbone(lm)
        check_task(task)
        chosen = self.Knobs.of(self.name, knobs)
        answers = task.verbalizer.words if task.verbalizer else ()
        asked = self.asked_with(chosen, Asked(task.name, task.template, answers))
        self.prepare(lm.geometry, asked, chosen, arguments.seed(seed))
        self.fingerprint = lm.fingerprint
        # What is drawn is drawn on the CPU, so that a seed means the same on every machine.
        self.to_empty(device="cpu")
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.zero_()
            self.start(lm, task)
        self.to(lm.device)

    @classmethod
    def unstarted(cls, geometry: Geometry, asked: Asked, knobs: CommonKnobs, seed: int) -> Self:
        """The method before its start: its parameters have sizes, and no memory yet."""
        method = cls.__new__(cls)
        method.prepare(geometry, asked, knobs, seed)
        return method

    @classmethod
    def sketch(cls, geometry: Geometry, **knobs: Any) -> Self:
        """The method with these knobs, unstarted, where no model and no task is at hand."""
        chosen = cls.Knobs.of(cls.name, knobs)
        return cls.unstarted(geometry, cls.asked_with(chosen, PLAIN), chosen, seed=0)

    def prepare(self, geometry: Geometry, asked: Asked, knobs: CommonKnobs, seed: int) -> None:
        super().__init__()
        self.geometry, self.asked, self.seed = geometry, asked, seed
        self.knobs: Any = knobs
        with torch.device("meta"):  # sizes alone: nothing is stored, and nothing drawn
            self.build(geometry)

    def build(self, geometry: Geometry) -> None:
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
    def asked_with(cls, knobs: Any, plain: Asked) -> Asked:
        """What is asked with these knobs: their template comes before the task's own."""
        own = Template(knobs.template) if knobs.template else plain.template
        return replace(plain, template=cls.make_template(own, knobs))

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

    @property
    def formula(self) -> str:
        """How many numbers are stored, as an expression; see `Cost`."""
        return "0"

    @classmethod
    def cost(cls, geometry: Geometry, **knobs: Any) -> Cost:
        """What the method trains and stores, counted on its own parameters, for two labels.

        Raises
        ------
        ValueError
            A knob that is unknown, out of its range, or asks for more than such a model has.
        """
        method = cls.sketch(geometry, **knobs)
        trained = method.parameters_now()
        method.drop_reparameterization()
        stored = sum(value.numel() for value in method.state_dict().values())
        return Cost(method.formula, trained, stored, stored / geometry.parameters)

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
            raise ValueError(stranger(what, self.geometry.name, self.fingerprint, lm))

    def generator(self) -> torch.Generator:
        """A fresh source of randomness that depends on nothing but the seed."""
        return torch.Generator().manual_seed(self.seed)


def check_backbone(lm: Any) -> None:
    arguments.instance("lm", lm, Backbone, "a backbone", "load one with prefixlab.load()")


def check_method(method: Any) -> None:
    remedy = "make one with create, or load one with load_method"
    arguments.instance("method", method, Method, "a Method", remedy)


def check_task(task: Any) -> None:
    remedy = "load one with tasks.load, or make one with Task.from_csv"
    arguments.instance("task", task, Task, "a Task", remedy)


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
