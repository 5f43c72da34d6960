"""Which gate differs: solve for the pre-activation of one gate that makes a layer return what the framework has.

    h_t = cell(x_t, state_{t-1}), with z_g + e_t for the z_g of one gate                      solved for e_t
    e_t = δ · [x_t; h_{t-1}; 1]                                           if δ is how the gate's weights differ

Every step begins at the framework's own h, so that what is off in one step does not go into the next. For the gate
whose weights differ, e is such a sum, with the same δ in all steps and samples; for the others it is not. A δ with a
single number in it is a single weight. The candidate of a GRU sums up r h instead of h.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.judging.tolerance import SIGMAS
from lstm_verify.layers import GRUCell, LSTMCell, SimpleRNNCell
from lstm_verify.layers.recurrent.cell import KernelCell, States

CELLS = (LSTMCell, GRUCell, SimpleRNNCell)
"""The cells whose gates sum up [x; h; 1] times their weights, and no variant of them."""
STEPS = 100
"""The steps that are looked at."""
FEWEST = 6
"""The equations that a single weight has to fit."""
UNITS = 4
"""The units that deviate most, which decide on the gate."""
ROUNDS, WIDTH, REACH = 6, 1e-5, 1.0
"""Newton's steps, the width of a difference for a slope, and how far a step may go."""
NEAR, BENT = 1e-3, 0.05
"""How near the function is looked at, and how much its slopes on both sides may differ."""
FITS = 5.0
"""The rms, in σ, of what a gate leaves of the deviation if it is the one."""
CLEARLY = 4.0
"""Times as much every other gate has to leave."""


@dataclass(frozen=True)
class LikelyGate:
    """A gate whose weights explain the output of the layer."""

    name: str
    weight: tuple[str, tuple[int, ...], float] | None
    """If a single weight does: its name, its place, and what is added to it."""


def likely_gate(cell: object, x: Array, y: Array, sigma: Array, first: int = 0) -> LikelyGate | None:
    """Find the gate whose weights explain the output of a framework's layer, if exactly one does.

    Args:
        cell: the cell of the layer.
        x: (samples, timesteps, features), what the layer takes, the step that is run first before the others.
        y: (samples, timesteps, units), its output, in the same order; from states of zeros, without a mask.
        sigma: of the same shape, the rounding error of y.
        first: the first step in which y is not the output of the cell; the steps from there on are looked at.
    """
    if not isinstance(cell, CELLS) or type(cell) not in CELLS:
        return None
    x, y, sigma = (array[:, : first + STEPS] for array in (x, y, np.maximum(sigma, 2.0**-26)))
    found = sorted(_fits(cell, x, y, sigma, first), key=lambda fit: fit[0])
    if not found or found[0][0] > FITS or any(left < CLEARLY * max(found[0][0], 1) for left, _ in found[1:]):
        return None
    return found[0][1]


def _fits(cell: KernelCell, x: Array, y: Array, sigma: Array, first: int) -> Iterator[tuple[float, LikelyGate]]:
    """What every gate leaves of the deviation, in σ."""
    before = np.concatenate([np.zeros_like(y[:, :1]), y[:, :-1]], axis=1)
    for block, name in enumerate(cell.blocks):
        if isinstance(cell, GRUCell) and name == "r" and not cell.reset_after:
            continue  # of which every unit has a part in every other
        e, slope = _solved(cell, block, x, y, sigma, first)
        weight = np.abs(slope) / sigma
        off = np.abs(e * weight).max(axis=(0, 1))
        units = [int(unit) for unit in np.argsort(-off)[:UNITS] if off[unit] > SIGMAS]
        if not units:
            continue
        one = _single(_terms(cell, block, units[0], x, before), e, weight) if len(units) == 1 else None
        if one is not None and one[0] <= FITS:
            yield one[0], LikelyGate(name, one[1])
            continue
        left = [_left(_terms(cell, block, unit, x, before), e, weight) for unit in units]
        yield float(np.sqrt(np.mean(np.square(left)))), LikelyGate(name, None)


def _solved(cell: KernelCell, block: int, x: Array, y: Array, sigma: Array, first: int) -> tuple[Array, Array]:
    """What is to be added to a gate's sums for every step to give y, and the slope of y there; of the shape of y.

    The slope is 0 where nothing follows: at a kink, where any sum may have been meant, and after a step of the unit in
    which no sum gives y, so that its states are not known.
    """
    units, width = cell.units, cell.kernel.shape[1]
    probe = replace(cell, kernel=np.vstack([cell.kernel, np.eye(width)[block * units : (block + 1) * units]]))

    def step(t: int, e: Array, state: States) -> States:
        return probe.step(np.concatenate([x[:, t], e], axis=-1), state)

    state = tuple(np.zeros((len(x), size)) for size in cell.state_sizes)
    found, slopes, lost = np.zeros_like(y), np.zeros_like(y), np.zeros_like(y[:, 0], bool)
    with np.errstate(all="ignore"):
        for t in range(x.shape[1]):
            e = np.zeros((len(x), units))
            if t < first:
                state = step(t, e, state)
                continue
            for _ in range(ROUNDS):
                h, more = step(t, e, state)[0], step(t, e + WIDTH, state)[0]
                slope = (more - h) / WIDTH
                move = np.where(slope == 0, 0.0, (y[:, t] - h) / np.where(slope == 0, 1.0, slope))
                e = e + np.clip(move, -REACH, REACH)
            now = step(t, e, state)
            right, left = (step(t, e + near, state)[0] - now[0] for near in (NEAR, -NEAR))
            bent = np.abs(right + left) > BENT * np.abs(right - left)
            lost |= ~(np.abs(y[:, t] - now[0]) <= SIGMAS * sigma[:, t])
            found[:, t], slopes[:, t] = e, np.where(bent | lost, 0.0, slope)
            state = (y[:, t], *now[1:])
    return found, slopes


class Terms(NamedTuple):
    """The terms that a gate of one unit sums."""

    unit: int
    values: Array
    """(samples, timesteps, terms), each of which a weight is multiplied with."""
    places: list[tuple[str, tuple[int, ...]]]
    """The name and the place of these weights."""


def _terms(cell: KernelCell, block: int, unit: int, x: Array, before: Array) -> Terms:
    column, after = block * cell.units + unit, isinstance(cell, GRUCell) and cell.reset_after
    one = np.ones_like(x[..., :1])
    recurrent, biases = [before], [one]
    if isinstance(cell, GRUCell) and cell.blocks[block] == "h":
        r = np.stack([cell.gates(x[:, t], (before[:, t],)).r for t in range(x.shape[1])], axis=1)
        recurrent = [r[..., unit, None] * before] if after else [r * before]
        biases = [one, r[..., unit, None]] if after else [one]
    places: list[tuple[str, tuple[int, ...]]] = [("kernel", (row, column)) for row in range(x.shape[-1])]
    places += [("recurrent_kernel", (row, column)) for row in range(cell.units)]
    places += [("bias", (row, column) if after else (column,)) for row in range(len(biases))]
    return Terms(unit, np.concatenate([x, *recurrent, *biases], axis=-1), places)


def _single(terms: Terms, e: Array, weight: Array) -> tuple[float, tuple[str, tuple[int, ...], float]]:
    """What the best single weight of a unit leaves, in σ, and which it is."""
    A, b = _weighted(terms, e, weight)
    if len(A) < FEWEST:
        return np.inf, ("", (), 0.0)
    size = np.square(A).sum(axis=0)
    δ = np.where(size > 0, A.T @ b / np.where(size > 0, size, 1), 0.0)
    left = np.sqrt(np.mean(np.square(b[:, None] - A * δ), axis=0))
    best = int(left.argmin())
    return float(left[best]), (*terms.places[best], float(δ[best]))


def _left(terms: Terms, e: Array, weight: Array) -> float:
    """What any weights of a unit leave, in σ; infinite if there are too few steps to tell."""
    A, b = _weighted(terms, e, weight)
    steps, unknown = A.shape
    if steps < 2 * unknown:
        return np.inf
    δ = np.linalg.lstsq(A, b, rcond=None)[0]
    return float(np.sqrt(np.sum(np.square(A @ δ - b)) / (steps - unknown)))


def _weighted(terms: Terms, e: Array, weight: Array) -> tuple[Array, Array]:
    """The equations for the weights of a unit, (samples * timesteps, terms), and their right sides, in σ."""
    w = weight[..., terms.unit].reshape(-1, 1)
    known = w[:, 0] > 0
    return (w * terms.values.reshape(len(w), -1))[known], (w[:, 0] * e[..., terms.unit].ravel())[known]
