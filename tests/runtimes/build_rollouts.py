"""Writes models that are fed with their own outputs, and what the frameworks' own loops make of them, in `NAME.npz`.

A program of its own, since a process can hold one generation of Keras behind `tf.keras`:

    TF_USE_LEGACY_KERAS=1 KERAS_BACKEND=tensorflow python -m tests.runtimes.build_rollouts FOLDER

The loops here are written for each model by hand. Each `.npz` has the seed by input name, `in.NAME`, and every step's
outputs by output name, `out.NAME`, (samples, steps, ...).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tf_keras

FOLDER = Path(sys.argv[1])
RANDOM = np.random.default_rng(21)
STEPS = 24
TOKENS = 7


def normal(*shape: int) -> Any:
    return RANDOM.standard_normal(shape).astype(np.float32)


def randomise(model: Any, scale: float = 1.6) -> Any:
    """Give every weight random values, so that what comes out changes from step to step."""
    for weight in model.weights:
        name = weight.name.split("/")[-1].split(":")[0]
        if "seed" not in name:
            spread = scale / np.sqrt(weight.shape[0]) if len(weight.shape) > 1 else 0.1
            weight.assign(normal(*weight.shape) * spread)
    return model


def record(name: str, seed: dict[str, Any], steps: list[dict[str, Any]]) -> None:
    outputs = {f"out.{key}": np.stack([np.asarray(step[key]) for step in steps], axis=1) for key in steps[0]}
    np.savez(FOLDER / f"{name}.npz", **{f"in.{key}": value for key, value in seed.items()}, **outputs)


def repeat(steps: int, step: Callable[[], dict[str, Any]]) -> list[dict[str, Any]]:
    return [step() for _ in range(steps)]


# --- Keras, either generation


def window(framework: Any, path: str) -> None:
    """A window of 9 values; the next one goes behind it."""
    inputs = framework.Input((9, 1), name="x")
    dense = framework.layers.Dense(1, name="y")(framework.layers.LSTM(6, name="lstm")(inputs))
    model = randomise(framework.Model(inputs, dense))
    model.save(FOLDER / path)
    x = seed = normal(3, 9, 1)
    steps = []
    for _ in range(STEPS):
        y = model.predict(x, verbose=0)
        steps.append({"y": y})
        x = np.concatenate([x, y[:, :, None]], axis=1)[:, -9:]
    record(path, {"x": seed}, steps)


def stepwise(framework: Any, path: str, export: str | None = None) -> None:
    """One step of any length, with states in and out."""
    layers = framework.layers
    x, h, c = (framework.Input(shape, name=name) for name, shape in (("x", (None, 2)), ("h", (5,)), ("c", (5,))))
    sequence, *states = layers.LSTM(5, return_state=True, name="lstm")(x, initial_state=[h, c])
    model = randomise(framework.Model([x, h, c], [layers.Dense(2, name="y")(sequence), *states]))
    model.save(FOLDER / path)
    if export:
        model.export(FOLDER / export, verbose=False)
    given = seed = [normal(4, 6, 2), np.zeros((4, 5), "float32"), np.zeros((4, 5), "float32")]
    steps = []
    for _ in range(STEPS):
        y, h, c = (np.asarray(one) for one in model.predict(given, verbose=0))
        steps.append({"y": y, "h": h, "c": c})
        given = [y.reshape(4, 1, 2), h, c]
    record(path, {"x": seed[0]}, steps)


def tokens(framework: Any, path: str) -> None:
    """Words in a window, an embedding, probabilities of the next word; the likeliest one goes behind the window."""
    layers = framework.layers
    stack = [layers.Embedding(TOKENS, 4), layers.GRU(16), layers.Dense(TOKENS, activation="softmax", name="next")]
    model = randomise(framework.Sequential([framework.Input((5,), dtype="int32", name="words"), *stack]), 6)
    model.save(FOLDER / path)
    words = seed = RANDOM.integers(0, TOKENS, (4, 5)).astype("int32")
    steps = []
    for _ in range(STEPS):
        p = model.predict(words, verbose=0)
        steps.append({"next": p, "token": p.argmax(-1)})
        words = np.hstack([words[:, 1:], p.argmax(-1)[:, None]])
    record(path, {"words": seed}, steps)


def one_hot(framework: Any, path: str) -> None:
    """One letter as zeros and a one, a sequence of probabilities, states that stay in the model."""
    layers = framework.layers
    stack = [
        framework.Input((1, TOKENS), batch_size=2, name="letters"),
        layers.LSTM(16, return_sequences=True, stateful=True),
        layers.Dense(TOKENS, activation="softmax", name="next"),
    ]
    model = randomise(framework.Sequential(stack), 5)
    model.save(FOLDER / path)
    if path.endswith(".keras"):
        model.export(FOLDER / "one_hot.export", verbose=False)
    letters = seed = np.eye(TOKENS, dtype="float32")[[[2], [5]]]
    steps = []
    for _ in range(STEPS):
        p = model.predict(letters, batch_size=2, verbose=0)
        steps.append({"next": p, "token": p[:, 0].argmax(-1)})
        letters = np.eye(TOKENS, dtype="float32")[p.argmax(-1)]
    record(path, {"letters": seed}, steps)


def encoder_and_decoder() -> None:
    """An encoder that gives its states, a decoder that begins with them, and the two as one model."""
    layers = keras.layers
    source, target = keras.Input((4, 2), name="source"), keras.Input((None, 3), name="target")
    h, c = keras.Input((5,), name="memory"), keras.Input((5,), name="carry")
    encoder, decoder = (
        layers.LSTM(5, return_state=True, name="encoder"),
        layers.LSTM(5, return_sequences=True, return_state=True, name="decoder"),
    )
    dense = layers.Dense(3, name="dense")
    _, *states = encoder(source)
    whole = randomise(keras.Model([source, target], dense(decoder(target, initial_state=states)[0])))
    sequence, *following = decoder(target, initial_state=[h, c])
    encoding, decoding = keras.Model(source, states), keras.Model([target, h, c], [dense(sequence), *following])
    for name, model in (("whole", whole), ("encoding", encoding), ("decoding", decoding)):
        model.save(FOLDER / f"{name}.keras")
    x, first = normal(3, 4, 2), normal(3, 1, 3)
    given = [first, *encoding.predict(x, verbose=0)]
    steps = []
    for _ in range(STEPS):
        y, *states = decoding.predict(given, verbose=0)
        steps.append({"dense": y[:, 0], "h": states[0], "c": states[1]})
        given = [y, *states]
    teacher = normal(3, 6, 3)
    np.savez(FOLDER / "pair.npz", source=x, target=teacher, dense=whole.predict([x, teacher], verbose=0))
    record("decoding.keras", {"source": x, "target": first}, steps)


# --- TensorFlow 1


def sine(dtype: Any, name: str, carried: bool = True) -> None:
    """A BasicLSTMCell that draws a sine: its output, through a layer with tanh, is its next input."""
    v1 = tf.compat.v1
    with v1.Graph().as_default() as graph, v1.Session() as run:
        x = v1.placeholder(dtype, [None, 1], "x")
        c, h = (v1.placeholder(dtype, [None, 6], one) for one in ("c", "h"))
        cell = v1.nn.rnn_cell.BasicLSTMCell(6, dtype=dtype)
        output, state = cell(x, v1.nn.rnn_cell.LSTMStateTuple(c, h))
        kernel, bias = v1.get_variable("kernel", [6, 1], dtype), v1.get_variable("bias", [1], dtype)
        y = tf.tanh(tf.matmul(output, kernel) + bias, "y")
        next_c, next_h = tf.identity(state.c, "next_c"), tf.identity(state.h, "next_h")
        for variable in v1.trainable_variables():
            variable.load(RANDOM.standard_normal(variable.shape).astype(dtype.as_numpy_dtype), run)
        frozen = v1.graph_util.convert_variables_to_constants(run, graph.as_graph_def(), ["y", "next_c", "next_h"])
        (FOLDER / f"{name}.pb").write_bytes(frozen.SerializeToString())
        seed = RANDOM.standard_normal((3, 1)).astype(dtype.as_numpy_dtype)
        value, memory, carry = seed, np.zeros((3, 6)), np.zeros((3, 6))
        steps = []
        for _ in range(STEPS):
            value, carry, memory = run.run([y, next_c, next_h], {x: value, c: carry, h: memory})
            steps.append({"y": value, "next_c": carry, "next_h": memory})
        record(f"{name}.pb", {"x": seed}, steps)


for framework, kind in ((keras, "keras3.keras"), (tf_keras, "keras2.h5")):
    framework.utils.set_random_seed(1)
    window(framework, f"window.{kind}")
    stepwise(framework, f"stepwise.{kind}", "stepwise.export" if framework is keras else None)
    tokens(framework, f"tokens.{kind}")
    one_hot(framework, f"one_hot.{kind}")
encoder_and_decoder()
tf.compat.v1.disable_control_flow_v2()
sine(tf.float64, "sine64")
sine(tf.float32, "sine32")
