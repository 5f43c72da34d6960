"""Runtimes: frameworks that open a model file themselves and predict, each in a child process.

A new one is its program in `programs` and an entry in `RUNTIMES`, with all that is known of it (`interface.py`).
"""

from __future__ import annotations

from lstm_verify.errors import UnsupportedError
from lstm_verify.runtimes.interface import Request, Runtime
from lstm_verify.runtimes.process import Prediction, Started, predicting, started

RUNTIMES: tuple[Runtime, ...] = (
    Runtime(
        name="keras",
        title="Keras",
        program="keras_model",
        module="keras",
        environment={"KERAS_BACKEND": "tensorflow"},
        install="pip install 'lstm-verify[keras]'",
        batch_size=32,
        tells_layers=True,
        casts_to_float32=True,
    ),
    Runtime(
        name="tf_keras",
        title="tf_keras",
        program="keras_model",
        module="tf_keras",
        environment={"TF_USE_LEGACY_KERAS": "1"},
        install="pip install 'lstm-verify[keras]'",
        batch_size=32,
        tells_layers=True,
        casts_to_float32=True,
        casts_in_rollouts=True,
    ),
    Runtime("saved_model", "TensorFlow", "saved_model", "tensorflow", "pip install 'lstm-verify[keras]'"),
    Runtime("tf1", "TensorFlow", "tf1", "tensorflow", "pip install 'lstm-verify[keras]'"),
    Runtime(
        name="onnxruntime",
        title="ONNX Runtime",
        program="onnx_session",
        module="onnxruntime",
        install="pip install 'lstm-verify[onnx]'",
        # a sigmoid is ½ + x P(x²)/Q(x²), measured with 1.32 from -40 to 40: off by 2.8 u in float32, by 1.5 u in
        # float64; a tanh by 5.4 u and by 9.1 u; in a GRU of float32, a tanh by 8 u and a sigmoid by 10 u
        sigmoid_error=1.0,
        optimizes=True,
    ),
)
NAMES = tuple(runtime.name for runtime in RUNTIMES)


def find(name: str) -> Runtime:
    """Look a runtime up.

    Raises:
        UnsupportedError: there is none of that name; the message lists those there are.
    """
    runtime = known(name)
    if runtime is None:
        raise UnsupportedError(f"unknown runtime '{name}'; the known ones are {', '.join(NAMES)}")
    return runtime


def known(name: str) -> Runtime | None:
    """Return the runtime with a name; None if there is none, as for `recorded`."""
    return next((runtime for runtime in RUNTIMES if runtime.name == name), None)


__all__ = [
    "NAMES",
    "RUNTIMES",
    "Prediction",
    "Request",
    "Runtime",
    "Started",
    "find",
    "known",
    "predicting",
    "started",
]
