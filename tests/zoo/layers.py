"""Layers around the recurrent ones: convolutions, pooling, normalisation, shapes, merges, and wrappers."""

from __future__ import annotations

from typing import Any

from tests.zoo.entry import SECOND, SIGNAL, TEXTS, Entry, Source, graph, normal, stack

LONG = Source(normal(5, 12, 4))
FOUR_D = Source(normal(5, 3, 7, 2))
VECTOR = Source(normal(5, 3))
INTEGERS = Source(TEXTS.array[:, 0], "words")

CONVOLUTIONS: dict[str, Any] = {
    "conv_valid": lambda layers: layers.Conv1D(6, 3),
    "conv_same": lambda layers: layers.Conv1D(6, 3, padding="same"),
    "conv_same_even": lambda layers: layers.Conv1D(6, 4, padding="same"),
    "conv_causal": lambda layers: layers.Conv1D(6, 3, padding="causal"),
    "conv_causal_dilated": lambda layers: layers.Conv1D(6, 3, padding="causal", dilation_rate=2),
    "conv_strided": lambda layers: layers.Conv1D(6, 3, strides=2),
    "conv_strided_same": lambda layers: layers.Conv1D(6, 3, strides=2, padding="same"),
    "conv_strided_same_wide": lambda layers: layers.Conv1D(6, 2, strides=5, padding="same"),
    "conv_strided_causal": lambda layers: layers.Conv1D(6, 3, strides=2, padding="causal"),
    "conv_dilated": lambda layers: layers.Conv1D(6, 3, dilation_rate=3),
    "conv_dilated_same": lambda layers: layers.Conv1D(6, 3, dilation_rate=2, padding="same"),
    "conv_groups": lambda layers: layers.Conv1D(6, 3, groups=2),
    "conv_no_bias": lambda layers: layers.Conv1D(6, 3, use_bias=False),
    "conv_relu": lambda layers: layers.Conv1D(6, 3, activation="relu"),
    "conv_one": lambda layers: layers.Conv1D(6, 1, activation="tanh"),
    "separable_conv": lambda layers: layers.SeparableConv1D(6, 3),
    "separable_conv_same": lambda layers: layers.SeparableConv1D(
        6, 3, padding="same", depth_multiplier=2, activation="relu"
    ),
    "separable_conv_no_bias": lambda layers: layers.SeparableConv1D(6, 3, use_bias=False),
    "separable_conv_strided": lambda layers: layers.SeparableConv1D(6, 3, strides=2, padding="same"),
    "depthwise_conv": lambda layers: layers.DepthwiseConv1D(3),
    "depthwise_conv_same": lambda layers: layers.DepthwiseConv1D(
        3, padding="same", depth_multiplier=2, activation="relu"
    ),
    "depthwise_conv_strided": lambda layers: layers.DepthwiseConv1D(3, strides=2, use_bias=False),
    "conv_transpose": lambda layers: layers.Conv1DTranspose(6, 3, strides=2, padding="same"),
}

POOLS: dict[str, Any] = {
    "max_pooling": lambda layers: layers.MaxPooling1D(2),
    "max_pooling_ragged": lambda layers: layers.MaxPooling1D(5),
    "max_pooling_same": lambda layers: layers.MaxPooling1D(5, padding="same"),
    "max_pooling_strided": lambda layers: layers.MaxPooling1D(3, strides=2),
    "max_pooling_strided_same": lambda layers: layers.MaxPooling1D(3, strides=2, padding="same"),
    "average_pooling": lambda layers: layers.AveragePooling1D(2),
    "average_pooling_same": lambda layers: layers.AveragePooling1D(5, padding="same"),
    "average_pooling_strided_same": lambda layers: layers.AveragePooling1D(3, strides=2, padding="same"),
    "average_pooling_strided": lambda layers: layers.AveragePooling1D(2, strides=3),
    "global_max": lambda layers: layers.GlobalMaxPooling1D(),
    "global_max_kept": lambda layers: layers.GlobalMaxPooling1D(keepdims=True),
    "global_average": lambda layers: layers.GlobalAveragePooling1D(),
    "global_average_kept": lambda layers: layers.GlobalAveragePooling1D(keepdims=True),
}

NORMALISATIONS: dict[str, Any] = {
    "batch_normalization": lambda layers: layers.BatchNormalization(),
    "batch_normalization_epsilon": lambda layers: layers.BatchNormalization(epsilon=0.1),
    "batch_normalization_time": lambda layers: layers.BatchNormalization(axis=1),
    "batch_normalization_unscaled": lambda layers: layers.BatchNormalization(scale=False),
    "batch_normalization_uncentred": lambda layers: layers.BatchNormalization(center=False),
    "batch_normalization_bare": lambda layers: layers.BatchNormalization(center=False, scale=False),
    "layer_normalization": lambda layers: layers.LayerNormalization(),
    "layer_normalization_epsilon": lambda layers: layers.LayerNormalization(epsilon=0.1),
    "layer_normalization_both": lambda layers: layers.LayerNormalization(axis=[1, 2]),
    "layer_normalization_time": lambda layers: layers.LayerNormalization(axis=1),
    "layer_normalization_unscaled": lambda layers: layers.LayerNormalization(scale=False),
    "layer_normalization_uncentred": lambda layers: layers.LayerNormalization(center=False),
    "layer_normalization_bare": lambda layers: layers.LayerNormalization(center=False, scale=False),
    "group_normalization": lambda layers: layers.GroupNormalization(groups=2),
    "group_normalization_instance": lambda layers: layers.GroupNormalization(groups=-1),
    "unit_normalization": lambda layers: layers.UnitNormalization(),
    "normalization_given": lambda layers: layers.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[0.5, 1, 2, 3]),
    "normalization_scalar": lambda layers: layers.Normalization(axis=None, mean=0.3, variance=2.0),
    "rescaling": lambda layers: layers.Rescaling(0.5, offset=-0.25),
}

SHAPES: dict[str, Any] = {
    "flatten": lambda layers: layers.Flatten(),
    "reshape": lambda layers: layers.Reshape((6, 8)),
    "reshape_inferred": lambda layers: layers.Reshape((-1, 8)),
    "permute": lambda layers: layers.Permute((2, 1)),
    "zero_padding": lambda layers: layers.ZeroPadding1D(2),
    "zero_padding_unequal": lambda layers: layers.ZeroPadding1D((1, 3)),
    "cropping": lambda layers: layers.Cropping1D(2),
    "cropping_unequal": lambda layers: layers.Cropping1D((1, 3)),
    "up_sampling": lambda layers: layers.UpSampling1D(3),
    "identity": lambda layers: layers.Identity(),
    "dense_three_d": lambda layers: layers.Dense(6),
    "dense_no_bias": lambda layers: layers.Dense(6, use_bias=False),
    "time_distributed_dense": lambda layers: layers.TimeDistributed(layers.Dense(6, activation="relu")),
}

IDLE: dict[str, Any] = {
    "dropout": lambda layers: layers.Dropout(0.5),
    "spatial_dropout": lambda layers: layers.SpatialDropout1D(0.5),
    "gaussian_noise": lambda layers: layers.GaussianNoise(0.5),
    "gaussian_dropout": lambda layers: layers.GaussianDropout(0.5),
    "alpha_dropout": lambda layers: layers.AlphaDropout(0.5),
    "activity_regularization": lambda layers: layers.ActivityRegularization(l1=0.1),
}
"""Layers that do something in training only."""


def one(make: Any) -> Entry:
    """Return a Sequential model of one layer."""
    return stack(LONG, lambda layers: [make(layers)])


def alone(makers: dict[str, Any]) -> dict[str, Entry]:
    """Return one Sequential model per layer, on (samples 5, timesteps 12, features 4)."""
    return {f"only_{name}": one(make) for name, make in makers.items()}


def merge(name: str, **arguments: Any) -> Entry:
    """Return a merge of a sequence and what an LSTM makes of another one."""

    def connect(layers: Any, one: Any, other: Any) -> Any:
        return getattr(layers, name)(**arguments)([one, layers.LSTM(3, return_sequences=True)(other)])

    return graph((SIGNAL, SECOND), connect)


def merge_three(layers: Any, one: Any, other: Any) -> Any:
    """Connect merges of three tensors, one of them twice."""
    joined = [one, other, layers.Dense(3)(one)]
    return [layers.Add()(joined), layers.Average()(joined), layers.Multiply()([one, one, other])]


def merge_broadcast(layers: Any, one: Any, other: Any) -> Any:
    """Connect merges of a sequence with one step of another."""
    step = layers.GlobalAveragePooling1D(keepdims=True)(other)
    return [layers.Add()([one, step]), layers.Multiply()([one, step])]


def normalised(layers: Any) -> list[Any]:
    """Return a Normalization layer that has measured its data, before an LSTM."""
    normalization = layers.Normalization()
    normalization.adapt(3 * normal(50, 12, 4, seed=9) + 1)
    return [normalization, layers.LSTM(6)]


def inner(layers: Any) -> list[Any]:
    """Return the layers of a small recurrent model to be distributed over time."""
    return [layers.LSTM(4, return_sequences=True), layers.LSTM(6)]


def distributed_model(keras: Any) -> tuple[Any, Any]:
    """Build a nested functional model distributed over time."""
    step = keras.Input((7, 2), name="step")
    output = step
    for layer in inner(keras.layers):
        output = layer(output)
    return distribute(keras, keras.Model(step, output, name="reader"))


def distributed_sequential(keras: Any) -> tuple[Any, Any]:
    """Build a nested Sequential model distributed over time."""
    return distribute(keras, keras.Sequential([keras.Input((7, 2)), *inner(keras.layers)], name="reader"))


def distribute(keras: Any, model: Any) -> tuple[Any, Any]:
    """Build a model around a nested one, distributed over time."""
    source = FOUR_D.tensor(keras)
    read = keras.layers.TimeDistributed(model)(source)
    return keras.Model(source, keras.layers.GRU(5)(read)), [FOUR_D.array]


ENTRIES: dict[str, Entry] = {
    **alone(CONVOLUTIONS),
    **alone(POOLS),
    **alone(NORMALISATIONS),
    **alone(SHAPES),
    **alone(IDLE),
    "only_layer_normalization_rms": stack(
        LONG, lambda layers: [layers.LayerNormalization(rms_scaling=True)], only="keras"
    ),
    "only_separable_conv_causal": stack(
        LONG, lambda layers: [layers.SeparableConv1D(6, 3, padding="causal")], only="tf_keras"
    ),
    "only_rms_normalization": stack(LONG, lambda layers: [layers.RMSNormalization()], only="keras"),
    "only_normalization_adapted": stack(LONG, normalised),
    "only_normalization_inverted": stack(
        LONG, lambda layers: [layers.Normalization(axis=None, mean=0.3, variance=2.0, invert=True)]
    ),
    "only_repeat_vector": stack(VECTOR, lambda layers: [layers.RepeatVector(6), layers.LSTM(4)]),
    "only_dense_vector": stack(VECTOR, lambda layers: [layers.Dense(4, activation="tanh"), layers.Dense(2)]),
    "only_batch_normalization_vector": stack(VECTOR, lambda layers: [layers.BatchNormalization()]),
    "only_softmax_vector": stack(VECTOR, lambda layers: [layers.Dense(4), layers.Softmax()]),
    "only_flatten_vector": stack(VECTOR, lambda layers: [layers.Flatten(), layers.Dense(4)]),
    "only_dense_four_d": stack(FOUR_D, lambda layers: [layers.Dense(4)]),
    "only_flatten_four_d": stack(FOUR_D, lambda layers: [layers.Flatten()]),
    "only_permute_four_d": stack(FOUR_D, lambda layers: [layers.Permute((3, 1, 2))]),
    "only_embedding": stack(INTEGERS, lambda layers: [layers.Embedding(11, 4)]),
    "only_embedding_masked": stack(INTEGERS, lambda layers: [layers.Embedding(11, 4, mask_zero=True)]),
    "only_embedding_texts": stack(TEXTS, lambda layers: [layers.Embedding(11, 4)]),
    "only_embedding_floats": stack(
        Source(INTEGERS.array.astype("float32")), lambda layers: [layers.Embedding(11, 4), layers.LSTM(6)]
    ),
    "only_time_distributed_lstm": stack(FOUR_D, lambda layers: [layers.TimeDistributed(layers.LSTM(4))]),
    "only_time_distributed_bidirectional": stack(
        FOUR_D,
        lambda layers: [layers.TimeDistributed(layers.Bidirectional(layers.LSTM(4, return_sequences=True)))],
    ),
    "only_time_distributed_twice": stack(
        FOUR_D, lambda layers: [layers.TimeDistributed(layers.TimeDistributed(layers.Dense(4)))]
    ),
    "only_time_distributed_conv": stack(
        FOUR_D,
        lambda layers: [
            layers.TimeDistributed(layers.Conv1D(4, 3)),
            layers.TimeDistributed(layers.MaxPooling1D(2)),
            layers.TimeDistributed(layers.Flatten()),
            layers.LSTM(6),
        ],
    ),
    "only_time_distributed_batch_normalization": stack(
        FOUR_D, lambda layers: [layers.TimeDistributed(layers.BatchNormalization())]
    ),
    "only_time_distributed_model": Entry(distributed_model),
    "only_time_distributed_sequential": Entry(distributed_sequential),
    "merge_add": merge("Add"),
    "merge_subtract": merge("Subtract"),
    "merge_multiply": merge("Multiply"),
    "merge_average": merge("Average"),
    "merge_maximum": merge("Maximum"),
    "merge_minimum": merge("Minimum"),
    "merge_concatenate": merge("Concatenate"),
    "merge_concatenate_time": merge("Concatenate", axis=1),
    "merge_dot": merge("Dot", axes=2),
    "merge_three": graph((SIGNAL, SECOND), merge_three),
    "merge_broadcast": graph((SIGNAL, SECOND), merge_broadcast),
}
