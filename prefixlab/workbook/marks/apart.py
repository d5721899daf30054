"""Apart: a call in a process of its own, with a limit of time and one of memory.

An endless loop, a list without end and `exit()` stop that process and no other. It is no sandbox:
the code that is called may do whatever the user who runs it may.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection
from typing import Any

from prefixlab.workbook.executors import end_with_parent

LONGEST = 100_000  # bytes of what comes back


class Stopped(RuntimeError):
    """A call that gave nothing back, and why, in words."""


class Apart:
    """Where calls are made: `modules` are imported once, before the first call of all.

    Where processes can be forked, a call starts in some milliseconds; on Windows it imports anew.
    """

    def __init__(self, seconds: float, gigabytes: float, modules: Sequence[str] = ()):
        self.seconds, self.gigabytes = seconds, gigabytes
        method = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
        self.context: Any = get_context(method)
        # A pool of threads that was begun before a fork would be missing in the child.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        if modules:
            self.context.set_forkserver_preload(list(modules))

    def call(self, function: Callable[..., Any], *given: Any) -> Any:
        """What the function returns, which is JSON.

        Raises
        ------
        Stopped
            It took too long, or its process ended without an answer.
        """
        receiving, sending = self.context.Pipe(duplex=False)
        process = self.context.Process(
            target=answer, args=(sending, self.gigabytes, function, given)
        )
        process.start()
        sending.close()
        try:
            if not receiving.poll(self.seconds):
                raise Stopped(f"it was stopped after {self.seconds:g} s: does every loop end?")
            return json.loads(receiving.recv_bytes(LONGEST))
        except (EOFError, OSError, ValueError, RecursionError):
            raise Stopped("its process ended without an answer") from None
        finally:
            end(process)
            receiving.close()


def answer(
    sending: Connection, gigabytes: float, function: Callable[..., Any], given: tuple[Any, ...]
) -> None:
    """In the process: call the function; what it prints goes nowhere."""
    if hasattr(os, "setsid"):
        os.setsid()  # what it starts ends with it
    end_with_parent()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    limit_memory(gigabytes)
    sending.send_bytes(json.dumps(function(*given)).encode())


def limit_memory(gigabytes: float) -> None:
    """Linux keeps to it; elsewhere there is no such limit."""
    if sys.platform == "linux":
        import resource

        most = int(gigabytes * 1e9)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def end(process: Any) -> None:
    """Kill a process, and all that it started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()
