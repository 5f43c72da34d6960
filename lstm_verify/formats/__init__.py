"""File formats: each is a module with a `FORMAT` (`interface.py`). To add one, write it and list it in `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from lstm_verify.errors import InputError, LstmVerifyError, ModelFileError, let_mistakes_through
from lstm_verify.formats import keras_h5, keras_zip, onnx_file, saved_model, tf1
from lstm_verify.formats.endpoints import Endpoints
from lstm_verify.formats.interface import Format
from lstm_verify.formats.weights import files as weights
from lstm_verify.model import Model

FORMATS: tuple[Format, ...] = (
    weights.FORMAT,
    keras_h5.FORMAT,
    keras_zip.FORMAT,
    saved_model.FORMAT,
    onnx_file.FORMAT,
    tf1.FORMAT,
)
"""The first that recognises a file reads it."""

MALFORMED = (TypeError, AttributeError, LookupError, ValueError, ArithmeticError, RecursionError)
"""What comes of a config or a graph in which a list stands where a number should, and the like."""

OWN_ENDS = "this is a Keras model, whose inputs and outputs its config names. Leave it out"


def load(path: str | Path, *, endpoints: Endpoints | None = None, architecture: str | Path | None = None) -> Model:
    """Read a model from its file, without the framework that wrote it; nothing in the file is executed.

    Args:
        path: a Keras `.h5` or `.keras` file, a SavedModel's directory, a frozen TensorFlow graph, the prefix of a
            checkpoint with its graph, or an ONNX file; the format is recognised by content. Of a file that holds
            weights only, the model has tensors to look at, and cannot be replayed, unless there is an architecture.
        endpoints: a signature of a TensorFlow file, or which tensors of a graph are its inputs and outputs; None for
            its own.
        architecture: a file with the config of the model, if that at `path` is there for its weights only: the JSON of
            `model.to_json()`, or a `.keras` or `.h5` file of the same model, whose own weights are not used.

    Raises:
        InputError: a tensor does not exist, or cannot be fed or fetched in this file.
        ModelFileError: the file is missing, damaged, or no model.
        UnsupportedError: the model has something that is not supported; the message names it.

    Example:
        >>> load("fixtures/origin_tanh_sigmoid.keras3.h5").source.writer
        'Keras 3.15.1'
    """
    path = Path(path)
    magic, signature = _magic(path), endpoints.signature if endpoints else None
    if architecture is not None:
        _refuse_ends(path, signature, endpoints)
        where = f"{path} with the architecture {architecture}"
        return _read(weights.FORMAT, partial(weights.read_with, Path(architecture), path, magic), where)
    format_ = recognised(path, magic)
    if format_ is None:
        what = "a directory without saved_model.pb" if path.is_dir() else "not a known kind of model file"
        raise ModelFileError(f"{path}: {what}, expected {', '.join(known.title for known in FORMATS)}")
    if format_.read_between is not None:
        return _read(format_, partial(format_.read_between, path, signature, endpoints), path)
    _refuse_ends(path, signature, endpoints)
    return _read(format_, partial(format_.read, path), path)


def recognised(path: Path, magic: bytes) -> Format | None:
    """Return the format of a file, by its path and first bytes; None if it is unknown."""
    return next((format_ for format_ in FORMATS if format_.recognise(path, magic)), None)


def runtime_of(path: Path) -> str:
    """The runtime of a file, as far as its format tells; empty if that does not."""
    try:
        found = recognised(path, _magic(path))
    except ModelFileError:
        return ""
    return found.runtime if found else ""


def _refuse_ends(path: Path, signature: str | None, endpoints: Endpoints | None) -> None:
    """Refuse what can be asked for in graphs only."""
    if signature is not None:
        raise InputError(f"{path}: --signature {signature}: this format has no signatures. Leave it out")
    if endpoints is not None and endpoints.asked:
        raise InputError(
            f"{path}: tensor '{endpoints.asked[0]}': tensors can be named in TensorFlow and ONNX graphs; {OWN_ENDS}"
        )


def _magic(path: Path) -> bytes:
    """The first bytes of a file; none of a directory, or of a checkpoint that is several files."""
    if path.is_dir() or Path(f"{path}.index").exists():
        return b""
    try:
        with path.open("rb") as file:
            return file.read(16)
    except OSError as error:
        way_out = "No file fits this pattern" if set("*?[") & set(str(path)) else "Is the path right?"
        raise ModelFileError(f"{path}: cannot be read ({error.strerror}). {way_out}") from None


def _read(format_: Format, read: Callable[[], Model], where: object) -> Model:
    try:
        return read()
    except LstmVerifyError as error:
        raise type(error)(f"{where}: {error}") from error.__cause__
    except MALFORMED as error:
        let_mistakes_through(error)
        found = f"{type(error).__name__}: {error}"
        raise ModelFileError(f"{where}: its {format_.expected} ({found}). Is the file complete?") from error
