"""How long the diagnosis takes for a model of three LSTM layers with 256 units, and print a table.

    python benchmarks/diagnosis_time.py
    python benchmarks/diagnosis_time.py --only 'gate*' --units 64

The predictions are made with the same layers, one of which has a fault that NumPy makes in its weights or functions.
They come from the replay in float32, so that rounding is as in a framework; no framework is needed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from tables import Table, at_most

from lstm_verify._replay import replay
from lstm_verify.arrays import Array
from lstm_verify.diagnosis import Diagnosis, diagnose
from lstm_verify.judging.judge import judge
from lstm_verify.judging.tolerance import Tolerance
from lstm_verify.layers import RNN, Dense, Layer, LSTMCell
from lstm_verify.model import Input, LayerCall, Model, Output, Tensor
from lstm_verify.operations.activations import ActivationFunction

BATCH = 32
GOAL = 60.0
"""Seconds, at most."""
LAYERS = ("lstm_1", "lstm_2", "lstm_3")
STEPS, FEATURES, SAMPLES, CLASSES = 100, 8, 64, 2
"""Of the input, and of the Dense layer at the end."""
Made = Callable[[LSTMCell], LSTMCell]


class Case(NamedTuple):
    """A fault in one layer."""

    name: str
    layer: str
    make: Made


def by_gate(weight: Array) -> list[Array]:
    """Cut weights into the blocks of the gates i, f, c, o."""
    return np.split(weight, 4, axis=-1)


def changed(cell: LSTMCell, change: Callable[[Array], Array]) -> LSTMCell:
    """Change all weights."""
    assert cell.bias is not None
    return replace(
        cell, kernel=change(cell.kernel), recurrent_kernel=change(cell.recurrent_kernel), bias=change(cell.bias)
    )


def order_of_tensorflow_1(cell: LSTMCell) -> LSTMCell:
    """Put the gates in the order i, c, f, o."""
    return changed(cell, lambda weight: np.concatenate([by_gate(weight)[gate] for gate in (0, 2, 1, 3)], axis=-1))


def remembering(cell: LSTMCell, more: float) -> LSTMCell:
    """Add a number to the bias of the forget gate."""
    assert cell.bias is not None
    bias = cell.bias.copy()
    by_gate(bias)[1][:] += more
    return replace(cell, bias=bias)


def transposed(cell: LSTMCell) -> LSTMCell:
    """Transpose the recurrent kernel gate by gate."""
    blocks = [block.T for block in by_gate(cell.recurrent_kernel)]
    return replace(cell, recurrent_kernel=np.concatenate(blocks, axis=-1))


def in_float16(cell: LSTMCell) -> LSTMCell:
    """Round all weights."""
    return changed(cell, lambda weight: weight.astype(np.float16).astype(np.float32))


def one_weight_off(cell: LSTMCell) -> LSTMCell:
    """Change one weight a little, which no fault explains."""
    kernel = cell.kernel.copy()
    kernel[1, 3] += 2e-2
    return replace(cell, kernel=kernel)


def noisy(cell: LSTMCell) -> LSTMCell:
    """Change all weights a little, which no fault explains."""
    noise = np.random.default_rng(1).standard_normal(cell.kernel.shape).astype(np.float32)
    return replace(cell, kernel=cell.kernel + np.float32(1e-2) * noise)


def hard(cell: LSTMCell) -> LSTMCell:
    """Take hard_sigmoid of Keras 2 for the sigmoid."""
    return replace(cell, recurrent_activation=ActivationFunction.of("hard_sigmoid", slope=0.2))


CASES = [
    Case("recurrent_activation", "lstm_1", hard),
    Case("gate_order", "lstm_2", order_of_tensorflow_1),
    Case("recurrent_kernel_transposed", "lstm_3", transposed),
    Case("weight_precision", "lstm_2", in_float16),
    Case("forget_bias", "lstm_1", lambda cell: remembering(cell, 0.7)),
    Case("gate_order and forget_bias", "lstm_2", lambda cell: remembering(order_of_tensorflow_1(cell), 1.0)),
    Case("unexplained", "lstm_1", one_weight_off),
    Case("unexplained", "lstm_2", noisy),
]


def model_of(units: int) -> Model:
    """Return three LSTM layers and a Dense one, with random weights of the usual size."""
    rng = np.random.default_rng(0)

    def weights(*shape: int) -> Array:
        limit = np.sqrt(6 / sum(shape)) if len(shape) > 1 else 0.1
        return rng.uniform(-limit, limit, shape).astype(np.float32)

    layers: dict[str, Layer] = {}
    width = FEATURES
    for name in LAYERS:
        cell = LSTMCell(
            name=f"{name}_cell",
            kernel=weights(width, 4 * units),
            recurrent_kernel=weights(units, 4 * units),
            bias=weights(4 * units),
        )
        layers[name] = RNN(name=name, cell=cell, return_sequences=name != LAYERS[-1])
        width = units
    layers["dense"] = Dense(name="dense", kernel=weights(width, CLASSES), bias=weights(CLASSES))
    nodes = tuple(LayerCall(name, (Tensor(before),)) for before, name in pairwise(["x", *layers]))
    inputs = (Input("x", (None, STEPS, FEATURES), "float32"),)
    return Model(name="model", layers=layers, nodes=nodes, inputs=inputs, outputs=(Output("dense", Tensor("dense")),))


def with_fault(model: Model, case: Case) -> Model:
    """Return the model with another cell in one layer."""
    layer = model.layers[case.layer]
    assert isinstance(layer, RNN)
    assert isinstance(layer.cell, LSTMCell)
    return replace(model, layers={**model.layers, case.layer: replace(layer, cell=case.make(layer.cell))})


def diagnosed(model: Model, case: Case) -> tuple[Diagnosis, float]:
    """Diagnose what the faulty model predicts; returns the diagnosis, and how many seconds it took."""
    x = np.random.default_rng(2).standard_normal((SAMPLES, STEPS, FEATURES)).astype(np.float32)
    predicted = replay(with_fault(model, case), x, "float32")
    tolerance = Tolerance()
    outputs = judge(model, {"x": x}, predicted, replay(model, x), tolerance, tolerance).outputs
    started = time.perf_counter()
    found = diagnose(model, {"x": x}, predicted, outputs, BATCH)
    return found, time.perf_counter() - started


def row(model: Model, case: Case) -> list[str]:
    """Diagnose one case."""
    found, seconds = diagnosed(model, case)
    said = "; or ".join(f"{e.change.fault} in {' and '.join(e.change.layers)}" for e in found.explanations)
    print(f"{case.name}: {seconds:.1f} s", file=sys.stderr, flush=True)
    status = f"{found.status}, not all was tried" if found.untried else found.status
    return [case.name, case.layer, status, said, f"{found.tried:,}", at_most(seconds, GOAL)]


def measure(pattern: str = "*", units: int = 256) -> Table:
    """Diagnose every case whose name matches."""
    model = model_of(units)
    rows = [row(model, case) for case in CASES if fnmatchcase(case.name, pattern)]
    text = (
        f"{len(LAYERS)} LSTM layers with {units} units and a Dense layer, {SAMPLES} samples of {STEPS} time steps and "
        f"{FEATURES} features; one of the layers has a fault. Seconds of the diagnosis alone; {GOAL:g} or less is the "
        "goal."
    )
    return Table("Time of a diagnosis", text, ["fault", "in", "diagnosis", "named", "changes tried", "seconds"], rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="*", metavar="PATTERN", help="cases whose names match")
    parser.add_argument("--units", type=int, default=256)
    options = parser.parse_args()
    print(measure(options.only, options.units))


if __name__ == "__main__":
    main()
