"""Tasks on the fixtures that need no framework, and ways to do them without a process for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lstm_verify.checking.run import checked
from lstm_verify.checking.task import Task
from tests.command import FIXTURES, inputs, model, recorded

NAMES = ("origin_tanh_sigmoid", "stacked_gru", "encoder_decoder")


def task(name: str = NAMES[0], kind: str = "keras3.h5", **changes: Any) -> Task:
    """A task of a fixture with recorded predictions, which matches."""
    usual: dict[str, Any] = {
        "input": (("", str(inputs(name))),),
        "expected": (("", str(recorded(name, kind))),),
    }
    return Task(f"{name}.{kind}", str(model(name, kind)), str(FIXTURES), **{**usual, **changes})


def wrong(folder: Path, name: str = NAMES[0]) -> Path:
    """Recorded predictions that are off by 0.1."""
    with np.load(recorded(name)) as archive:
        np.savez(folder / f"{name}.wrong.npz", **{key: array + np.float32(0.1) for key, array in archive.items()})
    return folder / f"{name}.wrong.npz"


class Here(Executor):
    """Does what it is given at once, in this process."""

    def __init__(self, do: Callable[[Task], Any] = checked) -> None:
        self.do = do
        self.done: list[Task] = []

    def submit(self, fn: Any, /, task: Any, *more: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.done.append(task)
        try:
            future.set_result(self.do(task))
        except Exception as error:
            future.set_exception(error)
        return future


def here(executor: Here) -> Callable[[int], Any]:
    """An executor as `checks` wants it."""

    @contextmanager
    def executors(jobs: int) -> Iterator[Executor]:
        yield executor

    return executors
