"""Recording: the runs that grids lack, made by any executor and added row by row.

    python -m prefixlab.workbook.recording prefix_tuning --workers 2

Stopped and started again it goes on where it was. A row is added by the process that asked for the
run, when the run is whole: a worker that is killed loses its own run and no other.
"""

import argparse
import json
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain, zip_longest
from math import ceil
from statistics import mean
from typing import NoReturn

from filelock import FileLock, Timeout

from prefixlab.arguments import one_of, whole_number
from prefixlab.models.loading import choose
from prefixlab.workbook import rows
from prefixlab.workbook.completeness import completeness
from prefixlab.workbook.duration import duration
from prefixlab.workbook.executors import Opened, cluster, processes
from prefixlab.workbook.grids import GRIDS, families
from prefixlab.workbook.measuring import measure
from prefixlab.workbook.protocol import Run, key_of
from prefixlab.workbook.records import called, path_of, rows_of

PROG = f"python -m {__spec__.name}"
LAST = 20  # rows whose mean time says how long the rest will take


@dataclass(frozen=True)
class Added:
    """A row that was added to a grid."""

    grid: str
    row: Run
    seconds: float  # since the run was asked for
    left: int  # runs that are still to be made, as far as can be told: a search may go on


class Sheet:
    """A grid and its rows on one backbone, which this process alone adds to."""

    def __init__(self, grid: str, backbone: str):
        self.grid, self.families = grid, families(grid)
        self.rows = rows_of(grid, backbone)

    def missing(self) -> list[Run]:
        """What is to be run next: a first run of each family, then a second of each, and so on."""
        done = {key_of(row) for row in self.rows}
        in_turn = zip_longest(*(family.asked(self.rows) for family in self.families))
        return [run for run in chain.from_iterable(in_turn) if run and key_of(run) not in done]

    def to_come(self) -> int:
        return sum(family.to_come(self.rows) for family in self.families)

    def add(self, row: Run) -> None:
        rows.append(path_of(self.grid), row)
        self.rows.append(row)


def record(
    grids: Sequence[str],
    executor: Executor,
    *,
    workers: int,
    backbone: str | None = None,
    most: int = sys.maxsize,
) -> Iterator[Added]:
    """Add to grids what they lack, so many runs at a time, and hand out every row that was added.

    `backbone` is a name or a folder that `load` takes, by default the one that it would choose.
    After `most` rows it stops; where a run fails too, as soon as the runs beside it are recorded.

    Raises
    ------
    ValueError
        No such grid, a damaged file, a grid that another process is recording; or why a run
        failed, which is named.
    BrokenExecutor
        A worker was killed, and the executor has no others.
    """
    asked = backbone or choose()[0]
    added, failed = 0, list[Exception]()
    at_work: dict[Future[Run], tuple[Sheet, Run, float]] = {}
    with ExitStack() as stack:
        for grid in grids:
            stack.enter_context(alone(grid))
        sheets = [Sheet(grid, called(asked)) for grid in grids]
        while True:
            busy = [(sheet, run) for sheet, run, _ in at_work.values()]
            missing = ((sheet, run) for sheet in sheets for run in sheet.missing())
            free = [each for each in missing if each not in busy]
            room = min(workers, most - added) - len(at_work)
            for sheet, run in [] if failed else free[:room]:
                try:
                    future = executor.submit(measure, run, asked)
                except BrokenExecutor as error:  # but what was made before is recorded
                    failed.append(error)
                    break
                at_work[future] = sheet, run, time.perf_counter()
            if not at_work:
                break
            news = []
            for future in wait(at_work, return_when=FIRST_COMPLETED).done:
                sheet, run, began = at_work.pop(future)
                try:
                    row = future.result()
                except Exception as error:
                    failed.append(named(run, error))
                    continue
                row |= {"command": command(sheet.grid, backbone)}
                sheet.add(row)
                news.append((sheet.grid, row, time.perf_counter() - began))
            del future  # a cluster keeps what is referred to, and makes it again where it is lost
            added += len(news)
            left = min(most - added, sum(sheet.to_come() for sheet in sheets))
            for grid, row, seconds in news:
                yield Added(grid, row, seconds, left)
    if failed:
        raise failed[0]


def named(run: Run, error: Exception) -> Exception:
    """The error, with the run that it is of, where it is a sentence for the user."""
    if isinstance(error, ValueError):
        return ValueError(f"{said(run)}: {error}")
    return error


def said(run: Run) -> str:
    rate = "" if run["rate"] is None else f", rate {run['rate']:g}"
    return f"{run['family']}{rate}, seed {run['seed']}"


def scored(row: Run) -> str:
    """How good a run is: where its answers are texts there is no accuracy."""
    if "greedy" in row:
        return f"BLEU {row['greedy']['bleu']:.1f}"
    return f"accuracy {row['accuracy']:.3f}"


def command(grid: str, backbone: str | None) -> str:
    return f"{PROG} {grid}" + (f" --backbone {backbone}" if backbone else "")


@contextmanager
def alone(grid: str) -> Iterator[None]:
    """Within this context no other process records a grid; if one does, it is a ValueError."""
    path = path_of(grid)
    lock = FileLock(path.with_name(f".{grid}.recorder.lock"))
    with rows.disk_errors(path.parent, rows.REMEDY):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise ValueError(
                f"{grid} is being recorded by another process; wait for it, or stop it."
            ) from None
    try:
        yield
    finally:
        lock.release()


class Progress:
    """Says of every row that it was added, and how long the rest will take; or prints the row."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json, self.added = as_json, 0
        self.seconds: deque[float] = deque(maxlen=LAST)

    def follow(self, recording: Iterator[Added], workers: int) -> None:
        for each in recording:
            self.added += 1
            self.seconds.append(each.seconds)
            print(
                json.dumps(asdict(each)) if self.as_json else self.line(each, workers), flush=True
            )

    def line(self, each: Added, workers: int) -> str:
        rounds = ceil(each.left / workers)
        return (
            f"{each.grid}: {said(each.row)}: {scored(each.row)}, loss {each.row['loss']:.3f}; "
            f"{self.added} added, about {each.left} left: "
            f"{duration(rounds * mean(self.seconds))}"
        )


def record_with(
    open_executor: Callable[[], AbstractContextManager[Opened]],
    grids: Sequence[str],
    backbone: str | None,
    most: int,
    as_json: bool = False,
) -> None:
    """Record, with a new executor where workers of the last one were killed."""
    progress = Progress(as_json)
    while True:
        before = progress.added
        try:
            with open_executor() as (executor, workers):
                left = most - before
                recording = record(grids, executor, workers=workers, backbone=backbone, most=left)
                progress.follow(recording, workers)
                return
        except BrokenExecutor:
            if progress.added == before:
                raise ValueError(
                    "Workers were killed before one had made a run, perhaps for want of memory; "
                    "take fewer of them."
                ) from None
            print("A worker was killed; what was at work begins again.", file=sys.stderr)


def check(grids: Sequence[str], backbone: str, as_json: bool = False) -> None:
    """Print what grids have and lack; leave with status 1 if there is a run to come."""
    found = [completeness(grid, backbone) for grid in grids]
    print(*((json.dumps(asdict(each)) for each in found) if as_json else found), sep="\n")
    if any(each.to_come for each in found):
        sys.exit(1)


class Parser(argparse.ArgumentParser):
    """What is wrong with the arguments is one sentence, as everywhere else, and the status is 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message[:1].upper()}{message[1:]}; {self.prog} --help lists them all.\n")


def parsed(given: Sequence[str], prog: str = PROG) -> argparse.Namespace:
    parser = Parser(
        prog=prog,
        description="Record the runs that grids lack; stopped and started again it goes on.",
    )
    known = f"some of {', '.join(GRIDS)}; all without any"
    parser.add_argument("grids", nargs="*", metavar="GRID", help=known)
    parser.add_argument("--workers", metavar="N", help="runs at a time; one a core without it")
    parser.add_argument("--backbone", help="a name or folder of another model, such as gpt2")
    parser.add_argument("--most", metavar="N", default=sys.maxsize, help="stop after so many rows")
    parser.add_argument("--check", action="store_true", help="say what is missing, and stop")
    parser.add_argument("--dask", metavar="ADDRESS", help="the scheduler of a Dask cluster")
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")
    asked = parser.parse_intermixed_args(given)
    asked.grids = list(dict.fromkeys(one_of("grid", grid, GRIDS) for grid in asked.grids or GRIDS))
    for name in ("workers", "most"):
        text = vars(asked)[name]
        if text is not None:
            with suppress(ValueError):
                text = int(text)
            setattr(asked, name, whole_number(f"--{name}", text, 1))
    return asked


def main(given: Sequence[str], prog: str = PROG) -> None:
    try:
        asked = parsed(given, prog)
        if asked.check:
            check(asked.grids, called(asked.backbone or choose()[0]), asked.json)
            return
        who = processes if asked.dask is None else partial(cluster, asked.dask)
        opened = partial(who, workers=asked.workers)
        record_with(opened, asked.grids, asked.backbone, asked.most, asked.json)
    except ValueError as error:  # says in one sentence what is wrong, and the remedy
        sys.exit(str(error))
    except KeyboardInterrupt:
        print("Interrupted: what is recorded stays; start again to go on.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1:])
