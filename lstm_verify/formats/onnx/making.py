"""ONNX operators that make tensors from nothing but a shape or a number, and those of sequences of tensors."""

from __future__ import annotations

import numpy as np

from lstm_verify.formats.onnx.attributes import dtype_name
from lstm_verify.formats.onnx.conversions import constant, given, has, number, steps, width
from lstm_verify.graph.compute import Argument, Compute, Option
from lstm_verify.graph.expand import step
from lstm_verify.graph.ir import Node
from lstm_verify.graph.translate import Entry, Refused, Since

FROM_END = {"from_end": True}
PLACES = {"dtype": "int64"}
AXIS_0 = {"axis": Option("axis", default=0)}


def _dropout_in_training(node: Node) -> dict[str, Node]:
    """A copy, or random zeros and the others divided by the share of them, by the third input."""
    if not has(node, 2):
        shape, true = step("Shape", "0"), step("ConstantOfShape", "shape", value=np.ones(1, bool))
        return {"shape": shape, "mask": true, "": step("Identity", "0")}
    ratio = {} if has(node, 1) else {"ratio": number(0.5)}
    rate = "1" if has(node, 1) else "ratio"
    return {
        **ratio,
        "drawn": step("RandomUniformLike", "0"),
        "kept": step("GreaterOrEqual", "drawn", rate),
        "predicting": step("Not", "2"),
        "mask": step("Or", "predicting", "kept"),
        "one": number(1),
        "share": step("Sub", "one", rate),
        "scaled": step("Div", "0", "share"),
        "nothing": number(0),
        "dropped": step("Where", "kept", "scaled", "nothing"),
        "": step("Where", "2", "dropped", "0"),
    }


def _one_hot(node: Node) -> dict[str, Node]:
    return {
        "first": constant(0),
        "second": constant(1),
        "off": step("Gather", "2", "first"),
        "on": step("Gather", "2", "second"),
        "": step("one_hot", "0", "1", "on", "off", **given(node)),
    }


def _like(op: str) -> Entry:
    """Random numbers of the shape of a tensor."""
    return steps(
        lambda node: {"shape": step("Shape", "0"), "": step(op, "shape", **given(node))},
        *RANDOM[op].known,
    )


DTYPE = Option("dtype", dtype_name, default=1)
DRAWN = frozenset({"seed"})
RANDOM: dict[str, Compute] = {
    "RandomNormal": Compute(
        "random_normal",
        {"shape": Argument(0), "dtype": DTYPE, "mean": Option("offset"), "scale": Option("scale")},
        DRAWN,
    ),
    "RandomUniform": Compute(
        "random_uniform",
        {"shape": Argument(0), "dtype": DTYPE, "low": Option("offset"), ("low", "high"): Option("scale", width)},
        DRAWN,
    ),
}

NEW: dict[str, Entry | Since] = {
    **RANDOM,
    "RandomNormalLike": _like("RandomNormal"),
    "RandomUniformLike": _like("RandomUniform"),
    "Dropout": Since(
        {
            7: steps(
                lambda node: {"": step("Identity", "0"), "mask": step("mask of a dropout that drops nothing")},
                "ratio",
                elsewhere={1: "mask"},
            ),
            12: steps(_dropout_in_training, "seed", elsewhere={1: "mask"}),
        }
    ),
    "mask of a dropout that drops nothing": Refused(
        "the second output of Dropout before opset 12, of which the text does not say what it is, is not supported"
    ),
    "ConstantOfShape": Compute(
        "full", {"value": Argument(1, lambda value: np.reshape(value, ()), default=np.zeros(1, np.float32))}
    ),
    "Range": Compute("arange", ignored=frozenset({"stash_type"})),
    "OneHot": steps(_one_hot, "axis"),
    "one_hot": Compute("one_hot", {"axis": Option("axis", default=-1)}, options=FROM_END),
    "EyeLike": Compute("eye_like", {"dtype": Option("dtype", dtype_name), "k": Option("k")}),
}

LISTS: dict[str, Entry] = {
    "SequenceEmpty": Compute(
        "list_reserve", {"dtype": DTYPE}, options={"grows": True}, arguments=lambda: (np.zeros((), np.int32),)
    ),
    "SequenceConstruct": Compute("list_of"),
    "SequenceInsert": Compute("list_insert"),
    "SequenceAt": Compute("list_at"),
    "SequenceLength": Compute("list_length", options=PLACES),
    "SequenceErase": Compute("list_erase"),
    "ConcatFromSequence": Compute("list_along", {"axis": Option("axis"), "new_axis": Option("new_axis", bool)}),
    "SplitToSequence": Compute("list_split_along", {**AXIS_0, "keepdims": Option("keepdims", bool)}),
}

MAKING: dict[str, Entry | Since] = {**NEW, **LISTS}
