"""ONNX operators of quantised numbers."""

from __future__ import annotations

from lstm_verify.formats.onnx.attributes import dtype_name
from lstm_verify.formats.onnx.conversions import constant, given, steps
from lstm_verify.graph.compute import Compute, Only, Option
from lstm_verify.graph.expand import step
from lstm_verify.graph.ir import Node
from lstm_verify.graph.translate import Entry

AXIS = {"axis": Option("axis", default=1)}
# 0 is the type of the zero point, and 1 float32
FLOAT8 = frozenset({"saturate"})


def _dequantized(node: Node) -> dict[str, Node]:
    """A scale that is a vector, and no lone number, is one whose product counts as rounded."""
    return {
        "whole": constant([-1]),
        "scales": step("Reshape", "1", "whole"),
        "": step("dequantize", "0", "scales", "2", **given(node)),
    }


def _product(node: Node) -> dict[str, Node]:
    """Of x, its scale and zero point, those of y, and the scale and zero point of the result."""
    return {
        "whole numbers": step("MatMulInteger", "0", "3", "2", "5"),
        "product": step("Cast", "whole numbers", to=1),
        "scale": step("Mul", "1", "4"),
        "scaled": step("Mul", "product", "scale"),
        "": step("QuantizeLinear", "scaled", "6", "7"),
    }


def _type(code: int) -> str:
    return dtype_name(code) if code else "uint8"


QUANTIZE = Compute(
    "quantize",
    {**AXIS, "output_dtype": Option("dtype", _type), "block_size": Only((0,)), "precision": Only((0, 1))},
    FLOAT8,
)
DEQUANTIZE = steps(_dequantized, "axis", "block_size", "output_dtype")

QUANTIZED: dict[str, Entry] = {
    "QuantizeLinear": QUANTIZE,
    "DequantizeLinear": DEQUANTIZE,
    "com.microsoft.QuantizeLinear": QUANTIZE,
    "com.microsoft.DequantizeLinear": DEQUANTIZE,
    "dequantize": Compute("dequantize", {**AXIS, "block_size": Only((0,)), "output_dtype": Only((0, 1))}),
    "DynamicQuantizeLinear": Compute("quantize_by_range"),
    "MatMulInteger": Compute("matmul_integer"),
    "QLinearMatMul": steps(_product),
}
