"""Graphs of TensorFlow 1: a frozen GraphDef (`.pb`), or a MetaGraph with its checkpoint (`model.ckpt.meta`, …).

Source: `tensorflow/core/framework/graph.proto` and `tensorflow/core/protobuf/meta_graph.proto`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lstm_verify.errors import InputError
from lstm_verify.formats.endpoints import Endpoints
from lstm_verify.formats.interface import Format
from lstm_verify.formats.weights.alone import alone
from lstm_verify.formats.weights.checkpoint import weights_in
from lstm_verify.layers.constant import Constant
from lstm_verify.model import Model, Source

CHECKPOINT_SUFFIXES = (".index", ".meta")
PROTOBUF = b"\x0a"
"""A protobuf whose first field is number 1, a message: the nodes of a GraphDef."""
TEXT = (b"node {", b"node{", b"meta_info_def")


def recognise(path: Path, magic: bytes) -> bool:
    """Whether the path is the protobuf of a graph, a checkpoint file, or a checkpoint prefix."""
    return (
        magic.startswith((PROTOBUF, *TEXT))
        or path.suffix in CHECKPOINT_SUFFIXES
        or path.suffix.startswith(".data-")
        or Path(f"{path}.index").exists()
    )


def read(path: Path, signature: str | None = None, endpoints: Endpoints | None = None) -> Model:
    """Read a model; from a checkpoint without a graph, read the tensors alone, which cannot be replayed.

    Raises:
        InputError: a tensor of `endpoints` does not exist, or cannot be reached.
        ModelFileError: the file is damaged.
        UnsupportedError: the graph has an operation that is not supported.
    """
    # a tenth of a second, in which all that builds models of graphs is imported, is spared the other formats
    from lstm_verify.formats.tensorflow.assemble import FileKind, build
    from lstm_verify.formats.tensorflow.reader import read_graph

    file = read_graph(path)
    if file.kind == "checkpoint":
        if endpoints is not None and endpoints.asked:
            raise InputError(
                "tensors of a graph are named, and this is a checkpoint without its graph (model.ckpt.meta)"
            )
        if file.objects:
            return alone(path, weights_in(file.variables or {}, file.objects))
        return weights_only(path, file.variables or {})
    kinds = {
        "graph_def": FileKind("TensorFlow GraphDef", "tf1", {"kind": "frozen"}),
        "meta_graph": FileKind("TensorFlow MetaGraph", "tf1", {"kind": "meta_graph"}),
        "saved_model": FileKind("TensorFlow SavedModel", "saved_model", {"tags": list(file.tags)}),
    }
    return build(path, file, kinds[file.kind], signature, endpoints)


def weights_only(path: Path, variables: Mapping[str, np.ndarray]) -> Model:
    """Read a checkpoint of TensorFlow 1 without a graph: tensors to inspect, but nothing to replay."""
    layers = {name: Constant(name=name, value=value.copy()) for name, value in variables.items()}
    source = Source(str(path), "TensorFlow checkpoint", "TensorFlow", "tf1", "")
    return Model(
        name=path.name, layers=layers, nodes=(), inputs=(), outputs=(), source=source, findings=(WEIGHTS_ONLY,)
    )


WEIGHTS_ONLY = (
    "A checkpoint without its graph has neither the activations nor the forget bias, which TensorFlow 1 adds at run "
    "time (1.0 unless configured otherwise); kernels are [x; h] rows, of an LSTM with the gates i, j, f, o. "
    "Put the graph beside it: model.ckpt.meta."
)

FORMAT = Format(
    "tf1",
    "a TensorFlow graph .pb or checkpoint",
    "graph is not one that TensorFlow writes",
    recognise,
    read,
    read_between=read,
)
