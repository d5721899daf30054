"""What was tried in this notebook: panels that measure add a result, the comparison shows all.

The list lives as long as the kernel. Recorded runs are results too, see `comparison`.
"""

from dataclasses import dataclass
from typing import Any

from traitlets import HasTraits, Tuple

from prefixlab.methods import METHODS
from prefixlab.models.geometry import Geometry
from prefixlab.workbook.language import gettext_noop


@dataclass(frozen=True)
class Result:
    """One way of steering, and what came out of it.

    `seconds` are those of preparing and training: in this kernel of the processor, of all threads
    together; of recorded runs on the clock, with one thread. `runs` is how many seeds the figures
    are the mean of. A recorded result has the name of its family, its rate, and the 95% interval of
    its accuracy over seeds and sentences. `comparable` is what was measured with the template and
    on the sentences of the recorded runs; what was not has no place beside them.
    """

    method: str
    knobs: dict[str, Any]
    accuracy: float
    loss: float
    trained: int  # parameters while training
    stored: int  # bytes afterwards
    seconds: float
    source: str  # "yours", or "recorded on …"
    runs: int = 1
    interval: tuple[float, float] | None = None
    family: str = ""
    rate: float | None = None
    comparable: bool = True

    @classmethod
    def of(
        cls,
        geometry: Geometry,
        method: str,
        knobs: dict[str, Any],
        source: str = gettext_noop("yours"),
        **measured: Any,
    ) -> "Result":
        """A result whose parameters and bytes follow from the method and its knobs.

        `knobs` may say more than the method's own, such as which examples were drawn; `measured`
        is all that else is known of it.
        """
        kind = METHODS[method]
        own = {field.name for field in kind.Knobs.declared()} & knobs.keys()
        cost = kind.cost(geometry, **{name: knobs[name] for name in own})
        measured |= {"trained": cost.trained, "stored": cost.stored_bytes}
        return cls(method, knobs, source=source, **measured)


class Tried(HasTraits):
    """The results of this kernel, newest last; watch `results` to follow it."""

    results = Tuple()

    def add(self, result: Result) -> None:
        self.results = (*self.results, result)


tried = Tried()
