"""Build the zoo of faults of TensorFlow 1: ``python -m tests.zoo.faults.tf1 --out DIR [--only PATTERN …]``.

Every case is a graph, frozen as ``NAME.pb``, and another graph with the same weights that has the fault: peepholes
dropped, the forget bias not added, a clip forgotten. The other files and ``cases.json`` are as those of ``build.py``.
"""

from __future__ import annotations

import argparse
import json
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from fixtures.graphs import import_tensorflow
from fixtures.make import NamedArrays, versions, write_arrays
from tests.zoo import tf1_drivers as drivers
from tests.zoo.faults.case import Fault, Value
from tests.zoo.faults.plan import Array
from tests.zoo.faults.record import Record, complaint, distance, record_of
from tests.zoo.faults.weights import read_in_order
from tests.zoo.tf1_cells import Make, core, lstm_block, stacked
from tests.zoo.tf1_drivers import Drive, Outputs
from tests.zoo.tf1_saving import randomise, save

SAMPLES, STEPS, FEATURES = 20, 7, 3
Variables = dict[str, Array]


class Site(drivers.Site):
    """Where a graph is built, with more samples than the zoo of graphs has."""

    def input(self, name: str, array: Array, shape: list[int | None] | None = None) -> Any:
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        if array.dtype.kind == "i":
            drawn = rng.integers(1, STEPS, (SAMPLES, *array.shape[1:])).astype(array.dtype)
        else:
            drawn = rng.standard_normal((SAMPLES, *array.shape[1:])).astype(array.dtype)
        return super().input(name, drawn, shape)


@dataclass(frozen=True)
class GraphCase:
    """One honest graph, and what a faulty runtime makes of it."""

    name: str
    honest: Drive
    faulty: Drive
    faults: tuple[Fault, ...]
    variables: Callable[[Variables], Variables] = lambda variables: variables
    """What the faulty runtime does to the variables, by name."""
    feeds: Callable[[NamedArrays], NamedArrays] = lambda feeds: feeds
    """What it does to the inputs."""
    control_flow: int = 1
    note: str = ""


def said(name: str, parameter: str, file_says: Value, behaves_as: Value, layer: str = "rnn") -> Fault:
    """Return a fault as it is described; what it does is in the case."""
    return Fault(name, parameter, file_says, behaves_as, layer)


# --- cases ---------------------------------------------------------------------------------------------------


def cell(class_name: str, units: int = 6, **arguments: Any) -> Make:
    """Return the maker of a cell."""
    return core(class_name, units, **arguments)


def peepholes_turned(variables: Variables) -> Variables:
    """Take the peepholes of f for those of o, as ONNX has them in the order i, o, f."""
    turn = {"w_f_diag": "w_o_diag", "w_o_diag": "w_f_diag"}
    found = {}
    for name in variables:
        scope, _, last = name.rpartition("/")
        found[name] = variables[f"{scope}/{turn.get(last, last)}"]
    return found


def gates_turned(own: str, order: str) -> Callable[[Variables], Variables]:
    """Take the blocks of all kernels and biases for others."""
    transform = read_in_order(own, order, ("array",))
    return lambda variables: {name: transform({"array": array})["array"] for name, array in variables.items()}


def reset_update_turned(variables: Variables) -> Variables:
    """Take the gates r, u of a GRU for u, r."""
    turn = gates_turned("ru", "ur")(variables)
    return {name: turn[name] if "/gates/" in name else array for name, array in variables.items()}


def without_state(site: drivers.Site) -> Outputs:
    """Run a BasicLSTMCell from zeros, though its state is given."""
    v1, signal = site.tf.compat.v1, site.signal()
    for part in ("c", "h"):
        site.input(part, np.zeros((5, 6), np.float32))
    return drivers.named(site.tf, *v1.nn.dynamic_rnn(cell("BasicLSTMCell")(site.tf), signal, dtype=signal.dtype))


def ignoring_lengths(make: Make) -> Drive:
    """Return ``dynamic_rnn`` that is given lengths and does not use them."""

    def drive(site: drivers.Site) -> Outputs:
        signal = site.signal()
        site.input("lengths", drivers.LENGTHS)
        return drivers.named(site.tf, *site.tf.compat.v1.nn.dynamic_rnn(make(site.tf), signal, dtype=signal.dtype))

    return drive


PLAIN, BASIC, GRU = cell("LSTMCell"), cell("BasicLSTMCell"), cell("GRUCell")
PEEPHOLES = cell("LSTMCell", use_peepholes=True)
BLOCK, BLOCK_PEEPHOLES = lstm_block(6), lstm_block(6, peepholes=True)
FORGET_0 = cell("BasicLSTMCell", forget_bias=0.0)
CLIPPED = cell("LSTMCell", cell_clip=0.4)
NO_PEEPHOLES = said("peephole", "peepholes", "i, f, o", "none")
FW, BW = "bidirectional_rnn/fw/fw", "bidirectional_rnn/bw/bw"
dynamic = drivers.dynamic


def no_forget_bias(file_says: float = 1.0, behaves_as: float = 0.0, layer: str = "rnn") -> Fault:
    """Return the fault of another forget bias."""
    return said("forget_bias", "forget_bias", file_says, behaves_as, layer)


def no_clip(file_says: Value, behaves_as: Value) -> Fault:
    """Return the fault of another limit of the cell state."""
    return said("clip", "cell_clip", file_says, behaves_as)


GATES_READ = said("gate_order", "gates", "i, c, f, o", "i, f, c, o")

CASES = [
    GraphCase("peephole_lstm_dropped", dynamic(PEEPHOLES), dynamic(PLAIN), (NO_PEEPHOLES,)),
    GraphCase("peephole_lstm_while_dropped", dynamic(PEEPHOLES), dynamic(PLAIN), (NO_PEEPHOLES,), control_flow=2),
    GraphCase("peephole_block_dropped", dynamic(BLOCK_PEEPHOLES), dynamic(BLOCK), (NO_PEEPHOLES,)),
    GraphCase(
        "peephole_stacked_dropped",
        dynamic(stacked(PEEPHOLES, BASIC)),
        dynamic(stacked(PLAIN, BASIC)),
        (said("peephole", "peepholes", "i, f, o", "none", "rnn/cells/0"),),
    ),
    GraphCase(
        "peephole_bidirectional_dropped",
        drivers.bidirectional(PEEPHOLES, BASIC),
        drivers.bidirectional(PLAIN, BASIC),
        (said("peephole", "peepholes", "i, f, o", "none", FW),),
    ),
    GraphCase(
        "peephole_lstm_order",
        dynamic(PEEPHOLES),
        dynamic(PEEPHOLES),
        (said("peephole", "peepholes", "i, f, o", "i, o, f"),),
        peepholes_turned,
    ),
    GraphCase("forget_bias_basic_0", dynamic(BASIC), dynamic(FORGET_0), (no_forget_bias(),)),
    GraphCase("forget_bias_basic_1", dynamic(FORGET_0), dynamic(BASIC), (no_forget_bias(0.0, 1.0),)),
    GraphCase(
        "forget_bias_static_0",
        drivers.static(BASIC),
        drivers.static(FORGET_0),
        (no_forget_bias(layer="rnn/basic_lstm_cell"),),
    ),
    GraphCase(
        "forget_bias_backward_0",
        drivers.bidirectional(GRU, BASIC),
        drivers.bidirectional(GRU, FORGET_0),
        (no_forget_bias(layer=BW),),
    ),
    GraphCase("clip_lstm_none", dynamic(CLIPPED), dynamic(PLAIN), (no_clip(0.4, None),)),
    GraphCase("clip_lstm_04", dynamic(PLAIN), dynamic(CLIPPED), (no_clip(None, 0.4),)),
    GraphCase("clip_block_03", dynamic(BLOCK), dynamic(lstm_block(6, cell_clip=0.3)), (no_clip(None, 0.3),)),
    GraphCase("gate_order_basic", dynamic(BASIC), dynamic(BASIC), (GATES_READ,), gates_turned("ijfo", "ifjo")),
    GraphCase(
        "gate_order_gru",
        dynamic(GRU),
        dynamic(GRU),
        (said("gate_order", "gates", "r, z", "z, r"),),
        reset_update_turned,
    ),
    GraphCase(
        "gate_order_and_forget_bias_basic",
        dynamic(BASIC),
        dynamic(FORGET_0),
        (GATES_READ, no_forget_bias()),
        gates_turned("ijfo", "ifjo"),
        note="weights of a TensorFlow 1 cell, copied as they are into an LSTM of Keras",
    ),
    GraphCase(
        "mask_basic_ignored",
        dynamic(BASIC, lengths=True),
        ignoring_lengths(BASIC),
        (said("mask", "mask", "steps beyond a length are skipped", "ignored"),),
    ),
    GraphCase(
        "mask_gru_ignored",
        dynamic(GRU, lengths=True),
        ignoring_lengths(GRU),
        (said("mask", "mask", "steps beyond a length are skipped", "ignored"),),
    ),
    GraphCase(
        "state_order_basic",
        drivers.from_state(BASIC, ("c", 6), ("h", 6)),
        drivers.from_state(BASIC, ("c", 6), ("h", 6)),
        (said("state_order", "initial_state", "h, c", "c, h"),),
        feeds=lambda feeds: {**feeds, "c": feeds["h"], "h": feeds["c"]},
    ),
    GraphCase(
        "initial_state_basic_zero",
        drivers.from_state(BASIC, ("c", 6), ("h", 6)),
        without_state,
        (said("initial_state", "initial_state", "given by the model", "zero"),),
    ),
]

# --- building ------------------------------------------------------------------------------------------------


def build_case(tf: Any, case: GraphCase, folder: Path) -> Record:
    """Write the files of one case and return its record."""
    v1 = tf.compat.v1
    (v1.enable_control_flow_v2 if case.control_flow == 2 else v1.disable_control_flow_v2)()
    v1.disable_resource_variables()
    with tf.Graph().as_default(), v1.Session() as session:
        site = Site(tf)
        outputs = case.honest(site)
        randomise(tf, session, zlib.crc32(case.name.encode()), 1.5)
        variables = {one.op.name: session.run(one) for one in v1.global_variables()}
        inputs = {key: session.graph.get_tensor_by_name(f"{key}:0") for key in site.feeds}
        honest = session.run(outputs, {inputs[key]: array for key, array in site.feeds.items()})
        model = save(tf, session, "pb", folder, case.name, inputs, outputs)["path"]
    with tf.Graph().as_default(), v1.Session() as session:
        other = Site(tf)
        found = case.faulty(other)
        for one in v1.global_variables():
            session.run(one.initializer, {one.initializer.inputs[1]: case.variables(variables)[one.op.name]})
        feeds = case.feeds(site.feeds)
        faulty = session.run(found, {f"{key}:0": feeds[key] for key in other.feeds})
    for ending, arrays in {"x": site.feeds, "honest": honest, "y": faulty}.items():
        write_arrays(folder / f"{case.name}.{ending}.npz", arrays)
    deviation = max(distance(faulty[name], honest[name]) for name in honest)
    return {
        "name": case.name,
        "model": model,
        **record_of(case.faults, "rnn", "tf_keras"),
        "ties": [],
        "batch_size": None,
        "max_abs_deviation": deviation,
        "note": case.note,
    }


def main() -> None:
    """Build the zoo of faults of TensorFlow 1."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--only", nargs="+", default=["*"], metavar="NAME", help="names of cases, or patterns")
    arguments = parser.parse_args()
    started = time.perf_counter()
    tf = import_tensorflow()
    arguments.out.mkdir(parents=True, exist_ok=True)
    chosen = [case for case in CASES if any(fnmatchcase(case.name, pattern) for pattern in arguments.only)]
    records = [build_case(tf, case, arguments.out) for case in chosen]
    wrong = [complaint(record, hidden=False) for record in records]
    if any(wrong):
        raise ValueError("\n".join(filter(None, wrong)))
    zoo = {"framework": "tf1", "versions": versions(), "cases": records}
    (arguments.out / "cases.json").write_text(json.dumps(zoo, indent=1) + "\n")
    print(f"tf1: {len(records)} cases, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
