"""Gates: functions of pre-activations, and the weights that those are made of."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lstm_verify.graph.lift.expressions import Affine, Atom, Form, Key, Leaf, Product, Term
from lstm_verify.graph.lift.functions import Function, bases_of_atom, function_of, recognise
from lstm_verify.graph.lift.normalization import Normalisation, unnormalised
from lstm_verify.layers.base import Array
from lstm_verify.layers.recurrent.cell import Cell
from lstm_verify.operations.activations import ActivationFunction


class Unlike(Exception):
    """The forms are not those of the cell tried."""


@dataclass(frozen=True)
class RecurrentState:
    """A state: the leaf that it is before a step, and its form after it."""

    leaf: Leaf
    new: Form
    size: int

    @property
    def key(self) -> Key:
        """The key of the form that the state is before the step."""
        return Form.of(self.leaf).key


@dataclass(frozen=True)
class Gate:
    """A gate: a function of a pre-activation."""

    function: Function

    @property
    def affine(self) -> Affine:
        """The affine part of the pre-activation, which may be normalised."""
        inner = self.normalisation.inner if self.normalisation else self.function.base
        term = inner.affine()
        if term is None or not isinstance(term.product[0], Affine):
            raise Unlike
        return term.product[0]

    @property
    def normalisation(self) -> Normalisation | None:
        """How the affine part is normalised, if it is."""
        found = (unnormalised(Form((term,)))[1] for term in self.function.base.terms)
        return next((normalisation for normalisation in found if normalisation), None)

    @property
    def rest(self) -> tuple[Term, ...]:
        """What else the pre-activation has: peepholes."""
        affine = self.function.base.affine()
        terms = (term for term in self.function.base.terms if term is not affine)
        return tuple(term for term in terms if unnormalised(Form((term,)))[1] is None)


def gate(product: Product, coefficient: Array) -> Gate:
    """Recognise the function that a product of atoms is."""
    function = recognise(product, coefficient)
    if function is None:
        raise Unlike
    return Gate(function)


def gate_of(form: Form) -> Gate:
    """Recognise the function that a form is."""
    function = function_of(form)
    if function is None:
        raise Unlike
    return Gate(function)


def grouped(product: Product) -> list[Product]:
    """The atoms of a product by what they depend on."""
    found: dict[Hashable, list[Atom]] = {}
    for atom in product:
        found.setdefault(frozenset(bases_of_atom(atom)), []).append(atom)
    return [tuple(atoms) for atoms in found.values()]


def without(product: Product, key: Hashable) -> Product | None:
    """The product without one of its factors; None if it has no such factor."""
    for place, atom in enumerate(product):
        if Form.of(atom).key == key:
            return product[:place] + product[place + 1 :]
    return None


@dataclass(frozen=True)
class Parts:
    """The parts of an affine pre-activation: what meets the state, what meets the input, the bias."""

    recurrent: Array | None
    kernel: Array | None
    bias: Array | None
    input: Form | None
    arrays: tuple[Array, ...] = ()
    """All arrays that it is made of, as views of the weights: the input's kernel, the recurrent one, biases."""

    @property
    def first(self) -> Array:
        """The first of the arrays."""
        return self.arrays[0]

    def negated(self) -> Parts:
        """Those of the negative pre-activation."""
        recurrent, kernel, bias = (None if w is None else -w for w in (self.recurrent, self.kernel, self.bias))
        return Parts(recurrent, kernel, bias, self.input, self.arrays)


@dataclass(frozen=True)
class Match:
    """A cell that was recognised."""

    cell: Cell
    states: tuple[RecurrentState, ...]
    """In the order of the cell: h, or h and c."""
    input: Form
    """What it takes as its input."""
    gates: Mapping[str, Parts]
    """What each gate is made of, by the gate's name, in canonical order."""


def parts(affine: Affine, own: Hashable) -> Parts:
    """Take an affine pre-activation apart.

    Args:
        affine: the pre-activation.
        own: the key of the state that meets the recurrent kernel.
    """
    recurrent = [matrix for form, matrix in affine.maps if form.key == own]
    others = [(form, matrix) for form, matrix in affine.maps if form.key != own]
    if len(recurrent) > 1 or len(others) > 1:
        raise Unlike
    form, kernel = others[0] if others else (None, None)
    arrays = tuple(array for array in (kernel, *recurrent, *affine.biases) if array is not None)
    return Parts(recurrent[0] if recurrent else None, kernel, affine.bias, form, arrays)


def weights(found: Sequence[Parts], units: int, rows: int) -> tuple[Array, Array, Array | None, Form]:
    """Kernel, recurrent kernel and bias of gates in order, and the input that they share."""
    inputs = {part.input.key: part.input for part in found if part.input is not None}
    if len(inputs) != 1:
        raise Unlike
    (input_,) = inputs.values()
    features = next(len(part.kernel) for part in found if part.kernel is not None)
    kernel = [np.zeros((features, units)) if p.kernel is None else p.kernel for p in found]
    recurrent = [np.zeros((rows, units)) if p.recurrent is None else p.recurrent for p in found]
    if any(k.shape != (features, units) for k in kernel) or any(r.shape != (rows, units) for r in recurrent):
        raise Unlike
    has_bias = any(part.bias is not None for part in found)
    bias = [np.zeros(units) if p.bias is None else p.bias for p in found]
    return joined(kernel), joined(recurrent), joined(bias) if has_bias else None, input_


def joined(blocks: Sequence[Array]) -> Array:
    return np.concatenate(blocks, axis=-1)


def same_activation(gates: Sequence[Gate]) -> ActivationFunction:
    names = {gate.function.activation for gate in gates}
    if len(names) != 1:
        raise Unlike
    return names.pop()
