"""The versions that a result depends on: of this package, of NumPy, and of the frameworks that are installed."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import numpy as np

import lstm_verify

FRAMEWORKS = ("keras", "tensorflow", "tf-keras", "onnx", "onnxruntime", "h5py")


def versions() -> dict[str, str]:
    """Return the versions by package; what is not installed is left out, and nothing is imported for it.

    Example:
        >>> versions()["numpy"] == np.__version__
        True
    """
    found = {"lstm-verify": lstm_verify.__version__, "numpy": np.__version__, "python": platform.python_version()}
    for name in FRAMEWORKS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
