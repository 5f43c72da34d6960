"""TensorFlow's operation table: how each operation is translated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.tensorflow.attributes import FLOATS, IGNORED
from lstm_verify.formats.tensorflow.graph_file import Array
from lstm_verify.formats.tensorflow.operations import RULES
from lstm_verify.formats.tensorflow.v1_loops import SWITCH
from lstm_verify.formats.tensorflow.variables import HANDLES, Key, initial_value
from lstm_verify.graph.ir import Graph, Node
from lstm_verify.graph.translate import (
    Assign,
    Entry,
    Fixed,
    If,
    Refused,
    RefusedEffect,
    Same,
    Table,
    Variable,
    While,
)

HANDING_ON = (
    "Identity",
    "ReadVariableOp",
    "StopGradient",
    "PreventGradient",
    "Snapshot",
    "EnsureShape",
    "CheckNumerics",
    "PlaceholderWithDefault",
    "PlaceholderV2",
    "RefIdentity",
    *SWITCH,
)
"""Operations whose outputs are all their first input as it is."""
UPDATES = {"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "Assign", "AssignAdd", "AssignSub"}
WITHOUT_EFFECT = {"Assert", "NoOp", "Print", "PrintV2", "StringFormat"}
"""Operations that compute nothing, for which others only wait."""
OUTSIDE = {
    "ReadFile",
    "WriteFile",
    "MatchingFiles",
    "Save",
    "SaveSlices",
    "SaveV2",
    "MergeV2Checkpoints",
    "PyFunc",
    "PyFuncStateless",
    "EagerPyFunc",
}
"""Operations that reach files or run code; no result need depend on one for TensorFlow to run it."""
ON_GPUS_ALONE = ("CudnnRNN", "CudnnRNNV2", "CudnnRNNV3")
"""Whole layers in one operation, with weights in an order that only cuDNN knows."""

ENTRIES: dict[str, Entry] = {
    **RULES,
    **dict.fromkeys(HANDING_ON, Same()),
    "IdentityN": Same(each=True),
    "Const": Fixed(lambda node: node.attributes.get("value")),
    # a value that may be there, kept for gradients; no operation that takes one is supported
    **dict.fromkeys(("OptionalFromValue", "OptionalNone"), Fixed(lambda node: np.zeros((), np.int32))),
    "AssignVariableOp": Assign(),
    **{
        op: RefusedEffect(f"operation {op} changes a variable while the model runs")
        for op in sorted(UPDATES - {"AssignVariableOp"})
    },
    **dict.fromkeys(("While", "StatelessWhile"), While("cond", "body")),
    **dict.fromkeys(("If", "StatelessIf"), If("then_branch", "else_branch")),
    "Placeholder": Refused(
        "this placeholder is needed but is not an input of this signature. Name another signature, or other outputs",
        ModelFileError,
    ),
    **{
        op: Refused(
            f"operation {op} is not supported: it runs on GPUs alone, on weights in an order of cuDNN's own. Save the "
            "model with layers that a CPU runs too: Keras reads the weights of a CuDNNLSTM into an LSTM, TensorFlow 1 "
            "those of a CudnnLSTM into CudnnCompatibleLSTMCells"
        )
        for op in ON_GPUS_ALONE
    },
}


def table_of(keys: Mapping[str, Key], values: Mapping[str, Array] | None) -> Table:
    """Return the table for the graphs of one file.

    Args:
        keys: the checkpoint's key of each variable.
        values: the tensors of the checkpoint; None if there is none.
    """
    variable = Variable(lambda node: initial_value(node, keys, values))
    return Table({**ENTRIES, **dict.fromkeys(HANDLES, variable)}, IGNORED, _is_foreign, _compute_dtype)


def _is_foreign(value: Any) -> bool:
    """Whether it is a dtype that nothing here computes with."""
    return isinstance(value, str) and (value in ("string", "complex64", "complex128") or value[:4] in ("qint", "quin"))


def _compute_dtype(node: Node) -> str:
    dtype = node.attributes.get("T")
    return dtype if isinstance(dtype, str) and dtype in FLOATS else ""


def refuse_outside(graph: Graph) -> None:
    """Refuse operations with side effects outside the graph.

    Raises:
        UnsupportedError: a node touches files or runs code.
    """
    for node in graph.nodes.values():
        if node.op in OUTSIDE:
            raise UnsupportedError(
                f"node '{node.name}': operation {node.op} accesses files or runs code, which no model needs. "
                "Do not run this graph unless you trust its author"
            )
