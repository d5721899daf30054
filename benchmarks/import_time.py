"""How long `import prefixlab` takes beside `import torch`, in fresh processes, in seconds.

python benchmarks/import_time.py
"""

import statistics
import subprocess
import sys

LIMIT = 0.6  # seconds that `import prefixlab` may take beside torch
ROUNDS = 5
ASKED = {
    "torch": "import torch",
    "torch and prefixlab": "import torch, prefixlab",
    "torch and all that lessons use": "import torch, prefixlab; prefixlab.load, prefixlab.train",
}


def seconds(statement: str) -> float:
    timed = (
        f"import time; began = time.perf_counter(); {statement}; print(time.perf_counter() - began)"
    )
    done = subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    # In turns, so that whatever slows the machine down slows all of them.
    rounds = [
        {name: seconds(statement) for name, statement in ASKED.items()} for _ in range(ROUNDS)
    ]
    found = {name: statistics.median(each[name] for each in rounds) for name in ASKED}
    for name, median in found.items():
        print(f"{name:32} {median:5.2f} s")
    more = found["torch and prefixlab"] - found["torch"]
    print(f"prefixlab adds {more:.2f} s; the limit is {LIMIT} s")
    sys.exit(more > LIMIT)


if __name__ == "__main__":
    main()
