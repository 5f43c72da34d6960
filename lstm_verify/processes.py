"""Child processes: what all of them have in common, whatever they do."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads its own session, and whatever it started, which may outlive it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        with suppress(OSError):
            if pipe is not None:
                pipe.close()


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


def last_words(said: bytes) -> str:
    """The last line of what a process printed, in brackets; empty if it said nothing.

    Example:
        >>> last_words(b"loading\\nout of memory\\n")
        ' (out of memory)'
    """
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    return f" ({lines[-1][:200]})" if lines else ""
