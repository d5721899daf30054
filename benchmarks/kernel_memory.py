"""How much memory a second kernel adds that runs the same model: what it shares with no other.

    python benchmarks/kernel_memory.py [name] [dtype ...]

Two processes load the model and read a text. The second one's private pages are counted by the
system (`smaps_rollup`, Linux), while the first one is still there: what both have mapped from a
file is not among them.
"""

import subprocess
import sys
from pathlib import Path

LIMIT = 400  # MB that a second kernel may add


def kernel(name: str, dtype: str) -> None:
    """What a cell does: load a model, ask it once; then tell, and wait until told to end."""
    import prefixlab as pl

    lm = pl.load(name, dtype=dtype, device="cpu")
    lm.next_tokens("The film was")
    print(f"private {private_megabytes()}", flush=True)
    sys.stdin.read()


def private_megabytes() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    pages = [int(line.split()[1]) for line in lines if line.startswith("Private_")]  # in kB
    return sum(pages) // 1024


def started(name: str, dtype: str) -> tuple[subprocess.Popen[str], int]:
    """A kernel that has read its text, and its private megabytes."""
    process = subprocess.Popen(
        [sys.executable, __file__, "kernel", name, dtype],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    told = next(line for line in process.stdout if line.startswith("private"))
    return process, int(told.split()[1])


def main(name: str = "smollm2", *dtypes: str) -> None:
    for dtype in dtypes or ("float32", "bfloat16"):
        first, _ = started(name, dtype)
        second, private = started(name, dtype)
        for process in (first, second):
            process.communicate()
        verdict = "within" if private < LIMIT else "over"
        print(f"{name} in {dtype}: a second kernel adds {private} MB, {verdict} {LIMIT} MB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["kernel"]:
        kernel(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
