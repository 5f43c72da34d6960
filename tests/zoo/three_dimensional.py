"""Layers of volumes (``3d_``), alone and before an LSTM."""

from __future__ import annotations

from typing import Any

from tests.zoo.entry import Entry, Source, normal, stack
from tests.zoo.two_dimensional import each

VOLUMES = Source(normal(5, 4, 6, 5, 2))

CONVOLUTIONS: list[dict[str, Any]] = [
    {"kernel_size": 3},
    {"kernel_size": (2, 3, 1), "padding": "same", "activation": "relu"},
    {"kernel_size": 2, "strides": (1, 3, 2), "padding": "same", "use_bias": False},
    {"kernel_size": 2, "dilation_rate": (2, 1, 3)},
    {"kernel_size": 2, "groups": 2},
]
TRANSPOSED: list[dict[str, Any]] = [
    {"kernel_size": 2},
    {"kernel_size": (2, 3, 1), "strides": (2, 3, 1), "padding": "same"},
    {"kernel_size": 3, "strides": 2, "output_padding": 1, "activation": "tanh"},
]
POOLS: list[dict[str, Any]] = [
    {"pool_size": 2},
    {"pool_size": (2, 3, 1), "strides": (1, 2, 1), "padding": "same"},
]


def pools(layers: Any, _: Any) -> list[Any]:
    """Return pooling, in windows and global."""
    windows = [make(**options) for make in (layers.MaxPooling3D, layers.AveragePooling3D) for options in POOLS]
    whole = [make(keepdims=k) for make in (layers.GlobalMaxPooling3D, layers.GlobalAveragePooling3D) for k in (0, 1)]
    return [*windows, *whole]


def moves(layers: Any, _: Any) -> list[Any]:
    """Return layers that only move elements."""
    return [
        layers.ZeroPadding3D(),
        layers.ZeroPadding3D(((1, 0), (2, 3), (0, 1))),
        layers.Cropping3D((1, 2, 0)),
        layers.Cropping3D(((1, 0), (0, 3), (1, 1))),
        layers.UpSampling3D((1, 2, 3)),
        layers.SpatialDropout3D(0.5),
        layers.Flatten(),
    ]


def reader(layers: Any) -> list[Any]:
    """Return a reader of short films: a step of the LSTM is a picture."""
    return [
        layers.Conv3D(4, 3, padding="same", activation="relu"),
        layers.MaxPooling3D((1, 2, 2)),
        layers.TimeDistributed(layers.Flatten()),
        layers.LSTM(3),
        layers.Dense(2),
    ]


ENTRIES: dict[str, Entry] = {
    "3d_convolution": each(lambda layers, _: [layers.Conv3D(4, **options) for options in CONVOLUTIONS], VOLUMES),
    "3d_transpose": each(lambda layers, _: [layers.Conv3DTranspose(3, **options) for options in TRANSPOSED], VOLUMES),
    "3d_pooling": each(pools, VOLUMES),
    "3d_moves": each(moves, VOLUMES),
    "3d_reader": stack(VOLUMES, reader),
    "3d_conv_lstm": stack(
        Source(normal(5, 3, 4, 5, 3, 2)), lambda layers: [layers.ConvLSTM3D(2, (2, 3, 1), padding="same")]
    ),
}
