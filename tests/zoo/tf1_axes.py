"""Graphs whose samples are anywhere: ``python -m tests.zoo.tf1_axes --out DIR``.

Time comes first, or the layers whose states are fed; a keep probability has no samples at all. Every graph is saved as
a frozen ``NAME.pb`` and as a SavedModel ``NAME/``, with what was fed in ``NAME.x.npz`` and what ``Session.run``
returned in ``NAME.y.npz``.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fixtures.graphs import import_tensorflow
from tests.zoo.entry import Array, normal
from tests.zoo.tf1_saving import randomise, save

LENGTHS = np.array([7, 2, 5, 7, 4], np.int32)
TOKENS = np.random.default_rng(1).integers(0, 11, (4, 6)).astype(np.int32)

Tensors = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """A graph, and where its samples are."""

    build: Callable[[Any], tuple[Tensors, Tensors]]
    """Takes TensorFlow; returns the inputs and the outputs."""
    fed: dict[str, Array]
    axes: dict[str, int | None]
    """The axis of the samples of every input and output; None where there are none."""
    cells: tuple[str, ...]
    """What is recognised."""
    divisible: bool = True
    """Whether any number of samples will do, each on its own."""


def time_major(tf: Any) -> tuple[Tensors, Tensors]:
    v1, cells = tf.compat.v1, tf.compat.v1.nn.rnn_cell
    x, lengths = placeholder(tf, "x", None, None, 3), placeholder(tf, "lengths", None, dtype=tf.int32)
    keep = placeholder(tf, "keep")
    cell = cells.DropoutWrapper(cells.LSTMCell(4), output_keep_prob=keep, state_keep_prob=keep)
    sequence, (_, h) = v1.nn.dynamic_rnn(cell, x, lengths, dtype=tf.float32, time_major=True)
    return {"x": x, "lengths": lengths, "keep": keep}, {"sequence": sequence, "h": h}


def sequence_alone(tf: Any) -> tuple[Tensors, Tensors]:
    """Nothing but what comes out says that time comes first."""
    x = placeholder(tf, "x", None, None, 3)
    sequence, _ = tf.compat.v1.nn.dynamic_rnn(tf.compat.v1.nn.rnn_cell.GRUCell(4), x, dtype=tf.float32, time_major=True)
    return {"x": x}, {"sequence": sequence}


def centred(tf: Any) -> tuple[Tensors, Tensors]:
    """Every sample depends on all of them, so that none is known apart."""
    x = placeholder(tf, "x", None, 6, 3)
    around = x - tf.reduce_mean(x, 0, keepdims=True)
    sequence, _ = tf.compat.v1.nn.dynamic_rnn(tf.compat.v1.nn.rnn_cell.GRUCell(4), around, dtype=tf.float32)
    return {"x": x}, {"sequence": sequence}


def one_state_for_all(tf: Any) -> tuple[Tensors, Tensors]:
    """Stacked GRU cells whose states are side by side in one input with an axis in front."""
    v1, cells = tf.compat.v1, tf.compat.v1.nn.rnn_cell
    x, lengths = placeholder(tf, "x", None, None, 3), placeholder(tf, "lengths", None, dtype=tf.int32)
    state, keep = placeholder(tf, "state", 1, None, 10), placeholder(tf, "keep")
    wrapped = [cells.DropoutWrapper(cells.GRUCell(units), output_keep_prob=keep) for units in (6, 4)]
    cell = cells.MultiRNNCell(wrapped, state_is_tuple=False)
    sequence, last = v1.nn.dynamic_rnn(cell, x, lengths, initial_state=state[0], time_major=True)
    inputs = {"x": x, "lengths": lengths, "state": state, "keep": keep}
    return inputs, {"sequence": sequence, "last": last[None]}


def generator(tf: Any) -> tuple[Tensors, Tensors]:
    """What comes out may be the next that goes in, and so may the state."""
    x, state = placeholder(tf, "x", None, None, 3), placeholder(tf, "state", 1, None, 4)
    sequence, last = tf.compat.v1.nn.dynamic_rnn(
        tf.compat.v1.nn.rnn_cell.GRUCell(4), x, initial_state=state[0], time_major=True
    )
    following = tf.tensordot(sequence, tf.compat.v1.get_variable("kernel", [4, 3]), 1)
    return {"x": x, "state": state}, {"following": following, "last": last[None]}


def states_by_layer(tf: Any) -> tuple[Tensors, Tensors]:
    """Samples first in the sequence, third in the states: (layers, c and h, samples, units)."""
    v1, cells = tf.compat.v1, tf.compat.v1.nn.rnn_cell
    x, states = placeholder(tf, "x", None, None, 3), placeholder(tf, "states", 2, 2, None, 4)
    begin = tuple(cells.LSTMStateTuple(states[layer, 0], states[layer, 1]) for layer in range(2))
    cell = cells.MultiRNNCell([cells.BasicLSTMCell(4), cells.BasicLSTMCell(4)])
    sequence, last = v1.nn.dynamic_rnn(cell, x, initial_state=begin)
    return {"x": x, "states": states}, {"sequence": sequence, "last": tf.stack([tf.stack(one) for one in last])}


def fixed_batch(tf: Any) -> tuple[Tensors, Tensors]:
    v1, cell = tf.compat.v1, tf.compat.v1.nn.rnn_cell.GRUCell(4)
    x = placeholder(tf, "x", 7, 4, 3)
    begin = cell.zero_state(4, tf.float32)
    sequence, h = v1.nn.dynamic_rnn(cell, x, initial_state=begin, time_major=True)
    return {"x": x}, {"sequence": sequence, "h": h}


def tokens_and_states(tf: Any) -> tuple[Tensors, Tensors]:
    """A language model, written out step by step for a fixed number of samples, with its states fed."""
    v1, cells = tf.compat.v1, tf.compat.v1.nn.rnn_cell
    x, states = placeholder(tf, "x", 4, 6, dtype=tf.int32), placeholder(tf, "states", 2, 2, 4, 5)
    begin = tuple(cells.LSTMStateTuple(states[layer, 0], states[layer, 1]) for layer in range(2))
    steps = tf.unstack(tf.nn.embedding_lookup(v1.get_variable("embeddings", [11, 5]), x), axis=1)
    cell = cells.MultiRNNCell([cells.BasicLSTMCell(5), cells.BasicLSTMCell(5)])
    outputs, last = v1.nn.static_rnn(cell, steps, initial_state=begin)
    logits = tf.tensordot(tf.stack(outputs, 1), v1.get_variable("kernel", [5, 11]), 1)
    return {"x": x, "states": states}, {"p": tf.nn.softmax(logits), "last": tf.stack([tf.stack(one) for one in last])}


def mixed(tf: Any) -> tuple[Tensors, Tensors]:
    """One sequence with samples first, one with time first, and weights that all samples share."""
    v1, cells = tf.compat.v1, tf.compat.v1.nn.rnn_cell
    a, b, weights = placeholder(tf, "a", None, 6, 2), placeholder(tf, "b", 5, None, 3), placeholder(tf, "weights", 3)
    with v1.variable_scope("a_cell"):
        _, (_, h) = v1.nn.dynamic_rnn(cells.BasicLSTMCell(4), a, dtype=tf.float32)
    with v1.variable_scope("b_cell"):
        steps, last = v1.nn.dynamic_rnn(cells.GRUCell(4), b * weights, dtype=tf.float32, time_major=True)
    return {"a": a, "b": b, "weights": weights}, {"sum": h + last, "steps": steps}


def both_directions(tf: Any) -> tuple[Tensors, Tensors]:
    """With one output that is made of all samples together."""
    v1, cells = tf.compat.v1, tf.compat.v1.nn.rnn_cell
    x, lengths = placeholder(tf, "x", None, None, 3), placeholder(tf, "lengths", None, dtype=tf.int32)
    both, _ = v1.nn.bidirectional_dynamic_rnn(
        cells.GRUCell(4), cells.GRUCell(3), x, lengths, dtype=tf.float32, time_major=True
    )
    return {"x": x, "lengths": lengths}, {"sequence": tf.concat(both, 2), "average": tf.reduce_mean(both[0])}


def placeholder(tf: Any, name: str, *shape: int | None, dtype: Any = None) -> Any:
    return tf.compat.v1.placeholder(dtype or tf.float32, shape, name)


X = normal(7, 5, 3)
ONE = np.float32(1)
ENTRIES: dict[str, Entry] = {
    "time_major": Entry(
        time_major,
        {"x": X, "lengths": LENGTHS, "keep": ONE},
        {"x": 1, "lengths": 0, "keep": None, "sequence": 1, "h": 0},
        ("LSTM",),
    ),
    "sequence_alone": Entry(sequence_alone, {"x": X}, {"x": 1, "sequence": 1}, ("GRU",)),
    "centred": Entry(centred, {"x": normal(5, 6, 3)}, {"x": 0, "sequence": 0}, ("GRU",), False),
    "one_state_for_all": Entry(
        one_state_for_all,
        {"x": X, "lengths": LENGTHS, "state": normal(1, 5, 10), "keep": ONE},
        {"x": 1, "lengths": 0, "state": 1, "keep": None, "sequence": 1, "last": 1},
        ("GRU", "GRU"),
    ),
    "generator": Entry(
        generator,
        {"x": normal(1, 5, 3), "state": normal(1, 5, 4)},
        {"x": 1, "state": 1, "following": 1, "last": 1},
        ("GRU",),
    ),
    "states_by_layer": Entry(
        states_by_layer,
        {"x": normal(5, 6, 3), "states": normal(2, 2, 5, 4)},
        {"x": 0, "states": 2, "sequence": 0, "last": 2},
        ("LSTM", "LSTM"),
    ),
    "fixed_batch": Entry(fixed_batch, {"x": normal(7, 4, 3)}, {"x": 1, "sequence": 1, "h": 0}, ("GRU",), False),
    "tokens_and_states": Entry(
        tokens_and_states,
        {"x": TOKENS, "states": normal(2, 2, 4, 5)},
        {"x": 0, "states": 2, "p": 0, "last": 2},
        ("LSTM", "LSTM"),
        False,
    ),
    "mixed": Entry(
        mixed,
        {"a": normal(5, 6, 2), "b": normal(5, 5, 3), "weights": normal(3)},
        {"a": 0, "b": 1, "weights": None, "sum": 0, "steps": 1},
        ("GRU", "LSTM"),
    ),
    "both_directions": Entry(
        both_directions,
        {"x": X, "lengths": LENGTHS},
        {"x": 1, "lengths": 0, "sequence": 1, "average": None},
        ("GRU", "GRU"),
        False,
    ),
}


def build(tf: Any, name: str, entry: Entry, folder: Path) -> None:
    """Write a graph in both forms, and its run."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        inputs, outputs = entry.build(tf)
        outputs = {key: tf.identity(tensor, key) for key, tensor in outputs.items()}
        randomise(tf, session, zlib.crc32(name.encode()), 1.5)
        for form in ("pb", "saved_model"):
            save(tf, session, form, folder, name, inputs, outputs)
        fetched = session.run(outputs, {inputs[key]: values for key, values in entry.fed.items()})
    np.savez(folder / f"{name}.x.npz", **entry.fed)
    np.savez(folder / f"{name}.y.npz", **fetched)


def main() -> None:
    """Build the graphs."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    tf = import_tensorflow()
    for name, entry in ENTRIES.items():
        build(tf, name, entry, folder)


if __name__ == "__main__":
    main()
