"""The device that TensorFlow computes on, and how it multiplies float32 matrices."""

from __future__ import annotations

from typing import Any

TENSOR_CORES = 8
"""The compute capability from which on NVIDIA GPUs have products in TF32."""


def facts(tensorflow: Any) -> dict[str, str]:
    """Return the default device, and how it computes matrix products: `float32`, or `tf32` unless that is disabled."""
    gpus = tensorflow.config.list_physical_devices("GPU")
    if not gpus:
        return {"device": "CPU", "products": "float32"}
    details = tensorflow.config.experimental.get_device_details(gpus[0])
    major, *_ = details.get("compute_capability") or (0,)
    allowed = tensorflow.config.experimental.tensor_float_32_execution_enabled()
    return {
        "device": str(details.get("device_name") or gpus[0].name),
        "products": "tf32" if allowed and major >= TENSOR_CORES else "float32",
    }
