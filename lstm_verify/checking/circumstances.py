"""What a result depends on besides its task and its files: versions, own code, processor, environment."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from functools import cache
from pathlib import Path

from lstm_verify.hashing import hash_of_files
from lstm_verify.versions import versions

PACKAGE = Path(__file__).parents[1]
PREFIXES = (
    *("TF_", "XLA_", "KERAS_", "ONEDNN_", "DNNL_", "CUDA_", "NVIDIA_", "CUDNN_", "ORT_", "LSTM_VERIFY_"),
    *("OMP_", "OPENBLAS_", "MKL_"),
)
"""How variables begin that frameworks, and the libraries they multiply with, take settings from."""
TELLING = ("proc/cpuinfo", "proc/driver/nvidia/version", "proc/driver/nvidia/gpus/*/information")
"""Files of Linux that say what computes."""
OF_THE_PROCESSOR = ("model name", "flags", "Features", "NVRM version", "Model:")


@cache
def circumstances() -> str:
    """Return a hash; two results with different ones are not known to be the same.

    The code of this package is part of it, and not only its version, which does not change while it is worked on.
    """
    found = {
        "versions": versions(),
        "code": hash_of_files(PACKAGE, PACKAGE.rglob("*.py")),
        "platform": [platform.system(), platform.machine()],
        "processor": sorted({line for files in TELLING for file in Path("/").glob(files) for line in _lines(file)}),
        "environment": {name: value for name, value in os.environ.items() if _counts(name)},
    }
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def _counts(name: str) -> bool:
    """Whether a variable may change a result; how many threads share the work does not."""
    return name.startswith(PREFIXES) and not name.endswith("_THREADS")


def _lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text().splitlines() if line.startswith(OF_THE_PROCESSOR)]
    except OSError:
        return []
