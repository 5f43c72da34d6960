"""The canonical layers: one file each, opening with its equations. They know no file format and no framework."""

from lstm_verify.layers.activation import Activation, PReLU
from lstm_verify.layers.attention import Attention
from lstm_verify.layers.base import Array, Layer, Mask, Run, Signal, Signals
from lstm_verify.layers.batch_normalization import BatchNormalization
from lstm_verify.layers.conv1d import Conv1D
from lstm_verify.layers.conv2d import Conv2D, DepthwiseConv2D, SeparableConv2D
from lstm_verify.layers.conv_transpose import Conv1DTranspose, Conv2DTranspose
from lstm_verify.layers.dense import Dense
from lstm_verify.layers.einsum_dense import EinsumDense
from lstm_verify.layers.embedding import Embedding
from lstm_verify.layers.group_normalization import GroupNormalization
from lstm_verify.layers.identity import Identity
from lstm_verify.layers.layer_normalization import LayerNormalization
from lstm_verify.layers.masking import Masking
from lstm_verify.layers.merge import Concatenate, Dot, Merge
from lstm_verify.layers.multi_head_attention import MultiHeadAttention
from lstm_verify.layers.pooling1d import (
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Pooling1D,
)
from lstm_verify.layers.pooling2d import (
    AveragePooling2D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    MaxPooling2D,
)
from lstm_verify.layers.recurrent.bidirectional import Bidirectional
from lstm_verify.layers.recurrent.cell import Cell
from lstm_verify.layers.recurrent.conv_lstm import ConvLSTM1DCell, ConvLSTM2DCell, ConvLSTMCell
from lstm_verify.layers.recurrent.gru import GRUCell
from lstm_verify.layers.recurrent.lstm import LSTMCell
from lstm_verify.layers.recurrent.lstm_variants import LSTMVariantCell
from lstm_verify.layers.recurrent.rnn import RNN
from lstm_verify.layers.recurrent.simple_rnn import SimpleRNNCell
from lstm_verify.layers.recurrent.stacked_cells import StackedCells
from lstm_verify.layers.reshape import (
    Cropping1D,
    Flatten,
    Permute,
    RepeatVector,
    Reshape,
    UpSampling1D,
    ZeroPadding1D,
)
from lstm_verify.layers.reshape2d import Cropping2D, UpSampling2D, ZeroPadding2D
from lstm_verify.layers.rms_normalization import RMSNormalization
from lstm_verify.layers.scaling import Normalization, Rescaling, UnitNormalization
from lstm_verify.layers.separable_conv1d import SeparableConv1D
from lstm_verify.layers.softmax import Softmax
from lstm_verify.layers.time_distributed import TimeDistributed

__all__ = [
    "RNN",
    "Activation",
    "Array",
    "Attention",
    "AveragePooling2D",
    "BatchNormalization",
    "Bidirectional",
    "Cell",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "ConvLSTM1DCell",
    "ConvLSTM2DCell",
    "ConvLSTMCell",
    "Cropping1D",
    "Cropping2D",
    "Dense",
    "DepthwiseConv2D",
    "Dot",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GroupNormalization",
    "Identity",
    "LSTMCell",
    "LSTMVariantCell",
    "Layer",
    "LayerNormalization",
    "Mask",
    "Masking",
    "MaxPooling2D",
    "Merge",
    "MultiHeadAttention",
    "Normalization",
    "PReLU",
    "Permute",
    "Pooling1D",
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
    "StackedCells",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
]
