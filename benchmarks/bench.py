"""The bench: this package against PEFT on the same texts, in turn, in one run (`make bench`).

    python -m benchmarks.bench           measures, and writes benchmarks/RESULTS.md (Linux)
    python -m benchmarks.bench --quick   does everything once, on a handful of texts, and prints it

Each row is measured in pairs: both sides do a part of the texts, one after the other, and the side
that begins changes from pair to pair, so that whatever slows the machine down slows both.
"""

import sys
from pathlib import Path

import torch

from benchmarks import alone, limits, multiplication, report
from benchmarks.rows import ROWS
from benchmarks.setting import Setting
from benchmarks.texts import FULL, QUICK
from benchmarks.worker import Apart, Here, Taken
from prefixlab.models.loading import computes_bfloat16

RESULTS = Path(__file__).with_name("RESULTS.md")
Pairs = list[tuple[Taken, Taken]]  # ours, and the other side's


def pairs(name: str, at: Setting, *, apart: bool) -> Pairs:
    """What both sides take for each part of a row."""
    row = ROWS[name]
    sides = [
        Apart(name, side, at) if apart else Here(getattr(row, side), at)
        for side in ("ours", "other")
    ]
    found = []
    for part in range(at.sizes.parts):
        order = sides if part % 2 == 0 else sides[::-1]
        taken = {side: side.take(part) for side in order}
        found.append((taken[sides[0]], taken[sides[1]]))
    for side in sides:
        side.close()
    return found


def compared(at: Setting, *, apart: bool) -> str:
    """The table of all rows in one precision."""
    found = {}
    for name in ROWS:
        found[name] = pairs(name, at, apart=apart)
        print(f"{at.dtype}: {name}", file=sys.stderr)
    return report.comparison(at, found)


def main(*, quick: bool = False, backbone: str = "smollm2") -> str:
    sizes = QUICK if quick else FULL
    fast = computes_bfloat16(torch.device("cpu"))
    settings = [
        Setting(backbone, dtype, sizes)
        for dtype in ("float32", *(("bfloat16",) if fast and not quick else ()))
    ]
    exact = settings[0]
    parts = [report.head(exact)]
    parts += [compared(at, apart=not quick) for at in settings]
    for at in settings:
        parts.append(report.alone(at, alone.lengths(at), multiplication.shares(at)))
    for at in settings:
        found = limits.writing(at), limits.asking(at), limits.training(at)
        parts.append(report.limits(at, *found))
    parts.append(report.learner(alone.learner(exact, None), alone.learner(exact, 12)))
    if not quick:
        for at in settings:
            parts.append(report.started(at, alone.start(at), alone.second_kernel(at)))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    if "--quick" in sys.argv:
        print(main(quick=True))
    else:
        RESULTS.write_text(main(), encoding="utf-8")
        print(f"Written: {RESULTS}")
