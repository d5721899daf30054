"""What requirements ask for, what that asks for, and so on, as it is installed here."""

from collections.abc import Iterable
from importlib.metadata import Distribution, distribution

from packaging.requirements import Requirement


def closure(requirements: Iterable[str]) -> list[Distribution]:
    found: dict[tuple[str, str], Distribution] = {}  # by name and extra
    wanted = applying(requirements)
    while wanted:
        line = wanted.pop()
        for extra in {"", *line.extras}:
            if (line.name, extra) not in found:
                package = found[line.name, extra] = distribution(line.name)
                wanted += applying(package.requires or [], extra)
    return list(found.values())


def applying(requirements: Iterable[str], extra: str = "") -> list[Requirement]:
    """Those that count on this platform and with this extra; "" is without any."""
    lines = map(Requirement, requirements)
    return [line for line in lines if not line.marker or line.marker.evaluate({"extra": extra})]
