"""The parent's side of the process that reads HDF5 files: started once, and ended with this process."""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from lstm_verify.errors import ModelFileError
from lstm_verify.formats.hdf5.tree import Group, tree_of
from lstm_verify.processes import Child, signal_name

CHILD = Path(__file__).with_name("child.py")
SECONDS, BYTES_PER_SECOND = 2.0, 20e6
"""How much computing a file may take: so long, and more for its size; values are unpacked ten times as fast."""
PATIENCE = 20.0
"""How many times as long it may take on a busy machine, or from a slow disk."""
GRACE = 10.0
"""Seconds beyond that, within which the child says that the time is over."""
MEMORY, UNPACKED = 2**30, 20
"""Bytes that a file may take: these, and so many times its size."""
Found = TypeVar("Found")


def read_tree(path: Path, use: Callable[[Group], Found], start: int = 0, length: int | None = None) -> Found:
    """Read an HDF5 file, except for the values of its datasets, and apply a function to its content.

    Args:
        path: the file.
        use: what is done with it; datasets can be read until it returns.
        start: the byte of the file that HDF5 begins at.
        length: the bytes from there on that are HDF5; None for all.

    Returns:
        What `use` returns.

    Raises:
        ModelFileError: it cannot be read; the message has the reason.
    """
    length = path.stat().st_size if length is None else length
    with tempfile.TemporaryDirectory(prefix="lstm-verify-") as directory:
        seconds = SECONDS + length / BYTES_PER_SECOND
        request = {
            "path": str(path.absolute()),
            "start": start,
            "length": length,
            "directory": directory,
            "seconds": seconds,
            "patience": PATIENCE * seconds,
            "memory": MEMORY + UNPACKED * length,
        }
        found = Path(directory, "tree.json")
        status = _ask(request)
        if status or not found.exists():
            raise _unreadable(_ending(status, seconds))
        tree = json.loads(found.read_text())
        if "fault" in tree:
            raise _unreadable(tree["fault"])
        return use(tree_of(tree, path, start, Path(directory, "values.bin")))


def _unreadable(reason: str) -> ModelFileError:
    return ModelFileError(f"not a readable HDF5 file ({reason}). Was it copied completely?")


def _ending(status: int | None, seconds: float) -> str:
    """How the reader ended, in words."""
    if status in (-signal.SIGPROF, -signal.SIGALRM):
        return f"the HDF5 library did not finish with it in {seconds:.3g} s"
    if status is not None and status < 0:
        return f"the HDF5 library crashed, {signal_name(-status)}"
    return "the process that reads it ended early"


def _ask(request: dict[str, Any]) -> int | None:
    """Have a file read.

    Returns:
        How the process that did it ended: 0, or minus the number of a signal; None if that is not known.
    """
    with _lock:
        child = _running()
        try:
            child.ask(request, last=False)
            return int(child.reply(time.monotonic() + request["patience"] + GRACE)["status"])
        except (TypeError, ValueError, TimeoutError):  # TypeError: there is no reply
            _end()
            return None
        except BaseException:  # an answer that is not waited for must not be taken for the next one
            _end()
            raise


_lock = threading.Lock()
_started: dict[int, Child] = {}
"""The reading process, by the number of the process that started it: a fork of that one starts its own."""


def _running() -> Child:
    """The reading process, started if there is none."""
    child = _started.get(os.getpid())
    if child is None or child.process.poll() is not None:
        _end()
        one_thread = {"OPENBLAS_NUM_THREADS": "1"}  # starting threads would take as long as all the rest
        child = _started[os.getpid()] = Child(CHILD, ("-I", "-S"), _folders(), one_thread)
    return child


def _folders() -> list[str]:
    """Where the child finds numpy and h5py: no other folder, and above all not the current one."""
    specs = [importlib.util.find_spec(name) for name in ("numpy", "h5py")]
    return sorted({str(Path(spec.origin).parents[1]) for spec in specs if spec is not None and spec.origin})


@atexit.register
def _end() -> None:
    """End the reading process of this one."""
    child = _started.pop(os.getpid(), None)
    if child is not None:
        child.stop()
