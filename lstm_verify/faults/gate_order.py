"""Kernel blocks in another order (`gate_order`), and gates that a cell computes differently.

Keras has i, f, c, o and z, r, h; where a file's blocks are read in another framework's order, a gate gets the weights
of another. `coupled_gates` makes one of i and f what the other leaves, `update_gate_inverted` exchanges z and 1 - z.

Sources of the orders: `docs/gate-orders.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import permutations
from typing import Any

import numpy as np

from lstm_verify.faults.activation import variant_of
from lstm_verify.faults.edit import Edit, Edits, replaced
from lstm_verify.faults.interface import Fault
from lstm_verify.layers import GRUCell, LSTMCell, LSTMVariantCell
from lstm_verify.layers.base import Array
from lstm_verify.layers.recurrent.cell import KernelCell

KNOWN = {
    ("i", "f", "c", "o"): "Keras, PyTorch, cuDNN",
    ("i", "c", "f", "o"): "TensorFlow 1, Keras 1, Haiku, CNTK",
    ("i", "o", "f", "c"): "ONNX",
    ("i", "f", "o", "c"): "MIOpen, CoreML, Caffe, DyNet",
    ("c", "f", "o", "i"): "DL4J",
    ("f", "i", "c", "o"): "OpenVINO",
    ("c", "i", "f", "o"): "Chainer",
    ("z", "r", "h"): "Keras, ONNX",
    ("r", "z", "h"): "PyTorch, cuDNN, TensorFlow 1, MXNet",
    ("r", "h", "z"): "CoreML",
}
"""Whose order it is."""
PARTS = {
    "kernel, recurrent_kernel and bias": ("kernel", "recurrent_kernel", "bias"),
    "kernel and recurrent_kernel": ("kernel", "recurrent_kernel"),
    "bias": ("bias",),
    "kernel": ("kernel",),
    "recurrent_kernel": ("recurrent_kernel",),
}


def reordered(weight: Array | None, order: Sequence[int]) -> Array | None:
    """Cut the last axis of a weight into blocks, and put block `order[k]` in the place of block k."""
    if weight is None:
        return None
    blocks = np.split(weight, len(order), axis=-1)
    return np.concatenate([blocks[place] for place in order], axis=-1)


def of_weights(cell: Any, names: Sequence[str], change: Callable[[Array], Any]) -> Any:
    """Return the cell with some of its weights changed."""
    given = {name: getattr(cell, name) for name in names}
    return replace(cell, **{name: change(weight) for name, weight in given.items() if weight is not None})


def orders(cell: KernelCell) -> list[tuple[tuple[int, ...], tuple[str, ...]]]:
    """Yield every other order, known ones first: where each gate of the cell is read from, and the order's letters."""
    gates = cell.gate_order
    found = [(tuple(order.index(gate) for gate in gates), order) for order in permutations(gates) if order != gates]
    return sorted(found, key=lambda entry: entry[1] not in KNOWN)


def described(order: tuple[str, ...]) -> str:
    """Describe an order, and which framework uses it."""
    return ", ".join(order) + (f" ({KNOWN[order]})" if order in KNOWN else "")


def gate_order(item: Any) -> Edits:
    """Kernels and bias, together or separately, are read in another gate order."""
    if not isinstance(item, KernelCell) or len(item.gate_order) < 2 or item.blocks != item.gate_order:
        return
    for words, names in PARTS.items():
        if words.endswith("bias") and item.bias is None:
            continue
        for places, order in orders(item):
            if len(names) == 1 and names != ("bias",) and order not in KNOWN:
                continue
            yield Edit(
                words,
                ", ".join(item.gate_order),
                described(order),
                partial(lambda n, p: of_weights(item, n, lambda weight: reordered(weight, p)), names, places),
            )


def coupled_gates(item: Any) -> Edits:
    """One of the gates i and f is 1 minus the other."""
    if (isinstance(item, LSTMVariantCell) and item.coupled) or not isinstance(item, LSTMCell | LSTMVariantCell):
        return
    for gate, formula in (("i", "i = 1 - f"), ("f", "f = 1 - i")):
        yield Edit("coupled", "i and f on their own", formula, partial(_coupled, variant_of(item), gate))


def _coupled(cell: LSTMVariantCell, gate: str) -> LSTMVariantCell:
    keep = [place for place, name in enumerate(cell.gate_order) if name != gate]

    def without(weight: Array) -> Array:
        blocks = np.split(weight, 4, axis=-1)
        return np.concatenate([blocks[place] for place in keep], axis=-1)

    names = ("kernel", "recurrent_kernel", "bias", "gamma", "beta")
    changes: dict[str, Any] = {name: without(w) for name in names if (w := getattr(cell, name)) is not None}
    changes |= {"coupled": gate, f"peephole_{gate}": None}
    return replace(cell, **changes | ({"forget_bias": 0.0} if gate == "f" else {}))


def update_gate_inverted(item: Any) -> Edits:
    """z and 1 - z are swapped, as between Keras and Haiku: the weights of z have the opposite sign."""
    if isinstance(item, GRUCell):
        yield Edit(
            "update gate",
            "h = z·h + (1 - z)·h̃",
            "h = (1 - z)·h + z·h̃",
            lambda: of_weights(item, ("kernel", "recurrent_kernel", "bias"), lambda weight: _negated(weight, 3)),
        )


def _negated(weight: Array, gates: int) -> Array:
    first, *others = np.split(weight, gates, axis=-1)
    return np.concatenate([-first, *others], axis=-1)


def peephole(item: Any) -> Edits:
    """Peepholes are left out, or read in another order."""
    if not isinstance(item, LSTMVariantCell):
        return
    names = ("peephole_i", "peephole_f", "peephole_o")
    present = [name for name in names if getattr(item, name) is not None]
    if not present:
        return
    yield Edit("peepholes", "used", "none", replaced(item, **dict.fromkeys(names)))
    if len(present) > 1:
        for name in present:
            yield Edit(name, "used", "none", replaced(item, **{name: None}))
    says = ", ".join(name[-1] for name in present)
    for order in permutations(present):
        if list(order) != present:
            weights = {name: getattr(item, other) for name, other in zip(present, order, strict=True)}
            yield Edit("peepholes", says, ", ".join(n[-1] for n in order), replaced(item, **weights))


def _has_a_name(parameter: str, behaves_as: str) -> bool:
    """Whether an order is that of a framework, of all kernels."""
    return "(" in behaves_as and parameter.startswith("kernel") and parameter.count("kernel") == 2


GATE_ORDER = Fault(
    "gate_order",
    gate_order,
    "Reorder the gates' blocks in kernel, recurrent_kernel and bias before the weights are set.",
    is_common=_has_a_name,
    comes_with=("forget_bias", "recurrent_activation", "reset_after", "update_gate_inverted"),
)

UPDATE_GATE_INVERTED = Fault(
    "update_gate_inverted",
    update_gate_inverted,
    "Negate the update gate's weights and bias, or swap z and 1 - z.",
)

COUPLED_GATES = Fault(
    "coupled_gates",
    coupled_gates,
    "Build the cell with input and forget gates of their own.",
)

PEEPHOLE = Fault(
    "peephole",
    peephole,
    "Export the peephole weights, in the order of the other framework (ONNX: i, o, f).",
)
