"""What an entry made by hand is, and the cells that several of them have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from tests.oracle_onnx import by_text
from tests.zoo.onnx.writing import Arrays, Folder, Graph, seeded

STEPS, BATCH, FEATURES, UNITS = 7, 5, 3, 4
LAST = {8: 0, 9: 1, 10: 1}
"""The last axis where it must not be -1 yet; in the body of Scan 8 there is no batch."""


@dataclass(frozen=True)
class Made:
    """A file made by hand."""

    model: onnx.ModelProto | bytes
    x: Arrays = field(default_factory=dict)
    text: Arrays | None = None
    """What it computes."""
    refuse: str = ""
    """Why it must be refused."""
    said: Mapping[str, Any] = field(default_factory=dict)
    """What else the index says."""
    beside: Mapping[str, bytes | Path] = field(default_factory=dict)
    """Other files, by their paths from the folder: what is in them, or what they are links to."""


Entries = dict[str, Callable[[], Made]]


def write(folder: Folder, entries: Entries) -> None:
    """Write entries made by hand."""
    for name, make in entries.items():
        made = make()
        for file, data in made.beside.items():
            path = folder.path / file
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(data, Path):
                path.symlink_to(data)
            else:
                path.write_bytes(data)
        folder.add(name, made.model, made.x, made.text, refuse=made.refuse, **made.said)


@dataclass(frozen=True)
class Cell:
    """The weights of one recurrent layer, laid out as in Keras; the gates of LSTM are i, f, c, o, of GRU z, r, h."""

    kind: str
    kernel: Any
    recurrent_kernel: Any
    bias: Any

    @classmethod
    def drawn(cls, seed: str, kind: str = "LSTM", features: int = FEATURES) -> Cell:
        """Return random weights."""
        rng, width = seeded(seed), {"LSTM": 4, "GRU": 3, "RNN": 1}[kind] * UNITS
        shapes = (features, width), (UNITS, width), (width,)
        return cls(kind, *((0.6 * rng.standard_normal(shape)).astype(np.float32) for shape in shapes))

    def weights(self) -> Arrays:
        """Return W, R and B of the operator; the second half of B is zero."""
        return {
            "W": self._gates(self.kernel).T[None],
            "R": self._gates(self.recurrent_kernel).T[None],
            "B": np.concatenate([self._gates(self.bias), np.zeros_like(self.bias)])[None],
        }

    def _gates(self, array: Any) -> Any:
        if self.kind != "LSTM":
            return array
        i, f, c, o = np.split(array, 4, axis=-1)
        return np.concatenate([i, o, f, c], axis=-1)

    def text(self, x: Any, **inputs: Any) -> Arrays:
        """Return Y (steps, batch, units), Y_h and Y_c (batch, units) for x (steps, batch, features)."""
        found = by_text(self.kind, {"X": x, **self.weights(), **inputs}, {})
        return {"Y": found["Y"][:, 0], **{key: array[0] for key, array in found.items() if key != "Y"}}

    def node(self, graph: Graph, x: str, states: tuple[str, ...] = (), **attributes: Any) -> list[str]:
        """Add the operator and return the names of its outputs."""
        outputs = [
            f"{graph.name}_{key}_{len(graph.nodes)}" for key in ("Y", "Y_h", "Y_c")[: 3 if self.kind == "LSTM" else 2]
        ]
        weights = [graph.initializer(array) for array in self.weights().values()]
        graph.node(self.kind, x, *weights, "", *states, outputs=outputs, hidden_size=UNITS, **attributes)
        while graph.nodes[-1].input[-1] == "":
            del graph.nodes[-1].input[-1]
        return outputs

    def step(self, graph: Graph, x: str, states: list[str], weights: list[str]) -> list[str]:
        """Add the nodes of one step, and return the names of the states after it."""
        kernel, recurrent_kernel, bias = weights
        a = graph.node("Add", graph.node("MatMul", x, kernel), bias)
        if self.kind == "GRU":
            return [self._gru(graph, a, states[0], recurrent_kernel)]
        z = graph.node("Add", a, graph.node("MatMul", states[0], recurrent_kernel))
        if self.kind == "RNN":
            return [graph.node("Tanh", z)]
        gates = graph.split(z, [UNITS] * 4, axis=LAST.get(graph.opset, -1))
        i, f, o = (graph.node("Sigmoid", gates[place]) for place in (0, 1, 3))
        kept = graph.node("Mul", f, states[1])
        c = graph.node("Add", kept, graph.node("Mul", i, graph.node("Tanh", gates[2])))
        return [graph.node("Mul", o, graph.node("Tanh", c)), c]

    def _gru(self, graph: Graph, a: str, h: str, recurrent_kernel: str) -> str:
        """Add GRU's step, with the reset before the product; the kernels are one, so they are split."""
        az, ar, ah = graph.split(a, [UNITS] * 3, axis=-1)
        uz, ur, uh = graph.split(recurrent_kernel, [UNITS] * 3, axis=-1)
        z = graph.node("Sigmoid", graph.node("Add", az, graph.node("MatMul", h, uz)))
        r = graph.node("Sigmoid", graph.node("Add", ar, graph.node("MatMul", h, ur)))
        product = graph.node("MatMul", graph.node("Mul", r, h), uh)
        candidate = graph.node("Tanh", graph.node("Add", ah, product))
        one = graph.constant(np.float32(1))
        new = graph.node("Mul", graph.node("Sub", one, z), candidate)
        return graph.node("Add", new, graph.node("Mul", z, h))


def sequence(seed: str, *shape: int) -> Any:
    """Return random float32 inputs, (steps, batch, features) unless a shape is given."""
    return seeded(f"x {seed}").standard_normal(shape or (STEPS, BATCH, FEATURES)).astype(np.float32)
