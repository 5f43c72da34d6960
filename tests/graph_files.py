"""TensorFlow files read many at a time: one child process for all of them, since TensorFlow takes seconds to import."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from unittest import mock

from lstm_verify.formats.tensorflow import reader


def reading(paths: Iterable[Path], folder: Path) -> Callable[[], AbstractContextManager[None]]:
    """Read files, and return a context in which `lstm_verify.load` finds that its child process has read them.

    Args:
        paths: the files.
        folder: an empty folder for what the child writes.
    """
    found = {Path(path): folder / str(number) for number, path in enumerate(paths)}
    for directory in found.values():
        directory.mkdir(parents=True)
    arguments = [str(item) for pair in found.items() for item in pair]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-P", str(reader.CHILD), *arguments]
    subprocess.run(command, env=environment, check=True, capture_output=True)

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
