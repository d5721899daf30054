"""A call in a process of its own is cut when it takes too much, and leaves nothing behind."""

import operator
import os
import subprocess
import sys
import time

import psutil
import pytest

from prefixlab.workbook.marks.apart import Apart, Stopped


def allocated(size: int) -> int:
    return len(bytearray(size))


def started_another() -> int:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid


def test_what_a_function_returns_comes_back_and_what_it_prints_does_not(apart, capfd):
    assert apart.call(operator.add, [1], ["a"]) == [1, "a"]
    assert apart.call(print, "noise") is None
    assert capfd.readouterr() == ("", "")


def test_an_endless_call_is_stopped():
    with pytest.raises(Stopped, match=r"stopped after 0\.5 s: does every loop end"):
        Apart(seconds=0.5, gigabytes=1).call(time.sleep, 600)


@pytest.mark.parametrize("call", [(os._exit, 0), (operator.truediv, 1, 0), (object,)])
def test_a_process_that_ends_without_an_answer_is_told(apart, call):
    with pytest.raises(Stopped, match="ended without an answer"):
        apart.call(*call)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to a limit of memory")
def test_memory_has_a_limit():
    apart = Apart(seconds=60, gigabytes=1)
    assert apart.call(allocated, 10**8) == 10**8
    with pytest.raises(Stopped, match="ended without an answer"):
        apart.call(allocated, 2 * 10**9)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="there are no groups of processes")
def test_what_a_call_started_ends_with_it(apart):
    other = apart.call(started_another)
    deadline = time.monotonic() + 60
    while psutil.pid_exists(other) and psutil.Process(other).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)
