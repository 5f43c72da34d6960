"""Two kinds of processes that stay up between measurements: one has the framework, the other has only the replay.

The parent asks one at a time, so that they never compete for the cores, and can ask them in turn, so that a slow
minute of the machine hits both sides alike.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

QUIET = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_DEPRECATION_WARNINGS": "0"}
SEED = 2
BLOCK = 256
"""The number of samples that the replay computes together."""

Timed = tuple[float, Any]
"""Seconds, and what came out."""


class Framework:
    """Keras, in a process of its own: makes models, and predicts with them."""

    def make(self, path: Path, steps: int, features: int, units: int) -> None:
        """Write an LSTM(units) with a Dense(1) on top, with random weights and biases."""
        keras = _keras()
        keras.utils.set_random_seed(SEED)
        layers = [keras.layers.Input((steps, features)), keras.layers.LSTM(units), keras.layers.Dense(1)]
        model = keras.Sequential(layers)
        random = np.random.default_rng(SEED)
        model.set_weights([w + random.normal(0, 0.05, w.shape) for w in model.get_weights()])
        model.save(path)

    def export(self, path: Path, directory: Path) -> None:
        """Write a model as a SavedModel."""
        _keras().models.load_model(path, compile=False).export(directory, verbose=False)

    def export_onnx(self, path: Path, target: Path, x: Path) -> None:
        """Write a model as an ONNX file, after a call, without which Keras does not."""
        model = _keras().models.load_model(path, compile=False)
        model(np.load(x)[:1])
        model.export(target, format="onnx", verbose=False)

    def load(self, path: Path, x: Path) -> None:
        """Load a model and its input, and predict once to trace and warm up."""
        self.model, self.x = _keras().models.load_model(path, compile=False), np.load(x)
        self.predict()

    def predict(self) -> Timed:
        """Predict with the default batch size."""
        return _timed(lambda: self.model.predict(self.x, verbose=0))


class Replay:
    """The replay, in a process without a framework."""

    def load(self, path: Path, x: Path) -> None:
        """Load a model and its input, and replay once to warm up."""
        import lstm_verify

        self.model, self.x = lstm_verify.load(path), np.load(x)
        self.replay("float32")
        self.replay("float64")

    def replay(self, dtype: str) -> Timed:
        """Replay in `dtype`."""
        import lstm_verify

        return _timed(lambda: np.asarray(lstm_verify.replay(self.model, self.x, dtype=dtype)))

    def products(self, dtype: str, steps: int, features: int, units: int) -> Timed:
        """Compute nothing but the matrix products of the replay, on all cores: no NumPy code can be faster."""
        from lstm_verify.operations.products import sliced

        samples, cores = len(self.x), os.cpu_count() or 1
        each = min(BLOCK, -(-samples // cores))
        stack = np.ones((units + features + 1, each), dtype)
        weights = sliced(np.ones((4 * units, len(stack)), dtype), each)

        def block(_: int) -> None:
            out = np.empty((*weights.shape[:-1], each), dtype)
            for _ in range(steps):
                np.matmul(weights, stack, out=out)

        with threadpool_limits(1, "blas"), ThreadPoolExecutor(cores) as pool:
            return _timed(lambda: list(pool.map(block, range(-(-samples // each)))))


class Worker:
    """A `Framework` or a `Replay` in a process of its own; its methods are called by name.

    Example:
        >>> with Worker(Replay) as replay:
        ...     replay.call("load", Path("model.h5"), Path("x.npy"))
        ...     seconds, y = replay.call("replay", "float64")
    """

    def __init__(self, kind: type) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, kind), daemon=True)
        self._process.start()

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a method over there.

        Raises:
            Exception: what it raised.
        """
        self._pipe.send((name, arguments))
        result, error = self._pipe.recv()
        if error is not None:
            raise error
        return result

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.join()


def _serve(pipe: Connection, kind: type) -> None:
    os.environ.update(QUIET)
    served = kind()
    with suppress(EOFError):
        while True:
            name, arguments = pipe.recv()
            try:
                pipe.send((getattr(served, name)(*arguments), None))
            except Exception as error:
                pipe.send((None, error))


def _timed(work: Callable[[], Any]) -> Timed:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _keras() -> Any:
    import keras

    return keras
