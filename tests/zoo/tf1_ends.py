"""Graphs of TensorFlow 1 that are fed and fetched inside: ``python -m tests.zoo.tf1_ends --out DIR``.

A model that was trained from a queue, an iterator or files has these in front, and no placeholder that would do. Every
graph is saved as ``NAME.pb`` and ``NAME.ckpt``, with what ``Session.run`` returned: each of its runs is a line in
``ends.json``, with the arrays in ``NAME.NUMBER.x.npz`` and ``NAME.NUMBER.y.npz``, as ``#0``, ``#1``, … in its order.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fixtures.graphs import import_tensorflow
from tests.zoo.entry import Array, normal
from tests.zoo.tf1_cells import UNITS, core, variable
from tests.zoo.tf1_drivers import LENGTHS
from tests.zoo.tf1_saving import randomise, save

X, TURNED, WIDE = normal(5, 7, 3), normal(7, 5, 3), normal(5, 7, 6)


@dataclass(frozen=True)
class Run:
    """What is fed to a graph, by tensor, and what is fetched."""

    feeds: dict[str, Array]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """A graph, and how it is run."""

    build: Callable[[Any], list[Any]]
    """Takes TensorFlow, and returns the tensors that a frozen graph keeps."""
    runs: tuple[Run, ...]


def recurrent(tf: Any, signal: Any, lengths: Any = None, **arguments: Any) -> list[Any]:
    """Return the last step and all steps of a ``dynamic_rnn``, behind a dense layer."""
    v1 = tf.compat.v1
    cell = core("BasicLSTMCell")(tf)
    if "batch" in arguments:
        arguments = {"initial_state": cell.zero_state(arguments["batch"], tf.float32)}
    sequence, (_, h) = v1.nn.dynamic_rnn(cell, signal, lengths, dtype=tf.float32, **arguments)
    logits = tf.matmul(h, variable(tf, "dense/kernel", UNITS, 2)) + variable(tf, "dense/bias", 2)
    return [tf.identity(logits, "logits"), tf.identity(sequence, "sequence")]


def iterator(tf: Any) -> list[Any]:
    data = tf.data.Dataset.from_tensor_slices((X, LENGTHS)).batch(2)
    return recurrent(tf, *tf.compat.v1.data.make_initializable_iterator(data).get_next())


def queue(tf: Any) -> list[Any]:
    return recurrent(tf, tf.queue.FIFOQueue(10, [tf.float32], [[7, 3]]).dequeue_many(5, name="batch"))


def files(tf: Any) -> list[Any]:
    """Read, decode, and put into a shape; nothing of it can be replayed."""
    name = tf.compat.v1.placeholder(tf.string, [], "file")
    values = tf.io.decode_raw(tf.io.read_file(name), tf.float32)
    return recurrent(tf, tf.reshape(values, [-1, 7, 3], "signal"))


def prepared(tf: Any) -> list[Any]:
    x = tf.compat.v1.placeholder(tf.float32, [None, 7, 3], "x")
    with tf.name_scope("prep"):
        signal = tf.divide(tf.subtract(x, 0.5, "sub"), 2.0, "div")
    return recurrent(tf, signal)


def fixed_batch(tf: Any) -> list[Any]:
    """Five samples, which only the state of zeros says."""
    x = tf.compat.v1.placeholder(tf.float32, [None, 7, 3], "x")
    return recurrent(tf, tf.multiply(x, 2.0, "doubled"), batch=5)


def split(tf: Any) -> list[Any]:
    """Two outputs of one operation, of which one may be fed while the other is computed."""
    x = tf.compat.v1.placeholder(tf.float32, [None, 7, 6], "x")
    first, second = tf.split(x, 2, 2, name="halves")
    logits, _ = recurrent(tf, first)
    return [tf.add(logits, tf.reduce_mean(second, [1, 2])[:, None], "output")]


def heads(tf: Any) -> list[Any]:
    """Two heads, each with an input of its own, and a loss."""
    v1 = tf.compat.v1
    x, extra = v1.placeholder(tf.float32, [None, 7, 3], "x"), v1.placeholder(tf.float32, [None, 2], "extra")
    logits, sequence = recurrent(tf, x)
    target = v1.placeholder(tf.float32, [None, 2], "target")
    loss = tf.reduce_mean(tf.square(logits - target), name="loss")
    return [tf.add(logits, extra, "shifted"), tf.tanh(sequence, "squashed"), loss]


def unheard(tf: Any) -> list[Any]:
    """Whole numbers that go through an operation nobody replays, to an embedding."""
    words = tf.compat.v1.placeholder(tf.int64, [None, 7], "words")
    numbers = tf.bitwise.left_shift(words, tf.constant(0, tf.int64), "numbers")
    return recurrent(tf, tf.nn.embedding_lookup(variable(tf, "embeddings", 11, 3), numbers))


def generator(tf: Any) -> list[Any]:
    """One step at a time: what comes out may be the next that goes in, behind the preparation."""
    x = tf.compat.v1.placeholder(tf.float32, [None, 1, 3], "x")
    logits, _ = recurrent(tf, tf.multiply(x, 2.0, "doubled"))
    return [tf.matmul(logits, variable(tf, "out/kernel", 2, 3), name="following")]


WORDS = np.random.default_rng(5).integers(0, 11, (5, 7))
BOTH = ("logits", "sequence")
FED = {"IteratorGetNext:0": X, "IteratorGetNext:1": LENGTHS}

ENTRIES: dict[str, Entry] = {
    "iterator": Entry(iterator, (Run(FED, BOTH), Run(FED, ("sequence:0",)))),
    "queue": Entry(queue, (Run({"batch:0": X}, BOTH),)),
    "files": Entry(files, (Run({"signal": X}, BOTH),)),
    "prepared": Entry(
        prepared, (Run({"prep/div:0": X}, BOTH), Run({"prep/sub": X}, ("prep/div", "logits")), Run({"x": X}, BOTH))
    ),
    "fixed_batch": Entry(fixed_batch, (Run({"doubled": X}, BOTH),)),
    "split": Entry(
        split,
        (
            Run({"halves:0": X, "x": WIDE}, ("output",)),
            Run({"halves:1": X, "x": WIDE}, ("output", "halves:0")),
            Run({"halves": X, "halves:1": 2 * X}, ("output",)),
        ),
    ),
    "heads": Entry(
        heads,
        (
            Run({"x": X}, ("squashed",)),
            Run({"x": X, "extra": X[:, 0, :2]}, ("shifted", "logits:0")),
            Run({"x": X}, ("rnn/transpose_1", "dense/kernel/read")),
            Run({"rnn/transpose": TURNED, "extra": X[:, 0, :2]}, ("shifted",)),
            Run({"logits": X[:, 0, :2], "target": X[:, 1, :2]}, ("loss",)),
        ),
    ),
    "generator": Entry(generator, (Run({"doubled": X[:, :1]}, ("following",)),)),
    "unheard": Entry(unheard, (Run({"numbers": WORDS}, BOTH),)),
}


def build(tf: Any, name: str, entry: Entry, folder: Path) -> list[dict[str, list[str]]]:
    """Write a graph and its runs, and return their record."""
    v1 = tf.compat.v1
    v1.disable_control_flow_v2()
    v1.disable_resource_variables()
    with tf.Graph().as_default(), v1.Session() as session:
        outputs = {tensor.op.name: tensor for tensor in entry.build(tf)}
        randomise(tf, session, zlib.crc32(name.encode()), 1.5)
        for form in ("pb", "ckpt"):
            save(tf, session, form, folder, name, {}, outputs)
        for number, run in enumerate(entry.runs):
            fed = {_full(key): values for key, values in run.feeds.items()}
            fetched = session.run([_full(key) for key in run.outputs], fed)
            np.savez(folder / f"{name}.{number}.x.npz", **_numbered(fed.values()))
            np.savez(folder / f"{name}.{number}.y.npz", **_numbered(fetched))
    return [{"inputs": list(run.feeds), "outputs": list(run.outputs)} for run in entry.runs]


def _full(name: str) -> str:
    return name if ":" in name else f"{name}:0"


def _numbered(arrays: Any) -> dict[str, Any]:
    return {f"#{number}": np.asarray(values) for number, values in enumerate(arrays)}


def main() -> None:
    """Build the graphs."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    tf = import_tensorflow()
    records = {name: build(tf, name, entry, folder) for name, entry in ENTRIES.items()}
    (folder / "ends.json").write_text(json.dumps(records, indent=1) + "\n")


if __name__ == "__main__":
    main()
