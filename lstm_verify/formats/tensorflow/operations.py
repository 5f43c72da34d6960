"""TensorFlow's operations in terms of `layers/operations`.

The inputs stay as they are and in their order. Every attribute is used, or checked, or is on the list of those that
change no result; with any other, or with a value that is not known, the operation is not supported. An attribute that
is missing has its default: SavedModels leave those out.

Source: the definitions of the operations in `tf.raw_ops`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lstm_verify.errors import UnsupportedError
from lstm_verify.formats.tensorflow.elementwise import ELEMENTWISE
from lstm_verify.formats.tensorflow.rules import (
    FLOATS,
    IGNORED,
    Only,
    Option,
    Rule,
    channels_axis,
    padding,
    pair,
    single,
    some,
)

KEEP = {"keep_dims": Option("keepdims")}
RUNNING = {"exclusive": Option("exclusive"), "reverse": Option("reverse")}
GRADIENTS = frozenset({"grad_a", "grad_b", "grad_x", "grad_y"})
ADJOINT = {"adj_x": Option("transpose_x"), "adj_y": Option("transpose_y")}  # of real matrices, the same

LINEAR = {
    "MatMul": Rule(
        "matmul",
        {"transpose_a": Option("transpose_x"), "transpose_b": Option("transpose_y")},
        GRADIENTS,
    ),
    "BatchMatMul": Rule("matmul", ADJOINT, GRADIENTS),
    "BatchMatMulV2": Rule("matmul", ADJOINT, GRADIENTS),
    "BatchMatMulV3": Rule("matmul", {**ADJOINT, "Tout": Only(FLOATS)}, GRADIENTS | {"Ta", "Tb"}),
    "Einsum": Rule("einsum", {"equation": Option("equation")}),
    "Cumsum": Rule("cumsum", RUNNING),
    "Cumprod": Rule("cumprod", RUNNING),
    **{op: Rule(op.lower(), KEEP) for op in ("Sum", "Mean", "Max", "Min", "Prod", "Any", "All")},
    "ArgMax": Rule("argmax", {"output_type": Option("dtype")}),
    "ArgMin": Rule("argmin", {"output_type": Option("dtype")}),
    # all are sorted here, which where it is not asked for does no harm
    "TopKV2": Rule("top_k", {"index_type": Option("dtype")}, frozenset({"sorted"})),
    "MatrixBandPart": Rule("band_part"),
}

OUT_TYPE = {"out_type": Option("dtype")}

SHAPES = {
    "Shape": Rule("shape", OUT_TYPE),
    "ShapeN": Rule("shapes", OUT_TYPE),
    "Size": Rule("size", OUT_TYPE),
    "Rank": Rule("rank"),
    "Reshape": Rule("reshape_to"),
    "Squeeze": Rule("squeeze", {"squeeze_dims": Option("axis", some)}),
    "ExpandDims": Rule("expand_dims"),
    "Transpose": Rule("transpose"),
    "Concat": Rule("concatenate_first"),
    "ConcatV2": Rule("concatenate_last"),
    "Pack": Rule("pack", {"axis": Option("axis")}),
    "Unpack": Rule("unpack", {"axis": Option("axis")}, frozenset({"num"})),
    "Split": Rule("split_evenly", {"num_split": Option("parts")}),
    "SplitV": Rule("split_sizes", ignored=frozenset({"num_split"})),
    "BroadcastTo": Rule("broadcast_to"),
    "BroadcastArgs": Rule("broadcast_shapes"),
    "Tile": Rule("tile"),
    "Reverse": Rule("flip_marked"),
    "ReverseV2": Rule("flip"),
    "Roll": Rule("roll", ignored=frozenset({"Tshift"})),
    "ReverseSequence": Rule("reverse_sequence", {"seq_dim": Option("axis"), "batch_dim": Option("batch_axis")}),
    "InvertPermutation": Rule("invert_permutation"),
    "Pad": Rule("pad"),
    "PadV2": Rule("pad"),
    "MirrorPad": Rule(
        "pad_mirrored", {"mode": Option("mode", {"REFLECT": "reflect", "SYMMETRIC": "symmetric"}.__getitem__)}
    ),
    "SpaceToBatchND": Rule("space_to_batch"),
    "BatchToSpaceND": Rule("batch_to_space"),
}

MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
BATCH_DIMS = {"batch_dims": Option("batch_dims")}

SELECTION = {
    "Where": Rule("positions"),
    "Slice": Rule("slice_sizes"),
    "StridedSlice": Rule("strided_slice", {mask: Option(mask) for mask in MASKS}),
    "Gather": Rule("gather"),
    "GatherV2": Rule("gather", BATCH_DIMS),
    "ResourceGather": Rule("gather", BATCH_DIMS, frozenset({"dtype"})),
    "GatherNd": Rule("gather_nd", {"bad_indices_policy": Only(("", "DEFAULT", "ERROR"))}),
    "ScatterNd": Rule("scatter_nd", {"bad_indices_policy": Only(("", "DEFAULT", "ERROR"))}),
    "TensorScatterUpdate": Rule("scatter_update", {"bad_indices_policy": Only(("", "DEFAULT", "ERROR"))}),
    "TensorScatterAdd": Rule("scatter_add", {"bad_indices_policy": Only(("", "DEFAULT", "ERROR"))}),
}

DTYPE = {"dtype": Option("dtype")}

MAKING = {
    "OneHot": Rule("one_hot", {"axis": Option("axis")}),
    "Range": Rule("arange"),
    "LinSpace": Rule("linspace"),
    "Fill": Rule("full"),
    "ZerosLike": Rule("zeros_like"),
    "OnesLike": Rule("ones_like"),
    "RandomUniform": Rule("random_uniform", DTYPE),
    "RandomStandardNormal": Rule("random_normal", DTYPE),
    "TruncatedNormal": Rule("random_truncated_normal", DTYPE),
    "RandomUniformInt": Rule("random_integers", ignored=frozenset({"Tout"})),
    **{
        f"Stateless{op}{version}": Rule(operation, {"dtype": Option("dtype", default="float32")})
        for version in ("", "V2")
        for op, operation in {
            "RandomUniform": "random_uniform",
            "RandomNormal": "random_normal",
            "TruncatedNormal": "random_truncated_normal",
        }.items()
    },
    "StatelessRandomUniformInt": Rule("random_integers", ignored=frozenset({"dtype"})),
    "StatelessRandomUniformIntV2": Rule("random_integers", ignored=frozenset({"dtype"})),
    "StatelessRandomGetAlg": Rule("random_algorithm"),
    "StatelessRandomGetKeyCounter": Rule("random_key"),
    "StatelessRandomGetKeyCounterAlg": Rule("random_key_and_algorithm"),
}

ELEMENT = {"element_dtype": Option("dtype")}
KNOWN = frozenset({"element_dtype"})

LISTS = {
    "EmptyTensorList": Rule("list_empty", ELEMENT),
    "TensorListReserve": Rule("list_reserve", ELEMENT),
    "TensorListFromTensor": Rule("list_from_tensor", ignored=KNOWN),
    "TensorListStack": Rule("list_stack", ignored=KNOWN | {"num_elements"}),
    "TensorListGetItem": Rule("list_get", ignored=KNOWN),
    "TensorListSetItem": Rule("list_set", {"resize_if_index_out_of_bounds": Option("grow")}, KNOWN),
    "TensorListPushBack": Rule("list_push_back", ignored=KNOWN),
    "TensorListPopBack": Rule("list_pop_back", ignored=KNOWN),
    "TensorListLength": Rule("list_length"),
    "TensorListResize": Rule("list_resize"),
    "TensorListGather": Rule("list_gather", ignored=KNOWN),
    "TensorListScatter": Rule("list_scatter", ignored=KNOWN),
    "TensorListScatterV2": Rule("list_scatter", ignored=KNOWN),
    "TensorListScatterIntoExistingList": Rule("list_scatter_into", ignored=KNOWN),
    "TensorListConcat": Rule("list_concatenate", ignored=KNOWN | {"element_shape"}),
    "TensorListConcatV2": Rule("list_concatenate", ignored=KNOWN),
    "TensorListConcatLists": Rule("list_join", ignored=KNOWN),
    "TensorListSplit": Rule("list_split", ignored=KNOWN),
    "TensorListElementShape": Rule("list_element_shape", {"shape_type": Option("dtype")}),
    "TensorArrayV3": Rule(
        "array",
        {**DTYPE, "element_shape": Option("shape"), "dynamic_size": Option("grows")},
        frozenset({"clear_after_read", "identical_element_shapes", "tensor_array_name"}),
    ),
    "TensorArrayReadV3": Rule("array_read", ignored=frozenset({"dtype"})),
    "TensorArrayWriteV3": Rule("array_write"),
    "TensorArraySizeV3": Rule("array_size"),
    "TensorArrayGatherV3": Rule("array_gather", {**DTYPE, "element_shape": Option("shape")}),
    "TensorArrayScatterV3": Rule("array_scatter"),
    "TensorArrayConcatV3": Rule("array_concatenate", ignored=frozenset({"dtype", "element_shape_except0"})),
    "TensorArraySplitV3": Rule("array_split"),
}

CHANNELS_LAST = {"data_format": Only(("NHWC",))}
WINDOWS: dict[str, Option | Only] = {
    "strides": Option("strides", pair),
    "padding": Option("padding", padding),
    **CHANNELS_LAST,
}
EXPLICIT: dict[str, Option | Only] = {"explicit_paddings": Option("explicit", tuple)}
DILATIONS: dict[str, Option | Only] = {"dilations": Option("dilations", pair)}
POOLING: dict[str, Option | Only] = {**WINDOWS, "ksize": Option("size", pair)}
NORMALIZATION = {
    "epsilon": Option("epsilon", default=single(1e-4)),
    "is_training": Option("training"),
    "data_format": Option("axis", channels_axis),
    "exponential_avg_factor": Option("momentum"),
}
CELL = {
    "forget_bias": Option("forget_bias"),
    "cell_clip": Option("cell_clip"),
    "use_peephole": Option("use_peephole"),
}
FLOAT_TYPE = frozenset({"U"})

NETWORKS = {
    "Conv2D": Rule("conv2d", {**WINDOWS, **EXPLICIT, **DILATIONS}),
    "Conv2DBackpropInput": Rule("conv2d_transposed", {**WINDOWS, **EXPLICIT, **DILATIONS}),
    "DepthwiseConv2dNative": Rule("depthwise_conv2d", {**WINDOWS, **EXPLICIT, **DILATIONS}),
    "MaxPool": Rule("max_pool", {**POOLING, **EXPLICIT}),
    "AvgPool": Rule("average_pool", POOLING),
    "FusedBatchNorm": Rule("batch_normalization", NORMALIZATION, FLOAT_TYPE),
    "FusedBatchNormV2": Rule("batch_normalization", NORMALIZATION, FLOAT_TYPE),
    "FusedBatchNormV3": Rule("batch_normalization", NORMALIZATION, FLOAT_TYPE, {"outputs": 6}),
    "LSTMBlockCell": Rule("lstm_cell", CELL),
    "BlockLSTM": Rule("lstm_block", CELL),
    "BlockLSTMV2": Rule(
        "lstm_block_ifco",
        {"cell_clip": Option("cell_clip", default=0.0), "use_peephole": Option("use_peephole")},
        options={"forget_bias": 0.0},
    ),
    "GRUBlockCell": Rule("gru_cell"),
}

ON_GPUS_ALONE = ("CudnnRNN", "CudnnRNNV2", "CudnnRNNV3")
"""Whole layers in one operation, with weights in an order that only cuDNN knows."""

RULES: dict[str, Rule] = {**ELEMENTWISE, **LINEAR, **SHAPES, **SELECTION, **MAKING, **LISTS, **NETWORKS}


def translate(op: str, attributes: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name the operation that computes what one of TensorFlow does, and its keyword arguments.

    Args:
        op: the operation, as in `MatMul`.
        attributes: its attributes as plain Python; dtypes by name, shapes as lists.

    Raises:
        UnsupportedError: the operation is not known, or something about it is not supported.
    """
    if op in ON_GPUS_ALONE:
        raise UnsupportedError(
            f"operation {op} is not supported: it runs on GPUs alone, on weights in an order of cuDNN's own. Save the "
            "model with layers that a CPU runs too: Keras reads the weights of a CuDNNLSTM into an LSTM, TensorFlow 1 "
            "those of a CudnnLSTM into CudnnCompatibleLSTMCells"
        )
    if op not in RULES:
        raise UnsupportedError(f"operation {op} is not supported")
    rule = RULES[op]
    for key, value in attributes.items():
        if _type(value) or not (key in rule.attributes or key in rule.ignored or key in IGNORED or key.startswith("_")):
            raise UnsupportedError(f"operation {op} with {key}={value!r} is not supported")
    options = dict(rule.options)
    for key, use in rule.attributes.items():
        value = attributes.get(key)
        if value is None and isinstance(use, Option):
            value = use.default
        if value is None:
            continue
        try:
            _use(use, value, options)
        except (KeyError, ValueError, TypeError, IndexError):
            raise UnsupportedError(f"operation {op} with {key}={value!r} is not supported") from None
    return rule.operation, options


def _use(use: Option | Only, value: Any, options: dict[str, Any]) -> None:
    if isinstance(use, Option):
        options[use.name] = use.convert(value)
    elif value not in use.values:
        raise ValueError


def _type(value: Any) -> bool:
    """Whether it is a dtype that nothing here computes with."""
    return isinstance(value, str) and (value in ("string", "complex64", "complex128") or value[:4] in ("qint", "quin"))
