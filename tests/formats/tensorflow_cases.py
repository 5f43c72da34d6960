"""What the operations of TensorFlow are tried on: small programs of operations, for two machines to run.

A program is a list of steps; an input is an array, the output of an earlier step (`Ref`), or a list of these where the
operation takes one. What the last step returns is compared.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Ref(NamedTuple):
    """An output of an earlier step."""

    step: int
    output: int = 0


class Resource(NamedTuple):
    """A variable with this value."""

    value: Array


class Step(NamedTuple):
    """An operation with its inputs and attributes."""

    op: str
    inputs: tuple[Any, ...]
    attributes: dict[str, Any]


CASES: dict[str, list[Step]] = {}


def step(op: str, *inputs: Any, **attributes: Any) -> Step:
    return Step(op, inputs, attributes)


def case(op: str, *inputs: Any, **attributes: Any) -> None:
    program(step(op, *inputs, **attributes))


def program(*steps: Step) -> None:
    name = steps[-1].op
    number = sum(key.split("-")[0] == name for key in CASES)
    CASES[f"{name}-{number}"] = list(steps)


def f(*shape: int, seed: int = 0, low: float = -2.0, high: float = 2.0) -> Array:
    """Floats of a shape."""
    return np.random.default_rng([7, seed, *shape]).uniform(low, high, shape).astype(np.float32)


def i(*values: Any) -> Array:
    """A vector of integers."""
    return np.array(values, np.int32)


def n(value: Any) -> Array:
    """A lone integer."""
    return np.array(value, np.int32)


def b(*shape: int, seed: int = 0) -> Array:
    """Truth values of a shape."""
    return f(*shape, seed=seed) > 0


ANY, POSITIVE, UNIT = f(3, 4), f(3, 4, low=0.1), f(3, 4, low=-0.9, high=0.9)
WHOLE, DIVISOR = i(-7, 7, -8, 8, 0, 5, -5), i(2, -2, 3, -3, 4, 5, 5)
INTS = np.array([[3, -1, 4, -1], [5, 9, -2, 6]], np.int32)
HALVES = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.3, -0.7], np.float32)

# ------------------------------------------------------------------------------------------------ element by element

for op in ("Add", "AddV2", "Sub", "Mul", "Maximum", "Minimum", "SquaredDifference"):
    case(op, f(3, 4), f(4, seed=1))
    case(op, WHOLE, DIVISOR)
    case(op, n(3), n(-4))
for op in ("RealDiv", "Div", "FloorDiv", "FloorMod", "Mod", "TruncateMod", "DivNoNan", "MulNoNan", "Atan2"):
    case(op, f(3, 4), f(4, seed=1))
for op in ("Div", "TruncateDiv", "FloorDiv", "FloorMod", "Mod", "TruncateMod"):
    case(op, WHOLE, DIVISOR)
    case(op, n(-7), n(2))
case("DivNoNan", f(3), np.array([0.0, 2.0, 0.0], np.float32))
case("MulNoNan", np.array([np.inf, 2.0, np.nan], np.float32), np.array([0.0, 2.0, 0.0], np.float32))
case("Pow", POSITIVE, f(4, seed=1))
case("Pow", INTS, n(3))
case("AddN", [f(3, 4), f(3, 4, seed=1), f(3, 4, seed=2)])
case("AddN", [f(3, 4)])
case("AccumulateNV2", [f(3, 4), f(3, 4, seed=1)], shape=[3, 4])
case("BiasAdd", f(2, 3, 5), f(5, seed=1))
case("BiasAdd", f(2, 5, 3, 2), f(5, seed=1), data_format="NCHW")
case("BiasAddV1", f(2, 3, 5), f(5, seed=1))
case("ClipByValue", ANY, np.float32(-0.5), np.float32(0.7))

for op in ("Neg", "Abs", "Sign", "Square", "Reciprocal", "Inv", "Exp", "Expm1", "Sin", "Cos", "Tan", "Atan", "Sinh"):
    case(op, ANY)
for op in ("Cosh", "Tanh", "Asinh", "Floor", "Ceil", "Erf", "Erfc", "Sigmoid", "Relu", "Elu", "Selu", "Softplus"):
    case(op, 4 * ANY)
for op in ("Softsign", "Softmax", "LogSoftmax", "LeakyRelu", "IsNan", "IsInf", "IsFinite"):
    case(op, 4 * ANY)
for op in ("Sqrt", "Rsqrt", "Log", "Log1p"):
    case(op, POSITIVE)
for op in ("Asin", "Acos", "Atanh"):
    case(op, UNIT)
case("Acosh", POSITIVE + 1)
case("Relu6", 5 * ANY)
case("LeakyRelu", ANY, alpha=0.3)
for op in ("Neg", "Abs", "Sign", "Square", "Relu", "OnesLike", "ZerosLike", "Identity"):
    case(op, INTS)
for op in ("Round", "Rint"):
    case(op, HALVES)
SPECIAL = np.array([np.nan, np.inf, -np.inf, 1.0], np.float32)
for op in ("IsNan", "IsInf", "IsFinite"):
    case(op, SPECIAL)
for op in ("Identity", "StopGradient", "Snapshot", "OnesLike", "ZerosLike"):
    case(op, ANY)
case("PreventGradient", ANY, message="no")
case("CheckNumerics", ANY, message="no")
case("EnsureShape", ANY, shape=[None, 4])
case("PlaceholderWithDefault", ANY, shape=[None, 4])
case("IdentityN", [ANY, INTS])
case("IdentityN", [ANY])

# ------------------------------------------------------------------------------------------------- logic and choices

for op in ("Less", "LessEqual", "Greater", "GreaterEqual", "Equal", "NotEqual"):
    case(op, INTS, INTS[:, ::-1].copy())
    case(op, f(3, 4), f(4, seed=1))
for op in ("Equal", "NotEqual"):
    case(op, i(1, 2), i(1, 2, 3), incompatible_shape_error=False)
    case(op, i(1, 2), i(1), incompatible_shape_error=False)
    case(op, b(3, 4), b(3, 4, seed=1))
for op in ("LogicalAnd", "LogicalOr"):
    case(op, b(3, 4), b(4, seed=1))
case("LogicalNot", b(3, 4))
for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
    case(op, WHOLE, DIVISOR)
case("Invert", WHOLE)
case("Select", b(3), f(3, 4), f(3, 4, seed=1))
case("Select", b(3, 4), f(3, 4), f(3, 4, seed=1))
case("Select", np.array(True), f(3, 4), f(3, 4, seed=1))
case("SelectV2", b(3, 1), f(3, 4), f(4, seed=1))
case("SelectV2", b(4), WHOLE[:4], n(0))
case("Where", b(3, 4))
case("Cast", 3 * f(3, 4), DstT="int32")
case("Cast", INTS, DstT="float32")
case("Cast", INTS, DstT="bool")
case("Cast", b(3, 4), DstT="float32")
case("Cast", INTS, DstT="int64")

# ----------------------------------------------------------------------------------------- products and reductions

case("MatMul", f(3, 4), f(4, 5))
case("MatMul", f(4, 3), f(5, 4), transpose_a=True, transpose_b=True)
case("MatMul", INTS, INTS, transpose_b=True)
for op in ("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"):
    attributes = {"Tout": "float32"} if op == "BatchMatMulV3" else {}
    case(op, f(2, 3, 4), f(2, 4, 5), **attributes)
    case(op, f(2, 4, 3), f(2, 5, 4), adj_x=True, adj_y=True, **attributes)
case("BatchMatMulV2", f(2, 1, 3, 4), f(5, 4, 6))
case("Einsum", [f(2, 3, 4), f(4, 5)], equation="abc,cd->abd")
case("Einsum", [f(2, 3, 4), f(2, 5, 4)], equation="...ij,...kj->...ki")
case("Einsum", [f(3, 3)], equation="ii->i")
for op in ("Sum", "Mean", "Max", "Min", "Prod"):
    case(op, f(2, 3, 4), i(0, -1))
    case(op, f(2, 3, 4), n(1), keep_dims=True)
    case(op, f(2, 3), np.zeros(0, np.int32))
    case(op, INTS, n(-1))
    case(op, INTS, i(0, 1))
for op in ("Sum", "Max", "Min", "Prod"):
    case(op, np.zeros((0, 3), np.float32), n(0))
case("Max", np.zeros((0, 3), np.int32), n(0))
for op in ("Any", "All"):
    case(op, b(3, 4), n(1))
    case(op, b(3, 4), i(0, 1), keep_dims=True)
    case(op, np.zeros((0, 3), bool), n(0))
for op in ("ArgMax", "ArgMin"):
    case(op, INTS, n(1))
    case(op, f(3, 4), n(-2), output_type="int32")
for op in ("Cumsum", "Cumprod"):
    case(op, f(3, 4), n(-1))
    case(op, f(3, 4), n(0), exclusive=True)
    case(op, f(3, 4), n(1), exclusive=True, reverse=True)
    case(op, INTS, n(1), reverse=True)
    case(op, np.zeros((0, 3), np.float32), n(0), exclusive=True)
case("TopKV2", np.array([[1, 3, 3, 2], [5, 5, 5, 5]], np.float32), n(3))
case("TopKV2", INTS, n(2))
for lower, upper in ((-1, 0), (0, -1), (1, 1)):
    case("MatrixBandPart", f(2, 4, 5), n(lower), n(upper))

# --------------------------------------------------------------------------------------------------------- shapes

EMPTY = np.zeros((3, 0, 2), np.float32)
case("Shape", f(3, 4))
case("Shape", np.float32(1))
case("Shape", EMPTY, out_type="int64")
case("ShapeN", [f(3, 4), f(2)])
case("Size", f(3, 4))
case("Size", EMPTY, out_type="int64")
case("Rank", f(3, 4))
case("Reshape", f(3, 4), i(2, -1))
case("Reshape", f(1, 1), np.zeros(0, np.int32))
case("Reshape", EMPTY, i(0, 5))
case("Squeeze", f(1, 3, 1, 2))
case("Squeeze", f(1, 3, 1, 2), squeeze_dims=[-2])
for axis in (0, 1, -1):
    case("ExpandDims", f(3, 4), n(axis))
case("ExpandDims", f(3, 4), i(1))
case("Transpose", f(2, 3, 4), i(2, 0, 1))
case("Concat", n(1), [f(3, 4), f(3, 2)])
case("ConcatV2", [f(3, 4), f(3, 2)], n(-1))
case("ConcatV2", [i(1, 2), i(3), np.zeros(0, np.int32)], n(0))
case("Pack", [f(3, 4), f(3, 4, seed=1)])
case("Pack", [f(3, 4), f(3, 4, seed=1)], axis=-1)
case("Pack", [n(1), n(2)])
case("Unpack", f(3, 4), num=3)
case("Unpack", f(3, 4), num=4, axis=-1)
case("Split", n(1), f(3, 4), num_split=2)
case("Split", n(-1), f(3, 4), num_split=1)
case("SplitV", f(3, 7), i(2, -1, 1), n(1), num_split=3)
case("SplitV", f(3, 7), i(0, 7), n(-1), num_split=2)
case("BroadcastTo", f(3, 1), i(2, 3, 4))
case("BroadcastArgs", i(2, 1, 4), i(3, 1))
case("Tile", f(2, 3), i(2, 1))
case("Tile", f(2, 3), i(0, 2))
case("Reverse", f(2, 3, 4), np.array([True, False, True]))
case("ReverseV2", f(2, 3, 4), i(-1, 0))
case("ReverseV2", f(2, 3), np.zeros(0, np.int32))
case("Roll", f(2, 3, 4), n(-1), n(1))
case("Roll", f(2, 3, 4), i(4, 1, -2), i(-1, 0, -1))
case("ReverseSequence", f(3, 5, 2), i(5, 0, 3), seq_dim=1)
case("ReverseSequence", f(5, 3, 2), i(1, 4, 2), seq_dim=0, batch_dim=1)
case("ReverseSequence", f(2, 3, 5), np.array([2, 5, 0], np.int64), seq_dim=2, batch_dim=1)
case("InvertPermutation", i(2, 0, 3, 1))
case("Pad", f(2, 3), np.array([[1, 0], [0, 2]], np.int32))
case("Pad", INTS, np.array([[1, 0], [0, 2]], np.int32))
case("PadV2", f(2, 3), np.array([[1, 0], [0, 2]], np.int32), np.float32(7))
case("MirrorPad", f(3, 4), np.array([[1, 0], [2, 1]], np.int32), mode="REFLECT")
case("MirrorPad", f(3, 4), np.array([[1, 0], [2, 4]], np.int32), mode="SYMMETRIC")
PADDINGS = np.array([[1, 0], [2, 1]], np.int32)
case("SpaceToBatchND", f(2, 5, 3, 2), i(2, 3), PADDINGS)
case("SpaceToBatchND", f(2, 5, 3), i(3), np.array([[2, 2]], np.int32))
case("BatchToSpaceND", f(12, 3, 2, 2), i(2, 3), PADDINGS)
case("BatchToSpaceND", f(6, 3, 2), i(3), np.array([[1, 2]], np.int32))

# ------------------------------------------------------------------------------------------------------ selection

X3 = f(3, 4, 5)
case("Slice", X3, i(1, 0, 2), i(2, -1, 0))
case("StridedSlice", X3, i(1, 0, -1), i(3, -1, -9), i(1, 2, -1))
case("StridedSlice", X3, i(9, 9, 9), i(0, 9, 0), i(1, 2, -2), begin_mask=1, end_mask=2)
case("StridedSlice", X3, i(0, 1), i(0, 3), i(1, 2), ellipsis_mask=1)
case("StridedSlice", X3, i(1, 0, -1), i(2, 0, 0), i(1, 1, 1), ellipsis_mask=2, shrink_axis_mask=5)
case("StridedSlice", X3, i(0, 0, 1), i(0, 0, 2), i(1, 1, 1), new_axis_mask=3)
case("StridedSlice", X3, i(1, 0, 0), i(2, 0, 0), i(1, 1, 1), shrink_axis_mask=1, new_axis_mask=2, ellipsis_mask=4)
case("StridedSlice", X3, i(0, 1), i(0, 1), i(1, 1), new_axis_mask=1, shrink_axis_mask=3)
case("StridedSlice", i(7, 8, 9), i(-1), i(0), i(1), shrink_axis_mask=1)
case("StridedSlice", X3, i(2), i(1), i(1))
case("StridedSlice", X3, i(-9), i(9), i(1), end_mask=1)
for op in ("Gather", "GatherV2", "ResourceGather"):
    axis = (n(0),) if op == "GatherV2" else ()
    params = Resource(f(5, 3)) if op == "ResourceGather" else f(5, 3)
    attributes = {"dtype": "float32"} if op == "ResourceGather" else {}
    case(op, params, i(4, 0, 0), *axis, **attributes)
    case(op, params, INTS % 5, *axis, **attributes)
    case(op, params, n(2), *axis, **attributes)
case("ResourceGather", Resource(f(2, 5, 3)), i(1, 0, 1), dtype="float32")
case("ResourceGather", Resource(f(2, 5, 3)), INTS[:, :3] % 5, dtype="float32", batch_dims=1)
case("GatherV2", f(3, 5, 4), INTS % 4, n(-1))
case("GatherV2", f(2, 5, 4), INTS % 5, n(1), batch_dims=1)
case("GatherV2", f(2, 3, 4, 5), INTS % 5, n(3), batch_dims=1)
case("GatherV2", f(2, 3, 4), np.array([[1, 0, 3], [2, 2, 1]], np.int32), n(2), batch_dims=2)
case("GatherV2", f(2, 3, 4), np.array([[1, 0, 3], [2, 2, 1]], np.int32), n(2), batch_dims=-1)
case("GatherV2", f(2, 5), i(1, 4), n(1), batch_dims=1)
POSITIONS = np.array([[0, 1], [2, 3]], np.int32)
case("GatherNd", X3, POSITIONS)
case("GatherNd", X3, np.array([[[0, 1, 2]], [[2, 3, 4]]], np.int32))
case("ScatterNd", np.array([[1], [3], [1]], np.int32), f(3, 2), i(4, 2))
case("ScatterNd", POSITIONS, f(2, 5), i(3, 4, 5))
case("TensorScatterUpdate", X3, POSITIONS, f(2, 5))
case("TensorScatterAdd", X3, np.array([[1], [1]], np.int32), f(2, 4, 5))

# --------------------------------------------------------------------------------------------------------- making

ON, OFF = np.float32(2), np.float32(-1)
case("OneHot", i(0, 2, -1, 5), n(3), ON, OFF)
case("OneHot", INTS, n(4), ON, OFF, axis=0)
case("OneHot", INTS, n(4), n(1), n(0), axis=1)
case("Range", n(2), n(9), n(3))
case("Range", n(5), n(0), n(-2))
case("Range", np.float32(0), np.float32(1), np.float32(0.3))
case("LinSpace", np.float32(-1), np.float32(2), n(5))
case("Fill", i(2, 3), np.float32(0.5))
case("Fill", np.zeros(0, np.int32), n(4))
SIZE, SEEDS = i(3, 4), np.array([1, 2], np.int64)
KEY, COUNTER = np.array([1], np.uint64), np.array([2, 3], np.uint64)
for op in ("RandomUniform", "RandomStandardNormal", "TruncatedNormal"):
    case(op, SIZE, dtype="float32")
case("RandomUniformInt", SIZE, n(2), n(9))
for op in ("StatelessRandomUniform", "StatelessRandomNormal", "StatelessTruncatedNormal"):
    case(op, SIZE, SEEDS)
    case(f"{op}V2", SIZE, KEY, COUNTER, n(1))
case("StatelessRandomUniformInt", SIZE, SEEDS, n(2), n(9))
case("StatelessRandomUniformIntV2", SIZE, KEY, COUNTER, n(1), n(2), n(9))
case("StatelessRandomGetAlg")
case("StatelessRandomGetKeyCounter", SEEDS)
case("StatelessRandomGetKeyCounterAlg", SEEDS)

# --------------------------------------------------------------------------------------------- lists of tensors

UNKNOWN = n(-1)
FROM = step("TensorListFromTensor", f(4, 3), i(3))
RESERVE = step("TensorListReserve", i(3), n(4), element_dtype="float32")
ALL = {"element_dtype": "float32"}


def listed(*steps: Step) -> None:
    """A program whose last step makes a list, which is then stacked."""
    program(*steps, step("TensorListStack", Ref(len(steps) - 1), i(3), **ALL))
    name = [key for key in CASES if key.startswith("TensorListStack")][-1]
    CASES[f"{steps[-1].op}-{len(CASES)}"] = CASES.pop(name)


listed(FROM)
listed(RESERVE)
program(RESERVE, step("TensorListStack", Ref(0), UNKNOWN, **ALL))
program(
    step("TensorListReserve", UNKNOWN, n(3), **ALL),
    step("TensorListSetItem", Ref(0), n(1), f(2)),
    step("TensorListStack", Ref(1), UNKNOWN, **ALL),
)
listed(RESERVE, step("TensorListSetItem", Ref(0), n(2), f(3)))
listed(FROM, step("TensorListSetItem", Ref(0), n(5), f(3), resize_if_index_out_of_bounds=True))
program(FROM, step("TensorListGetItem", Ref(0), n(2), i(3), **ALL))
program(RESERVE, step("TensorListGetItem", Ref(0), n(2), i(3), **ALL))
listed(
    step("EmptyTensorList", i(3), UNKNOWN, **ALL),
    step("TensorListPushBack", Ref(0), f(3)),
    step("TensorListPushBack", Ref(1), f(3, seed=1)),
)
listed(step("EmptyTensorList", i(3), n(5), **ALL))
program(FROM, step("TensorListPopBack", Ref(0), i(3), **ALL))
program(
    FROM,
    step("TensorListPopBack", Ref(0), i(3), **ALL),
    step("TensorListLength", Ref(1)),
)
listed(FROM, step("TensorListResize", Ref(0), n(6)))
listed(FROM, step("TensorListResize", Ref(0), n(2)))
program(FROM, step("TensorListGather", Ref(0), i(3, 0, 3), i(3), **ALL))
listed(step("TensorListScatter", f(2, 3), i(2, 0), i(3)))
listed(step("TensorListScatterV2", f(2, 3), i(2, 0), i(3), n(5)))
listed(step("TensorListScatterV2", f(2, 3), i(2, 0), i(3), n(-1)))
listed(RESERVE, step("TensorListScatterIntoExistingList", Ref(0), f(2, 3), i(3, 1)))
listed(FROM, step("TensorListConcatLists", Ref(0), Ref(0), **ALL))
program(
    step("TensorListSplit", f(5, 3), i(-1, 3), np.array([2, 0, 3], np.int64)),
    step("TensorListConcatV2", Ref(0), i(-1, 3), np.zeros(0, np.int64), **ALL),
)
program(
    step("TensorListSplit", f(5, 3), i(-1, 3), np.array([2, 3], np.int64)),
    step("TensorListConcat", Ref(0), **ALL),
)
program(
    step("TensorListSplit", f(5, 3), i(-1, 3), np.array([2, 3], np.int64)),
    step("TensorListGetItem", Ref(0), n(1), i(3, 3), **ALL),
)
CASES["TensorListSplit-0"] = CASES["TensorListGetItem-2"]
program(FROM, step("TensorListElementShape", Ref(0), shape_type="int32"))
program(
    step("TensorListReserve", i(-1, 3), n(2), **ALL),
    step("TensorListElementShape", Ref(0), shape_type="int64"),
)

ARRAY = step("TensorArrayV3", n(3), dtype="float32", element_shape=[2])
GROWING = step("TensorArrayV3", n(0), dtype="float32", dynamic_size=True)
UNSTACKED = step("TensorArrayScatterV3", Ref(0), i(2, 0, 1), f(3, 2), Ref(0, 1))
F32 = {"dtype": "float32"}
program(ARRAY, UNSTACKED, step("TensorArrayReadV3", Ref(0), n(1), Ref(1), **F32))
program(ARRAY, step("TensorArrayReadV3", Ref(0), n(1), Ref(0, 1), **F32))
program(ARRAY, UNSTACKED, step("TensorArrayGatherV3", Ref(0), i(0, 2), Ref(1), **F32))
program(ARRAY, UNSTACKED, step("TensorArraySizeV3", Ref(0), Ref(1)))
program(ARRAY, UNSTACKED, step("TensorArrayConcatV3", Ref(0), Ref(1), **F32))
program(
    GROWING,
    step("TensorArrayWriteV3", Ref(0), n(1), f(2), Ref(0, 1)),
    step("TensorArrayWriteV3", Ref(0), n(0), f(2, seed=1), Ref(1)),
    step("TensorArrayGatherV3", Ref(0), i(0, 1), Ref(2), **F32),
)
CASES["TensorArrayWriteV3-0"] = CASES["TensorArrayGatherV3-1"]
CASES["TensorArrayScatterV3-0"] = CASES["TensorArrayGatherV3-0"]
CASES["TensorArrayV3-0"] = CASES["TensorArrayReadV3-1"]
program(
    ARRAY,
    UNSTACKED,
    step("TensorArrayGatherV3", Ref(0), np.zeros(0, np.int32), Ref(1), element_shape=[2], **F32),
)
program(
    step("TensorArrayV3", n(2), dtype="float32"),
    step("TensorArraySplitV3", Ref(0), f(5, 2), np.array([2, 3], np.int64), Ref(0, 1)),
    step("TensorArrayReadV3", Ref(0), n(1), Ref(1), **F32),
)
CASES["TensorArraySplitV3-0"] = CASES["TensorArrayReadV3-2"]

# ------------------------------------------------------------------------------------------ convolution and the like

PICTURE = f(2, 7, 8, 3)
for padding in ("SAME", "VALID"):
    for strides, dilations in (([1, 1, 1, 1], [1, 1, 1, 1]), ([1, 2, 3, 1], [1, 1, 1, 1]), ([1] * 4, [1, 2, 3, 1])):
        attributes = {"strides": strides, "dilations": dilations, "padding": padding}
        case("Conv2D", PICTURE, f(3, 2, 3, 4), **attributes)
        if strides[1] == strides[2]:
            case("DepthwiseConv2dNative", PICTURE, f(3, 2, 3, 2), **attributes)
    case("DepthwiseConv2dNative", PICTURE, f(2, 3, 3, 2), strides=[1, 2, 2, 1], padding=padding)
    for strides in ([1, 1, 1, 1], [1, 2, 3, 1]):
        for op in ("MaxPool", "AvgPool"):
            case(op, PICTURE, ksize=[1, 3, 2, 1], strides=strides, padding=padding)
case("Conv2D", f(2, 1, 9, 4), f(1, 3, 4, 5), strides=[1, 1, 2, 1], padding="SAME")
case("Conv2D", f(2, 1, 9, 4), f(1, 3, 2, 6), strides=[1, 1, 1, 1], padding="VALID")
case("Conv2D", PICTURE, f(3, 2, 3, 4), strides=[1] * 4, padding="EXPLICIT", explicit_paddings=[0, 0, 1, 0, 2, 1, 0, 0])

BACK = f(2, 4, 3, 4, seed=3)  # what a kernel of 3 × 2 makes of each of these images
for rows, columns, padding, strides in (
    (6, 4, "VALID", [1, 1]),
    (4, 3, "SAME", [1, 1]),
    (9, 8, "VALID", [2, 3]),
    (10, 10, "VALID", [2, 3]),
    (7, 8, "SAME", [2, 3]),
    (8, 9, "SAME", [2, 3]),
    (13, 5, "SAME", [4, 2]),
):
    attributes = {"strides": [1, *strides, 1], "padding": padding}
    case("Conv2DBackpropInput", i(2, rows, columns, 5), f(3, 2, 5, 4), BACK, **attributes)
case("Conv2DBackpropInput", i(4, 3), f(3, 2, 5, 4), BACK, strides=[1] * 4, padding="SAME")
case("Conv2DBackpropInput", i(2, 1, 9, 4), f(1, 3, 4, 5), f(2, 1, 5, 5), strides=[1, 1, 2, 1], padding="SAME")
AROUND = [0, 0, 1, 0, 2, 1, 0, 0]
case(
    "Conv2DBackpropInput",
    i(2, 5, 1, 5),
    f(3, 2, 5, 4),
    BACK,
    strides=[1] * 4,
    padding="EXPLICIT",
    explicit_paddings=AROUND,
)
case(
    "Conv2DBackpropInput",
    i(2, 8, 4, 5),
    f(3, 2, 5, 4),
    BACK,
    strides=[1, 2, 2, 1],
    padding="EXPLICIT",
    explicit_paddings=AROUND,
)
case(
    "Conv2DBackpropInput", i(2, 8, 6, 5), f(3, 2, 5, 4), BACK, strides=[1] * 4, padding="VALID", dilations=[1, 2, 3, 1]
)
case("Conv2DBackpropInput", i(2, 6, 4, 6), f(3, 2, 3, 4), BACK, strides=[1] * 4, padding="VALID")
VOLUME = f(2, 4, 5, 3, 2)
for padding in ("SAME", "VALID"):
    attributes = {"strides": [1, 1, 2, 1, 1], "padding": padding}
    case("Conv3D", VOLUME, f(2, 3, 1, 2, 4), **attributes)
    for op in ("MaxPool3D", "AvgPool3D"):
        case(op, VOLUME, ksize=[1, 2, 3, 1, 1], **attributes)
    back = f(2, 4, 3, 3, 4, seed=3) if padding == "SAME" else f(2, 3, 2, 3, 4, seed=3)
    case("Conv3DBackpropInputV2", i(2, 4, 5, 3, 2), f(2, 3, 1, 2, 4), back, **attributes)
VECTORS = [f(3, seed=seed, low=0.2) for seed in range(4)]
NOTHING = np.zeros(0, np.float32)
for op in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"):
    case(op, PICTURE, *VECTORS, is_training=False, epsilon=0.01)
    case(op, PICTURE, *VECTORS, is_training=False)
    case(op, PICTURE, *VECTORS[:2], NOTHING, NOTHING, epsilon=0.01)
case("FusedBatchNormV3", f(1, 3, 5, 1), *VECTORS[:2], NOTHING, NOTHING, data_format="NCHW", epsilon=0.001)
case("FusedBatchNormV3", f(2, 3, 5, 1), *VECTORS, data_format="NCHW", is_training=False)
case("FusedBatchNormV3", PICTURE, *VECTORS, exponential_avg_factor=0.3)

STEPS, BATCH, FEATURES, UNITS = 5, 2, 3, 4
PEEPHOLES = [f(UNITS, seed=seed) for seed in (11, 12, 13)]
WEIGHTS = [f(FEATURES + UNITS, 4 * UNITS), *PEEPHOLES, f(4 * UNITS, seed=14)]
STATES = [f(BATCH, UNITS, seed=15, low=-4, high=4), f(BATCH, UNITS, seed=16)]
for attributes in ({}, {"use_peephole": True}, {"forget_bias": 0.3, "cell_clip": 0.4}, {"cell_clip": -1.0}):
    case("LSTMBlockCell", f(BATCH, FEATURES), *STATES, *WEIGHTS, **attributes)
    case("BlockLSTM", np.int64(STEPS), f(STEPS, BATCH, FEATURES), *STATES, *WEIGHTS, **attributes)
for attributes in ({}, {"use_peephole": True}, {"cell_clip": 0.4}):
    case("BlockLSTMV2", np.int64(STEPS), f(STEPS, BATCH, FEATURES), *STATES, *WEIGHTS, **attributes)
for op in ("BlockLSTM", "BlockLSTMV2"):
    short = step(op, np.int64(2), f(STEPS, BATCH, FEATURES), *STATES, *WEIGHTS)
    for output in (1, 6):  # what the others hold behind the last step is not defined
        program(short, step("Identity", Ref(0, output)))
    for output in range(7):
        program(short, step("Slice", Ref(0, output), i(0, 0, 0), i(2, -1, -1)))
case(
    "GRUBlockCell",
    f(BATCH, FEATURES),
    STATES[1],
    f(FEATURES + UNITS, 2 * UNITS),
    f(FEATURES + UNITS, UNITS),
    f(2 * UNITS, seed=17),
    f(UNITS, seed=18),
)
