"""A class on one machine: kernels that load a model and train a prompt, all at the same time.

    python benchmarks/class_load.py [kernels] [name] [dtype]

Each kernel does with one thread what lesson 03 does: import, load, task, some steps. First one
alone, then all at once. Printed is what each student waits, from the start of the kernel on: until
the first step is done, and for every step after it; and how many seconds of a core a step takes,
which shows on a busy machine what the wait is made of. Memory is the peak of PSS (Linux), sampled
about once a second: a page that several kernels have mapped from one file counts once, in parts.
"""

import os
import re
import statistics
import sys
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from queue import Empty

import psutil
from jupyter_client import KernelManager

STEPS, BATCH = 9, 8
CELL = """
import time
import prefixlab as pl
lm = pl.load({name!r}, dtype={dtype!r}, device="cpu")
task = pl.tasks.load("movie_reviews", train=128, test=2, words=12, seed=0)
prompt = pl.PromptTuning(lm, task, prompt_length=10)
for step in pl.train(lm, prompt, task, steps={steps}, batch_size={batch}):
    print("step", time.process_time(), flush=True)
"""


@dataclass
class Student:
    """A kernel: when its steps were done, in seconds since its start and in those of a core."""

    pid: int = 0
    done: list[float] = field(default_factory=list)
    core: list[float] = field(default_factory=list)
    fault: str = ""
    peak: float = 0.0  # MB

    def run(self, cell: str) -> None:
        began = time.perf_counter()
        manager = KernelManager(kernel_name="python3")
        one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
        manager.start_kernel(env=one_thread, extra_arguments=["--log-level=ERROR"])
        self.pid = manager.provisioner.pid
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=600)
            asked = client.execute(cell)
            while not self.fault:
                try:
                    message = client.get_iopub_msg(timeout=1)
                except Empty:
                    if not manager.is_alive():
                        self.fault = "died"
                    continue
                content = message["content"]
                if message["parent_header"].get("msg_id") != asked:
                    continue
                if message["msg_type"] == "stream":
                    steps = re.findall(r"^step (.*)", content["text"], re.MULTILINE)
                    self.core += map(float, steps)
                    self.done += [time.perf_counter() - began] * len(steps)
                elif message["msg_type"] == "error":
                    self.fault = f"{content['ename']}: {content['evalue']}"
                elif content.get("execution_state") == "idle":
                    break
        except RuntimeError as error:  # died before it was ready
            self.fault = str(error)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def at_once(kernels: int, cell: str) -> tuple[list[Student], float]:
    """So many students at the same time, and the most megabytes that all took together."""
    students = [Student() for _ in range(kernels)]
    threads = [threading.Thread(target=student.run, args=(cell,)) for student in students]
    for thread in threads:
        thread.start()
    together = 0.0
    while any(thread.is_alive() for thread in threads):
        sizes = [megabytes(student.pid) for student in students]
        for student, size in zip(students, sizes, strict=True):
            student.peak = max(student.peak, size)
        together = max(together, sum(sizes))
        time.sleep(1)
    return students, together


def megabytes(pid: int) -> float:
    """The proportional set size of a process; 0 before it is there, and after its end."""
    try:
        return psutil.Process(pid).memory_full_info().pss / 1e6 if pid else 0.0
    except psutil.Error:
        return 0.0


def between(times: list[float]) -> float:
    """The median of what lies between two steps."""
    return statistics.median(later - time for time, later in pairwise(times))


def told(student: Student, alone: Student) -> str:
    if student.fault:
        return student.fault
    step, ratio = between(student.done), between(student.done) / between(alone.done)
    return (
        f"{student.done[0]:7.1f} s ({student.core[0]:5.1f})"
        f"{step:9.2f} s ({between(student.core):5.2f}), {ratio:4.1f} × alone"
        f"{student.peak:7.0f} MB"
    )


def main(kernels: str = "10", name: str = "smollm2", dtype: str = "auto") -> None:
    cell = CELL.format(name=name, dtype=dtype, steps=STEPS, batch=BATCH)
    (alone,), _ = at_once(1, cell)
    if alone.fault:
        sys.exit(f"A kernel alone does not do it: {alone.fault}")
    students, together = at_once(int(kernels), cell)
    print(f"{name}, {dtype}; {os.cpu_count()} cores; {STEPS} steps of {BATCH} sentences")
    print("  kernel  first step (core)    every other (core)              memory")
    print(f"   alone {told(alone, alone)}")
    for number, student in enumerate(students, 1):
        print(f"{number:8} {told(student, alone)}")
    lived = sum(not student.fault for student in students)
    print(f"{lived} of {kernels} lived; together they took {together:.0f} MB at most")
    sys.exit(lived < len(students))


if __name__ == "__main__":
    main(*sys.argv[1:])
