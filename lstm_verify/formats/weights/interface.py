"""The interface of a weight file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from lstm_verify.formats.keras.config import Config
from lstm_verify.formats.keras.registry import Arrays
from lstm_verify.layers import Array

Found = TypeVar("Found")
Together = Iterable[tuple[str, Mapping[str, Array]]]


@dataclass(frozen=True)
class Weights:
    """The weights in a file, as long as it is open."""

    format: str
    """The form in words, such as `Keras weights (HDF5)`."""
    suffix: str
    """What a framework wants at the end of the file's name to load it; empty where any name will do."""
    of_model: Callable[[Config], Arrays]
    """Reads the variables of the model that a config describes: all of them, and nothing else may be in the file."""
    tensors: Callable[[], Together]
    """Reads every tensor: what lies together, a layer for the most part, by the name of the place and then its own."""
