"""Small models for tests: seeded, every gate and bias different, and no two of the sizes below equal."""

from __future__ import annotations

from typing import Any

import numpy as np

from lstm_verify.layers import (
    RNN,
    Array,
    Cell,
    ConvLSTM1DCell,
    ConvLSTM2DCell,
    ConvLSTM3DCell,
    ConvLSTMCell,
    Dense,
    GRUCell,
    Layer,
    LSTMCell,
    Run,
    Signal,
    SimpleRNNCell,
)
from lstm_verify.layers.recurrent.cell import States
from lstm_verify.model import Input, LayerCall, Model, Output, Tensor

SAMPLES, TIMESTEPS, FEATURES, UNITS = 5, 6, 3, 4


def random_array(*shape: int, seed: int = 0, scale: float = 0.8, dtype: str = "float64") -> Array:
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(dtype)


def sequences(samples: int = SAMPLES, timesteps: int = TIMESTEPS, features: int = FEATURES, **options: Any) -> Array:
    return random_array(samples, timesteps, features, **{"seed": 99, **options})


def lstm_cell(
    units: int = UNITS,
    features: int = FEATURES,
    *,
    seed: int = 1,
    bias: bool = True,
    dtype: str = "float64",
    **rest: Any,
) -> LSTMCell:
    return LSTMCell(name="cell", **_weights(4, units, features, (4 * units,) if bias else None, seed, dtype), **rest)


def gru_cell(
    units: int = UNITS,
    features: int = FEATURES,
    *,
    seed: int = 2,
    bias: bool = True,
    dtype: str = "float64",
    reset_after: bool = True,
    **rest: Any,
) -> GRUCell:
    shape = ((2, 3 * units) if reset_after else (3 * units,)) if bias else None
    weights = _weights(3, units, features, shape, seed, dtype)
    return GRUCell(name="cell", **weights, reset_after=reset_after, **rest)


def simple_rnn_cell(
    units: int = UNITS,
    features: int = FEATURES,
    *,
    seed: int = 3,
    bias: bool = True,
    dtype: str = "float64",
    **rest: Any,
) -> SimpleRNNCell:
    return SimpleRNNCell(name="cell", **_weights(1, units, features, (units,) if bias else None, seed, dtype), **rest)


CELLS = {"lstm": lstm_cell, "gru": gru_cell, "simple_rnn": simple_rnn_cell}


def conv_lstm_cell(
    window: tuple[int, ...], channels: int = 2, filters: int = 3, *, bias: bool = True, seed: int = 5, **rest: Any
) -> ConvLSTMCell:
    """A cell of a convolution over as many axes as the window has."""
    kinds: dict[int, type[ConvLSTMCell]] = {1: ConvLSTM1DCell, 2: ConvLSTM2DCell, 3: ConvLSTM3DCell}
    return kinds[len(window)](
        name="cell",
        kernel=random_array(*window, channels, 4 * filters, seed=seed),
        recurrent_kernel=random_array(*window, filters, 4 * filters, seed=seed + 100),
        bias=random_array(4 * filters, seed=seed + 200) if bias else None,
        **rest,
    )


def _weights(
    gates: int, units: int, features: int, bias: tuple[int, ...] | None, seed: int, dtype: str
) -> dict[str, Array | None]:
    return {
        "kernel": random_array(features, gates * units, seed=seed, dtype=dtype),
        "recurrent_kernel": random_array(units, gates * units, seed=seed + 100, dtype=dtype),
        "bias": None if bias is None else random_array(*bias, seed=seed + 200, dtype=dtype),
    }


def states_for(cell: Cell, samples: int = SAMPLES, *, seed: int = 7, dtype: str = "float64") -> States:
    """States as large as those of a cell in the middle of a sequence."""
    return tuple(
        random_array(samples, size, seed=seed + number, scale=0.5, dtype=dtype)
        for number, size in enumerate(cell.state_sizes)
    )


def rnn(cell: Cell, name: str = "rnn", **options: Any) -> RNN:
    return RNN(name=name, cell=cell, **options)


def apply(layer: Layer, *values: Array, mask: Array | None = None, run: Run | None = None) -> list[Array]:
    """The outputs of a layer for its inputs, of which the first has the mask."""
    first, *others = values
    signals = (Signal(first, mask), *(Signal(value) for value in others))
    return [signal.value for signal in layer.apply(signals, run or Run())]


def sequential(
    *layers: Layer,
    shape: tuple[int | None, ...] | None = (None, TIMESTEPS, FEATURES),
    dtype: str = "float32",
    **rest: Any,
) -> Model:
    """A model of layers one after the other, with the input `x`."""
    names = ["x", *(layer.name for layer in layers)]
    nodes = tuple(LayerCall(layer.name, (Tensor(before),)) for before, layer in zip(names, layers, strict=False))
    return Model(
        name="model",
        layers={layer.name: layer for layer in layers},
        nodes=nodes,
        inputs=(Input("x", shape, dtype),),
        outputs=(Output(names[-1], Tensor(names[-1])),),
        **rest,
    )


def dense(units: int = 2, features: int = UNITS, *, seed: int = 4, name: str = "dense", **rest: Any) -> Dense:
    return Dense(name=name, kernel=random_array(features, units, seed=seed), bias=random_array(units, seed=40), **rest)


def lstm_model(**options: Any) -> Model:
    """(samples, 6, 3) → LSTM(4) → Dense(2)."""
    return sequential(rnn(lstm_cell(), "lstm", **options), dense())


def two_headed_model() -> Model:
    """Inputs `a` (samples, 6, 3) and `b` (samples, 4); outputs `h` (samples, 4) and `y` (samples, 2)."""
    from lstm_verify.layers import Merge

    return Model(
        name="two",
        layers={"lstm": rnn(lstm_cell(), "lstm"), "add": Merge(name="add", operation="Add"), "dense": dense()},
        nodes=(
            LayerCall("lstm", (Tensor("a"),)),
            LayerCall("add", (Tensor("lstm"), Tensor("b"))),
            LayerCall("dense", (Tensor("add"),)),
        ),
        inputs=(Input("a", (None, TIMESTEPS, FEATURES), "float32"), Input("b", (None, UNITS), "float32")),
        outputs=(Output("h", Tensor("lstm")), Output("y", Tensor("dense"))),
    )
