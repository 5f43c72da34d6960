"""Keras 3 on TensorFlow."""

from __future__ import annotations

from lstm_verify.runtimes.process import Runtime

RUNTIME = Runtime(
    name="keras",
    title="Keras",
    module="keras",
    environment={"KERAS_BACKEND": "tensorflow"},
    install="pip install keras tensorflow",
)
