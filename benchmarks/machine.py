"""What numbers were measured on, in words."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

PACKAGES = ("numpy", "keras", "tensorflow")


def machine(script: str) -> str:
    """Describe what the numbers of a script were measured on, in one line."""
    blas = ", ".join(f"{pool['prefix']} {pool['version']}" for pool in threadpool_info() if pool["user_api"] == "blas")
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"`python benchmarks/{script}` on {os.cpu_count()} cores ({_processor()}), Python {platform.python_version()}, "
        f"{packages}, BLAS {blas or np.show_config('dicts')['Build Dependencies']['blas']['name']}."
    )


def _processor() -> str:
    """The processor's name, as Linux has it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
