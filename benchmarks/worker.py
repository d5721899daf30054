"""A worker: one side of a row, in a process of its own, which works when it is told to.

What the work takes is counted by the system (Linux): seconds, and by how much the process's memory
at its peak is above what it has once the model is loaded.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.rows import ROWS
from benchmarks.setting import Setting, Work
from benchmarks.texts import Sizes

PROCESS = Path("/proc/self")


@dataclass(frozen=True)
class Taken:
    seconds: float
    megabytes: float


class Here:
    """Does the work in this process."""

    def __init__(self, make: Callable[[Setting], Work], at: Setting):
        self.work = make(at)
        self.before = memory("VmRSS")

    def take(self, part: int) -> Taken:
        ready = self.work(part)
        (PROCESS / "clear_refs").write_text("5")  # the peak begins anew
        began = time.perf_counter()
        ready()
        seconds = time.perf_counter() - began
        return Taken(seconds, memory("VmHWM") - self.before)

    def close(self) -> None:
        """Nothing is left to end."""


class Apart:
    """Lets another process do the work."""

    def __init__(self, row: str, side: str, at: Setting):
        asked = json.dumps({"row": row, "side": side, "at": asdict(at)})
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", asked],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.told()  # it is ready

    def take(self, part: int) -> Taken:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{part}\n")
        self.process.stdin.flush()
        return Taken(**self.told())

    def told(self) -> dict[str, float]:
        """What it says next; other lines are by whoever loads the model."""
        assert self.process.stdout is not None
        line = next(line for line in self.process.stdout if line.startswith("{"))
        return json.loads(line)

    def close(self) -> None:
        self.process.communicate()


def memory(kind: str) -> float:
    """The process's memory now (VmRSS) or at its peak (VmHWM), in megabytes."""
    lines = (PROCESS / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(kind)) / 1024


def main() -> None:
    asked = json.loads(sys.argv[1])
    at = Setting(**asked["at"] | {"sizes": Sizes(**asked["at"]["sizes"])})
    worker = Here(getattr(ROWS[asked["row"]], asked["side"]), at)
    print("{}", flush=True)
    for line in sys.stdin:
        print(json.dumps(asdict(worker.take(int(line)))), flush=True)


if __name__ == "__main__":
    main()
