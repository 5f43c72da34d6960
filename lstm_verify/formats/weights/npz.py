"""Weights in a NumPy archive: `numpy.savez("weights.npz", *model.get_weights())`, in the order of that list."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from lstm_verify.arrays import UNREADABLE
from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.keras.config import Config
from lstm_verify.formats.keras.registry import Arrays
from lstm_verify.formats.keras.store import order_of_get_weights
from lstm_verify.formats.keras_zip import part
from lstm_verify.formats.weights.alone import runs
from lstm_verify.formats.weights.interface import Found, Together, Weights
from lstm_verify.formats.zip_archive import names_in
from lstm_verify.layers import Array

EXPECTED = "expected arr_0, arr_1, … of numpy.savez(file, *model.get_weights())"


def recognise(path: Path, magic: bytes) -> bool:
    """Whether the file is a zip archive of nothing but `.npy` files."""
    names = names_in(path, magic)
    return bool(names) and all(name.endswith(".npy") for name in names)


def use(path: Path, with_weights: Callable[[Weights], Found]) -> Found:
    """Open the weights and apply a function to them."""
    arrays = _read(path)
    return with_weights(
        Weights(
            "weights (NumPy)",
            ".npz",
            lambda config: _in_order(config, arrays),
            lambda: _together(arrays),
        )
    )


def _read(path: Path) -> dict[str, Array]:
    """The arrays by name.

    Raises:
        ModelFileError: it cannot be read.
        UnsupportedError: one holds no numbers.
    """
    try:
        with zipfile.ZipFile(path) as parts:
            for name in parts.namelist():
                part(parts, name)
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except UNREADABLE as error:
        raise ModelFileError(f"not a readable .npz file of numbers ({error}). Was it copied completely?") from None
    for name, array in arrays.items():
        if array.dtype.kind not in "fiu":
            raise UnsupportedError(f"'{name}': weights of dtype {array.dtype} are not supported, expected numbers")
    return arrays


def _in_order(config: Config, arrays: Mapping[str, Array]) -> Arrays:
    paths = order_of_get_weights(config)
    names = [f"arr_{number}" for number in range(len(arrays))]
    if set(names) != set(arrays):
        other = next(name for name in arrays if name not in names)
        raise ModelFileError(f"an array is named '{other}', {EXPECTED}")
    if len(names) != len(paths):
        raise ModelFileError(
            f"{len(names)} arrays, expected {len(paths)}, as many as the architecture has weights. "
            "Do they belong together?"
        )
    return {path: arrays[name] for path, name in zip(paths, names, strict=True)}


def _together(arrays: Mapping[str, Array]) -> Together:
    """The arrays, those side by side that look like one layer."""
    names = list(arrays)
    start = 0
    for count, _ in runs([array.shape for array in arrays.values()]):
        some = names[start : start + count]
        yield some[0], {name: arrays[name] for name in some}
        start += count
