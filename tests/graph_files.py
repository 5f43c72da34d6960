"""TensorFlow files read many at a time: one child process for all of them, since TensorFlow takes seconds to import.

What it reads is kept, by a hash of the file and of the program that reads it.
"""

from __future__ import annotations

import glob
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from lstm_verify.formats.tensorflow import protobufs, reader
from lstm_verify.processes import Child
from tests.building import KEPT, digest, made_whole, versions

PROGRAM = (reader.CHILD, Path(protobufs.__file__))
READ = KEPT / "read"
SECONDS = 600.0
"""Longer than any file takes, even on a busy machine."""


def reading(paths: Iterable[Path], folder: Path) -> Callable[[], AbstractContextManager[None]]:
    """Read files, and return a context in which `lstm_verify.load` finds that its child process has read them.

    Args:
        paths: the files.
        folder: an empty folder for what is not kept: files that cannot be read are read each time.
    """
    kept = {Path(path): READ / digest([*PROGRAM, *parts_of(path)], versions()) for path in paths}
    missing = [path for path in kept if not kept[path].exists()]
    replies = read_by_child(missing, folder)
    found = {**kept, **{path: folder / str(number) for number, path in enumerate(missing)}}
    for path, reply in replies.items():
        if "error" not in reply:
            made_whole(kept[path], partial(shutil.copytree, found[path], dirs_exist_ok=True))

    read_alone = reader._ask

    def ask(path: Path, directory: Path) -> dict[str, Any]:
        if path not in found:
            return read_alone(path, directory)
        shutil.copytree(found[path], directory, dirs_exist_ok=True)
        return replies.get(path, {})

    @contextmanager
    def as_read() -> Iterator[None]:
        with mock.patch.object(reader, "_ask", ask):
            yield

    return as_read


def read_at_once(paths: Iterable[Path], folder: Path) -> AbstractContextManager[None]:
    """Inside, `lstm_verify.load` finds that its child process has already read the files at these paths."""
    return reading(paths, folder)()


def parts_of(path: Path) -> list[Path]:
    """The files that lie at a path: one, those of a folder, or those that begin with a prefix."""
    found = path.rglob("*") if path.is_dir() else path.parent.glob(f"{glob.escape(path.name)}*")
    return sorted(file for file in found if file.is_file())


def read_by_child(paths: Sequence[Path], folder: Path) -> dict[Path, dict[str, Any]]:
    """Let one process read each file into a folder of its own, by number, and return what it replies."""
    replies = {}
    if not paths:
        return replies
    child = Child(reader.CHILD)
    try:
        for number, path in enumerate(paths):
            directory = folder / str(number)
            directory.mkdir(parents=True)
            child.ask({"path": str(path), "directory": str(directory)}, last=False)
            replies[path] = child.reply(time.monotonic() + SECONDS)
    finally:
        child.stop()
    return replies
