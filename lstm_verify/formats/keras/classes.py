"""The supported Keras layer classes, one per line."""

from __future__ import annotations

from lstm_verify import layers as canonical
from lstm_verify.formats.keras import activations, graph
from lstm_verify.formats.keras.attention import (
    as_called,
    attention,
    attention_call,
    attention_variables,
    einsum_dense,
    einsum_dense_variables,
    multi_head_attention,
    multi_head_attention_call,
    multi_head_attention_variables,
)
from lstm_verify.formats.keras.config import unwrap
from lstm_verify.formats.keras.conv_lstm import conv_lstm
from lstm_verify.formats.keras.recurrent import (
    bidirectional,
    bidirectional_variables,
    cudnn_gru_cell,
    cudnn_lstm_cell,
    gru_cell,
    lstm_cell,
    of_cell,
    of_cudnn,
    rnn,
    rnn_variables,
    simple_rnn_cell,
    time_distributed,
)
from lstm_verify.formats.keras.registry import Class, named, prefixed, variables_of, with_bias
from lstm_verify.formats.keras.simple import (
    activation_layer,
    advanced_activation,
    augmentation,
    batch_normalization,
    batch_normalization_variables,
    concatenate,
    dense,
    dot,
    embedding,
    group_normalization,
    identity,
    layer_normalization,
    layer_normalization_variables,
    merge,
    normalization,
    normalization_variables,
    plain,
    prelu,
    rescaling,
    rms_normalization,
    scale_and_center,
    softmax,
    unit_normalization,
)
from lstm_verify.formats.keras.spatial import SPATIAL
from lstm_verify.formats.keras.ways import AUGMENTATION

_identity = plain(canonical.Identity)
_model = Class(graph.build_model, graph.model_variables)

CLASSES: dict[str, Class] = {
    "Sequential": _model,
    "Functional": _model,
    "Model": _model,
    "LSTM": of_cell(lstm_cell),
    "GRU": of_cell(gru_cell),
    "SimpleRNN": of_cell(simple_rnn_cell),
    "CuDNNLSTM": of_cudnn(cudnn_lstm_cell),
    "CuDNNGRU": of_cudnn(cudnn_gru_cell),
    "ConvLSTM1D": conv_lstm(canonical.ConvLSTM1DCell),
    "ConvLSTM2D": conv_lstm(canonical.ConvLSTM2DCell),
    "ConvLSTM3D": conv_lstm(canonical.ConvLSTM3DCell),
    "RNN": Class(rnn, rnn_variables),
    "Bidirectional": Class(bidirectional, bidirectional_variables),
    "TimeDistributed": Class(
        time_distributed,
        lambda config: prefixed(variables_of(unwrap(config.get("layer"), config.version)), "layer"),
    ),
    "Dense": Class(dense, with_bias("kernel")),
    "Embedding": Class(embedding, lambda config: named("embeddings")),
    "Masking": plain(canonical.Masking, mask_value=lambda config: config.number("mask_value", 0.0)),
    **SPATIAL,
    "BatchNormalization": Class(batch_normalization, batch_normalization_variables),
    "LayerNormalization": Class(layer_normalization, layer_normalization_variables),
    "RMSNormalization": Class(rms_normalization, lambda config: named("scale")),
    "GroupNormalization": Class(group_normalization, scale_and_center),
    "UnitNormalization": Class(unit_normalization),
    "Normalization": Class(normalization, normalization_variables),
    "Rescaling": Class(rescaling),
    "Activation": Class(activation_layer),
    **{name: Class(advanced_activation) for name in activations.LAYERS},
    "Softmax": Class(softmax),
    "PReLU": Class(prelu, lambda config: named("alpha")),
    "Identity": Class(identity),
    "Dropout": _identity,
    "SpatialDropout1D": _identity,
    "SpatialDropout2D": _identity,
    "SpatialDropout3D": _identity,
    "AlphaDropout": _identity,
    "GaussianDropout": _identity,
    "GaussianNoise": _identity,
    "ActivityRegularization": _identity,
    **{name: Class(augmentation) for name in AUGMENTATION},
    "Flatten": plain(canonical.Flatten),
    "Reshape": plain(canonical.Reshape, target_shape=lambda config: config.wholes("target_shape")),
    "Permute": plain(canonical.Permute, dims=lambda config: config.wholes("dims")),
    "RepeatVector": plain(canonical.RepeatVector, n=lambda config: config.whole("n")),
    **{
        name: Class(attention, attention_variables, attention_call, as_called)
        for name in ("Attention", "AdditiveAttention")
    },
    "MultiHeadAttention": Class(
        multi_head_attention, multi_head_attention_variables, multi_head_attention_call, as_called
    ),
    "EinsumDense": Class(einsum_dense, einsum_dense_variables),
    "Concatenate": Class(concatenate),
    "Dot": Class(dot),
    **{name: Class(merge) for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")},
}
