"""Weights in a Keras archive (`.keras`) that is used without its config."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lstm_verify.formats import keras_zip
from lstm_verify.formats.weights.hdf5 import by_path
from lstm_verify.formats.weights.interface import Found, Weights
from lstm_verify.formats.zip_archive import names_in


def recognise(path: Path, magic: bytes) -> bool:
    """Whether the file is a zip archive with a weights file of Keras."""
    return keras_zip.recognise(path, magic) and keras_zip.PARTS[2] in names_in(path, magic)


def use(path: Path, with_weights: Callable[[Weights], Found]) -> Found:
    """Open the weights and apply a function to them."""
    with keras_zip.opened(path) as (_, _, place):
        return keras_zip.use_weights(place, lambda file: with_weights(by_path(file, ".keras")))
