"""Elementwise ONNX operators, and activations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lstm_verify.formats.onnx.attributes import dtype_name
from lstm_verify.formats.onnx.conversions import single, steps
from lstm_verify.graph.compute import Compute, Option
from lstm_verify.graph.expand import step
from lstm_verify.graph.ir import Node
from lstm_verify.graph.translate import Entry, Since


def _plain(names: Mapping[str, str]) -> dict[str, Entry]:
    return {op: Compute(operation) for op, operation in names.items()}


def _selu(node: Node) -> dict[str, Node]:
    gamma = np.float32(node.attributes.get("gamma", GAMMA))
    return {
        "elu": step("Elu", "0", alpha=node.attributes.get("alpha", ALPHA)),
        "gamma": step("Constant", value=np.asarray(gamma), dtype="float32"),
        "": step("Mul", "gamma", "elu"),
    }


def _selu_or_steps(node: Node) -> dict[str, Node]:
    usual = all(np.isclose(node.attributes.get(key, value), value, rtol=1e-6) for key, value in SELU.items())
    return {"": step("selu", "0")} if usual else _selu(node)


ALPHA, GAMMA = single(1.6732631921768188), single(1.0507010221481323)
SELU = {"alpha": ALPHA, "gamma": GAMMA}
APPROXIMATE = Option("approximate", {"none": False, "tanh": True}.__getitem__)

FUNCTIONS: dict[str, Entry | Since] = {
    **_plain(
        {
            "Relu": "relu",
            "Sigmoid": "sigmoid",
            "Tanh": "tanh",
            "Softplus": "softplus",
            "Softsign": "softsign",
            "Mish": "mish",
            "HardSwish": "hard_silu",
            "PRelu": "prelu",
            "selu": "selu",
        }
    ),
    "LeakyRelu": Compute("leaky_relu", {"alpha": Option("negative_slope", default=single(0.01))}),
    "Elu": Compute("elu", {"alpha": Option("alpha", default=1.0)}),
    "Celu": Compute("celu", {"alpha": Option("alpha", default=1.0)}),
    "Selu": steps(_selu_or_steps, "alpha", "gamma"),
    "HardSigmoid": Compute(
        "hard_sigmoid", {"alpha": Option("slope", default=single(0.2)), "beta": Option("offset", default=0.5)}
    ),
    "ThresholdedRelu": Compute(
        "threshold", {"alpha": Option("threshold", default=1.0)}, options={"default_value": 0.0}
    ),
    "Gelu": Compute("gelu", {"approximate": APPROXIMATE}),
    "Swish": Compute("silu", {"alpha": Option("beta", default=1.0)}),
    "Shrink": Compute("shrink", {"lambd": Option("threshold", default=0.5), "bias": Option("bias", default=0.0)}),
    "Clip": Since({1: Compute("clip", {"min": Option("low"), "max": Option("high")}), 11: Compute("clip")}),
    # one axis since 13, before that all from one on
    **{
        op: Since(
            {
                1: Compute(f"{operation}_from", {"axis": Option("axis", default=1)}),
                13: Compute(operation, {"axis": Option("axis", default=-1)}),
            }
        )
        for op, operation in {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Hardmax": "hardmax"}.items()
    },
    "com.microsoft.Gelu": Compute("gelu"),
    "com.microsoft.QuickGelu": Compute("silu", {"alpha": Option("beta", default=single(1.702))}),
    "com.microsoft.BiasGelu": steps(lambda node: {"sum": step("Add", "0", "1"), "": step("Gelu", "sum")}),
    "com.microsoft.FastGelu": steps(
        lambda node: {
            "sum": step("Sum", "0", *(["1"] if len(node.inputs) > 1 else [])),
            "": step("Gelu", "sum", approximate="tanh"),
        }
    ),
}

ELEMENTWISE: dict[str, Entry | Since] = {
    **FUNCTIONS,
    **_plain(
        {
            "Add": "add",
            "Sub": "subtract",
            "Mul": "multiply",
            "Div": "divide_toward_zero",
            "Pow": "power_like",
            "Sum": "add_n",
            "Mean": "mean_n",
            "Max": "maximum_n",
            "Min": "minimum_n",
            "Neg": "negative",
            "Abs": "absolute",
            "Sign": "sign",
            "Floor": "floor",
            "Ceil": "ceil",
            "Round": "round",
            "Sqrt": "sqrt",
            "Reciprocal": "reciprocal",
            "Exp": "exp",
            "Log": "log",
            "Erf": "erf",
            "Sin": "sin",
            "Cos": "cos",
            "Tan": "tan",
            "Asin": "arcsin",
            "Acos": "arccos",
            "Atan": "arctan",
            "Sinh": "sinh",
            "Cosh": "cosh",
            "Asinh": "arcsinh",
            "Acosh": "arccosh",
            "Atanh": "arctanh",
            "Equal": "equal",
            "Less": "less",
            "LessOrEqual": "less_equal",
            "Greater": "greater",
            "GreaterOrEqual": "greater_equal",
            "And": "logical_and",
            "Or": "logical_or",
            "Xor": "logical_xor",
            "Not": "logical_not",
            "BitwiseAnd": "bitwise_and",
            "BitwiseOr": "bitwise_or",
            "BitwiseXor": "bitwise_xor",
            "BitwiseNot": "invert",
            "Where": "where",
            "IsNaN": "is_nan",
        }
    ),
    "Mod": Compute("mod", {"fmod": Option("toward_zero", bool)}),
    "IsInf": Compute(
        "is_inf",
        {
            "detect_positive": Option("positive", bool, default=1),
            "detect_negative": Option("negative", bool, default=1),
        },
    ),
    # these two matter for float8 alone, which is not supported
    "Cast": Compute("cast", {"to": Option("dtype", dtype_name)}, frozenset({"saturate", "round_mode"})),
    "CastLike": Compute("cast_like", ignored=frozenset({"saturate", "round_mode"})),
}
