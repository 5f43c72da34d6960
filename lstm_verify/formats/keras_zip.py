"""Keras archives (`.keras`), written by `model.save` of Keras 2.12 and later and of Keras 3.

A zip of `config.json`, `metadata.json` and `model.weights.h5`. Source: `keras.src.saving.saving_lib`.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import h5py

from lstm_verify.errors import ModelFileError
from lstm_verify.formats.keras.config import Config
from lstm_verify.formats.keras.graph import model_variables
from lstm_verify.formats.keras.registry import Arrays
from lstm_verify.formats.keras.store import read_by_path
from lstm_verify.formats.keras.whole import parse_json, read_whole
from lstm_verify.model import Model

PARTS = ("config.json", "metadata.json", "model.weights.h5")
MOST_PACKED, SMALL = 100, 64 * 2**20
"""How many times larger than packed a part may be, unless it has few bytes anyway; Keras does not compress them."""


def recognise(path: Path, magic: bytes) -> bool:
    """Whether the file is a zip archive."""
    return magic.startswith(b"PK\x03\x04")


def read(path: Path) -> Model:
    """Read a model.

    Raises:
        ModelFileError: the archive is damaged, or is not one of Keras.
        UnsupportedError: the model has something that is not supported.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            missing = [part for part in PARTS if part not in archive.namelist()]
            if missing:
                raise ModelFileError(f"a zip archive without {missing[0]}. Is it a .keras file?")
            config, metadata, weights = (_part(archive, part) for part in PARTS)
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError) as error:
        raise ModelFileError(f"not a readable zip archive ({error}). Was it copied whole?") from None
    facts = parse_json(metadata, "metadata.json")
    if not isinstance(facts, Mapping) or not isinstance(facts.get("keras_version"), str):
        raise ModelFileError("metadata.json has no keras_version. Is it a .keras file?")
    version = facts["keras_version"]

    def read_weights(config: Config) -> Arrays:
        try:
            with h5py.File(io.BytesIO(weights), "r") as file:
                return read_by_path(model_variables(config), file)
        except (OSError, KeyError, RuntimeError) as error:
            raise ModelFileError(f"model.weights.h5: not a readable HDF5 file ({error})") from None

    return read_whole(path, "Keras archive", ".keras", parse_json(config, "config.json"), version, read_weights)


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    """What is packed under a name.

    Raises:
        ModelFileError: it would take up a multiple of the space that any model could be packed in.
    """
    about = archive.getinfo(name)
    if about.file_size > max(SMALL, MOST_PACKED * about.compress_size):
        sizes = f"{about.file_size / 2**20:,.0f} MiB, packed in {about.compress_size / 2**20:,.1f} MiB"
        raise ModelFileError(f"{name}: {sizes}, which is no model. Was the archive made by Keras?")
    return archive.read(about)
