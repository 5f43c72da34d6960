"""Recurrent cells that are one operation, with kernels of [x; h] rows.

LSTM, with the gates of the kernel in the order i, c, f, o unless another one is given:

    i = σ(z_i + w_i∘c′)      f = σ(z_f + w_f∘c′ + forget_bias)      z = [x, h′] W + b
    c = clip(f∘c′ + i∘tanh(z_c))      o = σ(z_o + w_o∘c)      h = o∘tanh(c)

GRU:

    r, u = σ([x, h′] W_ru + b_ru)      c = tanh([x, r∘h′] W_c + b_c)      h = u∘h′ + (1 − u)∘c

Source: `tf.raw_ops.LSTMBlockCell`, `BlockLSTM`, `BlockLSTMV2`, `GRUBlockCell`; the order of the gates is that of the
operations, since what their documentation says of it is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.operations.activations import sigmoid

ICFO, IFCO = (0, 2, 1, 3), (0, 1, 2, 3)
"""Where i, f, c and o are among the gates of a kernel."""


def lstm_cell(
    x: Array,
    c_previous: Array,
    h_previous: Array,
    kernel: Array,
    w_i: Array,
    w_f: Array,
    w_o: Array,
    bias: Array,
    *,
    forget_bias: float = 0.0,
    cell_clip: float | None = None,
    use_peephole: bool = False,
    order: tuple[int, ...] = ICFO,
) -> tuple[Array, ...]:
    """One step of an LSTM on (samples, features); `cell_clip` limits c on both sides.

    Returns:
        i, c, f, o, tanh(z_c), tanh(c) and h, each (samples, units).
    """
    gates = np.split(np.concatenate([x, h_previous], -1) @ kernel + bias, 4, axis=-1)
    z_i, z_f, z_c, z_o = (gates[place] for place in order)
    z_f = z_f + forget_bias
    if use_peephole:
        z_i, z_f = z_i + w_i * c_previous, z_f + w_f * c_previous
    i, f, candidate = sigmoid(z_i), sigmoid(z_f), np.tanh(z_c)
    c = f * c_previous + i * candidate
    if cell_clip is not None:
        c = np.clip(c, -cell_clip, cell_clip)
    o = sigmoid(z_o + w_o * c if use_peephole else z_o)
    squashed = np.tanh(c)
    return i, c, f, o, candidate, squashed, o * squashed


def lstm_block(steps: Array, x: Array, c: Array, h: Array, *weights: Array, **options: Any) -> tuple[Array, ...]:
    """A whole sequence: `lstm_cell` on the first `steps` time steps of (timesteps, samples, features), then zeros.

    Returns:
        What the cell returns, each (timesteps, samples, units).
    """
    run = []
    for t in range(min(int(steps), len(x))):
        run.append(lstm_cell(x[t], c, h, *weights, **options))
        c, h = run[-1][1], run[-1][6]
    run += [(np.zeros(c.shape, x.dtype),) * 7] * (len(x) - len(run))
    return tuple(np.stack(output) for output in zip(*run, strict=True))


def gru_cell(x: Array, h_previous: Array, w_ru: Array, w_c: Array, b_ru: Array, b_c: Array) -> tuple[Array, ...]:
    """One step of a GRU on (samples, features).

    Returns:
        r, u, c and h, each (samples, units).
    """
    r, u = np.split(sigmoid(np.concatenate([x, h_previous], -1) @ w_ru + b_ru), 2, axis=-1)
    c = np.tanh(np.concatenate([x, r * h_previous], -1) @ w_c + b_c)
    return r, u, c, u * h_previous + (1 - u) * c


CELLS: dict[str, Callable[..., Any]] = {
    "lstm_cell": lstm_cell,
    "lstm_block": lstm_block,
    "gru_cell": gru_cell,
}
