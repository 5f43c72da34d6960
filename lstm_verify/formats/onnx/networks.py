"""ONNX operators that are layers: convolution, pooling, normalisation and resizing, all with the channels first."""

from __future__ import annotations

from typing import Any

import numpy as np

from lstm_verify.formats.onnx.conversions import given, has, padding, single, steps
from lstm_verify.graph.compute import Compute, Only, Option, Use
from lstm_verify.graph.expand import step
from lstm_verify.graph.ir import Node
from lstm_verify.graph.translate import Entry, Refused, Since

WINDOWS: dict[Any, Use] = {
    ("auto_pad", "pads"): Option("padding", padding),
    "strides": Option("strides", tuple),
    "dilations": Option("dilation", tuple),
}
GROUPS = {"group": Option("groups", default=1)}
POOLS: dict[Any, Use] = {**WINDOWS, "kernel_shape": Option("size", tuple), "ceil_mode": Option("partial", bool)}
CHANNELS_FIRST = {"channels_first": True}


def _with_kernel(node: Node, product: Node, **before: Node) -> dict[str, Node]:
    """A product with a kernel of (channels, channels, *size), and a bias if there is one."""
    moved = {"kernel": step("move_axis", "1", source=[0, 1], destination=[-1, -2]), **before}
    if not has(node, 2):
        return {**moved, "": product}
    return {**moved, "product": product, "": step("add_bias", "product", "2")}


def _convolution(node: Node) -> dict[str, Node]:
    return _with_kernel(node, step("convolution", "0", "kernel", **given(node, "kernel_shape")))


def _transposed(node: Node) -> dict[str, Node]:
    rest = given(node, "kernel_shape", "output_shape")
    wanted, rule = node.attributes.get("output_shape"), str(node.attributes.get("auto_pad", "NOTSET"))
    lengths: dict[str, Node] = {}
    if wanted:
        lengths["lengths"] = step("Constant", value=np.asarray(wanted), dtype="int64")
        rest |= {"auto_pad": rule if rule == "SAME_UPPER" else "SAME_LOWER", "pads": None}
    elif rule in ("SAME_UPPER", "SAME_LOWER"):
        strides = np.asarray(node.attributes.get("strides", 1))
        lengths["before"] = step("Shape", "0", start=2)
        lengths["strides"] = step("Constant", value=strides, dtype="int64")
        lengths["lengths"] = step("Mul", "before", "strides")
    product = step("transposed_convolution", "0", "kernel", "lengths" if lengths else "", **rest)
    return _with_kernel(node, product, **lengths)


def _by_whose_statistics(node: Node) -> str:
    is_training = node.attributes.get("training_mode")
    return "batch_statistics_normalization" if is_training else "folded_batch_normalization"


CONVOLUTION = ("auto_pad", "pads", "strides", "dilations", "group", "kernel_shape")
NORMALIZED: dict[Any, Use] = {"epsilon": Option("epsilon", default=single(1e-5))}
# 1 is float32, 11 float64, which is as wide
STASHED = {**NORMALIZED, "stash_type": Only((1, 11))}
MOMENTUM = frozenset({"momentum"})
ORDER = Option("order", {1: 1, 2: 2}.__getitem__, default=2)

MODE = {"mode": Option("linear", {"nearest": False, "linear": True}.__getitem__)}
SIMPLE = {"places": "asymmetric", "nearest": "floor"}
PLACES = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric")
NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
# what these are for is not supported
OF_CUBIC = frozenset({"cubic_coeff_a", "exclude_outside", "extrapolation_value"})

NETWORKS: dict[str, Entry | Since] = {
    "Conv": steps(_convolution, *CONVOLUTION),
    "convolution": Compute("convolution", {**WINDOWS, **GROUPS}, options=CHANNELS_FIRST),
    "ConvTranspose": steps(_transposed, *CONVOLUTION, "output_padding", "output_shape"),
    "transposed_convolution": Compute(
        "transposed_convolution",
        {**WINDOWS, **GROUPS, "output_padding": Option("output_padding", tuple)},
        options=CHANNELS_FIRST,
    ),
    "move_axis": Compute("move_axis", {"source": Option("source"), "destination": Option("destination")}),
    "add_bias": Compute("add_bias", options={"axis": 1}),
    "MaxPool": steps(
        lambda node: {"": step("max_pool", "0", **given(node, "storage_order")), "places": step("places of maxima")},
        *("auto_pad", "pads", "strides", "dilations", "kernel_shape", "ceil_mode", "storage_order"),
        elsewhere={1: "places"},
    ),
    "max_pool": Compute("max_pool", POOLS, options=CHANNELS_FIRST),
    "places of maxima": Refused("the second output of MaxPool, the places of the maxima, is not supported"),
    "AveragePool": Compute(
        "average_pool", {**POOLS, "count_include_pad": Option("counts_padding", bool)}, options=CHANNELS_FIRST
    ),
    "LpPool": Compute("norm_pool", {**POOLS, "p": ORDER}, options=CHANNELS_FIRST),
    "GlobalMaxPool": Compute("global_max_pool"),
    "GlobalAveragePool": Compute("global_average_pool"),
    "GlobalLpPool": Compute("global_norm_pool", {"p": ORDER}),
    "BatchNormalization": Since(
        {
            # more outputs than one are those of training
            7: Compute(
                "folded_batch_normalization", {**NORMALIZED, "spatial": Only((1,)), "_outputs": Only((1,))}, MOMENTUM
            ),
            14: steps(
                lambda node: {"": step(_by_whose_statistics(node), *"01234", **given(node, "training_mode"))},
                *("epsilon", "momentum", "training_mode"),
            ),
        }
    ),
    "folded_batch_normalization": Compute("folded_batch_normalization", NORMALIZED, MOMENTUM),
    "batch_statistics_normalization": Compute(
        "batch_statistics_normalization", {**NORMALIZED, "momentum": Option("momentum", default=single(0.9))}
    ),
    "InstanceNormalization": Compute("instance_normalization", NORMALIZED),
    "GroupNormalization": Compute("group_normalization", {**STASHED, "num_groups": Option("groups")}),
    "LayerNormalization": Compute("layer_normalization", {**STASHED, "axis": Option("axis", default=-1)}),
    "RMSNormalization": Compute("rms_normalization", {**STASHED, "axis": Option("axis", default=-1)}),
    "LpNormalization": Compute("norm_normalization", {"axis": Option("axis", default=-1), "p": ORDER}),
    "MeanVarianceNormalization": Compute(
        "mean_variance_normalization", {"axes": Option("axes", tuple, default=(0, 2, 3))}
    ),
    "Upsample": Since(
        {
            7: Compute("resize", {**MODE, "scales": Option("scales")}, options=SIMPLE),
            9: Compute("resize", MODE, options=SIMPLE),
        }
    ),
    "Resize": Since(
        {
            # which place is the nearest the text does not say: as in ONNX Runtime
            10: Compute("resize", MODE, options={"places": "asymmetric", "nearest": "floor_or_ceil"}),
            11: Compute(
                "resize",
                {
                    **MODE,
                    "coordinate_transformation_mode": Option("places", {name: name for name in PLACES}.__getitem__),
                    "nearest_mode": Option("nearest", {name: name for name in NEAREST}.__getitem__),
                    "axes": Option("axes", tuple),
                    "antialias": Only((0,)),
                    "keep_aspect_ratio_policy": Only(("stretch",)),
                },
                OF_CUBIC,
                arguments=lambda x, roi=None, scales=None, sizes=None: (x, scales, sizes),
            ),
        }
    ),
}
