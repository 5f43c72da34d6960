"""Graphs of TensorFlow 1: a frozen GraphDef (`.pb`), or a MetaGraph with its checkpoint (`model.ckpt.meta`, …).

Source: `tensorflow/core/framework/graph.proto` and `tensorflow/core/protobuf/meta_graph.proto`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from lstm_verify.errors import InputError
from lstm_verify.formats.ends import Ends
from lstm_verify.model import Model, Source

CHECKPOINT_SUFFIXES = (".index", ".meta")
PROTOBUF = b"\x0a"
"""A protobuf whose first field is number 1, a message: the nodes of a GraphDef."""
TEXT = (b"node {", b"node{", b"meta_info_def")


def recognise(path: Path, magic: bytes) -> bool:
    """Whether it is a protobuf of a graph, a part of a checkpoint, or a checkpoint's prefix."""
    return (
        magic.startswith((PROTOBUF, *TEXT))
        or path.suffix in CHECKPOINT_SUFFIXES
        or path.suffix.startswith(".data-")
        or Path(f"{path}.index").exists()
    )


def read(path: Path, signature: str | None = None, ends: Ends | None = None) -> Model:
    """Read a model; of a checkpoint without a graph, the tensors alone, which cannot be replayed.

    Raises:
        InputError: a tensor of `ends` does not exist, or cannot be reached.
        ModelFileError: the file is damaged.
        UnsupportedError: the graph has an operation that is not supported.
    """
    # all that builds models of graphs is not needed for other formats
    from lstm_verify.formats.tensorflow.reader import read_graph
    from lstm_verify.formats.tensorflow.whole import Kind, build

    file = read_graph(path)
    if file.kind == "checkpoint":
        if ends is not None and ends.asked:
            raise InputError(
                "tensors of a graph are named, and this is a checkpoint without its graph (model.ckpt.meta)"
            )
        return weights_only(path, file.variables or {})
    kinds = {
        "graph_def": Kind("TensorFlow GraphDef", "tf1", {"kind": "frozen"}),
        "meta_graph": Kind("TensorFlow MetaGraph", "tf1", {"kind": "meta_graph"}),
        "saved_model": Kind("TensorFlow SavedModel", "saved_model", {"tags": list(file.tags)}),
    }
    return build(path, file, kinds[file.kind], signature, ends)


def weights_only(path: Path, variables: Mapping[str, np.ndarray]) -> Model:
    """A checkpoint without its graph: tensors to look at, but nothing to replay."""
    from lstm_verify.layers.constant import Constant

    layers = {name: Constant(name=name, value=value.copy()) for name, value in variables.items()}
    source = Source(str(path), "TensorFlow checkpoint", "TensorFlow", "tf1", "")
    of_objects = any(name.endswith(OBJECT) for name in variables)
    finding = OF_OBJECTS.format(root=_root(variables), prefix=_prefix(path)) if of_objects else WEIGHTS_ONLY
    return Model(name=path.name, layers=layers, nodes=(), inputs=(), outputs=(), source=source, findings=(finding,))


def _root(names: Iterable[str]) -> str:
    """What `tf.train.Checkpoint` is to be made of, so that the names are those of its variables.

    `save_weights` writes `layer_with_weights-0/kernel`, and `tf.train.Checkpoint(net=model)` puts `net/` before that.
    """
    paths = [name.removesuffix(OBJECT).split("/") for name in names]
    optimizers = {first for first, *rest in paths if rest in (["_iterations"], ["iter"])}
    objects = {first for first, *rest in paths if rest} - optimizers
    keyword = objects.pop() if len(objects) == 1 else ""
    return f"{keyword}=model" if keyword.isidentifier() and not keyword.startswith("_") else "model"


def _prefix(path: Path) -> Path:
    """What the names of a checkpoint's files begin with, if one of them is given."""
    is_part = path.suffix in CHECKPOINT_SUFFIXES or path.suffix.startswith(".data-")
    return path.with_suffix("") if is_part else path


OBJECT = "/.ATTRIBUTES/VARIABLE_VALUE"
"""How the names of variables end in a checkpoint of objects, as TensorFlow 2 writes them."""
OF_OBJECTS = (
    "A checkpoint of TensorFlow 2 holds the variables of objects, and not what is computed from them. Build the model "
    "with the Keras that it was made with, restore it, "
    "tf.train.Checkpoint({root}).read('{prefix}').assert_existing_objects_matched(), and save it whole: "
    "model.save('model.keras')."
)
WEIGHTS_ONLY = (
    "A checkpoint without its graph has neither the activations nor the forget bias, which TensorFlow 1 adds at run "
    "time (1.0 unless the cell was told otherwise); kernels are [x; h] rows, of an LSTM with the gates i, j, f, o. "
    "Put the graph beside it: model.ckpt.meta."
)
