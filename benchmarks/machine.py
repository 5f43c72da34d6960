"""What numbers were measured on, in words."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

PACKAGES = ("numpy", "keras", "tensorflow", "onnx", "onnxruntime")
RESTRICTIONS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Settings of the environment that hold OpenBLAS to the kernels of older processors."""


def unrestrict() -> None:
    """Begin the script anew without these, if there are some, since OpenBLAS has read them by now.

    NumPy is to multiply as fast as it can, as the framework does anyway.
    """
    kept = {name: value for name, value in os.environ.items() if name not in RESTRICTIONS}
    if len(kept) < len(os.environ):
        os.execve(sys.executable, sys.orig_argv, kept)


def machine(script: str) -> str:
    """Describe what the numbers of a script were measured on, in one line."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"`python benchmarks/{script}` on {os.cpu_count()} cores ({_processor()}), Python {platform.python_version()}, "
        f"{packages}, BLAS {_blas()}."
    )


def _blas() -> str:
    """The library that NumPy multiplies with, and its kernels."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    names = [f"{pool['prefix']} {pool['version']}, kernels for {pool['architecture']}" for pool in pools]
    return ", ".join(names) or np.show_config("dicts")["Build Dependencies"]["blas"]["name"]


def _processor() -> str:
    """The processor's name, as Linux has it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
