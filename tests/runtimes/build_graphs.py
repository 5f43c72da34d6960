"""Writes TensorFlow graphs of every kind into a folder, with what the frameworks compute for them in `NAME.npz`.

A program of its own, since a process can hold one generation of Keras behind `tf.keras`, and one of control flow:

    TF_USE_LEGACY_KERAS=1 KERAS_BACKEND=tensorflow python -m tests.runtimes.build_graphs FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tf_keras

FOLDER = Path(sys.argv[1])
RANDOM = np.random.default_rng(11)


def normal(*shape: int) -> np.ndarray[Any, Any]:
    return RANDOM.standard_normal(shape).astype(np.float32)


def record(name: str, **arrays: Any) -> None:
    np.savez(FOLDER / f"{name}.npz", **{key: np.asarray(value) for key, value in arrays.items()})


def keras3() -> None:
    """`model.export` of a model with two inputs and two outputs."""
    keras.utils.set_random_seed(1)
    a, b = keras.Input((5, 2), name="a"), keras.Input((4,), name="b")
    sequence, h, c = keras.layers.LSTM(3, return_sequences=True, return_state=True, name="lstm")(a)
    last = keras.layers.Dense(2, name="dense")(keras.layers.Concatenate()([h, c, b]))
    model = keras.Model({"a": a, "b": b}, {"sequence": sequence, "last": last})
    model.export(FOLDER / "keras3", verbose=False)
    x = {"a": normal(6, 5, 2), "b": normal(6, 4)}
    predicted = model.predict(x, verbose=0)
    record("keras3", a=x["a"], b=x["b"], sequence=predicted["sequence"], last=predicted["last"])


def stateful() -> None:
    """`model.save` of Keras 2 with batches of 2 and states that go from one to the next."""
    tf_keras.utils.set_random_seed(2)
    model = tf_keras.Sequential(
        [tf_keras.layers.LSTM(3, stateful=True, batch_input_shape=(2, 4, 2), name="lstm"), tf_keras.layers.Dense(1)]
    )
    model.save(FOLDER / "stateful")
    x = normal(6, 4, 2)
    record("stateful", x=x, y=model.predict(x, batch_size=2, verbose=0), forgetful=model.predict(x[2:4], verbose=0))


class Functions(tf.Module):  # type: ignore[misc]
    """Functions that are no Keras: a number among the inputs, time before samples, values that are no numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = tf.Variable(normal(2, 3))
        self.bias = tf.Variable(np.float32(0.5))

    @tf.function(input_signature=[tf.TensorSpec([None, 4, 2], name="x"), tf.TensorSpec([], name="scale")])
    def scaled(self, x: Any, scale: Any) -> dict[str, Any]:
        y = tf.tanh(x @ self.kernel + self.bias) * scale
        return {"y": y, "time_major": tf.transpose(y, [1, 0, 2]), "mean": tf.reduce_mean(y)}

    @tf.function(input_signature=[tf.TensorSpec([None, 4, 2], name="x")])
    def time_first(self, x: Any) -> dict[str, Any]:
        return {"time_major": tf.transpose(x @ self.kernel, [1, 0, 2])}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], name="x")])
    def root(self, x: Any) -> dict[str, Any]:
        return {"y": tf.sqrt(x), "words": tf.as_string(x), "coarse": tf.cast(x, tf.bfloat16)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name="tokens")])
    def doubled(self, tokens: Any) -> dict[str, Any]:
        return {"y": tokens * 2}


def functions() -> None:
    module = Functions()
    names = ("scaled", "time_first", "root", "doubled")
    signatures = {name: getattr(module, name) for name in names}
    tf.saved_model.save(module, FOLDER / "functions", signatures=signatures)
    tf.saved_model.save(Functions(), FOLDER / "without_signatures", signatures={})
    x = normal(5, 4, 2)
    record("functions", x=x, scale=np.float32(0.75), **module.scaled(x, np.float32(0.75)))


def session() -> None:
    """A `dynamic_rnn` of TensorFlow 1, as a frozen graph, as a MetaGraph and its checkpoint, and as a SavedModel."""
    v1 = tf.compat.v1
    v1.disable_control_flow_v2()
    v1.disable_resource_variables()
    with v1.Graph().as_default() as graph, v1.Session() as run:
        x, keep = v1.placeholder(tf.float32, [None, 3, 2], "x"), v1.placeholder(tf.float32, [], "keep_prob")
        cell = v1.nn.rnn_cell.DropoutWrapper(v1.nn.rnn_cell.BasicLSTMCell(4), output_keep_prob=keep)
        sequence, (c, h) = v1.nn.dynamic_rnn(cell, x, dtype=tf.float32)
        sequence, c, h = tf.identity(sequence, "sequence"), tf.identity(c, "c"), tf.identity(h, "h")
        calls = v1.get_variable("calls", [], initializer=v1.zeros_initializer(), trainable=False)
        tf.identity(tf.zeros_like(x[:, 0, 0]) + v1.assign_add(calls, 1.0), "counted")
        run.run(v1.global_variables_initializer())
        for variable in v1.trainable_variables():
            variable.load(normal(*variable.shape), run)  # and not what the graph itself would begin with
        v1.train.Saver().save(run, str(FOLDER / "model.ckpt"))
        v1.saved_model.simple_save(
            run, str(FOLDER / "simple_save"), {"x": x, "keep": keep}, {"sequence": sequence, "cell": c}
        )
        frozen = v1.graph_util.convert_variables_to_constants(run, graph.as_graph_def(), ["sequence", "c", "h"])
        (FOLDER / "frozen.pb").write_bytes(frozen.SerializeToString())
        (FOLDER / "frozen.pbtxt").write_text(str(frozen))
        given = normal(7, 3, 2)
        predicted = run.run({"sequence": sequence, "c": c, "h": h}, {x: given, keep: 1.0})
        record("session", x=given, **predicted)


for build in (keras3, stateful, functions, session):
    build()
