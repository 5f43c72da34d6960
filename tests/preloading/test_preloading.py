"""Programs that are forked from a process with the framework: as if each had imported it, and apart from each other."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lstm_verify import RandomInputs, preloading, processes, verify
from lstm_verify.golden import Evidence
from lstm_verify.processes import Child, Imports
from tests.command import FIXTURES

SLOW = "import time\ntime.sleep(0.3)\nstate = []\n"
PROGRAM = """
import json, os, sys
import slow
request = json.loads(sys.stdin.readline())
if "fail" in request:
    raise ValueError("what it is")
if "kill" in request:
    os.kill(os.getpid(), 9)
if "wait" in request:
    __import__("time").sleep(600)
slow.state.append(request["number"])
here = {"state": slow.state, "pid": os.getpid(), "group": os.getpgrp(), "session": os.getsid(0)}
here["arguments"] = sys.argv[1:]
here["environment"] = [os.environ.get(name) for name in ("OF_THE_PROGRAM", "OPENBLAS_NUM_THREADS")]
here["files"] = sorted(os.listdir("/proc/self/fd"), key=int)
print("printed")
os.write(request["replies"], json.dumps(here).encode() + b"\\n")
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A program that imports a slow module, which one process imports for all."""
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "program.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    preloading.enable()
    try:
        yield tmp_path / "program.py"
    finally:
        preloading.disable()


def child(program: Path, log: Path | None = None) -> Child:
    own = {"OF_THE_PROGRAM": "its own"}
    return Child(
        program, arguments=["one", "two"], environment=own, log=log or program.with_name("log"), imports=SLOWLY
    )


SLOWLY = Imports("slow")


def asked(one: Child, **request: Any) -> Any:
    one.ask({"number": 0, **request})
    return one.reply(time.monotonic() + 60)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def test_a_fork_is_a_program_like_any_other(program: Path) -> None:
    one = child(program)
    try:
        found = asked(one, number=1)
        assert found["pid"] == found["group"] == found["session"] == one.process.pid
        assert found["arguments"] == ["one", "two"]
        assert found["environment"] == ["its own", os.environ.get("OPENBLAS_NUM_THREADS")]
        assert one.process.wait(60) == 0
        assert one.log is not None
        assert one.log.read_text() == "printed\n"
    finally:
        one.stop()


def test_it_has_no_files_but_its_own(program: Path) -> None:
    """Standard streams, the pipe for replies, and the listing of files itself."""
    one = child(program)
    try:
        assert len(asked(one)["files"]) == 5
    finally:
        one.stop()


def test_nothing_passes_from_one_to_the_next(program: Path) -> None:
    for number in range(3):
        one = child(program)
        assert asked(one, number=number)["state"] == [number]
        one.stop()


def test_the_module_is_imported_once(program: Path) -> None:
    started = []
    for _ in range(4):
        begun = time.monotonic()
        one = child(program)
        asked(one)
        one.stop()
        started.append(time.monotonic() - begun)
    assert min(started[1:]) < 0.3 < started[0]


def test_one_that_dies_affects_no_other(program: Path) -> None:
    one, other = child(program), child(program, program.with_name("other"))
    try:
        one.ask({"number": 1, "kill": True})
        assert one.reply(time.monotonic() + 60) is None
        assert one.process.wait(60) == -signal.SIGKILL
        assert "was killed by SIGKILL" in one.ending("there")
        assert asked(other, number=2)["state"] == [2]
    finally:
        one.stop()
        other.stop()


def test_one_that_fails_says_how(program: Path) -> None:
    one = child(program)
    one.ask({"number": 1, "fail": True})
    assert one.process.wait(60) == 1
    assert one.ending("there") == "ended with code 1 there (ValueError: what it is)"
    one.stop()


def test_one_that_hangs_is_killed_with_what_it_started(program: Path) -> None:
    one = child(program)
    one.ask({"number": 1, "wait": True})
    with pytest.raises(TimeoutError):
        one.reply(time.monotonic() + 0.3)
    one.stop()
    assert not is_running(one.process.pid)


def test_one_ends_with_the_process_that_asked(program: Path) -> None:
    """As if that had been killed: its end of the connection is closed."""
    one = child(program)
    one.ask({"number": 1, "wait": True})
    one.process._server.close()  # type: ignore[attr-defined]
    until(lambda: not is_running(one.process.pid))
    one.stop()


def test_without_the_server_programs_start_by_themselves(program: Path) -> None:
    asked(first := child(program))
    first.stop()
    (servers,) = preloading._enabled.values()
    ((_, server),) = servers._servers.values()
    server.kill()
    server.wait()
    one = child(program)
    assert asked(one)["state"] == [0]
    one.stop()


@pytest.mark.parametrize(
    "text",
    [
        "raise ImportError",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
    ],
)
def test_what_cannot_be_forked_is_not(text: str, program: Path) -> None:
    """A module that is not there, and one whose threads a fork would not have."""
    program.with_name("slow.py").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        started: list[Any] = []
        patch.setattr(
            preloading.subprocess,
            "Popen",
            lambda *a, _real=preloading.subprocess.Popen, **o: started.append(a) or _real(*a, **o),
        )
        one = child(program)
        one.stop()
    assert len(started) == 2, "the server, and then the program itself"


def test_servers_leave_nothing_behind(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    one = child(program)
    asked(one)
    one.stop()
    (servers,) = preloading._enabled.values()
    pids = [server.pid for _, server in servers._servers.values()]
    preloading.disable()
    assert not any(is_running(pid) for pid in pids)
    assert list((tmp_path / "temporary").iterdir()) == []
    assert processes._start is None


MODELS = ["origin_tanh_sigmoid.keras3.h5", "stacked_gru.keras3.keras", "basic_lstm.tf1.pb"]
"""Two of them share a process that has imported Keras."""


@pytest.mark.framework
@pytest.mark.cold
def test_frameworks_predict_the_same_bytes_forked_or_not() -> None:
    def predicted(name: str) -> dict[str, bytes]:
        evidence = Evidence()
        verify(FIXTURES / name, RandomInputs(8), evidence=evidence, blind_spots=False)
        return {output: array.tobytes() for output, array in evidence.predicted.items()}

    alone = {name: predicted(name) for name in MODELS}
    assert all(alone.values())
    preloading.enable()
    try:
        forked = [{name: predicted(name) for name in order} for order in (MODELS, MODELS[1::-1])]
    finally:
        preloading.disable()
    assert forked[0] == alone
    assert all(alone[name] == found for name, found in forked[1].items())
