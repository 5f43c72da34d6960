"""What every argument of every layer is set to: values that are not the default, and what layers need to be built.

Which arguments there are is not said here: they come from the signatures of the frameworks. One without a value is
listed in the table, so that a new argument of a new version does not go unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lstm_verify.formats.keras.ways import AUGMENTATION

Make = Callable[[Any], Any]
"""Takes the `layers` module of a framework."""


@dataclass(frozen=True)
class Value:
    """A value of an argument."""

    value: Any
    label: str = ""
    others: dict[str, Any] = field(default_factory=dict)
    """Other arguments that it needs, which the model without it has too."""
    masked: bool = False
    """Whether it only shows behind a mask."""

    def __str__(self) -> str:
        return self.label or repr(self.value)


def made(label: str, make: Make, **others: Any) -> Value:
    """A value that a framework makes."""
    return Value(make, label, others)


@dataclass(frozen=True)
class Recipe:
    """What a class of layers is built with, and called on."""

    inputs: tuple[str, ...] = ("sequence",)
    """The kinds of its inputs, in a list if there are several."""
    arguments: dict[str, Any] = field(default_factory=dict)
    mask: tuple[str, ...] = ("kept",)
    """The kinds of the masks that it can be called with, in a list if there are several."""


SHAPES: dict[str, tuple[int, ...]] = {
    "sequence": (6, 4),
    "other": (6, 4),
    "third": (6, 4),
    "ids": (6,),
    "lines": (5, 8, 2),
    "films": (3, 6, 5, 2),
    "picture": (7, 6, 4),
    "volume": (4, 5, 6, 4),
    "volumes": (3, 4, 5, 4, 2),
    "image": (7, 6, 3),
    "vector": (4,),
    "kept": (6,),
    "kept_too": (6,),
    "kept_as_well": (6,),
    "seen": (6, 4),
    "pairs": (6, 6),
}
"""The shapes of one sample."""
SAMPLES = 4
RECURRENT = (
    *("LSTM", "GRU", "SimpleRNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "RNN", "Bidirectional", "TimeDistributed"),
)
MERGES = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")


def array(kind: str) -> Any:
    """The values of an input: (samples, ...). Padding is at the end, and all of a sample is never padding."""
    rng, shape = np.random.default_rng(sum(map(ord, kind))), (SAMPLES, *SHAPES[kind])
    if kind.startswith(("kept", "seen", "pairs")):
        mask = rng.random(shape) < 0.6
        mask[:, 0] = True
        return mask
    padded = np.array([2, 0, 3, 1])
    if kind == "ids":
        ids = rng.integers(1, 9, shape).astype(np.int32)
        return np.where(np.arange(6) >= 6 - padded[:, None], 0, ids).astype(np.int32)
    values = rng.standard_normal(shape, np.float32)
    if kind in ("sequence", "other", "third", "lines", "films", "volumes"):
        steps = shape[1]
        hidden = np.arange(steps) >= steps - np.minimum(padded, steps - 1)[:, None]
        values[hidden] = 0
    return values


def _lstm(layers: Any) -> Any:
    return layers.LSTM(3)


def _stack(layers: Any) -> Any:
    return layers.StackedRNNCells([layers.LSTMCell(3), layers.GRUCell(2)])


def _nested(layers: Any) -> Any:
    return layers.StackedRNNCells([_stack(layers), layers.SimpleRNNCell(3)])


_FILTERS = {"filters": 4, "kernel_size": 3}
RECIPES: dict[str, Recipe] = {
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), Recipe(arguments={"units": 3})),
    "ConvLSTM1D": Recipe(("lines",), _FILTERS, ("kept",)),
    "ConvLSTM2D": Recipe(("films",), _FILTERS, ("kept",)),
    "ConvLSTM3D": Recipe(("volumes",), _FILTERS, ("kept",)),
    "RNN": Recipe(arguments={"cell": lambda layers: layers.LSTMCell(3)}),
    "Bidirectional": Recipe(arguments={"layer": _lstm}),
    "TimeDistributed": Recipe(arguments={"layer": lambda layers: layers.Dense(3)}),
    "Dense": Recipe(arguments={"units": 3}),
    "Embedding": Recipe(("ids",), {"input_dim": 9, "output_dim": 3}),
    "Conv1D": Recipe(arguments=_FILTERS),
    "SeparableConv1D": Recipe(arguments=_FILTERS),
    "DepthwiseConv1D": Recipe(arguments={"kernel_size": 3}),
    "Conv1DTranspose": Recipe(arguments=_FILTERS),
    **dict.fromkeys(("Conv2D", "SeparableConv2D", "Conv2DTranspose"), Recipe(("picture",), _FILTERS)),
    **dict.fromkeys(("Conv3D", "Conv3DTranspose"), Recipe(("volume",), _FILTERS)),
    "DepthwiseConv2D": Recipe(("picture",), {"kernel_size": 3}),
    "AveragePooling1D": Recipe(arguments={"pool_size": 2}),
    "AveragePooling2D": Recipe(("picture",), {"pool_size": 2}),
    "AveragePooling3D": Recipe(("volume",), {"pool_size": 2}),
    **dict.fromkeys(
        ("MaxPooling3D", "GlobalMaxPooling3D", "GlobalAveragePooling3D", "ZeroPadding3D", "Cropping3D", "UpSampling3D"),
        Recipe(("volume",)),
    ),
    **dict.fromkeys(
        ("MaxPooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling2D", "ZeroPadding2D", "Cropping2D"),
        Recipe(("picture",)),
    ),
    **dict.fromkeys(("UpSampling2D", "SpatialDropout2D"), Recipe(("picture",))),
    **dict.fromkeys(AUGMENTATION, Recipe(("image",))),
    **dict.fromkeys(
        ("RandomBrightness", "RandomContrast", "RandomHeight", "RandomHue", "RandomRotation", "RandomWidth"),
        Recipe(("image",), {"factor": 0.4}),
    ),
    **dict.fromkeys(
        ("RandomColorDegeneration", "RandomSaturation", "RandomSharpness"), Recipe(("image",), {"factor": 0.4})
    ),
    "RandomPosterization": Recipe(("image",), {"factor": 3}),
    **dict.fromkeys(
        ("RandomTranslation", "RandomZoom"), Recipe(("image",), {"height_factor": 0.2, "width_factor": 0.3})
    ),
    "GroupNormalization": Recipe(arguments={"groups": 2}, mask=("seen",)),
    "Softmax": Recipe(mask=("seen",)),
    "Rescaling": Recipe(arguments={"scale": 0.5}),
    "Activation": Recipe(arguments={"activation": "tanh"}),
    **dict.fromkeys(
        ("Dropout", "SpatialDropout1D", "AlphaDropout", "GaussianDropout"), Recipe(arguments={"rate": 0.4})
    ),
    "SpatialDropout2D": Recipe(("picture",), {"rate": 0.4}),
    "SpatialDropout3D": Recipe(("volume",), {"rate": 0.4}),
    "GaussianNoise": Recipe(arguments={"stddev": 0.4}),
    "Reshape": Recipe(arguments={"target_shape": (4, 6)}),
    "Permute": Recipe(arguments={"dims": (2, 1)}),
    "RepeatVector": Recipe(("vector",), {"n": 3}),
    **dict.fromkeys(("Attention", "AdditiveAttention"), Recipe(("sequence", "other"), mask=("kept", "kept_too"))),
    "MultiHeadAttention": Recipe(("sequence", "other"), {"num_heads": 2, "key_dim": 3}),
    "EinsumDense": Recipe(arguments={"equation": "abc,cd->abd", "output_shape": (None, 3)}),
    "Dot": Recipe(("sequence", "other"), {"axes": 2}),
    **dict.fromkeys(MERGES, Recipe(("sequence", "other"))),
}
"""The rest is called on a sequence, and needs no argument."""

VALUES: dict[str, list[Any]] = {
    "factor": [1],
    "height_factor": [1],
    "width_factor": [0.1],
    "value_range": [(0, 1)],
    "fill_value": [0.5],
    "units": [5],
    "filters": [8],
    "kernel_size": [2],
    "strides": [2],
    "padding": ["same", "causal"],
    "data_format": ["channels_first"],
    "dilation_rate": [2],
    "groups": [2],
    "depth_multiplier": [2],
    "output_padding": [Value(1, others={"strides": 2})],
    "activation": ["relu", "hard_sigmoid", "softmax", "elu"],
    "recurrent_activation": ["hard_sigmoid", "tanh"],
    "use_bias": [False],
    "unit_forget_bias": [False],
    "dropout": [0.3],
    "recurrent_dropout": [0.3],
    "seed": [7],
    "return_sequences": [True],
    "return_state": [True],
    "go_backwards": [True, Value(True, "True with return_sequences", {"return_sequences": True})],
    "stateful": [True],
    "unroll": [True],
    "use_cudnn": [False],
    "time_major": [True],
    "reset_after": [False],
    "implementation": [1, 2],
    "zero_output_for_mask": [
        Value(True, "True with return_sequences", {"return_sequences": True}, masked=True),
        Value(True, masked=True),
    ],
    "merge_mode": ["sum", "mul", "ave", None],
    "pool_size": [3],
    "keepdims": [True],
    "size": [3],
    "interpolation": ["bilinear"],
    "mask_zero": [True],
    "mask_value": [0.25],
    "input_length": [6],
    "sparse": [True],
    "momentum": [0.5],
    "epsilon": [0.1],
    "center": [False],
    "scale": [False],
    "renorm": [True],
    "renorm_clipping": [Value({"rmax": 2.0}, others={"renorm": True})],
    "renorm_momentum": [0.5],
    "synchronized": [True],
    "axis": [1],
    "mean": [Value(0.5, others={"variance": 2.0})],
    "variance": [Value(3.0, others={"mean": 0.5})],
    "invert": [Value(True, others={"mean": 0.5, "variance": 2.0})],
    "offset": [0.75],
    "max_value": [0.5],
    "negative_slope": [0.25],
    "threshold": [0.25],
    "alpha": [0.4],
    "theta": [0.5],
    "shared_axes": [[1]],
    "robust_masking": [True],
    "noise_shape": [(None, 1, 4)],
    "rate": [0.2],
    "stddev": [0.2],
    "l1": [0.1],
    "l2": [0.1],
    "target_shape": [(3, -1)],
    "n": [2],
    "dims": [(1, 2)],
    "cropping": [(1, 2)],
    "use_scale": [True],
    "score_mode": ["concat"],
    "num_heads": [3],
    "key_dim": [2],
    "value_dim": [2],
    "output_shape": [5, (2, 3)],
    "attention_axes": [1],
    "sliding_window": [2],
    "flash_attention": [False],
    "use_gate": [True],
    "softmax_robust_masking": [True],
    "bias_axes": ["d"],
    "normalize": [True],
    "axes": [1, (1, 1)],
    "input_dim": [11],
    "output_dim": [4],
    "lora_rank": [2],
    "lora_alpha": [Value(4, others={"lora_rank": 2})],
    "trainable": [False],
    "dtype": ["float64", "mixed_float16"],
    "activity_regularizer": ["l2"],
    "autocast": [False],
    "name": ["another"],
}
"""By argument; that of a class of its own goes before."""
BY_CLASS: dict[tuple[str, str], list[Any]] = {
    ("RNN", "cell"): [
        made("GRUCell", lambda layers: layers.GRUCell(3)),
        made("SimpleRNNCell", lambda layers: layers.SimpleRNNCell(3)),
        made("StackedRNNCells", _stack),
        made("StackedRNNCells in StackedRNNCells", _nested),
        made("StackedRNNCells with return_sequences", _stack, return_sequences=True),
    ],
    ("Bidirectional", "layer"): [
        made("GRU", lambda layers: layers.GRU(3)),
        made("SimpleRNN with return_sequences", lambda layers: layers.SimpleRNN(3, return_sequences=True)),
        made("RNN of stacked cells", lambda layers: layers.RNN(_stack(layers), return_sequences=True)),
        made("LSTM with return_state", lambda layers: layers.LSTM(3, return_state=True)),
        made("LSTM going backwards", lambda layers: layers.LSTM(3, go_backwards=True, return_sequences=True)),
    ],
    ("Bidirectional", "backward_layer"): [made("GRU", lambda layers: layers.GRU(2, go_backwards=True))],
    ("TimeDistributed", "layer"): [
        made("Dense with relu", lambda layers: layers.Dense(3, activation="relu")),
        made("Softmax", lambda layers: layers.Softmax()),
        made("BatchNormalization", lambda layers: layers.BatchNormalization()),
        made("Dropout", lambda layers: layers.Dropout(0.5)),
    ],
    ("LSTM", "activation"): ["relu", "sigmoid", "hard_sigmoid", "softsign", "elu", "linear", "softmax"],
    ("ZeroPadding1D", "padding"): [(2, 1)],
    ("ZeroPadding2D", "padding"): [((1, 2), (0, 1))],
    ("ZeroPadding3D", "padding"): [((1, 2), (0, 1), (2, 0))],
    ("Cropping2D", "cropping"): [((1, 2), (0, 1))],
    ("Cropping3D", "cropping"): [((1, 2), (0, 1), (2, 0))],
    ("UpSampling2D", "interpolation"): ["bilinear", "bicubic"],
    ("SeparableConv2D", "strides"): [(2, 2)],
    ("DepthwiseConv2D", "strides"): [(2, 2)],
    ("LayerNormalization", "axis"): [1, [1, 2]],
    ("RMSNormalization", "axis"): [1, [1, 2]],
    ("UnitNormalization", "axis"): [1, [1, 2]],
    ("Softmax", "axis"): [1, [1, 2]],
    ("Normalization", "axis"): [1, None],
    ("Concatenate", "axis"): [1, 2],
    ("GroupNormalization", "groups"): [1, 4, -1],
    ("GroupNormalization", "axis"): [1],
    ("Rescaling", "scale"): [3.0],
    ("BatchNormalization", "renorm"): [True],
    ("AdditiveAttention", "use_scale"): [False],
    ("Embedding", "weights"): [],
    ("EinsumDense", "equation"): [Value("abc,cde->abde", others={"output_shape": (None, 3, 2)})],
    ("EinsumDense", "output_shape"): [(6, 3)],
    ("MultiHeadAttention", "attention_axes"): [(1,), (2,)],
    ("Rescaling", "offset"): [0.75],
    ("Cropping1D", "cropping"): [(2, 1)],
    ("Activation", "activation"): ["relu", "softmax", made("Softmax layer", lambda layers: layers.Softmax())],
    ("Dropout", "noise_shape"): [(4, 1, 4)],
    ("AlphaDropout", "noise_shape"): [(4, 1, 4)],
    ("TimeDistributed", "dtype"): ["float64"],
}
ALSO: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN", "RNN"), ("zero_output_for_mask",)),
    "BatchNormalization": ("renorm", "renorm_clipping", "renorm_momentum"),
}
"""Arguments that hide in `**kwargs`."""
NO_VALUE = ("dynamic", "weights", "quantization_config", "gptq_unpacked_column_size", "constants")
"""Arguments that no model in a file can show, or that need code or data which a file does not hold."""
