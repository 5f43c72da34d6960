"""Weights that a runtime dropped, used twice, laid out differently, rounded or mixed up.

`bias`, `recurrent_kernel_dropped`, `recurrent_kernel_transposed`, `kernel_layout`, `reset_after`, `weight_precision`,
`equal_shape_weights_swapped`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from lstm_verify.faults.edit import Edit, Edits, replaced
from lstm_verify.faults.gate_order import of_weights
from lstm_verify.faults.interface import Fault, begins
from lstm_verify.layers import GRUCell
from lstm_verify.layers.base import Array, Weighted
from lstm_verify.layers.recurrent.cell import KernelCell
from lstm_verify.layers.recurrent.time_first import TimeFirst

Rounding = Callable[[Array], Array]


def bias(item: Any) -> Edits:
    """A bias is left out or added twice; one of a GRU's two biases is left out, or both are merged."""
    if isinstance(item, TimeFirst) and any(half.any() for pair in item.halves for half in pair[1:]):
        for half, words in enumerate(("without that of the recurrent product", "without that of the input")):
            says = "one of the input, one of the recurrent product"
            yield Edit("bias", says, words, partial(item.with_biases, half))
    now = getattr(item, "bias", None)
    if not isinstance(now, np.ndarray) or "bias" in getattr(item, "cancels", ()):
        return
    if isinstance(item, GRUCell) and item.reset_after:
        b, b_h = now
        none = np.zeros_like(b)
        pairs = {
            "without that of the recurrent product": (b, none),
            "without that of the input": (none, b_h),
            "both added to the input": (b + b_h, none),
        }
        for words, pair in pairs.items():
            yield Edit("bias", "one of the input, one of the recurrent product", words, partial(_with, item, pair))
    yield Edit("bias", "added", "left out", lambda: replace(item, bias=np.zeros_like(now)))
    yield Edit("bias", "added", "added twice", replaced(item, bias=2 * now))


def _with(cell: GRUCell, pair: tuple[Array, Array]) -> GRUCell:
    return replace(cell, bias=np.stack(pair))


def recurrent_kernel_dropped(item: Any) -> Edits:
    """The recurrent kernel is left out."""
    if isinstance(item, KernelCell):
        yield Edit(
            "recurrent_kernel",
            "used",
            "left out",
            lambda: replace(item, recurrent_kernel=np.zeros_like(item.recurrent_kernel)),
        )


def _by_gate(cell: KernelCell, change: Rounding) -> Rounding:
    return lambda weight: np.concatenate(
        [change(part) for part in np.split(weight, len(cell.blocks), axis=-1)], axis=-1
    )


def recurrent_kernel_transposed(item: Any) -> Edits:
    """The square block of every gate, or of one gate, is transposed."""
    if not isinstance(item, KernelCell) or item.state_sizes[0] != item.units:
        return
    transposed = _by_gate(item, lambda block: block.swapaxes(-1, -2))  # of a convolution at every place of the window
    yield Edit(
        "recurrent_kernel", "as it is", "transposed", lambda: of_weights(item, ("recurrent_kernel",), transposed)
    )


def kernel_layout(item: Any) -> Edits:
    """Rows, columns or blocks of kernels are laid out differently."""
    if not isinstance(item, KernelCell):
        return
    gates = len(item.blocks)
    both = ("kernel", "recurrent_kernel")
    if not item.window:
        yield from _rows_and_columns(item, both)
    if gates > 1:
        for words, change in _interleavings(gates).items():
            for several in ((*both, "bias"), both):
                yield Edit(
                    "kernels",
                    f"{', '.join(several)}: gate by gate",
                    words,
                    partial(of_weights, item, several, change),
                )


def _rows_and_columns(item: KernelCell, both: tuple[str, str]) -> Edits:
    """Matrices in another order of rows, or of the numbers in memory."""
    if item.recurrent_kernel.shape[1] == item.kernel.shape[1]:
        yield Edit("kernels", "rows of [x; h]", "rows of [h; x]", lambda: _rows_of_h_first(item))
    memory = {
        "each gate's block read column by column": _by_gate(item, lambda block: block.T.reshape(block.shape)),
        "each gate's block read as its transpose": _by_gate(item, lambda b: b.reshape(b.shape[::-1]).T),
    }
    for words, change in memory.items():
        for names in (both, ("kernel",), ("recurrent_kernel",)):
            says = f"{' and '.join(names)}, row by row"
            yield Edit("kernels", says, words, partial(of_weights, item, names, change))


def _rows_of_h_first(cell: KernelCell) -> KernelCell:
    stacked = np.concatenate([cell.kernel, cell.recurrent_kernel])
    outputs = len(cell.recurrent_kernel)
    return replace(cell, kernel=stacked[outputs:], recurrent_kernel=stacked[:outputs])


def _interleavings(gates: int) -> dict[str, Rounding]:
    def unit_by_unit(weight: Array) -> Array:
        split = weight.reshape(*weight.shape[:-1], -1, gates)
        return np.swapaxes(split, -1, -2).reshape(weight.shape)

    def gate_by_gate(weight: Array) -> Array:
        split = weight.reshape(*weight.shape[:-1], gates, -1)
        return np.swapaxes(split, -1, -2).reshape(weight.shape)

    return {"columns of a unit's gates side by side": unit_by_unit, "side by side, read gate by gate": gate_by_gate}


def reset_after(item: Any) -> Edits:
    """The reset gate acts before the recurrent product instead of after it, or the other way round."""
    if not isinstance(item, GRUCell):
        return
    now = item.bias
    if not item.reset_after:
        changed = None if now is None else np.stack([now, np.zeros_like(now)])
        yield Edit("reset_after", "False", "True", replaced(item, reset_after=True, bias=changed))
        return
    if now is None:
        yield Edit("reset_after", "True", "False", replaced(item, reset_after=False))
        return
    joined = {"False": now.sum(axis=0), "False, without the recurrent bias": now[0]}
    for words, bias_now in joined.items():
        yield Edit("reset_after", "True", words, replaced(item, reset_after=False, bias=bias_now))


# ----------------------------------------------------------------------------------------- precision of weights


def _float16(weight: Array) -> Array:
    with np.errstate(over="ignore"):  # what it cannot hold is infinite there as well
        return weight.astype(np.float16).astype(np.float64)


def _bfloat16(weight: Array) -> Array:
    bits = weight.astype(np.float32).view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return rounded.astype(np.uint32).view(np.float32).reshape(weight.shape).astype(np.float64)


def _int8(axis: int | None) -> Rounding:
    def rounded(weight: Array) -> Array:
        """Symmetric: the largest number becomes 127."""
        over = None if axis is None else tuple(a for a in range(weight.ndim) if a != axis % weight.ndim)
        scale = np.abs(weight).max(axis=over, keepdims=over is not None) / 127
        scale = np.where(scale == 0, 1, scale)
        return np.asarray(np.clip(np.round(weight / scale), -127, 127) * scale)

    return rounded


PRECISIONS: dict[str, Rounding] = {
    "float16": _float16,
    "bfloat16": _bfloat16,
    "int8, a scale for each tensor": _int8(None),
    "int8, a scale for each column": _int8(-1),
}


def in_precision(item: Weighted, rounding: Rounding, smallest_rank: int = 1) -> Any:
    """Return a layer with its weights rounded, if they have at least some rank; inner layers too."""
    changes: dict[str, Any] = {}
    for name, value in vars(item).items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim >= smallest_rank:
            changes[name] = rounding(value)
        elif isinstance(value, Weighted):
            changes[name] = in_precision(value, rounding, smallest_rank)
    return replace(item, **changes) if changes else item


def weight_precision(item: Any) -> Edits:
    """The weights of a layer are rounded to a narrower format."""
    if not isinstance(item, Weighted):
        return
    inexact = [weight for weight in own_weights(item).values() if not np.isin(weight, (-1, 0, 1)).all()]
    for words, rounding in PRECISIONS.items() if inexact else ():
        yield Edit("weights", "float32", words, partial(in_precision, item, rounding))
        if words.startswith("int8") and any(weight.ndim > 1 for weight in inexact):
            yield Edit("kernels", "float32", f"{words}, not the bias", partial(in_precision, item, rounding, 2))


# --------------------------------------------------------------------------------------- weights for each other


def swapped_inside(item: Any) -> Edits:
    """Two weights of one layer that have the same shape are swapped."""
    if not isinstance(item, Weighted):
        return
    named = [(n, v) for n, v in vars(item).items() if isinstance(v, np.ndarray) and v.dtype.kind == "f" and v.ndim]
    for i, (name, weight) in enumerate(named):
        for other, weight_of_other in named[i + 1 :]:
            if weight.shape == weight_of_other.shape:
                yield Edit(
                    f"{name} and {other}",
                    "each in its place",
                    "exchanged",
                    replaced(item, **{name: weight_of_other, other: weight}),
                )


def own_weights(item: Weighted) -> dict[str, Array]:
    """Return the meaningful weights of the item itself, by name."""
    found = {n: v for n, v in vars(item).items() if isinstance(v, np.ndarray) and v.dtype.kind == "f" and v.ndim}
    return {name: weight for name, weight in found.items() if name not in getattr(item, "cancels", ())}


BIAS = Fault(
    "bias",
    bias,
    "Check how biases are joined: PyTorch, ONNX and cuDNN have two for each gate.",
    comes_with=(
        "recurrent_activation",
        "gate_order",
    ),
)

RESET_AFTER = Fault(
    "reset_after",
    reset_after,
    "Build the GRU with the reset_after that it was trained with.",
)

RECURRENT_KERNEL_TRANSPOSED = Fault(
    "recurrent_kernel_transposed",
    recurrent_kernel_transposed,
    "Transpose the recurrent kernel, gate by gate: its shape gives no hint.",
)

RECURRENT_KERNEL_DROPPED = Fault(
    "recurrent_kernel_dropped",
    recurrent_kernel_dropped,
    "The recurrent kernel is not used: check which weights were loaded.",
)

KERNEL_LAYOUT = Fault(
    "kernel_layout",
    kernel_layout,
    "Check how the kernels were cut and laid out in memory when they were converted.",
    is_common=begins("rows of [h; x]"),
    comes_with=("gate_order",),
)

WEIGHT_PRECISION = Fault(
    "weight_precision",
    weight_precision,
    "If the weights are meant to be stored like that, allow for it with --atol.",
    is_common=begins("float16"),
)

EQUAL_SHAPE_WEIGHTS_SWAPPED = Fault(
    "equal_shape_weights_swapped",
    swapped_inside,
    "Compare the weights by name: a file was read in another order than it was written.",
)
