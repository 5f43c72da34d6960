"""Keras HDF5 (`.h5`, `.hdf5`), written by `model.save` of Keras 2 and Keras 3.

The config is JSON in the attribute `model_config`; the weights are in the group `model_weights`. Source:
`keras.src.legacy.saving.legacy_h5_format`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from lstm_verify.errors import ModelFileError
from lstm_verify.formats.hdf5 import Group, read_tree
from lstm_verify.formats.interface import Format
from lstm_verify.formats.keras.assemble import parse_json, read_whole
from lstm_verify.formats.keras.store import read_by_order
from lstm_verify.formats.weights.alone import alone
from lstm_verify.formats.weights.hdf5 import weights_in
from lstm_verify.model import Model

MAGIC = b"\x89HDF\r\n\x1a\n"


def recognise(path: Path, magic: bytes) -> bool:
    """Whether the file is HDF5."""
    return magic.startswith(MAGIC)


def read(path: Path) -> Model:
    """Read a model; from a file without a config, read the tensors alone, which cannot be replayed.

    Raises:
        ModelFileError: the file is damaged.
        UnsupportedError: the model has something that is not supported.
    """
    return read_tree(path, partial(_read, path))


def read_config(path: Path) -> tuple[Any, str]:
    """Read the config of a model, and the version of Keras that wrote it.

    Raises:
        ModelFileError: the file is damaged, or holds weights without a model.
    """
    return read_tree(path, _config)


def _read(path: Path, file: Group) -> Model:
    if "model_config" not in file.attributes:
        return alone(path, weights_in(file))
    entry, version = _config(file)
    weights = file.members.get("model_weights")
    if not isinstance(weights, Group):
        what = "missing" if weights is None else "a dataset, expected a group"
        raise ModelFileError(f"model_weights is {what}. Is the file complete?")
    return read_whole(path, "Keras HDF5", ".h5", entry, version, lambda config: read_by_order(config, weights))


def _config(file: Group) -> tuple[Any, str]:
    config, weights = file.attributes.get("model_config"), file.members.get("model_weights")
    if config is None:
        raise ModelFileError(
            "an HDF5 file without a model config, such as save_weights writes. "
            "Save the whole model with model.save('model.h5')"
        )
    version = file.attributes.get("keras_version")
    if not version and isinstance(weights, Group):
        version = weights.attributes.get("keras_version")
    entry = parse_json(_text(config, "model_config"), "model_config")
    return entry, _text(version or "1", "keras_version")


def _text(value: str, where: str) -> str:
    """The text of an attribute, in which bytes that are no text have become lone surrogates."""
    try:
        return value.encode(errors="surrogateescape").decode()
    except UnicodeError as error:
        raise ModelFileError(f"{where}: not text ({error}). Was the file copied completely?") from None


FORMAT = Format("keras_h5", "Keras .h5", "config is not one that Keras writes", recognise, read)
