"""Small models of ONNX operators: each operator, each form of its text, each attribute that is not the default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import helper

Array = npt.NDArray[Any]
RANDOM = np.random.default_rng(20210607)


@dataclass(frozen=True)
class Fixed:
    """An input that is an initializer."""

    value: Array


@dataclass(frozen=True, eq=False)
class Case:
    """A model of few nodes, mostly of one."""

    nodes: list[Any]
    given: dict[str, Array]
    fixed: dict[str, Array]
    outputs: tuple[str, ...]
    opset: int
    unjudged: bool = False
    """Whether σ is infinite somewhere, since rounding may change all there."""


def case(
    op: str,
    *inputs: Array | Fixed | None,
    opset: int = 17,
    outputs: int = 1,
    domain: str = "",
    unjudged: bool = False,
    **attributes: Any,
) -> Case:
    """One node."""
    names = ["" if value is None else f"x{place}" for place, value in enumerate(inputs)]
    pairs = [(name, value) for name, value in zip(names, inputs, strict=True) if value is not None]
    results = [f"y{number}" for number in range(outputs)]
    return Case(
        [helper.make_node(op, names, results, domain=domain, **attributes)],
        {name: value for name, value in pairs if not isinstance(value, Fixed)},
        {name: value.value for name, value in pairs if isinstance(value, Fixed)},
        tuple(results),
        opset,
        unjudged,
    )


def several(nodes: list[tuple[str, str, str, dict[str, Any]]], opset: int = 17, **given: Array) -> Case:
    """Nodes by operator, names of inputs and of outputs; what the last one makes is the output."""
    made = [helper.make_node(op, ins.split(), outs.split(), **more) for op, ins, outs, more in nodes]
    return Case(made, given, {}, tuple(made[-1].output), opset)


def f(*shape: int, low: float = -2.0, high: float = 2.0) -> Array:
    """Random numbers."""
    return RANDOM.uniform(low, high, shape).astype(np.float32)


def i(*values: Any, dtype: str = "int64") -> Array:
    """An array of whole numbers."""
    return np.array(values, dtype)


def fix(value: Any, dtype: str | None = None) -> Fixed:
    return Fixed(np.asarray(value, dtype))


X, Y = f(3, 4), f(3, 4)
POSITIVE = f(3, 4, low=0.2, high=3)
UNIT = f(3, 4, low=-0.9, high=0.9)
EDGES = np.array([[-np.inf, np.inf, 0.0, 1.0]], np.float32)
WHOLE, OTHER = i([7, -7, 8, 5], [3, 2, -1, 0]), i([2, 2, -3, 5], [-3, 7, 2, 1])
TRUE, ODD = np.array([[True, False, True, False]] * 3), np.array([[True, True, False, False]] * 3)
T = f(2, 3, 4)
IMAGE, SERIES, VOLUME = f(2, 4, 7, 8), f(2, 4, 9), f(1, 2, 4, 5, 6)
BIAS4, SCALE4 = fix(f(4)), fix(f(4))
MICROSOFT = "com.microsoft"

CASES: dict[str, Case] = {}


def add(name: str, one: Case) -> None:
    assert name not in CASES, name
    CASES[name] = one


for op in (
    *(
        "Neg",
        "Abs",
        "Sign",
        "Floor",
        "Ceil",
        "Round",
        "Exp",
        "Erf",
        "Sin",
        "Cos",
        "Tan",
        "Atan",
        "Sinh",
        "Cosh",
        "Tanh",
    ),
    *("Asinh", "Relu", "Sigmoid", "Softplus", "Softsign", "HardSwish", "LeakyRelu", "Elu", "Selu", "Celu"),
    *("HardSigmoid", "ThresholdedRelu", "Shrink", "Softmax", "LogSoftmax", "Hardmax", "LpNormalization", "IsNaN"),
    *("IsInf", "Identity", "Shape", "Size", "Transpose", "Flatten", "NonZero", "Reciprocal"),
):
    add(op, case(op, X))
add("Mish", case("Mish", X, opset=18))
add("Gelu", case("Gelu", X, opset=20))
add("Gelu tanh", case("Gelu", X, opset=20, approximate="tanh"))
add("Swish", case("Swish", X, opset=24))
add("Swish alpha", case("Swish", X, opset=24, alpha=1.7))
for op in ("Sqrt", "Log"):
    add(op, case(op, POSITIVE))
for op in ("Asin", "Acos", "Atanh"):
    add(op, case(op, UNIT))
add("Acosh", case("Acosh", POSITIVE + 1))
for op in (
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Equal",
    "Less",
    "LessOrEqual",
    "Greater",
    "GreaterOrEqual",
    "Max",
    "Min",
    "Sum",
    "Mean",
):
    add(op, case(op, X, Y))
    add(f"{op} broadcast", case(op, X, f(4)))
for op in ("Max", "Min", "Sum", "Mean"):
    add(f"{op} of three", case(op, X, Y, f(4)))
    add(f"{op} of one", case(op, X))
for op in ("Add", "Sub", "Mul", "Equal", "Less", "Greater", "Max", "Min"):
    add(f"{op} of integers", case(op, WHOLE, OTHER))
add("Div of integers", case("Div", WHOLE, OTHER))
add("Div of integers toward zero", case("Div", i(-7, 7, -8, 1, dtype="int32"), i(2, -2, 3, 4, dtype="int32")))
add("Mod of integers", case("Mod", WHOLE, OTHER))
add("Mod fmod of integers", case("Mod", WHOLE, OTHER, fmod=1))
add("Mod fmod", case("Mod", X * 5, Y, fmod=1))
add("Pow", case("Pow", POSITIVE, Y))
add("Pow of an integer", case("Pow", X, i(2)))
add("Pow of a number", case("Pow", X, fix(3.0, "float32")))
add("Pow of integers", case("Pow", WHOLE, i(2)))
add("Pow of an integer by a float", case("Pow", np.abs(WHOLE), fix(0.5, "float32")))
for op in ("And", "Or", "Xor"):
    add(op, case(op, TRUE, ODD))
add("Not", case("Not", TRUE))
for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
    add(op, case(op, WHOLE, OTHER, opset=18))
add("BitwiseNot", case("BitwiseNot", WHOLE, opset=18))
add("Where", case("Where", TRUE, X, Y))
add("Where broadcast", case("Where", TRUE[:, :1], X, fix(0.5, "float32")))
add("IsInf edges", case("IsInf", EDGES))
add("IsInf negative", case("IsInf", EDGES, detect_positive=0))
add("IsInf positive", case("IsInf", EDGES, detect_negative=0))
add("IsInf none", case("IsInf", EDGES, detect_negative=0, detect_positive=0))
add("IsNaN of NaN", case("IsNaN", np.array([np.nan, 1.0], np.float32)))

WIDE = np.linspace(-18, 18, 1000, dtype=np.float32)
for op in ("Sigmoid", "Tanh", "Softplus", "Softsign", "HardSwish", "Elu", "Celu"):
    add(f"{op} wide", case(op, WIDE))
add("Mish wide", case("Mish", WIDE, opset=18))
add("Swish wide", case("Swish", WIDE, opset=24))

add("LeakyRelu alpha", case("LeakyRelu", X, alpha=0.3))
add("Elu alpha", case("Elu", X, alpha=0.3))
add("Celu alpha", case("Celu", X, alpha=0.3))
add("Selu alpha and gamma", case("Selu", X, alpha=1.1, gamma=0.7))
add("HardSigmoid alpha and beta", case("HardSigmoid", X, alpha=0.3, beta=0.4))
add("ThresholdedRelu alpha", case("ThresholdedRelu", X, alpha=0.5))
add("Shrink lambd", case("Shrink", X, lambd=0.7))
add("Shrink bias", case("Shrink", X, lambd=0.7, bias=0.2))
add("PRelu", case("PRelu", X, fix(f(4))))
add("PRelu one slope", case("PRelu", X, fix(f(1))))
add("PRelu channels", case("PRelu", IMAGE, fix(f(4, 1, 1))))
add("Clip", case("Clip", X))
add("Clip both", case("Clip", X, fix(-0.5, "float32"), fix(0.7, "float32")))
add("Clip low", case("Clip", X, fix(-0.5, "float32")))
add("Clip high", case("Clip", X, None, fix(0.7, "float32")))
add("Clip crossed", case("Clip", X, fix(0.7, "float32"), fix(-0.5, "float32")))
add("Clip of integers", case("Clip", WHOLE, fix(-2), fix(5)))
add("Clip 10", case("Clip", X, opset=10, min=-0.5, max=0.7))
add("Clip 10 high", case("Clip", X, opset=10, max=0.7))
add("Clip 10 low", case("Clip", X, opset=10, min=0.2))
for op in ("Softmax", "LogSoftmax", "Hardmax"):
    add(f"{op} three axes", case(op, T))
    add(f"{op} axis", case(op, T, axis=1))
    add(f"{op} 11", case(op, T, opset=11))
    add(f"{op} 11 axis 0", case(op, T, opset=11, axis=0))
    add(f"{op} 11 axis -1", case(op, T, opset=11, axis=-1))
    add(f"{op} 11 axis 2", case(op, T, opset=11, axis=2))
add("Hardmax of equals", case("Hardmax", i([1, 3, 3, 0], [2, 2, 2, 2]).astype(np.float32)))

add("MatMul", case("MatMul", X, f(4, 5)))
add("MatMul batch", case("MatMul", T, f(2, 4, 5)))
add("MatMul fixed", case("MatMul", T, fix(f(4, 5))))
add("MatMul vectors", case("MatMul", f(4), f(4)))
add("MatMul of a vector", case("MatMul", f(4), f(4, 5)))
add("MatMul with a vector", case("MatMul", T, f(4)))
add("Gemm", case("Gemm", X, fix(f(4, 5)), fix(f(5))))
add("Gemm without C", case("Gemm", X, f(4, 5)))
add("Gemm transposed", case("Gemm", f(4, 3), fix(f(5, 4)), f(3, 1), transA=1, transB=1))
add("Gemm alpha and beta", case("Gemm", X, fix(f(4, 5)), fix(f(5)), alpha=0.7, beta=1.3))
add("Gemm beta 0", case("Gemm", X, fix(f(4, 5)), fix(f(5)), beta=0.0))
add("Gemm 9", case("Gemm", X, f(4, 5), f(5), opset=9))
add("Einsum", case("Einsum", T, f(2, 4, 5), equation="bij,bjk->bik"))
add("Einsum implicit", case("Einsum", X, f(4, 5), equation="ij, jk"))
add("Einsum ellipsis", case("Einsum", T, f(4, 5), equation="...ij,jk->...ik"))
add("Einsum of one", case("Einsum", T, equation="bij->jib"))
add("Einsum sum of one", case("Einsum", T, equation="bij->i"))
add("Einsum of three", case("Einsum", X, f(4, 5), f(5, 2), equation="ij,jk,kl->il"))
add("CumSum", case("CumSum", X, fix(1)))
add("CumSum axis in a list", case("CumSum", X, fix([0])))
add("CumSum exclusive", case("CumSum", X, fix(-1), exclusive=1))
add("CumSum reverse", case("CumSum", X, fix(0), reverse=1))
add("CumProd", case("CumProd", X, fix(1), opset=26))
add("CumProd exclusive", case("CumProd", X, fix(0), opset=26, exclusive=1, reverse=1))
add("CumSum both", case("CumSum", X, fix(1), exclusive=1, reverse=1))

for op in ("Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare"):
    name, data, since = f"Reduce{op}", np.abs(T) if op == "LogSum" else T, 13 if op == "Sum" else 18
    old, new = since - 1, max(since, 18)
    add(name, case(name, data, opset=new))
    add(f"{name} axes", case(name, data, i(1, 2), opset=new))
    add(f"{name} keepdims", case(name, data, i(-1), opset=new, keepdims=0))
    add(f"{name} all without keepdims", case(name, data, opset=new, keepdims=0))
    add(f"{name} noop", case(name, data, opset=new, noop_with_empty_axes=1))
    add(f"{name} noop with axes", case(name, data, i(1), opset=new, noop_with_empty_axes=1))
    add(f"{name} empty", case(name, data, fix([], "int64"), opset=new))
    add(f"{name} empty noop", case(name, data, fix([], "int64"), opset=new, noop_with_empty_axes=1))
    add(f"{name} {old}", case(name, data, opset=old))
    add(f"{name} {old} axes", case(name, data, opset=old, axes=[1, -1], keepdims=0))
add("ReduceLogSumExp of nothing", case("ReduceLogSumExp", np.zeros((2, 0), np.float32), i(1), opset=18, unjudged=True))
add("ReduceLogSumExp large", case("ReduceLogSumExp", T * 100, opset=18))
add("ReduceSum of integers", case("ReduceSum", WHOLE, i(1)))
add("ReduceMax of booleans", case("ReduceMax", TRUE, i(1), opset=20))
for op in ("ArgMax", "ArgMin"):
    add(op, case(op, X))
    add(f"{op} axis", case(op, X, axis=-1))
    add(f"{op} keepdims", case(op, X, axis=1, keepdims=0))
    add(f"{op} of equals", case(op, i([1, 3, 3, 1], [2, 2, 2, 2]).astype(np.float32), axis=1))
    add(f"{op} last", case(op, i([1, 3, 3, 1], [2, 2, 2, 2]).astype(np.float32), axis=1, select_last_index=1))
add("TopK", case("TopK", X, fix([2]), outputs=2))
add("TopK axis", case("TopK", X, fix([2]), outputs=2, axis=0))
add("TopK smallest", case("TopK", X, fix([3]), outputs=2, largest=0))
add("TopK of equals", case("TopK", i([1, 3, 3, 1, 3]).astype(np.float32), fix([4]), outputs=2))
add("TopK smallest of equals", case("TopK", i([1, 3, 3, 1, 3]).astype(np.float32), fix([4]), outputs=2, largest=0))
add("TopK 9", case("TopK", X, opset=9, outputs=2, k=2, axis=0))
add("TopK 10", case("TopK", X, fix([2]), opset=10, outputs=2))

add("Shape start", case("Shape", T, start=1))
add("Shape end", case("Shape", T, start=-2, end=-1))
add("Shape beyond", case("Shape", T, end=9))
add("Reshape", case("Reshape", T, i(2, 12)))
add("Reshape the rest", case("Reshape", T, i(-1, 6)))
add("Reshape zero", case("Reshape", T, i(0, -1)))
add("Reshape zero in the middle", case("Reshape", T, i(4, 0, -1)))
add("Reshape allowzero", case("Reshape", np.zeros((0, 3), np.float32), i(3, 0), allowzero=1))
for axis in (0, 2, 3, -1):
    add(f"Flatten {axis}", case("Flatten", T, axis=axis))
ONES = f(1, 3, 1, 4)
add("Squeeze", case("Squeeze", ONES, i(0)))
add("Squeeze all", case("Squeeze", ONES))
add("Squeeze from the end", case("Squeeze", ONES, i(-2, 0)))
add("Squeeze none", case("Squeeze", ONES, fix([], "int64")))
add("Unsqueeze none", case("Unsqueeze", X, fix([], "int64")))
add("Squeeze 11", case("Squeeze", ONES, opset=11, axes=[0, 2]))
add("Squeeze 11 all", case("Squeeze", ONES, opset=11))
add("Unsqueeze", case("Unsqueeze", X, i(1)))
add("Unsqueeze several", case("Unsqueeze", X, i(0, -1)))
add("Unsqueeze 11", case("Unsqueeze", X, opset=11, axes=[0, 3]))
add("Transpose perm", case("Transpose", T, perm=[1, 2, 0]))
add("Concat", case("Concat", X, Y, f(2, 4), axis=0))
add("Concat from the end", case("Concat", X, Y, axis=-1))
add("Split", case("Split", f(6, 4), i(1, 2, 3), opset=13, outputs=3))
add("Split evenly", case("Split", f(6, 4), opset=13, outputs=3))
add("Split axis", case("Split", f(6, 4), opset=13, outputs=2, axis=-1))
add("Split num_outputs", case("Split", f(7, 4), opset=18, outputs=3, num_outputs=3))
add("Split 18", case("Split", f(6, 4), i(2, 4), opset=18, outputs=2))
add("Split 11", case("Split", f(6, 4), opset=11, outputs=2, split=[2, 4]))
add("Split 11 evenly", case("Split", f(6, 4), opset=11, outputs=2, axis=1))
add("Expand", case("Expand", f(3, 1), i(2, 3, 4)))
add("Expand with ones", case("Expand", f(3, 4), i(1, 1)))
add("Tile", case("Tile", X, i(2, 3)))
add("Pad", case("Pad", X, i(1, 0, 0, 2)))
add("Pad value", case("Pad", X, i(1, 0, 0, 2), fix(0.5, "float32")))
add("Pad cropping", case("Pad", X, i(-1, 0, 1, -2)))
for mode in ("reflect", "edge"):
    add(f"Pad {mode}", case("Pad", X, i(1, 2, 1, 0), mode=mode))
add("Pad wrap", case("Pad", X, i(1, 2, 1, 0), opset=19, mode="wrap"))
add("Pad axes", case("Pad", X, i(1, 2), None, i(1), opset=18))
add("Pad axes from the end", case("Pad", T, i(1, 2, 0, 1), fix(0.5, "float32"), i(-1, 0), opset=18))
add("Pad 10", case("Pad", X, opset=10, pads=[1, 0, 0, 2], value=0.5))
add("Pad 10 reflect", case("Pad", X, opset=10, pads=[1, 0, 0, 2], mode="reflect"))
add("ReverseSequence", case("ReverseSequence", f(4, 3, 2), i(1, 4, 2)))
add("ReverseSequence batch first", case("ReverseSequence", f(3, 4, 2), i(1, 4, 2), batch_axis=0, time_axis=1))
add("DepthToSpace", case("DepthToSpace", f(2, 8, 2, 3), blocksize=2))
add("DepthToSpace CRD", case("DepthToSpace", f(2, 8, 2, 3), blocksize=2, mode="CRD"))
add("SpaceToDepth", case("SpaceToDepth", f(2, 2, 4, 6), blocksize=2))

BIG = np.iinfo(np.int64).max
add("Slice", case("Slice", T, i(0, 1), i(1, 3)))
add("Slice axes", case("Slice", T, i(1, -3), i(BIG, -1), i(1, -1)))
add("Slice steps", case("Slice", T, i(-1, 0), i(-BIG, BIG), i(2, 1), i(-1, 2)))
add("Slice backwards from beyond", case("Slice", T, i(9), i(-9), i(2), i(-2)))
add("Slice from before the start", case("Slice", T, i(-9), i(2), i(2)))
add("Slice backwards from before the start", case("Slice", T, i(-9), i(-BIG), i(2), i(-1)))
add("Slice 9", case("Slice", T, opset=9, starts=[1], ends=[3], axes=[2]))
add("Slice 9 first axes", case("Slice", T, opset=9, starts=[0, 1], ends=[1, 3]))
add("Gather", case("Gather", X, i([0, 2], [1, -1])))
add("Gather one", case("Gather", X, fix(-1), axis=1))
add("Gather axis", case("Gather", T, i(2, 0), axis=-2))
add("GatherElements", case("GatherElements", X, i([0, 2, 1, 0], [1, -1, 0, 2])))
add("GatherElements shorter", case("GatherElements", T, i([[0, 1], [3, -1]]), axis=2))
add("GatherND", case("GatherND", T, i([0, 1], [1, -1])))
add("GatherND elements", case("GatherND", T, i([[0, 1, 3]], [[1, 2, 0]])))
add("GatherND batch_dims", case("GatherND", T, i([[1, 2], [0, 0]], [[2, 3], [-1, -1]]), batch_dims=1))
add("GatherND batch_dims parts", case("GatherND", T, i([1], [0]), batch_dims=1))
ROWS, PLACES = f(2, 4), i([0, 2, 1, 0], [1, 0, -1, 2])
add("ScatterElements", case("ScatterElements", X, PLACES, ROWS))
add("ScatterElements axis", case("ScatterElements", X, i([0], [2], [-1]), f(3, 1), axis=1))
add("Scatter", case("Scatter", X, PLACES, ROWS, opset=10))
TWICE = i([0, 0, 2, 0], [0, 1, 2, 0])
for reduction in ("add", "mul", "max", "min"):
    add(f"ScatterElements {reduction}", case("ScatterElements", X, TWICE, ROWS, opset=18, reduction=reduction))
    add(f"ScatterND {reduction}", case("ScatterND", X, i([0], [2], [0]), f(3, 4), opset=18, reduction=reduction))
add("ScatterND", case("ScatterND", X, i([0], [-1]), f(2, 4)))
add("ScatterND elements", case("ScatterND", X, i([0, 1], [2, -1]), f(2)))
add("ScatterND into what is fixed", case("ScatterND", fix(np.zeros((3, 4), np.float32)), i([0], [2]), f(2, 4)))
add("Compress", case("Compress", X, np.array([True, False, True]), axis=0))
add("Compress axis", case("Compress", X, np.array([True, False, True]), axis=-1))
add("Compress flat", case("Compress", X, np.array([False, True, True, False, True])))
add("NonZero of a number", case("NonZero", np.array(3.0, np.float32)))
add("NonZero of some", case("NonZero", np.maximum(WHOLE, 0)))
for name, k in {"": None, " k": fix(1), " below": fix(-1)}.items():
    add(f"Trilu{name}", case("Trilu", f(2, 4, 5), k))
    add(f"Trilu lower{name}", case("Trilu", f(2, 4, 5), k, upper=0))

for dtype, to in {"float64": 11, "int64": 7, "int32": 6, "bool": 9, "float16": 10}.items():
    add(f"Cast to {dtype}", case("Cast", X * 3, to=to))
add("Cast of integers", case("Cast", WHOLE, to=1))
add("Cast of booleans", case("Cast", TRUE, to=1))
add("CastLike", case("CastLike", WHOLE, X))
add("CastLike integers", case("CastLike", X * 3, WHOLE))
add("ConstantOfShape", case("ConstantOfShape", i(2, 3)))
add("ConstantOfShape value", case("ConstantOfShape", i(2, 3), value=helper.make_tensor("v", 7, [1], [5])))
add("Range", case("Range", fix(1), fix(9), fix(3)))
add("Range of floats", case("Range", fix(1.0, "float32"), fix(-2.0, "float32"), fix(-0.5, "float32")))
add("Range of nothing", case("Range", fix(1), fix(-9), fix(3)))
add("OneHot", case("OneHot", i(0, 2, -1, 7, -9), fix(4), fix([0.5, 2.0], "float32")))
add("OneHot axis", case("OneHot", i([0, 2], [1, 1]), fix([3]), fix([0, 1]), axis=0))
add("OneHot of floats", case("OneHot", np.array([0.0, 2.0], np.float32), fix(3), fix([0, 1])))
add("EyeLike", case("EyeLike", X))
add("EyeLike k", case("EyeLike", X, k=1, dtype=7))
add("Dropout", case("Dropout", X, outputs=2))
add("Dropout predicting", case("Dropout", X, fix(0.3, "float32"), fix(False), outputs=1))
add("Dropout without ratio", case("Dropout", X, None, fix(False), outputs=2))
add("Dropout 10", case("Dropout", X, opset=10, outputs=1, ratio=0.3))
add("Dropout 9", case("Dropout", X, opset=9, outputs=1, ratio=0.3))

CONVOLUTIONS: dict[str, tuple[Array, Fixed, Fixed | None, dict[str, Any]]] = {
    "": (IMAGE, fix(f(5, 4, 3, 2)), None, {}),
    " bias": (IMAGE, fix(f(5, 4, 3, 2)), fix(f(5)), {"kernel_shape": [3, 2]}),
    " 1-D": (SERIES, fix(f(5, 4, 3)), fix(f(5)), {"strides": [2], "pads": [1, 2]}),
    " 3-D": (VOLUME, fix(f(3, 2, 2, 3, 2)), fix(f(3)), {"dilations": [1, 2, 1]}),
    " pads": (IMAGE, fix(f(5, 4, 3, 2)), None, {"pads": [0, 1, 2, 0], "strides": [2, 3]}),
    " dilations": (IMAGE, fix(f(5, 4, 3, 2)), None, {"dilations": [2, 1]}),
    " groups": (IMAGE, fix(f(6, 2, 3, 2)), fix(f(6)), {"group": 2}),
    " depthwise": (IMAGE, fix(f(8, 1, 3, 3)), fix(f(8)), {"group": 4}),
    " SAME_UPPER": (IMAGE, fix(f(5, 4, 4, 3)), None, {"auto_pad": "SAME_UPPER", "strides": [2, 3]}),
    " SAME_LOWER": (IMAGE, fix(f(5, 4, 4, 3)), None, {"auto_pad": "SAME_LOWER", "strides": [2, 3]}),
    " VALID": (IMAGE, fix(f(5, 4, 4, 3)), None, {"auto_pad": "VALID", "strides": [2, 3]}),
}
for name, (x, W, B, attributes) in CONVOLUTIONS.items():
    add(f"Conv{name}", case("Conv", x, W, B, **attributes))
add("Conv computed kernel", case("Conv", SERIES, f(5, 4, 3)))
TRANSPOSED: dict[str, dict[str, Any]] = {
    "": {},
    " strides": {"strides": [2, 3]},
    " pads": {"strides": [2, 3], "pads": [1, 0, 0, 2]},
    " output_padding": {"strides": [2, 3], "output_padding": [1, 2]},
    " dilations": {"dilations": [2, 1]},
    " SAME_UPPER": {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    " SAME_LOWER": {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
    " VALID": {"auto_pad": "VALID", "strides": [2, 2]},
    " output_shape": {"output_shape": [14, 16], "strides": [2, 2]},
    " output_shape odd": {"output_shape": [13, 16], "strides": [2, 2]},
    " output_shape SAME_UPPER": {"output_shape": [14, 15], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    " output_shape and output_padding": {"output_shape": [14, 16], "strides": [2, 2], "output_padding": [1, 0]},
}
for name, attributes in TRANSPOSED.items():
    add(f"ConvTranspose{name}", case("ConvTranspose", IMAGE, fix(f(4, 3, 4, 3)), fix(f(3)), **attributes))
add("ConvTranspose group", case("ConvTranspose", IMAGE, fix(f(4, 3, 3, 3)), None, group=2))
add("ConvTranspose 1-D", case("ConvTranspose", SERIES, fix(f(4, 3, 3)), fix(f(3)), strides=[2], pads=[1, 1]))
POOLS: dict[str, dict[str, Any]] = {
    "": {},
    " strides": {"strides": [2, 3]},
    " pads": {"strides": [2, 2], "pads": [0, 1, 2, 0]},
    " SAME_UPPER": {"auto_pad": "SAME_UPPER", "strides": [2, 3]},
    " SAME_LOWER": {"auto_pad": "SAME_LOWER", "strides": [2, 3]},
    " VALID": {"auto_pad": "VALID", "strides": [2, 3]},
    " ceil_mode": {"ceil_mode": 1, "strides": [3, 3]},
    " ceil_mode, pads": {"ceil_mode": 1, "strides": [3, 3], "pads": [1, 1, 1, 1]},
    " ceil_mode, a window in the padding": {"ceil_mode": 1, "strides": [3, 3], "pads": [0, 0, 2, 1]},
}
for op in ("MaxPool", "AveragePool", "LpPool"):
    for name, attributes in POOLS.items():
        opset = 18 if op == "LpPool" else 17
        add(f"{op}{name}", case(op, IMAGE, opset=opset, kernel_shape=[3, 2], **attributes))
    add(f"{op} 1-D", case(op, SERIES, kernel_shape=[2]))
add("MaxPool dilations", case("MaxPool", IMAGE, kernel_shape=[3, 2], dilations=[2, 1]))
add("MaxPool 3-D", case("MaxPool", VOLUME, kernel_shape=[2, 2, 2], strides=[2, 2, 2]))
add("AveragePool dilations", case("AveragePool", IMAGE, opset=19, kernel_shape=[3, 2], dilations=[2, 1]))
for name in (" pads", " SAME_UPPER", " ceil_mode", " ceil_mode, pads"):
    more = {"kernel_shape": [3, 2], "count_include_pad": 1, **POOLS[name]}
    add(f"AveragePool count_include_pad,{name}", case("AveragePool", IMAGE, **more))
add("LpPool p", case("LpPool", IMAGE, kernel_shape=[3, 2], p=1))
for op in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"):
    add(op, case(op, IMAGE))
    add(f"{op} 1-D", case(op, SERIES))
add("GlobalLpPool p", case("GlobalLpPool", IMAGE, p=1))

MEAN4, VARIANCE4 = fix(f(4)), fix(f(4, low=0.3))
add("BatchNormalization", case("BatchNormalization", IMAGE, SCALE4, BIAS4, MEAN4, VARIANCE4))
add("BatchNormalization epsilon", case("BatchNormalization", IMAGE, SCALE4, BIAS4, MEAN4, VARIANCE4, epsilon=0.1))
add("BatchNormalization 2-D", case("BatchNormalization", X, SCALE4, BIAS4, MEAN4, VARIANCE4, momentum=0.7))
add("BatchNormalization 9", case("BatchNormalization", SERIES, SCALE4, BIAS4, MEAN4, VARIANCE4, opset=9))
add("BatchNormalization 7", case("BatchNormalization", SERIES, SCALE4, BIAS4, MEAN4, VARIANCE4, opset=7))
BATCH = (IMAGE, SCALE4, BIAS4, MEAN4, VARIANCE4)
add("BatchNormalization training", case("BatchNormalization", *BATCH, outputs=3, training_mode=1))
add(
    "BatchNormalization training, momentum",
    case("BatchNormalization", *BATCH, outputs=3, training_mode=1, momentum=0.6),
)
add("InstanceNormalization", case("InstanceNormalization", IMAGE, SCALE4, BIAS4))
add("InstanceNormalization of one place", case("InstanceNormalization", f(2, 4, 1), SCALE4, BIAS4, unjudged=True))
add("InstanceNormalization epsilon", case("InstanceNormalization", SERIES, SCALE4, BIAS4, epsilon=0.1))
add("LayerNormalization", case("LayerNormalization", T, SCALE4, BIAS4))
add("LayerNormalization without B", case("LayerNormalization", T, SCALE4))
add("LayerNormalization axis", case("LayerNormalization", T, fix(f(3, 4)), fix(f(3, 4)), axis=1, epsilon=0.1))
add("LayerNormalization outputs", case("LayerNormalization", T, SCALE4, BIAS4, outputs=3))
add("LayerNormalization far from 0", case("LayerNormalization", T + 30, SCALE4, BIAS4))
GROUPS = f(2, 6, 5)
add("GroupNormalization", case("GroupNormalization", GROUPS, fix(f(6)), fix(f(6)), opset=21, num_groups=3))
add("GroupNormalization 18", case("GroupNormalization", GROUPS, fix(f(3)), fix(f(3)), opset=18, num_groups=3))
add("RMSNormalization", case("RMSNormalization", T, SCALE4, opset=23))
add("RMSNormalization axis", case("RMSNormalization", T, fix(f(3, 4)), opset=23, axis=1, epsilon=0.1))
add("LpNormalization p", case("LpNormalization", X, p=1, axis=0))
add("LpNormalization of zeros", case("LpNormalization", X * i(0, 1, 1)[:, None].astype(np.float32), unjudged=True))
add("MeanVarianceNormalization", case("MeanVarianceNormalization", IMAGE))
add("MeanVarianceNormalization axes", case("MeanVarianceNormalization", IMAGE, axes=[2, 3]))

UP = fix([1, 1, 2, 2.5], "float32")
for mode in ("nearest", "linear"):
    add(f"Upsample {mode}", case("Upsample", IMAGE, UP, opset=9, mode=mode))
    add(f"Upsample 7 {mode}", case("Upsample", IMAGE, opset=7, mode=mode, scales=[1.0, 1.0, 2.0, 3.0]))
    add(f"Resize 10 {mode}", case("Resize", IMAGE, UP, opset=10, mode=mode))
    add(f"Resize 10 {mode} down", case("Resize", IMAGE, fix([1, 1, 0.5, 0.6], "float32"), opset=10, mode=mode))
    for rule in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"):
        more = {"mode": mode, "coordinate_transformation_mode": rule, "opset": 19}
        add(f"Resize {mode} {rule}", case("Resize", IMAGE, None, UP, **more))
        add(f"Resize {mode} {rule} to sizes", case("Resize", IMAGE, None, None, fix([2, 4, 3, 13]), **more))
for rule in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
    add(
        f"Resize {rule}",
        case("Resize", IMAGE, None, UP, nearest_mode=rule, coordinate_transformation_mode="asymmetric"),
    )
add("Resize axes", case("Resize", IMAGE, None, fix([2.0, 0.5], "float32"), opset=18, axes=[3, 2]))
add("Resize 1-D", case("Resize", SERIES, None, fix([1, 1, 2], "float32"), mode="linear"))

HALVES = np.array([[-3.0, -2.5, -1.5, -0.5, 0.0], [0.5, 1.5, 2.5, 200.0, -200.0]], np.float32)
ONE = fix(1.0, "float32")
STEP = fix(0.13, "float32")
add("QuantizeLinear", case("QuantizeLinear", f(2, 5) * 9, STEP, fix(5, "uint8")))
add("QuantizeLinear halves", case("QuantizeLinear", HALVES, ONE))
for dtype, zero in {"uint8": 128, "int8": 3, "int16": -5}.items():
    add(f"QuantizeLinear {dtype}", case("QuantizeLinear", HALVES, ONE, fix(zero, dtype), opset=21))
STEPS5, ZEROS5 = fix([0.5, 1, 2, 0.1, 0.3], "float32"), fix([0, 1, -1, 5, -7], "int8")
add("QuantizeLinear axis", case("QuantizeLinear", f(2, 5) * 9, STEPS5, ZEROS5))
add("QuantizeLinear axis 0", case("QuantizeLinear", f(5, 2) * 9, STEPS5, ZEROS5, axis=0))
add("QuantizeLinear output_dtype", case("QuantizeLinear", HALVES, ONE, opset=21, output_dtype=3))
BYTES, SIGNED = (
    i([0, 3, 200, 255, 128], [7, 9, 1, 0, 77], dtype="uint8"),
    fix(RANDOM.integers(-128, 127, (5, 3)), "int8"),
)
add("DequantizeLinear", case("DequantizeLinear", BYTES, fix(0.03, "float32")))
add("DequantizeLinear zero", case("DequantizeLinear", BYTES, fix(0.03, "float32"), fix(100, "uint8")))
ROWS2 = (fix([0.03, 0.7], "float32"), fix([3, 9], "uint8"))
add("DequantizeLinear axis", case("DequantizeLinear", BYTES, *ROWS2, axis=0))
add("QuantizeLinear of Microsoft", case("QuantizeLinear", f(2, 5) * 9, STEP, fix(-5, "int16"), domain=MICROSOFT))
add("DequantizeLinear of Microsoft", case("DequantizeLinear", BYTES, *ROWS2, domain=MICROSOFT, axis=0))
RANGES = {"": f(4, 5), " positive": POSITIVE, " negative": -POSITIVE, " zeros": np.zeros((2, 3), np.float32)}
for name, x in RANGES.items():
    add(f"DynamicQuantizeLinear{name}", case("DynamicQuantizeLinear", x, outputs=3, unjudged=not x.any()))
add("MatMulInteger", case("MatMulInteger", BYTES, SIGNED))
add("MatMulInteger zeros", case("MatMulInteger", BYTES, SIGNED, fix(7, "uint8"), fix(-3, "int8")))
add("MatMulInteger columns", case("MatMulInteger", BYTES, SIGNED, fix(7, "uint8"), fix([1, 0, -2], "int8")))
QUANTA = (fix(0.03, "float32"), fix(5, "int8"), fix(0.9, "float32"), fix(128, "uint8"))
UP5, DOWN3 = (fix(0.02, "float32"), fix(120, "uint8")), (fix(0.013, "float32"), fix(9, "uint8"))
for op in ("QLinearAdd", "QLinearMul"):
    fed = (BYTES, *UP5, BYTES[::-1], *DOWN3, fix(0.017, "float32"), fix(33, "uint8"))
    add(op, case(op, *fed, domain=MICROSOFT))
BIAS3, RESULT = fix([5, -100, 2000], "int32"), (fix(0.9, "float32"), fix(128, "uint8"))
WEIGHTS3 = (SIGNED, fix(0.03, "float32"), fix(5, "int8"))
TURNED3 = (Fixed(SIGNED.value.T.copy()), *WEIGHTS3[1:])
add("QGemm", case("QGemm", BYTES, *UP5, *WEIGHTS3, BIAS3, *RESULT, domain=MICROSOFT))
add("QGemm without bias", case("QGemm", BYTES, *UP5, *WEIGHTS3, None, *RESULT, domain=MICROSOFT, alpha=0.7))
add("QGemm to floats", case("QGemm", BYTES, *UP5, *TURNED3, BIAS3, domain=MICROSOFT, transB=1))
add("QLinearMatMul", case("QLinearMatMul", BYTES, fix(0.02, "float32"), fix(120, "uint8"), SIGNED, *QUANTA))

add("Gelu of Microsoft", case("Gelu", X, domain=MICROSOFT))
add("QuickGelu", case("QuickGelu", X, domain=MICROSOFT))
add("QuickGelu alpha", case("QuickGelu", X, domain=MICROSOFT, alpha=1.2))
add("BiasGelu", case("BiasGelu", X, fix(f(4)), domain=MICROSOFT))
add("FastGelu", case("FastGelu", X, domain=MICROSOFT))
add("FastGelu bias", case("FastGelu", X, fix(f(4)), domain=MICROSOFT))
add("FusedMatMul", case("FusedMatMul", T, f(2, 5, 4), domain=MICROSOFT, transB=1, alpha=0.7))
add("FusedMatMul transA", case("FusedMatMul", T, f(2, 3, 5), domain=MICROSOFT, transA=1))

MAKE = ("SequenceConstruct", "a b c", "s", {})
A, B, C = f(2, 3), f(2, 3), f(2, 3)
SEQUENCES: dict[str, list[tuple[str, str, str, dict[str, Any]]]] = {
    "SequenceAt": [MAKE, ("SequenceAt", "s at", "y", {})],
    "SequenceLength": [MAKE, ("SequenceLength", "s", "y", {})],
    "ConcatFromSequence": [MAKE, ("ConcatFromSequence", "s", "y", {"axis": -1})],
    "ConcatFromSequence new axis": [MAKE, ("ConcatFromSequence", "s", "y", {"axis": 1, "new_axis": 1})],
    "SequenceInsert": [
        MAKE,
        ("SequenceInsert", "s d", "t", {}),
        ("SequenceInsert", "t d at", "u", {}),
        ("ConcatFromSequence", "u", "y", {"axis": 0}),
    ],
    "SequenceErase": [
        MAKE,
        ("SequenceErase", "s", "t", {}),
        ("SequenceErase", "t at", "u", {}),
        ("ConcatFromSequence", "u", "y", {"axis": 0}),
    ],
    "SequenceEmpty": [
        ("SequenceEmpty", "", "s", {}),
        ("SequenceInsert", "s a", "t", {}),
        ("SequenceAt", "t zero", "y", {}),
    ],
    "SequenceEmpty length": [("SequenceEmpty", "", "s", {"dtype": 7}), ("SequenceLength", "s", "y", {})],
    "Identity of a sequence": [MAKE, ("Identity", "s", "t", {}), ("SequenceAt", "t at", "y", {})],
}
TENSORS = {"a": A, "b": B, "c": C, "d": f(2, 3), "at": i(-2).reshape(()), "zero": i(0).reshape(())}
for name, nodes in SEQUENCES.items():
    used = {word for _, words, _, _ in nodes for word in words.split()} & set(TENSORS)
    add(name, several(nodes, **{word: TENSORS[word] for word in sorted(used)}))
PARTS: dict[str, tuple[str, dict[str, Any], dict[str, Array]]] = {
    "": ("x", {}, {}),
    " keepdims": ("x", {"keepdims": 0, "axis": 1}, {}),
    " size": ("x n", {"axis": -1}, {"n": np.array(2)}),
    " sizes": ("x n", {}, {"n": i(1, 3)}),
}
for name, (words, more, lengths) in PARTS.items():
    nodes = [("SplitToSequence", words, "s", more), ("SequenceAt", "s at", "y", {})]
    add(f"SplitToSequence{name}", several(nodes, x=f(4, 5), at=np.array(-1), **lengths))
