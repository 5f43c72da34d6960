"""Frameworks that are imported once for many tests: a process that has done so forks for each request.

Importing TensorFlow takes seconds, and a test that lets a framework predict does so in a child process of its own. Here
these children are forked from a server that has imported the framework already and has computed nothing yet. They run
the program that they always run, from its first line, with their own environment, files and process group. Command
lines that tests start, and tests with the mark `cold`, start frameworks as users do.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from functools import cached_property
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any

from lstm_verify import processes
from lstm_verify.formats.tensorflow import reader
from lstm_verify.runtimes import RUNTIMES, process

SERVER = Path(__file__).with_name("server.py")
PROGRAMS = (str(process.CHILD), str(reader.CHILD))
"""What imports a framework."""


class Popen:
    """What `processes` needs of `subprocess.Popen`, of a process that a server forks."""

    def __init__(self, server: Path, program: str, env: dict[str, str], log: Any, replies: int) -> None:
        self.returncode: int | None = None
        self.stdout = self.stderr = None
        read_end, write_end = os.pipe()
        self.stdin = os.fdopen(write_end, "wb")
        self._server = socket.socket(socket.AF_UNIX)
        self._server.connect(str(server))
        message = json.dumps({"program": program, "environment": env, "replies": replies}).encode()
        socket.send_fds(self._server, [len(message).to_bytes(8)], [read_end, log.fileno(), replies])
        self._server.sendall(message)
        os.close(read_end)
        self.pid = int.from_bytes(self._server.recv(8, socket.MSG_WAITALL))

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._server.settimeout(timeout)
            try:
                said = self._server.recv(8, socket.MSG_WAITALL)
            except TimeoutError:
                raise subprocess.TimeoutExpired(str(SERVER), timeout or 0) from None
            self.returncode = int.from_bytes(said, signed=True)
            self._server.close()
        return self.returncode


class Servers:
    """A server for each framework, started when it is first asked for."""

    def __init__(self) -> None:
        self._starting = Lock()
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._modules = {
            tuple(sorted(runtime.environment.items())): runtime.module
            for runtime in RUNTIMES
            if runtime.module != "tensorflow"
        }

    @cached_property
    def _folder(self) -> Path:
        """Where their addresses are."""
        return Path(tempfile.mkdtemp(prefix="warm-"))

    def use(self, wanted: bool) -> None:
        """Let frameworks fork from these servers, or start processes by themselves."""
        forking = SimpleNamespace(Popen=self.popen, PIPE=subprocess.PIPE)
        processes.subprocess = forking if wanted else subprocess  # type: ignore[attr-defined]

    def popen(self, command: list[str], **options: Any) -> Any:
        """In the place of `subprocess.Popen`."""
        program, env = command[-1], options["env"]
        if program not in PROGRAMS:
            return subprocess.Popen(command, **options)
        return Popen(self._server(self._module_of(env), env), program, env, options["stdout"], options["pass_fds"][0])

    def stop(self) -> None:
        for server in self._started.values():
            server.communicate()  # ends its standard input, and so the server
        if self._started:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _module_of(self, env: dict[str, str]) -> str:
        fitting = (m for variables, m in self._modules.items() if all(env.get(k) == v for k, v in variables))
        return next(fitting, "tensorflow")

    def _server(self, module: str, env: dict[str, str]) -> Path:
        address = self._folder / module
        with self._starting:
            if module not in self._started:
                self._started[module] = self._start(module, address, env)
        return address

    def _start(self, module: str, address: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", str(SERVER), str(address), module]
        own = {name: value for name, value in env.items() if name != "TMPDIR"}  # which is gone with the request
        started = subprocess.Popen(
            command, env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert started.stdout
        assert started.stdout.readline() == b"ready\n"
        return started
