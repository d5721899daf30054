"""Cost: how many numbers a method trains and stores, and the formula that says how many."""

from dataclasses import dataclass


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
