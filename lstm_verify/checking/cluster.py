"""Tasks on a Dask cluster, whose workers have this package and see the files under the same paths.

A worker that ends loses nothing: the scheduler gives what it was doing to another, a few times, and then says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import Any

from lstm_verify.errors import InputError

INSTALL = "pip install 'lstm-verify[dask]'"


def cluster(address: str) -> Callable[[int], AbstractContextManager[Executor]]:
    """Return executors that hand tasks to the scheduler at an address, such as `tcp://scheduler:8786`."""

    @contextmanager
    def executors(jobs: int) -> Iterator[Executor]:
        with _connected(address) as client:
            # a task is not a pure function of its paths: the same one again is done again
            executor: Executor = client.get_executor(pure=False)
            yield executor

    return executors


def _connected(address: str) -> AbstractContextManager[Any]:
    """A client of a scheduler.

    Raises:
        InputError: `distributed` is not installed, or no scheduler answers.
    """
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise InputError(f"--dask {address}: the package distributed is not installed. Install it: {INSTALL}") from None
    try:
        client: AbstractContextManager[Any] = distributed.Client(address)
    except (OSError, ValueError) as error:
        raise InputError(f"--dask {address}: no scheduler answers there ({error}). Is the address right?") from None
    return client
