"""Child processes: what is asked gets a reply, and every other way in which they can end has a reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lstm_verify import ModelFileError
from lstm_verify.formats.tensorflow import reader
from lstm_verify.processes import Child

ECHO = """
import json, os, sys, time
for line in sys.stdin:
    request = json.loads(line)
    reply = lambda text: os.write(request["replies"], text.encode())
    {}
"""
LONG = 60.0
"""Seconds; a busy machine takes less, and only a test that fails waits so long."""


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Callable[[str], Child]]:
    """Start a program that does something with each `request`."""
    started: list[Child] = []

    def start(action: str) -> Child:
        program, log = tmp_path / "program.py", tmp_path / "log.txt"
        program.write_text(ECHO.format(action))
        started.append(Child(program, options=("-S", "-P"), log=log))
        return started[-1]

    yield start
    for one in started:
        one.stop()
        assert one.process.returncode is not None


def in_time() -> float:
    return time.monotonic() + LONG


def test_each_request_gets_its_reply(child: Callable[[str], Child]) -> None:
    one = child("print('noise'); reply(json.dumps(request['n'] + 1) + chr(10))")
    for number in range(3):
        one.ask({"n": number}, last=False)
        assert one.reply(in_time()) == number + 1


def test_replies_that_come_together_are_read_one_by_one(child: Callable[[str], Child]) -> None:
    one = child("reply(f'1 {chr(10)} 2 {chr(10)}' + json.dumps('3' * 100_000))")
    one.ask({})
    assert [one.reply(in_time()) for _ in range(4)] == [1, 2, "3" * 100_000, None]


def test_a_request_after_the_end_is_no_error(child: Callable[[str], Child]) -> None:
    one = child("sys.exit('out of memory')")
    one.ask({}, last=False)
    assert one.reply(in_time()) is None
    one.process.wait(LONG)
    one.ask({})
    assert one.reply(in_time()) is None
    one.kill()
    assert one.ending("while it ran") == "ended with code 1 while it ran (out of memory)"


def test_no_reply_in_time(child: Callable[[str], Child]) -> None:
    one = child("reply('1'); time.sleep(600)")
    one.ask({})
    with pytest.raises(TimeoutError):
        one.reply(time.monotonic() + 0.5)
    one.kill()
    assert one.ending("in its sleep") == "was killed by SIGKILL in its sleep"


def test_a_reply_that_is_not_json(child: Callable[[str], Child]) -> None:
    one = child("reply('hello' + chr(10))")
    one.ask({})
    with pytest.raises(ValueError, match="Expecting value"):
        one.reply(in_time())


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import os; os.kill(os.getpid(), 11)", r"^TensorFlow was killed by SIGSEGV while reading it\. Was it"),
        ("raise SystemExit('no space')", r"^TensorFlow ended with code 1 while reading it \(no space\)\. Was it"),
        ("import time; time.sleep(600)", r"^TensorFlow did not finish reading it in 0 s\. Was it copied completely\?$"),
    ],
)
def test_a_reader_of_graphs_that_ends_early(
    program: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fake one; the real one takes seconds to start, and to end it so takes luck."""
    (tmp_path / "child.py").write_text(program)
    monkeypatch.setattr(reader, "CHILD", tmp_path / "child.py")
    monkeypatch.setattr(reader, "SECONDS", 0.4 if "sleep" in program else LONG)
    with pytest.raises(ModelFileError, match=words):
        reader.read_graph(tmp_path)
