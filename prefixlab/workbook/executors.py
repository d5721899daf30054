"""Executors: who makes the runs of a recorder, processes of this machine or a Dask cluster.

Each is opened with the number of runs that it makes at a time.
"""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from threading import Thread

Opened = tuple[Executor, int]


@contextmanager
def processes(workers: int | None = None) -> Iterator[Opened]:
    """Processes, by default one a core, which end at once with an error or Ctrl-C.

    Raises
    ------
    BrokenExecutor
        One of them was killed, and the others with it.
    """
    workers = workers or os.cpu_count() or 1
    with ProcessPoolExecutor(workers, Silent(), initializer=end_with_parent) as executor:
        try:
            yield executor, workers
        except BaseException:
            for worker in active_children():  # or the executor would wait for their runs
                worker.kill()
            raise


class SilentProcess(SpawnProcess):
    """Where signals can wait, Ctrl-C waits until the process has begun: it imports for a second."""

    def start(self) -> None:
        if os.name == "nt":
            super().start()
            return
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # is handed down
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Silent(SpawnContext):
    Process = SilentProcess


def end_with_parent() -> None:
    """In a worker: end at Ctrl-C without a word, and when the process that started it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if os.name != "nt":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()


@contextmanager
def cluster(address: str, workers: int | None = None) -> Iterator[Opened]:
    """A Dask cluster, by default all its threads; it replaces workers that were killed by itself.

    Raises
    ------
    ValueError
        Dask is not installed, there is no scheduler or no worker, or they were lost.
    """
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise ValueError("A cluster needs Dask: pip install distributed.") from None
    try:
        client = Client(address)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"No Dask scheduler answers at {address!r} ({error}); start one with `dask scheduler`, "
            "and give the address that it prints."
        ) from None
    with client:
        workers = workers or sum(client.nthreads().values())
        if not workers:
            raise ValueError(
                f"The cluster at {address} has no workers yet; start some with `dask worker`, or "
                "say how many runs it is to make at a time."
            )
        executor = client.get_executor()
        try:
            yield executor, workers
        except CancelledError:
            raise ValueError(
                f"The cluster at {address} was lost; start again: what is recorded stays."
            ) from None
        except KilledWorker as error:
            raise ValueError(
                f"Workers were killed again and again at one run, perhaps for want of memory "
                f"({error}); start fewer on a machine."
            ) from None
        finally:
            executor.shutdown(wait=False)
