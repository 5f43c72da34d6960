"""File formats: each a module with `recognise` and `read`. A new one is its file and a line in `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lstm_verify.errors import LstmVerifyError, ModelFileError
from lstm_verify.formats import keras_h5, keras_zip
from lstm_verify.model import Model

FORMATS = (keras_h5, keras_zip)

NOT_WRITTEN_BY_KERAS = (TypeError, AttributeError, LookupError, ValueError, ArithmeticError, RecursionError)
"""What comes of a config in which a list stands where a number should, and the like."""


def load(path: str | Path) -> Model:
    """Read a model from its file, without the framework that wrote it; nothing in the file is executed.

    Args:
        path: a Keras `.h5` or `.keras` file; the format is recognised by content.

    Raises:
        ModelFileError: the file is missing, damaged, or no model.
        UnsupportedError: the model has something that is not supported; the message names it.

    Example:
        >>> load("fixtures/origin_tanh_sigmoid.keras3.h5").source.writer
        'Keras 3.15.1'
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise ModelFileError(f"{path}: a directory, expected a .h5 or .keras file")
        with path.open("rb") as file:
            magic = file.read(16)
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror}). Is the path right?") from None
    for module in FORMATS:
        if module.recognise(path, magic):
            return _read(module.read, path)
    raise ModelFileError(f"{path}: not a model file that is known here, expected Keras .h5 or .keras")


def _read(read: Callable[[Path], Model], path: Path) -> Model:
    try:
        return read(path)
    except LstmVerifyError as error:
        raise type(error)(f"{path}: {error}") from error.__cause__
    except NOT_WRITTEN_BY_KERAS as error:
        reason = f"{type(error).__name__}: {error}"
        raise ModelFileError(
            f"{path}: its config is not one that Keras writes ({reason}). Is the file whole?"
        ) from error
