"""Recognising an LSTM, with whatever it has of peepholes, coupled gates, clipping and a projection.

c' = F·c + I·G        h' = O·g(c')
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from lstm_verify.graph.lift.expressions import Affine, Form, FunctionCall, Leaf, Product, SumFactor, Term
from lstm_verify.graph.lift.functions import bases_of_atom, function_of, recognise, substituted
from lstm_verify.graph.lift.gates import (
    Gate,
    Match,
    RecurrentState,
    Unlike,
    gate_of,
    grouped,
    parts,
    same_activation,
    weights,
)
from lstm_verify.graph.lift.normalization import Normalisation, unnormalised
from lstm_verify.graph.lift.polynomials import gate_or_rest, interpolated, linear_in
from lstm_verify.layers.base import Array
from lstm_verify.layers.recurrent.cell import Cell
from lstm_verify.layers.recurrent.lstm import LSTMCell
from lstm_verify.layers.recurrent.lstm_variants import LSTMVariantCell
from lstm_verify.operations.activations import ActivationFunction


def lstm(h: RecurrentState, c: RecurrentState, name: str) -> Match:
    """Recognise an LSTM, with whatever it has of peepholes, coupled gates, clipping and a projection."""
    unclipped, clip = _clipped(c.new)
    kept, normalisation = unnormalised(unclipped)
    forget, input_and_candidate = linear_in(kept, c.key)
    unclipped_h, projection_clip = _clipped(h.new)
    inner, projection = _projected(unclipped_h)
    new_c = Leaf(f"new {c.leaf.name}", c.leaf.start, c.leaf.stop)
    output, squash = _output(substituted(inner, c.new, new_c), Form.of(new_c).key)
    i, f, candidate, coupled = _lstm_gates(forget, input_and_candidate)
    o = output
    named = {"i": i, "f": f, "c": candidate, "o": o}
    blocks = [key for key in ("i", "f", "c", "o") if key != coupled]
    own = Form.of(h.leaf).key
    found = [parts(named[key].affine, own) for key in blocks]
    kernel, recurrent, bias, input_ = weights(found, c.size, h.size)
    shifts = {key: named[key].function.shift for key in blocks}
    if any(shift for key, shift in shifts.items() if key != "f"):
        raise Unlike
    σ = same_activation([named[key] for key in blocks if key != "c"])
    peepholes = {
        f"peephole_{key}": _peephole(named[key], Form.of(new_c).key if key == "o" else c.key, c.size)
        for key in blocks
        if key != "c"
    }
    if candidate.rest:
        raise Unlike
    activation = candidate.function.activation
    common: dict[str, Any] = {
        "name": name,
        "kernel": kernel,
        "recurrent_kernel": recurrent,
        "bias": bias,
        "activation": activation,
        "recurrent_activation": σ,
        "forget_bias": shifts.get("f", 0.0),
    }
    extras: dict[str, Any] = {
        **peepholes,
        **_normalisations([named[key] for key in blocks], normalisation),
        "output_activation": None if squash == activation else squash,
        "coupled": coupled,
        "cell_clip": clip,
        "projection": projection,
        "projection_clip": projection_clip,
    }
    plain = all(extra is None for extra in extras.values())
    cell: Cell = LSTMCell(**common) if plain else LSTMVariantCell(**common, **extras)
    return Match(cell, (h, c), input_, dict(zip(blocks, found, strict=True)))


def _normalisations(gates: Sequence[Gate], of_state: Normalisation | None) -> dict[str, Any]:
    """The settings of layer normalisation: of all gates and the cell state, or of none."""
    found = [gate.normalisation for gate in gates]
    if of_state is None and not any(found):
        return {}
    epsilons = {of_state.epsilon if of_state else None, *(each.epsilon if each else None for each in found)}
    if len(epsilons) != 1 or of_state is None:
        raise Unlike
    return {
        "layer_norm_epsilon": of_state.epsilon,
        "gamma": np.concatenate([each.gamma for each in found if each]),
        "beta": np.concatenate([each.beta for each in found if each]),
        "state_gamma": of_state.gamma,
        "state_beta": np.array(of_state.beta),
    }


def _clipped(form: Form) -> tuple[Form, float | None]:
    """A form without the clipping to ±limit around it."""
    limit = None
    atom = form.atom
    while isinstance(atom, FunctionCall) and atom.operation in ("clip", "minimum", "maximum"):
        inner = [argument for argument in atom.arguments if isinstance(argument, Form)]
        bounds = {
            abs(float(argument))
            for argument in atom.arguments
            if np.ndim(argument) == 0 and not isinstance(argument, Form)
        }
        if len(inner) != 1 or len(bounds) != 1:
            raise Unlike
        form, limit = inner[0], bounds.pop()
        atom = form.atom
    return form, limit


def _projected(form: Form) -> tuple[Form, Array | None]:
    """A form without the projection around it."""
    atom = form.atom
    if isinstance(atom, Affine) and len(atom.maps) == 1 and not atom.biases:
        ((inner, matrix),) = atom.maps
        if inner.atom is None and inner.terms:
            return inner, matrix
    return form, None


def _lstm_gates(forget: Form, rest: Form) -> tuple[Gate, Gate, Gate, str | None]:
    """The gates i, f and candidate of F·c + the rest; and which of i and f is 1 minus the other."""
    f, inverted = gate_or_rest(forget)
    base = f.function.base.key
    if any(base in bases_of_atom(atom) for term in rest.terms for atom in term.product):
        return f, f, gate_of(interpolated(rest, forget, base)), "f" if inverted else "i"
    if inverted or len(rest.terms) != 1 or rest.constant.any():
        raise Unlike
    groups = grouped(rest.terms[0].product)
    if len(groups) != 2:
        raise Unlike
    i, candidate = _input_first(groups, rest.terms[0].coefficient, f.function.activation)
    return i, f, candidate, None


def _input_first(groups: list[Product], coefficient: Array, σ: ActivationFunction) -> tuple[Gate, Gate]:
    """Which of the two factors of I·G is the gate I: that with the function of the gate F.

    If both have it, nothing in a product tells them apart; their places in the kernel do. The coefficient may belong
    to either.
    """
    one, alike = np.ones(()), None
    for first, second in (groups, groups[::-1]):
        for mine, other in ((one, coefficient), (coefficient, one)):
            i, candidate = recognise(first, mine), recognise(second, other)
            if i is None or candidate is None or i.activation != σ:
                continue
            if candidate.activation != σ:
                return Gate(i), Gate(candidate)
            alike = Gate(i), Gate(candidate)
    if alike is None:
        raise Unlike
    return _by_place(*alike)


def _by_place(first: Gate, second: Gate) -> tuple[Gate, Gate]:
    """Two gates in the order that they have in the kernel."""
    places = [g.affine.maps[0][1].__array_interface__["data"][0] for g in (first, second)]
    return (first, second) if places[0] <= places[1] else (second, first)


def _output(h: Form, c: Hashable) -> tuple[Gate, ActivationFunction]:
    """h' = O·g(c'): O, which all terms share, and g, which is all that depends on c' and on nothing else."""
    if not h.terms or h.constant.any():
        raise Unlike
    shared = [tuple(atom for atom in term.product if set(bases_of_atom(atom)) != {c}) for term in h.terms]
    if not shared[0] or len({frozenset(atom.key for atom in product) for product in shared}) != 1:
        raise Unlike
    of_cell = [tuple(atom for atom in term.product if set(bases_of_atom(atom)) == {c}) for term in h.terms]
    for scale in {1.0, float(np.ravel(h.terms[0].coefficient)[0])}:  # a factor may belong to O, or to g
        terms = [Term(p, np.asarray(t.coefficient / scale)) for p, t in zip(of_cell, h.terms, strict=True)]
        squash = function_of(Form(tuple(terms)))
        output = recognise(shared[0], np.asarray(scale))
        if squash is not None and output is not None and not squash.shift:
            return Gate(output), squash.activation
    raise Unlike


def _peephole(gate_: Gate, state: Hashable, units: int) -> Array | None:
    """The diagonal weights by which a gate sees a cell state."""
    if not gate_.rest:
        return None
    if len(gate_.rest) != 1:
        raise Unlike
    (term,) = gate_.rest
    (atom, *more) = term.product
    form = atom.form if isinstance(atom, SumFactor) else Form.of(atom)
    if more or form.key != state:
        raise Unlike
    return np.array(np.broadcast_to(term.coefficient, (units,)))
