"""Run lessons from a clean kernel and store them with what they print, and nothing else.

`python tests/notebooks/store.py` runs all lessons, `… 03 04` those. A lesson with a fault stays
as it was on disk.
"""

import re
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode

from prefixlab.files import written_whole

FOLDER = Path(__file__).parents[2] / "notebooks"
LARGEST = 1_500_000  # bytes
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
# An absolute path: where the learner's own files lie is no part of a lesson.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|home|tmp|work|Users|opt|usr|var|mnt|private)/[\w.]+")


def lessons() -> list[Path]:
    """The lessons in their order."""
    return sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))


def code_cells(lesson: NotebookNode) -> list[NotebookNode]:
    """The code cells that have code."""
    return [cell for cell in lesson.cells if cell.cell_type == "code" and cell.source.strip()]


def run(lesson: NotebookNode) -> list[tuple[float, int]]:
    """Run all cells in place; the seconds and the number of each cell that ran."""
    started: dict[int, float] = {}
    took: list[tuple[float, int]] = []

    def start(cell_index: int, **_: Any) -> None:
        started[cell_index] = time.perf_counter()

    def stop(cell_index: int, **_: Any) -> None:
        took.append((time.perf_counter() - started[cell_index], cell_index))

    NotebookClient(
        lesson,
        timeout=900,  # seconds for a cell: a busy machine is slow
        kernel_name="python3",
        resources={"metadata": {"path": str(FOLDER)}},  # the folder that Jupyter runs it in
        record_timing=False,
        store_widget_state=False,
        extra_arguments=["--log-level=ERROR"],
        coalesce_streams=True,
        on_cell_execute=start,
        on_cell_executed=stop,
    ).execute()
    return took


def clean(lesson: NotebookNode) -> None:
    """Leave out what differs from run to run or from machine to machine."""
    lesson.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in lesson.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            # On the error stream are progress bars and warnings.
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]


def faults(lesson: NotebookNode) -> list[str]:
    """What makes a lesson unfit to be stored, in words; empty for a good one."""
    found = []
    if "widgets" in lesson.metadata:
        found.append("its metadata hold the state of widgets")
    if len(nbformat.writes(lesson).encode()) > LARGEST:
        found.append(f"it is larger than {LARGEST / 1e6} MB")
    for cell in code_cells(lesson):
        where = f"the cell {cell.source.strip().splitlines()[0]!r}"
        if cell.execution_count is None:
            found.append(f"{where} was not run")
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"{where} ends with {output.ename}: {output.evalue}")
            elif path := MACHINE_PATH.search(readable(output)):
                found.append(f"{where} shows the path {path[0]}")
    return found


def readable(output: NotebookNode) -> str:
    """All the text of an output; images are not text."""
    data = output.get("data", {"text/plain": output.get("text", "")})
    return "\n".join(str(value) for kind, value in data.items() if not kind.startswith("image/"))


def write(lesson: NotebookNode, path: Path) -> None:
    """Whole or not at all."""
    with written_whole(path) as fresh:
        fresh.write_text(nbformat.writes(lesson) + "\n", encoding="utf-8")


def store(path: Path) -> list[str]:
    """Run one lesson and store it; its faults, in which case nothing was written."""
    lesson = nbformat.read(path, as_version=4)
    try:
        took = run(lesson)
    except (CellExecutionError, CellTimeoutError) as error:
        return [str(error)]
    clean(lesson)
    if found := faults(lesson):
        return found
    write(lesson, path)
    slowest, index = max(took, default=(0.0, 0))
    line = lesson.cells[index].source.strip().splitlines()[0]
    total = sum(seconds for seconds, _ in took)
    print(f"{path.stem}: {total:.0f} s, of which {slowest:.0f} s in {line!r}", flush=True)
    return []


def main(numbers: list[str]) -> None:
    by_number = {path.name[:2]: path for path in lessons()}
    if unknown := [number for number in numbers if number not in by_number]:
        sys.exit(f"No lesson {' or '.join(unknown)}; there are {', '.join(by_number) or 'none'}.")
    broken = False
    for number in numbers or by_number:
        path = by_number[number]
        for fault in store(path):
            broken = True
            print(f"{path.stem} is not stored: {fault}", file=sys.stderr, flush=True)
    sys.exit(broken)


if __name__ == "__main__":
    main(sys.argv[1:])
