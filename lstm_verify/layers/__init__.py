"""The canonical layers, one per file, each opening with its equations; they know no file format and no framework."""

from lstm_verify.layers.activation import Activation, PReLU
from lstm_verify.layers.attention import Attention
from lstm_verify.layers.base import Array, Layer, Mask, Run, Signal, Signals
from lstm_verify.layers.batch_normalization import BatchNormalization
from lstm_verify.layers.convolution import (
    Conv1D,
    Conv2D,
    Conv3D,
    Convolution,
    DepthwiseConv1D,
    DepthwiseConv2D,
    DepthwiseConvolution,
    SeparableConv1D,
    SeparableConv2D,
)
from lstm_verify.layers.dense import Dense
from lstm_verify.layers.einsum_dense import EinsumDense
from lstm_verify.layers.embedding import Embedding
from lstm_verify.layers.group_normalization import GroupNormalization
from lstm_verify.layers.identity import Identity
from lstm_verify.layers.layer_normalization import LayerNormalization
from lstm_verify.layers.masking import Masking
from lstm_verify.layers.merge import Concatenate, Dot, Merge
from lstm_verify.layers.multi_head_attention import MultiHeadAttention
from lstm_verify.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from lstm_verify.layers.recurrent.bidirectional import Bidirectional
from lstm_verify.layers.recurrent.cell import Cell
from lstm_verify.layers.recurrent.conv_lstm import ConvLSTM1DCell, ConvLSTM2DCell, ConvLSTM3DCell, ConvLSTMCell
from lstm_verify.layers.recurrent.gru import GRUCell
from lstm_verify.layers.recurrent.lstm import LSTMCell
from lstm_verify.layers.recurrent.lstm_variants import LSTMVariantCell
from lstm_verify.layers.recurrent.rnn import RNN
from lstm_verify.layers.recurrent.simple_rnn import SimpleRNNCell
from lstm_verify.layers.recurrent.stacked_cells import StackedCells
from lstm_verify.layers.reshape import Flatten, Permute, RepeatVector, Reshape
from lstm_verify.layers.resizing import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from lstm_verify.layers.rms_normalization import RMSNormalization
from lstm_verify.layers.scaling import Normalization, Rescaling, UnitNormalization
from lstm_verify.layers.softmax import Softmax
from lstm_verify.layers.spatial import Spatial
from lstm_verify.layers.time_distributed import TimeDistributed
from lstm_verify.layers.transposed_convolution import (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
)

__all__ = [
    "RNN",
    "Activation",
    "Array",
    "Attention",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "BatchNormalization",
    "Bidirectional",
    "Cell",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "ConvLSTM1DCell",
    "ConvLSTM2DCell",
    "ConvLSTM3DCell",
    "ConvLSTMCell",
    "Convolution",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "DepthwiseConvolution",
    "Dot",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "Identity",
    "LSTMCell",
    "LSTMVariantCell",
    "Layer",
    "LayerNormalization",
    "Mask",
    "Masking",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Merge",
    "MultiHeadAttention",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Run",
    "SeparableConv1D",
    "SeparableConv2D",
    "Signal",
    "Signals",
    "SimpleRNNCell",
    "Softmax",
    "Spatial",
    "StackedCells",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
]
