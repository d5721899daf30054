"""The command: marks as CSV on the standard output, what they sum up to on the error stream."""

import argparse
import csv
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path
from pkgutil import iter_modules

from prefixlab.workbook import checks
from prefixlab.workbook.marks import marking
from prefixlab.workbook.marks.apart import Apart

SECONDS, GIGABYTES = 60, 4  # that an answer may take


def notebooks_in(folder: Path) -> tuple[list[Path], list[OSError]]:
    """Those in the folder and below, in order, and which folders cannot be read.

    In hidden folders lie checkpoints and the like.
    """
    found: list[Path] = []
    closed: list[OSError] = []
    for place, folders, files in os.walk(folder, onerror=closed.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in files if name.endswith(".ipynb")]
    return sorted(found), closed


def counted(results: Counter[str]) -> str:
    """ "3 of 5 passed, 1 not yet, 1 not tried"."""
    others = [f"{results[one]} {one}" for one in ("not yet", "not tried", "error") if results[one]]
    return ", ".join([f"{results['passed']} of {results.total()} passed", *others])


def main(given: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m prefixlab.workbook.marks",
        description="Say which checks pass in learners' notebooks, as CSV. What they wrote is run: "
        f"each answer for at most {SECONDS} s, with at most {GIGABYTES} GB, and in no sandbox.",
    )
    parser.add_argument("folder", type=Path, help="the notebooks, or folders of learners with them")
    folder = parser.parse_args(given).folder
    notebooks, closed = notebooks_in(folder)
    for error in closed:
        print(f"{error.filename} cannot be read: {error.strerror}.", file=sys.stderr)
    if not notebooks:
        sys.exit(f"There is no notebook in {folder}; name the folder with the learners' copies.")
    lessons = [f"{checks.__name__}.{one.name}" for one in iter_modules(checks.__path__)]
    apart = Apart(SECONDS, GIGABYTES, [marking.__name__, *lessons])
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(field.name for field in fields(marking.Mark))
    results: Counter[str] = Counter()
    for notebook in notebooks:
        began = time.perf_counter()
        marks = marking.marks_of(folder, notebook, apart)
        table.writerows(astuple(mark) for mark in marks)
        sys.stdout.flush()
        if marks:
            here = Counter(mark.result for mark in marks)
            took = time.perf_counter() - began
            print(f"{marks[0].notebook}: {counted(here)} ({took:.1f} s)", file=sys.stderr)
            results += here
    print(f"In all: {counted(results)}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
