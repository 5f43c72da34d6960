"""An example of every layer, with inputs that it takes: what the contract of layers is tried on.

A new layer goes without more ado if it is in `tests/rounded/models.py`; one that takes something else has its row here.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import lstm_verify.layers
from lstm_verify.layers import (
    Array,
    Attention,
    AveragePooling3D,
    Concatenate,
    Conv3D,
    Conv3DTranspose,
    Cropping1D,
    Cropping3D,
    DepthwiseConv1D,
    Dot,
    EinsumDense,
    Embedding,
    GlobalAveragePooling3D,
    GlobalMaxPooling3D,
    Identity,
    Layer,
    LSTMCell,
    Masking,
    MaxPooling3D,
    Merge,
    MultiHeadAttention,
    RepeatVector,
    Softmax,
    UpSampling3D,
    ZeroPadding3D,
)
from lstm_verify.layers.base import Weighted
from lstm_verify.layers.constant import Constant, Spare, State, Update
from lstm_verify.layers.loop import Branch, Loop
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.layers.recurrent.scan import Recovered, Scan
from lstm_verify.layers.recurrent.time_first import FedTimeFirst, TimeFirst
from lstm_verify.layers.recurrent.written_out import WrittenOut
from lstm_verify.layers.stored import Stored
from lstm_verify.layers.watched import Watched
from lstm_verify.operations import TensorList
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import FEATURES, UNITS, conv_lstm_cell, lstm_cell, random_array, rnn, sequences, states_for
from tests.rounded.models import LAYERS, SAMPLES, weights


@dataclass(frozen=True)
class Example:
    """A layer, and values that go into it."""

    layer: Layer
    inputs: tuple[Any, ...]
    runs: bool = True
    """Whether it can be run: not if nothing is computed from it."""


X, OTHER = sequences(SAMPLES), sequences(SAMPLES, seed=98)
VECTOR = random_array(SAMPLES, FEATURES, seed=97)
VOLUMES = random_array(SAMPLES, 3, 4, 2, 2, seed=96)


def projection(name: str, equation: str, *shape: int) -> EinsumDense:
    return EinsumDense(name=name, equation=equation, kernel=weights(*shape, seed=len(name)))


def heads() -> MultiHeadAttention:
    into = {f"{name}_dense": projection(name, "abc,cde->abde", FEATURES, 2, 4) for name in ("query", "key", "value")}
    return MultiHeadAttention(name="heads", **into, output_dense=projection("output", "abcd,cde->abe", 2, 4, 5))


def times(factor: float) -> Operation:
    return Operation(name="times", operation="multiply", arguments=(Slot(0), factor))


def scan() -> Example:
    """A loop with the variables counter, list of steps, h, c."""
    layer = Scan(
        name="while",
        rnn=rnn(lstm_cell(), return_state=True),
        sequence=1,
        states=((2, 0, None), (3, 0, None)),
        counter=0,
        counters=(0,),
        recovered=(Recovered("i, f, c, o", ("kernel", "bias")),),
    )
    steps = TensorList(tuple(np.moveaxis(X, 1, 0)))
    return Example(layer, (np.array(0), steps, np.zeros((SAMPLES, UNITS)), np.zeros((SAMPLES, UNITS))))


OF_VOLUMES: tuple[Layer, ...] = (
    Conv3D(name="conv", kernel=weights(2, 2, 1, 2, 3), bias=weights(3), padding="same", strides=(1, 2, 1)),
    Conv3DTranspose(name="conv", kernel=weights(2, 1, 2, 3, 2), strides=(2, 1, 1)),
    AveragePooling3D(name="pool", pool_size=(2, 3, 1), strides=(1, 2, 1), padding="same"),
    MaxPooling3D(name="pool", pool_size=(2, 2, 2), strides=(1, 2, 2)),
    GlobalAveragePooling3D(name="pool"),
    GlobalMaxPooling3D(name="pool"),
    Cropping3D(name="crop", cropping=(1, 0, 2, 1, 0, 1)),
    UpSampling3D(name="larger", size=(2, 1, 3)),
    ZeroPadding3D(name="framed", padding=(1, 0, 2, 1, 0, 1)),
)
BOTH = {"return_sequences": True, "return_state": True}


def clipped() -> LSTMCell:
    """A cell whose activations are of what is clipped, as ONNX has it."""
    cell = lstm_cell()
    return replace(cell, activation=cell.activation.clipped(0.1))


def time_first() -> TimeFirst:
    return TimeFirst(name="lstm", rnn=rnn(lstm_cell(), **BOTH), state_sizes=(UNITS, UNITS))


def written_out() -> WrittenOut:
    recovered = Recovered("i, f, c, o", ("W", "U", "b"))
    return WrittenOut(name="lstm", rnn=rnn(lstm_cell(), **BOTH), steps=X.shape[1], recovered=recovered)


def lengths() -> TimeFirst:
    """A layer whose first sample has no steps."""
    return replace(time_first(), given=("sequence_lens", "initial_h"))


EXAMPLES: dict[str, Example] = {
    **{name: Example(layer, (X,)) for name, layer in LAYERS.items()},
    "LSTM, states": Example(rnn(lstm_cell(), return_state=True), (X, *states_for(lstm_cell(), SAMPLES))),
    "Attention": Example(Attention(name="attention", scale=np.array(0.7)), (X, OTHER)),
    "Attention, key": Example(Attention(name="attention", roles=("query", "value", "key")), (X, OTHER, X[:, ::-1])),
    "MultiHeadAttention": Example(heads(), (X, OTHER)),
    "Concatenate": Example(Concatenate(name="both"), (X, OTHER)),
    "Merge": Example(Merge(name="product", operation="Multiply"), (X, OTHER)),
    "Dot": Example(Dot(name="dot", axes=(2, 2)), (X, OTHER)),
    "Cropping1D": Example(Cropping1D(name="crop", cropping=(1, 2)), (X,)),
    "Identity": Example(Identity(name="dropout"), (X,)),
    "Masking": Example(Masking(name="masking"), (X,)),
    "RepeatVector": Example(RepeatVector(name="repeat", n=4), (VECTOR,)),
    "Softmax": Example(Softmax(name="softmax", activation=ActivationFunction.of("softmax", axis=-1)), (X,)),
    "Embedding": Example(
        Embedding(name="words", embeddings=random_array(7, 4, dtype="float32")), (np.array([[1, 6, 0]]),)
    ),
    "Operation": Example(times(0.3), (X,)),
    "Constant": Example(Constant(name="constant", value=weights(4)), ()),
    "Spare": Example(Spare(name="spare", value=weights(4)), ()),
    "State": Example(State(name="state", initial=weights(1, UNITS)), ()),
    "Update": Example(Update(name="update", state="state"), (VECTOR,)),
    "Branch": Example(Branch(name="if", if_true=times(2.0), if_false=times(0.5)), (np.array(True), X)),
    "Loop": Example(
        Loop(
            name="while",
            condition=Operation(name="less", operation="less", arguments=(Slot(0), 3)),
            body=Operation(name="more", operation="add", arguments=(Slot(0), 1)),
        ),
        (np.array(0),),
    ),
    "Scan": scan(),
    "DepthwiseConv1D": Example(DepthwiseConv1D(name="conv", depthwise_kernel=weights(2, FEATURES, 2)), (X,)),
    "ConvLSTM3D": Example(rnn(conv_lstm_cell((2, 1, 2), 2)), (VOLUMES[:, None],)),
    **{layer.kind: Example(layer, (VOLUMES,)) for layer in OF_VOLUMES},
    "WrittenOut": Example(written_out(), tuple(X[:, step] for step in range(X.shape[1]))),
    "Watched": Example(Watched(name="lstm", layer=rnn(lstm_cell()), values=("/i", "/c")), (X,)),
    "TimeFirst": Example(time_first(), (np.moveaxis(X, 0, 1),)),
    "TimeFirst, lengths": Example(
        lengths(), (np.moveaxis(X, 0, 1), np.arange(SAMPLES) % X.shape[1], np.ones((1, SAMPLES, UNITS)))
    ),
    "LSTM, clipped": Example(rnn(clipped()), (X,)),
    "LSTM, affine": Example(rnn(lstm_cell(activation=ActivationFunction.of("affine", alpha=1.0, beta=0.0))), (X,)),
    "FedTimeFirst": Example(
        FedTimeFirst(name="lstm", make=lambda weights: time_first().rnn, state_sizes=(UNITS, UNITS)),
        (np.moveaxis(X, 0, 1), weights(4)),
    ),
    "Stored": Example(Stored(name="stored", arrays={"vars/0": weights(4, 2)}, looks_like=""), (), runs=False),
}


def layer_classes() -> list[type[Weighted]]:
    """Every layer and cell of the package that can be made."""
    for module in pkgutil.walk_packages(lstm_verify.layers.__path__, "lstm_verify.layers."):
        importlib.import_module(module.name)
    found = {kind for kind in _kinds_of(Weighted) if kind.__module__.startswith("lstm_verify.layers")}
    return sorted((kind for kind in found if not inspect.isabstract(kind)), key=lambda kind: kind.__name__)


def _kinds_of(kind: type[Weighted]) -> Iterator[type[Weighted]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from _kinds_of(inner)


def everything_in(item: Weighted) -> Iterator[Weighted]:
    """A layer, and all that is inside it."""
    yield item
    for child in item.children().values():
        yield from everything_in(child)


def arrays_of(item: Weighted) -> dict[str, Array]:
    return dict(item.weights())
