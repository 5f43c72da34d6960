"""ONNX's operator table: how each operator is translated, in the opset of a file."""

from __future__ import annotations

from typing import Any

from lstm_verify.formats.onnx import dynamic_lstm, loops
from lstm_verify.formats.onnx.dtypes import KEY
from lstm_verify.formats.onnx.operations import RULES
from lstm_verify.formats.onnx.recurrent import RECURRENT
from lstm_verify.graph.ir import Node
from lstm_verify.graph.translate import Entry, Fixed, If, Refused, Same, Since, Table, at_version

OLDEST = 7
"""The first version in which operators broadcast as NumPy does."""

ENTRIES: dict[str, Entry | Since] = {
    **RULES,
    **RECURRENT,
    **loops.ENTRIES,
    **dynamic_lstm.ENTRIES,
    "Constant": Fixed(lambda node: node.attributes.get("value")),
    "Identity": Same(),
    "If": If("then_branch", "else_branch"),
    # as it is written in files, not in ONNX
    "Erfc": Refused(
        "tf2onnx writes Erfc for an exact gelu, but ONNX has no such operator and no runtime runs it. "
        "Export from Keras with the torch backend, or verify the Keras file instead"
    ),
}


def table_of(opset: int) -> Table:
    """Return the table for an opset."""
    return Table(at_version(ENTRIES, opset), compute_dtype=_compute_dtype)


def _compute_dtype(node: Node) -> str:
    """The float type that a node computes in; nothing if it computes with none."""
    dtype: Any = node.attributes.get(KEY, "")
    return str(dtype)
