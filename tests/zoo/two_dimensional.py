"""Layers of images, and transposed convolutions (``2d_``); over time (``cnn_``), and before an LSTM (``crnn_``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.zoo.entry import SIGNAL, Entry, Source, graph, normal, padding, stack
from tests.zoo.policies import POLICIES

PICTURES = Source(normal(5, 8, 11, 4))
SMALL = Source(normal(5, 3, 2, 4))
TALL = Source(normal(5, 8, 12, 1), shape=(8, None, 1))
VIDEO = Source(normal(5, 7, 6, 4, 2))
PADDED_VIDEO = Source(normal(5, 7, 12) * ~padding()[..., None])
PADDED_PICTURES = Source(normal(5, 3, 7, 2) * ~padding()[:, None, :, None])

CONVOLUTIONS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "valid": ((6, 3), {}),
    "same": ((6, 3), {"padding": "same"}),
    "same_even": ((6, (4, 2)), {"padding": "same"}),
    "wide": ((6, (2, 5)), {"activation": "relu"}),
    "strided": ((6, 3), {"strides": (2, 3)}),
    "strided_same": ((6, (3, 4)), {"strides": (3, 2), "padding": "same"}),
    "strides_beyond": ((6, 2), {"strides": (3, 5), "padding": "same"}),
    "dilated": ((6, 3), {"dilation_rate": (2, 3)}),
    "dilated_same": ((6, (3, 2)), {"dilation_rate": 2, "padding": "same"}),
    "no_bias": ((6, 3), {"use_bias": False}),
    "one": ((6, 1), {"activation": "softmax"}),
}
"""The arguments of Conv2D."""

DEPTHWISE: dict[str, dict[str, Any]] = {
    "valid": {},
    "multiplied": {"depth_multiplier": 2, "padding": "same", "activation": "relu"},
    "strided": {"strides": 2, "use_bias": False},
    "strided_same": {"strides": 3, "padding": "same"},
    "dilated": {"dilation_rate": (2, 3), "depth_multiplier": 3},
    "dilated_same": {"dilation_rate": 2, "padding": "same"},
}
"""The options of DepthwiseConv2D and SeparableConv2D."""

TRANSPOSED: dict[str, dict[str, Any]] = {
    "valid": {},
    "same": {"padding": "same", "activation": "tanh"},
    "strided": {"strides": 2},
    "strided_same": {"strides": 2, "padding": "same", "use_bias": False},
    "strides_beyond": {"strides": 5},
    "strides_beyond_same": {"strides": 4, "padding": "same"},
    "padded": {"strides": 3, "output_padding": 1},
    "padded_same": {"strides": 3, "output_padding": 2, "padding": "same"},
    "unpadded": {"strides": 2, "output_padding": 0},
}
"""The options of Conv1DTranspose and Conv2DTranspose with a kernel of 3."""

POOLS: dict[str, dict[str, Any]] = {
    "two": {"pool_size": 2},
    "uneven": {"pool_size": (3, 2)},
    "same": {"pool_size": (3, 5), "padding": "same"},
    "strided": {"pool_size": 3, "strides": (1, 2)},
    "strided_same": {"pool_size": 3, "strides": 2, "padding": "same"},
    "strides_beyond": {"pool_size": 2, "strides": (3, 4), "padding": "same"},
}


def each(make: Callable[[Any, Any], list[Any]], source: Source = PICTURES, **options: Any) -> Entry:
    """Return a model in which one input goes through several layers, each by itself."""

    def connect(layers: Any, tensor: Any) -> list[Any]:
        return [layer(tensor) for layer in make(layers, tensor)]

    return graph(source, connect, **options)


def depthwise(class_name: str, *arguments: Any) -> Entry:
    """Return a model of all options of a convolution by channels."""
    return each(lambda layers, _: [getattr(layers, class_name)(*arguments, **o) for o in DEPTHWISE.values()])


def pools(class_name: str) -> Entry:
    """Return a model of all options of pooling."""
    return each(lambda layers, _: [getattr(layers, class_name)(**options) for options in POOLS.values()])


def transposed(layers: Any, _: Any) -> list[Any]:
    """Return transposed convolutions, also with kernels and strides that differ by axis."""
    uneven = [
        layers.Conv2DTranspose(6, (2, 5), strides=(3, 2), padding="same"),
        layers.Conv2DTranspose(6, (4, 3), strides=(2, 3), output_padding=(1, 0)),
        layers.Conv2DTranspose(6, (1, 4), strides=(3, 2), padding="valid"),
    ]
    return [*(layers.Conv2DTranspose(6, 3, **options) for options in TRANSPOSED.values()), *uneven]


def moves(layers: Any, _: Any) -> list[Any]:
    """Return layers that only move pixels."""
    return [
        layers.ZeroPadding2D(),
        layers.ZeroPadding2D((2, 1)),
        layers.ZeroPadding2D(((1, 0), (2, 3))),
        layers.Cropping2D(2),
        layers.Cropping2D((1, 2)),
        layers.Cropping2D(((1, 0), (0, 3))),
        layers.UpSampling2D(),
        layers.UpSampling2D((3, 1)),
        layers.UpSampling2D((1, 5), interpolation="nearest"),
        layers.SpatialDropout2D(0.5),
        layers.Permute((2, 1, 3)),
        layers.Reshape((11, 32)),
        layers.Flatten(),
    ]


def after(layers: Any, images: Any) -> list[Any]:
    """Connect what often follows a convolution to one."""
    x = layers.Conv2D(6, 3, padding="same", use_bias=False)(images)
    following = [
        layers.BatchNormalization(),
        layers.BatchNormalization(axis=1),
        layers.LayerNormalization(),
        layers.LayerNormalization(axis=[1, 2, 3]),
        layers.GroupNormalization(groups=3),
        layers.Activation("tanh"),
        layers.ReLU(max_value=1.0),
        layers.LeakyReLU(),
        layers.PReLU(shared_axes=[1, 2]),
        layers.Softmax(),
        layers.Dense(3),
        layers.GlobalMaxPooling2D(),
        layers.GlobalAveragePooling2D(),
        layers.GlobalMaxPooling2D(keepdims=True),
        layers.GlobalAveragePooling2D(keepdims=True),
        layers.Flatten(),
    ]
    return [layers.Add()([x, layers.Conv2D(6, 1)(images)]), *(layer(x) for layer in following)]


def eyes(layers: Any, **lower: Any) -> list[Any]:
    """Return the layers that make a vector of an image, (6, 4, 2)."""
    return [
        layers.Conv2D(4, 3, padding="same", **lower),
        layers.BatchNormalization(**lower),
        layers.Activation("relu", **lower),
        layers.MaxPooling2D(**lower),
        layers.SpatialDropout2D(0.3, **lower) if not lower else layers.Dropout(0.3, **lower),
        layers.DepthwiseConv2D((2, 1), **lower),
        layers.Flatten(**lower),
    ]


def cnn_lstm(layers: Any, **lower: Any) -> list[Any]:
    """Return a CNN at each time step, and an LSTM over what it makes of them."""
    recurrent = {"recurrent_initializer": "zeros", **lower}  # see tests/zoo/policies.py
    return [
        *(layers.TimeDistributed(layer, **lower) for layer in eyes(layers, **lower)),
        layers.LSTM(4, **recurrent),
        layers.Dense(2, **lower),
    ]


def distributed_model(keras: Any) -> tuple[Any, Any]:
    """Build a nested CNN distributed over time, before a Bidirectional GRU."""
    video = VIDEO.tensor(keras)
    eye = keras.Sequential([keras.Input((6, 4, 2)), *eyes(keras.layers)], name="eye")
    read = keras.layers.Bidirectional(keras.layers.GRU(3))(keras.layers.TimeDistributed(eye)(video))
    return keras.Model(video, keras.layers.Dense(2)(read)), [VIDEO.array]


def crnn(layers: Any, **lower: Any) -> list[Any]:
    """Return a reader of lines of text: columns of an image become time steps."""
    recurrent = {"recurrent_initializer": "zeros", **lower}  # see tests/zoo/policies.py
    return [
        layers.Conv2D(4, 3, padding="same", activation="relu", **lower),
        layers.MaxPooling2D((2, 2), **lower),
        layers.Conv2D(6, (3, 2), padding="same", use_bias=False, **lower),
        layers.BatchNormalization(**lower),
        layers.Activation("relu", **lower),
        layers.AveragePooling2D((2, 1), **lower),
        layers.Permute((2, 1, 3), **lower),
        layers.Reshape((-1, 12), **lower),
        layers.Dense(5, activation="relu", **lower),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True, **recurrent), **lower),
        layers.Dense(7, activation="softmax", **lower),
    ]


def read_rows(layers: Any) -> list[Any]:
    """Return a reader that flattens each column by a wrapper."""
    return [
        layers.SeparableConv2D(3, 3, strides=2, activation="elu"),
        layers.TimeDistributed(layers.Flatten()),
        layers.Bidirectional(layers.GRU(4, return_sequences=True)),
        layers.Bidirectional(layers.LSTM(3)),
        layers.Dense(2),
    ]


def decoder(layers: Any) -> list[Any]:
    """Return a recurrent autoencoder that ends in transposed convolutions."""
    return [
        layers.Conv1D(6, 3, strides=2, padding="same", activation="relu"),
        layers.LSTM(4),
        layers.RepeatVector(4),
        layers.LSTM(6, return_sequences=True),
        layers.Conv1DTranspose(5, 3, strides=2, padding="same", activation="relu"),
        layers.Conv1DTranspose(3, 3, padding="same"),
    ]


def painter(layers: Any) -> list[Any]:
    """Return an LSTM whose output is painted."""
    return [
        layers.LSTM(12),
        layers.Reshape((2, 3, 2)),
        layers.UpSampling2D(),
        layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="selu"),
        layers.Cropping2D(((0, 1), (1, 0))),
        layers.ZeroPadding2D(1),
        layers.Conv2D(1, 3, activation="sigmoid"),
    ]


def masked_steps(layers: Any, image: Any) -> list[Any]:
    """Connect LSTMs at each row of masked images, behind layers that pass the mask on and that drop it."""
    kept = layers.Masking()(image)
    between = [
        layers.SpatialDropout2D(0.5),
        layers.BatchNormalization(),
        layers.Conv2D(2, 3, padding="same"),
        layers.DepthwiseConv2D(3, padding="same"),
        layers.SeparableConv2D(2, 3, padding="same"),
        layers.Conv2DTranspose(2, 3, padding="same"),
        layers.MaxPooling2D(2, strides=1, padding="same"),
        layers.AveragePooling2D(2, strides=1, padding="same"),
        layers.ZeroPadding2D(0),
        layers.Cropping2D(0),
        layers.UpSampling2D(1),
        layers.GlobalAveragePooling2D(keepdims=True),
    ]
    return [layers.TimeDistributed(layers.LSTM(3))(layer(kept)) for layer in between]


def masked_video(layers: Any) -> list[Any]:
    """Return a CNN at each time step of a masked sequence, whose mask goes past it to an LSTM."""
    return [
        layers.Masking(),
        layers.TimeDistributed(layers.Reshape((3, 2, 2))),
        layers.TimeDistributed(layers.Conv2D(3, 2)),
        layers.TimeDistributed(layers.GlobalMaxPooling2D()),
        layers.LSTM(4),
    ]


ENTRIES: dict[str, Entry] = {
    "2d_conv": each(lambda layers, _: [layers.Conv2D(*args, **options) for args, options in CONVOLUTIONS.values()]),
    "2d_conv_groups": each(
        lambda layers, _: [
            layers.Conv2D(6, 3, groups=2),
            layers.Conv2D(8, (2, 3), groups=4, strides=2, padding="same", activation="relu"),
        ]
    ),
    "2d_conv_only": stack(PICTURES, lambda layers: [layers.Conv2D(6, 3, activation="relu")]),
    "2d_depthwise": depthwise("DepthwiseConv2D", 3),
    "2d_separable": depthwise("SeparableConv2D", 6, (3, 2)),
    "2d_depthwise_strided_dilated": each(
        lambda layers, _: [
            layers.DepthwiseConv2D(2, strides=(2, 3), dilation_rate=2, padding="same"),
            layers.SeparableConv2D(6, 2, strides=2, dilation_rate=(1, 3)),
        ],
        only="keras",
    ),
    "2d_transpose": each(transposed, SMALL),
    "2d_transpose_dilated": each(
        lambda layers, _: [
            layers.Conv2DTranspose(6, 3, dilation_rate=2),
            layers.Conv2DTranspose(6, (3, 2), dilation_rate=2, padding="same"),
        ],
        SMALL,
    ),
    "2d_transpose_one_dimension": each(
        lambda layers, _: [layers.Conv1DTranspose(6, 3, **options) for options in TRANSPOSED.values()], SIGNAL
    ),
    "2d_transpose_one_dimension_dilated": each(
        lambda layers, _: [
            layers.Conv1DTranspose(6, 3, dilation_rate=2),
            layers.Conv1DTranspose(6, 4, dilation_rate=3, padding="same"),
        ],
        SIGNAL,
    ),
    "2d_max_pooling": pools("MaxPooling2D"),
    "2d_average_pooling": pools("AveragePooling2D"),
    "2d_moves": each(moves),
    "2d_after": graph(PICTURES, after),
    "2d_bilinear": stack(SMALL, lambda layers: [layers.UpSampling2D(interpolation="bilinear")]),
    "2d_channels_first": stack(SMALL, lambda layers: [layers.GlobalMaxPooling2D(data_format="channels_first")]),
    "2d_video_at_once": stack(VIDEO, lambda layers: [layers.Conv2D(3, 2, activation="relu")], only="tf_keras"),
    "2d_masked_steps": graph(PADDED_PICTURES, masked_steps),
    "2d_masked_transpose": stack(
        Source(SIGNAL.array * ~padding()[..., None]),
        lambda layers: [layers.Masking(), layers.Conv1DTranspose(4, 3, padding="same"), layers.LSTM(3)],
    ),
    "2d_decoder": stack(Source(normal(5, 8, 3)), decoder),
    "2d_painter": stack(SIGNAL, painter),
    "cnn_lstm": stack(VIDEO, cnn_lstm),
    "cnn_masked": stack(PADDED_VIDEO, masked_video, only="keras"),
    "cnn_model": Entry(distributed_model),
    "crnn": stack(TALL, crnn),
    "crnn_rows": stack(PICTURES, read_rows),
    **{f"crnn_{policy}": stack(TALL, lambda layers, policy=policy: crnn(layers, dtype=policy)) for policy in POLICIES},
    "cnn_mixed_bfloat16": stack(VIDEO, lambda layers: cnn_lstm(layers, dtype="mixed_bfloat16")),
}
