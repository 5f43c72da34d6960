"""ONNX operators in terms of `operations`, but for those that are recurrent layers, loops or branches.

An attribute that is missing has its default. Steps that ONNX has no operator for have names in small letters, as no
operator has.

Source: the operators' text, onnx.ai/onnx/operators.
"""

from __future__ import annotations

import numpy as np

from lstm_verify.formats.onnx.conversions import constant, explicit, given, has, number, pairs, some, steps, whole
from lstm_verify.formats.onnx.elementwise import ELEMENTWISE
from lstm_verify.formats.onnx.making import AXIS_0, FROM_END, MAKING, PLACES
from lstm_verify.formats.onnx.networks import NETWORKS
from lstm_verify.formats.onnx.quantized import QUANTIZED
from lstm_verify.graph.compute import Argument, Compute, Only, Option
from lstm_verify.graph.expand import step
from lstm_verify.graph.ir import Node
from lstm_verify.graph.translate import Entry, Same, Since
from lstm_verify.operations.reductions import axes_of

AXES = Option("axis", axes_of)
KEEP = {"keepdims": Option("keepdims", default=1)}


def _fused(node: Node) -> dict[str, Node]:
    alpha, product = node.attributes.get("alpha", 1.0), step("matmul", "0", "1", **given(node, "alpha"))
    if alpha == 1:
        return {"": product}
    return {"product": product, "alpha": number(alpha), "": step("Mul", "alpha", "product")}


def _gemm(node: Node) -> dict[str, Node]:
    product = step("com.microsoft.FusedMatMul", "0", "1", **given(node, "beta"))
    beta = node.attributes.get("beta", 1.0)
    if not has(node, 2) or beta == 0:
        return {"": product}
    if beta == 1:
        return {"product": product, "": step("Add", "product", "2")}
    scaled = {"beta": number(beta), "scaled": step("Mul", "beta", "2")}
    return {"product": product, **scaled, "": step("Add", "product", "scaled")}


LINEAR: dict[str, Entry | Since] = {
    "MatMul": Compute("matmul"),
    "matmul": Compute(
        "matmul",
        {
            "transA": Option("transpose_x", bool),
            "transB": Option("transpose_y", bool),
            "transBatchA": Only((0,)),
            "transBatchB": Only((0,)),
        },
    ),
    "Gemm": steps(_gemm, "alpha", "beta", "transA", "transB"),
    "com.microsoft.FusedMatMul": steps(_fused, "alpha", "transA", "transB", "transBatchA", "transBatchB"),
    "Einsum": Compute("einsum", {"equation": Option("equation", explicit)}),
    **{
        op: Compute(
            op.lower(),
            {"exclusive": Option("exclusive", bool), "reverse": Option("reverse", bool)},
            keywords={1: Option("axis", whole)},
        )
        for op in ("CumSum", "CumProd")
    },
}


def _reduction(operation: str, axes_are_input: int = 18) -> Since:
    """A reduction, and since when its axes are an input."""
    return Since(
        {
            1: Compute(operation, {"axes": AXES, **KEEP}, options={"empty_is_all": True}),
            axes_are_input: Compute(
                operation,
                {"noop_with_empty_axes": Option("empty_is_all", lambda noop: not noop, default=0), **KEEP},
                keywords={1: AXES},
            ),
        }
    )


def _place(operation: str) -> Compute:
    attributes = {"axis": Option("axis", default=0), "select_last_index": Option("last", bool), **KEEP}
    return Compute(operation, attributes)


REDUCTIONS: dict[str, Entry | Since] = {
    "ReduceSum": _reduction("sum", 13),
    "ReduceMean": _reduction("mean"),
    "ReduceMax": _reduction("max"),
    "ReduceMin": _reduction("min"),
    "ReduceProd": _reduction("prod"),
    "ReduceL1": _reduction("l1_norm"),
    "ReduceL2": _reduction("l2_norm"),
    "ReduceLogSum": _reduction("log_sum"),
    "ReduceLogSumExp": _reduction("log_sum_exp"),
    "ReduceSumSquare": _reduction("sum_of_squares"),
    "ArgMax": _place("argmax"),
    "ArgMin": _place("argmin"),
    "TopK": Since(
        {
            1: Compute("top_k", {"k": Argument(1), "axis": Option("axis", default=-1)}, options=PLACES),
            10: Compute("top_k", {"axis": Option("axis", default=-1)}, options=PLACES),
            11: Compute(
                "top_k",
                {
                    "axis": Option("axis", default=-1),
                    "largest": Option("is_largest", bool, default=1),
                    # the order of those that are not sorted is left to the runtime
                    "sorted": Only((1,)),
                },
                options=PLACES,
            ),
        }
    ),
}


def _axes(operation: str, axes: Option = AXES) -> Since:
    """An operation with its axes as an attribute, and since 13 as an input."""
    return Since({1: Compute(operation, {"axes": axes}), 13: Compute(operation, keywords={1: axes})})


def _split_by_attribute(node: Node) -> dict[str, Node]:
    if node.attributes.get("split"):
        sizes = constant(np.asarray(node.attributes["split"], np.int64))
        return {"sizes": sizes, "": step("split_sizes", "0", "sizes", **given(node, "split", "_outputs"))}
    return {"": step("split_evenly", "0", **given(node))}


def _split_by_input(node: Node) -> dict[str, Node]:
    if has(node, 1):
        return {"": step("split_sizes", "0", "1", **given(node, "num_outputs", "_outputs"))}
    parts = node.attributes.get("num_outputs", node.attributes.get("_outputs"))
    return {"": step("split_evenly", "0", **{**given(node, "num_outputs"), "_outputs": parts})}


def _padded(node: Node) -> dict[str, Node]:
    return {
        "sides": constant(np.asarray([2, -1])),
        "before and after": step("Reshape", "1", "sides"),
        "widths": step("Transpose", "before and after"),
        "": step("pad_axes", "0", "widths", "2", "3", **given(node)),
    }


MODE = {"mode": Option("mode", {mode: mode for mode in ("constant", "reflect", "edge", "wrap")}.__getitem__)}
BLOCKS = {
    "blocksize": Option("block"),
    "mode": Option("depth_first", {"DCR": False, "CRD": True}.__getitem__),
}

SHAPES: dict[str, Entry | Since] = {
    "Identity": Same(),
    "Shape": Compute("shape", {"start": Option("start"), "end": Option("stop")}, options=PLACES),
    "Size": Compute("size", options=PLACES),
    "Reshape": Since(
        {
            1: Compute("reshape_to", {"shape": Argument(1)}, options={"zero_keeps": True}),
            5: Compute("reshape_to", {"allowzero": Option("zero_keeps", lambda allowed: not allowed, default=0)}),
        }
    ),
    "Flatten": Compute("flatten", {"axis": Option("axis", default=1)}),
    "Squeeze": _axes("squeeze", Option("axis", some)),
    "Unsqueeze": _axes("expand_dims"),
    "Transpose": Compute("transpose", {"perm": Option("axes", axes_of)}),
    "Concat": Compute("concatenate", {"axis": Option("axis", default=1)}),
    "Split": Since({1: steps(_split_by_attribute, "axis", "split"), 13: steps(_split_by_input, "axis", "num_outputs")}),
    "split_sizes": Compute("split_sizes", AXIS_0),
    "split_evenly": Compute("split_evenly", {"_outputs": Option("parts"), **AXIS_0}),
    "Expand": Compute("expand"),
    "Tile": Compute("tile"),
    "Pad": Since(
        {
            1: Compute("pad_axes", {"pads": Argument(1, pairs), "value": Argument(2, default=0.0), **MODE}),
            11: steps(_padded, "mode"),
        }
    ),
    "pad_axes": Compute("pad_axes", MODE),
    "ReverseSequence": Compute(
        "reverse_sequence", {"time_axis": Option("axis", default=0), "batch_axis": Option("batch_axis", default=1)}
    ),
    "DepthToSpace": Compute("depth_to_space", BLOCKS),
    "SpaceToDepth": Compute("space_to_depth", BLOCKS),
}

REDUCED = {"reduction": Option("reduction", {name: name for name in ("none", "add", "mul", "max", "min")}.__getitem__)}

SELECTION: dict[str, Entry | Since] = {
    "Slice": Since(
        {
            1: Compute("slices_of_axes", {"starts": Argument(1), "ends": Argument(2), "axes": Argument(3)}),
            10: Compute("slices_of_axes"),
        }
    ),
    "Gather": Compute("gather", AXIS_0, options=FROM_END),
    "GatherElements": Compute("take_along_axis", AXIS_0),
    "GatherND": Compute("gather_nd", {"batch_dims": Option("batch_dims")}, options=FROM_END),
    "Scatter": Compute("put_along_axis", AXIS_0),
    "ScatterElements": Compute("put_along_axis", {**AXIS_0, **REDUCED}),
    "ScatterND": Compute("scatter_update", REDUCED, options=FROM_END),
    "Compress": Compute("compress", {"axis": Option("axis")}),
    "NonZero": Compute("nonzero"),
    "Trilu": Compute("triangle", {"upper": Option("upper", bool)}),
}


RULES: dict[str, Entry | Since] = {
    **ELEMENTWISE,
    **LINEAR,
    **REDUCTIONS,
    **SHAPES,
    **SELECTION,
    **MAKING,
    **NETWORKS,
    **QUANTIZED,
}
