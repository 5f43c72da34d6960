"""Child processes: programs that take JSON requests and send JSON replies, with a deadline.

The program has a session of its own, so that whatever it starts ends with it. Requests are lines on its standard input.
Replies are lines on a pipe of their own, whose number every request has as `replies`: nothing that a library prints can
disturb them. Large results are files, in a directory that the request names.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Any

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3"}
LONGEST_WAIT = 1e6
"""Seconds; the system counts no further."""


@dataclass(frozen=True)
class Imports:
    """What a program is going to import, and may be forked from a process that has done so."""

    module: str
    environment: Mapping[str, str] = field(default_factory=dict)
    """What the module must find in its environment."""


_start: Callable[..., Any] | None = None


def start_by(start: Callable[..., Any] | None) -> None:
    """Start programs that say what they import by a function: `start(imports, command, **options)`, for `Popen`."""
    global _start
    _start = start


class Child:
    """A program that runs in a process of its own.

    Args:
        program: a Python file; its folder is not on the import path.
        options: of the Python interpreter.
        arguments: of the program.
        environment: variables besides those of this process.
        log: a file for what it prints; None drops that.
        imports: what it is going to import, if that takes long.
    """

    def __init__(
        self,
        program: Path,
        options: Sequence[str] = ("-P",),
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
        imports: Imports | None = None,
    ) -> None:
        read_end, self._number = os.pipe()
        self._replies, self._received = FileIO(read_end), b""
        self.log = log
        with open(log or os.devnull, "wb") as printed:
            start = subprocess.Popen if _start is None or imports is None else partial(_start, imports)
            self.process = start(
                [sys.executable, *options, str(program), *arguments],
                stdin=subprocess.PIPE,
                stdout=printed,
                stderr=printed,
                pass_fds=[self._number],
                start_new_session=True,
                env={**os.environ, **QUIET, **(environment or {})},
            )
        os.close(self._number)

    def ask(self, request: Mapping[str, Any], last: bool = True) -> None:
        """Send a request; a process that has ended will not reply.

        Args:
            request: what the program is to do.
            last: whether no more requests follow.
        """
        assert self.process.stdin
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps({**request, "replies": self._number}).encode() + b"\n")
            self.process.stdin.flush()
            if last:
                self.process.stdin.close()

    def reply(self, deadline: float) -> Any:
        """Wait for the next reply.

        Args:
            deadline: when to give up, as `time.monotonic` counts.

        Returns:
            What the program sent; None if it has ended and sent no more.

        Raises:
            TimeoutError: there was none in time.
            ValueError: it is not JSON.
        """
        with selectors.DefaultSelector() as ready:
            ready.register(self._replies, selectors.EVENT_READ)
            while b"\n" not in self._received:
                if not ready.select(min(max(deadline - time.monotonic(), 0.0), LONGEST_WAIT)):
                    raise TimeoutError
                received = self._replies.read(2**16)
                if not received:
                    break
                self._received += received
        line, _, self._received = self._received.partition(b"\n")
        return json.loads(line.decode(errors="replace")) if line else None

    def ending(self, when: str) -> str:
        """How the process ended, and when, with the last line that it printed; for one that was killed or stopped."""
        printed = self.log.read_bytes() if self.log else b""
        return f"{ending(self.process.returncode)} {when}{last_line(printed)}"

    def kill(self) -> None:
        """End the process and whatever it started, which may outlive it; its replies can still be read."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End the process and whatever it started, and close all pipes."""
        self.kill()
        self._replies.close()
        with suppress(OSError):
            if self.process.stdin:
                self.process.stdin.close()


def signal_name(number: int) -> str:
    """The name of a signal, such as `SIGKILL`."""
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def ending(code: int) -> str:
    """How a process ended, in words.

    Example:
        >>> ending(-9), ending(1)
        ('was killed by SIGKILL', 'ended with code 1')
    """
    return f"was killed by {signal_name(-code)}" if code < 0 else f"ended with code {code}"


def last_line(printed: bytes) -> str:
    """The last line of what a process printed, in brackets; empty if it printed nothing.

    Example:
        >>> last_line(b"loading\\nout of memory\\n")
        ' (out of memory)'
    """
    lines = [line.strip() for line in printed.decode(errors="replace").splitlines() if line.strip()]
    return f" ({lines[-1][:200]})" if lines else ""
