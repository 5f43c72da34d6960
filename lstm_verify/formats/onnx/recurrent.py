"""The operators LSTM, GRU and RNN: from attributes and weights to recurrent layers.

    W (directions, gates*units, features)   R (directions, gates*units, units)   B (directions, 2*gates*units)
    P (directions, 3*units), peepholes

    LSTM: gates i, o, f, c in W, R and B, and i, o, f in P        GRU: gates z, r, h

    functions       f for gates, g for the candidate, h for the state on its way out; three, two or one a direction
    clip            cuts what the functions get

Source: the operators' text, onnx.ai/onnx/operators/onnx__LSTM.html, onnx__GRU.html and onnx__RNN.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.onnx.activations import activations
from lstm_verify.graph.ir import ABSENT, Node
from lstm_verify.graph.translate import Building, Entry, Made
from lstm_verify.layers.recurrent.bidirectional import Bidirectional
from lstm_verify.layers.recurrent.cell import Cell
from lstm_verify.layers.recurrent.gru import GRUCell
from lstm_verify.layers.recurrent.lstm import LSTMCell
from lstm_verify.layers.recurrent.lstm_variants import LSTMVariantCell
from lstm_verify.layers.recurrent.rnn import RNN
from lstm_verify.layers.recurrent.simple_rnn import SimpleRNNCell
from lstm_verify.layers.recurrent.time_first import FedTimeFirst, TimeFirst
from lstm_verify.operations.activations import ActivationFunction

INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
WEIGHTS = ("W", "R", "B", "P")
IFCO, IOFC = "ifco", "iofc"
DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
"""Which of the directions go backwards."""


class Parameters(NamedTuple):
    """The parameters of one direction."""

    W: Array
    """(gates*units, features)"""
    R: Array
    B: Array | None
    P: Array | None
    functions: tuple[ActivationFunction, ...]


def _lstm(name: str, p: Parameters, attributes: Mapping[str, Any]) -> Cell:
    f, g, h = p.functions
    coupled = bool(attributes.get("input_forget"))
    order = "ico" if coupled else IFCO
    W, R = (_blocks(weights, IOFC, order).T for weights in (p.W, p.R))
    shared: dict[str, Any] = {
        "name": name,
        "kernel": W,
        "recurrent_kernel": R,
        "bias": None if p.B is None else _blocks(_summed(p.B), IOFC, order),
        "activation": g,
        "recurrent_activation": f,
    }
    if p.P is None and not coupled and h == g:
        return LSTMCell(**shared)
    i, o, forget = (None, None, None) if p.P is None else np.split(p.P, 3)
    return LSTMVariantCell(
        **shared,
        peephole_i=i,
        peephole_f=None if coupled else forget,
        peephole_o=o,
        output_activation=None if h == g else h,
        coupled="f" if coupled else None,
    )


def _gru(name: str, p: Parameters, attributes: Mapping[str, Any]) -> Cell:
    after = bool(attributes.get("linear_before_reset"))
    f, g = p.functions
    bias = p.B
    if bias is not None:
        bias = np.stack(np.split(bias, 2)) if after else _summed(bias)
    return GRUCell(
        name=name,
        kernel=p.W.T,
        recurrent_kernel=p.R.T,
        bias=bias,
        activation=g,
        recurrent_activation=f,
        reset_after=after,
    )


def _rnn(name: str, p: Parameters, attributes: Mapping[str, Any]) -> Cell:
    (f,) = p.functions
    bias = None if p.B is None else _summed(p.B)
    return SimpleRNNCell(name=name, kernel=p.W.T, recurrent_kernel=p.R.T, bias=bias, activation=f)


def _blocks(weights: Array, order: str, wanted: str) -> Array:
    """Weights with the blocks of their gates, along the first axis, in another order, or without some."""
    if order == wanted:
        return weights
    blocks = dict(zip(order, np.split(weights, len(order)), strict=True))
    return np.concatenate([blocks[gate] for gate in wanted])


def _summed(B: Array) -> Array:
    """The sum of the biases of the input and of the recurrent product; of one that is zero, the other."""
    of_input, of_state = np.split(B, 2)
    both: Array = of_input + of_state
    return both


@dataclass(frozen=True)
class Recurrent(Entry):
    """LSTM, GRU or RNN."""

    gates: int
    functions: tuple[str, ...]
    """Those by default."""
    cell: Callable[[str, Parameters, Mapping[str, Any]], Cell]
    known: frozenset[str] = frozenset()
    """Attributes that it alone has."""
    states: int = 1

    SHARED = frozenset(
        {"activations", "activation_alpha", "activation_beta", "clip", "direction", "hidden_size", "layout"}
    )

    def make(self, node: Node, graph: Building) -> Made:
        try:
            graph.table.check(node.op, node.attributes, self.SHARED | self.known)
        except UnsupportedError as error:
            raise UnsupportedError(f"node '{node.name}': {error}") from None
        refs = {name: ref for name, ref in zip(INPUTS, node.inputs, strict=False) if ref != ABSENT}
        weights = {name: graph.folded(ref) for name, ref in refs.items() if name in WEIGHTS}
        fed = [name for name, value in weights.items() if value is None]
        others = [name for name in refs if name not in WEIGHTS]
        # a state of zeros, as exporters write it for none, is still an input: what is fed may be in its place
        frame: dict[str, Any] = {
            "name": node.name,
            "state_sizes": (self._units(node, weights.get("R")),) * self.states,
            "samples_first": bool(node.attributes.get("layout")),
            "given": tuple(name for name in others if name != "X"),
            "compute_dtype": graph.table.compute_dtype(node),
        }
        if fed:
            taken = (*others, *weights)
            make = _Making(self, node, tuple(weights))
            return Made(FedTimeFirst(**frame, make=make), tuple(refs[name] for name in taken))
        known = {name: value for name, value in weights.items() if value is not None}
        layer = TimeFirst(**frame, rnn=self.layer(node, known), halves=self._halves(known.get("B"), node))
        return Made(layer, tuple(refs[name] for name in others))

    def layer(self, node: Node, weights: Mapping[str, Array]) -> RNN | Bidirectional:
        """Return the recurrent layer of a node for weights by their names in the operator's specification.

        Raises:
            ModelFileError: weights have not the shapes that they should have.
            UnsupportedError: something about it is not supported.
        """
        backwards = self.directions(node)
        functions = activations(node, self.functions, len(backwards))
        self._check(node, weights, len(backwards))
        rnns = []
        for number, (reverse, chosen) in enumerate(zip(backwards, functions, strict=True)):
            W, R = weights["W"][number], weights["R"][number]
            B, P = (weights[name][number] if name in weights else None for name in ("B", "P"))
            cell = self.cell(node.name, Parameters(W, R, B, P, chosen), node.attributes)
            rnns.append(
                RNN(
                    name=node.name,
                    cell=cell,
                    go_backwards=reverse,
                    return_sequences=True,
                    return_state=True,
                    zero_output_for_mask=True,
                )
            )
        if len(rnns) == 1:
            return rnns[0]
        return Bidirectional(
            name=node.name,
            forward_layer=rnns[0],
            backward_layer=rnns[1],
            merge_mode=None,
            return_sequences=True,
            return_state=True,
        )

    def _halves(self, B: Array | None, node: Node) -> tuple[tuple[Array, Array], ...]:
        """The two biases of each direction in the layout of the cells, where these have their sum."""
        if B is None or node.attributes.get("linear_before_reset") or node.attributes.get("input_forget"):
            return ()
        order = (IOFC, IFCO) if self.gates == len(IFCO) else ("", "")
        pairs = (np.split(each, 2) for each in B)
        return tuple((_blocks(one, *order), _blocks(other, *order)) for one, other in pairs)

    def directions(self, node: Node) -> tuple[bool, ...]:
        """Return which of its directions go backwards."""
        name = str(node.attributes.get("direction", "forward"))
        if name.lower() not in DIRECTIONS:
            raise ModelFileError(f"node '{node.name}': direction '{name}', expected one of {', '.join(DIRECTIONS)}")
        return DIRECTIONS[name.lower()]

    def _units(self, node: Node, R: Array | None) -> int:
        """The number of units of a direction.

        Raises:
            UnsupportedError: the file does not say it, and leaves it to weights that are fed.
        """
        units = node.attributes.get("hidden_size") or (R.shape[-1] if R is not None else None)
        if units is None:
            raise UnsupportedError(
                f"node '{node.name}': it has neither hidden_size nor R. Write hidden_size into the file"
            )
        return int(units)

    def _check(self, node: Node, weights: Mapping[str, Array], directions: int) -> None:
        """Check the shapes of all weights.

        Raises:
            ModelFileError: one has another.
        """
        units = self._units(node, weights["R"])
        rows = self.gates * units
        expected: Iterator[tuple[str, tuple[int | None, ...]]] = iter(
            [
                ("W", (directions, rows, None)),
                ("R", (directions, rows, units)),
                ("B", (directions, 2 * rows)),
                ("P", (directions, 3 * units)),
            ]
        )
        for name, shape in expected:
            if name not in weights:
                continue
            found = weights[name].shape
            fits = len(found) == len(shape) and all(n in (None, m) for n, m in zip(shape, found, strict=True))
            if not fits:
                wanted = ", ".join("features" if n is None else str(n) for n in shape)
                raise ModelFileError(f"node '{node.name}': {name} has shape {found}, expected ({wanted})")


@dataclass(frozen=True)
class _Making:
    """Makes the recurrent layer of a node out of weights that come in with every run."""

    entry: Recurrent
    node: Node
    names: tuple[str, ...]

    def __call__(self, weights: tuple[Array, ...]) -> RNN | Bidirectional:
        return self.entry.layer(self.node, dict(zip(self.names, weights, strict=True)))


RECURRENT: dict[str, Entry] = {
    "LSTM": Recurrent(4, ("Sigmoid", "Tanh", "Tanh"), _lstm, frozenset({"input_forget"}), states=2),
    "GRU": Recurrent(3, ("Sigmoid", "Tanh"), _gru, frozenset({"linear_before_reset"})),
    "RNN": Recurrent(1, ("Tanh",), _rnn),
}
