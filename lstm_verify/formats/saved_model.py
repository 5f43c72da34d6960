"""SavedModel: the directory that TensorFlow 1 and 2 export to, and Keras with them.

Source: `tensorflow/core/protobuf/saved_model.proto` and `meta_graph.proto`.
"""

from __future__ import annotations

from pathlib import Path

from lstm_verify.formats.endpoints import Endpoints
from lstm_verify.formats.interface import Format
from lstm_verify.model import Model

FILES = ("saved_model.pb", "saved_model.pbtxt")


def recognise(path: Path, magic: bytes) -> bool:
    """Whether the path is the directory of a SavedModel, or a file in one."""
    return path.name in FILES or any((path / name).exists() for name in FILES)


def read(path: Path, signature: str | None = None, endpoints: Endpoints | None = None) -> Model:
    """Read a model.

    Raises:
        InputError: a tensor of `endpoints` does not exist, or cannot be reached.
        ModelFileError: the file is damaged.
        UnsupportedError: the graph has an operation that is not supported.
    """
    from lstm_verify.formats.tensorflow.assemble import FileKind, build
    from lstm_verify.formats.tensorflow.reader import read_graph

    file = read_graph(path)
    return build(
        path, file, FileKind("TensorFlow SavedModel", "saved_model", {"tags": list(file.tags)}), signature, endpoints
    )


FORMAT = Format(
    "saved_model", "a SavedModel", "graph is not one that TensorFlow writes", recognise, read, read_between=read
)
