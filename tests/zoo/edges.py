"""Every discrete decision of layers and operations, fed the number at which it turns and its nearest neighbours.

``python -m tests.zoo.edges --framework keras|tf_keras --out DIR``

Every decision becomes ``NAME.keras``, its inputs ``NAME.x.npz`` and predictions ``NAME.y.npz``. Each sample has a number
at the edge, one unit in the last place above or below it, or far away. ``NAME.flipped.npz`` has the predictions of a
neighbour where that decides otherwise: what a runtime predicts that decides in another precision. ``edges.json`` lists
the names, and how many samples could be flipped. Nothing here imports ``lstm_verify``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fixtures.make import GENERATIONS, import_framework

Array = NDArray[Any]
Connect = Callable[[Any, Any], Any]
"""From a framework and a tensor to what is decided by it."""
EDGES = (0.3, 0.001, -0.7, 0.0)
"""Numbers that no binary format has, and one that all have."""
POLICIES = ("float32", "mixed_float16", "bfloat16")
FEATURES, STEPS = 4, 3


class Decision(NamedTuple):
    """Something that turns at a number."""

    name: str
    connect: Connect
    edge: float
    narrow: str = "float32"
    """The format that it is decided in."""
    steps: bool = False
    """Whether it takes sequences, whose middle step is at the edge."""


# -------------------------------------------------------------------------------------------------- decisions


def of_layers(keras: Any) -> Iterator[Decision]:
    """Layers that decide something by a number of their config, in every policy."""
    layers = keras.layers
    for policy in POLICIES:
        dtype, narrow = {"dtype": policy}, policy.removeprefix("mixed_")
        for edge in EDGES:
            yield Decision(f"masking_{policy}_{edge}", masked(edge, dtype), edge, narrow, steps=True)
            if edge >= 0:
                yield Decision(f"relu_{policy}_{edge}", one(layers.ReLU, threshold=edge, **dtype), edge, narrow)
        leaky = {"negative_slope": 0.1, "threshold": 0.3}
        yield Decision(f"leaky_{policy}", one(layers.ReLU, **leaky, **dtype), 0.3, narrow)
        yield Decision(f"capped_{policy}", one(layers.ReLU, max_value=0.3, **dtype), 0.3, narrow)
        for name, edge in (("hard_sigmoid", 2.5), ("hard_sigmoid", 3.0), ("relu", 0.0), ("relu6", 6.0)):
            yield Decision(f"{name}_{policy}_{edge}", one(layers.Activation, activation=name, **dtype), edge, narrow)
        for name, edge in of_keras_3(keras):
            yield Decision(f"{name}_{policy}_{edge}", one(layers.Activation, activation=name, **dtype), edge, narrow)
        if hasattr(layers, "ThresholdedReLU"):
            yield Decision(f"thresholded_{policy}", one(layers.ThresholdedReLU, theta=0.3, **dtype), 0.3, narrow)
    yield Decision("relu_after_a_product", after_a_product(0.3), 0.3)
    yield Decision("masking_of_an_lstm", masked(0.001, {}, cell="LSTM"), 0.001, steps=True)


def of_keras_3(keras: Any) -> Iterator[tuple[str, float]]:
    """Activations that Keras 3 has alone."""
    if keras.__name__ == "keras":
        yield from (("hard_tanh", 1.0), ("hard_shrink", 0.5), ("hard_shrink", -0.5), ("soft_shrink", 0.5))
        yield from (("sparse_plus", 1.0), ("sparse_sigmoid", -1.0), ("hard_silu", 3.0))


def of_operations(keras: Any) -> Iterator[Decision]:
    """Operations of Keras 3 with Python numbers, on tensors of every float."""
    ops = keras.ops
    for narrow in ("float32", "float16", "bfloat16"):
        for edge in EDGES[:2]:
            for name in ("equal", "not_equal", "greater", "greater_equal", "less", "less_equal"):
                yield Decision(f"{name}_{narrow}_{edge}", compared(getattr(ops, name), edge, narrow), edge, narrow)
        unary = (("floor", 1.0), ("ceil", 2.0), ("round", 0.5), ("round", 1.5), ("sign", 0.0), ("trunc", -1.0))
        for name, edge in unary:
            yield Decision(f"{name}_{narrow}_{edge}", mapped(getattr(ops, name), narrow), edge, narrow)
        yield Decision(f"where_{narrow}", mapped(lambda x: ops.where(x > 0.3, x, -1.0), narrow), 0.3, narrow)
        yield Decision(f"clip_{narrow}", mapped(lambda x: ops.clip(x, -1.0, 0.3), narrow), 0.3, narrow)
        for name in ("argmax", "argmin"):
            yield Decision(f"{name}_{narrow}", mapped(beside(getattr(ops, name)), narrow), 0.3, narrow)
        yield Decision(f"integer_{narrow}", mapped(lambda x: ops.cast(x, "int32"), narrow), 2.0, narrow)
        yield Decision(f"truth_{narrow}", mapped(lambda x: ops.cast(x, "bool"), narrow), 0.0, narrow)
    yield Decision("and", mapped(lambda x: ops.logical_and(x > 0.3, x < 0.5), "float32"), 0.3)
    yield Decision("any", mapped(lambda x: ops.any(x > 0.3, axis=-1, keepdims=True), "float32"), 0.3)


def of_keras_2(keras: Any) -> Iterator[Decision]:
    """Operations of TensorFlow in a functional model of Keras 2."""
    import tensorflow as tf

    for edge in EDGES:
        for name in ("equal", "not_equal", "greater", "less"):
            function = getattr(tf.math, name)
            yield Decision(f"tf_{name}_{edge}", compared(function, edge, "float32", tf.cast), edge)


def one(make: Any, **options: Any) -> Connect:
    return lambda keras, x: make(**options)(x)


def masked(edge: float, dtype: dict[str, str], cell: str = "SimpleRNN") -> Connect:
    def connect(keras: Any, x: Any) -> Any:
        layers, drawn = keras.layers, {"recurrent_initializer": "glorot_uniform"}
        return getattr(layers, cell)(3, return_sequences=True, **drawn, **dtype)(layers.Masking(edge, **dtype)(x))

    return connect


def after_a_product(edge: float) -> Connect:
    """The number at the edge comes with an error of its own."""

    def connect(keras: Any, x: Any) -> Any:
        layers = keras.layers
        same = layers.Dense(FEATURES, kernel_initializer="identity", use_bias=False)
        return layers.ReLU(threshold=edge)(same(x))

    return connect


def mapped(function: Callable[[Any], Any], narrow: str) -> Connect:
    def connect(keras: Any, x: Any) -> Any:
        given = x if narrow == "float32" else keras.ops.cast(x, narrow)
        return keras.ops.cast(function(given), "float32")

    return connect


def compared(function: Any, edge: float, narrow: str, cast: Any = None) -> Connect:
    def connect(keras: Any, x: Any) -> Any:
        cast_to = cast or keras.ops.cast
        given = x if narrow == "float32" else cast_to(x, narrow)
        return cast_to(function(given, edge), "float32")

    return connect


def beside(pick: Any) -> Callable[[Any], Any]:
    return lambda x: pick(x, axis=-1)


def decisions(keras: Any) -> Iterator[Decision]:
    """All that a framework has."""
    yield from of_layers(keras)
    yield from of_operations(keras) if keras.__name__ == "keras" else of_keras_2(keras)


# --------------------------------------------------------------------------------------------------- building


def numbers(edge: float, narrow: str) -> Array:
    """The edge as float32 has it, the nearest numbers, those of a narrower format, and two far away."""
    at = np.float32(edge)
    found = [at, np.nextafter(at, np.float32(np.inf)), np.nextafter(at, np.float32(-np.inf))]
    unit = {"float16": 2.0**-11, "bfloat16": 2.0**-8}.get(narrow, 0.0) * max(abs(edge), 1e-3)
    found += [np.float32(edge + unit * steps) for steps in (-2, -1.01, -0.99, -0.5, 0.5, 0.99, 1.01, 2) if unit]
    return np.array([*found, at + 0.25, at - 0.25], np.float32)


def inputs(decision: Decision) -> Array:
    """(samples, 4): a number beside constant others; or (samples, 3, 4): a step of the number among others."""
    at = numbers(decision.edge, decision.narrow)
    rng = np.random.default_rng(7)
    if decision.steps:
        x = np.broadcast_to(rng.standard_normal((STEPS, FEATURES)), (len(at), STEPS, FEATURES)).astype(np.float32)
        x[:, 1] = at[:, None]
        return x
    x = np.broadcast_to(rng.standard_normal(FEATURES) / 8 + decision.edge, (len(at), FEATURES)).astype(np.float32)
    x[:, 0], x[:, 1] = at, np.float32(decision.edge)
    return x


def flipped(y: Array) -> tuple[Array, int]:
    """Predictions in which some samples have those of the next one that is decided otherwise, and how many there are."""
    near = len(y) - 2
    found, count = y.copy(), 0
    for sample in range(near):
        others = [other for other in range(near) if is_otherwise(y[other], y[sample])]
        if others:
            found[sample], count = y[others[0]], count + 1
    return found, count


def is_otherwise(one: Array, other: Array) -> bool:
    """Whether two results differ by more than their inputs do."""
    return bool(np.max(np.abs(one.astype(np.float64) - other)) > 0.05 * max(np.max(np.abs(other)), 1e-3))


def build(keras: Any, decision: Decision, folder: Path) -> int:
    """Write the files of a decision; returns the number of samples that can be flipped."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    x = inputs(decision)
    tensor = keras.Input(x.shape[1:], name="x")
    model = keras.Model(tensor, decision.connect(keras, tensor))
    model.save(folder / f"{decision.name}.keras")
    y = np.asarray(model(x))
    y = y if y.dtype.kind in "fiu" else y.astype(np.float32)
    wrong, count = flipped(y)
    for kind, array in (("x", x), ("y", y), ("flipped", wrong)):
        np.savez(folder / f"{decision.name}.{kind}.npz", array)
    return count


def main() -> None:
    """Build the decisions of one framework."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--framework", choices=GENERATIONS, required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    arguments = parser.parse_args()
    keras = import_framework(arguments.framework)
    arguments.out.mkdir(parents=True, exist_ok=True)
    counts = {decision.name: build(keras, decision, arguments.out) for decision in decisions(keras)}
    (arguments.out / "edges.json").write_text(json.dumps(counts, indent=1) + "\n")


if __name__ == "__main__":
    main()
