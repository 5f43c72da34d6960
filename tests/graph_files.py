"""TensorFlow files read many at a time: one child process for all of them, since TensorFlow takes seconds to import.

What it reads is kept, by a hash of the file and of the program that reads it.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from unittest import mock

from lstm_verify.formats.tensorflow import protobufs, reader
from tests.building import KEPT, QUIET, digest, made_whole, versions

PROGRAM = (reader.CHILD, Path(protobufs.__file__))
READ = KEPT / "read"


def reading(paths: Iterable[Path], folder: Path) -> Callable[[], AbstractContextManager[None]]:
    """Read files, and return a context in which `lstm_verify.load` finds that its child process has read them.

    Args:
        paths: the files.
        folder: an empty folder for what is not kept: files that cannot be read are read each time.
    """
    kept = {Path(path): READ / digest([*PROGRAM, *parts_of(path)], versions()) for path in paths}
    missing = [path for path in kept if not kept[path].exists()]
    found = {**kept, **read_by_child(missing, folder)}
    for path in missing:
        if not (found[path] / "error.json").exists():
            made_whole(kept[path], partial(shutil.copytree, found[path], dirs_exist_ok=True))

    read_alone = reader._run

    def run(path: Path, directory: str) -> None:
        if path in found:
            shutil.copytree(found[path], directory, dirs_exist_ok=True)
        else:
            read_alone(path, directory)

    @contextmanager
    def as_read() -> Iterator[None]:
        with mock.patch.object(reader, "_run", run):
            yield

    return as_read


def read_at_once(paths: Iterable[Path], folder: Path) -> AbstractContextManager[None]:
    """Inside, `lstm_verify.load` finds that its child process has already read the files at these paths."""
    return reading(paths, folder)()


def parts_of(path: Path) -> list[Path]:
    """The files that lie at a path: one, those of a folder, or those that begin with a prefix."""
    found = path.rglob("*") if path.is_dir() else path.parent.glob(f"{glob.escape(path.name)}*")
    return sorted(file for file in found if file.is_file())


def read_by_child(paths: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """Let one process read files, and return the folder of each in which it has written what it found."""
    found = {path: folder / str(number) for number, path in enumerate(paths)}
    for directory in found.values():
        directory.mkdir(parents=True)
    if found:
        arguments = [str(item) for pair in found.items() for item in pair]
        command = [sys.executable, "-P", str(reader.CHILD), *arguments]
        subprocess.run(command, env={**os.environ, **QUIET}, check=True, capture_output=True)
    return found
