"""What TensorFlow computes with: its processor, and how that multiplies matrices of float32."""

from __future__ import annotations

from typing import Any

TENSOR_CORES = 8
"""The compute capability from which on NVIDIA GPUs have products in TF32."""


def facts(tensorflow: Any) -> dict[str, str]:
    """The device that is used by default, and how its products are made: `float32`, or `tf32` unless forbidden."""
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
