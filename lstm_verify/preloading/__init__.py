"""Frameworks that are imported once for many models: a process that has imported one forks for each program.

Importing TensorFlow takes longer than most models. Every model still gets a process of its own, forked from one that
has computed nothing, so that nothing a model does reaches another: `server.py`. Where that is not to be had (the
framework is not installed, or starts threads when it is imported), a program is started as ever, and says itself what
is wrong.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

from lstm_verify import processes
from lstm_verify.processes import QUIET, Imports

SERVER = Path(__file__).with_name("server.py")
LONGEST = 120.0
"""Seconds that an import may take; after that programs import by themselves, each with its own time limit."""
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""For the import alone: a fork has the environment that its program is to have."""


class Forked:
    """A program that was forked: as much of `subprocess.Popen` as `processes` needs.

    Args:
        address: of the server.
        command: as for `Popen`: the interpreter, its only option -P, the program, its arguments.
        options: those of `Popen`.

    Raises:
        OSError: the server does not answer.
    """

    def __init__(self, address: Path, command: Sequence[str], **options: Any) -> None:
        program, *arguments = command[2:]
        (replies,) = options["pass_fds"]
        self.returncode: int | None = None
        read_end, write_end = os.pipe()
        self.stdin = os.fdopen(write_end, "wb")
        self._server = socket.socket(socket.AF_UNIX)
        request = {"program": program, "arguments": arguments, "environment": options["env"], "replies": replies}
        message = json.dumps(request).encode()
        try:
            self._server.connect(str(address))
            files = [read_end, options["stdout"].fileno(), replies]
            socket.send_fds(self._server, [len(message).to_bytes(8)], files)
            self._server.sendall(message)
            self.pid = self._number()
        except OSError:
            self._server.close()
            self.stdin.close()
            raise
        finally:
            os.close(read_end)

    def _number(self, signed: bool = False) -> int:
        received = self._server.recv(8, socket.MSG_WAITALL)
        if len(received) < 8:
            raise ConnectionError("it has ended")
        return int.from_bytes(received, signed=signed)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, and return the exit code, negative for a signal."""
        if self.returncode is None:
            try:
                self._server.settimeout(timeout)
                self.returncode = self._number(signed=True)
            except TimeoutError:
                raise subprocess.TimeoutExpired(str(SERVER), timeout or 0) from None
            except OSError:
                self.returncode = 1
            self._server.close()
        return self.returncode

    def poll(self) -> int | None:
        """Return the exit code if it has ended."""
        try:
            return self.wait(1e-6)
        except subprocess.TimeoutExpired:
            return None


class Servers:
    """A server for each framework, started when a program first needs it; all end with this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._servers: dict[str, tuple[Path, subprocess.Popen[bytes]]] = {}
        """By module: its address, in a directory of its own that it removes in the end, and the process."""

    def start(self, imports: Imports, command: Sequence[str], **options: Any) -> Any:
        """Start a program in the place of `subprocess.Popen`."""
        with self._lock:
            address, server = self._servers[imports.module] = self._servers.get(imports.module) or _served(imports)
        if server.poll() is None:
            with suppress(OSError):
                return Forked(address, command, **options)
        return subprocess.Popen(command, **options)

    def stop(self) -> None:
        """End all servers."""
        for address, server in self._servers.values():
            server.communicate()  # ends its standard input, and so the server
            shutil.rmtree(address.parent, ignore_errors=True)


def _served(imports: Imports) -> tuple[Path, subprocess.Popen[bytes]]:
    """Start a server, and wait until it is ready, or has ended since it cannot serve."""
    address = Path(tempfile.mkdtemp(prefix="lstm-verify-")) / "server"
    server = subprocess.Popen(
        [sys.executable, "-P", str(SERVER), str(address), imports.module],
        env={**os.environ, **QUIET, **ONE_THREAD, **imports.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert server.stdout
    is_told = select.select([server.stdout], [], [], LONGEST)[0]
    if not is_told or not server.stdout.readline():
        server.kill()
        server.communicate()
        shutil.rmtree(address.parent, ignore_errors=True)
    return address, server


_enabled: dict[int, Servers] = {}
"""The servers of this process, by its number: a fork of it has none."""


def enable() -> None:
    """Let programs that import a framework be forked from now on, until this process ends; on Linux only."""
    if os.getpid() not in _enabled and sys.platform == "linux":
        servers = _enabled[os.getpid()] = Servers()
        processes.start_by(servers.start)


@atexit.register
def disable() -> None:
    """End the servers of this process, and start programs by themselves again."""
    servers = _enabled.pop(os.getpid(), None)
    if servers is not None:
        processes.start_by(None)
        servers.stop()
