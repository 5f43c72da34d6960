"""What numbers were measured on, in words."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

PACKAGES = ("numpy", "keras", "tensorflow")
RESTRICTIONS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Settings of the environment that hold OpenBLAS to the kernels of older processors."""


def unrestrict() -> None:
    """Let the processes that are started from now on multiply as fast as they can, as the framework does anyway."""
    for name in RESTRICTIONS:
        os.environ.pop(name, None)


def machine(script: str) -> str:
    """Describe what the numbers of a script were measured on, in one line."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"`python benchmarks/{script}` on {os.cpu_count()} cores ({_processor()}), Python {platform.python_version()}, "
        f"{packages}, BLAS {_blas()}."
    )


def _blas() -> str:
    """The library that NumPy multiplies with in a new process, and its kernels."""
    listed = subprocess.run(
        [sys.executable, "-m", "threadpoolctl", "-i", "numpy"], check=True, capture_output=True, text=True
    )
    pools = [pool for pool in json.loads(listed.stdout) if pool["user_api"] == "blas"]
    names = [f"{pool['prefix']} {pool['version']}, kernels for {pool['architecture']}" for pool in pools]
    return ", ".join(names) or np.show_config("dicts")["Build Dependencies"]["blas"]["name"]


def _processor() -> str:
    """The processor's name, as Linux has it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
