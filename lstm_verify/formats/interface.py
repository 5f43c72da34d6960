"""The interface of a file format: how its files are recognised, and how a model is read from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lstm_verify.formats.endpoints import Endpoints
from lstm_verify.model import Model


@dataclass(frozen=True)
class Format:
    """One file format.

    Example:
        >>> def recognise(path: Path, magic: bytes) -> bool:
        ...     return magic.startswith(b"TINY")
        >>> def read(path: Path) -> Model:
        ...     return Model(name=path.name, layers={}, nodes=(), inputs=(), outputs=())
        >>> tiny = Format("tiny", "a .tiny file", "config is not one that anybody writes", recognise, read)
        >>> tiny.recognise(Path("model.tiny"), b"TINY 1.0")
        True
    """

    name: str
    """Such as `keras_h5`."""
    title: str
    """What its files are, for people."""
    expected: str
    """What a file is not as it should be in, if no sense can be made of it: `config is not one that Keras writes`."""
    recognise: Callable[[Path, bytes], bool]
    """Whether a file is of this format, by its path and first bytes; a directory has none."""
    read: Callable[[Path], Model]
    """Read a model; raises `ModelFileError` and `UnsupportedError`, the path of the file left out."""
    runtime: str = ""
    """The runtime of all its files, which may be started while they are read; empty if that depends on the file."""
    read_between: Callable[[Path, str | None, Endpoints | None], Model] | None = None
    """Read a model that is called by a certain signature, or between certain tensors, the others being as the file
    says; None if its files have one way only."""
