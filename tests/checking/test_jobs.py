"""Tasks side by side: in order, the same for any number of jobs, and none lost when a process ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from lstm_verify.checking import jobs
from lstm_verify.checking.jobs import outcomes, processes, usual_jobs
from lstm_verify.checking.run import Outcome, checked, failed
from lstm_verify.checking.task import Task
from tests.checking.tasks import NAMES, task, wrong

QUICK = [Task(f"task {number}", "", "") for number in range(9)]


def outcome_of(given: Task) -> Outcome:
    return failed(given, "only a test")


class Breaking(Executor):
    """Does tasks at once; one with a certain name ends the process, and with it all after the next."""

    def __init__(self, killers: set[str], done: list[str]) -> None:
        self.killers, self.done, self.ends_in = killers, done, 99

    def submit(self, fn: Any, /, given: Any, *more: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if given.name in self.killers:
            self.ends_in = min(self.ends_in, 1)
            future.set_exception(BrokenProcessPool("ended"))
        elif self.ends_in <= 0:
            future.set_exception(BrokenProcessPool("ended"))
        else:
            self.ends_in -= 1
            self.done.append(given.name)
            future.set_result(outcome_of(given))
        return future


@pytest.mark.parametrize(
    "killers", [set(), {"task 0"}, {"task 4"}, {"task 8"}, {"task 1", "task 2"}, {"task 0", "task 8"}]
)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_only_who_ends_its_process_is_lost(killers: set[str], count: int) -> None:
    done: list[str] = []

    @contextmanager
    def executors(_: int) -> Iterator[Executor]:
        yield Breaking(killers, done)

    found = list(outcomes(QUICK, count, executors))
    assert [outcome.name for outcome in found] == [given.name for given in QUICK]
    killed = {outcome.name for outcome in found if "was killed, twice" in outcome.cause}
    assert killed == killers
    assert all(outcome.verdict == "error" for outcome in found if outcome.name in killers)
    assert sorted(done) == sorted({given.name for given in QUICK} - killers), "and nothing is done twice"


def test_order_is_that_of_the_tasks_whoever_is_done_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow_first(given: Task) -> Outcome:
        time.sleep(0.1 if given.name.endswith(("0", "3")) else 0)
        return outcome_of(given)

    monkeypatch.setattr(jobs, "done", slow_first)

    @contextmanager
    def executors(count: int) -> Iterator[Executor]:
        with ThreadPoolExecutor(count) as executor:
            yield executor

    assert [outcome.name for outcome in outcomes(QUICK, 4, executors)] == [given.name for given in QUICK]


def test_a_slow_one_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first task ends only when the last one has."""
    last = threading.Event()

    def until_last(given: Task) -> Outcome:
        if given is QUICK[0]:
            assert last.wait(60)
        if given is QUICK[-1]:
            last.set()
        return outcome_of(given)

    monkeypatch.setattr(jobs, "done", until_last)

    @contextmanager
    def executors(count: int) -> Iterator[Executor]:
        with ThreadPoolExecutor(count) as executor:
            yield executor

    found = list(outcomes(QUICK, 2, executors))
    assert [(outcome.name, outcome.cause) for outcome in found] == [(given.name, "only a test") for given in QUICK]


def test_what_goes_wrong_on_the_way_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(given: Task) -> Outcome:
        raise RuntimeError("not to be sent")

    monkeypatch.setattr(jobs, "done", broken)

    @contextmanager
    def executors(count: int) -> Iterator[Executor]:
        with ThreadPoolExecutor(count) as executor:
            yield executor

    (outcome,) = outcomes(QUICK[:1], 1, executors)
    assert (outcome.verdict, outcome.exit_code, outcome.cause) == ("error", 2, "RuntimeError: not to be sent")


def test_any_number_of_jobs_gives_the_same(tmp_path: Path) -> None:
    (tmp_path / "bad.h5").write_bytes(b"nothing")
    given = [task(name) for name in NAMES]
    given.insert(1, task(expected=(("", str(wrong(tmp_path))),)))
    given.insert(3, Task("bad.h5", str(tmp_path / "bad.h5"), str(tmp_path)))
    one, three = ([json.dumps(outcome.to_dict()) for outcome in outcomes(given, count, processes)] for count in (1, 3))
    assert one == three == [json.dumps(checked(each).to_dict()) for each in given]


def test_a_killed_process_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second task kills its process, both times."""
    given = [task(), Task("killer", "", ""), task("stacked_gru")]
    monkeypatch.setenv("LSTM_VERIFY_TEST_KILLER", "killer")
    monkeypatch.setattr(jobs, "done", kill_or_do)
    found = list(outcomes(given, 2, processes))
    assert [outcome.verdict for outcome in found] == ["match", "error", "match"]
    assert "was killed, twice" in found[1].cause


def kill_or_do(given: Task) -> Outcome:
    if given.name == "killer":
        os.kill(os.getpid(), signal.SIGKILL)
    return checked(given)


SCRIPT = """
import os, signal, sys
from lstm_verify.checking import jobs
from tests.checking.test_jobs import QUICK, sleep

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # as the command does
    jobs.done = sleep
    list(jobs.outcomes(QUICK, 2, jobs.processes))
"""


def sleep(given: Task) -> Outcome:
    jobs.checked = nap  # in the process that does it
    return jobs.done(given)


def nap(given: Task) -> Outcome:
    Path(os.environ["NOTES"], str(os.getpid())).touch()
    time.sleep(600)
    return outcome_of(given)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_their_parent(number: int, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    notes = Path(tempfile.mkdtemp(dir=tmp_path))
    environment = {**os.environ, "NOTES": str(notes), "PYTHONPATH": os.pathsep.join([*sys.path])}
    parent = subprocess.Popen([sys.executable, str(script)], env=environment, stderr=subprocess.DEVNULL)
    try:
        until(lambda: len(list(notes.iterdir())) == 2)
        parent.send_signal(number)
        parent.wait(60)
        until(lambda: not any(Path("/proc", path.name).exists() for path in notes.iterdir()))
    finally:
        for path in (*notes.iterdir(), Path(str(parent.pid))):
            with suppress(ProcessLookupError):
                os.kill(int(path.name), signal.SIGKILL)
        parent.wait()


def until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("available", "most", "current", "wanted"),
    [
        (8_000_000, "max", 0, 5),
        (1000, "max", 0, 1),
        (10**9, "max", 0, 64),
        (10**9, str(5 * 10**9), 10**9, 2),
        (None, None, None, 64),
    ],
)
def test_as_many_jobs_as_fit(
    available: int | None,
    most: str | None,
    current: int | None,
    wanted: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if available is not None:
        (tmp_path / "meminfo").write_text(f"MemTotal:  9 kB\nMemFree:  1 kB\nMemAvailable:   {available} kB\n")
        (tmp_path / "memory.max").write_text(f"{most}\n")
        (tmp_path / "memory.current").write_text(f"{current}\n")
    monkeypatch.setattr(jobs, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(jobs, "CONTAINER", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    assert usual_jobs() == wanted
