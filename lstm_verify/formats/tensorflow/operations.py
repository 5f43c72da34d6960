"""TensorFlow's operations in terms of the NumPy ones in `operations`.

An attribute that is missing has its default: SavedModels leave those out.

Source: the definitions of the operations in `tf.raw_ops`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lstm_verify.formats.tensorflow.attributes import (
    FLOATS,
    bits,
    channels_axis,
    lengths,
    padding,
    positive,
    single,
    some,
)
from lstm_verify.formats.tensorflow.elementwise import ELEMENTWISE
from lstm_verify.graph.compute import Compute, Only, Option, Use
from lstm_verify.graph.expand import Expand, step
from lstm_verify.graph.ir import Node
from lstm_verify.graph.translate import Entry
from lstm_verify.operations.cells import IFCO
from lstm_verify.operations.lists import shape_of
from lstm_verify.operations.reductions import axes_of

AXIS, AXES = Option("axis", int), Option("axis", axes_of)
KEEP = {"keep_dims": Option("keepdims")}
RUNNING = {"exclusive": Option("exclusive"), "reverse": Option("reverse")}
GRADIENTS = frozenset({"grad_a", "grad_b", "grad_x", "grad_y"})
ADJOINT = {"adj_x": Option("transpose_x"), "adj_y": Option("transpose_y")}  # of real matrices, the same

LINEAR: dict[str, Entry] = {
    "MatMul": Compute(
        "matmul",
        {"transpose_a": Option("transpose_x"), "transpose_b": Option("transpose_y")},
        GRADIENTS,
    ),
    "BatchMatMul": Compute("matmul", ADJOINT, GRADIENTS),
    "BatchMatMulV2": Compute("matmul", ADJOINT, GRADIENTS),
    "BatchMatMulV3": Compute("matmul", {**ADJOINT, "Tout": Only(FLOATS)}, GRADIENTS | {"Ta", "Tb"}),
    "Einsum": Compute("einsum", {"equation": Option("equation")}),
    "Cumsum": Compute("cumsum", RUNNING, keywords={1: AXIS}),
    "Cumprod": Compute("cumprod", RUNNING, keywords={1: AXIS}),
    **{op: Compute(op.lower(), KEEP, keywords={1: AXES}) for op in ("Sum", "Mean", "Max", "Min", "Prod", "Any", "All")},
    "ArgMax": Compute("argmax", {"output_type": Option("dtype")}, keywords={1: AXIS}),
    "ArgMin": Compute("argmin", {"output_type": Option("dtype")}, keywords={1: AXIS}),
    # all are sorted here, which where it is not asked for does no harm
    "TopKV2": Compute("top_k", {"index_type": Option("dtype")}, frozenset({"sorted"})),
    "MatrixBandPart": Compute("band_part"),
}

OUT_TYPE = {"out_type": Option("dtype")}

SHAPES: dict[str, Entry] = {
    "Shape": Compute("shape", OUT_TYPE),
    "ShapeN": Compute("shapes", OUT_TYPE),
    "Size": Compute("size", OUT_TYPE),
    "Rank": Compute("rank"),
    "Reshape": Compute("reshape_to"),
    "Squeeze": Compute("squeeze", {"squeeze_dims": Option("axis", some)}),
    "ExpandDims": Compute("expand_dims", keywords={1: AXES}),
    "Transpose": Compute("transpose", keywords={1: Option("axes", axes_of)}),
    "Concat": Compute("concatenate", keywords={0: AXIS}),
    "ConcatV2": Compute("concatenate", keywords={-1: AXIS}),
    "Pack": Compute("stack", {"axis": Option("axis")}),
    "Unpack": Compute("unstack", {"axis": Option("axis")}, frozenset({"num"})),
    "Split": Compute("split_evenly", {"num_split": Option("parts")}, keywords={0: AXIS}),
    "SplitV": Compute("split_sizes", ignored=frozenset({"num_split"}), keywords={2: AXIS}),
    "BroadcastTo": Compute("broadcast_to"),
    "BroadcastArgs": Compute("broadcast_shapes"),
    "Tile": Compute("tile"),
    "Reverse": Expand(
        lambda node: {"axes": step("Where", "1"), "": step("ReverseV2", "0", "axes", T=node.attributes.get("T"))}
    ),
    "ReverseV2": Compute("flip", keywords={1: AXES}),
    "Roll": Compute("roll", ignored=frozenset({"Tshift"}), keywords={2: AXES}),
    "ReverseSequence": Compute("reverse_sequence", {"seq_dim": Option("axis"), "batch_dim": Option("batch_axis")}),
    "InvertPermutation": Compute("invert_permutation"),
    "Pad": Compute("pad"),
    "PadV2": Compute("pad"),
    "MirrorPad": Compute(
        "pad_mirrored", {"mode": Option("mode", {"REFLECT": "reflect", "SYMMETRIC": "symmetric"}.__getitem__)}
    ),
    "SpaceToBatchND": Compute("space_to_batch"),
    "BatchToSpaceND": Compute("batch_to_space"),
}

MASKS = {
    "begin_mask": Option("from_start", bits),
    "end_mask": Option("to_end", bits),
    "ellipsis_mask": Option("ellipsis", bits),
    "new_axis_mask": Option("new_axes", bits),
    "shrink_axis_mask": Option("indices", bits),
}
BATCH_DIMS = {"batch_dims": Option("batch_dims")}

SELECTION: dict[str, Entry] = {
    "Where": Compute("positions"),
    "Slice": Compute("slice_sizes"),
    "StridedSlice": Compute("slices", MASKS),
    "Gather": Compute("gather"),
    "GatherV2": Compute("gather", BATCH_DIMS, keywords={2: AXIS}),
    "ResourceGather": Compute("gather", BATCH_DIMS, frozenset({"dtype"})),
    "GatherNd": Compute("gather_nd", {"bad_indices_policy": Only(("", "DEFAULT", "ERROR"))}),
    "ScatterNd": Compute("scatter_nd", {"bad_indices_policy": Only(("", "DEFAULT", "ERROR"))}),
    "TensorScatterUpdate": Compute("scatter_update", {"bad_indices_policy": Only(("", "DEFAULT", "ERROR"))}),
    "TensorScatterAdd": Compute("scatter_add", {"bad_indices_policy": Only(("", "DEFAULT", "ERROR"))}),
}

DTYPE = {"dtype": Option("dtype")}

MAKING: dict[str, Entry] = {
    "OneHot": Compute("one_hot", {"axis": Option("axis")}),
    "Range": Compute("arange"),
    "LinSpace": Compute("linspace"),
    "Fill": Compute("full"),
    "ZerosLike": Compute("zeros_like"),
    "OnesLike": Compute("ones_like"),
    "RandomUniform": Compute("random_uniform", DTYPE),
    "RandomStandardNormal": Compute("random_normal", DTYPE),
    "TruncatedNormal": Compute("random_truncated_normal", DTYPE),
    "RandomUniformInt": Compute("random_integers", ignored=frozenset({"Tout"})),
    **{
        f"Stateless{op}{version}": Compute(
            operation, {"dtype": Option("dtype", default="float32")}, arguments=lambda shape, *seeds: (shape,)
        )
        for version in ("", "V2")
        for op, operation in {
            "RandomUniform": "random_uniform",
            "RandomNormal": "random_normal",
            "TruncatedNormal": "random_truncated_normal",
        }.items()
    },
    **{
        f"StatelessRandomUniformInt{version}": Compute(
            "random_integers",
            ignored=frozenset({"dtype"}),
            arguments=lambda shape, *seeds_and_bounds: (shape, *seeds_and_bounds[-2:]),
        )
        for version in ("", "V2")
    },
    "StatelessRandomGetAlg": Compute("random_algorithm"),
    "StatelessRandomGetKeyCounter": Compute("random_key", arguments=lambda seed: ()),
    "StatelessRandomGetKeyCounterAlg": Expand(
        lambda node: {"": step("StatelessRandomGetKeyCounter", "0"), "algorithm": step("StatelessRandomGetAlg")},
        elsewhere={2: "algorithm"},
    ),
}

ELEMENT = {"element_dtype": Option("dtype")}
KNOWN = frozenset({"element_dtype"})
SHAPE = Option("shape", shape_of)
FLOW = Compute(
    "list_reserve",
    {**DTYPE, "element_shape": Option("shape"), "dynamic_size": Option("grows")},
    frozenset({"clear_after_read", "identical_element_shapes", "tensor_array_name"}),
)


def _array(node: Node) -> dict[str, Node]:
    """A TensorArray: a handle, of no use here, and a flow, which is the list."""
    return {
        "handle": step("Const", value=np.zeros((), np.int32)),
        "flow": step("TensorArrayFlow", "0", **node.attributes),
    }


LISTS: dict[str, Entry] = {
    "EmptyTensorList": Compute(
        "list_reserve", ELEMENT, keywords={0: SHAPE}, arguments=lambda *limit: (np.zeros((), np.int32),)
    ),
    "TensorListReserve": Compute("list_reserve", ELEMENT, keywords={0: SHAPE}),
    "TensorListFromTensor": Compute("list_from_tensor", ignored=KNOWN, keywords={1: SHAPE}),
    "TensorListStack": Compute("list_stack", ignored=KNOWN | {"num_elements"}, keywords={1: SHAPE}),
    "TensorListGetItem": Compute("list_get", ignored=KNOWN, keywords={2: SHAPE}),
    "TensorListSetItem": Compute("list_set", {"resize_if_index_out_of_bounds": Option("grow")}, KNOWN),
    "TensorListPushBack": Compute("list_push_back", ignored=KNOWN),
    "TensorListPopBack": Compute("list_pop_back", ignored=KNOWN, keywords={1: SHAPE}),
    "TensorListLength": Compute("list_length"),
    "TensorListResize": Compute("list_resize"),
    "TensorListGather": Compute("list_gather", ignored=KNOWN, keywords={2: SHAPE}),
    "TensorListScatter": Compute("list_scatter", ignored=KNOWN, keywords={2: SHAPE}),
    "TensorListScatterV2": Compute("list_scatter", ignored=KNOWN, keywords={2: SHAPE}),
    "TensorListScatterIntoExistingList": Compute("list_scatter_into", ignored=KNOWN, options={"grow": True}),
    "TensorListConcat": Compute("list_concatenate", ignored=KNOWN | {"element_shape"}),
    "TensorListConcatV2": Compute(
        "list_concatenate", ignored=KNOWN, keywords={1: SHAPE}, arguments=lambda items, lengths: (items,)
    ),
    "TensorListConcatLists": Compute("list_join", ignored=KNOWN),
    "TensorListSplit": Compute("list_split", ignored=KNOWN, keywords={1: SHAPE}),
    "TensorListElementShape": Compute("list_element_shape", {"shape_type": Option("dtype")}),
    "TensorArrayV3": Expand(_array, elsewhere={0: "handle", 1: "flow"}, known=frozenset(FLOW.known)),
    "TensorArrayFlow": FLOW,
    "TensorArrayReadV3": Compute(
        "list_get", ignored=frozenset({"dtype"}), arguments=lambda handle, index, items: (items, index)
    ),
    "TensorArrayWriteV3": Compute("list_set", arguments=lambda handle, index, value, items: (items, index, value)),
    "TensorArraySizeV3": Compute("list_length", arguments=lambda handle, items: (items,)),
    "TensorArrayGatherV3": Compute(
        "list_gather",
        {"element_shape": Option("shape")},
        frozenset({"dtype"}),
        arguments=lambda handle, indices, items: (items, indices),
    ),
    "TensorArrayScatterV3": Compute(
        "list_scatter_into", arguments=lambda handle, indices, x, items: (items, x, indices)
    ),
    "TensorArrayConcatV3": Compute(
        "list_concatenate",
        ignored=frozenset({"dtype", "element_shape_except0"}),
        arguments=lambda handle, items: (items,),
    ),
    "TensorArraySplitV3": Compute("list_split", arguments=lambda handle, x, lengths, items: (x, lengths)),
}


def _windows(data_format: str, *padding_attributes: str) -> dict[Any, Use]:
    return {
        "strides": Option("strides", lengths),
        ("padding", *padding_attributes): Option("padding", padding),
        "data_format": Only((data_format,)),
    }


def _dilated(windows: dict[Any, Use], axes: int) -> dict[Any, Use]:
    return {**windows, "dilations": Option("dilation", lengths, default=[1] * (axes + 2))}


def _transposed(shape: Any, kernel: Any, y: Any) -> tuple[Any, ...]:
    return y, kernel, shape


IMAGES, VOLUMES = _windows("NHWC", "explicit_paddings"), _windows("NDHWC")
CONVOLUTION_2D, CONVOLUTION_3D = _dilated(IMAGES, 2), _dilated(VOLUMES, 3)
SIZE = {"ksize": Option("size", lengths)}
NORMALIZATION = {
    "epsilon": Option("epsilon", default=single(1e-4)),
    "is_training": Option("training"),
    "data_format": Option("axis", channels_axis),
    "exponential_avg_factor": Option("momentum"),
}
CELL = {
    "forget_bias": Option("forget_bias", default=1.0),
    "cell_clip": Option("cell_clip", positive, default=3.0),
    "use_peephole": Option("use_peephole"),
}
FLOAT_TYPE = frozenset({"U"})

NETWORKS: dict[str, Entry] = {
    "Conv2D": Compute("convolution", CONVOLUTION_2D),
    "Conv3D": Compute("convolution", CONVOLUTION_3D),
    "Conv2DBackpropInput": Compute("transposed_convolution", CONVOLUTION_2D, arguments=_transposed),
    "Conv3DBackpropInputV2": Compute(
        "transposed_convolution", CONVOLUTION_3D, frozenset({"Tshape"}), arguments=_transposed
    ),
    "DepthwiseConv2dNative": Compute("depthwise_convolution", CONVOLUTION_2D),
    "MaxPool": Compute("max_pool", IMAGES | SIZE),
    "MaxPool3D": Compute("max_pool", VOLUMES | SIZE),
    "AvgPool": Compute("average_pool", IMAGES | SIZE),
    "AvgPool3D": Compute("average_pool", VOLUMES | SIZE),
    "FusedBatchNorm": Compute("batch_normalization", NORMALIZATION, FLOAT_TYPE),
    "FusedBatchNormV2": Compute("batch_normalization", NORMALIZATION, FLOAT_TYPE),
    # the sixth output is of use in training on GPUs alone
    "FusedBatchNormV3": Expand(
        lambda node: {
            "": step("FusedBatchNormV2", "0", "1", "2", "3", "4", **node.attributes),
            "reserved": step("Const", value=np.zeros(0, np.float32)),
        },
        elsewhere={5: "reserved"},
        known=frozenset(NORMALIZATION),
    ),
    "LSTMBlockCell": Compute("lstm_cell", CELL),
    "BlockLSTM": Compute("lstm_block", CELL),
    "BlockLSTMV2": Compute(
        "lstm_block",
        {"cell_clip": Option("cell_clip", positive, default=0.0), "use_peephole": Option("use_peephole")},
        options={"order": IFCO},
    ),
    "GRUBlockCell": Compute("gru_cell"),
}

RULES: dict[str, Entry] = {**ELEMENTWISE, **LINEAR, **SHAPES, **SELECTION, **MAKING, **LISTS, **NETWORKS}
