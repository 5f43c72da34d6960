"""ONNX operators on quantised tensors."""

from __future__ import annotations

from lstm_verify.formats.onnx.attributes import dtype_name
from lstm_verify.formats.onnx.conversions import constant, given, has, number, steps
from lstm_verify.graph.compute import Compute, Only, Option
from lstm_verify.graph.expand import step
from lstm_verify.graph.ir import Node
from lstm_verify.graph.translate import Entry

AXIS = {"axis": Option("axis", default=1)}
FLOAT32 = (0, 1)
"""The code of that type, and that of the scale's."""
FLOAT8 = frozenset({"saturate"})
"""What matters for float8 alone."""


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


def _gemm(node: Node) -> dict[str, Node]:
    """The same with transposes, and a bias of whole numbers; of floats where no scale of the result is given."""
    made, factors = dict[str, Node](), {}
    for place, key in (("0", "transA"), ("3", "transB")):
        factors[place] = key if node.attributes.get(key) else place
        if node.attributes.get(key):
            made[key] = step("Transpose", place)
    whole = "whole numbers"
    made[whole] = step("MatMulInteger", factors["0"], factors["3"], "2", "5")
    if has(node, 6):
        made["with bias"], whole = step("Add", whole, "6"), "with bias"
    made |= {
        "product": step("Cast", whole, to=1),
        "alpha": number(node.attributes.get("alpha", 1.0)),
        "scales": step("Mul", "1", "4"),
        "scale": step("Mul", "alpha", "scales"),
    }
    scaled = step("Mul", "product", "scale")
    if not has(node, 7):
        return {**made, "": scaled}
    return {**made, "scaled": scaled, "": step("QuantizeLinear", "scaled", "7", "8")}


def _of_two(op: str) -> Entry:
    """An operator of two quantised tensors, each with its scale and zero point, and those of the result."""
    return steps(
        lambda node: {
            "x": step("DequantizeLinear", "0", "1", "2"),
            "y": step("DequantizeLinear", "3", "4", "5"),
            "result": step(op, "x", "y"),
            "": step("QuantizeLinear", "result", "6", "7"),
        }
    )


def _type(code: int) -> str:
    return dtype_name(code) if code else "uint8"


QUANTIZE = Compute(
    "quantize",
    {**AXIS, "output_dtype": Option("dtype", _type), "block_size": Only((0,)), "precision": Only(FLOAT32)},
    FLOAT8,
)
DEQUANTIZE = steps(_dequantized, "axis", "block_size", "output_dtype")

QUANTIZED: dict[str, Entry] = {
    "QuantizeLinear": QUANTIZE,
    "DequantizeLinear": DEQUANTIZE,
    "com.microsoft.QuantizeLinear": QUANTIZE,
    "com.microsoft.DequantizeLinear": DEQUANTIZE,
    "dequantize": Compute("dequantize", {**AXIS, "block_size": Only((0,)), "output_dtype": Only(FLOAT32)}),
    "DynamicQuantizeLinear": Compute("quantize_by_range"),
    "MatMulInteger": Compute("matmul_integer"),
    "QLinearMatMul": steps(_product),
    "com.microsoft.QGemm": steps(_gemm, "alpha", "transA", "transB"),
    "com.microsoft.QLinearAdd": _of_two("Add"),
    "com.microsoft.QLinearMul": _of_two("Mul"),
}
