"""Every part of `make test`, one after another, and how long each took on this machine.

python tests/all_parts.py PART…     where each PART is a target of the Makefile
"""

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

MAKE = os.environ.get("MAKE", "make")


def processor() -> str:
    """The processor's name, as the system tells it."""
    told = Path("/proc/cpuinfo")
    if told.exists():
        lines = told.read_text().splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        if names:
            return names[0]
    if sys.platform == "darwin":
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(asked, capture_output=True, text=True).stdout.strip()
    return platform.processor() or platform.machine()


def machine() -> str:
    """One line on what the lessons ran on, and in which precision."""
    import torch

    from prefixlab.models.loading import computes_bfloat16

    able = "computes bfloat16" if computes_bfloat16(torch.device("cpu")) else "has no bfloat16"
    chosen = os.environ.get("PREFIXLAB_DTYPE")
    forced = f", PREFIXLAB_DTYPE={chosen}" if chosen else ""
    return f"{processor()}, {os.cpu_count()} cores, {able}{forced}"


def timed(part: str) -> tuple[int, float]:
    """The exit status of `make PART`, and its seconds."""
    start = time.monotonic()
    status = subprocess.run([MAKE, "--no-print-directory", part]).returncode
    return status, time.monotonic() - start


def table(seconds: dict[str, float], failed: str | None) -> str:
    """Seconds for each part that ran, and together."""
    rows = [
        f"{part:<10} {took:>6,.0f} s{'   FAILED' if part == failed else ''}"
        for part, took in seconds.items()
    ]
    return "\n".join([*rows, f"{'together':<10} {sum(seconds.values()):>6,.0f} s"])


def main(parts: list[str]) -> int:
    seconds: dict[str, float] = {}
    status = 0
    for part in parts:
        status, seconds[part] = timed(part)
        if status:
            break
    print(f"\n== How long it took\n{machine()}")
    print(table(seconds, part if status else None), flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
