"""Which activation a form is: found by what it computes, not by which operations compute it.

An activation is a function of one quantity, its *base*: a pre-activation, or a cell state. The form is evaluated at
values of the base, and compared with every activation there is (`candidates`).
"""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce

import numpy as np

from lstm_verify.graph.lift.candidates import along_an_axis, elementwise
from lstm_verify.graph.lift.expressions import Affine, Array, Atom, Form, FunctionCall, Leaf, Product, SumFactor, Term
from lstm_verify.graph.lift.normalization import NAME
from lstm_verify.operations import OPERATIONS
from lstm_verify.operations.activations import ActivationFunction
from lstm_verify.operations.lists import LISTS

NOT_THERE = (ValueError, KeyError, TypeError, IndexError)
"""What operations raise at values that are not of the shape that they expect."""


@dataclass(frozen=True)
class Function:
    """An activation of a base, which may have been shifted: `activation(base + shift)`."""

    base: Form
    activation: ActivationFunction
    shift: float = 0.0


def bases_of(form: Form) -> dict[Hashable, Form]:
    """The quantities that a form is a function of, by key: what all its atoms depend on, if that is one; else itself.

    `A σ(A)` is a function of A alone, but `A + w c`, a pre-activation with a peephole, is a quantity of its own. A
    constant is a function of none.
    """
    found: dict[Hashable, Form] = {}
    for term in form.terms:
        for atom in term.product:
            found |= bases_of_atom(atom)
    if len(found) == 1 or not form.terms:
        return found
    for key, base in found.items():  # `a + |a|` is a function of a, though its terms are those of a, and another
        times, rest = parted(form, base)
        if times and len(base.terms) > 1 and bases_of(rest).keys() <= {key}:
            return {key: base}
    return {_normal(form).key: _normal(form)}


def bases_of_atom(atom: Atom) -> dict[Hashable, Form]:
    """The quantities that an atom is a function of, by key; a leaf or an affine atom is one itself."""
    if isinstance(atom, SumFactor):
        return bases_of(atom.form)
    if isinstance(atom, FunctionCall) and atom.operation != NAME:
        found: dict[Hashable, Form] = {}
        for argument in atom.arguments:
            if isinstance(argument, Form):
                found |= bases_of(argument)
        return found
    base = Form.of(atom)
    return {base.key: base}


def _normal(form: Form) -> Form:
    """A sum without its constant, scaled so that its affine atom, or its only term, has the coefficient 1."""
    leading = [t for t in form.terms if len(t.product) == 1 and isinstance(t.product[0], Affine)] or list(form.terms)
    if not leading:
        return form
    scale = leading[0].coefficient
    if scale.ndim or not scale:
        return Form(form.terms)
    return Form(tuple(Term(t.product, np.asarray(t.coefficient / scale)) for t in form.terms))


def evaluate(form: Form, base: Form, values: Array) -> Array:
    """The form at values of its base."""
    times, form = parted(form, base)
    if form.atom is not None and not times:  # it may be no number at all, such as a shape
        return _atom_at(form.atom, base, values)
    total = times * values + form.constant
    for term in form.terms:
        factors = (_atom_at(atom, base, values) for atom in term.product)
        total = total + reduce(np.multiply, factors, term.coefficient)
    return total


def _atom_at(atom: Atom, base: Form, values: Array) -> Array:
    if isinstance(atom, FunctionCall) and atom.operation != NAME:
        if atom.operation in LISTS:
            raise ValueError("a list of tensors, which is no quantity")
        arguments = [evaluate(a, base, values) if isinstance(a, Form) else a for a in atom.arguments]
        result = OPERATIONS[atom.operation](*arguments, **atom.options)
        return np.asarray(result[atom.output] if type(result) is tuple else result)
    if isinstance(atom, SumFactor):
        return evaluate(atom.form, base, values)
    times, rest = parted(Form.of(atom), base)
    if not times or rest.terms:
        raise ValueError("a quantity that is not the base")
    return np.asarray(times * values)


def parted(form: Form, base: Form) -> tuple[float, Form]:
    """How many times a quantity is among the terms of a form, and what else there is."""
    own = {term.key: term for term in form.terms}
    if not base.terms or any(term.key not in own for term in base.terms):
        return 0.0, form
    ratios = np.concatenate([np.ravel(own[term.key].coefficient / term.coefficient) for term in base.terms])
    if not np.allclose(ratios, ratios[0], rtol=1e-9):
        return 0.0, form
    there = {term.key for term in base.terms}
    return float(ratios[0]), Form(tuple(term for term in form.terms if term.key not in there), form.constant)


def shift_of(form: Form) -> float:
    """The number beside the innermost quantity of a form: what is added before the function is applied."""
    for term in form.terms:
        for atom in term.product:
            if isinstance(atom, FunctionCall) and atom.operation != NAME:
                inner = [argument for argument in atom.arguments if isinstance(argument, Form)]
                return shift_of(inner[0]) if inner else 0.0
    return float(np.ravel(form.constant)[0]) if form.constant.ndim == 0 else 0.0


def recognise(product: Product, coefficient: Array) -> Function | None:
    """Find which activation a product of atoms is, of the one quantity that they all depend on.

    Args:
        product: the atoms.
        coefficient: what the product is multiplied with.
    """
    bases = {key: base for atom in product for key, base in bases_of_atom(atom).items()}
    if len(bases) != 1 or coefficient.ndim:
        return None
    return recognise_form(Form((Term(product, coefficient),)), next(iter(bases.values())))


def function_of(form: Form) -> Function | None:
    """Find which activation a form is, of the one quantity that it depends on."""
    if len(form.terms) == 1 and not form.constant.any():
        return recognise(form.terms[0].product, form.terms[0].coefficient)
    bases = bases_of(form)
    return recognise_form(form, next(iter(bases.values()))) if len(bases) == 1 else None


def recognise_form(form: Form, base: Form) -> Function | None:
    """Find which activation of its base a form is."""

    def values(x: Array) -> Array:
        return evaluate(form, base, x)

    shift = shift_of(form)
    for look in (lambda: elementwise(values, shift), lambda: along_an_axis(values)):
        with np.errstate(all="ignore"), suppress(*NOT_THERE):
            if found := look():
                return Function(base, *found)
    return None


def substituted(form: Form, target: Form, leaf: Leaf) -> Form:
    """A form with a leaf in place of a quantity and its multiples, wherever they do not meet weights."""
    if target.constant.any():
        return form
    times, rest = parted(form, target)
    terms = [Term((leaf,), np.asarray(times))] if times else []
    for term in rest.terms:
        terms.append(Term(tuple(_atom_substituted(atom, target, leaf) for atom in term.product), term.coefficient))
    return Form(tuple(terms), form.constant)


def _atom_substituted(atom: Atom, target: Form, leaf: Leaf) -> Atom:
    """The atom with a leaf in place of a quantity."""
    if Form.of(atom).key == target.key:
        return leaf
    if isinstance(atom, SumFactor):
        inner = substituted(atom.form, target, leaf)
        return leaf if inner.atom is leaf else SumFactor(inner)
    if isinstance(atom, FunctionCall):
        arguments = tuple(substituted(a, target, leaf) if isinstance(a, Form) else a for a in atom.arguments)
        return FunctionCall(atom.operation, arguments, atom.options, atom.output)
    return atom
