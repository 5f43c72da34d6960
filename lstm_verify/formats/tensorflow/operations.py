"""TensorFlow's operations in terms of `operations`.

An attribute that is missing has its default: SavedModels leave those out.

Source: the definitions of the operations in `tf.raw_ops`.
"""

from __future__ import annotations

from lstm_verify.formats.tensorflow.attributes import FLOATS, channels_axis, padding, pair, single, some
from lstm_verify.formats.tensorflow.elementwise import ELEMENTWISE
from lstm_verify.graph.translate import Compute, Only, Option

KEEP = {"keep_dims": Option("keepdims")}
RUNNING = {"exclusive": Option("exclusive"), "reverse": Option("reverse")}
GRADIENTS = frozenset({"grad_a", "grad_b", "grad_x", "grad_y"})
ADJOINT = {"adj_x": Option("transpose_x"), "adj_y": Option("transpose_y")}  # of real matrices, the same

LINEAR = {
    "MatMul": Compute(
        "matmul",
        {"transpose_a": Option("transpose_x"), "transpose_b": Option("transpose_y")},
        GRADIENTS,
    ),
    "BatchMatMul": Compute("matmul", ADJOINT, GRADIENTS),
    "BatchMatMulV2": Compute("matmul", ADJOINT, GRADIENTS),
    "BatchMatMulV3": Compute("matmul", {**ADJOINT, "Tout": Only(FLOATS)}, GRADIENTS | {"Ta", "Tb"}),
    "Einsum": Compute("einsum", {"equation": Option("equation")}),
    "Cumsum": Compute("cumsum", RUNNING),
    "Cumprod": Compute("cumprod", RUNNING),
    **{op: Compute(op.lower(), KEEP) for op in ("Sum", "Mean", "Max", "Min", "Prod", "Any", "All")},
    "ArgMax": Compute("argmax", {"output_type": Option("dtype")}),
    "ArgMin": Compute("argmin", {"output_type": Option("dtype")}),
    # all are sorted here, which where it is not asked for does no harm
    "TopKV2": Compute("top_k", {"index_type": Option("dtype")}, frozenset({"sorted"})),
    "MatrixBandPart": Compute("band_part"),
}

OUT_TYPE = {"out_type": Option("dtype")}

SHAPES = {
    "Shape": Compute("shape", OUT_TYPE),
    "ShapeN": Compute("shapes", OUT_TYPE),
    "Size": Compute("size", OUT_TYPE),
    "Rank": Compute("rank"),
    "Reshape": Compute("reshape_to"),
    "Squeeze": Compute("squeeze", {"squeeze_dims": Option("axis", some)}),
    "ExpandDims": Compute("expand_dims"),
    "Transpose": Compute("transpose"),
    "Concat": Compute("concatenate_last", arguments=lambda axis, *values: (*values, axis)),
    "ConcatV2": Compute("concatenate_last"),
    "Pack": Compute("pack", {"axis": Option("axis")}),
    "Unpack": Compute("unpack", {"axis": Option("axis")}, frozenset({"num"})),
    "Split": Compute("split_evenly", {"num_split": Option("parts")}),
    "SplitV": Compute("split_sizes", ignored=frozenset({"num_split"})),
    "BroadcastTo": Compute("broadcast_to"),
    "BroadcastArgs": Compute("broadcast_shapes"),
    "Tile": Compute("tile"),
    "Reverse": Compute("flip_marked"),
    "ReverseV2": Compute("flip"),
    "Roll": Compute("roll", ignored=frozenset({"Tshift"})),
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

MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
BATCH_DIMS = {"batch_dims": Option("batch_dims")}

SELECTION = {
    "Where": Compute("positions"),
    "Slice": Compute("slice_sizes"),
    "StridedSlice": Compute("strided_slice", {mask: Option(mask) for mask in MASKS}),
    "Gather": Compute("gather"),
    "GatherV2": Compute("gather", BATCH_DIMS),
    "ResourceGather": Compute("gather", BATCH_DIMS, frozenset({"dtype"})),
    "GatherNd": Compute("gather_nd", {"bad_indices_policy": Only(("", "DEFAULT", "ERROR"))}),
    "ScatterNd": Compute("scatter_nd", {"bad_indices_policy": Only(("", "DEFAULT", "ERROR"))}),
    "TensorScatterUpdate": Compute("scatter_update", {"bad_indices_policy": Only(("", "DEFAULT", "ERROR"))}),
    "TensorScatterAdd": Compute("scatter_add", {"bad_indices_policy": Only(("", "DEFAULT", "ERROR"))}),
}

DTYPE = {"dtype": Option("dtype")}

MAKING = {
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
        f"Stateless{op}{version}": Compute(operation, {"dtype": Option("dtype", default="float32")})
        for version in ("", "V2")
        for op, operation in {
            "RandomUniform": "random_uniform",
            "RandomNormal": "random_normal",
            "TruncatedNormal": "random_truncated_normal",
        }.items()
    },
    "StatelessRandomUniformInt": Compute("random_integers", ignored=frozenset({"dtype"})),
    "StatelessRandomUniformIntV2": Compute("random_integers", ignored=frozenset({"dtype"})),
    "StatelessRandomGetAlg": Compute("random_algorithm"),
    "StatelessRandomGetKeyCounter": Compute("random_key"),
    "StatelessRandomGetKeyCounterAlg": Compute("random_key_and_algorithm"),
}

ELEMENT = {"element_dtype": Option("dtype")}
KNOWN = frozenset({"element_dtype"})

LISTS = {
    "EmptyTensorList": Compute("list_empty", ELEMENT),
    "TensorListReserve": Compute("list_reserve", ELEMENT),
    "TensorListFromTensor": Compute("list_from_tensor", ignored=KNOWN),
    "TensorListStack": Compute("list_stack", ignored=KNOWN | {"num_elements"}),
    "TensorListGetItem": Compute("list_get", ignored=KNOWN),
    "TensorListSetItem": Compute("list_set", {"resize_if_index_out_of_bounds": Option("grow")}, KNOWN),
    "TensorListPushBack": Compute("list_push_back", ignored=KNOWN),
    "TensorListPopBack": Compute("list_pop_back", ignored=KNOWN),
    "TensorListLength": Compute("list_length"),
    "TensorListResize": Compute("list_resize"),
    "TensorListGather": Compute("list_gather", ignored=KNOWN),
    "TensorListScatter": Compute("list_scatter", ignored=KNOWN),
    "TensorListScatterV2": Compute("list_scatter", ignored=KNOWN),
    "TensorListScatterIntoExistingList": Compute("list_scatter_into", ignored=KNOWN),
    "TensorListConcat": Compute("list_concatenate", ignored=KNOWN | {"element_shape"}),
    "TensorListConcatV2": Compute("list_concatenate", ignored=KNOWN),
    "TensorListConcatLists": Compute("list_join", ignored=KNOWN),
    "TensorListSplit": Compute("list_split", ignored=KNOWN),
    "TensorListElementShape": Compute("list_element_shape", {"shape_type": Option("dtype")}),
    "TensorArrayV3": Compute(
        "array",
        {**DTYPE, "element_shape": Option("shape"), "dynamic_size": Option("grows")},
        frozenset({"clear_after_read", "identical_element_shapes", "tensor_array_name"}),
    ),
    "TensorArrayReadV3": Compute("array_read", ignored=frozenset({"dtype"})),
    "TensorArrayWriteV3": Compute("array_write"),
    "TensorArraySizeV3": Compute("array_size"),
    "TensorArrayGatherV3": Compute("array_gather", {**DTYPE, "element_shape": Option("shape")}),
    "TensorArrayScatterV3": Compute("array_scatter"),
    "TensorArrayConcatV3": Compute("array_concatenate", ignored=frozenset({"dtype", "element_shape_except0"})),
    "TensorArraySplitV3": Compute("array_split"),
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
    "Conv2D": Compute("conv2d", {**WINDOWS, **EXPLICIT, **DILATIONS}),
    "Conv2DBackpropInput": Compute("conv2d_transposed", {**WINDOWS, **EXPLICIT, **DILATIONS}),
    "DepthwiseConv2dNative": Compute("depthwise_conv2d", {**WINDOWS, **EXPLICIT, **DILATIONS}),
    "MaxPool": Compute("max_pool", {**POOLING, **EXPLICIT}),
    "AvgPool": Compute("average_pool", POOLING),
    "FusedBatchNorm": Compute("batch_normalization", NORMALIZATION, FLOAT_TYPE),
    "FusedBatchNormV2": Compute("batch_normalization", NORMALIZATION, FLOAT_TYPE),
    "FusedBatchNormV3": Compute("batch_normalization", NORMALIZATION, FLOAT_TYPE, {"outputs": 6}),
    "LSTMBlockCell": Compute("lstm_cell", CELL),
    "BlockLSTM": Compute("lstm_block", CELL),
    "BlockLSTMV2": Compute(
        "lstm_block_ifco",
        {"cell_clip": Option("cell_clip", default=0.0), "use_peephole": Option("use_peephole")},
        options={"forget_bias": 0.0},
    ),
    "GRUBlockCell": Compute("gru_cell"),
}

RULES: dict[str, Compute] = {**ELEMENTWISE, **LINEAR, **SHAPES, **SELECTION, **MAKING, **LISTS, **NETWORKS}
