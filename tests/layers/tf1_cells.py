"""LSTM cells of TensorFlow 1, run by TensorFlow: `python -m tests.layers.tf1_cells DIR` in a process of its own.

Every entry of `CASES` gives the arguments of one cell. The file `cells.npz` has, for each case, the input `x`, the
variables by their own names, the outputs of every step and the last states: `CASE/x`, `CASE/kernel`, …, `CASE/outputs`,
`CASE/c`.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np

SAMPLES, TIMESTEPS, FEATURES, UNITS = 5, 6, 3, 4
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "forget_bias": {"forget_bias": -0.75},
    "relu": {"activation": "relu"},
    "peepholes": {"use_peepholes": True},
    "cell_clip": {"cell_clip": 0.2},
    "projection": {"num_proj": 2},
    "projection_clip": {"num_proj": 2, "proj_clip": 0.1},
    "everything": {"use_peepholes": True, "cell_clip": 0.3, "num_proj": 2, "proj_clip": 0.25, "forget_bias": 0.5},
}
BLOCK = {"forget_bias": 0.5, "cell_clip": 0.3, "use_peephole": True}
"""The attributes of the operation LSTMBlockCell, as the case `block`, in float32."""


def values(random: np.random.Generator, *shape: int, dtype: str = "float64") -> np.ndarray:
    return (random.standard_normal(shape) * 0.8).astype(dtype)


def run_cell(tf: Any, seed: int, options: dict[str, Any]) -> dict[str, np.ndarray]:
    """A cell in `dynamic_rnn`, in float64, with random variables."""
    v1, random = tf.compat.v1, np.random.default_rng(seed)
    x = values(random, SAMPLES, TIMESTEPS, FEATURES)
    with tf.Graph().as_default(), v1.Session() as session:
        cell = v1.nn.rnn_cell.LSTMCell(UNITS, dtype=tf.float64, **options)
        outputs, (c, h) = v1.nn.dynamic_rnn(cell, x, dtype=tf.float64)
        session.run(v1.global_variables_initializer())
        weights = {}
        for variable in v1.global_variables():
            name = variable.op.name.removeprefix("rnn/lstm_cell/")
            weights[name] = values(random, *variable.shape)
            variable.load(weights[name], session)
        outputs, c, h = session.run([outputs, c, h])
    return {"x": x, **weights, "outputs": outputs, "c": c, "h": h}


def run_block(tf: Any) -> dict[str, np.ndarray]:
    """The operation LSTMBlockCell, one step after the other, in float32."""
    random = np.random.default_rng(99)
    shapes = {"w": (FEATURES + UNITS, 4 * UNITS), "b": (4 * UNITS,), **{f"wc{gate}": (UNITS,) for gate in "ifo"}}
    weights = {name: values(random, *shape, dtype="float32") for name, shape in shapes.items()}
    x = values(random, SAMPLES, TIMESTEPS, FEATURES, dtype="float32")
    c = h = np.zeros((SAMPLES, UNITS), "float32")
    outputs = []
    for t in range(TIMESTEPS):
        found = tf.raw_ops.LSTMBlockCell(x=x[:, t], cs_prev=c, h_prev=h, **weights, **BLOCK)
        c, h = found.cs.numpy(), found.h.numpy()
        outputs.append(h)
    return {"x": x, **weights, "outputs": np.stack(outputs, 1), "c": c, "h": h}


def main(folder: str) -> None:
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tensorflow as tf

    found = {name: run_cell(tf, seed, options) for seed, (name, options) in enumerate(CASES.items())}
    found["block"] = run_block(tf)
    np.savez(
        f"{folder}/cells.npz", **{f"{name}/{key}": value for name, case in found.items() for key, value in case.items()}
    )


if __name__ == "__main__":
    main(sys.argv[1])
