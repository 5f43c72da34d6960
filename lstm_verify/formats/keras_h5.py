"""Keras HDF5 (`.h5`, `.hdf5`), written by `model.save` of Keras 2 and Keras 3.

The config is JSON in the attribute `model_config`; the weights are in the group `model_weights`. Source:
`keras.src.legacy.saving.legacy_h5_format`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from lstm_verify.errors import ModelFileError
from lstm_verify.formats.hdf5 import Group, read_tree
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
    return read_tree(path, partial(_read, path))


def _read(path: Path, file: Group) -> Model:
    config = file.attributes.get("model_config")
    if config is None:
        raise ModelFileError(
            "an HDF5 file without a model config, such as save_weights writes. "
            "Save the whole model with model.save('model.h5')"
        )
    weights = file.members.get("model_weights")
    if not isinstance(weights, Group):
        what = "missing" if weights is None else "a dataset, expected a group"
        raise ModelFileError(f"model_weights is {what}. Is the file whole?")
    version = file.attributes.get("keras_version") or weights.attributes.get("keras_version") or "1"
    entry = parse_json(_text(config, "model_config"), "model_config")
    return read_whole(
        path,
        "Keras HDF5",
        ".h5",
        entry,
        _text(version, "keras_version"),
        lambda config: read_by_order(config, weights),
    )


def _text(value: str, where: str) -> str:
    """The text of an attribute, in which bytes that are no text have become lone surrogates."""
    try:
        return value.encode(errors="surrogateescape").decode()
    except UnicodeError as error:
        raise ModelFileError(f"{where}: not text ({error}). Was the file copied whole?") from None
