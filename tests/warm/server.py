"""Imports a framework, and forks a process that runs a program for everybody who asks.

python server.py ADDRESS MODULE
"""

import fcntl
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys


def main(address: str, module: str) -> None:
    importlib.import_module("tensorflow")
    importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)
        while server in select.select([server, 0], [], [])[0]:  # standard input ends with who started this
            asking, _ = server.accept()
            if not os.fork():
                server.close()
                keep(asking)
            asking.close()


def keep(asking: socket.socket) -> None:
    """Fork once more, say which process that is, and in the end with which code it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    length, files, _, _ = socket.recv_fds(asking, 8, 3)
    request = json.loads(asking.recv(int.from_bytes(length), socket.MSG_WAITALL))
    pid = os.fork()
    if not pid:
        asking.close()
        run(files, **request)
    for file in files:
        os.close(file)
    asking.sendall(pid.to_bytes(8))
    _, status = os.waitpid(pid, 0)
    asking.sendall(os.waitstatus_to_exitcode(status).to_bytes(8, signed=True))
    os._exit(0)


def run(files: list[int], program: str, environment: dict[str, str], replies: int) -> None:
    """Be the process that runs the program: its files, environment and group."""
    os.setsid()
    code = 1
    try:
        high = [fcntl.fcntl(file, fcntl.F_DUPFD, 1000) for file in files]  # out of the way of the numbers wanted
        for file, wanted in zip([high[0], high[1], high[1], high[2]], [0, 1, 2, replies], strict=True):
            os.dup2(file, wanted)
        os.closerange(3, replies)
        os.closerange(replies + 1, 2000)
        os.environ.clear()
        os.environ.update(environment)
        sys.stdin, sys.argv = os.fdopen(0), [program]
        runpy.run_path(program, run_name="__main__")
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
