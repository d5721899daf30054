"""Interrupt: the kernel's Interrupt stops what a button began, too.

While no cell is running, ipykernel ignores the signal that Interrupt sends (SIGINT), and the work
of a panel would go on without a word. While one is running, the signal is the cell's.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from IPython import get_ipython

stops: list[Callable[[], None]] = []  # of all that is going on


@contextmanager
def on_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """Within this context Interrupt calls `stop`, in the kernel's own thread."""
    stops.append(stop)
    listen()
    try:
        yield
    finally:
        stops.remove(stop)


def listen() -> None:
    """See to it that an Interrupt is heard; a cell that has ended may have undone that."""
    if kernel := getattr(get_ipython(), "kernel", None):
        if threading.current_thread() is threading.main_thread():
            take_over(kernel)
        else:  # JupyterLab has a thread for the callbacks of widgets; signals have the main one
            kernel.io_loop.add_callback(take_over, kernel)


def take_over(kernel: Any) -> None:
    """Handle what ipykernel would ignore."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        loop = kernel.io_loop.asyncio_loop
        # As from another thread: that wakes a loop that waits.
        signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(stop_all))


def stop_all() -> None:
    for stop in tuple(stops):
        stop()
