"""Keras HDF5 (`.h5`, `.hdf5`), written by `model.save` of Keras 2 and Keras 3.

The config is JSON in the attribute `model_config`; the weights are in the group `model_weights`. Source:
`keras.src.legacy.saving.legacy_h5_format`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

from lstm_verify.errors import ModelFileError
from lstm_verify.formats.keras.store import read_by_order
from lstm_verify.formats.keras.whole import parse_json, read_whole
from lstm_verify.model import Model

MAGIC = b"\x89HDF\r\n\x1a\n"


def recognise(path: Path, magic: bytes) -> bool:
    """Whether the file is HDF5."""
    return magic.startswith(MAGIC)


def read(path: Path) -> Model:
    """Read a model.

    Raises:
        ModelFileError: the file is damaged, or holds weights without a model.
        UnsupportedError: the model has something that is not supported.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            return _read(path, file)
    except (OSError, KeyError, RuntimeError) as error:
        reason = str(error).splitlines()[0].strip("'\"")
        raise ModelFileError(f"not a readable HDF5 file ({reason}). Was it copied whole?") from None


def _read(path: Path, file: h5py.File) -> Model:
    config = file.attrs.get("model_config")
    if config is None:
        raise ModelFileError(
            "an HDF5 file without a model config, such as save_weights writes. "
            "Save the whole model with model.save('model.h5')"
        )
    weights = file["model_weights"]
    if not isinstance(weights, h5py.Group):
        raise ModelFileError("model_weights is a dataset, expected a group. Is the file whole?")
    version = _text(file.attrs.get("keras_version") or weights.attrs.get("keras_version") or "1", "keras_version")
    entry = parse_json(_text(config, "model_config"), "model_config")
    return read_whole(
        path,
        "Keras HDF5",
        ".h5",
        entry,
        version,
        lambda config: read_by_order(config, weights),
    )


def _text(value: Any, where: str) -> str:
    try:
        return value.decode() if isinstance(value, bytes) else str(value)
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{where}: not text ({error}). Was the file copied whole?") from None
