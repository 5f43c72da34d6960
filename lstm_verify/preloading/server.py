"""A process that imports a framework, and forks for every program that needs it.

    python server.py ADDRESS MODULE

A fork is a program like one that has imported the framework itself: with its own environment, files, session and
process group, from the first line on. This process computes nothing and opens no model, so that a fork begins with
the import and nothing else, and nothing passes from one to the next. A module whose import starts threads, which a fork
would not have, is not served: this process ends, and programs import it themselves.

Each connection is one program: a message of JSON (`program`, `arguments`, `environment`, `replies`) with three files,
its standard input, what it prints to, and the pipe for its replies. The answers are its process number, and in the end
its exit code. Who closes the connection before wants it killed. This process ends with its own standard input.
"""

import fcntl
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress

MOST_FILES = 4096


def main(address: str, module: str) -> None:
    importlib.import_module(module)
    if threads() > 1:
        sys.exit(f"importing {module} starts threads")
    gc.freeze()  # what was imported stays in memory that all forks share
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        os.write(1, b"ready\n")
        while server.fileno() in select.select([server.fileno(), 0], [], [])[0]:
            asking, _ = server.accept()
            if not os.fork():
                server.close()
                keep(asking)
            asking.close()
    with suppress(OSError):
        os.unlink(address)
        os.rmdir(os.path.dirname(address))


def threads() -> int:
    """The threads of this process, those of libraries too; where the system does not say, those of Python."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()


def keep(asking: socket.socket) -> None:
    """Fork once more for the program, say which process that is, and in the end with which code it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    length, files, _, _ = socket.recv_fds(asking, 8, 3)
    request = json.loads(asking.recv(int.from_bytes(length), socket.MSG_WAITALL))
    leading, led = os.pipe()
    pid = os.fork()
    if not pid:
        os.setsid()  # before anybody knows its number, and may want to kill the group of that number
        asking.close()
        os.close(led)
        run(files, **request)
    os.close(led)
    os.read(leading, 1)
    for file in files:
        os.close(file)
    asking.sendall(pid.to_bytes(8))
    threading.Thread(target=kill_if_closed, args=(asking, pid), daemon=True).start()
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):
        asking.sendall(os.waitstatus_to_exitcode(status).to_bytes(8, signed=True))
    os._exit(0)


def kill_if_closed(asking: socket.socket, pid: int) -> None:
    """Kill a program, and what it started, once nobody waits for it any more."""
    with suppress(OSError):
        asking.recv(1)
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def run(files: list[int], program: str, arguments: list[str], environment: dict[str, str], replies: int) -> None:
    """Be the process that runs the program."""
    code = 1
    try:
        high = [fcntl.fcntl(file, fcntl.F_DUPFD, 64) for file in files]  # clear of the numbers of standard streams
        for file, wanted in zip([high[0], high[1], high[1], high[2]], [0, 1, 2, replies], strict=True):
            os.dup2(file, wanted)
        os.closerange(3, replies)
        os.closerange(replies + 1, MOST_FILES)
        os.environ.clear()
        os.environ.update(environment)
        sys.stdin, sys.argv = os.fdopen(0), [program, *arguments]
        runpy.run_path(program, run_name="__main__")
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()  # as an interpreter does
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
