"""Weight files: combined with a config from another file they become a model; alone they can only be inspected."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path

from lstm_verify.errors import ModelFileError
from lstm_verify.formats.architecture import Architecture, read_architecture
from lstm_verify.formats.interface import Format
from lstm_verify.formats.keras.assemble import read_whole
from lstm_verify.formats.weights import archive, checkpoint, hdf5, npz, shards
from lstm_verify.formats.weights.alone import alone
from lstm_verify.formats.weights.interface import Weights
from lstm_verify.model import Model

FORMS = (hdf5, archive, npz, shards, checkpoint)
EXPECTED = (
    "expected .weights.h5 or .h5 of save_weights, a checkpoint of TensorFlow 2, .npz of get_weights(), or a .keras or "
    ".h5 file with weights"
)


def recognise(path: Path, magic: bytes) -> bool:
    """Whether the file holds weights, and no model that another format would read."""
    return npz.recognise(path, magic) or shards.recognise(path, magic) or (path.is_dir() and _is_checkpoint(path))


def _is_checkpoint(path: Path) -> bool:
    return checkpoint.recognise(path, b"") and not any(path.glob("saved_model.pb*"))


def read(path: Path) -> Model:
    """Read the tensors alone, which cannot be replayed.

    Raises:
        ModelFileError: the file is damaged.
    """
    form = next(form for form in FORMS if form.recognise(path, _start(path)))
    model: Model = form.use(path, partial(alone, path))
    return model


def read_with(architecture: Path, path: Path, magic: bytes) -> Model:
    """Read a model whose config is in another file.

    Args:
        architecture: the file with the config; its own weights, if it has some, are not used.
        path: the file with the weights; its own config, if it has one, is not used.
        magic: the first bytes of that.

    Raises:
        ModelFileError: a file is damaged, or the two do not belong together.
        UnsupportedError: the model has something that is not supported.
    """
    config = read_architecture(architecture)
    for form in FORMS:
        if form.recognise(path, magic):
            model: Model = form.use(path, partial(_joined, path, config))
            return model
    raise ModelFileError(f"no file of weights that an architecture could be given for, {EXPECTED}")


def _joined(path: Path, config: Architecture, weights: Weights) -> Model:
    words = f"{weights.format} in the architecture of {config.path}"
    model = read_whole(path, words, weights.suffix, config.entry, config.version, weights.of_model)
    assert model.source is not None
    return dataclasses.replace(model, source=dataclasses.replace(model.source, writer=config.writer))


def _start(path: Path) -> bytes:
    if path.is_dir():
        return b""
    with path.open("rb") as file:
        return file.read(16)


FORMAT = Format("weights", "weights of Keras", "config is not one that Keras writes", recognise, read)
