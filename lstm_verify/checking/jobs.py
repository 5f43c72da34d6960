"""Tasks done side by side, by anything that has the interface of `concurrent.futures.Executor`.

Outcomes come in the order of the tasks, whoever is done first. A process that ends under a task takes no other with it:
those that were under way are done once more, each alone, and only one that ends its process again is an error.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from math import inf
from multiprocessing.util import Finalize
from pathlib import Path
from typing import NoReturn

from lstm_verify import preloading
from lstm_verify.checking.run import Outcome, checked, failed
from lstm_verify.checking.task import Task

Executors = Callable[[int], AbstractContextManager[Executor]]
"""From a number of jobs to an executor that does so many at a time."""
AHEAD = 2
"""How many tasks are handed out for each job, so that the next is there when one is done."""
MEMINFO, CONTAINER = Path("/proc/meminfo"), Path("/sys/fs/cgroup")
"""Where Linux says how much memory there is."""
MEMORY_OF_A_JOB = 1.5e9
"""Bytes: for a process that replays, one that has imported a framework, and a fork of that."""
PATIENCE = 2.0
"""Seconds that a task which is told to end may take to end what it has started."""
Pair = tuple[Task, "Future[Outcome]"]


def outcomes(tasks: Iterable[Task], jobs: int, executors: Executors) -> Generator[Outcome, None, None]:
    """Do tasks, as many at a time as there are jobs, and yield their outcomes in order; closing it ends them all."""
    waiting = deque(tasks)
    while waiting:
        under_way = yield from _until_broken(waiting, jobs, executors)
        for task, future in under_way:
            yield _alone(task, future, executors)


def _until_broken(waiting: deque[Task], jobs: int, executors: Executors) -> Generator[Outcome, None, list[Pair]]:
    """Do tasks until none waits or a process ends; return those that were under way then, in order."""
    handed_out: deque[Pair] = deque()
    with executors(jobs) as executor:
        while waiting or handed_out:
            try:
                while waiting and len(_under_way(handed_out)) < AHEAD * jobs:
                    handed_out.append((waiting[0], executor.submit(done, waiting[0])))
                    waiting.popleft()
                task, future = handed_out[0]
                if not future.done():  # it holds up its own outcome, and no other task
                    wait(_under_way(handed_out), return_when=FIRST_COMPLETED)
                    continue
                outcome = _result(task, future)
            except BrokenExecutor:
                return [*handed_out]
            handed_out.popleft()
            yield outcome
    return []


def _under_way(handed_out: Iterable[Pair]) -> list[Future[Outcome]]:
    return [future for _, future in handed_out if not future.done()]


def _alone(task: Task, future: Future[Outcome], executors: Executors) -> Outcome:
    """The outcome of a task that was under way when a process ended: it may have been done, or have ended it."""
    if future.done() and not future.cancelled() and future.exception() is None:
        return future.result()
    with executors(1) as executor:
        try:
            return _result(task, executor.submit(done, task))
        except BrokenExecutor:
            return failed(task, "the process that checked it was killed, twice. Is there enough memory?")


def _result(task: Task, future: Future[Outcome]) -> Outcome:
    """Wait for an outcome.

    Raises:
        BrokenExecutor: a process has ended, under this task or another.
    """
    try:
        return future.result()
    except BrokenExecutor:
        raise
    except Exception as error:  # the outcome did not get here: nothing is known of the model
        return failed(task, f"{type(error).__name__}: {error}")


def done(task: Task) -> Outcome:
    """Do a task in a process that is there for many: frameworks are imported once, and forked from for each."""
    preloading.enable()
    try:
        return checked(task)
    except SystemExit as end:  # of `_prepare`; by now all that the task had started is ended
        preloading.disable()
        os._exit(end.code if isinstance(end.code, int) else 1)  # else the next task would begin


def usual_jobs() -> int:
    """Return how many jobs this machine has cores and memory for."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, int(min(_free_memory(), MEMORY_OF_A_JOB * cores) / MEMORY_OF_A_JOB)))


def _free_memory() -> float:
    """The bytes that may be taken, of the machine and of the container; infinite if that is not known."""
    free = _number(r"MemAvailable:\s+(\d+) kB", MEMINFO) * 1024
    left = _number(r"(\d+)", CONTAINER / "memory.max") - _number(r"(\d+)", CONTAINER / "memory.current", 0)
    return min(free, left)


def _number(pattern: str, file: Path, otherwise: float = inf) -> float:
    try:
        found = re.search(pattern, file.read_text())
    except OSError:
        return otherwise
    return float(found[1]) if found else otherwise


@contextmanager
def processes(jobs: int) -> Iterator[Executor]:
    """Processes of this machine, which end with the context; at once, with all they started, if it is left early."""
    others = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _prepare)
    with _interrupted_once():
        try:
            yield executor
        except BaseException:
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            executor.shutdown(wait=False, cancel_futures=True)
            raise
        executor.shutdown()


@contextmanager
def _interrupted_once() -> Iterator[None]:
    """Hear the first Ctrl-C and no other, which would interrupt what the first one has to end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> NoReturn:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


def _prepare() -> None:
    """Prepare a process: it ends when it is told to or its parent has ended, and leaves nothing behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears that too, and ends this process
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    Finalize(None, preloading.disable, exitpriority=1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    while True:  # the first ends a task that is under way, and the next the wait for another
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(PATIENCE)
