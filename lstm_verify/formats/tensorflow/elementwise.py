"""TensorFlow's elementwise operations."""

from __future__ import annotations

from collections.abc import Mapping

from lstm_verify.formats.tensorflow.attributes import FLOATS, channels_axis, single
from lstm_verify.graph.compute import Compute, Only, Option


def _plain(names: Mapping[str, str]) -> dict[str, Compute]:
    return {op: Compute(operation) for op, operation in names.items()}


ELEMENTWISE = _plain(
    {
        "Add": "add",
        "AddV2": "add",
        "AddN": "add_n",
        "Sub": "subtract",
        "Mul": "multiply",
        "MulNoNan": "multiply_no_nan",
        "RealDiv": "true_divide",
        "Div": "divide_toward_zero",
        "TruncateDiv": "divide_toward_zero",
        "DivNoNan": "divide_no_nan",
        "FloorDiv": "floor_divide",
        "FloorMod": "floor_mod",
        "Mod": "mod_toward_zero",
        "TruncateMod": "mod_toward_zero",
        "Pow": "power",
        "SquaredDifference": "squared_difference",
        "Maximum": "maximum",
        "Minimum": "minimum",
        "ClipByValue": "clip",
        "Neg": "negative",
        "Abs": "absolute",
        "Sign": "sign",
        "Reciprocal": "reciprocal",
        "Inv": "reciprocal",
        "Square": "square",
        "Sqrt": "sqrt",
        "Rsqrt": "rsqrt",
        "Exp": "exp",
        "Expm1": "expm1",
        "Log": "log",
        "Log1p": "log1p",
        "Sin": "sin",
        "Cos": "cos",
        "Tan": "tan",
        "Asin": "arcsin",
        "Acos": "arccos",
        "Atan": "arctan",
        "Atan2": "arctan2",
        "Sinh": "sinh",
        "Cosh": "cosh",
        "Tanh": "tanh",
        "Asinh": "arcsinh",
        "Acosh": "arccosh",
        "Atanh": "arctanh",
        "Floor": "floor",
        "Ceil": "ceil",
        "Rint": "round",
        "Erf": "erf",
        "Erfc": "erfc",
        "Sigmoid": "sigmoid",
        "Relu": "relu",
        "Relu6": "relu6",
        "Elu": "elu",
        "Selu": "selu",
        "Softplus": "softplus",
        "Softsign": "softsign",
        "Softmax": "softmax",
        "LogSoftmax": "log_softmax",
        "Greater": "greater",
        "GreaterEqual": "greater_equal",
        "Less": "less",
        "LessEqual": "less_equal",
        "IsNan": "is_nan",
        "IsInf": "is_inf",
        "IsFinite": "is_finite",
        "LogicalAnd": "logical_and",
        "LogicalOr": "logical_or",
        "LogicalNot": "logical_not",
        "BitwiseAnd": "bitwise_and",
        "BitwiseOr": "bitwise_or",
        "BitwiseXor": "bitwise_xor",
        "Invert": "invert",
        "Select": "where_rows",
        "SelectV2": "where",
    }
) | {
    "BiasAdd": Compute("add_bias", {"data_format": Option("axis", channels_axis)}),
    # of integers, TensorFlow 2.21 makes zeros
    "Round": Compute("round", {"T": Only(FLOATS)}),
    "BiasAddV1": Compute("add_bias"),
    "AccumulateNV2": Compute("add_n", ignored=frozenset({"shape"})),
    "LeakyRelu": Compute("leaky_relu", {"alpha": Option("negative_slope", default=single(0.2))}),
    "Equal": Compute("equal", {"incompatible_shape_error": Option("incompatible_shape_error")}),
    "NotEqual": Compute("not_equal", {"incompatible_shape_error": Option("incompatible_shape_error")}),
    "Cast": Compute("cast", {"DstT": Option("dtype"), "Truncate": Only((False,))}),
}
