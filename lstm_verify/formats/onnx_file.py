"""ONNX: the exchange format for models, with LSTM, GRU and RNN as operators.

Source: `onnx/onnx.proto`, and the operators' text, onnx.ai/onnx/operators.
"""

from __future__ import annotations

from pathlib import Path

from lstm_verify.formats.endpoints import Endpoints
from lstm_verify.formats.interface import Format
from lstm_verify.model import Model

OLDEST_IR = 3
"""The first version of the protobuf that anybody has; a SavedModel begins with a 1 in its place."""


def recognise(path: Path, magic: bytes) -> bool:
    """Whether a file begins with the version of ONNX's protobuf, or is called so."""
    return (magic[:1] == b"\x08" and OLDEST_IR <= magic[1] < 0x80) or path.suffix == ".onnx"


def read(path: Path, signature: str | None = None, endpoints: Endpoints | None = None) -> Model:
    """Read a model.

    Raises:
        InputError: a tensor of `endpoints` does not exist, or a signature is asked for.
        ModelFileError: the file is damaged.
        UnsupportedError: the graph has an operator that is not supported, or `onnx` is not installed.
    """
    # a tenth of a second, in which all that builds models of graphs is imported, is spared the other formats
    from lstm_verify.formats.onnx.assemble import build
    from lstm_verify.formats.onnx.reader import read_graph

    return build(path, read_graph(path), endpoints)


FORMAT = Format(
    "onnx", "an ONNX file", "graph is not one that ONNX allows", recognise, read, "onnxruntime", read_between=read
)
