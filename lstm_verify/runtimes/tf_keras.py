"""Keras 2, as the package `tf_keras`."""

from __future__ import annotations

from lstm_verify.runtimes.process import Runtime

RUNTIME = Runtime(
    name="tf_keras",
    title="tf_keras",
    module="tf_keras",
    environment={"TF_USE_LEGACY_KERAS": "1"},
    install="pip install tf-keras tensorflow",
)
