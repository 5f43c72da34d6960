"""A layer of every kind, small, for inputs of (samples, 6, 3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from lstm_verify.layers import (
    Activation,
    Array,
    AveragePooling1D,
    AveragePooling2D,
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Cropping2D,
    Dense,
    DepthwiseConv2D,
    EinsumDense,
    Flatten,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GroupNormalization,
    Layer,
    LayerNormalization,
    LSTMVariantCell,
    MaxPooling1D,
    MaxPooling2D,
    Normalization,
    Permute,
    PReLU,
    Rescaling,
    Reshape,
    RMSNormalization,
    SeparableConv1D,
    SeparableConv2D,
    StackedCells,
    TimeDistributed,
    UnitNormalization,
    UpSampling1D,
    UpSampling2D,
    ZeroPadding1D,
    ZeroPadding2D,
)
from lstm_verify.operations import activations as functions
from tests.builders import (
    FEATURES,
    TIMESTEPS,
    UNITS,
    conv_lstm_cell,
    dense,
    gru_cell,
    lstm_cell,
    lstm_model,
    random_array,
    rnn,
    sequential,
    simple_rnn_cell,
)

SAMPLES = 9
RELU = functions.ActivationFunction.of("relu")
HARD = functions.ActivationFunction.of("hard_sigmoid", slope=0.2)


def bidirectional(merge: str | None = "concat", **options: Any) -> Bidirectional:
    halves = [rnn(lstm_cell(seed=n), f"half_{n}", go_backwards=n == 2, **options) for n in (1, 2)]
    return Bidirectional(name="both", forward_layer=halves[0], backward_layer=halves[1], merge_mode=merge, **options)


def variant(**options: Any) -> LSTMVariantCell:
    plain = lstm_cell()
    weights = {name: getattr(plain, name) for name in ("kernel", "recurrent_kernel", "bias")}
    return LSTMVariantCell(name="cell", **weights, **options)


def weights(*shape: int, seed: int = 70) -> Array:
    return random_array(*shape, seed=seed)


def of_images(*layers: Layer) -> Layer:
    """Layers of images, on sequences made images of (3, 3, 2)."""
    return replace(sequential(Reshape(name="images", target_shape=(3, 3, 2)), *layers), name="inner")


def over_images(shape: tuple[int, ...], layer: Layer) -> Layer:
    """A recurrent layer of images, which the features of each time step are made: (6, *shape)."""
    return replace(sequential(Reshape(name="images", target_shape=(-1, *shape)), layer), name="inner")


PEEPHOLES = {f"peephole_{gate}": weights(UNITS, seed=ord(gate)) for gate in "ifo"}
LAYERS: dict[str, Layer] = {
    "LSTM": rnn(lstm_cell()),
    "LSTM, sequences": rnn(lstm_cell(), return_sequences=True),
    "LSTM, backwards": rnn(lstm_cell(), go_backwards=True, return_sequences=True),
    "LSTM, relu": rnn(lstm_cell(activation=RELU)),
    "LSTM, hard_sigmoid": rnn(lstm_cell(recurrent_activation=HARD)),
    "LSTM, forget bias": rnn(lstm_cell(forget_bias=1.0)),
    "LSTM, no bias": rnn(lstm_cell(bias=False)),
    "LSTM, peepholes and clip": rnn(variant(**PEEPHOLES, cell_clip=0.3)),
    "LSTM, coupled": rnn(
        LSTMVariantCell(
            name="cell", kernel=weights(FEATURES, 12), recurrent_kernel=weights(UNITS, 12, seed=71), coupled="i"
        )
    ),
    "LSTM, normalised": rnn(
        variant(layer_norm_epsilon=1e-3, gamma=weights(4 * UNITS), state_gamma=weights(UNITS, seed=3))
    ),
    "GRU": rnn(gru_cell()),
    "GRU, reset before": rnn(gru_cell(reset_after=False), return_sequences=True),
    "SimpleRNN": rnn(simple_rnn_cell(), return_sequences=True),
    "softmax gates": rnn(lstm_cell(activation=functions.ActivationFunction.of("softmax"))),
    "stacked": rnn(StackedCells(name="cells", cells=(lstm_cell(), gru_cell(features=UNITS))), return_sequences=True),
    "Bidirectional": bidirectional(),
    "Bidirectional, sequences": bidirectional("mul", return_sequences=True),
    "Bidirectional, average": bidirectional("ave", return_sequences=True),
    "TimeDistributed": TimeDistributed(name="each", layer=dense(features=FEATURES)),
    "Dense": dense(features=FEATURES),
    "Dense, softmax": dense(3, FEATURES, activation=functions.ActivationFunction.of("softmax")),
    "Dense, no bias": Dense(name="dense", kernel=weights(FEATURES, 5)),
    "ConvLSTM1D": over_images((FEATURES, 1), rnn(conv_lstm_cell((2,), 1), "conv_lstm", return_sequences=True)),
    "ConvLSTM2D": over_images((FEATURES, 1, 1), rnn(conv_lstm_cell((2, 1), 1, padding="same"), "conv_lstm")),
    "Conv1D": Conv1D(name="conv", kernel=weights(3, FEATURES, 4), bias=weights(4), strides=2, padding="same"),
    "Conv1D, groups": Conv1D(name="conv", kernel=weights(2, 1, 6), groups=3, dilation=2, padding="causal"),
    "SeparableConv1D": SeparableConv1D(
        name="conv", depthwise_kernel=weights(2, FEATURES, 2), pointwise_kernel=weights(1, 6, 4), bias=weights(4)
    ),
    "Conv1DTranspose": Conv1DTranspose(
        name="conv", kernel=weights(4, 5, FEATURES), bias=weights(5), strides=3, padding="same", output_padding=2
    ),
    "Conv2D": of_images(
        Conv2D(name="conv", kernel=weights(2, 2, 2, 4), bias=weights(4), padding="same", strides=(1, 2))
    ),
    "Conv2D, groups": of_images(
        Conv2D(name="conv", kernel=weights(2, 3, 1, 6), groups=2, dilation=(2, 1), activation=RELU)
    ),
    "DepthwiseConv2D": of_images(
        DepthwiseConv2D(name="conv", depthwise_kernel=weights(2, 3, 2, 3), bias=weights(6), padding="same")
    ),
    "SeparableConv2D": of_images(
        SeparableConv2D(name="conv", depthwise_kernel=weights(2, 2, 2, 3), pointwise_kernel=weights(1, 1, 6, 4))
    ),
    "Conv2DTranspose": of_images(
        Conv2DTranspose(name="conv", kernel=weights(3, 2, 4, 2), bias=weights(4), strides=(2, 3), padding="same")
    ),
    "AveragePooling2D": of_images(AveragePooling2D(name="pool", pool_size=(2, 3), strides=(1, 2), padding="same")),
    "GlobalAveragePooling2D": of_images(GlobalAveragePooling2D(name="pool")),
    "GlobalMaxPooling2D": of_images(GlobalMaxPooling2D(name="pool")),
    "MaxPooling2D": of_images(MaxPooling2D(name="pool", pool_size=(2, 2), strides=(2, 2), padding="same")),
    "images": of_images(
        Conv2D(name="conv", kernel=weights(2, 2, 2, 4), bias=weights(4), padding="same"),
        MaxPooling2D(name="pool", pool_size=(2, 2), strides=(1, 1), padding="same"),
        UpSampling2D(name="larger", size=(2, 1)),
        Cropping2D(name="cropped", cropping=(1, 0, 0, 1)),
        ZeroPadding2D(name="framed", padding=(0, 1, 2, 1)),
        Conv2DTranspose(name="painted", kernel=weights(2, 3, 2, 4), strides=(1, 2), activation=RELU),
        GlobalMaxPooling2D(name="largest", keepdims=True),
    ),
    "BatchNormalization": BatchNormalization(
        name="norm",
        moving_mean=weights(3),
        moving_variance=np.square(weights(3)) + 0.1,
        gamma=weights(3, seed=1),
        beta=weights(3, seed=2),
    ),
    "LayerNormalization": LayerNormalization(name="norm", gamma=weights(3), beta=weights(3, seed=1)),
    "RMSNormalization": RMSNormalization(name="norm", scale=weights(3)),
    "RMSNormalization, around the mean": RMSNormalization(name="norm", scale=weights(3), around_mean=True),
    "EinsumDense": EinsumDense(
        name="dense", equation="abc,bd->adc", kernel=weights(TIMESTEPS, 5), bias=weights(5, 1), bias_axes="d"
    ),
    "GroupNormalization": GroupNormalization(name="norm", groups=3, gamma=weights(3), beta=weights(3, seed=1)),
    "UnitNormalization": UnitNormalization(name="norm"),
    "Normalization": Normalization(name="norm", mean=weights(3), variance=np.square(weights(3)) + 0.1),
    "Rescaling": Rescaling(name="scale", scale=np.array(1 / 255), offset=np.array(-0.3)),
    "PReLU": PReLU(name="prelu", alpha=np.abs(weights(1, FEATURES))),
    "Activation": Activation(name="gelu", activation=functions.ActivationFunction.of("gelu")),
    "GlobalAveragePooling1D": GlobalAveragePooling1D(name="pool"),
    "GlobalMaxPooling1D": GlobalMaxPooling1D(name="pool"),
    "MaxPooling1D": MaxPooling1D(name="pool", pool_size=2, strides=2, padding="same"),
    "AveragePooling1D": AveragePooling1D(name="pool", pool_size=3, strides=1, padding="same"),
    "Flatten": Flatten(name="flat"),
    "Permute": Permute(name="permute", dims=(2, 1)),
    "Reshape": Reshape(name="reshape", target_shape=(FEATURES, TIMESTEPS)),
    "UpSampling1D": UpSampling1D(name="up", size=2),
    "ZeroPadding1D": ZeroPadding1D(name="pad", padding=(1, 2)),
    "nested": replace(lstm_model(return_sequences=True), name="inner"),
    "model in TimeDistributed": TimeDistributed(
        name="each", layer=replace(sequential(dense(4, FEATURES), dense(name="head"), shape=(None, 3)), name="inner")
    ),
}
