"""Runtimes: frameworks that open a model file themselves and predict, each in a child process.

A new one is its file and a line in `RUNTIMES`.
"""

from __future__ import annotations

from lstm_verify.errors import UnsupportedError
from lstm_verify.runtimes import keras, tf_keras
from lstm_verify.runtimes.process import Prediction, Request, Runtime, predicting

RUNTIMES: tuple[Runtime, ...] = (keras.RUNTIME, tf_keras.RUNTIME)
NAMES = tuple(runtime.name for runtime in RUNTIMES)


def find(name: str) -> Runtime:
    """Look a runtime up.

    Raises:
        UnsupportedError: there is none of that name; the message lists those there are.
    """
    for runtime in RUNTIMES:
        if runtime.name == name:
            return runtime
    raise UnsupportedError(f"runtime '{name}' is not known; the known ones are {', '.join(NAMES)}")


__all__ = ["NAMES", "RUNTIMES", "Prediction", "Request", "Runtime", "find", "predicting"]
