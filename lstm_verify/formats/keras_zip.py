"""Keras archives (`.keras`), written by `model.save` of Keras 2.12 and later and of Keras 3.

A zip of `config.json`, `metadata.json` and `model.weights.h5`. Source: `keras.src.saving.saving_lib`.
"""

from __future__ import annotations

import shutil
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from lstm_verify.errors import ModelFileError
from lstm_verify.formats.hdf5 import Group, read_tree
from lstm_verify.formats.interface import Format
from lstm_verify.formats.keras.assemble import parse_json, read_whole
from lstm_verify.formats.keras.config import Config
from lstm_verify.formats.keras.graph import model_variables
from lstm_verify.formats.keras.registry import Arrays
from lstm_verify.formats.keras.store import read_by_path
from lstm_verify.formats.zip_archive import DAMAGED
from lstm_verify.model import Model

PARTS = ("config.json", "metadata.json", "model.weights.h5")
MOST_PACKED, SMALL = 100, 64 * 2**20
"""How many times larger than packed a part may be, unless it has few bytes anyway; Keras does not compress them."""
Found = TypeVar("Found")


def recognise(path: Path, magic: bytes) -> bool:
    """Whether the file is a zip archive."""
    return magic.startswith(b"PK\x03\x04")


def read(path: Path) -> Model:
    """Read a model.

    Raises:
        ModelFileError: the archive is damaged, or is not one of Keras.
        UnsupportedError: the model has something that is not supported.
    """
    with opened(path) as (entry, version, place):

        def read_weights(config: Config) -> Arrays:
            return use_weights(place, partial(read_by_path, model_variables(config)))

        return read_whole(path, "Keras archive", ".keras", entry, version, read_weights)


def read_config(path: Path) -> tuple[Any, str]:
    """Read the config of a model, and the version of Keras that wrote it.

    Raises:
        ModelFileError: the archive is damaged, or is not one of Keras.
    """
    with opened(path) as (entry, version, _):
        return entry, version


class FilePart(NamedTuple):
    """Where the weights' HDF5 is: a byte range of a file."""

    path: Path
    start: int
    length: int


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, str, FilePart]]:
    """Yield the config of a model, the version of Keras that wrote it, and where its weights are.

    Raises:
        ModelFileError: the archive is damaged, or is not one of Keras.
    """
    with tempfile.TemporaryDirectory(prefix="lstm-verify-") as directory:
        try:
            with zipfile.ZipFile(path) as archive:
                missing = [name for name in PARTS if name not in archive.namelist()]
                if missing:
                    raise ModelFileError(f"a zip archive without {missing[0]}. Is it a .keras file?")
                config, metadata = (archive.read(part(archive, name)) for name in PARTS[:2])
                place = _place(path, archive, Path(directory))
        except DAMAGED as error:
            raise ModelFileError(f"not a readable zip archive ({error}). Was it copied completely?") from None
        yield parse_json(config, "config.json"), _version(metadata), place


def use_weights(place: FilePart, use: Callable[[Group], Found]) -> Found:
    """Use the content of the weights' HDF5; see `read_tree`."""
    try:
        return read_tree(place.path, use, *place[1:])
    except ModelFileError as error:
        raise ModelFileError(f"model.weights.h5: {error}") from None


def _version(metadata: bytes) -> str:
    facts = parse_json(metadata, "metadata.json")
    if not isinstance(facts, Mapping) or not isinstance(facts.get("keras_version"), str):
        raise ModelFileError("metadata.json has no keras_version. Is it a .keras file?")
    return str(facts["keras_version"])


def _place(path: Path, archive: zipfile.ZipFile, directory: Path) -> FilePart:
    """Where the weights are: in the archive itself, or unpacked in a directory; their checksum is seen to be right."""
    about = part(archive, PARTS[2])
    if about.compress_type == zipfile.ZIP_STORED:
        with archive.open(about) as packed:
            while packed.read(2**20):
                pass
        return FilePart(path, _start(path, about), about.file_size)
    unpacked = directory / PARTS[2]
    with archive.open(about) as packed, unpacked.open("wb") as file:
        shutil.copyfileobj(packed, file, 2**20)
    return FilePart(unpacked, 0, about.file_size)


def _start(path: Path, about: zipfile.ZipInfo) -> int:
    """The byte of an archive that a part begins at, after its header, its name and what else is said of it."""
    with path.open("rb") as file:
        file.seek(about.header_offset)
        name, extra = struct.unpack("<26x2H", file.read(30))
    return int(about.header_offset + 30 + name + extra)


def part(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """Return the entry of a part.

    Raises:
        ModelFileError: it would take up a multiple of the space that any model could be packed in.
    """
    about = archive.getinfo(name)
    if about.file_size > max(SMALL, MOST_PACKED * about.compress_size):
        sizes = f"{about.file_size / 2**20:,.0f} MiB, packed in {about.compress_size / 2**20:,.1f} MiB"
        raise ModelFileError(f"{name}: {sizes}, which is no model. Was the archive made by a framework?")
    return about


FORMAT = Format("keras_zip", "Keras .keras", "config is not one that Keras writes", recognise, read)
